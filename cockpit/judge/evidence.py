"""Evidence grows by strata: a pure fold, so that any process that saw the same strata holds the same evidence."""

from __future__ import annotations

import math

from msgspec.structs import replace

from cockpit.judge import absolute, late
from cockpit.judge.burn import LEAST_BAD
from cockpit.judge.sequential import POINTS, Mixture, log_mean_exp, step
from cockpit.model.evidence import Cause, Counts, Evidence, Proof, Sli, Stratum

STRATUM_SECONDS = 15.0
READY_ALPHA = 0.05
"""Chance that a canary that is worse is held to be fine; every SLI has to be, so that it is not shared out."""

_NEW = (0.0,) * POINTS
_ENOUGH = -math.log(READY_ALPHA)
_SLACK = 1.5
POINT_BAD = 10
"""Bad events below which the bare ratio says nothing: it swings by half."""


def fold(evidence: Evidence, stratum: Stratum) -> Evidence:
    """``evidence`` with one more stratum. A stratum that is not newer than what was folded changes nothing.

    The first stratum at which the evidence says abort latches it, at the end of that stratum. For an SLI of kind
    ``volume`` bad events are the good ones (orders placed) and evidence is against having too few of them.

    Raises ValueError for impossible counts (negative, or more bad than total): they would poison everything after.
    """
    if evidence.as_of is not None and stratum.start < evidence.as_of:
        return evidence
    sli = evidence.sli
    canary, baseline = _checked(stratum.canary, sli), _checked(stratum.baseline, sli)
    mixture = Mixture(
        sli.k,
        evidence.abort or _NEW,
        evidence.advance or _NEW,
        evidence.held_canary,
        evidence.held_baseline,
    )
    # Too few orders on the canary are too many on the baseline: the arms change sides.
    one, two = (baseline, canary) if sli.kind == "volume" else (canary, baseline)
    mixture, gains = step(mixture, one, two, evidence.phi)
    unchanged = gains is None and evidence.log_abort is not None
    grown = replace(
        evidence,
        canary=Counts(evidence.canary.bad + canary.bad, evidence.canary.total + canary.total),
        baseline=Counts(evidence.baseline.bad + baseline.bad, evidence.baseline.total + baseline.total),
        strata=evidence.strata + 1,
        as_of=stratum.start + STRATUM_SECONDS,
        log_abort=evidence.log_abort if unchanged else log_mean_exp(mixture.abort),
        log_advance=evidence.log_advance if unchanged else log_mean_exp(mixture.advance),
        abort=mixture.abort,
        advance=mixture.advance,
        held_canary=mixture.canary,
        held_baseline=mixture.baseline,
    )
    grown = late.follow(grown, stratum.start, gains)
    if (proof := proven(grown)) != grown.proven:
        grown = replace(grown, proven=proof)
    if grown.latched_at is None and (cause := against(grown)) is not None:
        return replace(grown, latched_at=grown.as_of, latched_by=cause)
    return grown


def against(evidence: Evidence) -> Cause | None:
    """Why the evidence says abort now, None while it does not."""
    if evidence.log_abort is not None and evidence.log_abort >= -math.log(evidence.sli.alpha):
        return "ratio"
    if late.crossed(evidence):
        return "late"
    return "burn" if burns(evidence) else None


def proven(evidence: Evidence) -> Proof | None:
    """What shows that the canary is fine, with less asked for to stay than to begin: it must not flicker."""
    log = evidence.log_advance or 0.0
    if log >= _ENOUGH or (evidence.proven == "ratio" and log >= 0.0):
        return "ratio"
    ceiling = evidence.sli.ceiling
    if ceiling is None:
        return None
    return "ceiling" if rare(evidence, ceiling) else None


def rare(evidence: Evidence, ceiling: float) -> bool:
    """Whether bad events are surely rarer than ``ceiling``, and too few to compare or comparing well.

    Once proven it takes a ratio beyond k of no small number to take it back: six errors more or less swing by half.
    """
    canary, baseline, sli = evidence.canary, evidence.baseline, evidence.sli
    if sli.kind == "volume":
        return False
    held = evidence.proven is not None
    least, ratio = (POINT_BAD, sli.k) if held else (LEAST_BAD, (1.0 + sli.k) / 2.0)
    if canary.bad >= least and baseline.total and canary.bad * baseline.total > ratio * baseline.bad * canary.total:
        return False
    return absolute.below(canary, ceiling * _SLACK if held else ceiling, READY_ALPHA)


def burns(evidence: Evidence) -> bool:
    """Whether the canary is proven to err more than the baseline does by the whole limit (10x of the budget).

    What both arms burn is no fault of the release (facts 2): only the excess counts, with five bad events at least.
    """
    sli, canary, baseline = evidence.sli, evidence.canary, evidence.baseline
    if sli.kind != "errors" or sli.limit is None or canary.bad < LEAST_BAD or not baseline.total:
        return False
    allowed = sli.limit + baseline.bad / baseline.total
    if canary.bad <= allowed * canary.total:
        return False
    allowed = sli.limit + absolute.upper(baseline, sli.alpha)
    return absolute.above(_tempered(canary, evidence.phi), allowed, sli.alpha)


def _tempered(counts: Counts, phi: float) -> Counts:
    """As many events as burstiness leaves to count as independent."""
    return counts if phi <= 1.0 else Counts(math.floor(counts.bad / phi), math.floor(counts.total / phi))


def _checked(counts: Counts, sli: Sli) -> Counts:
    if counts.bad < 0 or counts.total < 0 or (counts.total < counts.bad and sli.kind != "volume"):
        raise ValueError(f"impossible counts: {counts.bad} bad of {counts.total}")
    return counts
