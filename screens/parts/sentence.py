"""Line two: one sentence of verdict, the numbers behind it, and the key that fits."""

from __future__ import annotations

from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Source
from cockpit.model.verdict import Assessment
from screens.draw import glyphs
from screens.draw.format import age, clock
from screens.draw.line import Line, joined
from screens.parts.status import pod_trouble, status, suggestion

_BANNER = {
    "abort": (f" {glyphs.BAD} ABORT ", "bad-banner"),
    "outage": (f" {glyphs.OUTAGE} OUTAGE ", "bad-banner"),
    "blind": (f" {glyphs.UNKNOWN} BLIND ", "unknown-banner"),
    "watch": (f" {glyphs.WARN} WATCH ", "warn-banner"),
    "wait": (f" {glyphs.MOVING} WAIT ", "info-banner"),
    "ready": (f" {glyphs.OK} READY ", "ok-banner"),
    "unjudged": (" UNJUDGED ", "info-banner"),
}


def sentence(
    rollout: Rollout, assessment: Assessment | None, kubernetes: Source | None, now: float, width: int
) -> Line:
    """Verdict, reason, and what to press. Pods that do not run speak first when there is no evidence either way."""
    line = Line(" ")
    state = assessment.verdict.state if assessment else "unjudged"
    trouble = pod_trouble(rollout.canary)
    banner, role = _BANNER[state]
    if rollout.controller_seen is False:
        banner, role = f" {glyphs.UNKNOWN} NO CONTROLLER ", "unknown-banner"
    elif rollout.aborted:
        banner, role = f" {glyphs.BAD} ABORTED ", "bad-banner"
    elif state in {"unjudged", "blind", "wait"} and trouble:
        banner, role = f" {glyphs.BAD} {status(rollout, assessment).word} ", "bad-banner"
    elif state == "unjudged" and rollout.paused_by == "inconclusive":
        banner, role = f" {glyphs.WARN} INCONCLUSIVE ", "warn-banner"
    elif state == "unjudged" and rollout.phase == "Degraded":
        banner, role = f" {glyphs.BAD} DEGRADED ", "bad-banner"
    elif state == "unjudged" and rollout.paused_by == "human":
        banner, role = f" {glyphs.PAUSED} PAUSED BY HAND ", "info-banner"
    line.add(banner, role).add("  ")
    line.add(_reason(rollout, assessment, trouble), "strong")
    if assessment and assessment.verdict.latched_at is not None:
        line.add(f"  latched {clock(assessment.verdict.latched_at)}", "warn")
    right = Line()
    if key := suggestion(rollout, assessment):
        right.add(key, "key").add(" ")
    if kubernetes is not None and kubernetes.state not in {"ok", "syncing"}:
        since = age(now - kubernetes.since) if kubernetes.since is not None else "?"
        right = Line(f" STALE {since} ", "warn-banner").add(" ").extend(right)
    if line.width + right.width + 1 > width:  # the key alone, without what it does
        right = joined([Line(text.partition(" → ")[0], role) for text, role in right.parts])
    return line.with_right(right, width) if right.width else line.cut(width)


def _reason(rollout: Rollout, assessment: Assessment | None, trouble: str | None) -> str:
    state = assessment.verdict.state if assessment else "unjudged"
    said = assessment.verdict.reason if assessment else "not judged yet"
    if not rollout.controller_seen:
        return "nothing reconciles this object; is the controller running in this cluster?"
    if rollout.aborted or (state == "unjudged" and rollout.phase == "Degraded" and not trouble):
        return rollout.message or said
    if trouble and state in {"unjudged", "blind", "wait"}:
        exits = _last_exit(rollout)
        return f"{trouble}{exits}"
    if rollout.returning:
        return f"rollback in flight: {said}"
    return said


def _last_exit(rollout: Rollout) -> str:
    for pod in rollout.canary.pods if rollout.canary else ():
        if pod.last_exit is not None:
            code = f" {pod.last_exit.code}" if pod.last_exit.code is not None else ""
            return f", last exit {pod.last_exit.reason}{code}"
        if pod.message:
            return f": {pod.message}"
    return ""
