"""Checks of what cannot be taken back: migrations since, and what a version says of its own return (C17, C18)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from cockpit.actions.preflight.contract import Check, Context, found, whole
from cockpit.actions.preflight.past import last_active
from cockpit.base.clock import parse_time
from cockpit.model.artifact import COMPATIBLE, CONTRACT, ROLLBACK, SCHEMA
from cockpit.model.preflight import Finding
from cockpit.model.resource import JOBS
from cockpit.strategies.migration import like_migration, tool_in
from cockpit.strategies.values import mapping, objects, text

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_NOTHING = "nothing like a migration was seen since; absence proves nothing"


async def migration(ctx: Context) -> Finding:
    """C17: Jobs and init containers like migrations since the target last served; the journal knows those gone."""
    active, written = await asyncio.gather(last_active(ctx), ctx.subject.written())
    whole(written)
    inits = sorted(_init_migrations(_template(written)) - _init_migrations(ctx.template))
    if active.now and not inits:
        return found("ok", "it serves now, so it works with today's schema")
    since = active.at
    if since is None and not active.now:
        return found("unknown", "when it last served is not known, so nothing tells which migrations came since")
    seen = dict(await _jobs(ctx, since)) if since is not None else {}
    evidence = [f"Job {name}: {why}" for name, why in seen.items()]
    evidence += [f"init container {name} of the version in force" for name in inits]
    if evidence:
        first = evidence[0] + (f", and {len(evidence) - 1} more" if len(evidence) > 1 else "")
        remedy = "make sure the old version works with today's schema; a rollback does not undo a migration"
        return found("finding", f"since it last served: {first}", evidence=evidence, remedy=remedy)
    return found("ok", _NOTHING)


async def _jobs(ctx: Context, since: float) -> list[tuple[str, str]]:
    """(name, why it looks like one) of Jobs in the cluster, and of those that only the journal still knows."""
    there, gone = await asyncio.gather(
        ctx.reads.objects(JOBS, ctx.namespace), ctx.past.jobs_since(ctx.cluster, ctx.namespace, since)
    )
    if not isinstance(there, list | tuple) or not isinstance(gone, list | tuple):
        raise TypeError("the server's answer is no list")
    known = [(text(each.get("name"), 253), text(each.get("why"), 200)) for each in gone]
    for raw in there:
        metadata = whole(raw)
        made = parse_time(text(metadata.get("creationTimestamp"), 40))
        why = like_migration(raw)
        if why and (made is None or made > since):
            known.append((text(metadata.get("name"), 253), why))
    return known


def _init_migrations(template: Mapping[str, Any]) -> set[str]:
    spec = mapping(template.get("spec"))
    return {
        f"{text(each.get('name'), 63)} ({tool})"
        for each in objects(spec.get("initContainers"))
        if (tool := tool_in(each))
    }


async def contract(ctx: Context) -> Finding:
    """C18: annotations of the target and of the version in force, or labels of their images: our own convention.

    ``rollback``: safe, manual or unsafe; ``schema-version``: the number a version works on; ``schema-compat``: the
    numbers it can work with, as ``12-15``. *safe* counts only on the version to leave.
    """
    written = await ctx.subject.written()
    whole(written)
    (target, read), leaving = await _of_target(ctx), _said(_template(written))
    for who, said in (("the version to leave", leaving), ("the target", target)):
        word = said.get(ROLLBACK, "").lower()
        if word == "unsafe":
            return found("finding", f"{who} says of itself: rollback unsafe")
        if word not in ("", "safe", "manual", "unsafe"):
            return found("unknown", f"{who} says rollback {word!r}: safe, manual or unsafe are known")
    if (refused := _incompatible(leaving.get(SCHEMA), target.get(COMPATIBLE))) is not None:
        return refused
    if "manual" in (leaving.get(ROLLBACK, "").lower(), target.get(ROLLBACK, "").lower()):
        return found("finding", "a version says of itself: rollback by hand only", severity="confirm")
    if not read:
        return found(
            "unknown", "the labels of its images could not be read, so its own word on a rollback is not known"
        )
    if leaving.get(ROLLBACK, "").lower() == "safe":
        return found("ok", "the version to leave says: rollback safe")
    return found("skipped", f"no version says anything about its rollback ({ROLLBACK})")


def _incompatible(version: str | None, compatible: str | None) -> Finding | None:
    """What is wrong with a version that works with other schemas than today's; None: nothing is known to be."""
    if version is None or compatible is None:
        return None
    asked = _RANGE.fullmatch(compatible.strip())
    if asked is None or not version.strip().isdigit():
        return found("unknown", f"schema {version!r} and compatible {compatible!r} cannot be compared")
    low, high = int(asked[1]), int(asked[2] or asked[1])
    if low <= int(version) <= high:
        return None
    return found("finding", f"the schema is at {version}, and the target works with {compatible} only")


async def _of_target(ctx: Context) -> tuple[dict[str, str], bool]:
    """What the target's template says, else labels of its images; and whether all of those could be read."""
    asked = (
        ctx.artifacts.signatures(
            image.image, image.digest, ctx.namespace, ctx.secrets, max_age=ctx.max_age, urgent=True
        )
        for image in ctx.images
        if image.digest is not None
    )
    signed = await asyncio.gather(*asked)
    read = len(signed) == len(ctx.images) and all(each.labels_read for each in signed)
    labels = {label.name: label.value for each in signed for label in each.labels if label.name.startswith(CONTRACT)}
    return {**labels, **_said(ctx.template)}, read


def _said(template: Mapping[str, Any]) -> dict[str, str]:
    annotations = mapping(mapping(template.get("metadata")).get("annotations"))
    return {name: value for name, value in annotations.items() if name.startswith(CONTRACT) and isinstance(value, str)}


def _template(written: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = mapping(written.get("spec")) if "spec" in written else written
    return mapping(spec.get("template"))


CHECKS: tuple[Check, ...] = (
    Check("migration", "no migration since", "confirm", migration),
    Check("contract", "its own word", "block", contract),
)
