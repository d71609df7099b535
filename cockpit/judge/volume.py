"""Volume: whether the canary serves the share of the requests that its weight promises (facts 3.2)."""

from __future__ import annotations

import math

from cockpit.judge import words
from cockpit.judge.waiting import Pace
from cockpit.model.rollout import Rollout

WINDOW = 300.0
"""Seconds that a rate is taken over; the weight must have stood for that long."""

_FACTOR = 2.0
_SURE = 3.0  # standard deviations of a Poisson count


def off_weight(rollout: Rollout, pace: Pace, now: float) -> str | None:
    """One sentence when the canary's share of the requests is off by more than a factor of two; None otherwise."""
    weight = rollout.weight.actual if rollout.weight.actual is not None else rollout.weight.set
    if weight is None or not 0.0 < weight < 1.0 or pace.canary is None or pace.baseline is None:
        return None
    if rollout.step_since is None or now - rollout.step_since < WINDOW + 30.0:
        return None
    canary, baseline = pace.canary * WINDOW, pace.baseline * WINDOW
    expected = baseline * weight / (1.0 - weight)
    low, high = expected / _FACTOR, expected * _FACTOR
    if low - _SURE * math.sqrt(low) <= canary <= high + _SURE * math.sqrt(high):
        return None
    share = canary / (canary + baseline)
    much = "only " if canary < expected else ""
    return f"the canary serves {much}{words.percent(share)} of the requests at weight {weight:.0%}; check the routing"
