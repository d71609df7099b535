"""A scratch copy of the repository in which one line at a time is broken."""

from __future__ import annotations

import contextlib
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
    """Its own copy of everything the tests import; the checkout is never touched."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(folder),
            # No byte code: a mutant of the same size within the same second would be taken for the sound module.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # most of a quick run is importing plugins it does not use
        }
        folder.mkdir()
        for part in _PARTS:
            source = root / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy2(source, folder / part)

    def is_tested(self) -> bool:
        """Whether tests run here import this copy and not the installed package."""
        guard = (
            "import cockpit, pathlib, sys; sys.exit(pathlib.Path.cwd() not in pathlib.Path(cockpit.__file__).parents)"
        )
        command = [sys.executable, "-c", guard]
        return subprocess.run(command, cwd=self._folder, env=self._environment, check=False).returncode == 0

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
        command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider"]
        command += [part for plugin in plugins for part in ("-p", plugin)]
        command += tests
        try:
            done = subprocess.run(
                command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return 1, "the tests hung"  # a hang is a failure that a test run would show
        return done.returncode, "\n".join((done.stdout + done.stderr).splitlines()[-15:])
