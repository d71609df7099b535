"""A rollout in one glyph and one word, what happens to it next, and the key that helps."""

from __future__ import annotations

from collections import Counter
from typing import Literal, NamedTuple

import msgspec

from cockpit.model.rollout import Arm, Check, Rollout
from cockpit.model.snapshot import Snapshot
from cockpit.model.verdict import Assessment, SliRow, Verdict
from screens.draw import glyphs
from screens.draw.format import age

Kind = Literal["failing", "outage", "blind", "warn", "paused", "moving", "healthy"]

_MILD = {"ContainerCreating", "PodInitializing", "Pending", "Terminating"}
"""What a pod that is merely starting or stopping says of itself."""


class Status(NamedTuple):
    """``role`` is the theme role of glyph and word."""

    kind: Kind
    glyph: str
    word: str
    role: str


FAILING = Status("failing", glyphs.BAD, "FAILING", "bad")
OUTAGE = Status("outage", glyphs.OUTAGE, "OUTAGE", "bad")
BLIND = Status("blind", glyphs.UNKNOWN, "BLIND", "unknown")
WARN = Status("warn", glyphs.WARN, "WARN", "warn")
PAUSED = Status("paused", glyphs.PAUSED, "PAUSED", "paused")
MOVING = Status("moving", glyphs.MOVING, "MOVING", "info")
HEALTHY = Status("healthy", glyphs.OK, "HEALTHY", "ok")

VERDICT_ROLE = {
    "abort": "bad",
    "outage": "bad",
    "blind": "unknown",
    "watch": "warn",
    "wait": "info",
    "ready": "ok",
    "unjudged": "dim",
}


def status(rollout: Rollout, assessment: Assessment | None) -> Status:
    """The worst that verdict, phase and pods say. Not knowing is BLIND, never HEALTHY."""
    state = assessment.verdict.state if assessment else "unjudged"
    if state == "outage":
        return OUTAGE
    if state == "abort" or rollout.phase == "Degraded" or pod_trouble(rollout.canary):
        return FAILING
    if state == "blind" or not rollout.controller_seen:
        return BLIND
    if state == "watch" or rollout.paused_by == "inconclusive" or pod_trouble(rollout.baseline):
        return WARN
    if rollout.phase == "Paused":
        return PAUSED
    return MOVING if rollout.in_flight else HEALTHY


def pod_trouble(arm: Arm | None) -> str | None:
    """``CrashLoopBackOff 3/3 pods``: the most frequent serious reason of pods that are not up."""
    if arm is None:
        return None
    reasons = Counter(
        pod.reason
        for pod in arm.pods
        if pod.reason and pod.reason not in _MILD and not pod.ready and not pod.terminating
    )
    if not reasons:
        return None
    reason, number = reasons.most_common(1)[0]
    return f"{reason} {number}/{len(arm.pods)} pods"


def running_check(rollout: Rollout) -> Check | None:
    """The analysis run of the step the rollout stands on, else the newest that is running."""
    running = [check for check in rollout.checks if check.phase in {"Running", "Pending"}]
    for check in running:
        if check.origin == "step" and check.step_index == rollout.step_index:
            return check
    return running[0] if running else None


def check_progress(check: Check | None) -> str:
    """``7/10`` measurements of the slowest metric; empty when the run does not say."""
    if check is None:
        return ""
    progress = [(metric.count, metric.total) for metric in check.metrics if metric.total]
    if not progress:
        return ""
    done, total = min(progress, key=lambda pair: pair[0] / (pair[1] or 1))
    return f"{done}/{total}"


def step_cell(rollout: Rollout) -> str:
    """``5/9 check 7/10``, ``done``, or what a rollout without steps shows."""
    total, index = len(rollout.steps), rollout.step_index
    if rollout.aborted:
        return "aborted"
    if rollout.full and rollout.in_flight:
        return "full promote"
    if total and index is not None:
        step = rollout.step
        if step is None:
            return f"{total}/{total} done" if not rollout.in_flight else f"{total}/{total} finishing"
        label = step.label
        if step.kind in {"analysis", "experiment"} and (progress := check_progress(running_check(rollout))):
            label = f"{label} {progress}"
        return f"{index + 1}/{total} {label}"
    if total:
        return f"?/{total}"
    replicas = rollout.replicas
    if rollout.strategy == "bluegreen":
        return "blue-green" if not rollout.in_flight else "preview"
    return f"{replicas.updated}/{replicas.desired} pods" if rollout.in_flight else "done"


def next_cell(rollout: Rollout, now: float) -> str:
    """What happens next, or who is waited for."""
    if not rollout.controller_seen:
        return "no controller"
    if rollout.aborted:
        return "T or R"
    if rollout.paused_by == "human":
        since = f" {age(now - rollout.pause_started_at)}" if rollout.pause_started_at is not None else ""
        return f"held{since}"
    if rollout.paused_by == "inconclusive":
        return "needs >"
    if rollout.pause_until is not None:
        left = rollout.pause_until - now
        return f"in {age(left)}" if left > 0 else "due"
    if rollout.waits_for_human:
        return "needs >"
    if rollout.phase == "Degraded":
        return f"stuck {age(now - rollout.step_since)}" if rollout.step_since is not None else "stuck"
    if rollout.in_flight:
        return f"for {age(now - rollout.step_since)}" if rollout.step_since is not None else "moving"
    return f"done {age(now - rollout.finished_at)}" if rollout.finished_at is not None else "done"


def suggestion(rollout: Rollout, assessment: Assessment | None) -> str:
    """The key that fits, as a phrase; empty when nothing is called for."""
    state = assessment.verdict.state if assessment else "unjudged"
    back = _back_to(rollout)
    if rollout.aborted:
        return "T retries · R rolls back"
    if not rollout.in_flight:
        return "R rolls back" if state == "abort" else ""
    if state == "abort":
        return f"X aborts{back}"
    if state == "outage":
        return "not this release: X would not help"
    if rollout.paused_by == "human":
        return "P resumes"
    if pod_trouble(rollout.canary) or rollout.phase == "Degraded":
        return f"X aborts{back}"
    if state == "ready" and rollout.phase == "Paused":
        return "> advances"
    if rollout.paused_by == "inconclusive":
        return "> asks: check again or accept"
    if rollout.waits_for_human:  # not shown to be fine: both ways are named, neither is favoured
        return "X aborts · > advances" if state == "watch" else "> advances · X aborts"
    return ""


def _back_to(rollout: Rollout) -> str:
    baseline = rollout.baseline
    return f" → 100% rev {baseline.revision}" if baseline and baseline.revision is not None else ""


def pick(assessment: Assessment | None, name: str) -> SliRow | None:
    """The row of one SLI."""
    return next((row for row in assessment.slis if row.name == name), None) if assessment else None


def without_wall_of_blind(snapshot: Snapshot) -> Snapshot:
    """The picture for a fleet: Prometheus being down is said once, and rows rank by what pods and phases say."""
    source = snapshot.sources.get("prometheus")
    if source is None or source.state in {"ok", "syncing"}:
        return snapshot
    changed = {
        key: msgspec.structs.replace(item, verdict=Verdict("unjudged", f"no metrics: Prometheus {source.state}"))
        for key, item in snapshot.assessments.items()
        if item.verdict.state == "blind"
    }
    return msgspec.structs.replace(snapshot, assessments={**snapshot.assessments, **changed}) if changed else snapshot
