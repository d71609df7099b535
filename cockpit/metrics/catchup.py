"""Brings the evidence of all followed rollouts to the newest grid point: the live step, and history where it is due."""

from __future__ import annotations

from collections.abc import Collection

from cockpit.base.clock import GRID_SECONDS, Clock
from cockpit.metrics.client import OVERLOAD, QUERY, TIMEOUT, PrometheusError
from cockpit.metrics.follow import Follow
from cockpit.metrics.poll import PODS_PER_QUERY, Poll, groups
from cockpit.model.evidence import Blind
from cockpit.model.resource import Key

_LIVE_STEPS = 2  # who lags more is asked for by ReplicaSet too: a pod may have come and gone meanwhile
_TOGETHER = 3600.0  # seconds of age within which rollouts are rebuilt by the same queries
_POD_STEPS = 8_000  # pods x steps asked for at once while history is rebuilt, to begin with
_MOST_POD_STEPS = 128_000
_QUICK = 1.0  # wall seconds; a server that answers sooner is asked for more at once


class CatchUp:
    """Asks for the live step first, then for history in pieces whose size follows what the server can bear."""

    def __init__(self, poll: Poll, clock: Clock) -> None:
        self._poll = poll
        self._clock = clock
        self._pod_steps = _POD_STEPS

    async def run(self, follows: Collection[Follow], head: float, focus: Key | None, seconds: float) -> bool:
        """Bring ``follows`` to ``head``; False when history is left and ``seconds`` of wall time are over.

        Raises PrometheusError. A refused query is no reason to stop: it is said per SLI in ``poll.missing``.
        """
        began = self._clock.wall()
        near = [
            follow
            for follow in follows
            if follow.begin <= follow.cursor < head and head - follow.cursor <= _LIVE_STEPS * GRID_SECONDS
        ]
        try:
            for group in groups(near):
                await self._poll.counters(group, head, gone=False)
            while group := _farthest(follows, head, focus):
                if self._clock.wall() - began > seconds:
                    return False
                await self._rebuild(group, head)
        except PrometheusError as error:
            if error.code != QUERY:
                raise
            self._poll.missing["requests"] = Blind(QUERY, str(error))
        return True

    async def _rebuild(self, group: list[Follow], head: float) -> None:
        while True:
            pods = max(1, sum(len(follow.pods()) for follow in group))
            steps = max(1, min(10_000, self._pod_steps // pods))  # Prometheus answers 11,000 points at most
            start = min(follow.cursor for follow in group)
            end = min(head, start + steps * GRID_SECONDS)
            part = [follow for follow in group if follow.cursor < end]
            began = self._clock.wall()
            try:
                await self._poll.counters(part, end, gone=True, strict=steps > 1)
            except PrometheusError as error:
                if error.code not in (OVERLOAD, TIMEOUT) or steps == 1:
                    raise
                self._pod_steps = max(1, self._pod_steps // 4)
                continue
            if self._clock.wall() - began < _QUICK:
                self._pod_steps = min(_MOST_POD_STEPS, self._pod_steps * 2)
            return


def _farthest(follows: Collection[Follow], head: float, focus: Key | None) -> list[Follow]:
    """The rollouts whose history is to be read next: the open one's first, then from the oldest cursor on."""
    lagging = [follow for follow in follows if follow.cursor < head]
    if not lagging:
        return []
    lagging.sort(key=lambda follow: (follow.key != focus, follow.cursor))
    oldest = lagging[0].cursor
    return next(groups((f for f in lagging if abs(f.cursor - oldest) <= _TOGETHER), PODS_PER_QUERY))
