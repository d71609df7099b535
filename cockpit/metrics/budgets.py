"""What a whole SLO period has spent, read from the raw counters of all of a workload's pods: asked once an hour.

Rules of Sloth or Pyrra know it better and cheaper; where neither is there, the counters of the period tell, as far back
as Prometheus remembers. A period that is longer than what it remembers says how long that is, and no number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping

from cockpit.base.clock import GRID_SECONDS
from cockpit.metrics.answers import Answer
from cockpit.metrics.burn import Spent
from cockpit.metrics.client import OVERLOAD, QUERY, TIMEOUT, PrometheusError
from cockpit.metrics.follow import Follow
from cockpit.metrics.poll import Poll, groups
from cockpit.metrics.promql import RANDOM_SUFFIX, any_of, duration, fill, quote_regex, word
from cockpit.metrics.routes import Routes, services_of
from cockpit.model.resource import Key

EVERY = 3600.0
"""Seconds of evidence time between two looks."""
_AGAIN = 600.0  # after one that failed: a query over a month may simply be refused
_LOOKS = 120  # samples of the counters' presence over the period: how finely its beginning is known
_LONGEST_NAME = 40  # of a workload whose pods' names are surely not cut


class Budgets:
    """Remembers, per rollout, what its SLO period has spent."""

    def __init__(self) -> None:
        self._known: dict[Key, Spent] = {}
        self._asked: dict[Key, float] = {}  # -> evidence time of the next look

    def of(self, key: Key) -> Spent | None:
        return self._known.get(key)

    def forget(self, key: Key) -> None:
        self._known.pop(key, None)
        self._asked.pop(key, None)

    async def refresh(self, poll: Poll, periods: Mapping[Key, float], follows: Collection[Follow], head: float) -> None:
        """Ask for those of ``periods`` (seconds) that are due, together. Raises only what hits every query."""
        due: dict[float, list[Follow]] = {}
        for follow in follows:
            period = periods.get(follow.key)
            if period is not None and head >= self._asked.get(follow.key, -math.inf):
                due.setdefault(period, []).append(follow)
        for period, some in due.items():
            for group in groups(some):
                for follow in group:
                    self._asked[follow.key] = head + _AGAIN
                try:
                    found = await spent(poll, group, period, head)
                except PrometheusError as error:
                    if error.code not in (QUERY, OVERLOAD, TIMEOUT):
                        raise
                    continue
                for follow in group:
                    self._asked[follow.key] = head + EVERY
                    if (known := found.get(follow.key)) is not None:
                        self._known[follow.key] = known
                    else:
                        self._known.pop(follow.key, None)


async def spent(poll: Poll, group: Iterable[Follow], period: float, at: float) -> dict[Key, Spent]:
    """What each rollout's service did in the period before ``at``; two queries. Raises PrometheusError."""
    requests, errors = poll.preset.requests, poll.preset.requests.matcher()
    owners = _Owners(group, poll)
    selector = fill(requests.selector, owners.scope(), f"preset {poll.preset.name}")
    by = ", ".join(sorted({requests.namespace, requests.pod, *errors.labels, *requests.route_labels}))
    apart = ", ".join(sorted({requests.namespace, requests.pod, *requests.route_labels}))
    step = duration(max(GRID_SECONDS, period / _LOOKS))
    window = duration(period)
    counted = await poll.client.query(f"sum by ({by}) (increase({selector}[{window}]))", at)
    oldest = await poll.client.query(f"min by ({apart}) (min_over_time(timestamp({selector})[{window}:{step}]))", at)
    begun = {key: min(times) for key, times in owners.values(oldest).items()}
    totals: dict[Key, tuple[float, float]] = {}
    for row in counted.rows:
        key, value = owners.find(row.labels), row.points[-1][1] if row.points else math.nan
        if key is None or not value >= 0:  # NaN compares false
            continue
        bad, total = totals.get(key, (0.0, 0.0))
        totals[key] = (bad + value if errors(row.labels) else bad, total + value)
    reach = period / _LOOKS + GRID_SECONDS  # the first look may come so long after the first sample
    lived = {follow.key: follow.history.steps * GRID_SECONDS for follow in owners.follows}
    return {
        # Samples younger than one look's distance were seen by none: the evidence tells how far they reach at least.
        key: Spent(bad, total, min(period, at - begun[key] + reach if key in begun else lived[key]))
        for key, (bad, total) in totals.items()
        if total > 0
    }


class _Owners:
    """Whose a series is: by the Service a router names, else by the workload that its pod's name begins with."""

    def __init__(self, group: Iterable[Follow], poll: Poll) -> None:
        self.follows = list(group)
        self._where = poll.preset.requests.where
        requests = poll.preset.requests
        self._routes = Routes(self.follows, requests, f"preset {poll.preset.name}") if requests.routed else None
        self._patterns = [
            (follow.key, re.compile(f"{re.escape(follow.key.name)}-[a-z0-9]+-{RANDOM_SUFFIX}"))
            for follow in self.follows
            if len(follow.key.name) <= _LONGEST_NAME
        ]

    def scope(self) -> dict[str, str]:
        """Pods of every version, those of last month included."""
        names = [follow.key.name for follow in self.follows]
        pods = [f"{quote_regex(key.name)}-[a-z0-9]+-{RANDOM_SUFFIX}" for key, _ in self._patterns]
        services = [name for follow in self.follows for name in services_of(follow.rollout)]
        spaces = [follow.key.namespace for follow in self.follows]
        words = {word(space) for space in spaces}
        return {
            "namespaces": any_of(spaces),
            "pods": any_of((), pods),
            "services": any_of(services),
            "names": any_of(names),
            "namespace_words": any_of(words),
        }

    def find(self, labels: dict[str, str]) -> Key | None:
        if self._routes is not None:
            found = self._routes.find(labels)
            return found[0].key if found is not None else None
        namespace, pod = self._where(labels)
        return next(
            (key for key, pattern in self._patterns if key.namespace == namespace and pattern.fullmatch(pod)), None
        )

    def values(self, answer: Answer) -> dict[Key, list[float]]:
        found: dict[Key, list[float]] = {}
        for row in answer.rows:
            key = self.find(row.labels)
            if key is not None and row.points and math.isfinite(row.points[-1][1]):
                found.setdefault(key, []).append(row.points[-1][1])
        return found
