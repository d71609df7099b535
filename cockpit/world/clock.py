"""Virtual time: a discrete-event queue that a driver moves along wall time, or a test moves by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable


class Timer:
    """A scheduled callback; ``cancel`` makes it a no-op."""

    __slots__ = ("at", "callback")

    def __init__(self, at: float, callback: Callable[[], None] | None) -> None:
        self.at = at
        self.callback = callback

    def cancel(self) -> None:
        self.callback = None


class WorldClock:
    """Unix seconds of the world, and the queue of what happens next.

    All behaviour of controllers and traffic runs inside callbacks of this queue, in order of (time, insertion), so a
    world is a pure function of its seed, its scenario and the requests it received at which virtual times.
    ``speed`` 1 follows wall time, 60 runs an hour a minute, 0 stands still until ``advance``.
    """

    def __init__(self, epoch: float, speed: float = 1.0) -> None:
        self.speed = speed
        self._now = epoch
        self._queue: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._wall = time.monotonic()
        self._wake = asyncio.Event()

    def now(self) -> float:
        """Virtual unix seconds. Moves only when the queue is run, never between two reads within a callback."""
        return self._now

    def call_at(self, at: float, callback: Callable[[], None]) -> Timer:
        """Run ``callback`` at virtual time ``at`` (at once, in order, when that has passed)."""
        timer = Timer(max(at, self._now), callback)
        heapq.heappush(self._queue, (timer.at, next(self._order), timer))
        self._wake.set()
        return timer

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        return self.call_at(self._now + delay, callback)

    def rewind(self, seconds: float) -> None:
        """Set the clock back, and all that is scheduled with it: room for a history before the world is shown."""
        self._now -= seconds
        for _, _, timer in self._queue:
            timer.at -= seconds
        self._queue = [(timer.at, order, timer) for _, order, timer in self._queue]

    def advance(self, seconds: float) -> None:
        """Move virtual time forward, running everything due, in order. Synchronous and exact."""
        self.run_until(self._now + seconds)

    def run_until(self, target: float) -> None:
        while self._queue and self._queue[0][0] <= target:
            at, _, timer = heapq.heappop(self._queue)
            self._now = max(self._now, at)
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback()
        self._now = max(self._now, target)

    def catch_up(self) -> None:
        """Bring virtual time to where wall time says it is; called by the driver and before serving a request."""
        wall = time.monotonic()
        elapsed, self._wall = wall - self._wall, wall
        if self.speed > 0:
            self.run_until(self._now + elapsed * self.speed)

    def set_speed(self, speed: float) -> None:
        self.catch_up()
        self.speed = speed
        self._wake.set()

    def restart_wall(self) -> None:
        """Forget the wall time spent before serving (start-up, fast-forward)."""
        self._wall = time.monotonic()

    async def drive(self) -> None:
        """Follow wall time until cancelled, sleeping until the next event is due (at most 50 ms)."""
        while True:
            self.catch_up()
            self._wake.clear()
            if self.speed <= 0:
                await self._wake.wait()
                continue
            due = (self._queue[0][0] - self._now) / self.speed if self._queue else 0.05
            await asyncio.sleep(min(max(due, 0.001), 0.05))
