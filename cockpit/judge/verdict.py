"""The verdict: every witness says one state, and the one that needs a human most speaks for the rollout."""

from __future__ import annotations

from msgspec.structs import replace

from cockpit.judge import words
from cockpit.judge.after import after, resting
from cockpit.judge.outage import outage
from cockpit.judge.pods import pod_trouble
from cockpit.judge.rows import row
from cockpit.judge.stuck import stuck
from cockpit.judge.volume import off_weight
from cockpit.judge.waiting import Pace
from cockpit.model.case import Case, Observed, Policy
from cockpit.model.evidence import Evidence, Reading
from cockpit.model.sli import ERRORS, RATE, STANDARD
from cockpit.model.verdict import ORDER, Assessment, SliRow, Verdict

_NOTHING = (Reading(None), Reading(None))


def judge(case: Case, policy: Policy) -> Assessment:
    """One verdict and the SLI table. A pure function of what it is shown; 0.5 ms at most without ``intervals``."""
    observed = case.observed
    witnesses = _cluster(case)
    if observed is None:
        return Assessment(_worst([*witnesses, _without_data(case)]))
    pace = _pace(observed)
    rows = tuple(_rows(case, observed, policy, pace))
    errors = next((item for item in observed.evidence if item.sli.name == ERRORS), None)
    if case.rollout.canary is None:
        verdict = _lost(observed, case) or after(case.rollout, observed)
    elif case.rollout.aborted:
        verdict = _aborted(errors)
    else:
        witnesses += _metrics(case, observed, policy, pace, errors, rows)
        verdict = _worst(witnesses)
    if case.rollout.returning and verdict.state not in ("unjudged", "blind"):
        verdict = replace(verdict, reason=f"returning version: {verdict.reason}")
    return Assessment(
        verdict=verdict,
        slis=rows,
        burn=observed.burn,
        as_of=errors.as_of if errors is not None else None,
    )


def _rows(case: Case, observed: Observed, policy: Policy, pace: Pace) -> list[SliRow]:
    named = {item.sli.name: item.sli for item in observed.evidence}
    slis = {**STANDARD, **{name: sli for name, sli in named.items() if name not in STANDARD}}
    defaulted = (sli if sli.limit is not None else replace(sli, k=policy.ratio) for sli in slis.values())
    rows = [row(sli, observed, policy, pace, intervals=case.intervals) for sli in defaulted]
    if case.rollout.canary is not None and not case.rollout.aborted:
        return rows
    # Nothing is on its way: there is nothing left to wait for or to be ready for.
    return [item if item.state in ("abort", "blind") else replace(item, state="unjudged") for item in rows]


def _cluster(case: Case) -> list[Verdict]:
    """What the cluster says by itself, with or without metrics."""
    if case.rollout.aborted:
        return []
    found = (pod_trouble(case.rollout, case.now), stuck(case.rollout))
    return [Verdict(state, reason) for state, reason in (one for one in found if one is not None)]


def _metrics(
    case: Case, observed: Observed, policy: Policy, pace: Pace, errors: Evidence | None, rows: tuple[SliRow, ...]
) -> list[Verdict]:
    if (lost := _lost(observed, case)) is not None:
        latched = [_of_row(item) for item in rows if item.state == "abort"]
        return [*latched, lost]
    found: list[Verdict] = []
    if (shared := outage(observed, errors, pace)) is not None:
        found.append(Verdict("outage", shared, sli=ERRORS))
    if (share := off_weight(case.rollout, pace, case.now)) is not None:
        found.append(Verdict("watch", share, sli=RATE))
    judged = [_of_row(item) for item in rows if item.state != "unjudged"]
    if rows[0].state == "unjudged":
        # Nothing else is worth a "ready" while the errors themselves are not judged.
        judged = [item for item in judged if item.state != "ready"]
        judged.append(Verdict("unjudged", rows[0].reason or _only_shown(rows[0]), sli=None))
    return [*found, *judged]


def _of_row(item: SliRow) -> Verdict:
    named = item.reason if item.name == ERRORS or item.reason.startswith(item.name) else f"{item.name}: {item.reason}"
    return Verdict(item.state, named, sli=item.name, latched_at=item.latched_at)


def _worst(witnesses: list[Verdict]) -> Verdict:
    """The first of the most urgent state."""
    return min(witnesses, key=lambda verdict: ORDER[verdict.state])


def _lost(observed: Observed, case: Case) -> Verdict | None:
    """Prometheus itself is gone: said once, about the source and not about the rollout."""
    blind = next((item.blind for item in observed.evidence if item.blind is not None), None)
    if blind is None or not blind.code.startswith("PROM_"):
        return None
    return Verdict("blind", blind.reason, since=blind.since or case.prometheus.since, source="prometheus")


def _without_data(case: Case) -> Verdict:
    source, rollout = case.prometheus, case.rollout
    if source.state == "off":
        return Verdict("unjudged", source.message or "no Prometheus configured; set prometheus.url")
    if rollout.canary is None:
        return Verdict("unjudged", resting(rollout))
    if source.state in ("lost", "denied", "absent"):
        reason = source.message or f"Prometheus is {source.state}"
        return Verdict("blind", reason, since=source.since, source="prometheus")
    return Verdict("unjudged", "SLIs are being read")


def _aborted(evidence: Evidence | None) -> Verdict:
    """What the abort left behind; the verdict on the version stays, since a retry would bring it back."""
    if evidence is None or not evidence.canary.total:
        return Verdict("unjudged", "aborted; no request of the canary was counted")
    reason = f"aborted; over its life {words.beside(evidence)}"
    if evidence.latched_at is not None:
        return Verdict("abort", reason, sli=ERRORS, latched_at=evidence.latched_at)
    return Verdict("unjudged", reason)


def _only_shown(errors: SliRow) -> str:
    ratio = f" ({words.times(errors.ratio)})" if errors.ratio is not None else ""
    return f"errors {words.percent(errors.canary)} vs {words.percent(errors.baseline)}{ratio}; not counted yet"


def _pace(observed: Observed) -> Pace:
    canary, baseline = observed.readings.get(RATE, _NOTHING)
    return Pace(canary.value, baseline.value)
