"""Checks of who applies the workload from elsewhere (facts 4.2, C11-C14), each with what makes a rollback last."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cockpit.actions.preflight import asking
from cockpit.actions.preflight.contract import Check, Context, found
from cockpit.actions.preflight.helm import helm
from cockpit.actions.reconcilers import Managed, Reconciler, applications, flux, managed
from cockpit.actions.reconcilers.reconciler import parents, word
from cockpit.base.text import clean
from cockpit.model.preflight import Finding, Severity
from cockpit.model.revision import Revision
from cockpit.strategies import for_kind
from cockpit.strategies.values import items, mapping, objects, text

_RANK: tuple[Severity, ...] = ("info", "warn", "confirm", "block")
_UPDATER = "argocd-image-updater.argoproj.io/image-list"


async def subjects(ctx: Context) -> tuple[Managed, ...]:
    """The rollout, and the object that holds its template where that is another one: either may have an owner."""
    written = ctx.plan.patches[0]
    both = (
        managed(await ctx.subject.workload(), for_kind(ctx.plan.key.kind).resource),
        managed(await ctx.subject.written(), written.resource),
    )
    return both if both[0].address != both[1].address else both[:1]


async def argocd(ctx: Context) -> Finding:
    """C11: an Application that lists the workload, and whether it puts Git back over what is done here."""
    of = await subjects(ctx)
    owners = await applications.owning(ctx.reads, of)
    if not owners:
        copied = "".join(each.copied() for each in of)
        return found(
            "skipped", f"its tracking id is another object's: {copied}" if copied else "no Application lists it"
        )
    created, windows = await asyncio.gather(_created(ctx), asyncio.gather(*(_windows(ctx, app) for app in owners)))
    return _worst([_of_application(ctx, app, created, of_it) for app, of_it in zip(owners, windows, strict=True)])


async def _windows(ctx: Context, app: Reconciler) -> list[str]:
    """Sync windows only say when an owner waits: where they cannot be read, what it does is said all the same."""
    if applications.policy(app) not in ("automated", "self-heal"):
        return []
    (said,) = await asking.each([applications.windows(ctx.reads, app)])
    return said if isinstance(said, list) else [f"its sync windows are not known: {said or 'no answer'}"]


async def _created(ctx: Context) -> float | None:
    """When the target was first deployed, for the commit to return to; nothing but the advice depends on it."""
    (target,) = await asking.each([ctx.subject.target()])
    return target.created_at if isinstance(target, Revision) else None


def _of_application(ctx: Context, app: Reconciler, created: float | None, windows: Sequence[str]) -> Finding:
    state = applications.policy(app)
    sync = text(mapping(app.status.get("sync")).get("status"), 40) or "of unknown sync status"
    running = mapping(app.status.get("operationState")).get("phase") == "Running"
    evidence = [f"{app}: {state}, {sync}, {applications.revision(app) or 'no revision'}", *_about(app), *windows]
    last = applications.durable(app, created)
    cli = f"argocd app set {_cli_name(app)} --sync-policy none"
    if applications.skipped(app):
        return found(
            "finding",
            f"{app} is told to skip reconciling; it is not in force now",
            evidence=evidence,
            remedy=f"to make it last: {last}",
        )
    if state == "suspended":
        return found(
            "finding",
            f"auto-sync of {app} is suspended; once resumed it puts Git back",
            evidence=evidence,
            remedy=f"to make it last: {last}",
        )
    if state == "manual" and not running:
        said = f"{app} is synced by hand: the next sync overwrites this"
        return found("finding", said, evidence=evidence, remedy=f"to make it last: {last}", severity="warn")
    if state == "manual":
        said = f"a sync of {app} is under way and may overwrite this"
        return found(
            "finding", said, evidence=evidence, remedy=f"wait for it; to make it last: {last}", severity="confirm"
        )
    generator = next((each for each in parents(app) if each.startswith("ApplicationSet ")), None)
    until = f"{_suspend(ctx)} (or {cli})" if generator is None else f"change {generator}, which resets its auto-sync"
    remedy = f"to make it last: {last}; until then: {until}"
    if state == "self-heal":
        said = f"{app} puts Git back over this within seconds (auto-sync with self-heal)"
        return found("finding", said, evidence=evidence, remedy=remedy, severity="block")
    said = f"{app} overwrites this at the next commit (auto-sync without self-heal)"
    return found("finding", said, evidence=evidence, remedy=remedy, severity="confirm")


def _about(app: Reconciler) -> list[str]:
    """What else decides how the Application treats a change."""
    lines = [f"applied itself by {parent}" for parent in parents(app)]
    ignored = [
        text(path, 120)
        for each in objects(app.spec.get("ignoreDifferences"))
        for member in ("jsonPointers", "jqPathExpressions", "managedFieldsManagers")
        for path in items(each.get(member))
    ]
    if ignored:
        lines.append(f"ignores differences of {', '.join(ignored)}; the rest it compares")
    if isinstance(mapping(app.metadata.get("annotations")).get(_UPDATER), str):
        lines.append("Argo CD Image Updater sets its images as well")
    return lines


def _cli_name(app: Reconciler) -> str:
    return word(app.name) if app.namespace in ("argocd", "") else f"{word(app.name)} -N {word(app.namespace)}"


async def flux_(ctx: Context) -> Finding:
    """C12: the Kustomization or HelmRelease that the labels name, and how soon it applies its source again."""
    of = await subjects(ctx)
    owners = await flux.owning(ctx.reads, of)
    if not owners:
        return found("skipped", "no label of Flux is on it")
    return _worst(
        [
            _of_kustomization(ctx, each, of) if each.resource.kind == "Kustomization" else _of_release(ctx, each)
            for each in owners
        ]
    )


def _of_kustomization(ctx: Context, owner: Reconciler, of: Sequence[Managed]) -> Finding:
    every = flux.interval(owner)
    evidence = [
        f"{owner}: interval {every or 'not said'}, applied {flux.revision(owner) or 'nothing yet'}",
        *(f"applied itself by {parent}" for parent in parents(owner)),
    ]
    last = flux.durable(owner)
    if flux.suspended(owner):
        return _resting(owner, "applies its source", evidence, last)
    alone = [mark for each in of if (mark := flux.left_alone(each))]
    if len(alone) == len(of):
        said = f"{owner} leaves it alone ({alone[0]})"
        return found("finding", said, evidence=evidence, remedy=f"to make it last: {last}")
    remedy = f"to make it last: {last}; until then: {_suspend(ctx)} (or flux suspend kustomization {_named(owner)})"
    if all(flux.inventoried(owner, each) is False for each in of):
        said = f"its labels name {owner}, whose inventory does not list it: they may be copied"
        return found("finding", said, evidence=evidence, remedy=remedy, severity="confirm")
    said = f"{owner} puts its source back over this" + (f" within {every}" if every else " at its next interval")
    return found("finding", said, evidence=evidence, remedy=remedy, severity="block")


def _resting(owner: Reconciler, does: str, evidence: Sequence[str], last: str) -> Finding:
    said = f"{owner} is suspended; once resumed it {does} again"
    return found("finding", said, evidence=evidence, remedy=f"to make it last: {last}")


def _of_release(ctx: Context, owner: Reconciler) -> Finding:
    mode, every = flux.drift(owner), flux.interval(owner)
    evidence = [
        f"{owner}: drift detection {mode}, interval {every or 'not said'}",
        *(f"applied itself by {parent}" for parent in parents(owner)),
    ]
    last = flux.durable(owner)
    if flux.suspended(owner):
        return _resting(owner, "upgrades", evidence, last)
    remedy = f"to make it last: {last}; until then: {_suspend(ctx)} (or flux suspend helmrelease {_named(owner)})"
    if mode == "enabled":
        said = f"{owner} corrects drift: it puts its release back over this" + (f" within {every}" if every else "")
        return found("finding", said, evidence=evidence, remedy=remedy, severity="block")
    return found(
        "finding", f"{owner} overwrites this at its next upgrade", evidence=evidence, remedy=remedy, severity="confirm"
    )


def _named(owner: Reconciler) -> str:
    return f"{word(owner.name)} -n {word(owner.namespace)}"


def _suspend(ctx: Context) -> str:
    kind = "deployment/" if ctx.plan.key.kind == "Deployment" else ""
    return f"cockpit gitops suspend {kind}{word(ctx.plan.key.namespace)}/{word(ctx.plan.key.name)}"


def _worst(findings: Sequence[Finding]) -> Finding:
    worst = max(findings, key=lambda each: _RANK.index(each.severity))
    evidence = [line for each in findings for line in each.evidence]
    return found(worst.state, worst.text, evidence=evidence, remedy=worst.remedy, severity=worst.severity)


_APPLIERS = {
    "terraform": "Terraform",
    "hashicorp": "Terraform",
    "pulumi": "Pulumi",
    "kapp": "kapp",
    "fleetagent": "Rancher Fleet",
    "fleet": "Rancher Fleet",
    "configsync": "Config Sync",
    "keel": "Keel",
    "crossplane": "Crossplane",
    "provider-kubernetes": "Crossplane",
}
"""Field managers of programs that set the image again on their own or at the next run, by how their names begin."""


async def owners(ctx: Context) -> Finding:
    """C14: other programs that apply the workload, by their marks and by who last wrote its images."""
    of = await subjects(ctx)
    claims = [claim for each in of for claim in _others(each)]
    writers = _writers(await ctx.subject.written())
    claims += [(who, f"field manager {manager} wrote its images") for manager in writers if (who := _applier(manager))]
    if not claims:
        said = f"its images were last written by {', '.join(writers)}" if writers else "no other program claims it"
        return found("skipped", said)
    who = ", ".join(dict.fromkeys(tool for tool, _ in claims))
    return found(
        "finding",
        f"{who} applies it as well, and may overwrite this at the next run",
        evidence=[sign for _, sign in claims],
        remedy=f"to make it last: change it at its source, where {who} takes it from",
        severity="warn",
    )


def _others(each: Managed) -> list[tuple[str, str]]:
    marks = {**each.labels, **each.annotations}
    signs = []
    if "kapp.k14s.io/app" in marks:
        signs.append(("kapp", f"label kapp.k14s.io/app={clean(marks['kapp.k14s.io/app'], 80)}"))
    if marks.get("configmanagement.gke.io/managed") == "enabled":
        signs.append(("Config Sync", "annotation configmanagement.gke.io/managed=enabled"))
    fleet = next((key for key in marks if key.startswith("objectset.rio.cattle.io/")), None)
    if fleet is not None:
        signs.append(("Rancher Fleet", f"mark {clean(fleet, 100)}"))
    return signs


def _writers(raw: object) -> list[str]:
    """Field managers that own an image of the template, by the server's record; newest last."""
    entries = objects(mapping(mapping(raw).get("metadata")).get("managedFields"))
    return list(dict.fromkeys(text(each.get("manager"), 80) for each in entries if _owns_image(each)))


def _owns_image(entry: dict[str, object]) -> bool:
    level = mapping(entry.get("fieldsV1"))
    for member in ("f:spec", "f:template", "f:spec", "f:containers"):
        level = mapping(level.get(member))
    return any("f:image" in mapping(container) for container in level.values())


def _applier(manager: str) -> str:
    name = manager.lower()
    return next((tool for begin, tool in _APPLIERS.items() if name.startswith(begin)), "")


CHECKS: tuple[Check, ...] = (
    Check("argocd", "Argo CD", "info", argocd),
    Check("flux", "Flux", "info", flux_),
    Check("helm", "Helm", "info", helm),
    Check("owners", "other owners", "info", owners),
)
