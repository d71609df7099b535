"""Long answers: watches and followed logs, which tests can cut, end or pollute from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from aiohttp import web


class Cut(Exception):
    """The connection was broken on purpose."""


class Stream:
    """One open stream. ``wake`` is set whenever its task has something to look at."""

    def __init__(
        self,
        kind: Literal["watch", "log"],
        plural: str,
        user: str,
        response: web.StreamResponse,
        abort: Callable[[], None],
    ) -> None:
        self.kind = kind
        self.plural = plural
        self.user = user
        self.response = response
        self.wake = asyncio.Event()
        self.closing = False
        self.cut_after: int | None = None
        self._injected: list[bytes] = []
        self._abort = abort
        self.written = 0

    def inject(self, data: bytes) -> None:
        """Send ``data`` as if the server had."""
        self._injected.append(data)
        self.wake.set()

    def close(self) -> None:
        """End cleanly."""
        self.closing = True
        self.wake.set()

    def abort(self) -> None:
        """Break the connection at once."""
        self.closing = True
        self._abort()
        self.wake.set()

    async def write(self, data: bytes) -> None:
        if self.cut_after is not None and self.written + len(data) > self.cut_after:
            await self.response.write(data[: self.cut_after - self.written])
            self.abort()
            raise Cut
        self.written += len(data)
        await self.response.write(data)

    async def flush_injected(self) -> None:
        injected, self._injected = self._injected, []
        for data in injected:
            await self.write(data)

    async def wait(self, seconds: float | None) -> None:
        """Until something happened or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self.wake.wait()
        except TimeoutError:
            pass
        self.wake.clear()


class Streams:
    """All open streams."""

    def __init__(self) -> None:
        self._open: set[Stream] = set()

    def add(self, stream: Stream) -> None:
        self._open.add(stream)

    def discard(self, stream: Stream) -> None:
        self._open.discard(stream)

    def select(self, kind: str = "", plural: str = "", user: str = "") -> list[Stream]:
        return [
            stream
            for stream in self._open
            if kind in ("", stream.kind) and plural in ("", stream.plural) and user in ("", stream.user)
        ]
