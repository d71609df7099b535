"""What is frozen from the hour before: how bursty the baseline is, and from which latency on a request is slow.

Both are fixed by grid steps alone, so that a process that starts later freezes the same values at the same step. Where
the hour before holds too little they are fixed as soon as there is enough; until then errors count as unbursty, and
latency is not judged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from cockpit.base.clock import GRID_SECONDS
from cockpit.judge.dispersion import ENOUGH, Dispersion, dispersion
from cockpit.judge.histogram import increments
from cockpit.judge.latency import nearest_edge, quantile_edge
from cockpit.metrics.slis import Judged
from cockpit.model.evidence import Counts
from cockpit.model.sli import P95, QUANTILES

BEFORE_STEPS = round(3600 / GRID_SECONDS)
"""The hour before the canary's start."""

_ROUNDS = 4 * BEFORE_STEPS  # steps after which what could not be fixed is given up

Buckets = Mapping[float, int]
"""``le`` edge in seconds -> growth of its cumulative count."""


class Threshold(NamedTuple):
    """From which latency on a request is slow (seconds), and how bursty slow requests are. None: it cannot be told."""

    seconds: float | None
    phi: Dispersion


class Calibration:
    """Takes the baseline's steps in order; what it says stays as it is once it has said it."""

    def __init__(self, judged: Judged) -> None:
        self._judged = judged
        self._counts: dict[str, list[Counts]] = {sli.name: [] for sli in (judged.errors, *judged.own)}
        self._steps: list[Buckets] = []
        self._summed: dict[float, int] = {}
        self._rounds = 0
        self.phi: dict[str, Dispersion] = {}
        self.thresholds: dict[str, Threshold] = {}

    def copy(self) -> Calibration:
        """A twin that can be taken further without changing this one."""
        if self.done:
            return self
        twin = Calibration(self._judged)
        twin._counts = {name: list(counts) for name, counts in self._counts.items()}
        twin._steps, twin._summed, twin._rounds = list(self._steps), dict(self._summed), self._rounds
        twin.phi, twin.thresholds = dict(self.phi), dict(self.thresholds)
        return twin

    @property
    def done(self) -> bool:
        settled = not self._counts and len(self.thresholds) == len(self._judged.latency)
        return settled or self._rounds > _ROUNDS

    @property
    def observed(self) -> int:
        """Requests of the baseline in its buckets so far."""
        return max(self._summed.values(), default=0)

    def add(self, counts: Mapping[str, Counts], buckets: Buckets) -> None:
        """One step of the baseline, by SLI."""
        self._rounds += 1
        for name, held in self._counts.items():
            if counts[name].total:
                held.append(counts[name])
        if buckets and len(self.thresholds) < len(self._judged.latency):
            self._steps.append(buckets)
            for edge, grown in buckets.items():
                self._summed[edge] = self._summed.get(edge, 0) + grown

    def freeze(self, canary: Collection[float] = ()) -> None:
        """Fix what can be fixed: at the first step of the evidence, and at each after it until ``done``.

        ``canary``: the edges that the canary's buckets have in this step, none before its first warm request. A
        threshold has to be an edge of both arms, so none is chosen before that.
        """
        for name in [name for name, held in self._counts.items() if len(held) >= ENOUGH]:
            self.phi[name] = dispersion(self._counts.pop(name))
        for sli in self._judged.latency:
            if canary and sli.name not in self.thresholds and self.observed >= needed(sli.name):
                self.thresholds[sli.name] = self._threshold(sli.name, canary)
        if len(self.thresholds) == len(self._judged.latency):
            self._steps.clear()

    def _threshold(self, name: str, canary: Collection[float]) -> Threshold:
        edge = self._edge(name, canary)
        if edge is None or any(edge == other.seconds for other in self.thresholds.values()):
            return Threshold(None, Dispersion(1.0, 0))  # none, or the same bucket as P95's: it says nothing new
        slow = [found for step in self._steps if (found := exceeding(step, edge)) is not None]
        return Threshold(edge, dispersion(slow))

    def _edge(self, name: str, canary: Collection[float]) -> float | None:
        both = [edge for edge in sorted(self._summed) if edge in canary]
        edges = both if len(both) > 1 else sorted(self._summed)  # nothing in common: that is said, not hidden
        try:
            if name == P95 and self._judged.objective is not None:
                return nearest_edge(edges, self._judged.objective)
            return quantile_edge(QUANTILES[name], edges, increments([self._summed[edge] for edge in edges]))
        except ValueError:
            return None


def exceeding(buckets: Buckets, threshold: float) -> Counts | None:
    """Requests slower than ``threshold`` in one step; None where the buckets have no such edge or no +Inf."""
    total, within = buckets.get(float("inf")), buckets.get(threshold)
    if total is None or within is None:
        return None
    return Counts(max(0, total - within), total)


def needed(name: str) -> int:
    """Requests that make a quantile worth freezing: ten beyond it (facts 1.6)."""
    return round(10.0 / (1.0 - QUANTILES[name]))
