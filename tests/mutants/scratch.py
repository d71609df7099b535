"""A scratch copy of the repository in which one line at a time is broken."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutants.catalogue import Mutant

SECONDS = 240
_PARTS = (
    "cockpit",
    "screens",
    "themes",
    "tests",
    "pyproject.toml",
    "config.example.toml",
    "constraints.txt",
    "README.md",
)


class Scratch:
    """Its own copy of everything the tests import; the checkout is never touched. To be closed."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(folder),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # most of a quick run is importing plugins it does not use
        }
        folder.mkdir()
        for part in _PARTS:
            source = root / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy2(source, folder / part)
        # Byte code that names the hash of its source: by time and size, a mutant of the same size within the same
        # second would be taken for the sound module.
        compiled = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash"]
        subprocess.run([*compiled, "cockpit", "screens", "themes"], cwd=folder, env=self._environment, check=True)
        warm = Path(__file__).with_name("warm.py")
        self._warm = subprocess.Popen(
            [sys.executable, str(warm), str(SECONDS)],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        assert self._warm.stdin is not None
        self._warm.stdin.close()
        self._warm.wait(timeout=SECONDS)

    def is_tested(self) -> bool:
        """Whether tests run here import this copy and not the installed package."""
        test = self._folder / "tests" / "test_copy.py"
        test.write_text(
            "import cockpit, pathlib, screens\n\n\ndef test_copy() -> None:\n"
            "    for each in (cockpit, screens):\n"
            "        assert pathlib.Path.cwd() in pathlib.Path(each.__file__).parents\n"
        )
        return self.run(["tests/test_copy.py"])[0] == 0

    @contextlib.contextmanager
    def mutated(self, mutant: Mutant) -> Iterator[None]:
        path = self._folder / mutant.file
        sound = path.read_text(encoding="utf-8")
        path.write_text(mutant.apply(sound), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(sound, encoding="utf-8")

    def run(self, tests: Sequence[str]) -> tuple[int, str]:
        """(pytest's exit code, the end of what it said). 1: tests failed; 0: all passed; others: nothing was proven."""
        plugins = ["pytest_asyncio.plugin"]
        if any(test.startswith("tests/ui") for test in tests):
            plugins += ["syrupy", "pytest_textual_snapshot"]
        arguments = ["-q", "-x", "--no-header", "-p", "no:cacheprovider"]
        arguments += [part for plugin in plugins for part in ("-p", plugin)]
        assert self._warm.stdin is not None
        assert self._warm.stdout is not None
        self._warm.stdin.write(json.dumps([*arguments, *tests]) + "\n")
        self._warm.stdin.flush()
        line = self._warm.stdout.readline()
        if not line:
            return 3, "the process that runs the tests has ended"
        answer = json.loads(line)
        said = "\n".join(answer["said"])
        if answer["code"] is None:
            return 1, "the tests hung"  # a hang is a failure that a test run would show
        return answer["code"], said
