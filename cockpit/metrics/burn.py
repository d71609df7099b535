"""Burn rates of both arms: the canary's from its own strata, the baseline's long windows from Prometheus, rarely."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from cockpit.base.clock import GRID_SECONDS
from cockpit.config import SloSettings
from cockpit.judge.burn import burn_rate, exhausted_in, rate_of
from cockpit.metrics.follow import Follow
from cockpit.metrics.presets import Requests
from cockpit.metrics.promql import duration, fill
from cockpit.metrics.readings import covered_seconds
from cockpit.model.evidence import Counts
from cockpit.model.resource import Key
from cockpit.model.verdict import Burn, BurnWindow

WINDOWS: tuple[tuple[float, float], ...] = ((300.0, 14.4), (3600.0, 14.4), (21_600.0, 6.0), (259_200.0, 1.0))
"""(seconds, page at): the long windows of the multi-window table of the SRE workbook, chapter 5, and its shortest."""


class Past(NamedTuple):
    """The baseline's requests over a window longer than the evidence, as of ``at``."""

    bad: float
    total: float
    at: float


def slo_of(key: Key, slos: Iterable[SloSettings]) -> SloSettings | None:
    """The first objective whose ``match`` (namespace/name, with ``*``) fits."""
    return next((slo for slo in slos if fnmatchcase(str(key), slo.match)), None)


def past_query(requests: Requests, labels: Iterable[str], seconds: float, namespaces: str, pods: str) -> str:
    """Requests per pod and status over a window, extrapolated as ``increase`` does: good enough for context."""
    selector = fill(requests.selector, {"namespaces": namespaces, "pods": pods}, "requests.selector")
    by = ", ".join(sorted({requests.namespace, requests.pod, *labels}))
    return f"sum by ({by}) (increase({selector}[{duration(seconds)}]))"


def refresh_every(seconds: float) -> float:
    """A window moves slowly in proportion to its length; so does the query for it."""
    return max(60.0, seconds / 30.0)


def burn_of(follow: Follow, slo: SloSettings, past: Mapping[float, Past]) -> Burn:
    """Burn = error ratio / (1 - objective), facts 2. A window the canary has not lived through stays None."""
    history = follow.history
    lived = covered_seconds(history, "canary")
    windows = []
    for seconds, page_at in WINDOWS:
        span = round(seconds / GRID_SECONDS)
        canary = history.counts("canary", history.steps, span) if lived >= seconds else Counts()
        if history.steps >= span:
            held = history.counts("baseline", history.steps, span)
            baseline: tuple[float, float] | None = (held.bad, held.total)
        else:
            known = past.get(seconds)
            baseline = (known.bad, known.total) if known is not None else None
        windows.append(
            BurnWindow(
                seconds=seconds,
                covered=min(seconds, lived),
                canary=burn_rate(canary, slo.objective),
                baseline=rate_of(*baseline, slo.objective) if baseline is not None else None,
                page_at=page_at,
            )
        )
    period = slo.period_days * 86_400.0
    longest = next((window for window in reversed(windows) if window.canary is not None), None)
    return Burn(
        slo=slo.name,
        objective=slo.objective,
        period=period,
        windows=tuple(windows),
        exhausted_in=exhausted_in(longest.canary, period) if longest is not None else None,
        reason=None if longest is not None else f"the canary has lived {lived / 60:.0f} min; 5 min are needed",
    )
