"""Saturation: gauges with an entry and an exit threshold, and the time until memory runs out (facts 1.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

ENTER, LEAVE, POLLS = 0.90, 0.80, 3
TREND_SECONDS = 600.0
"""A trend of memory is read off ten minutes at least: cold pods legitimately grow."""


class Gauge(NamedTuple):
    """Whether a ratio of its limit counts as saturated; ``streak``: consecutive polls that speak for a change."""

    saturated: bool = False
    streak: int = 0


def update(gauge: Gauge, ratio: float | None) -> Gauge:
    """One poll more. Enters above 90 % for three polls, leaves below 80 % for three; unknown breaks a streak only."""
    if ratio is None:
        return gauge._replace(streak=0)
    speaks = ratio < LEAVE if gauge.saturated else ratio > ENTER
    if not speaks:
        return gauge._replace(streak=0)
    if gauge.streak + 1 >= POLLS:
        return Gauge(not gauge.saturated)
    return gauge._replace(streak=gauge.streak + 1)


def worse_than_baseline(
    canary: float | None, baseline: float | None, *, times: float = 1.5, least: float = 0.5
) -> bool:
    """The canary uses more than ``times`` the baseline's share of its limit, and more than ``least`` of its own."""
    if canary is None or baseline is None:
        return False
    return canary > least and canary > times * baseline


def seconds_to_limit(points: Sequence[tuple[float, float]], limit: float) -> float | None:
    """When a straight line through (time, value) meets ``limit``; None when it does not grow or is too short.

    Least squares; 0 when the limit is passed.
    """
    if len(points) < 3 or points[-1][0] - points[0][0] < TREND_SECONDS:
        return None
    newest = points[-1][1]
    if newest >= limit:
        return 0.0
    mean_t = sum(at for at, _ in points) / len(points)
    mean_v = sum(value for _, value in points) / len(points)
    spread = sum((at - mean_t) ** 2 for at, _ in points)
    slope = sum((at - mean_t) * (value - mean_v) for at, value in points) / spread
    return (limit - newest) / slope if slope > 0 else None
