"""What evidence that does not suffice yet is waiting for, in requests and minutes (facts 1.3e)."""

from __future__ import annotations

import math
from typing import NamedTuple

from cockpit.judge import words
from cockpit.judge.absolute import clean_requests_needed
from cockpit.judge.detect import MIXTURE_COST, SHARP, requests_needed
from cockpit.judge.dispersion import BURSTY
from cockpit.model.case import Policy
from cockpit.model.evidence import Evidence

_NEVER = 1e12
"""Requests that nobody waits for."""


class Pace(NamedTuple):
    """Requests per second of both arms of late; None: not known."""

    canary: float | None
    baseline: float | None


class Wait(NamedTuple):
    """``sharp``: canary requests until a 5x regression would show; ``enough``: whether there were that many."""

    sharp: float
    enough: bool
    reason: str


def waiting(evidence: Evidence, pace: Pace, policy: Policy, ceiling: float | None) -> Wait:
    """The sentence for ``wait``. Nothing in it decides anything."""
    canary, baseline = evidence.canary, evidence.baseline
    n = canary.total
    if not n:
        return Wait(math.inf, False, "no request of the canary was counted yet")
    if not canary.bad and not baseline.bad:
        return _clean(evidence, pace, ceiling)
    share = _share(evidence, pace)
    if share is None or not baseline.total:
        return Wait(math.inf, False, f"no request of the baseline to compare {n} of the canary with")
    level = max(baseline.bad, 0.5) / baseline.total
    e = 1.0 / evidence.sli.alpha
    k, phi = evidence.sli.k, evidence.phi
    sharp = requests_needed(level, max(SHARP, 2.5 * k), share, k=k, phi=phi, e=e)
    equal = requests_needed(level, 1.0, share, k=k, phi=phi, e=20.0)
    target = sharp if n < sharp else equal
    if not canary.bad and ceiling is not None and 0.0 < ceiling < 1.0 and clean_requests_needed(ceiling) < target:
        text = _clean(evidence, pace, ceiling).reason
    elif target > _NEVER and n < target:
        text = f"{n} requests; at this share of the traffic no number of them tells the versions apart"
    elif n < sharp:
        text = f"{n} of {_count(sharp)} requests" + _when(sharp, n, pace)
    elif n < equal:
        text = f"no 5x regression seen; {n} of {_count(equal)} requests to be sure" + _when(equal, n, pace)
    else:
        weight = math.exp(min(700.0, evidence.log_advance or 0.0))
        text = f"{n} requests, not sure yet: evidence {weight:.2g} of 20 for being below {k:g}x"
    if slow(sharp, pace, policy):
        text += (
            f"; this weight cannot show a 5x regression within {words.span(policy.detect_within)}; "
            "raise the weight or lengthen the step"
        )
    if phi > BURSTY:
        text += f"; errors come in bursts, evidence is discounted {phi:.1f}x"
    return Wait(sharp, n >= sharp and math.isfinite(target), text)


def slow(sharp: float, pace: Pace, policy: Policy) -> bool:
    """Whether a 5x regression takes longer to show than is allowed."""
    if not pace.canary or not math.isfinite(sharp):
        return False
    return sharp * MIXTURE_COST / pace.canary > policy.detect_within


def _clean(evidence: Evidence, pace: Pace, ceiling: float | None) -> Wait:
    """Without any bad event nothing compares; only how rare they can be is known."""
    n, what = evidence.canary.total, words.subject(evidence)
    if ceiling is None or not 0.0 < ceiling < 1.0:
        return Wait(math.inf, False, f"no {what} in either arm yet (n={n}); nothing to compare")
    need = clean_requests_needed(ceiling)
    text = f"{n} of {need} requests without {what} until it is surely below {words.percent(ceiling)}"
    return Wait(float(need), n >= need, text + _when(need / MIXTURE_COST, n, pace))


def _share(evidence: Evidence, pace: Pace) -> float | None:
    """The canary's share of the requests: of late, or over the life of the evidence."""
    if pace.canary and pace.baseline:
        share = pace.canary / (pace.canary + pace.baseline)
    else:
        share = evidence.canary.total / (evidence.canary.total + evidence.baseline.total)
    return share if 0.0 < share < 1.0 else None


def _count(requests: float) -> str:
    return words.number(math.ceil(requests))


def _when(requests: float, n: int, pace: Pace) -> str:
    if pace.canary is None:
        return ""
    if pace.canary <= 0.0:
        return ", and none came in the last minutes"
    seconds = max(0.0, requests * MIXTURE_COST - n) / pace.canary
    return f", about {words.span(seconds)} at this rate"
