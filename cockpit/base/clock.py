"""The clock of a session: wall (monotonic) time, local unix time and cluster time in one object."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

GRID_SECONDS = 15.0
"""Evidence lies on strata of this length, counted from the canary's start."""

_EARLIEST, _LATEST = 946_684_800.0, 32_503_680_000.0
"""2000 to 3000: a Date outside of it is junk, and arithmetic with it would leave what calendars can hold."""
_TOLERANCE = 1.0  # an HTTP Date header is cut to whole seconds


class Clock:
    """Reads time for everything in a session; the only place that asks the operating system for it.

    Cluster time is the server's ``Date`` plus the wall time elapsed since, times ``time_scale`` (1 in production, the
    speed of the embedded world otherwise), so that a laptop with a wrong clock still shows right ages.
    """

    def __init__(
        self,
        time_scale: float = 1.0,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        unix: Callable[[], float] = time.time,
    ) -> None:
        self.time_scale = time_scale
        self._monotonic = monotonic
        self._unix = unix
        self._anchor_wall = monotonic()
        self._anchor_cluster = unix()
        self.synced = False

    def wall(self) -> float:
        """Monotonic seconds: time-outs, back-off, lifetimes."""
        return self._monotonic()

    def local(self) -> float:
        """Unix seconds of this machine: the journal's timestamps."""
        return self._unix()

    def cluster(self) -> float:
        """Unix seconds as the cluster sees them: ages, pauses, "since"."""
        return self._anchor_cluster + (self._monotonic() - self._anchor_wall) * self.time_scale

    def observe_date(self, header: str | None) -> None:
        """Take a server's ``Date`` header; junk is ignored. Re-anchors only when our reading left its second."""
        if not header:
            return
        try:
            served = parsedate_to_datetime(header).timestamp()
        except (TypeError, ValueError, IndexError, OverflowError):
            return
        if not _EARLIEST <= served < _LATEST:
            return
        reading = self.cluster()
        slack = _TOLERANCE * max(1.0, self.time_scale)
        if self.synced and served - slack <= reading <= served + 2 * slack:
            return
        self._anchor_cluster, self._anchor_wall = served, self._monotonic()
        self.synced = True


def parse_time(text: str | None) -> float | None:
    """RFC 3339 (as Kubernetes writes it, up to nanoseconds) to unix seconds; None for absent or junk."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def rfc3339(unix_seconds: float) -> str:
    """Unix seconds to ``2026-11-20T03:12:41Z``, the whole-second form of the Kubernetes API."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
