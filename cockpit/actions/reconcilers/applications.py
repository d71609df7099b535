"""Argo CD: which Application owns a workload, what its sync policy does to a change, and which commit is in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from cockpit.actions.ports import Reads
from cockpit.actions.reconcilers.marks import Claim, Managed, Unsure
from cockpit.actions.reconcilers.reconciler import Reconciler, git_undo, reconciler, sha_of, word
from cockpit.base.clock import parse_time
from cockpit.base.errors import Denied, NotFound
from cockpit.base.text import clean
from cockpit.model.resource import Resource
from cockpit.strategies.values import mapping, objects, text

PROJECTS = Resource("argoproj.io", "v1alpha1", "appprojects", "AppProject")
APPLICATIONS = Resource("argoproj.io", "v1alpha1", "applications", "Application")
Policy = Literal["self-heal", "automated", "suspended", "manual"]
"""``suspended``: an automated policy that is switched off; ``manual``: there is none."""
SKIP = "argocd.argoproj.io/skip-reconcile"
_MOST = 2_000
_HOMES = ("argocd", "openshift-gitops")
"""Where Argo CD is mostly installed: looked into by name where not all namespaces may be listed."""
_HERE = ("https://kubernetes.default.svc", "https://kubernetes.default.svc:443")
_SAME_DEPLOY = 900.0
"""Seconds between a sync and the creation of the ReplicaSet it led to."""


async def owning(reads: Reads, subjects: Sequence[Managed]) -> tuple[Reconciler, ...]:
    """The Applications that list one of these among their resources: the only proof that there is.

    Empty: none does, and nothing claims that one should. Raises Unsure where a mark says otherwise or the answer is
    not readable, and what ``reads`` raises.
    """
    claims = [claim for each in subjects if (claim := each.argo()) is not None]
    try:
        apps = await _listed(reads, claims, subjects)
    except NotFound:
        if claims:
            elsewhere = "no Application can be found in this cluster; Argo CD may run in another one"
            raise Unsure(f"{claims[0].sign}, but {elsewhere}") from None
        return ()
    owners = tuple(app for app in apps if _owns(app, subjects))
    if owners:
        return owners
    if claims:
        claim = claims[0]
        there = next((app for app in apps if _meant(claim, app)), None)
        why = f"{there} does not list it" if there else "no such Application is in this cluster; it may be in another"
        raise Unsure(f"{claim.sign}, but {why}")
    if len(apps) >= _MOST:
        raise Unsure(f"more than {_MOST} Applications: not all were looked at")
    return ()


async def _listed(reads: Reads, claims: Sequence[Claim], subjects: Sequence[Managed]) -> list[Reconciler]:
    try:
        found = await reads.objects(APPLICATIONS, None, limit=_MOST)
    except Denied:
        # Narrow rights: what a mark names can still be read, and proves itself by listing the workload.
        named = await _by_name(reads, claims, subjects)
        if any(_owns(app, subjects) for app in named):
            return named
        if await reads.serves(APPLICATIONS) is False:
            raise NotFound("the cluster has no Applications") from None
        raise
    if not isinstance(found, (list, tuple)):
        raise Unsure("the server's answer is no list of Applications")
    return [_application(raw) for raw in found]


async def _by_name(reads: Reads, claims: Sequence[Claim], subjects: Sequence[Managed]) -> list[Reconciler]:
    found = []
    for claim in claims:
        homes = (claim.namespace,) if claim.namespace else (*_HOMES, *(each.namespace for each in subjects))
        for namespace in dict.fromkeys(homes):
            try:
                found.append(_application(await reads.get(APPLICATIONS, namespace, claim.name)))
            except (NotFound, Denied):
                continue
    return found


def _application(raw: Any) -> Reconciler:
    metadata = raw.get("metadata") if isinstance(raw, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise Unsure("the server's answer is no Application")
    return reconciler("argocd", APPLICATIONS, raw)


def _owns(app: Reconciler, subjects: Sequence[Managed]) -> bool:
    status = app.raw.get("status")
    listed = status.get("resources") if isinstance(status, dict) else status
    if listed is None:
        return False
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise Unsure(f"{app} has a status that is not readable")
    held = {(each.get("group") or "", each.get("kind"), each.get("namespace"), each.get("name")) for each in listed}
    return any(each.address in held and (_here(app) or _marked(app, each)) for each in subjects)


def _here(app: Reconciler) -> bool:
    """Argo CD may deploy to other clusters, which have objects of the same name."""
    destination = mapping(app.spec.get("destination"))
    server, name = destination.get("server"), destination.get("name")
    return server in _HERE or name == "in-cluster" or not (server or name)


def _marked(app: Reconciler, each: Managed) -> bool:
    claim = each.argo()
    return (claim is not None and _meant(claim, app)) or each.names(app.name)


def _meant(claim: Claim, app: Reconciler) -> bool:
    return claim.name == app.name and claim.namespace in (None, app.namespace)


def policy(app: Reconciler) -> Policy:
    """What the controller does by itself (``enabled`` absent or null is on). Raises Unsure for what is no policy."""
    sync = app.spec.get("syncPolicy")
    if sync is not None and not isinstance(sync, dict):
        raise Unsure(f"{app} has a sync policy that is not readable")
    automated = mapping(sync).get("automated")
    if automated is None:
        return "manual"
    known = isinstance(automated, dict)
    if not known or not all(automated.get(name) in (None, True, False) for name in ("enabled", "selfHeal")):
        raise Unsure(f"{app} has a sync policy that is not readable")
    if automated.get("enabled") is False:
        return "suspended"
    return "self-heal" if automated.get("selfHeal") is True else "automated"


async def windows(reads: Reads, app: Reconciler) -> list[str]:
    """Sync windows of its project in words; none where it has none. Raises what ``reads`` raises."""
    project = text(app.spec.get("project"), 253) or "default"
    raw = await reads.get(PROJECTS, app.namespace, project)
    return [
        f"project {project} has a sync window: {text(each.get('kind'), 20)} {text(each.get('schedule'), 80)}"
        f" for {text(each.get('duration'), 20)}"
        for each in objects(mapping(mapping(raw).get("spec")).get("syncWindows"))
    ]


def skipped(app: Reconciler) -> bool:
    """Whether the controller is told to leave the Application alone."""
    return mapping(app.metadata.get("annotations")).get(SKIP) == "true"


def revision(app: Reconciler) -> str:
    """What is in force, as Argo CD names it: a commit, or a chart's version; "" when it does not say."""
    sync = mapping(app.status.get("sync"))
    several = sync.get("revisions")
    if isinstance(several, list) and several:
        return ", ".join(text(each, 80) for each in several)
    return text(sync.get("revision"), 80) or _revision_of(next(iter(_history(app)), {}))


