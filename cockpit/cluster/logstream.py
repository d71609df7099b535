"""Lines of a log stream: stamped, batched, and told apart from those a resumed stream repeats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from cockpit.cluster.stamps import split_stamp
from cockpit.net.lines import LineSplitter

LONGEST_LINE = 64 << 10

_GATHER = 0.1  # seconds a quiet stream waits for more, so that a line per chunk costs a wake-up per ten lines
_QUIET_BYTES = 8 << 10
_BATCH = 1000


class RawLine(NamedTuple):
    """A line as it came: unix nanoseconds (None without a stamp), bytes, and how many bytes were cut off."""

    at: int | None
    text: bytes
    hidden: int = 0


class Position:
    """How far the log of one container instance was read."""

    __slots__ = ("last", "same")

    def __init__(self) -> None:
        self.last: int | None = None
        self.same = 0

    def fresh(self, lines: list[RawLine], resumed: Position | None) -> list[RawLine]:
        """Those of ``lines`` not seen before ``resumed`` was taken; moves on past them."""
        kept = []
        for line in lines:
            at = line.at
            if at is not None:
                if resumed is not None and resumed.last is not None:
                    if at < resumed.last:
                        continue
                    if at == resumed.last and resumed.same > 0:
                        resumed.same -= 1
                        continue
                if self.last is None or at > self.last:
                    self.last, self.same = at, 1
                elif at == self.last:
                    self.same += 1
            kept.append(line)
        return kept

    def copy(self) -> Position:
        twin = Position()
        twin.last, twin.same = self.last, self.same
        return twin


async def pump(stream: AsyncIterator[bytes], emit: Callable[[list[RawLine]], None], *, whole: bool) -> None:
    """Give the lines of ``stream`` to ``emit`` in batches, to its end; the first batch is empty and says "open".

    A stream that trickles is read ten times a second, one that pours at once; no line waits longer than that.
    ``whole``: what follows the last newline is a line, for the log is complete; else it may be half of one.
    """
    loop = asyncio.get_running_loop()
    splitter = LineSplitter(LONGEST_LINE)
    lines: list[RawLine] = []
    pending: asyncio.Handle | None = None
    size = 0
    trickles = False

    def flush() -> None:
        # Called by the loop, so the reader is waiting for its socket: all that had arrived is in ``lines``.
        nonlocal lines, pending, size, trickles
        trickles, size, pending = size < _QUIET_BYTES, 0, None
        batch, lines = lines, []
        emit(batch)

    try:
        async for chunk in stream:
            if not chunk:
                emit([])
                continue
            if trickles:
                trickles = False
                await asyncio.sleep(_GATHER)
            size += len(chunk)
            lines.extend(_line(*pair) for pair in splitter.feed(chunk))
            if len(lines) >= _BATCH:
                batch, lines = lines, []
                emit(batch)
            elif pending is None:
                pending = loop.call_soon(flush)
        if whole:
            lines.extend(_line(*pair) for pair in splitter.flush())
    finally:
        if pending is not None:
            pending.cancel()
        if lines:
            emit(lines)


def _line(raw: bytes, hidden: int) -> RawLine:
    at, text = split_stamp(raw)
    return RawLine(at, text, hidden)
