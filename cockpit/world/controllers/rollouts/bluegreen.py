"""The blue-green strategy: preview, pause, cut-over of the active Service, scale-down delay (facts 1.1, 1.3, 3.2)."""

from __future__ import annotations

from cockpit.base.clock import parse_time
from cockpit.world.controllers.kit import integer, label, replicas, selector_text
from cockpit.world.controllers.revisions import actual, available
from cockpit.world.controllers.rollouts import analysis, canary, conditions, scaling, services, spec
from cockpit.world.controllers.rollouts.context import Context
from cockpit.world.controllers.templates import ROLLOUT_HASH

PAUSE = "BlueGreenPause"


def reconcile(ctx: Context) -> None:
    """One pass; leaves the new status in ``ctx.out``."""
    strategy = spec.blue_green(ctx.rollout) or {}
    active = str(strategy.get("activeService", ""))
    fast = _fast_tracked(ctx, active)
    _scale(ctx, fast)
    preview = strategy.get("previewService")
    if preview and ctx.new is not None:
        services.switch(ctx, preview, label(ctx.new, ROLLOUT_HASH))
    _pause(ctx, fast)
    _switch(ctx, active, fast)
    whole = ctx.new is not None and available(ctx.new) >= _goal(ctx) > 0
    serving = services.selected(ctx, active)
    is_active = ctx.new is not None and serving == label(ctx.new, ROLLOUT_HASH)
    analysis.reconcile_blue_green(ctx, before=whole and not is_active and not fast, after=is_active and not fast)
    finish(ctx)


def finish(ctx: Context) -> None:
    """Counts, selectors, promotion and conditions of the new status."""
    strategy = spec.blue_green(ctx.rollout) or {}
    active = services.selected(ctx, strategy.get("activeService"))
    out = ctx.out
    out["currentPodHash"] = ctx.wanted_hash
    section = out["blueGreen"]
    section["activeSelector"] = active
    preview = services.selected(ctx, strategy.get("previewService"))
    section["previewSelector"] = preview
    for key in ("activeSelector", "previewSelector"):
        if not section[key]:
            del section[key]
    serving = ctx.by_hash(active)
    rows = [serving] if serving is not None else ctx.all
    out["replicas"] = actual(ctx.all)
    out["updatedReplicas"] = actual([ctx.new]) if ctx.new is not None else 0
    out["readyReplicas"] = actual(rows, "readyReplicas")
    out["availableReplicas"] = actual(rows, "availableReplicas")
    out["HPAReplicas"] = actual(rows)
    selector = {**ctx.selector, "matchLabels": {**(ctx.selector.get("matchLabels") or {}), ROLLOUT_HASH: active}}
    out["selector"] = selector_text(selector if serving is not None else ctx.selector)
    out.pop("currentStepIndex", None)
    if _checkpoint(ctx, active):
        section["scaleUpPreviewCheckPoint"] = True
    else:
        section.pop("scaleUpPreviewCheckPoint", None)
    # a promoted blue-green has nothing to abort: the flag clears itself
    if ctx.status.get("promoteFull") or ctx.in_rollback_window or ctx.fully_promoted:
        ctx.pauses.clear()
        ctx.pauses.unabort()
    if ctx.rollout["spec"].get("progressDeadlineAbort") and conditions.timed_out(ctx):
        name = "" if ctx.new is None else ctx.new["metadata"]["name"]
        ctx.pauses.abort(f'ReplicaSet "{name}" has timed out progressing.')
    reason = _promotion(ctx, active)
    if reason:
        canary.promote(ctx, reason)
    conditions.compute(ctx)


def _goal(ctx: Context) -> int:
    """Replicas of the new ReplicaSet: a smaller preview until the checkpoint, if so configured."""
    strategy = spec.blue_green(ctx.rollout) or {}
    preview = strategy.get("previewReplicaCount")
    if preview is None or ctx.other_stable is None or ctx.status.get("promoteFull"):
        return ctx.desired
    section = ctx.status.get("blueGreen") or {}
    if section.get("scaleUpPreviewCheckPoint") or section.get("activeSelector") in (None, "", ctx.wanted_hash):
        return ctx.desired
    return int(preview)


def _checkpoint(ctx: Context, active: str) -> bool:
    strategy = spec.blue_green(ctx.rollout) or {}
    preview = strategy.get("previewReplicaCount")
    if preview is None or active == ctx.wanted_hash or ctx.new is None:
        return False
    if (ctx.status.get("blueGreen") or {}).get("scaleUpPreviewCheckPoint"):
        return True
    return available(ctx.new) == int(preview) and _released(ctx) and _checked(ctx)


