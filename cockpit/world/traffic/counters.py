"""A pod's counters over time: columns of samples at its scrape moments, and exact values at any instant."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from cockpit.world.traffic.fleet import RETENTION_MS
from cockpit.world.traffic.pods import CELL_MS, Instance, Pod
from cockpit.world.traffic.segments import Segment, latencies, of_instance, requests
from cockpit.world.traffic.shape import EDGES, FIRST_ERROR, IDLE_CORES, ORDERS_OK, WIDTH

_KEPT = RETENTION_MS // CELL_MS


class Totals:
    """Running totals of one instance: counters, latency buckets, CPU seconds, sum of latencies in seconds."""

    __slots__ = ("buckets", "cells", "cpu", "instance", "seconds")

    def __init__(self, instance: Instance | None) -> None:
        self.instance = instance
        self.cells = [0] * WIDTH
        self.buckets = [0] * len(EDGES)
        self.cpu = 0.0
        self.seconds = 0.0

    def copy(self) -> Totals:
        other = Totals(self.instance)
        other.cells, other.buckets = self.cells, self.buckets  # replaced, never changed in place
        other.cpu, other.seconds = self.cpu, self.seconds
        return other

    @property
    def served(self) -> int:
        return sum(self.cells[:ORDERS_OK])

    @property
    def errors(self) -> int:
        return sum(self.cells[FIRST_ERROR:ORDERS_OK])


class Run(NamedTuple):
    """Samples [first, last) in a row of one instance; numbers count cells of the pod's grid.

    ``marked``: the scrape after the last one finds nothing and says so (a stale marker); else scraping just stops.
    """

    instance: Instance
    first: int
    last: int
    marked: bool = True


def runs(pod: Pod, now: int) -> list[Run]:
    """Which scrapes up to ``now`` find the serving container running, one run per instance."""
    found = []
    for instance in pod.instances:
        first = cell_number(pod, instance.started) + 1
        last = cell_number(pod, now if instance.ended is None else min(now, instance.ended)) + 1
        if first < last:
            found.append(Run(instance, first, last))
    return found


class Track:
    """One family of a pod's counters, evaluated cell by cell as far as asked; older samples than 6 h are dropped.

    ``latency`` False counts requests, orders and CPU; True counts buckets, which costs more and is asked less.
    """

    __slots__ = ("_latency", "_pod", "first", "floats", "integers", "lives", "until", "width")

    def __init__(self, pod: Pod, *, latency: bool) -> None:
        self._pod = pod
        self._latency = latency
        self.width = len(EDGES) if latency else WIDTH
        self.until = cell_start(pod, pod.created)
        self.first = cell_number(pod, self.until) + 1  # number of the first sample kept
        self.integers = array("q")
        self.floats = array("d")
        self.lives: list[Totals] = []  # of each instance so far, the newest last

    def advance(self, now: int) -> None:
        """Evaluate all cells that are complete at ``now``."""
        pod = self._pod
        end = now if pod.removed is None else min(now, pod.removed + CELL_MS)
        while self.until + CELL_MS <= end:
            boundary = self.until + CELL_MS
            self._play(self.lives, self.until, boundary)
            self._sample()
            self.until = boundary

    def at(self, now: int) -> list[Totals]:
        """Totals of each instance up to ``now``, exactly. The caller's own."""
        self.advance(now)
        lives = [life.copy() for life in self.lives]
        self._play(lives, self.until, now)
        newest = self._pod.instance
        if newest is not None and newest.started == now:  # it runs, and has done nothing yet
            lives.append(Totals(newest))
        return lives

    def column(self, index: int, first: int, last: int) -> array[int]:
        """One counter at samples [first, last)."""
        start = (first - self.first) * self.width + index
        return self.integers[start : (last - self.first) * self.width : self.width]

    def float_column(self, first: int, last: int) -> array[float]:
        return self.floats[first - self.first : last - self.first]

    def _play(self, lives: list[Totals], start: int, end: int) -> None:
        """Add what happened in [start, end): a cell, or the beginning of one."""
        pod = self._pod
        for instance in pod.instances[max(0, len(lives) - 1) :]:
            if instance.started >= end:
                return
            if not lives or lives[-1].instance is not instance:
                lives.append(Totals(instance))
            until = end if instance.ended is None else min(end, instance.ended)
            begin = max(start, instance.started)
            if until <= begin:
                continue
            totals = lives[-1]
            if not self._latency:
                totals.cpu += IDLE_CORES * (until - begin) / 1000
            for segment in of_instance(pod, instance, start, end):
                self._add(totals, segment, end)

    def _add(self, totals: Totals, segment: Segment, end: int) -> None:
        if self._latency:
            buckets, seconds = latencies(self._pod.stream, segment, end)
            totals.buckets = [a + b for a, b in zip(totals.buckets, buckets, strict=True)]
            totals.seconds += seconds
            return
        cells = requests(self._pod.stream, segment, end)
        totals.cells = [a + b for a, b in zip(totals.cells, cells, strict=True)]
        totals.cpu += sum(cells[:ORDERS_OK]) * segment.profile.cpu_per_request

    def _sample(self) -> None:
        totals = self.lives[-1] if self.lives else Totals(None)
        self.integers.extend(totals.buckets if self._latency else totals.cells)
        self.floats.append(totals.seconds if self._latency else totals.cpu)
        if len(self.floats) > _KEPT + _KEPT // 8:
            self._trim(len(self.floats) - _KEPT)

    def _trim(self, count: int) -> None:
        del self.integers[: count * self.width]
        del self.floats[:count]
        self.first += count


def cell_start(pod: Pod, moment: int) -> int:
    """The last moment of the pod's grid at or before ``moment``."""
    return moment - (moment - pod.grid) % CELL_MS


def cell_number(pod: Pod, boundary: int) -> int:
    return (boundary - pod.grid) // CELL_MS


def cell_time(pod: Pod, number: int) -> int:
    """The moment (ms) of sample ``number``."""
    return pod.grid + number * CELL_MS
