"""A Rollout's conditions: Progressing and its deadline, Paused, Available, Completed, Healthy, ReplicaFailure."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import parse_time
from cockpit.world.controllers.kit import condition, drop_condition, integer, set_condition, status_of
from cockpit.world.controllers.revisions import ROLLOUT, actual, newest_revision
from cockpit.world.controllers.rollouts import spec
from cockpit.world.controllers.rollouts.context import Context


def note_pauses(ctx: Context) -> None:
    """Mark pausing, resuming and retrying on Progressing and Paused, before anything else is decided."""
    paused = bool(ctx.pauses.conditions) or ctx.halted
    current = condition(ctx.out, "Progressing")
    reason = current["reason"] if current else ""
    if paused and reason not in ("RolloutPaused", "RolloutAborted"):
        set_condition(ctx.out, "Progressing", "Unknown", "RolloutPaused", "Rollout is paused", ctx.now)
    elif not paused and reason == "RolloutPaused":
        set_condition(ctx.out, "Progressing", "Unknown", "RolloutResumed", "Rollout is resumed", ctx.now)
    elif reason == "RolloutAborted" and not ctx.status.get("abort"):
        set_condition(ctx.out, "Progressing", "Unknown", "RolloutRetry", "Retrying Rollout after abort", ctx.now)
        ctx.event("RolloutRetry", "Retrying Rollout after abort")
    known = condition(ctx.out, "Paused")
    if (known is not None and known["status"] == "True") != paused:
        value = "True" if paused else "False"
        set_condition(ctx.out, "Paused", value, "RolloutPaused", "Rollout is paused", ctx.now)


def compute(ctx: Context) -> None:
    """Renew the conditions of ``ctx.out``, whose counts, hashes and step are final."""
    _completed(ctx)
    if not (ctx.pauses.conditions or ctx.halted) or ctx.pauses.aborted:
        _progress(ctx)
    _available(ctx)
    _failures(ctx)


def timed_out(ctx: Context) -> bool:
    """The deadline passed without progress since the last status; steps that wait by design do not count."""
    current = condition(ctx.out, "Progressing")
    if current is None or ctx.fully_promoted or ctx.pauses.conditions or ctx.halted:
        return False
    if current["reason"] in ("NewReplicaSetAvailable", "RolloutAborted", "RolloutPaused") or _waits_by_design(ctx):
        return False
    deadline = integer(ctx.rollout["spec"].get("progressDeadlineSeconds"), 600)
    since = parse_time(current["lastUpdateTime"]) or ctx.now
    if ctx.now >= since + deadline:
        return True
    ctx.wake(since + deadline)
    return False


def _waits_by_design(ctx: Context) -> bool:
    step = spec.current_step(ctx.rollout) or {}
    return any(kind in step for kind in ("analysis", "experiment", "pause"))


def _name(ctx: Context) -> str:
    return "" if ctx.new is None else ctx.new["metadata"]["name"]


def _progress(ctx: Context) -> None:
    current = condition(ctx.out, "Progressing")
    if ctx.pauses.aborted:
        message = f"Rollout aborted update to revision {ctx.revision}"
        if ctx.pauses.abort_message:
            message += f": {ctx.pauses.abort_message}"
        if current is None or current["reason"] != "RolloutAborted":
            set_condition(ctx.out, "Progressing", "False", "RolloutAborted", message, ctx.now)
            ctx.event("RolloutAborted", message, "Warning")
        return
    settled = current is not None and current["reason"] == "NewReplicaSetAvailable"
    if settled and ctx.out.get("replicas", 0) == ctx.out.get("availableReplicas", 0) and _promoted(ctx.out):
        return
    if healthy(ctx):
        text = f'ReplicaSet "{_name(ctx)}" has successfully progressed.'
        set_condition(ctx.out, "Progressing", "True", "NewReplicaSetAvailable", text, ctx.now)
    elif _moved(ctx):
        text = f'ReplicaSet "{_name(ctx)}" is progressing.'
        set_condition(ctx.out, "Progressing", "True", "ReplicaSetUpdated", text, ctx.now, touch=True)
    elif timed_out(ctx):
        text = f'ReplicaSet "{_name(ctx)}" has timed out progressing.'
        set_condition(ctx.out, "Progressing", "False", "ProgressDeadlineExceeded", text, ctx.now)


def _promoted(status: dict[str, Any]) -> bool:
    return bool(status.get("stableRS")) and status.get("stableRS") == status.get("currentPodHash")


def healthy(ctx: Context) -> bool:
    """Promoted, and every replica there and serving."""
    out = ctx.out
    if spec.blue_green(ctx.rollout) is not None and out["blueGreen"].get("activeSelector") != out.get("currentPodHash"):
        return False
    counts = [integer(out.get(name), 0) for name in ("updatedReplicas", "availableReplicas")]
    if any(count != ctx.desired for count in counts):
        return False
    basic = spec.canary(ctx.rollout) is not None and not spec.routed(ctx.rollout)
    return _promoted(out) and (not basic or integer(out.get("replicas"), 0) == ctx.desired)


def _moved(ctx: Context) -> bool:
    old, new = ctx.status, ctx.out

    def count(status: Any, name: str) -> int:
        return integer(status.get(name), 0)

    outdated = count(new, "replicas") - count(new, "updatedReplicas")
    before = count(old, "replicas") - count(old, "updatedReplicas")
    return (
        count(new, "updatedReplicas") != count(old, "updatedReplicas")
        or outdated < before
        or count(new, "readyReplicas") > count(old, "readyReplicas")
        or count(new, "availableReplicas") > count(old, "availableReplicas")
        or any(new.get(name) != old.get(name) for name in ("currentPodHash", "stableRS", "currentStepIndex"))
        or new["blueGreen"].get("activeSelector") != (old.get("blueGreen") or {}).get("activeSelector")
    )


def _available(ctx: Context) -> None:
    if spec.blue_green(ctx.rollout) is not None:
        active = ctx.by_hash(ctx.out["blueGreen"].get("activeSelector"))
        enough = active is not None and actual([active], "availableReplicas") >= ctx.desired
    else:
        enough = actual(ctx.all, "availableReplicas") >= ctx.desired
    if enough:
        set_condition(ctx.out, "Available", "True", "AvailableReason", "Rollout has minimum availability", ctx.now)
    else:
        text = "Rollout does not have minimum availability"
        set_condition(ctx.out, "Available", "False", "AvailableReason", text, ctx.now)
    good = healthy(ctx)
    said = "RolloutHealthy" if good else "RolloutNotHealthy"
    set_condition(ctx.out, "Healthy", "True" if good else "False", said, said, ctx.now)


def _completed(ctx: Context) -> None:
    done = _promoted(ctx.out)
    known = condition(ctx.out, "Completed")
    value = "True" if done else "False"
    if known is not None and known["status"] == value:
        return
    set_condition(ctx.out, "Completed", value, "RolloutCompleted", "RolloutCompleted", ctx.now)
    if known is not None and not done:
        hash_now = ctx.out.get("currentPodHash", "")
        newest = newest_revision(ctx.all, ROLLOUT)
        number = newest if ctx.revision == newest else newest + 1
        ctx.event("RolloutNotCompleted", f"Rollout not completed, started update to revision {number} ({hash_now})")


def _failures(ctx: Context) -> None:
    rows = [*([ctx.new] if ctx.new is not None else []), *ctx.all]
    found = next((item for rs in rows for item in status_of(rs).get("conditions") or ()), None)
    if found is None:
        drop_condition(ctx.out, "ReplicaFailure")
    else:
        set_condition(ctx.out, "ReplicaFailure", "True", found["reason"], found["message"], ctx.now)
