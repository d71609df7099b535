"""Aggregation operators over an instant vector: by and without, and the parametrised ones."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from math import isnan

from cockpit.world.prometheus.labels import LABEL_NAME, NAME, Labels, labels_of
from cockpit.world.prometheus.numbers import NAN, plain, quantile
from cockpit.world.prometheus.over_time import BadArgument

Vector = list[tuple[Labels, float]]


def aggregate(op: str, vector: Vector, labels: Sequence[str], without: bool, param: float | str | None) -> Vector:
    """Apply ``op``. ``param`` is the k of topk, the phi of quantile or the label of count_values."""
    if op == "count_values":
        return _count_values(vector, labels, without, str(param))
    if op in ("topk", "bottomk"):
        return _extreme(op, vector, labels, without, float(param or 0.0))
    groups: dict[Labels, list[float]] = {}
    key = grouping(labels, without)
    for series, value in vector:
        groups.setdefault(key(series), []).append(value)
    if op == "quantile":
        phi = NAN if param is None else float(param)
        return [(group, quantile(phi, values)) for group, values in groups.items()]
    reduce = REDUCERS[op]
    return [(group, reduce(values)) for group, values in groups.items()]


def grouping(labels: Sequence[str], without: bool) -> Callable[[Labels], Labels]:
    """Label set of a series -> label set of its group."""
    names = frozenset(labels)
    if not without:
        if not names:
            return lambda series: ()
        return lambda series: tuple(pair for pair in series if pair[0] in names)
    dropped = names | {NAME}
    return lambda series: tuple(pair for pair in series if pair[0] not in dropped)


def _sum(values: list[float]) -> float:
    total = values[0]
    for value in values[1:]:
        total += value
    return total


def _mean(values: list[float]) -> float:
    mean = values[0]
    for count, value in enumerate(values[1:], 2):
        if math.isinf(mean):
            if math.isinf(value) and (mean > 0) == (value > 0):
                continue
            if math.isfinite(value):
                continue
        mean += value / count - mean / count
    return mean


def _variance(values: list[float]) -> float:
    mean, squares = values[0], 0.0
    for count, value in enumerate(values[1:], 2):
        delta = value - mean
        mean += delta / count
        squares += delta * (value - mean)
    return squares / len(values)


def _best(values: list[float], better: Callable[[float, float], bool]) -> float:
    best = values[0]
    for value in values[1:]:
        if better(value, best) or isnan(best):
            best = value
    return best


REDUCERS: dict[str, Callable[[list[float]], float]] = {
    "sum": _sum,
    "avg": _mean,
    "min": lambda values: _best(values, lambda value, best: value < best),
    "max": lambda values: _best(values, lambda value, best: value > best),
    "count": lambda values: float(len(values)),
    "group": lambda values: 1.0,
    "stddev": lambda values: math.sqrt(variance) if (variance := _variance(values)) >= 0 else NAN,
    "stdvar": _variance,
}


def _count_values(vector: Vector, labels: Sequence[str], without: bool, label: str) -> Vector:
    if LABEL_NAME.fullmatch(label) is None:
        raise BadArgument(f'invalid label name "{label}"')
    counts: dict[Labels, float] = {}
    key = grouping(labels if without else (*labels, label), without)
    for series, value in vector:
        marked = labels_of({**dict(series), label: plain(value)})
        group = key(marked)
        counts[group] = counts.get(group, 0.0) + 1
    return list(counts.items())


def _extreme(op: str, vector: Vector, labels: Sequence[str], without: bool, param: float) -> Vector:
    """topk and bottomk keep whole series, the best first within their group; NaN loses to every number."""
    if not -(2.0**63) <= param < 2.0**63:
        raise BadArgument(f"Scalar value {plain(param)} overflows int64")
    k = int(param)
    if k < 1:
        return []
    groups: dict[Labels, Vector] = {}
    key = grouping(labels, without)
    for sample in vector:
        groups.setdefault(key(sample[0]), []).append(sample)
    if op == "topk":
        return [
            sample
            for members in groups.values()
            for sample in heapq.nlargest(k, members, key=lambda member: (not isnan(member[1]), member[1]))
        ]
    return [
        sample
        for members in groups.values()
        for sample in heapq.nsmallest(k, members, key=lambda member: (isnan(member[1]), member[1]))
    ]
