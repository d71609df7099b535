"""Sequential evidence: two one-sided mixture e-processes on the ratio of error rates, kept as logarithms (facts 1.3a).

Given the errors of both arms in a stratum, the canary's share of them is binomial with ``p(r) = rw/(1+rw)``, where
``w = n_c/n_b`` and r is the ratio of the rates: the common level, however it moves, cancels. Against the boundary k
the likelihood ratio of each r_j is a supermartingale under every r on the other side, so is their mean, and by
Ville's inequality it exceeds 1/alpha with probability alpha at most, however often one looks.
"""

from __future__ import annotations

import math
import operator
from typing import NamedTuple

from cockpit.model.evidence import Counts

POINTS = 40
_GAINS = tuple(math.exp(math.log(1.05) + i * math.log(30.0 / 1.05) / (POINTS - 1)) for i in range(POINTS))
_LOG_GAINS = tuple(math.log(gain) for gain in _GAINS)

CAP = 1e300
"""What an e-value is shown as at most: JSON knows no infinity."""


class Mixture(NamedTuple):
    """``log L_j`` of both tests at the boundary k, and counts that wait until both arms have requests.

    ``abort`` holds alternatives above k (``k g_j``), ``advance`` those below (``k / g_j``).
    """

    k: float
    abort: tuple[float, ...] = (0.0,) * POINTS
    advance: tuple[float, ...] = (0.0,) * POINTS
    canary: Counts = Counts()
    baseline: Counts = Counts()

    @property
    def log_abort(self) -> float:
        """``ln E`` of the evidence that the ratio is above k."""
        return log_mean_exp(self.abort)

    @property
    def log_advance(self) -> float:
        """``ln E`` of the evidence that the ratio is below k."""
        return log_mean_exp(self.advance)


class Gains(NamedTuple):
    """What one merged stratum adds to each ``log L_j`` of both tests."""

    abort: tuple[float, ...]
    advance: tuple[float, ...]


def update(mixture: Mixture, canary: Counts, baseline: Counts, phi: float = 1.0) -> Mixture:
    """One stratum more. ``phi`` >= 1 tempers bursty errors. Pure; 15 us a side."""
    return step(mixture, canary, baseline, phi)[0]


def step(mixture: Mixture, canary: Counts, baseline: Counts, phi: float = 1.0) -> tuple[Mixture, Gains | None]:
    """As ``update``, with what was added; None when nothing was.

    A stratum in which an arm has no requests says nothing by itself and is merged with its neighbours.
    """
    canary = Counts(mixture.canary.bad + canary.bad, mixture.canary.total + canary.total)
    baseline = Counts(mixture.baseline.bad + baseline.bad, mixture.baseline.total + baseline.total)
    if not (canary.total and baseline.total):
        return mixture._replace(canary=canary, baseline=baseline), None
    cleared = mixture._replace(canary=Counts(), baseline=Counts())
    errors = canary.bad + baseline.bad
    if not errors:
        return cleared, None
    k, w = mixture.k, canary.total / baseline.total
    at_k = math.log1p(k * w)
    scale, bad = 1.0 / max(1.0, phi), canary.bad
    gains = Gains(
        tuple(
            scale * (bad * log_gain + errors * (at_k - math.log1p(k * gain * w)))
            for gain, log_gain in zip(_GAINS, _LOG_GAINS, strict=True)
        ),
        tuple(
            scale * (errors * (at_k - math.log1p(k / gain * w)) - bad * log_gain)
            for gain, log_gain in zip(_GAINS, _LOG_GAINS, strict=True)
        ),
    )
    return cleared._replace(abort=add(mixture.abort, gains.abort), advance=add(mixture.advance, gains.advance)), gains


def add(logs: tuple[float, ...], gains: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(map(operator.add, logs, gains))


def once(canary: Counts, baseline: Counts, k: float, phi: float = 1.0) -> Mixture:
    """The evidence of given counts taken as one stratum (``cockpit judge``)."""
    return update(Mixture(k), canary, baseline, phi)


def threshold(alpha: float, tests: int = 1) -> float:
    """``ln(m / alpha)``: what ``ln E`` has to reach; Bonferroni over m SLIs."""
    return math.log(tests / alpha)


def shown(log_e: float) -> float:
    """An e-value for people and JSON, capped at 1e300."""
    return min(CAP, math.exp(min(log_e, 700.0)))


def log_mean_exp(values: tuple[float, ...]) -> float:
    high = max(values)
    return high + math.log(math.fsum(math.exp(value - high) for value in values) / len(values))
