"""A bounded ring of one arm's log lines, merged by time, with its rate; implements ``ports.LogFeed``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from sys import intern

from cockpit.base.text import clean
from cockpit.cluster.logstream import RawLine
from cockpit.logs.level import level_of
from cockpit.model.log import LogLine

MOST_LINES = 10_000
MOST_BYTES = 8 << 20
REORDER_SECONDS = 0.3
"""Lines of several streams are held this long, so that they can be put in the order in which they were written."""

_LONGEST_TEXT = 4 << 10
_LINE_COST = 160  # bytes a line costs beside its text
_RATE_SECONDS = 10
_ERROR_SECONDS = 60
_SHORTEST_SECONDS = 5.0
_HOLD_SECONDS = 2.0  # at most: while streams open, their tails are still arriving in any order


class _Held:
    """A line that waits for those written before it."""

    __slots__ = ("arrived", "at", "container", "line", "note", "order", "pod", "previous")

    def __init__(
        self, at: int, order: int, arrived: float, pod: str, container: str, line: RawLine, previous: bool, note: bool
    ) -> None:
        self.at = at
        self.order = order
        self.arrived = arrived
        self.pod = pod
        self.container = container
        self.line = line
        self.previous = previous
        self.note = note


class Feed:
    """Lines of all streams of an arm. ``wall`` reads monotonic, ``cluster`` cluster seconds."""

    def __init__(self, wall: Callable[[], float], cluster: Callable[[], float]) -> None:
        self._wall = wall
        self._cluster = cluster
        self._ring: deque[LogLine] = deque()
        self._bytes = 0
        self._newest = 0
        self._dropped = 0
        self._held: list[_Held] = []
        self._order = 0
        self._seconds: dict[int, list[int]] = {}  # stamp's second -> [lines, errors]
        self._states: dict[str, str] = {}
        self._known_since: float | None = None
        self._hold_until = wall() + _HOLD_SECONDS
        self.streams = 0
        self.empty_reason = ""
        """Why there is no stream, shown when there is none."""

    @property
    def newest(self) -> int:
        return self._newest

    @property
    def dropped(self) -> int:
        return self._dropped

    @property
    def rate(self) -> float | None:
        found = self._counted(_RATE_SECONDS, 0)
        return None if found is None else found[0] / found[1]

    @property
    def errors_per_minute(self) -> float | None:
        found = self._counted(_ERROR_SECONDS, 1)
        return None if found is None else found[0] * 60.0 / found[1]

    @property
    def status(self) -> str:
        if not self.streams and not self._states:
            return self.empty_reason
        troubled = {stream: state for stream, state in self._states.items() if state}
        if not troubled:
            return self.empty_reason if not self.streams else ""
        stream, state = next(iter(troubled.items()))
        many = f"{len(troubled)} of {max(self.streams, len(troubled))} streams: " if self.streams > 1 else ""
        return f"{many}{stream}: {state}"

    def after(self, seq: int, limit: int = 1000) -> Sequence[LogLine]:
        fresh = min(self._newest - seq, len(self._ring), limit)
        if fresh <= 0:
            return ()
        return tuple(islice(reversed(self._ring), fresh))[::-1]

    def add(self, pod: str, container: str, lines: Sequence[RawLine], previous: bool) -> None:
        """Take lines of one stream, in its order."""
        now = self._wall()
        floor = 0
        for line in lines:
            # A line without a stamp stays behind the one before it.
            floor = line.at if line.at is not None else floor or self._now_ns()
            self._order += 1
            self._held.append(_Held(floor, self._order, now, pod, container, line, previous, False))

    def note(self, pod: str, container: str, text: str, at: float | None = None) -> None:
        """Say something of our own, at its place in time (unix seconds; None: now)."""
        self._order += 1
        line = RawLine(int(at * 1e9) if at is not None else self._now_ns(), text.encode())
        self._held.append(_Held(line.at or 0, self._order, self._wall(), pod, container, line, False, True))

    def state(self, stream: str, text: str) -> None:
        """Say how a stream fares; empty when it flows."""
        self._states[stream] = clean(text, 300)

    def forget(self, stream: str) -> None:
        self._states.pop(stream, None)

    @property
    def waiting(self) -> bool:
        """Whether lines are held back for the order's sake."""
        return bool(self._held)

    def release(self, *, all_: bool = False) -> int:
        """Put into the ring what was held long enough, and what was written before it. Returns how many."""
        held = self._held
        opening = len(self._states) < self.streams and self._wall() < self._hold_until
        if not held or (opening and not all_):
            return 0
        # By stamp; at the same stamp in the order of arrival, which is each stream's own.
        held.sort(key=lambda item: (item.at, item.order))
        count = len(held)
        if not all_:
            due = self._wall() - REORDER_SECONDS
            while count and held[count - 1].arrived > due:
                count -= 1
        for item in held[:count]:
            self._append(item)
        del held[:count]
        return count

    def _append(self, item: _Held) -> None:
        line = item.line
        text = clean(line.text.decode("utf-8", "replace"), _LONGEST_TEXT)
        if line.hidden:
            text = _longer(text, line.hidden)
        level = "" if item.note else level_of(text)
        self._newest += 1
        made = LogLine(
            self._newest,
            item.at / 1e9 if line.at is not None else None,
            intern(item.pod),
            intern(item.container),
            level,
            text,
            item.note,
            item.previous,
        )
        self._ring.append(made)
        self._bytes += len(text) + _LINE_COST
        if not item.note and line.at is not None:
            second = self._seconds.setdefault(line.at // 1_000_000_000, [0, 0])
            second[0] += 1
            second[1] += level == "error"
            if self._known_since is None or (made.at is not None and made.at < self._known_since):
                self._known_since = made.at  # a tail reaches back before the stream was opened
            if len(self._seconds) > 4 * _ERROR_SECONDS:
                newest = sorted(self._seconds)[-2 * _ERROR_SECONDS :]
                self._seconds = {key: self._seconds[key] for key in newest}
        while len(self._ring) > MOST_LINES or (self._bytes > MOST_BYTES and len(self._ring) > 1):
            self._bytes -= len(self._ring.popleft().text) + _LINE_COST
            self._dropped += 1

    def _counted(self, span: int, column: int) -> tuple[int, float] | None:
        """(count, seconds it was counted over), by the lines' own stamps; None when that is too short to say."""
        if self._known_since is None or not self.streams:
            return None
        now = self._cluster()
        covered = min(span, now - self._known_since)
        if covered < _SHORTEST_SECONDS:
            return None
        floor = now - covered
        return sum(counts[column] for second, counts in self._seconds.items() if second >= int(floor)), covered

    def opened(self) -> None:
        """A stream flows: from now on silence means that nothing was written."""
        if self._known_since is None:
            self._known_since = self._cluster()

    def _now_ns(self) -> int:
        return int(self._cluster() * 1e9)


def _longer(text: str, hidden: int) -> str:
    """``text`` with the bytes its stream already cut off added to what it says is hidden."""
    head, mark, tail = text.rpartition("…(+")
    if mark and tail.endswith(")") and tail[:-1].isdigit():
        return f"{head}…(+{int(tail[:-1]) + hidden})"
    return f"{text}…(+{hidden})"
