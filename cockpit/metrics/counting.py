"""From the rows of a poll to strata: increments on the grid, what is frozen from the hour before, and the evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from cockpit.judge import fold
from cockpit.metrics.answers import Row
from cockpit.metrics.calibration import Calibration, exceeding
from cockpit.metrics.counters import Counters, Pod, Series
from cockpit.metrics.gauges import Gauges, Share
from cockpit.metrics.history import ROLES, History, Step
from cockpit.metrics.lost import Lost
from cockpit.metrics.own import OwnSli
from cockpit.metrics.presets import ErrorMatcher, Latency, Preset
from cockpit.metrics.slis import Judged
from cockpit.model.evidence import Counts, Evidence, Stratum
from cockpit.model.rollout import Role
from cockpit.model.sli import ERRORS

_PROCESS = ("job", "instance", "container")
"""Labels that, with the pod, tell one counting process from another (a sidecar, another port)."""

WARM_UP = 60.0
"""Seconds from a pod's first sample in which its latency is no evidence: cold caches (facts 1.5)."""

_NONE: Mapping[float, int] = {}

Buckets = Mapping[Role, dict[int, dict[float, int]]]


class Batch(NamedTuple):
    """What one round of range queries answered for one rollout: rows of its own pods by arm."""

    requests: list[tuple[Role, Row]]
    latency: list[tuple[Role, Row]]
    gauges: dict[str, list[tuple[Role, Row]]]
    own: dict[str, list[tuple[Role, Row]]]


class Tally(NamedTuple):
    """A batch counted, not yet part of the history."""

    first: int  # index of the first step
    steps: Mapping[Role, list[Step]]
    buckets: Buckets
    gauges: Mapping[Role, dict[str, dict[int, float]]]
    shares: Mapping[Role, dict[str, dict[int, Share]]]
    evidence: tuple[Evidence, ...]
    calibration: Calibration
    junk: frozenset[Role]  # arms whose newest counters are no numbers


class _Grown(NamedTuple):
    """Requests of a batch by arm and step, and what only the canary's pods tell."""

    bad: Mapping[Role, list[int]]
    total: Mapping[Role, list[int]]
    present: Mapping[Role, list[set[Pod]]]
    by_pod: list[dict[Pod, int]]
    junk: frozenset[Role]


