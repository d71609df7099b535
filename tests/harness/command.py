"""The installed ``cockpit`` command, run from a scratch directory with a home of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COCKPIT = Path(sys.executable).parent / "cockpit"

_KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A small environment: nothing of the developer's own settings, caches or variables leaks in."""
    for folder in (home, home / "tmp", home / "run"):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        "LC_ALL": "C.UTF-8",
        **kept,
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "TERM": "xterm-256color",
        **(extra or {}),
    }


class Answer:
    """What a finished command said."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        self.code = done.returncode
        self.raw = done.stdout
        self.out = done.stdout.decode("utf-8", "replace")
        self.err = done.stderr.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The decoded output; NaN and Infinity are refused as a strict reader would."""

        def refuse(constant: str) -> Any:
            raise AssertionError(f"not strict JSON: {constant}")

        return json.loads(self.out, parse_constant=refuse)

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


class Cockpit:
    """The command with fixed leading arguments (``--config FILE`` …)."""

    def __init__(self, home: Path, *leading: str, extra: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.leading = leading
        self.environment = environment(home, extra)

    def start(self, *arguments: str, **popen: Any) -> subprocess.Popen[bytes]:
        """Start it without waiting, its output piped."""
        return subprocess.Popen(
            [str(COCKPIT), *self.leading, *arguments],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **popen,
        )

    def run(self, *arguments: str, timeout: float = 120.0) -> Answer:
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(
                f"cockpit {' '.join(arguments)} did not end in {timeout:g} s: {out!r} {err!r}"
            ) from None
        return Answer(subprocess.CompletedProcess(process.args, process.returncode, out, err))

    def json(self, *arguments: str) -> Any:
        """Run with ``-o json`` and decode, whatever the exit code."""
        answer = self.run(*arguments, "-o", "json")
        try:
            return answer.json
        except ValueError:
            raise AssertionError(f"cockpit {' '.join(arguments)} printed no JSON: {answer!r}") from None
