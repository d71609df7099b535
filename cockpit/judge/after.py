"""A rollout that is over: the new version beside what served before it. Not at the same time, so it is labelled."""

from __future__ import annotations

from cockpit.judge import words
from cockpit.judge.evidence import against
from cockpit.judge.rows import suspect
from cockpit.judge.sequential import once
from cockpit.model.case import Observed
from cockpit.model.evidence import Counts, Evidence, Reading
from cockpit.model.rollout import Rollout
from cockpit.model.sli import ERRORS
from cockpit.model.verdict import Verdict

_UNKNOWN = (Reading(None), Reading(None))


def after(rollout: Rollout, observed: Observed) -> Verdict:
    """``abort`` or ``watch`` when the new version is worse than what it replaced, otherwise ``unjudged``."""
    rest = resting(rollout)
    now, before = (reading.value for reading in observed.readings.get(ERRORS, _UNKNOWN))
    if rollout.before is None:
        return Verdict("unjudged", f"{rest}; errors {words.percent(before if now is None else now)}")
    for evidence in observed.evidence:
        if evidence.latched_at is not None:
            reason = f"{rest}, but it was against the evidence: {words.beside(evidence)}"
            return Verdict("abort", reason, sli=evidence.sli.name, latched_at=evidence.latched_at)
        since = _since(evidence)
        if since is None:
            continue
        if against(since) is not None:
            return Verdict("abort", f"{rest}; vs before: {words.beside(since)}", sli=evidence.sli.name)
        if suspect(since):
            reason = f"{rest}; vs before: {words.beside(since)}; looks worse, not proven"
            return Verdict("watch", reason, sli=evidence.sli.name)
    text = f"{rest}; errors {words.percent(now)} vs before {words.percent(before)}"
    if now is not None and before:
        text += f" ({words.times(now / before)})"
    return Verdict("unjudged", text)


def resting(rollout: Rollout) -> str:
    if rollout.in_flight:
        return "no canary"
    return "fully promoted" if rollout.finished_at is not None else "nothing in flight"


def _since(evidence: Evidence) -> Evidence | None:
    """Evidence of the requests since the baseline left, against all that it served while it was there."""
    new: Counts = evidence.held_canary
    if not new.total or not evidence.baseline.total or evidence.sli.kind == "volume":
        return None
    mixture = once(new, evidence.baseline, evidence.sli.k, evidence.phi)
    return Evidence(
        sli=evidence.sli,
        canary=new,
        baseline=evidence.baseline,
        strata=evidence.strata,
        as_of=evidence.as_of,
        log_abort=mixture.log_abort,
        log_advance=mixture.log_advance,
        phi=evidence.phi,
    )
