"""Burn rates of both arms: the canary's from its own strata, the baseline's long windows from Prometheus, rarely."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from cockpit.base.clock import GRID_SECONDS
from cockpit.config import SloSettings
from cockpit.judge.burn import RULES, burn_rate, excess, exhausted_in, fires, least_events, rate_of
from cockpit.judge.words import span as span_of
from cockpit.metrics.follow import Follow
from cockpit.metrics.history import ROLES
from cockpit.metrics.objectives import Objective
from cockpit.metrics.presets import Requests
from cockpit.metrics.promql import duration, fill
from cockpit.metrics.readings import covered_seconds
from cockpit.model.evidence import Counts
from cockpit.model.resource import Key
from cockpit.model.verdict import Burn, BurnWindow

WINDOWS: tuple[tuple[float, float], ...] = ((300.0, 14.4), (3600.0, 14.4), (21_600.0, 6.0), (259_200.0, 1.0))
"""(seconds, page at): the long windows of the multi-window table of the SRE workbook, chapter 5, and its shortest."""


_WHOLE = 0.98
"""Of a period: what has to be covered for its budget to be told."""


class Past(NamedTuple):
    """The baseline's requests over a window longer than the evidence, as of ``at``."""

    bad: float
    total: float
    at: float


class Spent(NamedTuple):
    """Requests of all versions in the last ``covered`` seconds, of an SLO period that may be longer."""

    bad: float
    total: float
    covered: float


def slo_of(key: Key, slos: Iterable[SloSettings]) -> SloSettings | None:
    """The first objective whose ``match`` (namespace/name, with ``*``) fits."""
    return next((slo for slo in slos if fnmatchcase(str(key), slo.match)), None)


def past_query(requests: Requests, labels: Iterable[str], seconds: float, scope: Mapping[str, str]) -> str:
    """Requests per pod and status over a window, extrapolated as ``increase`` does: good enough for context."""
    selector = fill(requests.selector, scope, "requests.selector")
    by = ", ".join(sorted({requests.namespace, requests.pod, *labels}))
    return f"sum by ({by}) (increase({selector}[{duration(seconds)}]))"


def refresh_every(seconds: float) -> float:
    """A window moves slowly in proportion to its length; so does the query for it."""
    return max(60.0, seconds / 30.0)


def burn_of(
    follow: Follow,
    slo: SloSettings,
    past: Mapping[float, Past],
    declared: Objective | None = None,
    spent: Spent | None = None,
) -> Burn:
    """Burn = error ratio / (1 - objective), facts 2. A window the canary has not lived through stays None.

    ``declared``: the same objective as rules in Prometheus know it. ``spent``: what the raw counters of the period say
    where no rule does; they count only when they reach back over the whole of it.
    """
    history, objective = follow.history, slo.objective
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
                canary=burn_rate(canary, objective),
                baseline=rate_of(*baseline, objective) if baseline is not None else None,
                page_at=page_at,
            )
        )
    period = slo.period_days * 86_400.0
    longest = next((window for window in reversed(windows) if window.canary is not None), None)
    errors = follow.evidence[0]
    events = _events_per_period(follow, period)
    remaining = declared.remaining if declared is not None else None
    covered = period if remaining is not None else spent.covered if spent is not None else None
    if remaining is None and spent is not None and spent.covered >= period * _WHOLE:
        remaining = 1.0 - spent.bad / spent.total / (1.0 - objective)
    beyond = excess(errors.canary, errors.baseline)
    spent_ = beyond.of_budget(objective, events) if beyond is not None and events else None
    scale = (1.0 - objective) * events if events else None
    at_full = burn_rate(errors.canary, objective)
    return Burn(
        slo=slo.name,
        objective=objective,
        period=period,
        windows=tuple(windows),
        budget_remaining=remaining,
        budget_covered=covered,
        exhausted_in=_exhausted(longest.canary if longest is not None else None, period, remaining),
        excess_spent=spent_,
        reason=_missing(lived, events, objective, longest is None),
        at_full=at_full,
        excess_low=beyond.low / scale if beyond is not None and scale else None,
        excess_high=beyond.high / scale if beyond is not None and scale else None,
        alerts=tuple(_alerts(follow, lived, objective)),
        origin=declared.origin if declared is not None and declared.objective == objective else "config",
    )


def _exhausted(burn: float | None, period: float, remaining: float | None) -> float | None:
    left = 1.0 if remaining is None else max(0.0, remaining)
    return exhausted_in(burn, period, left)


def _events_per_period(follow: Follow, period: float) -> float | None:
    """Requests of both arms in a whole period, at the pace of the last hour; None when there were none."""
    history = follow.history
    span = round(3600.0 / GRID_SECONDS)
    rates = [history.rate(role, history.steps, span) or 0.0 for role in ROLES]
    return sum(rates) * period or None


def _missing(lived: float, events: float | None, objective: float, young: bool) -> str | None:
    if young:
        return f"the canary has lived {lived / 60:.0f} min; 5 min are needed"
    if events is not None and events < least_events(objective):
        return f"about {events:.0f} requests per period: one error moves the budget by more than a tenth"
    return None


def _alerts(follow: Follow, lived: float, objective: float) -> Iterator[str]:
    history = follow.history

    def counts(seconds: float) -> Counts:
        return history.counts("canary", history.steps, round(seconds / GRID_SECONDS))

    for rule in RULES:
        if lived >= rule.short and fires(rule, counts(rule.long), counts(rule.short), objective):
            lasted = "" if lived >= rule.long else f" ({span_of(lived)} of it lived)"
            yield f"{rule.severity}: above {rule.factor:g}x over {span_of(rule.long)}{lasted} and {span_of(rule.short)}"
