"""One line of the SLI table: the state of one SLI with the numbers it rests on."""

from __future__ import annotations

import math
from typing import Literal

from msgspec.structs import replace

from cockpit.judge import absolute, words
from cockpit.judge.evidence import POINT_BAD, READY_ALPHA, rare
from cockpit.judge.ratio import jeffreys_interval, point, posterior
from cockpit.judge.saturation import worse_than_baseline
from cockpit.judge.sequential import shown
from cockpit.judge.waiting import Pace, waiting
from cockpit.model.case import Observed, Policy
from cockpit.model.evidence import Blind, Evidence, Reading, Saturation, Sli
from cockpit.model.sli import CPU
from cockpit.model.verdict import PerArm, SliRow, State

EXPECTED = frozenset({"NO_PODS", "TOO_NEW", "NO_TRAFFIC_EXPECTED"})
"""Codes of missing data that nobody should miss: not a blind spot."""

LEAST_STRATA = 6  # 90 s: two scrapes and the first minute of a cold pod
_LEAST_BAD = 5
_SUSPECT = 0.95
_RECENT = math.log(5.0)
_AGAINST_PROOF = math.log(20.0)
"""Of late, against a canary that is proven to be fine: three errors in a row must not take that back for a minute."""
_UNKNOWN = Reading(None)
_SHORT = frozenset({"NO_REQUESTS", "TOO_FEW", "NOT_MEASURED"})
_ALIKE = 1.3  # of a life's ratio: what the present differs by before it is worth a word


def row(sli: Sli, observed: Observed, policy: Policy, pace: Pace, *, intervals: bool) -> SliRow:
    """The row of one SLI, judged by its evidence, by its saturation, or not at all."""
    canary, baseline = observed.readings.get(sli.name, (_UNKNOWN, _UNKNOWN))
    evidence = next((item for item in observed.evidence if item.sli.name == sli.name), None)
    full = next((item for item in observed.saturation if item.name == sli.name), None)
    missing = canary.blind or baseline.blind
    state, reason = _shown_only(missing)
    if evidence is not None:
        sli = evidence.sli
        read = sli.name in observed.readings
        state, reason = judged(evidence, policy, pace, (canary.value, baseline.value) if read else None)
        if not read and evidence.blind is None:  # of the user's own: nothing but its counts is known of it
            canary, baseline = (Reading(words.rate(arm.bad, arm.total)) for arm in (evidence.canary, evidence.baseline))
    elif full is not None and state != "blind":
        state, reason = saturated(full, observed)
    counted = evidence if evidence is not None and evidence.strata else None
    row_ = SliRow(
        name=sli.name,
        unit=sli.unit,
        canary=canary.value,
        baseline=baseline.value,
        ratio=_ratio(canary.value, baseline.value),
        interval=None,
        requests=_arms(counted, "total"),
        errors=_arms(counted, "bad"),
        e_abort=_e(counted.log_abort if counted else None),
        e_advance=_e(counted.log_advance if counted else None),
        state=state,
        reason=reason,
        limit=sli.limit if full is None else full.limit,
        latched_at=evidence.latched_at if evidence is not None else None,
        phi=counted.phi if counted and counted.phi_strata else None,
        unseen=counted.unseen if counted else None,
        k=counted.sli.k if counted else None,
        share=words.subject(counted) if counted and counted.sli.kind == "latency" else None,
        share_ratio=point(counted.canary, counted.baseline) if counted and counted.sli.kind == "latency" else None,
    )
    return _with_interval(row_, counted) if intervals and counted is not None else row_


def judged(
    evidence: Evidence, policy: Policy, pace: Pace, now: tuple[float | None, float | None] | None = None
) -> tuple[State, str]:
    """State and reason of one SLI by its evidence; ``now`` are the present values of both arms, where there are any.

    A latched abort stands however the present looks. Missing data never becomes ready or abort.
    """
    if evidence.latched_at is not None:
        return "abort", _latched(evidence, now)
    blind = evidence.blind
    if blind is not None:
        if blind.code == "NO_TRAFFIC_EXPECTED" or blind.code in _SHORT:
            return "unjudged", blind.reason
        return ("wait" if blind.code in EXPECTED else "blind"), blind.reason
    enough = _RECENT if evidence.proven is None else _AGAINST_PROOF
    if evidence.log_recent is not None and evidence.log_recent >= enough:
        return "watch", f"{words.beside(evidence)}; of late it looks worse than {evidence.sli.k:g}x, not proven yet"
    if suspect(evidence):
        return "watch", f"{words.beside(evidence)}; looks worse than {evidence.sli.k:g}x, not proven yet"
    ceiling = evidence.sli.ceiling if evidence.sli.ceiling is not None else _ceiling(evidence, policy)
    if (proof := _ready(evidence, ceiling)) is not None:
        return "ready", proof
    wait = waiting(evidence, pace, policy, ceiling)
    ratio = point(evidence.canary, evidence.baseline)
    counted = evidence.sli.kind not in ("volume", "latency") and evidence.canary.bad >= POINT_BAD
    if wait.enough and counted and ratio is not None and ratio > evidence.sli.k:
        return "watch", f"{words.beside(evidence)}; above {evidence.sli.k:g}x, not proven; {wait.reason}"
    return "wait", _with_numbers(evidence, wait.reason)


