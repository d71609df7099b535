"""Lines out of chunks: linear in the bytes, bounded in memory, whatever the cuts between chunks."""

from __future__ import annotations


class LineSplitter:
    """Feeds on chunks, gives whole lines without their ending.

    A line longer than ``limit`` is cut there and the rest of it is only counted: it comes out with ``hidden`` bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._held = 0
        self._discarding = 0  # bytes dropped of the line under way, 0 while none are

    def feed(self, chunk: bytes) -> list[tuple[bytes, int]]:
        """(line, hidden bytes) of every line that ended in this chunk."""
        if b"\n" not in chunk:
            self._hold(chunk)
            return []
        *whole, rest = chunk.split(b"\n")
        lines: list[tuple[bytes, int]] = []
        if self._held or self._discarding:
            self._hold(whole[0])
            lines.append(self._take())
            del whole[0]
        limit = self._limit
        for line in whole:
            if len(line) <= limit:
                lines.append((line[:-1] if line.endswith(b"\r") else line, 0))
            else:
                lines.append((line[:limit], len(line) - limit))
        if rest:
            self._hold(rest)
        return lines

    def flush(self) -> list[tuple[bytes, int]]:
        """The unterminated rest, when the stream has ended."""
        return [self._take()] if self._held or self._discarding else []

    def _hold(self, part: bytes) -> None:
        room = self._limit - self._held
        if len(part) > room:
            self._discarding += len(part) - max(room, 0)
            part = part[: max(room, 0)]
        if part:
            self._parts.append(part)
            self._held += len(part)

    def _take(self) -> tuple[bytes, int]:
        line, hidden = b"".join(self._parts), self._discarding
        self._parts.clear()
        self._held = self._discarding = 0
        if not hidden and line.endswith(b"\r"):
            line = line[:-1]
        return line, hidden
