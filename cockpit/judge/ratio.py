"""The ratio of two error rates for display: posterior, intervals and the exact conditional test (facts 1.3b)."""

from __future__ import annotations

import math

from cockpit.judge.beta import beta_quantile, betainc
from cockpit.model.evidence import Counts

Interval = tuple[float, float]


def point(canary: Counts, baseline: Counts) -> float | None:
    """``(c/n_c) / (b/n_b)``; None where it is unknown: an arm without requests, or no error in either."""
    if not (canary.total and baseline.total and (canary.bad or baseline.bad)):
        return None
    if not baseline.bad:
        return math.inf
    return (canary.bad / canary.total) / (baseline.bad / baseline.total)


def posterior(canary: Counts, baseline: Counts, k: float) -> float | None:
    """``P(ratio > k)`` under Jeffreys' prior for both rates: ``I_{1/(1+q)}(b+1/2, c+1/2)``, ``q = k n_c/n_b``.

    For display only: at the boundary it is not safe under peeking. None when an arm has no requests.
    """
    if not (canary.total and baseline.total):
        return None
    q = k * canary.total / baseline.total
    return betainc(baseline.bad + 0.5, canary.bad + 0.5, 1.0 / (1.0 + q))


def jeffreys_interval(canary: Counts, baseline: Counts, level: float = 0.95) -> Interval | None:
    """Equal-tailed posterior interval of the ratio. Costs 0.4-17 ms: only for what is shown."""
    return _interval(
        canary, baseline, (canary.bad + 0.5, baseline.bad + 0.5), (canary.bad + 0.5, baseline.bad + 0.5), level
    )


def exact_interval(canary: Counts, baseline: Counts, level: float = 0.95) -> Interval | None:
    """Conditional Clopper-Pearson interval, Beta(c, b+1) and Beta(c+1, b); 0 for c = 0, infinite for b = 0."""
    low = (float(canary.bad), baseline.bad + 1.0)
    high = (canary.bad + 1.0, float(baseline.bad))
    return _interval(canary, baseline, low, high, level)


def exact_p(canary: Counts, baseline: Counts, k: float) -> float | None:
    """One-sided p of "ratio <= k": given c+b errors, c is Binomial(c+b, kw/(1+kw)), ``w = n_c/n_b``. Fixed n only."""
    if not (canary.total and baseline.total):
        return None
    if not canary.bad:
        return 1.0
    odds = k * canary.total / baseline.total
    return betainc(canary.bad, baseline.bad + 1.0, odds / (1.0 + odds))


def _interval(
    canary: Counts, baseline: Counts, low: tuple[float, float], high: tuple[float, float], level: float
) -> Interval | None:
    if not (canary.total and baseline.total):
        return None
    tail = (1.0 - level) / 2.0
    scale = baseline.total / canary.total
    bottom = beta_quantile(tail, *low) if low[0] > 0 else 0.0
    top = beta_quantile(1.0 - tail, *high) if high[1] > 0 else 1.0
    return _odds(bottom) * scale, _odds(top) * scale


def _odds(x: float) -> float:
    return x / (1.0 - x) if x < 1.0 else math.inf
