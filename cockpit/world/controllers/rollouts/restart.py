"""``spec.restartAt``: pods older than it are evicted a few at a time, without a new revision (facts 1)."""

from __future__ import annotations

from cockpit.base.clock import parse_time
from cockpit.world.contract import Object
from cockpit.world.controllers.kit import created, matches, replicas, status_of
from cockpit.world.controllers.replicasets import ready_since
from cockpit.world.controllers.revisions import available
from cockpit.world.controllers.rollouts import spec
from cockpit.world.controllers.rollouts.context import Context
from cockpit.world.controllers.templates import scaled

_RETRY = 10.0


def reconcile(ctx: Context) -> None:
    """Evict what is due; note ``restartedAt`` when every pod is younger than ``restartAt``."""
    text = ctx.rollout["spec"].get("restartAt")
    at = parse_time(text)
    if at is None or ctx.out.get("restartedAt") == text:
        return
    if at > ctx.now:
        ctx.wake(at)
        return
    ordered = [rs for rs in (ctx.stable, ctx.new if ctx.other_stable else None, *ctx.others) if rs is not None]
    missing = sum(max(replicas(rs) - available(rs), 0) for rs in ordered)
    room = max(spec.max_unavailable(ctx.rollout), 1) - missing
    due = 0
    for rs in ordered:
        for pod in ctx.world.objects.owned("pods", rs["metadata"]["uid"]):
            if created(pod) >= at or "deletionTimestamp" in pod["metadata"]:
                continue
            due += 1
            if room > 0 and _disruption_allowed(ctx, pod):
                ctx.world.objects.delete("pods", ctx.key[0], pod["metadata"]["name"])
                room -= 1
    if due:
        ctx.wake(ctx.now + _RETRY)
    elif not missing:
        ctx.out["restartedAt"] = text


def _disruption_allowed(ctx: Context, pod: Object) -> bool:
    """Whether every PodDisruptionBudget over the pod lets it go now."""
    labels = pod["metadata"].get("labels") or {}
    for budget in ctx.world.objects.select("poddisruptionbudgets", ctx.key[0]):
        selector = budget["spec"].get("selector")
        if not matches(selector, labels):
            continue
        covered = [
            other
            for other in ctx.world.objects.select("pods", ctx.key[0])
            if matches(selector, other["metadata"].get("labels") or {}) and status_of(other).get("phase") != "Succeeded"
        ]
        healthy = sum(1 for other in covered if ready_since(other) is not None)
        if "minAvailable" in budget["spec"]:
            floor = scaled(budget["spec"]["minAvailable"], len(covered), "0", up=True)
        else:
            floor = len(covered) - scaled(budget["spec"].get("maxUnavailable"), len(covered), "1", up=True)
        if healthy - 1 < floor:
            return False
    return True
