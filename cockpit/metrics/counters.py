"""Raw counters become increments on the grid: what each series grew by between two evaluations (facts 3.0)."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence, Set
from typing import Generic, NamedTuple, TypeVar

from cockpit.metrics.answers import Point

Pod = tuple[str, str]
"""(namespace, name)."""


T = TypeVar("T")


class Series(NamedTuple, Generic[T]):
    """One counter. ``key`` is its identity within the answer, ``points`` its values on the grid, oldest first.

    ``tag`` is whatever the caller wants to find again on its increments. ``process`` names who counts: all its series
    start anew together. None: nothing is known of that.
    """

    pod: Pod
    key: Hashable
    points: tuple[Point, ...]
    tag: T
    process: Hashable = None


class Increment(NamedTuple, Generic[T]):
    tag: T
    at: float  # grid time at which the growth was seen
    value: int


class Gap(NamedTuple):
    """A process started anew at some time in ``(start, end]``."""

    start: float
    end: float


class Counters:
    """Remembers the last value of every series and tells what was added since.

    * A series of a pod that was seen before counts in full: the first ``code="500"`` of a pod is an error, not a start.
    * A pod seen for the first time counts in full, unless it was there before the evidence begins: then its values are
      the reference.
    * A value below the last one is a reset and counts in full, and so does every other series of that process, also one
      that meanwhile grew beyond its old value or appears later. A sum that falls only counts so when a reset of the pod
      was seen elsewhere (``witness``); otherwise one of its parts went away and nothing was added.
    * A series that vanishes keeps its last value; nothing is subtracted.
    """

    def __init__(self, *, sums: bool = False) -> None:
        self._sums = sums
        self._last: dict[Hashable, Point] = {}
        self._sight: dict[Pod, float] = {}
        self._restarts: dict[Hashable, Gap] = {}  # process -> its newest
        self.resets: set[tuple[Pod, float]] = set()
        """(pod, grid time) of the resets in the last batch."""

    def seen(self, pod: Pod) -> bool:
        return pod in self._sight

    def seen_for(self, pod: Pod, at: float) -> float:
        """Seconds since a pod was first seen."""
        return at - self._sight.get(pod, at)

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
        restarts = {} if self._sums else self._seen_restarts(batch, after)
        for series in batch:
            yield from self._grow(series, after, preexisting, witness, restarts.get(series.process, ()))

    def _seen_restarts(self, batch: list[Series[T]], after: float) -> dict[Hashable, list[Gap]]:
        """Process -> when it started anew, in ascending order, the newest restart of earlier batches included."""
        falls: dict[Hashable, set[Gap]] = {}
        for series in batch:
            if series.process is None:
                continue
            gaps = falls.setdefault(series.process, set())
            last = self._last.get(series.key)
            for at, value in series.points:
                if at > after and math.isfinite(value):
                    if last is not None and value < last[1]:
                        gaps.add(Gap(last[0], at))
                    last = (at, value)
        found: dict[Hashable, list[Gap]] = {}
        for process, gaps in falls.items():
            earlier = self._restarts.get(process)
            restarts = [earlier] if earlier is not None else []
            for gap in sorted(gaps, key=lambda gap: (gap.end, -gap.start)):
                if restarts and max(restarts[-1].start, gap.start) < min(restarts[-1].end, gap.end):
                    # Another series tells of the same restart, perhaps more closely.
                    newest = restarts.pop()
                    restarts.append(Gap(max(newest.start, gap.start), min(newest.end, gap.end)))
                else:
                    restarts.append(gap)
            if restarts:
                self._restarts[process] = restarts[-1]
                found[process] = restarts
        return found

    def _grow(
        self,
        series: Series[T],
        after: float,
        preexisting: Callable[[Pod, float], bool],
        witness: Set[tuple[Pod, float]],
        restarts: Sequence[Gap],
    ) -> Iterator[Increment[T]]:
        pod, key = series.pod, series.key
        last = self._last.get(key)
        for at, value in series.points:
            if at <= after or not math.isfinite(value):
                continue
            if last is None:
                full = self._sight[pod] < at or not preexisting(pod, at)
                grown = value if full else 0.0
            elif value >= last[1]:
                anew = any(last[0] <= gap.start and gap.end <= at for gap in restarts)
                grown = value if anew else value - last[1]
            elif self._sums and (pod, at) not in witness:
                grown = 0.0
            else:
                self.resets.add((pod, at))
                grown = value
            last = (at, value)
            if grown >= 1.0:
                yield Increment(series.tag, at, round(grown))
        if last is not None:
            self._last[key] = last
