"""One rollout under observation: which pods are its arms, how far its evidence reaches, and what a batch adds to it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import median
from typing import NamedTuple

from cockpit.base.clock import GRID_SECONDS
from cockpit.judge import fold
from cockpit.metrics.answers import Row
from cockpit.metrics.counters import Counters, Pod, Series
from cockpit.metrics.history import RING, ROLES, History, Step
from cockpit.metrics.presets import ErrorMatcher, Latency, Preset
from cockpit.metrics.promql import pod_base
from cockpit.model.evidence import Counts, Evidence, Sli, Stratum
from cockpit.model.resource import Key
from cockpit.model.rollout import Arm, Role, Rollout
from cockpit.model.urgency import RECENT_SECONDS

LIFE = 3 * 86_400.0
"""How far back evidence is rebuilt; the longest burn window."""

_PROCESS = ("job", "instance", "container")
"""Labels that, with the pod, tell one counting process from another (a sidecar, another port)."""

_LINGER = 600.0  # seconds a pod is still asked for after the cluster forgot it: its last scrape may come late


class Batch(NamedTuple):
    """What one round of range queries answered for one rollout: rows of its own pods by arm."""

    requests: list[tuple[Role, Row]]
    latency: list[tuple[Role, Row]]
    gauges: dict[str, list[tuple[Role, Row]]]


class Tally(NamedTuple):
    """A batch counted, not yet part of the history."""

    first: int  # index of the first step
    steps: Mapping[Role, list[Step]]
    buckets: Mapping[Role, dict[int, dict[float, int]]]
    gauges: Mapping[Role, dict[str, dict[int, float]]]
    evidence: Evidence


def arms_of(rollout: Rollout, now: float) -> dict[Role, Arm | None]:
    """Which ReplicaSets are compared. For an hour after the end the new version stands against what served before."""
    if rollout.canary is None and compared_with_before(rollout, now):
        return {"canary": rollout.baseline, "baseline": rollout.before}
    return {"canary": rollout.canary, "baseline": rollout.baseline}


def compared_with_before(rollout: Rollout, now: float) -> bool:
    if rollout.canary is not None or rollout.before is None or rollout.finished_at is None:
        return False
    return now - rollout.finished_at <= RECENT_SECONDS


def begin_of(rollout: Rollout, canary: Arm | None, head: float) -> float:
    """Grid time at which evidence begins: the stratum its canary started in; without a canary what charts show."""
    started = rollout.started_at or (canary.created_at if canary is not None else None)
    if started is None or canary is None:
        started = head - RING * GRID_SECONDS
    started = min(max(started, head - LIFE), head)
    return math.floor(started / GRID_SECONDS) * GRID_SECONDS


class Follow:
    """Counters, history and evidence of one rollout. ``count`` may run in a thread, all else on the event loop."""

    def __init__(self, rollout: Rollout, sli: Sli, head: float, now: float) -> None:
        self.rollout = rollout
        self.arms = arms_of(rollout, now)
        self.begin = begin_of(rollout, self.arms["canary"], head)
        self.cursor = self.begin - GRID_SECONDS
        """Newest grid time that was asked for; one step before ``begin`` until the reference is known."""
        self.history = History(self.begin)
        self.evidence = Evidence(sli=sli)
        self._started = rollout.started_at
        self._requests = Counters()
        self._buckets = Counters(sums=True)
        self._created: dict[Pod, float] = {}
        self._names: dict[Pod, tuple[Role, float]] = {}  # -> (arm, when the cluster last listed it)
        self._listed_at = now
        self.update(rollout, now)

    @property
    def key(self) -> Key:
        return self.rollout.key

    @property
    def with_before(self) -> bool:
        """The rollout is over: its baseline is what served before it, and gone."""
        return self.rollout.canary is None and self.arms["canary"] is not None

    def continues(self, rollout: Rollout, now: float) -> bool:
        """Whether this evidence is still about ``rollout``: another canary, baseline or attempt begins anew."""
        if rollout.uid != self.rollout.uid or _hashes(arms_of(rollout, now)) != _hashes(self.arms):
            return False
        # A rollout that has ended no longer says when it began.
        return rollout.started_at is None or self._started is None or rollout.started_at == self._started

    def update(self, rollout: Rollout, now: float) -> None:
        """Take the newest picture of the cluster; pods that left stay known for a while."""
        self.rollout = rollout
        self._listed_at = max(now, self._listed_at)
        self.arms = arms_of(rollout, now)
        for role, arm in self.arms.items():
            for pod in arm.pods if arm is not None else ():
                name = (pod.namespace, pod.name)
                self._names[name] = (role, self._listed_at)
                if pod.created_at is not None:
                    self._created[name] = pod.created_at

    def learn(self, pod: Pod, role: Role) -> None:
        """A pod that only the metrics know (it ended before this process began)."""
        self._names.setdefault(pod, (role, self._listed_at))

    def pods(self) -> list[Pod]:
        """Exact names to ask for: those listed, and those that left a short while ago."""
        oldest = self._listed_at - _LINGER
        return [pod for pod, (_, listed) in self._names.items() if listed >= oldest]

    def role(self, pod: Pod) -> Role | None:
        known = self._names.get(pod)
        return known[0] if known is not None else None

    def bases(self) -> Iterable[tuple[str, Role, str]]:
        """(name base of its pods, arm, ReplicaSet) for arms that have a ReplicaSet."""
        for role, arm in self.arms.items():
            if arm is not None and arm.replicaset:
                yield pod_base(arm.replicaset), role, arm.replicaset

    def count(self, batch: Batch, preset: Preset, errors: ErrorMatcher, end: float) -> Tally:
        """Turn rows with values at ``cursor + 15 s`` ... ``end`` into strata. Touches only the counters' memory."""
        history, after = self.history, self.cursor
        first = history.steps + 1
        last = history.index(end)
        length = last + 1 - first
        bad = {role: [0] * length for role in ROLES}
        total = {role: [0] * length for role in ROLES}
        present: dict[Role, list[set[Pod]]] = {role: [set() for _ in range(length)] for role in ROLES}
        series: list[Series[tuple[Role, bool]]] = []
        for role, row in batch.requests:
            pod = preset.requests.where(row.labels)
            process = hash((pod, *(row.labels.get(name) for name in _PROCESS)))
            series.append(Series(pod, _identity(row), row.points, (role, errors(row.labels)), process))
            for at, value in row.points:
                index = history.index(at) - first
                if 0 <= index < length and math.isfinite(value):
                    present[role][index].add(pod)
        for grown in self._requests.increments(series, after, self._preexisting):
            index = history.index(grown.at) - first
            if index < 0:
                continue  # the reference step itself
            role, is_error = grown.tag
            total[role][index] += grown.value
            if is_error:
                bad[role][index] += grown.value
        steps = {
            role: [
                Step(Counts(wrong, all_), len(pods))
                for wrong, all_, pods in zip(bad[role], total[role], present[role], strict=True)
            ]
            for role in ROLES
        }
        evidence = self.evidence
        for offset in range(length):
            start = history.time(first + offset - 1)
            stratum = Stratum(start, steps["canary"][offset].counts, steps["baseline"][offset].counts)
            evidence = fold(evidence, stratum)
        return Tally(
            first, steps, self._latency(batch.latency, preset.latency, first), self._gauges(batch, preset), evidence
        )

    def apply(self, tally: Tally, end: float) -> None:
        """Make a tally part of the history."""
        for role in ROLES:
            arm = self.history.arms[role]
            arm.extend(tally.steps[role])
            for index, cumulative in sorted(tally.buckets[role].items()):
                arm.add_buckets(index, cumulative)
            for name, values in tally.gauges[role].items():
                for index, value in sorted(values.items()):
                    arm.set_gauge(name, index, value)
        self.evidence = tally.evidence
        self.cursor = end

    def _preexisting(self, pod: Pod, at: float) -> bool:
        if at <= self.begin:
            return True
        # Its target may have been down when the evidence begins; its age says that it had been counting before.
        created = self._created.get(pod)
        return created is not None and created < self.begin

    def _latency(
        self, rows: list[tuple[Role, Row]], source: Latency | None, first: int
    ) -> dict[Role, dict[int, dict[float, int]]]:
        found: dict[Role, dict[int, dict[float, int]]] = {role: {} for role in ROLES}
        if source is None:
            return found
        batch: list[Series[tuple[Role, float]]] = []
        edges: dict[Role, set[float]] = {role: set() for role in ROLES}
        for role, row in rows:
            edge = _edge(row.labels.get("le", ""), source.scale)
            if edge is None:
                continue
            batch.append(Series(source.where(row.labels), _identity(row), row.points, (role, edge)))
            edges[role].add(edge)
            for at, _ in row.points:
                if (index := self.history.index(at)) >= first:
                    found[role].setdefault(index, {})
        for grown in self._buckets.increments(batch, self.cursor, self._preexisting, self._requests.resets):
            if (index := self.history.index(grown.at)) < first:
                continue
            role, edge = grown.tag
            step = found[role][index]
            step[edge] = step.get(edge, 0) + grown.value
        for role in ROLES:
            for step in found[role].values():
                for edge in edges[role]:
                    step.setdefault(edge, 0)
        return found

    def _gauges(self, batch: Batch, preset: Preset) -> dict[Role, dict[str, dict[int, float]]]:
        found: dict[Role, dict[str, dict[int, float]]] = {role: {} for role in ROLES}
        for name, rows in batch.gauges.items():
            values: dict[tuple[Role, int], list[float]] = {}
            for role, row in rows:
                for at, value in row.points:
                    if math.isfinite(value):
                        values.setdefault((role, self.history.index(at)), []).append(value)
            for (role, index), several in values.items():
                found[role].setdefault(name, {})[index] = median(several)
        return found


def _hashes(arms: Mapping[Role, Arm | None]) -> tuple[str | None, ...]:
    return tuple(arm.hash if (arm := arms[role]) is not None else None for role in ROLES)


def _identity(row: Row) -> int:
    # 64 bits instead of the labels themselves: 40,000 series would hold 80 MB of text for as long as they are followed,
    # and the chance that two of them share a hash is below 1e-10.
    return hash(tuple(sorted(row.labels.items())))


def _edge(text: str, scale: float) -> float | None:
    try:
        edge = float(text)
    except ValueError:
        return None
    return None if math.isnan(edge) else edge * scale
