"""What measurements share: a world of a size, the cockpit on a pseudo-terminal, frames timed to their last byte."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.harness.command import COCKPIT, environment
from tests.harness.recorder import Recorder
from tests.harness.world import WorldProcess

GAP = 0.02
"""Seconds of silence that end a frame."""
WRITE_GAP = 0.002
"""The same where frames follow each other: one is written in pieces, but at once."""


@contextlib.contextmanager
def world(**options: Any) -> Iterator[WorldProcess]:
    """A world in a scratch folder."""
    with (
        tempfile.TemporaryDirectory(prefix="cockpit-bench-") as scratch,
        WorldProcess(Path(scratch), **options) as made,
    ):
        yield made


@contextlib.contextmanager
def screens(on: WorldProcess, *arguments: str, size: tuple[int, int] = (120, 36)) -> Iterator[Recorder]:
    """The screens on a world, recorded; the process has a home of its own."""
    with tempfile.TemporaryDirectory(prefix="cockpit-bench-home-") as home:
        command = [str(COCKPIT), "--config", str(on.config), *arguments]
        with Recorder(command, environment=environment(Path(home)), directory=Path(home), size=size) as made:
            yield made


def drain(recorder: Recorder, seconds: float) -> int:
    """Read for so long; bytes that came."""
    before, end = len(recorder.raw), time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        recorder.pump(left)
    return len(recorder.raw) - before


def quiet(recorder: Recorder, seconds: float = 1.0, most: float = 30.0) -> None:
    """Read until nothing came for ``seconds``."""
    end = time.monotonic() + most
    while time.monotonic() < end and recorder.pump(seconds):
        pass


def press(recorder: Recorder, key: bytes, most: float = 5.0) -> float | None:
    """Seconds from write() to the last byte of the frame that answers; None when none came."""
    began = time.perf_counter()
    recorder.send(key)
    if not recorder.pump(most):
        return None
    last = time.perf_counter()
    while recorder.pump(GAP):
        last = time.perf_counter()
    return last - began


def press_for(recorder: Recorder, key: bytes, sign: bytes, most: float = 5.0) -> float | None:
    """Seconds from write() to the last byte of the frame that shows ``sign``, among frames that others cause."""
    seen, began = bytearray(), time.perf_counter()
    recorder.send(key)
    while (left := began + most - time.perf_counter()) > 0:
        seen += recorder.pump(left)
        if sign in seen:
            last = time.perf_counter()
            while recorder.pump(WRITE_GAP):
                last = time.perf_counter()
            return last - began
    return None