class Counting:
    """Everything about one rollout that is counted. ``count`` may run in a thread, ``apply`` on the event loop."""

    def __init__(self, history: History, begin: float, judged: Judged, own: Mapping[str, OwnSli]) -> None:
        self.history = history
        self.begin = begin
        self.judged = judged
        self.calibration = Calibration(judged)
        self.evidence: tuple[Evidence, ...] = tuple(
            Evidence(sli=sli) for sli in (judged.errors, *judged.latency, *judged.own)
        )
        self.junk: frozenset[Role] = frozenset()
        self.serving: dict[Role, int] = dict.fromkeys(ROLES, 1)
        """Ready pods per arm (at least 1), for series that do not name their pods."""
        self.gauges = Gauges()
        self._own = own
        self._created: dict[Pod, float] = {}
        self._requests = Counters()
        self._buckets = Counters(sums=True)
        self._others = {name: Counters() for name in own}
        self._lost = Lost()
        self._exposed: set[tuple[str, Role]] = set()

    def born(self, pod: Pod, at: float) -> None:
        """When a pod was created: its counters are no older."""
        self._created[pod] = at

    def own(self, name: str) -> OwnSli:
        """The setting behind an SLI of the user's own."""
        return self._own[name]

    def exposed(self, name: str) -> Mapping[Role, bool]:
        """Which arms ever had a series of an SLI of the user's own."""
        return {role: (name, role) in self._exposed for role in ROLES}

    def count(self, batch: Batch, preset: Preset, errors: ErrorMatcher, after: float, end: float) -> Tally:
        """Turn rows with values at ``after + 15 s`` ... ``end`` into strata. Touches only the counters' memory."""
        history = self.history
        first = history.steps + 1
        length = history.index(end) + 1 - first
        grown = self._requests_of(batch, preset, errors, after, first, length)
        serving = self.serving if preset.requests.routed else None
        steps = {
            role: [
                Step(Counts(wrong, all_), len(pods) if serving is None else min(len(pods), 1) * serving[role])
                for wrong, all_, pods in zip(grown.bad[role], grown.total[role], grown.present[role], strict=True)
            ]
            for role in ROLES
        }
        shown, warm = self._latency(batch.latency, preset.latency, after, first)
        own = self._own_counts(batch, after, first, length, grown.total)
        calibration = self.calibration.copy()
        evidence = self._fold(first, length, steps, warm, own, calibration)
        unseen = self._unseen(first, length, grown)
        evidence = (replace(evidence[0], unseen=unseen), *evidence[1:])
        values, shares = self.gauges.read(batch.gauges, preset, history)
        return Tally(first, steps, shown, values, shares, evidence, calibration, grown.junk)

    def apply(self, tally: Tally) -> None:
        """Make a tally part of the history."""
        for role in ROLES:
            arm = self.history.arms[role]
            arm.extend(tally.steps[role])
            for index, cumulative in sorted(tally.buckets[role].items()):
                arm.add_buckets(index, cumulative)
            for name, values in tally.gauges[role].items():
                for index, value in sorted(values.items()):
                    arm.set_gauge(name, index, value)
        self.gauges.take(tally.shares, self.history)
        self.evidence = tally.evidence
        self.calibration = tally.calibration
        self.junk = tally.junk

    def _requests_of(
        self, batch: Batch, preset: Preset, errors: ErrorMatcher, after: float, first: int, length: int
    ) -> _Grown:
        history = self.history
        bad = {role: [0] * length for role in ROLES}
        total = {role: [0] * length for role in ROLES}
        present: dict[Role, list[set[Pod]]] = {role: [set() for _ in range(length)] for role in ROLES}
        nonsense: dict[Role, list[set[Pod]]] = {role: [set() for _ in range(length)] for role in ROLES}
        by_pod: list[dict[Pod, int]] = [{} for _ in range(length)]
        series: list[Series[tuple[Role, bool, Pod]]] = []
        for role, row in batch.requests:
            pod = preset.requests.where(row.labels)
            process = hash((pod, *(row.labels.get(name) for name in _PROCESS)))
            series.append(Series(pod, identity(row), row.points, (role, errors(row.labels), pod), process))
            for at, value in row.points:
                index = history.index(at) - first
                if 0 <= index < length:
                    (present if math.isfinite(value) else nonsense)[role][index].add(pod)
        for one in self._requests.increments(series, after, self._preexisting):
            index = history.index(one.at) - first
            if index < 0:
                continue  # the reference step itself
            role, is_error, pod = one.tag
            total[role][index] += one.value
            if is_error:
                bad[role][index] += one.value
            if role == "canary":
                by_pod[index][pod] = by_pod[index].get(pod, 0) + one.value
        junk = frozenset(role for role in ROLES if length and nonsense[role][-1] and not present[role][-1])
        return _Grown(bad, total, present, by_pod, junk)

    def _fold(
        self,
        first: int,
        length: int,
        steps: Mapping[Role, list[Step]],
        warm: Buckets,
        own: Mapping[str, Mapping[Role, list[Counts]]],
        calibration: Calibration,
    ) -> tuple[Evidence, ...]:
        held = {item.sli.name: item for item in self.evidence}
        for offset in range(length):
            index = first + offset
            start = self.history.time(index - 1)
            if start >= self.begin:
                if not calibration.done:
                    calibration.freeze(warm["canary"].get(index, {}).keys())
                for name, item in held.items():
                    pair = self._stratum(name, offset, index, steps, warm, own, calibration)
                    if pair is not None:
                        held[name] = fold(_calibrated(item, calibration), Stratum(start, *pair))
            if not calibration.done:
                counts = {name: sides["baseline"][offset] for name, sides in own.items()}
                counts[ERRORS] = steps["baseline"][offset].counts
                calibration.add(counts, warm["baseline"].get(index, _NONE))
        return tuple(held.values())

    def _stratum(
        self,
        name: str,
        offset: int,
        index: int,
        steps: Mapping[Role, list[Step]],
        warm: Buckets,
        own: Mapping[str, Mapping[Role, list[Counts]]],
        calibration: Calibration,
    ) -> tuple[Counts, Counts] | None:
        """(canary, baseline) of one SLI in one step; None while it cannot be counted."""
        if name == ERRORS:
            return steps["canary"][offset].counts, steps["baseline"][offset].counts
        if name in own:
            return own[name]["canary"][offset], own[name]["baseline"][offset]
        threshold = calibration.thresholds.get(name)
        if threshold is None or threshold.seconds is None:
            return None
        seconds = threshold.seconds
        canary, baseline = (exceeding(warm[role].get(index, _NONE), seconds) for role in ROLES)
        return canary or Counts(), baseline or Counts()

    def _own_counts(
        self, batch: Batch, after: float, first: int, length: int, requests: Mapping[Role, list[int]]
    ) -> dict[str, dict[Role, list[Counts]]]:
        found: dict[str, dict[Role, list[Counts]]] = {}
        for name, source in self._own.items():
            one, two = ({role: [0] * length for role in ROLES} for _ in range(2))
            series = [
                Series(
                    source.where(row.labels),
                    (source.part(row), identity(row)),
                    row.points,
                    (role, source.part(row)),
                )
                for role, row in batch.own.get(name, ())
            ]
            self._exposed.update((name, one_.tag[0]) for one_ in series)
            for grown in self._others[name].increments(series, after, self._preexisting):
                index = self.history.index(grown.at) - first
                if index >= 0:
                    role, part = grown.tag
                    (one if part == "total" else two)[role][index] += grown.value
            found[name] = {
                role: [
                    source.counts(total, other, served)
                    for total, other, served in zip(one[role], two[role], requests[role], strict=True)
                ]
                for role in ROLES
            }
        return found

    def _unseen(self, first: int, length: int, grown: _Grown) -> int:
        resets: dict[int, list[Pod]] = {}
        for pod, at in self._requests.resets:
            resets.setdefault(self.history.index(at), []).append(pod)
        for offset in range(length):
            index = first + offset
            if index <= self.history.origin:
                continue
            mine = [pod for pod in resets.get(index, ()) if pod in grown.present["canary"][offset]]
            self._lost.step(index, grown.present["canary"][offset], grown.by_pod[offset], mine)
        return self._lost.requests

    def _preexisting(self, pod: Pod, at: float) -> bool:
        if at <= self.begin:
            return True
        # Its target may have been down when the evidence begins; its age says that it had been counting before.
        created = self._created.get(pod)
        return created is not None and created < self.begin

    def _latency(
        self, rows: list[tuple[Role, Row]], source: Latency | None, after: float, first: int
    ) -> tuple[Buckets, Buckets]:
        """Growth per arm, step and edge: all of it for display, that of warm pods for evidence."""
        shown: dict[Role, dict[int, dict[float, int]]] = {role: {} for role in ROLES}
        warm: dict[Role, dict[int, dict[float, int]]] = {role: {} for role in ROLES}
        if source is None:
            return shown, warm
        batch: list[Series[tuple[Role, float, Pod]]] = []
        edges: dict[Role, set[float]] = {role: set() for role in ROLES}
        for role, row in rows:
            edge = _edge(row.labels.get("le", ""), source.scale)
            if edge is None:
                continue
            pod = source.where(row.labels)
            batch.append(Series(pod, identity(row), row.points, (role, edge, pod)))
            edges[role].add(edge)
            for at, value in row.points:
                if math.isfinite(value) and (index := self.history.index(at)) >= first:
                    shown[role].setdefault(index, {})
                    warm[role].setdefault(index, {})
        for grown in self._buckets.increments(batch, after, self._preexisting, self._requests.resets):
            if (index := self.history.index(grown.at)) < first:
                continue
            role, edge, pod = grown.tag
            _add(shown[role][index], edge, grown.value)
            if self._is_warm(pod, grown.at):
                _add(warm[role][index], edge, grown.value)
        for role in ROLES:
            for step in (*shown[role].values(), *warm[role].values()):
                for edge in edges[role]:
                    step.setdefault(edge, 0)
        return shown, warm

    def _is_warm(self, pod: Pod, at: float) -> bool:
        sight = at - self._buckets.seen_for(pod, at)
        return sight <= self.history.begin or at - sight > WARM_UP


def _calibrated(item: Evidence, calibration: Calibration) -> Evidence:
    """With what was frozen since: over-dispersion and, for latency, the threshold."""
    name = item.sli.name
    threshold = calibration.thresholds.get(name)
    phi = threshold.phi if threshold is not None else calibration.phi.get(name)
    if phi is not None and phi.known and not item.phi_strata:
        item = replace(item, phi=phi.phi, phi_strata=phi.strata)
    if threshold is not None and item.sli.threshold != threshold.seconds:
        item = replace(item, sli=replace(item.sli, threshold=threshold.seconds, limit=threshold.seconds))
    return item


def _add(step: dict[float, int], edge: float, value: int) -> None:
    step[edge] = step.get(edge, 0) + value


def identity(row: Row) -> int:
    # 64 bits instead of the labels themselves: 40,000 series would hold 80 MB of text for as long as they are followed,
    # and the chance that two of them share a hash is below 1e-10.
    return hash(tuple(sorted(row.labels.items())))


def _edge(text: str, scale: float) -> float | None:
    try:
        edge = float(text)
    except ValueError:
        return None
    return None if math.isnan(edge) else edge * scale
