"""ReplicaSets of a Rollout: scale-down deadlines, the aborted one, and the ones that neither arm needs any more."""

from __future__ import annotations

from cockpit.base.clock import parse_time, rfc3339
from cockpit.world.contract import Object
from cockpit.world.controllers.kit import annotation, integer, label, notes_of, replicas
from cockpit.world.controllers.revisions import available, total
from cockpit.world.controllers.rollouts import spec
from cockpit.world.controllers.rollouts.context import DEADLINE, Context
from cockpit.world.controllers.templates import ROLLOUT_HASH, revision_of


def deadline_of(rs: Object | None) -> float | None:
    """When the ReplicaSet is to be scaled down; None without the annotation."""
    return None if rs is None else parse_time(annotation(rs, DEADLINE))


def set_deadline(ctx: Context, rs: Object, at: float | None) -> None:
    """Write or clear the annotation (its key is bare), and come back when it passes."""
    if at is None and not annotation(rs, DEADLINE):
        return

    def write(found: Object) -> None:
        if at is None:
            notes_of(found).pop(DEADLINE, None)
        else:
            notes_of(found)[DEADLINE] = rfc3339(at)

    rs["metadata"] = ctx.sets.change(rs, write)["metadata"]
    if at is not None:
        ctx.wake(at + 1)


def delays_abort(ctx: Context) -> bool:
    """Whether an aborted new ReplicaSet is kept for a while (never by the basic canary)."""
    if not ctx.pauses.aborted or ctx.stable is None or ctx.other_stable is None:
        return False
    if spec.canary(ctx.rollout) is not None and not spec.routed(ctx.rollout):
        return False
    strategy = spec.strategy_of(ctx.rollout)
    if strategy.get("dynamicStableScale") and "abortScaleDownDelaySeconds" not in strategy:
        return False
    return spec.abort_delay(ctx.rollout) is not None


def clear_deadlines(ctx: Context) -> None:
    """New and stable serve (again): nothing may scale them down."""
    if ctx.new is not None and not delays_abort(ctx):
        set_deadline(ctx, ctx.new, None)
    if ctx.other_stable is not None:
        set_deadline(ctx, ctx.other_stable, None)


def scale_new(ctx: Context, count: int) -> bool:
    """Scale the new ReplicaSet to ``count``; when aborted, only after the stable one is whole and a delay passed."""
    if ctx.new is None:
        return False
    if ctx.pauses.aborted and ctx.other_stable is not None:
        delay = spec.abort_delay(ctx.rollout)
        keeps = spec.blue_green(ctx.rollout) is not None or spec.routed(ctx.rollout)
        if keeps and delay is None:
            return False  # abortScaleDownDelaySeconds: 0 keeps it for good
        if delays_abort(ctx) and delay is not None and replicas(ctx.new):
            at = deadline_of(ctx.new)
            if at is None:
                if available(ctx.other_stable) == ctx.desired:
                    set_deadline(ctx, ctx.new, ctx.now + delay)
                return False
            if at > ctx.now:
                ctx.wake(at + 1)
                return False
            count = 0
        elif spec.blue_green(ctx.rollout) is not None:
            count = 0
    return ctx.scale(ctx.new, count)


def drain_others(ctx: Context) -> bool:
    """Scale down ReplicaSets that are neither new nor stable; True when one was scaled."""
    active = [rs for rs in ctx.others if replicas(rs)]
    if not total(active):
        return False
    if spec.blue_green(ctx.rollout) is None and not spec.routed(ctx.rollout):
        return _drain_basic(ctx, active)
    return _drain_delayed(ctx, active)


def _drain_basic(ctx: Context, active: list[Object]) -> bool:
    """Pods of a basic canary serve as long as they live: broken ones go first, then what availability allows."""
    changed = False
    for rs in active:
        if available(rs) < replicas(rs):
            changed = ctx.scale(rs, available(rs)) or changed
    spare = sum(min(available(rs), replicas(rs)) for rs in ctx.all) - (ctx.desired - spec.max_unavailable(ctx.rollout))
    for rs in sorted(active, key=_newest_first):
        gone = min(max(spare, 0), replicas(rs))
        if gone and ctx.scale(rs, replicas(rs) - gone):
            spare -= gone
            changed = True
    return changed


def _drain_delayed(ctx: Context, active: list[Object]) -> bool:
    """Keep what stopped serving until its deadline; an update given up half-way has none and goes at once."""
    strategy = spec.strategy_of(ctx.rollout)
    limit = integer(strategy.get("scaleDownDelayRevisionLimit"), 2**31)
    delay = spec.scale_down_delay(ctx.rollout)
    settled = ctx.fully_promoted
    kept, changed = 0, False
    for rs in sorted(active, key=_newest_first):
        if _referenced(ctx, rs):
            continue
        at = deadline_of(rs)
        if at is None and settled and delay and kept < limit:
            kept += 1
            set_deadline(ctx, rs, ctx.now + delay)
            continue
        if at is not None:
            kept += 1
            if at > ctx.now and kept <= limit:
                ctx.wake(at + 1)
                continue
        changed = ctx.scale(rs, 0) or changed
    return changed


def _referenced(ctx: Context, rs: Object) -> bool:
    """Traffic still goes there."""
    found = label(rs, ROLLOUT_HASH)
    weights = ctx.out["canary"].get("weights") or {}
    sides = [side for name in ("canary", "stable") if (side := weights.get(name)) and side.get("weight")]
    if any(side.get("podTemplateHash") == found for side in sides):
        return True
    return bool(ctx.out["blueGreen"].get("activeSelector") == found)


def _newest_first(rs: Object) -> int:
    return -revision_of(rs, "rollout.argoproj.io/revision")
