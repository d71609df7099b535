"""A terminal multiplexer as the screen: a tmux server of its own, keys in, cells out, waits on text instead of time."""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

POLL_SECONDS = 0.05
DEADLINE_SECONDS = 60.0
"""How long a screen may take before a test gives up: generous, because a pass never waits for it."""


class Tmux:
    """One command in one tmux window. Nothing of the user's tmux is read or touched."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (120, 36),
        environment: Mapping[str, str],
        directory: Path,
        term: str = "screen-256color",
    ) -> None:
        self._server = f"cockpit-test-{uuid.uuid4().hex[:12]}"
        # Not below ``directory``: the path of a Unix socket has at most 107 bytes, and a test's folder may be deep.
        self._sockets = tempfile.TemporaryDirectory(prefix="tmux-")
        self._environment = dict(environment)
        settings = directory / "tmux.conf"
        settings.write_text(
            f"set -g default-terminal {term}\nset -sg escape-time 0\nset -g status off\n"
            "set -g remain-on-exit on\nset -g history-limit 0\nset -g set-clipboard off\n"
        )
        # env -i: a tmux server hands its own environment to the command, and the tests mean exactly the given one.
        assignments = [f"{name}={value}" for name, value in self._environment.items() if name != "TERM"]
        line = "exec " + shlex.join(
            ["env", "-i", *assignments, "/bin/sh", "-c", f'TERM={term} exec "$@"', "sh", *command]
        )
        columns, rows = size
        self._run(
            "-f", str(settings), "new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(directory), line
        )

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._server, *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
            env={
                "PATH": self._environment["PATH"],
                "LC_ALL": "C.UTF-8",
                "TMUX_TMPDIR": self._sockets.name,
                "TERM": "xterm",
            },
        )
        if done.returncode != 0:
            raise AssertionError(f"tmux {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def keys(self, *keys: str) -> None:
        """Send keys by tmux names (``Enter``, ``Escape``, ``C-s``, ``X``)."""
        for key in keys:
            self._run("send-keys", "--", key)

    def type(self, text: str) -> None:
        """Send text literally."""
        self._run("send-keys", "-l", "--", text)

    def screen(self) -> str:
        """What is on the screen, one line per row."""
        return self._run("capture-pane", "-p")

    def colours(self) -> str:
        """The screen with its SGR sequences, as tmux understood them."""
        return self._run("capture-pane", "-p", "-e")

    @property
    def pid(self) -> int:
        """Process id of the command (the shell was replaced by exec)."""
        return int(self._run("display-message", "-p", "#{pane_pid}"))

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        dead, code = self._run("display-message", "-p", "#{pane_dead} #{pane_dead_status}").rstrip("\n").split(" ", 1)
        return int(code or 0) if dead == "1" else None

    def resize(self, columns: int, rows: int) -> None:
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def wait(self, found: Callable[[str], bool], what: str, deadline: float = DEADLINE_SECONDS) -> str:
        """Poll the screen until ``found`` says yes; returns that screen. Fails at once when the command has ended."""
        end = time.monotonic() + deadline
        while True:
            shown = self.screen()
            if found(shown):
                return shown
            if (code := self.exit_code) is not None:
                raise AssertionError(f"ended with {code} while waiting for {what}; screen:\n{self.screen()}")
            if time.monotonic() > end:
                raise AssertionError(f"{what} did not appear in {deadline:g} s; screen:\n{shown}")
            time.sleep(POLL_SECONDS)

    def wait_for(self, pattern: str, deadline: float = DEADLINE_SECONDS) -> str:
        """Wait until a regular expression matches the screen."""
        wanted = re.compile(pattern, re.MULTILINE)
        return self.wait(lambda shown: wanted.search(shown) is not None, repr(pattern), deadline)

    def wait_gone(self, pattern: str, deadline: float = DEADLINE_SECONDS) -> str:
        unwanted = re.compile(pattern, re.MULTILINE)
        return self.wait(lambda shown: unwanted.search(shown) is None, f"the absence of {pattern!r}", deadline)

    def wait_exit(self, deadline: float = DEADLINE_SECONDS) -> int:
        end = time.monotonic() + deadline
        while (code := self.exit_code) is None:
            if time.monotonic() > end:
                raise AssertionError(f"did not end in {deadline:g} s; screen:\n{self.screen()}")
            time.sleep(POLL_SECONDS)
        return code

    def close(self) -> None:
        subprocess.run(
            ["tmux", "-L", self._server, "kill-server"],
            check=False,
            capture_output=True,
            timeout=30,
            env={"PATH": self._environment["PATH"], "TMUX_TMPDIR": self._sockets.name},
        )
        self._sockets.cleanup()

    def __enter__(self) -> Tmux:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
