"""Checks of what a rollback would run: retained, complete, signed, seen here before (facts 4.2, C01-C04 and C06)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from cockpit.actions.preflight.contract import NO_DIGEST, Check, Context, found
from cockpit.model.artifact import Retention
from cockpit.model.preflight import Finding
from cockpit.model.revision import Retained, Revision, Signed
from cockpit.model.rollout import Image
from cockpit.strategies.image import declared_digest, repository, short

_WORST: tuple[Retained, ...] = ("missing", "partial", "unknown", "denied", "retained")
_SIGNED: tuple[Signed, ...] = ("invalid", "unknown", "none", "present-unverified", "verified")


async def retained(ctx: Context) -> Finding:
    """C01-C03: the manifest, the platforms of the nodes, config and layers, asked of the origin just now."""
    images = (*ctx.images, *ctx.inits)
    unpinned = [image.container for image in images if image.digest is None]
    held = await asyncio.gather(*(_ask(ctx, image) for image in images if image.digest is not None))
    evidence = tuple(f"{each.image}: {each.state}" + (f", {each.reason}" if each.reason else "") for each in held)
    worst = min(held, key=lambda each: _WORST.index(each.state), default=None)
    if worst is not None and worst.state in ("missing", "partial"):
        text = f"{short(worst.image)} is {worst.state}: {worst.reason}"
        remedy = "choose a version that is retained (cockpit revisions lists them)"
        return found("finding", text, evidence=evidence, remedy=remedy)
    bare = next((each for each in held if _nowhere(each)), None)
    if bare is not None:
        text = f"{short(bare.image)} has no image for {' or '.join(bare.uncovered)}, which is all that the nodes run"
        remedy = "kubectl get nodes -L kubernetes.io/os,kubernetes.io/arch"
        return found("finding", text, evidence=evidence, remedy=remedy)
    if unpinned:
        text = f"the digest of {', '.join(unpinned)} is not known, so nothing proves what would run"
        return found("unknown", text, evidence=evidence)
    if worst is None or worst.state in ("unknown", "denied"):
        return found("unknown", worst.reason if worst is not None else "the template names no image", evidence=evidence)
    if any(each.covers is None and each.platforms for each in held):
        text = "it is there, but whether for the platforms that the nodes run is not known"
        return found("unknown", text, evidence=evidence, remedy="kubectl auth can-i list nodes")
    elsewhere = sorted({platform for each in held for platform in each.uncovered})
    but = f"; none for {', '.join(elsewhere)}, which other nodes run" if elsewhere else ""
    return found("ok", f"{len(held)} of {len(held)} images, with their layers{but}", evidence=evidence)


def _nowhere(held: Retention) -> bool:
    """Whether no node could run it. Where some can, its template keeps it there, or it never ran well here."""
    runs = (each.platform for each in held.platforms if each.needed and each.state == "retained")
    return held.covers is False and all(platform is None or platform in held.uncovered for platform in runs)


async def _ask(ctx: Context, image: Image) -> Retention:
    return await ctx.artifacts.retention(
        image.image,
        image.digest or "",
        ctx.namespace,
        ctx.secrets,
        control=ctx.running.get(repository(image.image)),
        deep=True,
        max_age=ctx.seen_within,
        urgent=True,
    )


async def signature(ctx: Context) -> Finding:
    """C04: an invalid signature blocks, one that is not there warns; policy sets both at once."""
    asked = (
        ctx.artifacts.signatures(
            image.image, image.digest, ctx.namespace, ctx.secrets, max_age=ctx.max_age, urgent=True
        )
        for image in ctx.images
        if image.digest is not None
    )
    signed = await asyncio.gather(*asked)
    if not signed:
        return found("skipped", NO_DIGEST)
    if not signed[0].keys_configured:
        return found("skipped", "no public keys are configured ([signatures] keys)")
    worst = min(signed, key=lambda each: _SIGNED.index(each.signature))
    evidence = tuple(f"{each.image}: {each.signature}" for each in signed)
    if worst.signature == "verified":
        return found("ok", f"verified with {worst.key}; the transparency log is not checked", evidence=evidence)
    if worst.signature == "unknown":
        return found("unknown", worst.reason or "the registry did not say", evidence=evidence)
    said = {"none": "is not signed", "invalid": "has no valid signature"}.get(
        worst.signature, "has no verified signature"
    )
    weak = found("finding", f"{short(worst.image)} {said}: {worst.reason}".rstrip(": "), evidence=evidence)
    # Not signed is a habit of many teams; a signature that does not fit is a sign of another artifact than was meant.
    return replace(weak, severity="block") if worst.signature == "invalid" else weak


async def ran_here(ctx: Context) -> Finding:
    """C06: this namespace is known to have run these very digests. A journal that is new has seen little of it."""
    digests = [image.digest for image in ctx.images if image.digest is not None]
    if not digests:
        return found("skipped", NO_DIGEST)
    here = set(ctx.running.values())
    known = await ctx.past.ran(ctx.cluster, ctx.namespace, digests)
    never = [digest for digest in digests if digest not in known and digest not in here]
    if never:
        named, target = ", ".join(f"{each[:19]}…" for each in never), await ctx.subject.target()
        if target is not None and _deployed(target, never):
            text = f"{named} was deployed here by its ReplicaSet; no pod of it was seen since this journal began"
            return found("finding", text)
        return found("finding", f"{named} was never seen running here", severity="confirm")
    return found("ok", "its digests ran here")


def _deployed(target: Revision, digests: Sequence[str]) -> bool:
    """Whether a ReplicaSet of the workload names these digests itself, and it is not known to have been given up."""
    declared = {declared_digest(image.image) for image in target.images}
    given_up = target.aborted or target.left in ("aborted", "rolled-back")
    return target.source == "cluster" and not given_up and declared.issuperset(digests)


CHECKS: tuple[Check, ...] = (
    Check("retained", "retained", "block", retained),
    Check("signature", "signature", "warn", signature),
    Check("ran-here", "ran here", "warn", ran_here),
)
