"""Outage: both arms are failing and the canary is not worse, so that rolling back would not help."""

from __future__ import annotations

from cockpit.judge import words
from cockpit.judge.waiting import Pace
from cockpit.model.case import Observed
from cockpit.model.evidence import Evidence, Reading
from cockpit.model.sli import ERRORS

WINDOW = 300.0
"""Seconds that present values are taken over."""

FAILING = 0.05
"""Share of errors that is an outage where no SLO says what is."""

_LEAST_BAD = 5
_WORSE = 1.5
_UNKNOWN = (Reading(None), Reading(None))


def outage(observed: Observed, evidence: Evidence | None, pace: Pace) -> str | None:
    """One sentence when both arms burn their budget beyond the limit now, in about equal measure; None otherwise."""
    canary, baseline = (reading.value for reading in observed.readings.get(ERRORS, _UNKNOWN))
    limit = evidence.sli.limit if evidence is not None and evidence.sli.limit is not None else FAILING
    if canary is None or baseline is None or canary <= limit or baseline <= limit:
        return None
    if baseline * WINDOW * (pace.baseline or 0.0) < _LEAST_BAD or canary > _WORSE * baseline:
        return None
    return (
        f"both arms fail: errors {words.percent(canary)} vs {words.percent(baseline)}, the canary is not worse; "
        "not this release, rolling back would not help"
    )
