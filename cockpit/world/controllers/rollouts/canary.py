"""The canary strategy: steps, pauses, replica counts, promotion (facts 1, 3.1 and 3.4)."""

from __future__ import annotations

from cockpit.base.clock import parse_time
from cockpit.world.controllers.kit import integer, selector_text
from cockpit.world.controllers.revisions import actual, available
from cockpit.world.controllers.rollouts import (
    analysis,
    conditions,
    counts,
    experiments,
    scaling,
    services,
    spec,
    traffic,
)
from cockpit.world.controllers.rollouts.context import Context

PAUSE_STEP = "CanaryPauseStep"


def reconcile(ctx: Context) -> None:
    """One pass; leaves the new status in ``ctx.out``."""
    services.reconcile_canary(ctx)
    traffic.reconcile(ctx)
    experiments.reconcile(ctx)
    analysis.reconcile_canary(ctx)
    if not ctx.pauses.added:
        scaled = not ctx.halted and _scale(ctx)
        if not scaled:
            _pause(ctx)
    finish(ctx)


def _scale(ctx: Context) -> bool:
    """Move ReplicaSets towards the step's counts, one of them per pass; True when one moved."""
    scaling.clear_deadlines(ctx)
    if spec.routed(ctx.rollout):
        goal = counts.routed(ctx.rollout, ctx.weights())
        if ctx.other_stable is None:
            goal = counts.Counts(ctx.desired, 0)
    else:
        goal = counts.basic(ctx.rollout, ctx.new, ctx.other_stable, ctx.others)
    if ctx.other_stable is not None and ctx.scale(ctx.other_stable, goal.stable):
        return True
    if scaling.scale_new(ctx, goal.canary):
        return True
    return scaling.drain_others(ctx)


def _pause(ctx: Context) -> None:
    """Enter the pause of a pause step, or wait out a timed one."""
    step = spec.current_step(ctx.rollout)
    if ctx.halted or ctx.status.get("promoteFull") or step is None or "pause" not in step or ctx.other_stable is None:
        return
    held = ctx.pauses.find(PAUSE_STEP)
    if held is None:
        if not ctx.pauses.controller_pause and not ctx.pauses.aborted:
            ctx.pauses.add(PAUSE_STEP)
        return
    duration = spec.seconds((step["pause"] or {}).get("duration"))
    if duration is not None:
        ctx.wake((parse_time(held["startTime"]) or ctx.now) + duration)


def _completed(ctx: Context) -> bool:
    """Whether the current step is done."""
    step = spec.current_step(ctx.rollout)
    if ctx.halted or step is None:
        return False
    match spec.step_kind(step):
        case "pause":
            held = ctx.pauses.find(PAUSE_STEP)
            if held is None:
                return ctx.pauses.controller_pause
            duration = spec.seconds((step["pause"] or {}).get("duration"))
            return duration is not None and ctx.now >= (parse_time(held["startTime"]) or ctx.now) + duration
        case "setWeight" | "setCanaryScale":
            return counts.reached(ctx.rollout, ctx.new, ctx.other_stable, ctx.others, ctx.weights())
        case "analysis":
            return analysis.step_succeeded(ctx)
        case "experiment":
            return experiments.step_succeeded(ctx)
        case _:
            return True  # routes apply at once; the world's step plugins always succeed


def count_status(ctx: Context) -> None:
    """Counts and selector of the status, common to every pass."""
    new = [ctx.new] if ctx.new is not None else []
    out = ctx.out
    out["replicas"] = actual(ctx.all)
    out["updatedReplicas"] = actual(new)
    out["readyReplicas"] = actual(ctx.all, "readyReplicas")
    out["availableReplicas"] = actual(ctx.all, "availableReplicas")
    out["HPAReplicas"] = out["replicas"]
    out["selector"] = selector_text(ctx.selector)


def finish(ctx: Context) -> None:
    """Work out step, promotion and conditions of the new status."""
    count_status(ctx)
    ctx.out["currentPodHash"] = ctx.wanted_hash
    size = len(spec.steps_of(ctx.rollout))
    index = spec.current_index(ctx.rollout)
    full = bool(ctx.status.get("promoteFull"))
    if full or ctx.in_rollback_window:
        ctx.pauses.clear()
        ctx.pauses.unabort()
        running = ctx.new is not None and available(ctx.new)
        if size and (full or running):
            index = size
    if ctx.rollout["spec"].get("progressDeadlineAbort") and conditions.timed_out(ctx) and not full:
        name = "" if ctx.new is None else ctx.new["metadata"]["name"]
        ctx.pauses.abort(f'ReplicaSet "{name}" has timed out progressing.')
    reason = _promotion(ctx, size)
    if reason:
        promote(ctx, reason)
        index = size
    elif ctx.pauses.aborted:
        index = size if ctx.fully_promoted else 0
    elif not full and not ctx.in_rollback_window and index is not None and _completed(ctx):
        step = spec.step_text(spec.steps_of(ctx.rollout)[index])
        index += 1
        ctx.pauses.remove(PAUSE_STEP)
        ctx.out["canary"].pop("currentStepAnalysisRunStatus", None)
        ctx.event("RolloutStepCompleted", f"Rollout step {index}/{size} completed ({step})")
    if size:
        ctx.out["currentStepIndex"] = integer(index, 0)
    else:
        ctx.out.pop("currentStepIndex", None)
    conditions.compute(ctx)


def _promotion(ctx: Context, size: int) -> str:
    """Why the new ReplicaSet is to be stable now; "" while it is not."""
    if ctx.stable is None:
        return "Initial deploy"
    if ctx.pauses.aborted or ctx.new is None or available(ctx.new) != ctx.desired:
        return ""
    if ctx.status.get("promoteFull"):
        return "Full promotion requested"
    if ctx.in_rollback_window:
        return "Rollback within window"
    if not size or spec.current_index(ctx.rollout) == size:
        return f"Completed all {size} canary steps"
    return ""


def promote(ctx: Context, reason: str) -> None:
    """Make the new ReplicaSet the stable one."""
    ctx.pauses.clear()
    ctx.pauses.unabort()
    ctx.out.pop("promoteFull", None)
    ctx.out["blueGreen"].pop("scaleUpPreviewCheckPoint", None)
    current = ctx.out.get("currentPodHash")
    if ctx.status.get("stableRS") != current:
        ctx.out["stableRS"] = current
        ctx.event("RolloutCompleted", f"Rollout completed update to revision {ctx.revision} ({current}): {reason}")
