"""The check of Helm (facts 4.2, C13): the release that installed the workload, and whether one is under way."""

from __future__ import annotations

from typing import Any

from cockpit.actions.preflight.contract import Context, found
from cockpit.actions.reconcilers import Unsure, managed
from cockpit.actions.reconcilers.marks import HELM, MANAGED_BY, Claim
from cockpit.actions.reconcilers.reconciler import word
from cockpit.base.clock import parse_time
from cockpit.base.errors import CockpitError
from cockpit.base.text import clean
from cockpit.model.preflight import Finding
from cockpit.model.resource import SECRETS, Resource
from cockpit.strategies import for_kind

_CONFIGMAPS = Resource("", "v1", "configmaps", "ConfigMap")
_SAME_DEPLOY = 900.0
"""Seconds between a release and the creation of the ReplicaSet it led to."""


async def helm(ctx: Context) -> Finding:
    """Its records hold the whole release, values and passwords among them: only their labels are asked for."""
    raw = managed(await ctx.subject.workload(), for_kind(ctx.plan.key.kind).resource)
    written = managed(await ctx.subject.written(), ctx.plan.patches[0].resource)
    each = raw if raw.release() is not None else written
    claim = each.release()
    if claim is None:
        by = any(one.labels.get(MANAGED_BY) == "Helm" for one in (raw, written))
        return found("skipped", "made from a chart, but by no Helm release" if by else "no Helm release claims it")
    records = await _records(ctx, claim)
    if not records:
        raise Unsure(f"{claim.sign}, but no record of that release is in {clean(claim.namespace or '', 80)}")
    newest = records[0]
    name, where = word(claim.name), word(claim.namespace)
    evidence = [f"release {clean(claim.name, 80)}: revision {newest['version']}, {newest['status']}"]
    if newest["status"].startswith(("pending-", "uninstalling")):
        said = (
            f"release {clean(claim.name, 80)} stands at {newest['status']}: an upgrade is under way or was broken off"
        )
        return found(
            "finding",
            said,
            evidence=evidence,
            remedy=f"wait for it, or look: helm history {name} -n {where}",
            severity="confirm",
        )
    before = await _before(ctx, records)
    undo = (
        f"helm rollback {name} {before} -n {where}"
        if before is not None
        else "put the values of the old version in force"
    )
    if each.flux(HELM) is not None:
        return found("finding", f"release {clean(claim.name, 80)} is made by Flux", evidence=evidence)
    said = f"the next upgrade of release {clean(claim.name, 80)} overwrites this"
    return found("finding", said, evidence=evidence, remedy=f"to make it last: {undo}", severity="warn")


async def _records(ctx: Context, claim: Claim) -> list[dict[str, Any]]:
    """Version and status of each release, newest first, from wherever Helm keeps them in the cluster."""
    selector = f"owner=helm,name={claim.name}"
    kept: list[Any] = []
    for resource in (SECRETS, _CONFIGMAPS):
        kept = list(await ctx.reads.metadatas(resource, claim.namespace, selector=selector))
        if kept:
            break
    return sorted((_record(each) for each in kept), key=lambda each: int(each["version"]), reverse=True)


def _record(metadata: Any) -> dict[str, Any]:
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    version, status = (labels.get(name) for name in ("version", "status")) if isinstance(labels, dict) else (None, None)
    if not isinstance(version, str) or not version.isdecimal() or not isinstance(status, str) or not status:
        raise Unsure("a record of the Helm release is not readable")
    created = metadata.get("creationTimestamp")
    return {
        "version": int(version),
        "status": clean(status, 40),
        "created": parse_time(created) if isinstance(created, str) else None,
    }


async def _before(ctx: Context, records: list[dict[str, Any]]) -> int | None:
    """The release that brought the target; where its time is not known, the one before the newest."""
    past = [each for each in records[1:] if each["status"] in ("superseded", "deployed")]
    try:
        target = await ctx.subject.target()
    except CockpitError:
        target = None
    created = target.created_at if target is not None else None
    near = [(abs(each["created"] - created), each["version"]) for each in past if created and each["created"]]
    distance, version = min(near, default=(float("inf"), None))
    if distance <= _SAME_DEPLOY:
        return version
    return int(past[0]["version"]) if past else None
