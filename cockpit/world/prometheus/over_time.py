"""Functions over a range of samples of one series, as Prometheus 2.42 computes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from math import isnan
from typing import NamedTuple, Protocol

from cockpit.world.prometheus.numbers import NAN, Sum, divide, quantile, regression


class Window(NamedTuple):
    """Samples of one series in [start, end], stale markers left out. All stamps in milliseconds.

    ``at`` is the evaluation time, which differs from ``end`` under ``offset`` and ``@``.
    """

    stamps: Sequence[int]
    values: Sequence[float]
    start: int
    end: int
    at: int


class BadArgument(ValueError):
    """An argument outside its domain; the message is Prometheus'."""


def _extrapolated(window: Window, *, counter: bool, rate: bool) -> float | None:
    """increase, rate and delta: the difference, corrected for resets, stretched to the window's edges.

    The stretch stops half an average interval beyond the first and last sample when an edge is further away than 1.1
    intervals, and a counter is never stretched below zero.
    """
    stamps, values = window.stamps, window.values
    if len(values) < 2:
        return None
    result = values[-1] - values[0]
    if counter:
        before = values[0]
        for value in values:
            if value < before:
                result += before
            before = value
    to_start = (stamps[0] - window.start) / 1000
    to_end = (window.end - stamps[-1]) / 1000
    sampled = (stamps[-1] - stamps[0]) / 1000
    average = sampled / (len(values) - 1)
    if counter and result > 0 and values[0] >= 0:
        to_start = min(to_start, sampled * (values[0] / result))
    threshold = average * 1.1
    stretched = sampled
    stretched += to_start if to_start < threshold else average / 2
    stretched += to_end if to_end < threshold else average / 2
    factor = stretched / sampled
    if rate:
        factor /= (window.end - window.start) / 1000
    return result * factor


def _last_two(window: Window, *, rate: bool) -> float | None:
    if len(window.values) < 2:
        return None
    before, last = window.values[-2], window.values[-1]
    interval = window.stamps[-1] - window.stamps[-2]
    if interval == 0:
        return None
    if not rate:
        return last - before
    return (last if last < before else last - before) / (interval / 1000)


def _average(window: Window) -> float:
    mean = Sum()
    for count, value in enumerate(window.values, 1):
        if math.isinf(mean.value):
            if math.isinf(value) and (mean.value > 0) == (value > 0):
                continue
            if math.isfinite(value):
                continue
        mean.add(value / count - mean.value / count)
    return mean.result()


def _total(window: Window) -> float:
    total = Sum()
    for value in window.values:
        total.add(value)
    return total.result()


def _variance(window: Window) -> float:
    mean, squares = Sum(), Sum()
    count = 0
    for value in window.values:
        count += 1
        delta = value - (mean.value + mean.carry)
        mean.add(delta / count)
        squares.add(delta * (value - (mean.value + mean.carry)))
    return (squares.value + squares.carry) / count


def _extreme(window: Window, better: Callable[[float, float], bool]) -> float:
    best = window.values[0]
    for value in window.values:
        if better(value, best) or isnan(best):
            best = value
    return best


def _changes(window: Window) -> float:
    pairs = zip(window.values, window.values[1:], strict=False)
    return float(sum(1 for before, value in pairs if value != before and not (isnan(value) and isnan(before))))


def _resets(window: Window) -> float:
    return float(sum(1 for before, value in zip(window.values, window.values[1:], strict=False) if value < before))


def _deriv(window: Window) -> float | None:
    if len(window.values) < 2:
        return None
    return regression(window.stamps, window.values, window.stamps[0])[0]


def _predict(window: Window, ahead: float) -> float | None:
    if len(window.values) < 2:
        return None
    slope, intercept = regression(window.stamps, window.values, window.at)
    return slope * ahead + intercept


def _holt_winters(window: Window, smoothing: float, trending: float) -> float | None:
    if not 0 < smoothing < 1:
        raise BadArgument(f"invalid smoothing factor. Expected: 0 < sf < 1, got: {smoothing:f}")
    if not 0 < trending < 1:
        raise BadArgument(f"invalid trend factor. Expected: 0 < tf < 1, got: {trending:f}")
    values = window.values
    if len(values) < 2:
        return None
    before, level, trend = 0.0, values[0], values[1] - values[0]
    for index in range(1, len(values)):
        if index > 1:
            trend = trending * (level - before) + (1 - trending) * trend
        before, level = level, smoothing * values[index] + (1 - smoothing) * (level + trend)
    return level


SIMPLE: dict[str, Callable[[Window], float | None]] = {
    "rate": lambda w: _extrapolated(w, counter=True, rate=True),
    "increase": lambda w: _extrapolated(w, counter=True, rate=False),
    "delta": lambda w: _extrapolated(w, counter=False, rate=False),
    "irate": lambda w: _last_two(w, rate=True),
    "idelta": lambda w: _last_two(w, rate=False),
    "deriv": _deriv,
    "changes": _changes,
    "resets": _resets,
    "avg_over_time": _average,
    "sum_over_time": _total,
    "min_over_time": lambda w: _extreme(w, lambda value, best: value < best),
    "max_over_time": lambda w: _extreme(w, lambda value, best: value > best),
    "count_over_time": lambda w: float(len(w.values)),
    "last_over_time": lambda w: w.values[-1],
    "present_over_time": lambda _: 1.0,
    "stddev_over_time": lambda w: math.sqrt(v) if (v := _variance(w)) >= 0 else NAN,
    "stdvar_over_time": _variance,
}
"""Functions of a range vector alone; None means no result for this series."""


class Argued(Protocol):
    """A function of a range vector and the scalars of its call, in their order."""

    def __call__(self, window: Window, params: Sequence[float]) -> float | None: ...


ARGUED: dict[str, Argued] = {
    "quantile_over_time": lambda window, params: quantile(params[0], window.values),
    "predict_linear": lambda window, params: _predict(window, params[0]),
    "holt_winters": lambda window, params: _holt_winters(window, params[0], params[1]),
}


def bucket_quantile(q: float, buckets: list[tuple[float, float]]) -> float:
    """histogram_quantile for classic histograms: ``buckets`` are (upper bound, cumulative count), in any order.

    Equal bounds are merged, counts made monotonic, and the value is interpolated linearly within the bucket; the lowest
    bucket starts at 0 when its bound is positive, and in the +Inf bucket the highest finite bound is returned.
    """
    if isnan(q):
        return NAN
    if q < 0:
        return -math.inf
    if q > 1:
        return math.inf
    merged: dict[float, float] = {}
    for bound, count in sorted(buckets, key=lambda bucket: bucket[0]):
        merged[bound] = merged.get(bound, 0.0) + count
    bounds, counts = list(merged), list(merged.values())
    if not bounds or bounds[-1] != math.inf:
        return NAN
    for index in range(1, len(counts)):
        counts[index] = max(counts[index], counts[index - 1])
    if len(bounds) < 2 or counts[-1] == 0 or counts[-1] != counts[-1]:
        return NAN
    rank = q * counts[-1]
    index = next((i for i in range(len(counts) - 1) if counts[i] >= rank), len(counts) - 1)
    if index == len(counts) - 1:
        return bounds[-2]
    if index == 0 and bounds[0] <= 0:
        return bounds[0]
    start, inside = 0.0, counts[index]
    if index > 0:
        start = bounds[index - 1]
        inside -= counts[index - 1]
        rank -= counts[index - 1]
    return start + (bounds[index] - start) * divide(rank, inside)
