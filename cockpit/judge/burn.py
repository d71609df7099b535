"""Error budgets: burn rates, the multi-window table, exhaustion, and what a rollout spent in excess (facts 2)."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from cockpit.model.evidence import Counts

LEAST_BAD = 5
"""Bad events in the long window below which no burn rate fires: one error of ten would page."""


class Rule(NamedTuple):
    """Fires when both windows burn above ``factor``. Windows in seconds; ``spends`` of a 30 d budget by then."""

    severity: Literal["page", "ticket"]
    factor: float
    long: float
    short: float
    spends: float


RULES: tuple[Rule, ...] = (
    Rule("page", 14.4, 3_600.0, 300.0, 0.02),
    Rule("page", 6.0, 21_600.0, 1_800.0, 0.05),
    Rule("ticket", 3.0, 86_400.0, 7_200.0, 0.10),
    Rule("ticket", 1.0, 259_200.0, 21_600.0, 0.10),
)
"""The SRE workbook's table (chapter 5, "Alerting on SLOs"), for a period of 30 days."""


def burn_rate(counts: Counts, objective: float) -> float | None:
    """Error ratio over the budget ``1 - objective``; None without requests."""
    return rate_of(float(counts.bad), float(counts.total), objective)


def rate_of(bad: float, total: float, objective: float) -> float | None:
    """As ``burn_rate`` for extrapolated counts, which are no integers."""
    return bad / total / (1.0 - objective) if total > 0.0 else None


def fires(rule: Rule, long: Counts, short: Counts, objective: float) -> bool:
    """Whether a rule of the table holds, with at least five bad events in the long window."""
    one, two = burn_rate(long, objective), burn_rate(short, objective)
    if one is None or two is None or long.bad < LEAST_BAD:
        return False
    return one > rule.factor and two > rule.factor


def spent(burn: float, seconds: float, period: float) -> float:
    """Part of the budget that a burn rate spends in a while."""
    return burn * seconds / period


def exhausted_in(burn: float | None, period: float, remaining: float = 1.0) -> float | None:
    """Seconds until the remaining part of the budget is gone at this pace; None when it does not burn."""
    return remaining * period / burn if burn is not None and burn > 0.0 else None


def detected_after(rule: Rule, error_ratio: float, objective: float) -> float | None:
    """Seconds from a sudden ``error_ratio`` until the long window of a rule is above its factor; None: never."""
    ratio_at_factor = rule.factor * (1.0 - objective)
    return rule.long * ratio_at_factor / error_ratio if error_ratio >= ratio_at_factor else None


def least_events(objective: float) -> int:
    """Events per period below which single errors move the budget by more than a tenth: the SLO cannot be measured."""
    return math.ceil(round(10.0 / (1.0 - objective), 6))


class Excess(NamedTuple):
    """Errors of the canary beyond the baseline's rate, with about 95 % limits (Poisson counts of both arms)."""

    errors: float
    low: float
    high: float

    def of_budget(self, objective: float, events_per_period: float) -> float | None:
        """The part of a whole period's budget that these errors spent; None when the traffic is not known."""
        budget = (1.0 - objective) * events_per_period
        return self.errors / budget if budget > 0.0 else None


def excess(canary: Counts, baseline: Counts) -> Excess | None:
    """``c - n_c b/n_b``; None without requests of the baseline: then nothing says what was to be expected."""
    if not baseline.total:
        return None
    scale = canary.total / baseline.total
    mean = canary.bad - scale * baseline.bad
    # One error more than counted in each arm keeps the limits apart where both counted none.
    spread = 1.959963984540054 * math.sqrt(canary.bad + 1.0 + scale * scale * (baseline.bad + 1.0))
    return Excess(mean, mean - spread, mean + spread)
