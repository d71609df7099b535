"""An event loop whose time is virtual: hours of back-off, silence and bookmarks pass in milliseconds, exactly."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from cockpit.base.clock import Clock

T = TypeVar("T")

EPOCH = 1_780_000_000.0
_DEADLOCK = 5.0


class _Selector(selectors.DefaultSelector):
    """Looks at real descriptors without waiting; where the loop would wait for a timer, time moves to it."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = super().select(_DEADLOCK)
            if not ready:
                raise RuntimeError("nothing is scheduled and nothing arrives: the test waits for ever")
            return ready
        self.loop.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.now = 1000.0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def virtual_clock(time_scale: float = 1.0) -> Clock:
    """A session clock on the running loop's time."""
    loop = asyncio.get_running_loop()
    return Clock(time_scale, monotonic=loop.time, unix=lambda: EPOCH + loop.time())
