"""The face: Textual and nothing else. ``run`` is the only way in; it sets the terminal's environment first."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import sys
import termios
from collections.abc import Awaitable, Callable, MutableMapping

from cockpit.config import Settings
from cockpit.ports import Opener, Seat

SSH_FRAMES_PER_SECOND = 2.0
"""Frames over a slow link cost more than they show."""


def run(
    open_seat: Opener,
    settings: Settings,
    *,
    start: tuple[str | None, str, str] | None = None,
    on_close: Callable[[Seat], Awaitable[None]] | None = None,
) -> int:
    """Show the cockpit until the person leaves; returns the exit code.

    ``open_seat`` is awaited after the first frame is on screen. ``start``: (kind or None, namespace, name) of a rollout
    to open at once. ``on_close`` is awaited with the seat on the same event loop after the screens are gone; without it
    the seat's own ``close()`` is, where there is one.
    """
    prepare_environment(os.environ)
    give_size(sys.__stdout__.fileno() if sys.__stdout__ is not None else 1)
    from screens.app import CockpitApp  # Textual reads its environment when it is imported

    return CockpitApp(open_seat, settings, start=start, on_close=on_close).start()


def prepare_environment(environ: MutableMapping[str, str]) -> None:
    """What must be set before Textual is imported; a value the person set stays."""
    environ.setdefault("ESCDELAY", "50")  # the default of 100 ms is felt on every Esc; less cuts arrow keys in two
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    if over_ssh(environ):
        environ.setdefault("TEXTUAL_FPS", "30")


def over_ssh(environ: MutableMapping[str, str]) -> bool:
    return bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))


def give_size(terminal: int) -> None:
    """A serial console, ``expect`` and a pty of a container say 0x0: 80x24 then, until they know better.

    Textual and Rich each take another size for it, and would resize each other for ever.
    """
    with contextlib.suppress(OSError):  # not a terminal
        rows, columns, *pixels = struct.unpack("HHHH", fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8)))
        if not rows or not columns:
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, *pixels))
