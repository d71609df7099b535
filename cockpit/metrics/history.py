"""What both arms of one rollout did on the grid: cumulative counts for life, buckets and gauges for ninety minutes."""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cockpit.base.clock import GRID_SECONDS
from cockpit.judge.histogram import Quantile, increments, quantile
from cockpit.model.evidence import Counts
from cockpit.model.rollout import Role

RING = 360
"""Steps that charts reach back: 90 minutes."""

ROLES: tuple[Role, Role] = ("canary", "baseline")


class Step(NamedTuple):
    """One arm in one stratum. ``pods`` is how many of them had a series; 0: nothing is known of the arm."""

    counts: Counts = Counts()
    pods: int = 0


class ArmHistory:
    """One arm on the grid; index i of the sums is the state at ``begin + 15 i``."""

    def __init__(self) -> None:
        self.bad = array("q", [0])
        self.total = array("q", [0])
        self.pods = array("i", [0])
        self.edges: tuple[float, ...] = ()
        self.buckets: deque[tuple[int, array[int]]] = deque(maxlen=RING)
        self.gauges: dict[str, dict[int, float]] = {}
        self.first: int | None = None
        """Index of the first step in which the arm had a series."""

    def extend(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self.bad.append(self.bad[-1] + step.counts.bad)
            self.total.append(self.total[-1] + step.counts.total)
            self.pods.append(step.pods)
            if step.pods and self.first is None:
                self.first = len(self.pods) - 1

    def add_buckets(self, index: int, cumulative: Mapping[float, int]) -> None:
        """Growth per ``le`` edge (seconds) in the step that ends at ``index``."""
        edges = tuple(sorted(cumulative))
        if edges != self.edges:
            # Other buckets cannot be added to the ones before; what is shown starts again.
            self.edges = edges
            self.buckets.clear()
        self.buckets.append((index, array("q", [cumulative[edge] for edge in edges])))

    def set_gauge(self, name: str, index: int, value: float) -> None:
        ring = self.gauges.setdefault(name, {})
        ring[index] = value
        while len(ring) > RING:
            del ring[next(iter(ring))]


class History:
    """Both arms of one rollout from ``begin`` (a grid time) on. Reads cost what they span, never the whole life."""

    def __init__(self, begin: float, origin: float | None = None) -> None:
        self.begin = begin
        self.origin = self.index(origin) if origin is not None else 0
        """Index at which the canary's evidence begins; what its pods did before belongs to another attempt."""
        self.arms: dict[Role, ArmHistory] = {role: ArmHistory() for role in ROLES}

    @property
    def steps(self) -> int:
        return len(self.arms["canary"].total) - 1

    @property
    def end(self) -> float:
        """Grid time of the newest step."""
        return self.begin + self.steps * GRID_SECONDS

    def _start(self, role: Role, end: int, span: int) -> int:
        start = max(0, end - span)
        return max(start, min(self.origin, end)) if role == "canary" else start

    def index(self, at: float) -> int:
        return round((at - self.begin) / GRID_SECONDS)

    def time(self, index: int) -> float:
        return self.begin + index * GRID_SECONDS

    def counts(self, role: Role, end: int, span: int) -> Counts:
        """Requests of ``span`` steps up to index ``end``."""
        arm, start = self.arms[role], self._start(role, end, span)
        return Counts(arm.bad[end] - arm.bad[start], arm.total[end] - arm.total[start])

    def last_seen(self, role: Role) -> float | None:
        """Grid time of the newest step in which the arm had a series."""
        pods = self.arms[role].pods
        index = next((index for index in range(len(pods) - 1, 0, -1) if pods[index]), None)
        return self.time(index) if index is not None else None

    def last_traffic(self, role: Role) -> int | None:
        """Index of the newest step with a request of the arm."""
        total = self.arms[role].total
        if total[-1] == 0:
            return None
        newest = total[-1]
        low, high = 0, len(total) - 1  # first index that already holds the final sum
        while low < high:
            middle = (low + high) // 2
            if total[middle] < newest:
                low = middle + 1
            else:
                high = middle
        return low

    def pods(self, role: Role, end: int, span: int) -> int:
        """Most pods seen at once within the span."""
        return max(self.arms[role].pods[self._start(role, end, span) + 1 : end + 1], default=0)

    def error_ratio(self, role: Role, end: int, span: int) -> float | None:
        counts = self.counts(role, end, span)
        return counts.bad / counts.total if counts.total else None

    def rate(self, role: Role, end: int, span: int) -> float | None:
        """Requests per second over the part of the span in which the arm was seen; None when it was not."""
        pods = self.arms[role].pods
        start = self._start(role, end, span)
        seen = next((index for index in range(start + 1, end + 1) if pods[index]), None)
        if seen is None:
            return None
        covered = (end - seen + 1) * GRID_SECONDS
        return self.counts(role, end, span).total / covered

    def latency(self, role: Role, end: int, span: int) -> tuple[tuple[float, ...], list[int]]:
        """(edges, counts per bucket) over the span; empty when there are no buckets."""
        arm, start = self.arms[role], self._start(role, end, span)
        summed = [0] * len(arm.edges)
        for index, growth in reversed(arm.buckets):
            if index > end:
                continue
            if index <= start:
                break
            for position, value in enumerate(growth):
                summed[position] += value
        return arm.edges, increments(summed)

    def quantile(self, role: Role, q: float, end: int, span: int) -> tuple[Quantile | None, int]:
        """(quantile, number of observations) over the span."""
        edges, counts = self.latency(role, end, span)
        if not edges or not math.isinf(edges[-1]):
            return None, sum(counts)
        return quantile(q, edges, counts), sum(counts)

    def gauge(self, role: Role, name: str, index: int) -> float | None:
        return self.arms[role].gauges.get(name, {}).get(index)
