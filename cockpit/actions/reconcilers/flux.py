"""Flux: the Kustomization or HelmRelease that a workload's labels name, and what it does to a change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cockpit.actions.ports import Reads
from cockpit.actions.reconcilers.marks import HELM, KUSTOMIZE, Claim, Managed, Unsure
from cockpit.actions.reconcilers.reconciler import Reconciler, git_undo, reconciler, sha_of, word
from cockpit.base.errors import NotFound
from cockpit.model.resource import Resource
from cockpit.strategies.values import mapping, objects, text

KUSTOMIZATIONS = Resource(KUSTOMIZE, "v1", "kustomizations", "Kustomization")
HELMRELEASES = Resource(HELM, "v2", "helmreleases", "HelmRelease")
_VERSIONS = {
    KUSTOMIZE: (
        KUSTOMIZATIONS,
        *(Resource(KUSTOMIZE, each, "kustomizations", "Kustomization") for each in ("v1beta2",)),
    ),
    HELM: (HELMRELEASES, *(Resource(HELM, each, "helmreleases", "HelmRelease") for each in ("v2beta2", "v2beta1"))),
}
"""Newest first: clusters that were not migrated serve only the older ones."""
OFF = f"{KUSTOMIZE}/reconcile"
SSA = f"{KUSTOMIZE}/ssa"


async def owning(reads: Reads, subjects: Sequence[Managed]) -> tuple[Reconciler, ...]:
    """The objects that the labels name; empty where there is no label. Raises Unsure, and what ``reads`` raises."""
    found: dict[str, Reconciler] = {}
    for each in subjects:
        for api in (KUSTOMIZE, HELM):
            if (claim := each.flux(api)) is not None:
                owner = await _read(reads, api, claim)
                found[owner.id] = owner
    return tuple(found.values())


async def _read(reads: Reads, api: str, claim: Claim) -> Reconciler:
    for resource in _VERSIONS[api]:
        try:
            raw = await reads.get(resource, claim.namespace or "", claim.name)
        except NotFound:
            continue
        metadata = raw.get("metadata") if isinstance(raw, dict) else None
        if (
            not isinstance(metadata, dict)
            or metadata.get("name") != claim.name
            or not isinstance(raw.get("spec"), dict)
        ):
            raise Unsure(f"the server's answer is no {resource.kind}")
        return reconciler("flux", resource, raw)
    kind = _VERSIONS[api][0].kind
    raise Unsure(f"{claim.sign}, but no such {kind} is in this cluster; Flux may run in another one")


def suspended(owner: Reconciler) -> bool:
    """``spec.suspend``. Raises Unsure for what is no yes or no."""
    value = owner.spec.get("suspend")
    if value not in (None, True, False):
        raise Unsure(f"{owner} has a spec.suspend that is not readable")
    return value is True


def drift(owner: Reconciler) -> str:
    """``driftDetection.mode`` of a HelmRelease: enabled, warn or disabled. Raises Unsure for another one."""
    detection = owner.spec.get("driftDetection")
    mode = mapping(detection).get("mode") or "disabled"
    if (detection is not None and not isinstance(detection, dict)) or mode not in ("enabled", "warn", "disabled"):
        raise Unsure(f"{owner} has a driftDetection that is not readable")
    return str(mode)


def interval(owner: Reconciler) -> str:
    """As its author wrote it, ``10m``; "" when it does not say."""
    return text(owner.spec.get("interval"), 40)


def left_alone(each: Managed) -> str:
    """The annotation by which a Kustomization leaves this object as it is, "" for none."""
    if each.annotations.get(OFF) == "disabled":
        return f"{OFF}: disabled"
    mode = each.annotations.get(SSA)
    return f"{SSA}: {mode}" if mode in ("Ignore", "IfNotPresent") else ""


def inventoried(owner: Reconciler, each: Managed) -> bool | None:
    """Whether a Kustomization's inventory lists the object; None when there is no inventory to look at."""
    inventory = owner.status.get("inventory")
    entries = mapping(inventory).get("entries")
    if not isinstance(entries, list):
        return None
    return f"{each.namespace}_{each.name}_{each.group}_{each.kind}" in {entry.get("id") for entry in objects(entries)}


def revision(owner: Reconciler) -> str:
    """What a Kustomization applied last (``main@sha1:4f1c…``), "" when it does not say."""
    return text(owner.status.get("lastAppliedRevision"), 120)


def releases(owner: Reconciler) -> list[dict[str, Any]]:
    """The Helm releases that a HelmRelease made, newest first."""
    entries = [each for each in objects(owner.status.get("history")) if isinstance(each.get("version"), int)]
    return sorted(entries, key=lambda each: int(each["version"]), reverse=True)


def durable(owner: Reconciler) -> str:
    """The act in the source that makes a rollback last."""
    if owner.resource.kind == "Kustomization":
        current = revision(owner)
        commit = sha_of(current)
        if commit is not None:
            return git_undo(commit, None, text(owner.spec.get("path"), 200))
        return f"revert in its source what {current} brought" if current else "revert in its source"
    made = releases(owner)
    if len(made) < 2:
        return "revert in Git what changed this HelmRelease"
    now, before = made[0], made[1]
    charts = [text(each.get("chartVersion"), 60) for each in (now, before)]
    chart = f", chart {word(charts[1])} instead of {word(charts[0])}" if all(charts) and charts[0] != charts[1] else ""
    name = text(now.get("name"), 60) or owner.name
    where = text(now.get("namespace"), 60) or owner.namespace
    undo = f"helm rollback {word(name)} {before['version']} -n {word(where)}"
    return f"revert in Git what led to release {now['version']}{chart}; {undo}"
