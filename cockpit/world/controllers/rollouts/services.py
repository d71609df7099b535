"""Selectors of the Services a Rollout manages: stable, canary, active, preview."""

from __future__ import annotations

from cockpit.world.contract import Object
from cockpit.world.controllers.kit import label, notes_of, replicas
from cockpit.world.controllers.revisions import ROLLOUT, available
from cockpit.world.controllers.rollouts import spec
from cockpit.world.controllers.rollouts.context import Context
from cockpit.world.controllers.templates import ROLLOUT_HASH

MANAGED_BY = "argo-rollouts.argoproj.io/managed-by-rollouts"


def selected(ctx: Context, name: str | None) -> str:
    """The hash that a Service selects; "" when there is none."""
    service = ctx.world.objects.get("services", ctx.key[0], name) if name else None
    if service is None:
        return ""
    return str((service["spec"].get("selector") or {}).get(ROLLOUT_HASH, ""))


def switch(ctx: Context, name: str, found: str) -> bool:
    """Point a Service at the pods of hash ``found``; True when that changed its selector."""
    before = selected(ctx, name)
    if before == found:
        return False

    def write(service: Object) -> None:
        service["spec"].setdefault("selector", {})[ROLLOUT_HASH] = found
        notes_of(service)[MANAGED_BY] = ctx.key[1]

    ctx.world.objects.mutate("services", ctx.key[0], name, write, manager=ROLLOUT.manager)
    ctx.event("SwitchService", f"Switched selector for service '{name}' from '{before}' to '{found}'")
    return True


def reconcile_canary(ctx: Context) -> None:
    """Stable and canary Service follow their ReplicaSets, never onto one that cannot serve yet."""
    strategy = spec.canary(ctx.rollout) or {}
    if spec.routed(ctx.rollout) and strategy.get("pingPong"):
        return  # the router decides which of the two is stable
    for name, rs in ((strategy.get("stableService"), ctx.stable), (strategy.get("canaryService"), ctx.new)):
        if not name or rs is None:
            continue
        current, wanted = selected(ctx, name), label(rs, ROLLOUT_HASH)
        if current == wanted:
            continue
        known = ctx.by_hash(current)
        if known is not None and (not replicas(rs) or available(rs) < replicas(rs)):
            continue
        switch(ctx, name, wanted)
