"""The registry's port: it can be closed, so that connections are refused, and opened again under the same number."""

from __future__ import annotations

import socket
from collections.abc import Callable

from aiohttp import web


class Door:
    """Serves what ``make`` builds on a loopback port of its own."""

    def __init__(self, make: Callable[[], web.Application], host: str, patience: float) -> None:
        self._make = make
        self._host = host
        self._patience = patience
        self._runner: web.AppRunner | None = None
        self._kept: socket.socket | None = None
        self.port = 0

    @property
    def is_open(self) -> bool:
        return self._runner is not None

    async def open(self) -> None:
        if self._runner is not None:
            return
        listener, self._kept = self._kept or self._bound(), None
        self._runner = web.AppRunner(
            self._make(), access_log=None, shutdown_timeout=self._patience, handler_cancellation=True
        )
        await self._runner.setup()
        await web.SockSite(self._runner, listener, backlog=512).start()

    async def shut(self) -> None:
        """Refuse connections and end those there are. The port stays ours: bound, but nobody listens."""
        if self._runner is not None:
            await self._end()
            self._kept = self._bound()

    async def aclose(self) -> None:
        await self._end()
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    async def _end(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def _bound(self) -> socket.socket:
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((self._host, self.port))
        self.port = found.getsockname()[1]
        return found
