"""Terminals as bastion hosts have them: a serial console and a fresh pty of a container do not know their size."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Iterator

import pytest

from screens import give_size


@pytest.fixture
def terminal() -> Iterator[int]:
    ours, theirs = pty.openpty()
    yield theirs
    os.close(ours)
    os.close(theirs)


def size(terminal: int) -> tuple[int, int]:
    rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8)))
    return columns, rows


def test_a_terminal_without_a_size_is_given_one(terminal: int) -> None:
    assert size(terminal) == (0, 0)
    give_size(terminal)
    assert size(terminal) == (80, 24)


def test_a_size_that_is_known_stays(terminal: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    give_size(terminal)
    assert size(terminal) == (120, 36)


def test_what_is_no_terminal_is_left_alone() -> None:
    reading, writing = os.pipe()
    give_size(writing)
    os.close(reading)
    os.close(writing)
