"""LogStore: the lines a pane keeps, bounded by number and bytes, and the part of them that passes its switches."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable

from cockpit.model.log import LogLine

LINES = 10_000
BYTES = 8 * 2**20
_OVERHEAD = 64


class LogStore:
    """``view`` is what passes, oldest first. ``missed`` counts lines that the feed gave no more."""

    def __init__(self) -> None:
        self.errors_only = False
        self.previous_only = False
        self.container: str | None = None
        self.view: list[LogLine] = []
        self.containers: set[str] = set()
        self.missed = 0
        self.last_seq = 0
        self._kept: list[LogLine] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget the lines, keep the switches."""
        self.view.clear()
        self.containers.clear()
        self._kept.clear()
        self._bytes = self.missed = self.last_seq = 0

    def add(self, lines: Iterable[LogLine], newest: int) -> int:
        """Take lines newer than ``last_seq``; gives how many of them pass. ``newest`` is the feed's."""
        passed = 0
        for line in lines:
            if self.last_seq and line.seq > self.last_seq + 1:
                self.missed += line.seq - self.last_seq - 1
            self.last_seq = line.seq
            self._kept.append(line)
            self._bytes += len(line.text) + _OVERHEAD
            self.containers.add(line.container)
            if self._passes(line):
                self.view.append(line)
                passed += 1
        self.last_seq = max(self.last_seq, newest)
        self._trim()
        return passed

    def refilter(self) -> None:
        """Judge all lines anew: a switch was turned."""
        self.view = [line for line in self._kept if self._passes(line)]

    def cycle_container(self) -> None:
        names: list[str | None] = [None, *sorted(name for name in self.containers if name)]
        at = names.index(self.container) if self.container in names else 0
        self.container = names[(at + 1) % len(names)]
        self.refilter()

    def hits(self, pattern: re.Pattern[str] | None) -> list[int]:
        """``seq`` of the lines in view that match."""
        if pattern is None:
            return []
        return [line.seq for line in self.view if not line.note and pattern.search(line.text)]

    def index(self, seq: int) -> int:
        """Where in ``view`` a line stands, or the first after it."""
        return bisect_left(self.view, seq, key=_seq)

    def index_at(self, stamp: float) -> int:
        """The last line in view that is not younger than ``stamp``."""
        return max((i for i, line in enumerate(self.view) if line.at is not None and line.at <= stamp), default=0)

    def _passes(self, line: LogLine) -> bool:
        if line.note:
            return True
        if self.errors_only and line.level != "error":
            return False
        if self.previous_only and not line.previous:
            return False
        return self.container is None or line.container == self.container

    def _trim(self) -> None:
        drop = max(0, len(self._kept) - LINES)
        size = self._bytes - sum(len(line.text) + _OVERHEAD for line in self._kept[:drop])
        while size > BYTES and drop < len(self._kept):
            size -= len(self._kept[drop].text) + _OVERHEAD
            drop += 1
        if not drop:
            return
        del self._kept[:drop]
        self._bytes = size
        oldest = self._kept[0].seq if self._kept else self.last_seq + 1
        del self.view[: self.index(oldest)]


def _seq(line: LogLine) -> int:
    return line.seq
