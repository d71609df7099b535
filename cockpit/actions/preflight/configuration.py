"""Checks of the configuration that a version needs: there, and the same as when it served (facts 4.2, C15, C16).

A version is its template; what that refers to by name stays as it is today. Only metadata is read, never data.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from cockpit.actions.preflight.asking import answered, each
from cockpit.actions.preflight.contract import Check, Context, Garbled, found
from cockpit.actions.preflight.past import Active, last_active
from cockpit.actions.preflight.record import Record, record
from cockpit.actions.preflight.references import Reference, references
from cockpit.actions.preflight.template import in_force
from cockpit.base.errors import NotFound
from cockpit.model.preflight import Finding
from cockpit.model.resource import CONFIGMAPS, SECRETS
from cockpit.strategies.values import mapping

_HASHED = re.compile(r"-[2456789bcdfghkmt]{10}$")
"""kustomize names generated configuration by its content: such a name cannot change what it holds."""
_CREDENTIALS = re.compile(
    r"(?i)(^|[-_.])(db|database|dsn|postgres(ql)?|pg|mysql|mariadb|mongo(db)?|redis|rabbitmq|kafka"
    r"|credential|cred|password|passwd)s?([-_.]|$)"
)
_CHECKSUM = re.compile(r"(^|/)checksum[/-]|(^|/)config-?hash$")
_DATA_HELD = (CONFIGMAPS, SECRETS)


async def config_present(ctx: Context) -> Finding:
    """C15: pods of the target can start with what is there today."""
    needed = [reference for reference in references(ctx.template) if not reference.optional]
    asked = await each(_there(ctx, reference) for reference in needed)
    missing = [str(reference) for reference, metadata in zip(needed, asked, strict=True) if metadata is None]
    if missing:
        what = ", ".join(missing)
        return found(
            "finding",
            f"{what} {'are' if len(missing) > 1 else 'is'} missing: pods would not start",
            evidence=[f"{name}: not found in {ctx.namespace}" for name in missing],
            remedy=f"put {what} back first",
            severity="block",
        )
    lacking = [
        f"{reference} without {', '.join(sorted(keys))}"
        for reference, metadata in zip(needed, answered(asked), strict=True)
        if (keys := _lacking(reference, metadata))
    ]
    if lacking:
        said = f"{', '.join(lacking)}, by the server's record of its keys: pods would not start"
        return found("finding", said, evidence=lacking, remedy="look at its keys with kubectl describe")
    return found("ok", f"{len(needed)} of {len(needed)} objects it refers to are there" if needed else "it needs none")


def _lacking(reference: Reference, metadata: Any) -> frozenset[str]:
    """Keys that nobody is recorded to have written; none where there is no record to go by."""
    if reference.resource not in _DATA_HELD or not reference.keys:
        return frozenset()
    known = record(metadata, reference.name).keys
    return reference.keys - known if known else frozenset()


async def _there(ctx: Context, reference: Reference) -> dict[str, Any] | None:
    """Its metadata, None when it is not there."""
    try:
        metadata = await ctx.reads.metadata(reference.resource, ctx.namespace, reference.name)
    except NotFound:
        return None
    if not isinstance(metadata, dict) or metadata.get("name") != reference.name:
        raise Garbled(f"the answer about {reference} is not about it")
    return metadata


async def config_changed(ctx: Context) -> Finding:
    """C16: configuration written since the target last served, by the server's record of who wrote what when."""
    used = [reference for reference in references(ctx.template) if reference.resource in _DATA_HELD]
    mutable = [reference for reference in used if not _HASHED.search(reference.name)]
    active, written = await asyncio.gather(last_active(ctx), ctx.subject.written())
    sums = [] if active.now else _checksums(ctx.template, in_force(written))
    if not mutable and not sums:
        return found("ok", "it refers to no configuration that can change" if not used else "its names say its content")
    if active.at is None:
        return found("unknown", "when it last served is not known, so nothing tells what changed since")
    changes = await asyncio.gather(*(_changed(ctx, reference, active.at) for reference in mutable))
    changed = [reference for reference, said in zip(mutable, changes, strict=True) if said]
    evidence = [said for said in changes if said]
    if changed:
        return _differs(changed, evidence, active, names=", ".join(map(str, changed)))
    if sums:
        said = f"its template was made for other configuration than today's ({', '.join(sums)} differ)"
        return found(
            "finding", said, evidence=[f"annotation {name}: other than in the version in force" for name in sums]
        )
    what = f"{len(mutable)} of {len(mutable)} unchanged"
    return found("ok", f"{what} since its pods started" if active.now else f"{what} since it last served {active.said}")


def _differs(changed: list[Reference], evidence: list[str], active: Active, names: str) -> Finding:
    stays, were = "a rollback does not bring back configuration", "were" if len(changed) > 1 else "was"
    if active.now:  # its pods serve with what they started with; nobody has seen one start with today's
        return found(
            "finding",
            f"{names} {were} written since its pods started: new pods take today's",
            evidence=evidence,
        )
    grave = any(one.resource == SECRETS or _CREDENTIALS.search(one.name) for one in changed)
    return found(
        "finding",
        f"{names} {were} written since it last served {active.said}: it would run with today's",
        evidence=evidence,
        remedy=f"{stays}: make sure that it works with it, or put it back",
        severity="confirm" if grave else "warn",
    )


async def _changed(ctx: Context, reference: Reference, since: float) -> str:
    """What was written since, "" for nothing."""
    try:
        metadata = await ctx.reads.metadata(reference.resource, ctx.namespace, reference.name)
    except NotFound:
        return ""  # a missing one that is needed is said by ``config-present``
    kept: Record = record(metadata, reference.name)
    if kept.made > since:
        return f"{reference} was made since"
    try:
        last = kept.since(since)
    except Garbled as error:
        raise Garbled(f"{reference}: {error}") from None
    return f"{reference} was written by {last.manager} at {last.said}" if last is not None else ""


def _checksums(template: Mapping[str, Any], in_force: Mapping[str, Any]) -> list[str]:
    """Annotations by which a chart says which configuration a template belongs to, and which differ from today's."""
    old, new = (mapping(mapping(one.get("metadata")).get("annotations")) for one in (template, in_force))
    return [name for name in sorted({*old, *new}) if _CHECKSUM.search(name) and old.get(name) != new.get(name)]


CHECKS: tuple[Check, ...] = (
    Check("config-present", "configuration present", "confirm", config_present),
    Check("config-changed", "configuration changes", "warn", config_changed),
)
