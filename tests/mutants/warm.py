"""A process that has the libraries loaded and runs pytest in forks of itself; of the code under test it has nothing.

Started as a file by ``scratch``, in the scratch copy. A line in: a JSON list of pytest's arguments. A line out: JSON of
the exit code (null: no end in time) and what was said last.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

_LIBRARIES = (
    "pytest", "asyncio", "ssl", "sqlite3", "httpx", "msgspec", "msgspec.json", "pydantic", "yaml", "rich.console",
    "typer", "platformdirs", "hypothesis", "cryptography.x509", "cryptography.hazmat.primitives.serialization",
    "aiohttp.web", "kubernetes.config", "textual.app",
)  # fmt: skip
_SAID = 15  # lines
_LOOK = 0.02


def main(seconds: float) -> None:
    for name in _LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    ours = [name for name in sys.modules if name.partition(".")[0] in ("cockpit", "screens", "tests")]
    assert not ours, f"loaded before it was mutated: {ours}"
    sys.path[0] = str(Path.cwd())
    for line in sys.stdin:
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
            child = os.fork()
            if child == 0:
                _run(json.loads(line), said.fileno())
            code = _ended(child, seconds)
            said.seek(0)
            print(json.dumps({"code": code, "said": said.read().splitlines()[-_SAID:]}), flush=True)


def _run(arguments: list[str], said: int) -> None:
    """Never returns."""
    code = 3
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(said, 1)
        os.dup2(said, 2)
        import pytest

        code = int(pytest.main(arguments))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _ended(child: int, seconds: float) -> int | None:
    deadline = time.monotonic() + seconds
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(_LOOK)


if __name__ == "__main__":
    main(float(sys.argv[1]))
