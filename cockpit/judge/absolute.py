"""Anytime-valid bounds of one arm's error rate: what can be said where ratios cannot (facts 1.3d)."""

from __future__ import annotations

import math
from functools import lru_cache

from cockpit.judge.beta import log_beta
from cockpit.model.evidence import Counts


def upper(counts: Counts, alpha: float = 0.05) -> float:
    """Largest rate that the data do not refute: above it the beta(1/2, 1/2) mixture holds 1/alpha against it."""
    bad, good = counts.bad, counts.total - counts.bad
    if good == 0:
        return 1.0
    rate = bad / counts.total
    return _root(bad, good, alpha, inside=rate, outside=1.0)


def lower(counts: Counts, alpha: float = 0.05) -> float:
    """Smallest rate that the data do not refute."""
    bad, good = counts.bad, counts.total - counts.bad
    if bad == 0:
        return 0.0
    return _root(bad, good, alpha, inside=bad / counts.total, outside=0.0)


def below(counts: Counts, ceiling: float, alpha: float = 0.05) -> bool:
    """Whether ``upper`` lies at or below ``ceiling``: one evaluation instead of a search."""
    return bool(counts.total) and counts.bad < ceiling * counts.total and _refuted(counts, ceiling, alpha)


def above(counts: Counts, ceiling: float, alpha: float = 0.05) -> bool:
    """Whether ``lower`` lies at or above ``ceiling``."""
    return bool(counts.total) and counts.bad > ceiling * counts.total and _refuted(counts, ceiling, alpha)


@lru_cache(maxsize=256)
def clean_requests_needed(ceiling: float, alpha: float = 0.05) -> int:
    """Requests without any error after which ``upper`` falls to ``ceiling``."""
    if not 0.0 < ceiling < 1.0:
        raise ValueError(f"a ceiling lies between 0 and 1, not {ceiling}")
    low, high = 0, 1
    while upper(Counts(0, high), alpha) > ceiling:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if upper(Counts(0, middle), alpha) > ceiling else (low, middle)
    return high


def _refuted(counts: Counts, rate: float, alpha: float) -> bool:
    """Whether the mixture holds 1/alpha against ``rate``."""
    if not 0.0 < rate < 1.0:
        return False
    bad, good = counts.bad, counts.total - counts.bad
    mixture = log_beta(bad + 0.5, good + 0.5) - log_beta(0.5, 0.5)
    return mixture - bad * math.log(rate) - good * math.log1p(-rate) >= -math.log(alpha)


def _root(bad: int, good: int, alpha: float, *, inside: float, outside: float) -> float:
    """Between a rate that stands and one that is refuted: where ``ln E`` crosses ``ln 1/alpha``; monotone there."""
    mixture = log_beta(bad + 0.5, good + 0.5) - log_beta(0.5, 0.5)
    limit = -math.log(alpha)
    for _ in range(200):
        middle = (inside + outside) / 2.0
        if middle in (inside, outside):
            break
        likelihood = (bad * math.log(middle) if bad else 0.0) + (good * math.log1p(-middle) if good else 0.0)
        if mixture - likelihood < limit:
            inside = middle
        else:
            outside = middle
    return inside
