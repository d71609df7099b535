"""Late onset: evidence that starts anew every five minutes, so that a good first hour does not hide a bad minute.

Evidence since the start answers "is this canary worse"; after a long healthy time it has to be worn down before it can
turn. Beside it stands a wager on every moment at which the fault may have begun: the m-th start holds the part
``1/(m(m+1))`` of the stake, runs for a quarter of an hour and is then cashed. The parts add up to one and each is a
supermartingale, so the sum is one too and exceeds 1/alpha with probability alpha at most (Ville), with all its starts.
"""

from __future__ import annotations

import math

from msgspec.structs import replace

from cockpit.judge.sequential import POINTS, Gains, add, log_mean_exp
from cockpit.model.evidence import Evidence

EVERY = 300.0
"""Seconds of evidence time between two starts, at multiples of it: the same for whoever rebuilds the evidence."""

SHARE = 0.2
"""Part of an SLI's alpha that late onset adds to it."""

_RUNNING = 3
_MOST = 1e300


def follow(evidence: Evidence, start: float, gains: Gains | None) -> Evidence:
    """``evidence`` with the wagers as they stand after the stratum that began at ``start``."""
    running, number, done = evidence.late, evidence.late_started, evidence.late_done
    if start % EVERY == 0.0:
        if len(running) == _RUNNING:
            done = min(_MOST, done + _part(number - _RUNNING + 1) * _e(log_mean_exp(running[-1])))
            running = running[:-1]
        running = ((0.0,) * POINTS, *running)
        number += 1
    if gains is not None:
        running = tuple(add(logs, gains.abort) for logs in running)
    elif running is evidence.late:
        return evidence
    recent = max((log_mean_exp(logs) for logs in running), default=0.0)
    return replace(evidence, late=running, late_started=number, late_done=done, log_recent=recent)


def log_late(evidence: Evidence) -> float:
    """``ln`` of the whole wager: 0 while nothing happened."""
    number = evidence.late_started
    total = 1.0 / (number + 1) + evidence.late_done
    for back, logs in enumerate(evidence.late):
        total += _part(number - back) * _e(log_mean_exp(logs))
    return math.log(total)


def crossed(evidence: Evidence) -> bool:
    """Whether the wager refutes "never worse than k"."""
    if evidence.log_recent is None:
        return False
    limit = -math.log(evidence.sli.alpha * SHARE)
    return evidence.log_recent >= limit and log_late(evidence) >= limit  # the wager is never above its best start


def _part(number: int) -> float:
    return 1.0 / (number * (number + 1))


def _e(log: float) -> float:
    return math.exp(min(log, 690.0))
