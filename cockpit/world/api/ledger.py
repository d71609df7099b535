"""The ledger: every API request that was served, for tests that prove what was sent."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

_KEPT = 50_000


class Served(msgspec.Struct, omit_defaults=True):
    """One request. ``time`` is virtual; ``body`` is kept for writes only; ``status`` 0: no answer was given."""

    seq: int
    time: float
    method: str
    path: str
    query: str
    user: str
    agent: str
    status: int = 0
    body: Any = None
    content_type: str = ""
    accept: str = ""
    dry_run: bool = False
    fault: int | None = None
    """The fault rule that was applied."""


class Ledger:
    """The last requests, in the order in which they arrived."""

    def __init__(self) -> None:
        self.seq = 0
        self._served: deque[Served] = deque(maxlen=_KEPT)

    def open(self, time: float, method: str, path: str, query: str, user: str, agent: str) -> Served:
        self.seq += 1
        entry = Served(self.seq, time, method, path, query, user, agent)
        self._served.append(entry)
        return entry

    def select(self, since: int = 0, method: str = "", path: str = "") -> list[Served]:
        """Requests after sequence number ``since``; ``method`` may list several, ``path`` is a substring."""
        methods = {part.strip().upper() for part in method.split(",") if part.strip()}
        return [
            entry
            for entry in self._served
            if entry.seq > since and (not methods or entry.method in methods) and path in entry.path
        ]
