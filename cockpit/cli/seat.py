"""Opening a session for one command: everything heavy is imported here, when it is needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from cockpit.cli.output import complain
from cockpit.config import Settings

if TYPE_CHECKING:
    from cockpit.session import Session

T = TypeVar("T")
READY_SECONDS = 20.0
"""How long a command waits for the first complete picture before it says what is missing."""


@asynccontextmanager
async def seated(settings: Settings) -> AsyncIterator[Session]:
    """A ready session, closed at the end. Notices (settled intents, fallbacks) go to standard error, once."""
    from cockpit.session import open_session

    session = await open_session(settings)
    try:
        await session.ready(READY_SECONDS)
        for notice in session.notices:
            complain(notice)
        yield session
    finally:
        await session.close()


def run(settings: Settings, command: Callable[[Session], Awaitable[T]]) -> T:
    """Run one command on a session. Raises what it raises."""

    async def whole() -> T:
        async with seated(settings) as seat:
            return await command(seat)

    return asyncio.run(whole())
