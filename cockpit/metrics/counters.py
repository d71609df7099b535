"""Raw counters become increments on the grid: what each series grew by between two evaluations (facts 3.0)."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Set
from typing import Generic, NamedTuple, TypeVar

from cockpit.metrics.answers import Point

Pod = tuple[str, str]
"""(namespace, name)."""


T = TypeVar("T")


class Series(NamedTuple, Generic[T]):
    """One counter. ``key`` is its identity within the answer, ``points`` its values on the grid, oldest first.

    ``tag`` is whatever the caller wants to find again on its increments.
    """

    pod: Pod
    key: Hashable
    points: tuple[Point, ...]
    tag: T


class Increment(NamedTuple, Generic[T]):
    tag: T
    at: float  # grid time at which the growth was seen
    value: int


class Counters:
    """Remembers the last value of every series and tells what was added since.

    * A series of a pod that was seen before counts in full: the first ``code="500"`` of a pod is an error, not a start.
    * A pod seen for the first time counts in full, unless it was there before the evidence begins: then its values are
      the reference.
    * A value below the last one is a reset and counts in full. A sum that falls only counts so when a reset of the pod
      was seen elsewhere (``witness``); otherwise one of its parts went away and nothing was added.
    * A series that vanishes keeps its last value; nothing is subtracted.
    """

    def __init__(self, *, sums: bool = False) -> None:
        self._sums = sums
        self._last: dict[Hashable, float] = {}
        self._sight: dict[Pod, float] = {}
        self.resets: set[tuple[Pod, float]] = set()
        """(pod, grid time) of the resets in the last batch."""

    def seen(self, pod: Pod) -> bool:
        return pod in self._sight

    def increments(
        self,
        batch: Iterable[Series[T]],
        after: float,
        preexisting: Callable[[Pod, float], bool],
        witness: Set[tuple[Pod, float]] = frozenset(),
    ) -> Iterator[Increment[T]]:
        """Growth of every series at grid times later than ``after``, zeros left out.

        ``preexisting(pod, at)``: whether a pod first seen at ``at`` had been counting before the evidence begins.
        """
        batch = list(batch)
        self.resets = set()
        for series in batch:
            first = next((at for at, value in series.points if at > after and math.isfinite(value)), None)
            if first is not None:
                known = self._sight.get(series.pod)
                # Only sights of this batch may move back: all series of a pod share its first one.
                if known is None or (known > after and first < known):
                    self._sight[series.pod] = first
        for series in batch:
            yield from self._grow(series, after, preexisting, witness)

    def _grow(
        self,
        series: Series[T],
        after: float,
        preexisting: Callable[[Pod, float], bool],
        witness: Set[tuple[Pod, float]],
    ) -> Iterator[Increment[T]]:
        pod, key = series.pod, series.key
        last = self._last.get(key)
        for at, value in series.points:
            if at <= after or not math.isfinite(value):
                continue
            if last is None:
                full = self._sight[pod] < at or not preexisting(pod, at)
                grown = value if full else 0.0
            elif value >= last:
                grown = value - last
            elif self._sums and (pod, at) not in witness:
                grown = 0.0
            else:
                self.resets.add((pod, at))
                grown = value
            last = value
            if grown >= 1.0:
                yield Increment(series.tag, at, round(grown))
        if last is not None:
            self._last[key] = last