def _fast_tracked(ctx: Context, active: str) -> bool:
    """No pause and no analysis: still up from its scale-down delay, promoted in full, first, or already active."""
    if ctx.new is None:
        return False
    if scaling.deadline_of(ctx.new) is not None and not ctx.pauses.aborted:
        return True
    serving = services.selected(ctx, active)
    return bool(ctx.status.get("promoteFull")) or not serving or serving == label(ctx.new, ROLLOUT_HASH)


def _scale(ctx: Context, fast: bool) -> None:
    if ctx.other_stable is not None:
        scaling.set_deadline(ctx, ctx.other_stable, None)
        ctx.scale(ctx.other_stable, ctx.desired)
    if ctx.new is not None and not fast and not scaling.delays_abort(ctx):
        scaling.set_deadline(ctx, ctx.new, None)
    scaling.scale_new(ctx, _goal(ctx))
    scaling.drain_others(ctx)


def _pause(ctx: Context, fast: bool) -> None:
    """Hold before the cut-over, until released by a human or (with auto-promotion) by time."""
    if ctx.pauses.aborted or ctx.halted or ctx.new is None or available(ctx.new) < _goal(ctx):
        return
    section = ctx.status.get("blueGreen") or {}
    if fast or section.get("scaleUpPreviewCheckPoint"):
        ctx.pauses.remove(PAUSE)
        return
    strategy = spec.blue_green(ctx.rollout) or {}
    held = ctx.pauses.find(PAUSE)
    automatic = strategy.get("autoPromotionEnabled", True)
    delay = integer(strategy.get("autoPromotionSeconds"), 0)
    if held is not None:
        if automatic and delay:
            until = (parse_time(held["startTime"]) or ctx.now) + delay
            if ctx.now >= until:
                ctx.pauses.remove(PAUSE)
            else:
                ctx.wake(until)
    elif (not automatic or delay) and not ctx.pauses.controller_pause:
        ctx.pauses.add(PAUSE)


def _released(ctx: Context) -> bool:
    """Whether the pause before the cut-over is over (or there is none)."""
    strategy = spec.blue_green(ctx.rollout) or {}
    automatic = strategy.get("autoPromotionEnabled", True)
    delay = integer(strategy.get("autoPromotionSeconds"), 0)
    if ctx.status.get("promoteFull") or (automatic and not delay):
        return True
    if ctx.pauses.added:
        return False
    held = ctx.pauses.find(PAUSE)
    if held is not None:
        return bool(automatic and delay) and ctx.now >= (parse_time(held["startTime"]) or ctx.now) + delay
    return ctx.pauses.controller_pause


def _checked(ctx: Context) -> bool:
    strategy = spec.blue_green(ctx.rollout) or {}
    return not strategy.get("prePromotionAnalysis") or analysis.succeeded(ctx, "PrePromotion")


def _switch(ctx: Context, active: str, fast: bool) -> None:
    """Point the active Service where it belongs; not while paused by hand."""
    if ctx.halted or ctx.new is None:
        return
    if ctx.pauses.aborted:
        stable = ctx.other_stable
        if stable is not None and available(stable) >= ctx.desired:
            services.switch(ctx, active, label(stable, ROLLOUT_HASH))
        return
    if available(ctx.new) < ctx.desired or replicas(ctx.new) != ctx.desired:
        return
    checkpoint = bool((ctx.status.get("blueGreen") or {}).get("scaleUpPreviewCheckPoint"))
    if fast or checkpoint or (_released(ctx) and _checked(ctx)):
        services.switch(ctx, active, label(ctx.new, ROLLOUT_HASH))
        scaling.set_deadline(ctx, ctx.new, None)


def _promotion(ctx: Context, active: str) -> str:
    """Why the new ReplicaSet is to be stable now; "" while it is not."""
    if ctx.stable is None or not active:
        return "Initial deploy"
    if active != ctx.wanted_hash:
        return ""
    if ctx.status.get("promoteFull"):
        return "Full promotion requested"
    if ctx.in_rollback_window:
        return "Rollback within window"
    if ctx.pauses.aborted:
        return ""
    strategy = spec.blue_green(ctx.rollout) or {}
    checks = bool(strategy.get("postPromotionAnalysis")) and ctx.other_stable is not None
    if checks and not analysis.succeeded(ctx, "PostPromotion") and scaling.deadline_of(ctx.new) is None:
        return ""
    return "Completed blue-green update"
