"""Quantiles of classic histograms: the point as Prometheus interpolates it, the interval on bucket edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_Z95 = 1.959963984540054


class Quantile(NamedTuple):
    """``value`` lies in [low, high] with about 95 %; ``high`` None: beyond the top bucket.

    ``top``: the quantile itself fell into the bucket without an upper edge, so ``value`` is only a lower bound.
    """

    value: float
    low: float
    high: float | None
    top: bool


def needed(q: float) -> int:
    """Least n for which an upper confidence limit of the q-quantile exists: ``ln 0.05 / ln q`` (P95 59, P99 299)."""
    return math.ceil(math.log(0.05) / math.log(q))


def increments(cumulative: Sequence[int]) -> list[int]:
    """Counts per bucket from cumulative ``le`` counts; a dip (buckets scraped apart) is levelled by the maximum."""
    counts: list[int] = []
    high = 0
    for value in cumulative:
        counts.append(max(0, value - high))
        high = max(high, value)
    return counts


def quantile(q: float, edges: Sequence[float], counts: Sequence[int]) -> Quantile | None:
    """The q-quantile of ``counts`` per bucket, the last edge being +Inf; None without observations.

    Linear within a bucket, from 0 in the first one when its edge is positive, as ``histogram_quantile`` does. The
    interval maps the ranks ``nq -+ 1.96 sqrt(nq(1-q))`` to the edges of the buckets that hold them. Raises ValueError
    for unsorted edges or a missing +Inf.
    """
    if len(edges) != len(counts) or not edges or not math.isinf(edges[-1]):
        raise ValueError("a histogram needs one count per edge and +Inf as its last edge")
    if any(low >= high for low, high in pairwise(edges)):
        raise ValueError("bucket edges must grow")
    total = sum(counts)
    if total == 0 or len(edges) == 1:
        return None
    rank = q * total
    spread = _Z95 * math.sqrt(total * q * (1 - q))
    low_at = _bucket(rank - spread, counts)
    high_at = _bucket(rank + spread, counts)
    at = _bucket(rank, counts)
    low = _start(low_at, edges)
    high = edges[high_at] if high_at < len(edges) - 1 else None
    if at == len(edges) - 1:
        return Quantile(edges[-2], low, None, top=True)
    before = sum(counts[:at])
    start, end = _start(at, edges), edges[at]
    value = start + (end - start) * (rank - before) / counts[at] if counts[at] else end
    return Quantile(value, low, high, top=False)


def common_edges(one: Sequence[float], two: Sequence[float]) -> tuple[float, ...]:
    """Edges both histograms have; with fewer than two the arms cannot be compared (the code changed its buckets)."""
    shared = set(two)
    return tuple(edge for edge in one if edge in shared)


def rebin(edges: Sequence[float], counts: Sequence[int], onto: Sequence[float]) -> list[int]:
    """Counts per bucket on a subset of the edges. Raises ValueError when ``onto`` is no subset."""
    if not set(onto) <= set(edges):
        raise ValueError("can only merge buckets, not split them")
    merged, index = [0] * len(onto), 0
    for edge, count in zip(edges, counts, strict=True):
        merged[index] += count
        if index < len(onto) - 1 and edge == onto[index]:
            index += 1
    return merged


def _bucket(rank: float, counts: Sequence[int]) -> int:
    below = 0
    for index, count in enumerate(counts):
        below += count
        if count and below >= rank:
            return index
    return len(counts) - 1


def _start(index: int, edges: Sequence[float]) -> float:
    if index == 0:
        return min(0.0, edges[0])
    return edges[index - 1]
