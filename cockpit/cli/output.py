"""What goes to standard output and standard error: strict JSON, clean text, one sentence per error."""

from __future__ import annotations

import json
import math
import shutil
import sys
from typing import Any

from cockpit.base.errors import ExitCode
from cockpit.base.text import clean
from cockpit.model.plan import Result

EXIT: dict[Result, ExitCode] = {
    "done": ExitCode.DONE,
    "nothing-to-do": ExitCode.DONE,
    "planned": ExitCode.DONE,
    "accepted": ExitCode.NOT_YET,
    "moved": ExitCode.REFUSED,
    "refused": ExitCode.REFUSED,
    "denied": ExitCode.REFUSED,
    "failed": ExitCode.REFUSED,
    "unknown": ExitCode.UNKNOWN,
}
"""Result of a verb -> exit code."""


def strict(value: Any) -> Any:
    """The same value without what strict JSON lacks: a number that is not finite becomes null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    return value


def dumps(value: Any, indent: int | None = 2) -> str:
    """Strict JSON in ASCII, so that no byte of it can steer a terminal."""
    return json.dumps(strict(value), allow_nan=False, ensure_ascii=True, indent=indent)


def say(text: str = "") -> None:
    """Print text made of clean lines (line breaks are ours; everything else is cleaned again at this border)."""
    safe = "\n".join(clean(line).rstrip() for line in text.split("\n"))
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(safe.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()


def complain(sentence: str) -> None:
    """One sentence on standard error."""
    encoding = sys.stderr.encoding or "ascii"
    line = f"cockpit: {clean(sentence, 2000)}"
    sys.stderr.write(line.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stderr.flush()


def width() -> int:
    """Columns to write for: the terminal's, 80 where there is none."""
    return max(40, shutil.get_terminal_size((80, 24)).columns) if sys.stdout.isatty() else 80


def cut(text: str, columns: int) -> str:
    """At most ``columns`` characters, an ellipsis where something is missing."""
    return text if len(text) <= columns else text[: max(0, columns - 1)] + "…"