def suspect(evidence: Evidence) -> bool:
    """P(ratio > k) above 95 % with five bad events at least: worth a look, not a proof (facts 0.3)."""
    canary, baseline, k = evidence.canary, evidence.baseline, evidence.sli.k
    if evidence.sli.kind == "volume":
        canary, baseline = baseline, canary
    ratio = point(canary, baseline)
    if ratio is None or ratio <= k or canary.bad < _LEAST_BAD:
        return False
    if canary.bad > 1000 and baseline.bad > 1000:
        z = math.log(ratio / k) / math.sqrt(1.0 / canary.bad + 1.0 / baseline.bad)
        return math.erfc(-z / math.sqrt(2.0)) / 2.0 > _SUSPECT
    chance = posterior(canary, baseline, k)
    return chance is not None and chance > _SUSPECT


def saturated(full: Saturation, observed: Observed) -> tuple[State, str]:
    """By entry and exit thresholds (facts 1.7), not by statistics: pods are few."""
    what = "cpu" if full.name == CPU else "memory"
    if full.canary is None:
        return "unjudged", f"no limit of {what} is known" if full.limit is None else ""
    said = f"{what} at {full.canary:.0%} of its limit"
    if full.baseline is not None:
        said += f", baseline {full.baseline:.0%}"
    if full.canary_full:
        if full.baseline_full:
            return "watch", f"{said}: both arms are full"
        return "abort", f"{said} for three polls"
    canary, baseline = full.canary, full.baseline
    if full.name == CPU and baseline is not None:
        baseline *= _load(observed)  # what the baseline would use at the canary's requests per pod
    if worse_than_baseline(canary, baseline):
        return "watch", said
    if full.full_in is not None and full.full_in < 1800.0:
        return "watch", f"{said}; full in {words.span(full.full_in)} at this growth"
    return "ready", said


def _arms(counted: Evidence | None, what: Literal["bad", "total"]) -> PerArm:
    """Counts of both arms. None of an arm that a blind SLI never saw: nobody knows that they are zero."""
    if counted is None:
        return PerArm(None, None)
    unknown = counted.blind is not None
    canary, baseline = (
        None if unknown and not counts.total else getattr(counts, what) for counts in (counted.canary, counted.baseline)
    )
    return PerArm(canary, baseline)


def _load(observed: Observed) -> float:
    canary, baseline = (reading.value for reading in observed.readings.get("rate_per_pod", (_UNKNOWN, _UNKNOWN)))
    return canary / baseline if canary and baseline else 1.0


def _ceiling(evidence: Evidence, policy: Policy) -> float | None:
    return policy.ceiling if evidence.sli.kind == "errors" else None


def _ready(evidence: Evidence, ceiling: float | None) -> str | None:
    """The proof that the canary is fine, None without one."""
    if evidence.strata < LEAST_STRATA or not evidence.canary.total:
        return None
    if evidence.proven == "ratio":
        return f"{words.beside(evidence)}; surely below {evidence.sli.k:g}x"
    if ceiling is not None and (evidence.proven == "ceiling" or rare(evidence, ceiling)):
        bound = max(ceiling, absolute.upper(evidence.canary, READY_ALPHA))  # what was proven may hold by some slack
        return f"{words.beside(evidence)}; surely below {words.percent(bound)}"
    return None


def _latched(evidence: Evidence, now: tuple[float | None, float | None] | None) -> str:
    by = {"late": "worse of late", "burn": f"burns the budget beyond the baseline's by {_beyond(evidence)}"}
    notes = [by[evidence.latched_by]] if evidence.latched_by in by else []
    text = words.beside(evidence, *notes)
    if now is None:
        return text
    ratio = _ratio(*now)
    life = point(evidence.canary, evidence.baseline)
    if ratio is not None and life is not None and (ratio <= evidence.sli.k or ratio * _ALIKE < life):
        text += f", now {words.times(ratio)}"
    elif ratio is None and now[0] is None:
        text += ", now unknown"
    return text


def _beyond(evidence: Evidence) -> str:
    return "more than " + words.percent(evidence.sli.limit)


def _with_numbers(evidence: Evidence, reason: str) -> str:
    if not evidence.canary.bad and not evidence.baseline.bad:
        return reason
    return f"{words.beside(evidence)}; {reason}"


def _shown_only(missing: Blind | None) -> tuple[State, str]:
    if missing is None:
        return "unjudged", ""
    harmless = missing.code in EXPECTED or missing.code in _SHORT
    return ("unjudged" if harmless else "blind"), missing.reason


def _with_interval(row_: SliRow, evidence: Evidence) -> SliRow:
    found = jeffreys_interval(evidence.canary, evidence.baseline)
    return replace(row_, interval=found, posterior=posterior(evidence.canary, evidence.baseline, evidence.sli.k))


def _ratio(canary: float | None, baseline: float | None) -> float | None:
    if canary is None or baseline is None or baseline <= 0.0:
        return None  # a ratio to nothing is not infinite badness: it is unknown
    return canary / baseline


def _e(log: float | None) -> float | None:
    return None if log is None else shown(log)
