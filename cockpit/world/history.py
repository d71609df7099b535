"""What recently happened to one resource type: the window from which watches resume and old lists are rebuilt."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple


class Event(NamedTuple):
    """A committed write, encoded. ``data`` is the object after it (the final one when DELETED), ``old`` before it."""

    version: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    namespace: str
    name: str
    data: bytes
    labels: Mapping[str, str]
    old: bytes | None
    old_labels: Mapping[str, str]


class History:
    """Events in order, bounded by count and bytes. ``floor``: resuming from below it is answered 410 Expired."""

    def __init__(self, max_events: int, max_bytes: int, *, floor: int = 0) -> None:
        self.floor = floor
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._max_events = max_events
        self._max_bytes = max_bytes

    def append(self, event: Event) -> None:
        self._events.append(event)
        self._bytes += len(event.data)  # ``old`` is the ``data`` of an earlier event or of nothing that stays
        while len(self._events) > self._max_events or self._bytes > self._max_bytes:
            self._drop()

    def compact(self, version: int) -> None:
        """Forget everything up to and including ``version``."""
        while self._events and self._events[0].version <= version:
            self._drop()
        self.floor = max(self.floor, version)

    def since(self, version: int) -> list[Event] | None:
        """Events after ``version``; None when some of them are no longer known."""
        if version < self.floor:
            return None
        return list(reversed(list(self._newest_first(version))))

    def undo(self, version: int) -> Iterator[Event] | None:
        """Events after ``version``, newest first, to walk the present back to it; None when that is not possible."""
        return None if version < self.floor else self._newest_first(version)

    def _newest_first(self, version: int) -> Iterator[Event]:
        for event in reversed(self._events):
            if event.version <= version:
                return
            yield event

    def _drop(self) -> None:
        event = self._events.popleft()
        self._bytes -= len(event.data)
        self.floor = event.version
