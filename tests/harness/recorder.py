"""A pseudo-terminal that keeps every byte sent to it, and pyte as the terminal that understands them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte

DEADLINE_SECONDS = 60.0

# What drawing may consist of: text, CR LF BS, SGR, cursor moves and erasing, scroll regions, DEC private modes, charset
# selection, application keypad, device and mode queries, window title off. Nothing else is drawing.
_DRAWING = re.compile(
    rb"\x1b\[[0-9;:]*[mHfABCDGdJKLMPSTX@rhlbq]"  # SGR, moves, erase, insert/delete, scroll, plain modes, cursor shape
    rb"|\x1b\[[?>=<]?[0-9;]*\$?[hlcnpuqmst]"  # private modes, queries of device and keyboard, kitty keyboard
    rb"|\x1b\[[0-9;]* q"
    rb"|\x1b[78=>M]|\x1b[()][0AB]"
    rb"|\x1b\]22;[a-z-]*\x07"  # shape of the mouse pointer, by Textual itself
    rb"|[\r\n\x08\x0f\x0e]"
)


def not_drawing(raw: bytes) -> bytes:
    """What remains of the bytes to a terminal when drawing and printable text are taken away; empty is good.

    C1 controls are looked for in the decoded text; invalid UTF-8 remains too.
    """
    rest = _DRAWING.sub(b"", raw)
    left = bytearray()
    for character in rest.decode("utf-8", "surrogateescape"):
        code = ord(character)
        if code < 0x20 or 0x7F <= code <= 0x9F or 0xDC80 <= code <= 0xDCFF:
            left += character.encode("utf-8", "surrogateescape")
    return bytes(left)


class Recorder:
    """A command on a pseudo-terminal. ``raw`` grows as the command writes; ``screen`` is what a person would see."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        size: tuple[int, int] = (120, 36),
    ) -> None:
        columns, rows = size
        self.raw = bytearray()
        self._undrawn = bytearray()  # drawn when somebody looks: drawing takes longer than what is timed here
        self._terminal = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._terminal)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(environment),
            cwd=directory,
            start_new_session=True,
        )
        os.close(slave)

    def pump(self, seconds: float) -> bytes:
        """Read what comes within ``seconds`` (until the first chunk); empty at the end of the output or of the time."""
        if not select.select([self._master], [], [], max(0.0, seconds))[0]:
            return b""
        try:
            chunk = os.read(self._master, 1 << 16)
        except OSError:  # the other side is closed
            return b""
        self.raw += chunk
        self._undrawn += chunk
        return chunk

    def send(self, data: bytes) -> None:
        os.write(self._master, data)

    @property
    def screen(self) -> str:
        self._stream.feed(bytes(self._undrawn))
        self._undrawn.clear()
        return "\n".join(line.rstrip() for line in self._terminal.display)

    def wait(self, found: Callable[[str], bool], what: str, deadline: float = DEADLINE_SECONDS) -> str:
        end = time.monotonic() + deadline
        while True:
            shown = self.screen
            if found(shown):
                return shown
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"{what} did not appear in {deadline:g} s; screen:\n{shown}")
            if not self.pump(min(left, 0.5)) and self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode} while waiting for {what}; screen:\n{shown}")

    def wait_for(self, pattern: str, deadline: float = DEADLINE_SECONDS) -> str:
        wanted = re.compile(pattern, re.MULTILINE)
        return self.wait(lambda shown: wanted.search(shown) is not None, repr(pattern), deadline)

    def finish(self) -> None:
        """End the command and read all it wrote: what was read so far may stop inside a sequence."""
        self.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + DEADLINE_SECONDS
        while self.pump(0.5) or self.process.poll() is None:
            if time.monotonic() > end:
                raise AssertionError(f"did not end within {DEADLINE_SECONDS:g} s of SIGTERM; screen:\n{self.screen}")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)
        os.close(self._master)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
