"""The verdict of one rollout. It compares and names blind spots; it decides nothing before the tests are wired in."""

from __future__ import annotations

from msgspec.structs import replace

from cockpit.model.case import Case, Observed, Policy
from cockpit.model.evidence import Blind, Evidence, Reading, Sli
from cockpit.model.rollout import Rollout
from cockpit.model.sli import ERRORS, STANDARD
from cockpit.model.verdict import Assessment, PerArm, SliRow, State, Verdict

EXPECTED = frozenset({"NO_PODS", "TOO_NEW", "NO_TRAFFIC_EXPECTED"})
"""Codes of missing data that nobody should miss: not a blind spot."""

_UNKNOWN = Reading(None)


def judge(case: Case, policy: Policy) -> Assessment:
    """One verdict and the SLI table. Says ``unjudged`` and ``blind`` only: never ``ready`` or ``abort`` (issue 2)."""
    observed = case.observed
    if observed is None:
        return Assessment(_without_data(case))
    rows = tuple(_row(sli, observed, policy) for sli in STANDARD.values())
    evidence = next((item for item in observed.evidence if item.sli.name == ERRORS), None)
    return Assessment(
        verdict=_verdict(case, evidence, rows[0]),
        slis=rows,
        burn=observed.burn,
        as_of=evidence.as_of if evidence is not None else None,
    )


def _without_data(case: Case) -> Verdict:
    source, rollout = case.prometheus, case.rollout
    if source.state == "off":
        return Verdict("unjudged", source.message or "no Prometheus configured; set prometheus.url")
    if rollout.canary is None:
        return Verdict("unjudged", _rest(rollout))
    if source.state in ("lost", "denied", "absent"):
        reason = source.message or f"Prometheus is {source.state}"
        return Verdict("blind", reason, since=source.since, source="prometheus")
    return Verdict("unjudged", "SLIs are being read")


def _verdict(case: Case, evidence: Evidence | None, errors: SliRow) -> Verdict:
    rollout, source = case.rollout, case.prometheus
    blind = evidence.blind if evidence is not None else None
    if blind is not None and blind.code.startswith("PROM_"):
        return Verdict("blind", blind.reason, since=blind.since or source.since, source="prometheus")
    if rollout.canary is None:
        return Verdict("unjudged", f"{_rest(rollout)}; {_after(errors)}")
    if rollout.aborted:
        return Verdict("unjudged", f"aborted; {_lifetime(evidence)}")
    if blind is not None and blind.code not in EXPECTED:
        return Verdict("blind", blind.reason, sli=ERRORS, since=blind.since)
    if blind is not None:
        return Verdict("unjudged", blind.reason)
    return Verdict("unjudged", f"{_compared(errors, evidence)}; not judged yet")


def _rest(rollout: Rollout) -> str:
    if rollout.in_flight:
        return "no canary"
    return "fully promoted" if rollout.finished_at is not None else "nothing in flight"


def _compared(errors: SliRow, evidence: Evidence | None) -> str:
    """``errors 4.10 % vs 0.30 % (13.7x, n=18204)``; what is not known is said so."""
    notes = []
    if errors.ratio is not None:
        notes.append(f"{errors.ratio:.1f}x")
    if evidence is not None:
        notes.append(f"n={evidence.canary.total}")
    text = f"errors {_percent(errors.canary)} vs {_percent(errors.baseline)}"
    return text + (f" ({', '.join(notes)})" if notes else "")


def _after(errors: SliRow) -> str:
    """Without a canary: the version that serves, beside what served before where that is known."""
    if errors.canary is None:
        return f"errors {_percent(errors.baseline)}"
    return f"errors {_percent(errors.canary)}, before it {_percent(errors.baseline)}"


def _lifetime(evidence: Evidence | None) -> str:
    if evidence is None or not evidence.canary.total:
        return "no request of the canary was counted"
    canary, baseline = evidence.canary, evidence.baseline
    beside = f" vs {_percent(baseline.bad / baseline.total)}" if baseline.total else ""
    return f"over its life errors {_percent(canary.bad / canary.total)}{beside} (n={canary.total})"


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{100 * value:.2f} %"


def _row(sli: Sli, observed: Observed, policy: Policy) -> SliRow:
    canary, baseline = observed.readings.get(sli.name, (_UNKNOWN, _UNKNOWN))
    evidence = next((item for item in observed.evidence if item.sli.name == sli.name), None)
    if evidence is not None:
        sli = evidence.sli
    elif sli.limit is None:
        sli = replace(sli, k=policy.ratio)
    blind = (evidence.blind if evidence is not None else None) or canary.blind or baseline.blind
    state: State = "blind" if blind is not None and not _harmless(blind) else "unjudged"
    return SliRow(
        name=sli.name,
        unit=sli.unit,
        canary=canary.value,
        baseline=baseline.value,
        ratio=_ratio(canary.value, baseline.value),
        interval=None,
        requests=_arms(evidence, "total"),
        errors=_arms(evidence, "bad"),
        e_abort=None,
        e_advance=None,
        state=state,
        reason=blind.reason if blind is not None else "",
        limit=sli.limit,
    )


def _harmless(blind: Blind) -> bool:
    return blind.code in EXPECTED or blind.code in ("NO_REQUESTS", "TOO_FEW", "NOT_MEASURED")


def _ratio(canary: float | None, baseline: float | None) -> float | None:
    if canary is None or baseline is None or baseline <= 0.0:
        return None  # a ratio to nothing is not infinite badness: it is unknown
    return canary / baseline


def _arms(evidence: Evidence | None, what: str) -> PerArm:
    if evidence is None or evidence.strata == 0:
        return PerArm(None, None)
    return PerArm(getattr(evidence.canary, what), getattr(evidence.baseline, what))
