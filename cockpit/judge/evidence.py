"""Evidence grows by strata: a pure fold, so that any process that saw the same strata holds the same evidence."""

from __future__ import annotations

from msgspec.structs import replace

from cockpit.model.evidence import Counts, Evidence, Stratum

STRATUM_SECONDS = 15.0


def fold(evidence: Evidence, stratum: Stratum) -> Evidence:
    """``evidence`` with one more stratum. A stratum that is not newer than what was folded changes nothing.

    Raises ValueError for impossible counts (negative, or more bad than total): they would poison everything after.
    """
    if evidence.as_of is not None and stratum.start < evidence.as_of:
        return evidence
    canary, baseline = _checked(stratum.canary), _checked(stratum.baseline)
    return replace(
        evidence,
        canary=Counts(evidence.canary.bad + canary.bad, evidence.canary.total + canary.total),
        baseline=Counts(evidence.baseline.bad + baseline.bad, evidence.baseline.total + baseline.total),
        strata=evidence.strata + 1,
        as_of=stratum.start + STRATUM_SECONDS,
    )


def _checked(counts: Counts) -> Counts:
    if counts.bad < 0 or counts.total < counts.bad:
        raise ValueError(f"impossible counts: {counts.bad} bad of {counts.total}")
    return counts
