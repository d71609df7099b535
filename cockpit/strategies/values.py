"""Reading JSON that may be anything: null lists, missing members and wrong types become "unknown", never an error."""

from __future__ import annotations

import re
from typing import Any

from cockpit.base.text import clean

MESSAGE_LIMIT = 4096
_GO_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def mapping(value: Any) -> dict[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; anything else in it is skipped."""
    return [item for item in items(value) if isinstance(item, dict)]


def integer(value: Any) -> int | None:
    """A JSON integer; None for everything else, booleans included."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


def count(value: Any) -> int:
    """A non-negative count; absent is 0, as Kubernetes omits zeros."""
    return max(integer(value) or 0, 0)


def number_text(value: Any) -> int | None:
    """An integer that the API may write as text (``status.observedGeneration`` of a Rollout)."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return integer(value)


def text(value: Any, limit: int = MESSAGE_LIMIT) -> str:
    """Safe text; empty for everything that is no text."""
    return clean(value, limit) if isinstance(value, str) else ""


def flag(value: Any) -> bool:
    return value is True


def duration(value: Any) -> float | None:
    """Seconds of ``30``, ``"30"`` or a Go duration (``"1h30m"``); None for junk."""
    whole = number_text(value)
    if whole is not None:
        return float(whole) if whole >= 0 else None
    if not isinstance(value, str) or not value or len(value) > 32:
        return None
    matches = list(_GO_DURATION.finditer(value))
    if not matches or "".join(match.group(0) for match in matches) != value:
        return None
    return sum(float(match.group(1)) * _SECONDS[match.group(2)] for match in matches)


def spell(seconds: float) -> str:
    """``45s``, ``10m``, ``1h30m``: the two largest units."""
    whole = max(round(seconds), 0)
    for size, unit, smaller, sub in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size}{unit}" + (f"{rest}{sub}" if rest else "")
    return f"{whole}s"


def percent(ratio: float) -> str:
    """``25 %``, ``0.5 %``."""
    return f"{ratio * 100:.3g} %"


def plural(number: int, noun: str) -> str:
    """``1 pod``, ``3 pods``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
