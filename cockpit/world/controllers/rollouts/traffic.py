"""Traffic routing: the weight the router is told, kept in ``status.canary.weights`` as Argo writes it (facts 3.4)."""

from __future__ import annotations

from typing import Any

from cockpit.world.controllers.kit import integer, label
from cockpit.world.controllers.revisions import available
from cockpit.world.controllers.rollouts import counts, routers, spec
from cockpit.world.controllers.rollouts.context import Context
from cockpit.world.controllers.templates import ROLLOUT_HASH


def reconcile(ctx: Context) -> None:
    """Decide the canary's weight for this pass and write it down, with its event when it moved."""
    if not spec.routed(ctx.rollout):
        ctx.out["canary"].pop("weights", None)
        return
    strategy = spec.canary(ctx.rollout) or {}
    extra = _experiment_weights(ctx)
    weight = _wanted(ctx)
    whole = spec.max_weight(ctx.rollout)
    weights: dict[str, Any] = {
        "canary": {
            "weight": weight,
            "serviceName": strategy.get("canaryService"),
            "podTemplateHash": "" if ctx.new is None else label(ctx.new, ROLLOUT_HASH),
        },
        "stable": {
            "weight": whole - weight - sum(item["weight"] for item in extra),
            "serviceName": strategy.get("stableService"),
            "podTemplateHash": "" if ctx.stable is None else label(ctx.stable, ROLLOUT_HASH),
        },
    }
    for side in weights.values():
        for key in ("serviceName", "podTemplateHash"):
            if not side[key]:
                del side[key]
    if extra:
        weights["additional"] = extra
    before = (ctx.status.get("canary") or {}).get("weights")
    ctx.out["canary"]["weights"] = weights
    routers.tell(ctx, weight, whole)
    if before is None:
        ctx.event("TrafficWeightUpdated", f"Traffic weight updated to {weight}")
    elif before["canary"].get("weight", 0) != weight:
        ctx.event(
            "TrafficWeightUpdated", f"Traffic weight updated from {before['canary'].get('weight', 0)} to {weight}"
        )


def _wanted(ctx: Context) -> int:
    strategy = spec.canary(ctx.rollout) or {}
    dynamic = bool(strategy.get("dynamicStableScale"))
    known = ctx.weights()
    if ctx.fully_promoted:
        return 0
    whole = spec.max_weight(ctx.rollout)
    if ctx.pauses.aborted:
        if not dynamic or not ctx.desired:
            return 0
        carried = whole - whole * available(ctx.stable) // ctx.desired
        return max(0, min(carried, known["canary"] if known else carried))
    if ctx.new is None or not available(ctx.new):
        return 0
    if ctx.status.get("promoteFull"):
        if dynamic and ctx.desired:
            return min(whole, whole * available(ctx.new) // ctx.desired)
        return known["canary"] if known else 0
    index = spec.current_index(ctx.rollout)
    if index is None:
        return whole if counts.reached(ctx.rollout, ctx.new, ctx.other_stable, ctx.others, known) else 0
    if not counts.reached(ctx.rollout, ctx.new, ctx.other_stable, ctx.others, known):
        return spec.last_weight(ctx.rollout, index - 1) if index else 0
    return spec.set_weight(ctx.rollout)


def _experiment_weights(ctx: Context) -> list[dict[str, Any]]:
    """Shares of a running experiment's templates."""
    step = spec.current_step(ctx.rollout) or {}
    name = ctx.status.get("canary", {}).get("currentExperiment")
    if "experiment" not in step or not name:
        return []
    experiment = ctx.world.objects.get("experiments", ctx.key[0], name)
    if experiment is None or (experiment.get("status") or {}).get("phase") != "Running":
        return []
    asked = {item["name"]: integer(item.get("weight"), 0) for item in step["experiment"].get("templates") or ()}
    return [
        {
            "weight": asked[item["name"]],
            "serviceName": item.get("serviceName", ""),
            "podTemplateHash": item.get("podTemplateHash", ""),
        }
        for item in experiment["status"].get("templateStatuses") or ()
        if asked.get(item["name"])
    ]
