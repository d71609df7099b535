"""What the evidence supports: one vocabulary on every screen and in JSON."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["abort", "outage", "blind", "watch", "wait", "ready", "unjudged"]

ORDER: dict[State, int] = {"abort": 1, "outage": 2, "blind": 3, "watch": 4, "wait": 5, "ready": 6, "unjudged": 7}
"""Rank in the fleet; 1 needs a human first."""


class Verdict(msgspec.Struct, frozen=True):
    """One state and one sentence. ``since``: cluster time the state began; ``latched_at``: of a latched abort.

    ``source`` names a source that is down when the state says nothing of this rollout itself ("prometheus"): such rows
    rank by their phases and pods, not as ``blind``.
    """

    state: State
    reason: str
    sli: str | None = None
    since: float | None = None
    latched_at: float | None = None
    source: str | None = None


class PerArm(msgspec.Struct, frozen=True):
    canary: int | None
    baseline: int | None


class SliRow(msgspec.Struct, frozen=True):
    """One line of the SLI table; also the JSON of ``status``. Values in ``unit``; ratios 0..1; None is unknown."""

    name: str
    unit: str
    canary: float | None
    baseline: float | None
    ratio: float | None
    interval: tuple[float, float] | None
    requests: PerArm
    errors: PerArm
    e_abort: float | None
    e_advance: float | None
    state: State
    reason: str
    limit: float | None = None
    posterior: float | None = None  # P(ratio > k); only where ``interval`` is
    latched_at: float | None = None
    phi: float | None = None  # over-dispersion that the evidence is discounted by; None: not measured
    unseen: int | None = None  # at most this many requests died before a scrape
    k: float | None = None  # allowed ratio, which P and E are about
    share: str | None = None  # what interval, P and E count where ``ratio`` is of times: "slower than 1 s"
    share_ratio: float | None = None  # ratio of those shares over the life of the evidence


class BurnWindow(msgspec.Struct, frozen=True):
    """Burn rate over ``seconds``; ``covered`` < ``seconds`` means the canary has not lived that long."""

    seconds: float
    covered: float
    canary: float | None
    baseline: float | None
    page_at: float | None = None


class Burn(msgspec.Struct, frozen=True):
    """Burn of an error budget. ``objective`` is a ratio (0.999)."""

    slo: str
    objective: float
    period: float  # seconds
    windows: tuple[BurnWindow, ...]
    budget_remaining: float | None = None
    exhausted_in: float | None = None  # seconds at this pace
    excess_spent: float | None = None  # ratio of the budget, since the rollout started
    reason: str | None = None  # why a number is missing
    at_full: float | None = None  # burn rate if the canary served everything
    excess_low: float | None = None  # about 95 % limits of ``excess_spent``
    excess_high: float | None = None
    alerts: tuple[str, ...] = ()  # rules of the multi-window table that the canary alone would fire
    origin: str = "config"  # where the objective comes from: config, Sloth, Pyrra
    budget_covered: float | None = None  # seconds of the period that were read for ``budget_remaining``


class Assessment(msgspec.Struct, frozen=True):
    """The judged picture of one rollout."""

    verdict: Verdict
    slis: tuple[SliRow, ...] = ()
    burn: Burn | None = None
    as_of: float | None = None  # evidence time
