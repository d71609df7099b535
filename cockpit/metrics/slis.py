"""Which SLIs are judged, and how the chance of a false alarm is shared out among them (facts 1.3: Bonferroni)."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from cockpit.config import JudgeSettings, SloSettings
from cockpit.judge.latency import K_P95, K_P99
from cockpit.metrics.presets import Preset
from cockpit.model.evidence import Sli
from cockpit.model.sli import ERRORS, P95, P99, QUANTILES, STANDARD

ALPHA = 0.05
"""Chance that a canary no worse than allowed is ever held to be worse, over all its SLIs together."""

_OTHERS = 0.1
"""Part of it left to all SLIs but the errors. Slow requests are many, so that little delays them little."""


class Judged(NamedTuple):
    """The SLIs of one rollout. ``objective``: seconds that the latency objective allows, where there is one."""

    errors: Sli
    latency: tuple[Sli, ...] = ()
    own: tuple[Sli, ...] = ()
    objective: float | None = None


def judged(preset: Preset, judge: JudgeSettings, slo: SloSettings | None, own: tuple[Sli, ...] = ()) -> Judged:
    """``slo`` None: no objective, hence no limit of errors but the judge's own."""
    names = (P95, P99) if preset.latency is not None else ()
    others = len(names) + len(own)
    alpha = ALPHA * (1.0 - _OTHERS) if others else ALPHA
    each = ALPHA * _OTHERS / others if others else ALPHA
    limit = judge.burn * (1.0 - slo.objective) if slo is not None else None
    errors = replace(STANDARD[ERRORS], k=judge.ratio, limit=limit, ceiling=limit or judge.ceiling, alpha=alpha)
    latency = tuple(
        # P95 of the canary lies above an edge exactly when more than 5 % of its requests do.
        replace(STANDARD[name], k=k, alpha=each, ceiling=round(1.0 - QUANTILES[name], 9))
        for name, k in zip(names, (K_P95, K_P99), strict=False)
    )
    return Judged(
        errors, latency, tuple(replace(sli, alpha=each) for sli in own), slo.latency if slo is not None else None
    )
