"""Latency as counts: requests slower than a frozen bucket edge; the chance that the canary is slower (facts 1.6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from cockpit.model.evidence import Counts

K_P95 = 1.5
K_P99 = 2.0
"""Allowed ratios of exceedance for an edge near the baseline's P95 and P99."""


_FARTHEST = math.log(8.0)


class Slower(NamedTuple):
    """``theta``: P(canary slower) + half of ties; 0.5 equal, 0.56 small, 0.64 medium, 0.71 large (Vargha, Delaney).

    ``z`` and one-sided ``p``: Mann-Whitney with ties, normal approximation, no continuity correction.
    """

    theta: float
    z: float
    p: float


def nearest_edge(edges: Sequence[float], seconds: float) -> float:
    """The finite bucket edge nearest to a latency objective, by ratio. Raises ValueError without a finite edge."""
    finite = [edge for edge in edges if 0.0 < edge < math.inf]
    if not finite or not seconds > 0.0:
        raise ValueError("a latency threshold needs a positive objective and a finite bucket edge")
    return min(finite, key=lambda edge: abs(math.log(edge / seconds)))


def quantile_edge(q: float, edges: Sequence[float], counts: Sequence[int]) -> float | None:
    """The edge whose exceedance in the baseline is nearest to ``1 - q`` by ratio: the threshold to freeze.

    Of the two edges around the quantile the upper one may be exceeded by next to nothing, which tells two versions
    apart only after hours. None: no finite edge is exceeded by anything within a factor of 8.
    """
    total, within = sum(counts), 0
    best: tuple[float, float] | None = None
    for edge, count in zip(edges, counts, strict=True):
        within += count
        if within < total and 0.0 < edge < math.inf:
            off = abs(math.log((total - within) / total / (1.0 - q)))
            best = min(best or (off, edge), (off, edge))
    return best[1] if best is not None and best[0] <= _FARTHEST else None


def exceedance(edges: Sequence[float], counts: Sequence[int], threshold: float) -> Counts:
    """Requests slower than a threshold that is one of the edges. Raises ValueError when it is none: buckets changed."""
    if threshold not in edges:
        raise ValueError(f"no bucket ends at {threshold:g} s")
    total = sum(counts)
    within = sum(count for edge, count in zip(edges, counts, strict=True) if edge <= threshold)
    return Counts(total - within, total)


def slower(canary: Sequence[int], baseline: Sequence[int]) -> Slower | None:
    """Common-language effect size on counts per bucket (same edges); None without requests or with one bucket only."""
    if len(canary) != len(baseline):
        raise ValueError("both arms need the same buckets")
    n_c, n_b = sum(canary), sum(baseline)
    if not (n_c and n_b):
        return None
    below, u, ties = 0, 0.0, 0.0
    for mine, theirs in zip(canary, baseline, strict=True):
        u += mine * (below + theirs / 2.0)
        below += theirs
        tied = mine + theirs
        ties += float(tied) ** 3 - tied
    n = n_c + n_b
    variance = n_c * n_b / 12.0 * ((n + 1) - ties / (n * (n - 1.0)))
    if variance <= 0.0:
        return None
    z = (u - n_c * n_b / 2.0) / math.sqrt(variance)
    return Slower(u / (n_c * n_b), z, math.erfc(z / math.sqrt(2.0)) / 2.0)
