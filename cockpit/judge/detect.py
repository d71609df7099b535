"""Detectability: how many requests, and how long, until a regression of a given size can be told (facts 1.3e)."""

from __future__ import annotations

import math
from typing import NamedTuple

MIXTURE_COST = 1.4
"""What not knowing the true ratio beforehand costs, against the best single alternative."""

SHARP = 5.0
"""The regression every step should be able to show within ``Policy.detect_within``."""


class Plan(NamedTuple):
    """What the present traffic can show: canary requests and seconds until a ratio is told from k; None: never."""

    requests: float
    seconds: float | None


def requests_needed(
    rate: float, ratio: float, share: float, *, k: float = 2.0, phi: float = 1.0, e: float = 20.0
) -> float:
    """Canary requests until ``ln E`` is expected to reach ``ln e`` when the true ratio is ``ratio``.

    ``rate``: the baseline's error rate; ``share``: the canary's part of the requests, ``w = share / (1 - share)``. The
    formula is ``phi ln e / (rate (ratio + 1/w) KL)``. Infinite at ``ratio == k`` or a rate of 0. Raises ValueError for
    a share outside 0..1.
    """
    if not 0.0 < share < 1.0:
        raise ValueError(f"the canary's share lies between 0 and 1, not {share}")
    w = share / (1.0 - share)
    gain = _information(ratio, k, w)
    if rate <= 0.0 or gain <= 0.0:
        return math.inf
    return phi * math.log(e) / (rate * (ratio + 1.0 / w) * gain)


def plan(rate: float, ratio: float, share: float, rps: float, *, k: float = 2.0, phi: float = 1.0) -> Plan:
    """As ``requests_needed``, and the time it takes at ``rps`` of the canary, the mixture's cost included."""
    requests = requests_needed(rate, ratio, share, k=k, phi=phi)
    if math.isinf(requests) or rps <= 0.0:
        return Plan(requests, None)
    return Plan(requests, requests * MIXTURE_COST / rps)


def _information(ratio: float, k: float, w: float) -> float:
    """Kullback-Leibler divergence of the canary's share of errors at ``ratio`` from that at k."""
    p, p0 = ratio * w / (1.0 + ratio * w), k * w / (1.0 + k * w)
    return (p * math.log(p / p0) if p else 0.0) + (1.0 - p) * math.log((1.0 - p) / (1.0 - p0))
