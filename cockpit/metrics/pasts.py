"""The baseline's long burn windows: asked rarely, one window per poll, because these queries read days of samples."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from cockpit.base.clock import GRID_SECONDS
from cockpit.metrics.burn import WINDOWS, Past, refresh_every
from cockpit.metrics.client import OVERLOAD, QUERY, TIMEOUT, PrometheusError
from cockpit.metrics.follow import Follow
from cockpit.metrics.poll import Poll, groups
from cockpit.model.resource import Key

_NOTHING: Mapping[float, Past] = {}


class Pasts:
    """Remembers, per rollout and window, what the baseline did before the evidence begins."""

    def __init__(self) -> None:
        self._known: dict[Key, dict[float, Past]] = {}

    def of(self, key: Key) -> Mapping[float, Past]:
        return self._known.get(key, _NOTHING)

    def forget(self, key: Key) -> None:
        self._known.pop(key, None)

    async def refresh(self, poll: Poll, follows: Collection[Follow], head: float) -> None:
        """Ask for the shortest window that is due. Raises PrometheusError only when nothing else would work either."""
        for seconds, _ in WINDOWS:
            due = [follow for follow in follows if self._due(follow, seconds, head)]
            if not due:
                continue
            for group in groups(due):
                try:
                    found = await poll.past(group, seconds, head)
                except PrometheusError as error:
                    if error.code not in (QUERY, OVERLOAD, TIMEOUT):
                        raise
                    found = {}  # no history at hand: the window stays unknown until it is due again
                for follow in group:
                    bad, total = found.get(id(follow), (0.0, 0.0))
                    self._known.setdefault(follow.key, {})[seconds] = Past(bad, total, head)
            return

    def _due(self, follow: Follow, seconds: float, head: float) -> bool:
        if follow.history.steps * GRID_SECONDS >= seconds:
            return False  # the evidence itself reaches that far
        known = self.of(follow.key).get(seconds)
        return head - (known.at if known is not None else -math.inf) >= refresh_every(seconds)
