"""Requests of a pod between two changes: what is drawn at the start of a stretch, and how much of it took place."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from cockpit.world.contract import Profile
from cockpit.world.traffic.draw import Stream, binomial, poisson
from cockpit.world.traffic.pods import CELL_MS, Instance, Pod
from cockpit.world.traffic.shape import (
    FIRST_ERROR,
    NOT_FOUND,
    ORDERS_FAILED,
    ORDERS_OK,
    ROUTES,
    UNAVAILABLE,
    WIDTH,
    effective,
    latency_of,
)

_ERRORS_PER_DRAW = 8
_DETAIL = 1000  # purpose numbers from here on belong to single errors
_BUCKETS, _BURST = 1, 2
_SECOND_ROUTE = ROUTES[1][2] / (ROUTES[1][2] + ROUTES[2][2])
_ROUTE_EDGES = (ROUTES[0][2], ROUTES[0][2] + ROUTES[1][2])


class Segment(NamedTuple):
    """[start, end) of one instance at one rate under one profile, in ms.

    ``planned`` is when it would have ended had nothing changed: requests are drawn for [start, planned), which is known
    at its start, and those that fall after ``end`` did not take place. So what was read in between stays true.
    """

    instance: Instance
    start: int
    end: int
    planned: int
    rate: float
    profile: Profile  # in force: healthy before the onset


class Failure(NamedTuple):
    """One failed request: offset into the planned stretch (0..1), its cell, and a number for its latency."""

    offset: float
    cell: int
    u: float


def segments(pod: Pod, start: int, end: int) -> Iterator[Segment]:
    """The stretches of ``pod`` within [start, end) that carry traffic; ``start`` lies on its grid or at a change."""
    for instance in pod.instances:
        if instance.ended is not None and instance.ended <= start:
            continue
        if instance.started >= end:
            return
        yield from of_instance(pod, instance, start, end)


def of_instance(pod: Pod, instance: Instance, start: int, end: int) -> Iterator[Segment]:
    """Those of one instance."""
    begin = max(start, instance.started)
    limit = end if instance.ended is None else min(end, instance.ended)
    changes = pod.rates
    first = max(0, bisect_right(changes, begin, key=_moment) - 1)
    for index in range(first, len(changes)):
        at, rate = changes[index]
        if at >= limit:
            return
        until = min(limit, changes[index + 1][0]) if index + 1 < len(changes) else limit
        cursor = max(begin, at)
        if rate <= 0 or cursor >= until:
            continue
        for profile, upto in _profiles(pod, instance, cursor, until):
            while cursor < upto:
                boundary = cursor + CELL_MS - (cursor - pod.grid) % CELL_MS
                planned = boundary if profile.switch is None else min(boundary, profile.switch)
                yield Segment(instance, cursor, min(planned, upto), planned, rate, profile.value)
                cursor = min(planned, upto)


def _moment(change: tuple[int, float]) -> int:
    return change[0]


class _Stretch(NamedTuple):
    value: Profile
    switch: int | None  # a foreseeable end: the onset


def _profiles(pod: Pod, instance: Instance, start: int, end: int) -> Iterator[tuple[_Stretch, int]]:
    """What is in force from ``start`` on and until when, up to ``end``."""
    for index, (at, profile) in enumerate(pod.profiles):
        until = min(end, pod.profiles[index + 1][0]) if index + 1 < len(pod.profiles) else end
        cursor = max(start, at) if index else start
        if cursor >= until:
            continue
        onset = pod.onset(instance, profile)
        if onset is None or onset > cursor:
            upto = until if onset is None else min(until, onset)
            yield _Stretch(effective(profile, faulty=False), onset), upto
            cursor = upto
        if cursor < until:
            yield _Stretch(profile, None), until


def failures(stream: Stream, segment: Segment) -> list[Failure]:
    """Every failed request drawn for the planned stretch, in no order."""
    return _failures(stream, segment, stream.uniforms(segment.start)[1])


def _failures(stream: Stream, segment: Segment, u: float) -> list[Failure]:
    profile = segment.profile
    mean = segment.rate * (segment.planned - segment.start) / 1000 * min(1.0, max(0.0, profile.error_rate))
    if profile.bursts > 0:
        mean *= stream.generator(segment.start, _BURST).gammavariate(profile.bursts, 1 / profile.bursts)
    count = poisson(mean, u)
    found: list[Failure] = []
    for index in range(0, count, _ERRORS_PER_DRAW):
        numbers = stream.uniforms(segment.start, _DETAIL + index)
        for offset, kind in zip(numbers[::2], numbers[1::2], strict=True):
            if len(found) == count:
                break
            found.append(_failure(offset, kind))
    return found


def _failure(offset: float, kind: float) -> Failure:
    """``kind`` is one number read digit by digit: the code, then the route, then what is left for the latency."""
    unavailable = kind < UNAVAILABLE
    rest = kind / UNAVAILABLE if unavailable else (kind - UNAVAILABLE) / (1 - UNAVAILABLE)
    route = 0 if rest < _ROUTE_EDGES[0] else 1 if rest < _ROUTE_EDGES[1] else 2
    low = (0.0, *_ROUTE_EDGES)[route]
    share = ROUTES[route][2]
    return Failure(offset, FIRST_ERROR + (3 if unavailable else 0) + route, (rest - low) / share)


def requests(stream: Stream, segment: Segment, end: int) -> list[int]:
    """The counters' increments of ``segment`` up to ``end``: cells, then orders ok and failed.

    Successes are spread evenly over the stretch (with one rounding of their own), failures sit at their offsets; both
    only ever grow with ``end``.
    """
    u = stream.uniforms(segment.start)
    length = segment.planned - segment.start
    failed = _failures(stream, segment, u[1])
    profile = segment.profile
    succeeded = poisson(segment.rate * length / 1000 * (1 - min(1.0, max(0.0, profile.error_rate))), u[0])
    cells = [0] * WIDTH
    missing = binomial(succeeded, NOT_FOUND, u[2])
    found = succeeded - missing
    cells[0] = binomial(found, ROUTES[0][2], u[3])
    cells[1] = binomial(found - cells[0], _SECOND_ROUTE, u[4])
    cells[2] = found - cells[0] - cells[1]
    cells[3] = missing
    cells[ORDERS_OK] = binomial(succeeded, min(1.0, profile.orders), u[5])
    end = min(end, segment.end)
    if end < segment.planned:
        fraction = (end - segment.start) / length
        rounding = u[6]
        cells = [math.floor(count * fraction + rounding) if count else 0 for count in cells]
        failed = [failure for failure in failed if failure.offset < fraction]
    for failure in failed:
        cells[failure.cell] += 1
        if failure.u * 4096 % 1 < profile.orders:  # digits of the number that its latency does not use
            cells[ORDERS_FAILED] += 1
    return cells


def latencies(stream: Stream, segment: Segment, end: int) -> tuple[list[int], float]:
    """Cumulative bucket increments of ``segment`` up to ``end``, and the increment of the sum in seconds.

    The last bucket equals the number of requests that ``requests`` gives for the same stretch.
    """
    whole = requests(stream, segment._replace(end=segment.planned), segment.planned)
    end = min(end, segment.end)
    part = whole if end >= segment.planned else requests(stream, segment, end)
    served, drawn = sum(part[:FIRST_ERROR]), sum(whole[:FIRST_ERROR])
    shape = latency_of(segment.profile.latency_median, segment.profile.latency_sigma)
    u = stream.uniforms(segment.start, _BUCKETS)
    left, cumulative, buckets, total = drawn, 0, [], 0.0
    for index, chance in enumerate(shape.chain):
        inside = binomial(left, chance, u[index]) if left else 0
        left -= inside
        cumulative += inside
        total += inside * shape.means[index]
        buckets.append(cumulative)
    if served < drawn:
        # Each cumulative count grows with ``served`` alone, so no reading in between is ever taken back.
        buckets = [count * served // drawn for count in buckets]
        total *= served / drawn
    fraction = (end - segment.start) / (segment.planned - segment.start)
    for failure in failures(stream, segment):
        if failure.offset < fraction:
            place = next(i for i, edge in enumerate(shape.cumulative) if failure.u <= edge)
            total += shape.means[place]
            for index in range(place, len(buckets)):
                buckets[index] += 1
    return buckets, total