def durable(app: Reconciler, created_at: float | None) -> str:
    """The act in Git that makes a rollback last. ``created_at``: when the version to return to was first deployed."""
    source = mapping(app.spec.get("source"))
    current, before = revision(app), _deployed_at(app, created_at)
    place = _place(source)
    if source.get("chart"):
        back = f"back to {word(before)}" if before else f"back from {word(current)}"
        return f"set targetRevision {back} for chart {word(source['chart'])}{place}"
    commit = sha_of(current)
    if commit is None:
        return f"revert in Git{place}" + (f" what {clean(current, 170)} brought" if current else "")
    return f"{git_undo(commit, sha_of(before), text(source.get('path'), 200))}{place}"


def _place(source: dict[str, Any]) -> str:
    url = text(source.get("repoURL"), 200)
    # Credentials in the address of a repository stay where they are.
    url = (
        url
        if "@" not in url.partition("://")[2].partition("/")[0]
        else url.partition("://")[0] + "://…" + url.rpartition("@")[2]
    )
    return f" in {url}" if url else ""


def _history(app: Reconciler) -> list[dict[str, Any]]:
    """Deployments of the Application, newest first."""
    entries = objects(app.status.get("history"))
    return sorted(entries, key=lambda each: each["id"] if isinstance(each.get("id"), int) else -1, reverse=True)


def _deployed_at(app: Reconciler, created_at: float | None) -> str | None:
    """The revision whose sync brought the version that was created then; None when no entry fits."""
    if created_at is None:
        return None
    near = [
        (abs(at - created_at), found)
        for each in _history(app)
        if (at := parse_time(text(each.get("deployedAt"), 40))) is not None and (found := _revision_of(each))
    ]
    distance, found = min(near, default=(float("inf"), ""))
    return found if distance <= _SAME_DEPLOY else None


def _revision_of(entry: dict[str, Any]) -> str:
    return text(entry.get("revision"), 80)
