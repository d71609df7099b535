"""Checks of what a version needs beside its images: pull secrets and configuration (facts 4.2, C07, C15, C16).

A version is its template; what that refers to by name stays as it is today. Only metadata is read, never data.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from cockpit.actions.preflight.contract import Check, Context, found, whole
from cockpit.actions.preflight.past import Active, last_active
from cockpit.actions.preflight.references import ACCOUNTS, Reference, references
from cockpit.base.clock import parse_time
from cockpit.base.errors import NotFound
from cockpit.model.preflight import Finding
from cockpit.model.resource import CONFIGMAPS, SECRETS
from cockpit.strategies.values import mapping, objects, text

_HASHED = re.compile(r"-[2456789bcdfghkmt]{10}$")
"""kustomize names generated configuration by its content: such a name cannot change what it holds."""
_CREDENTIALS = re.compile(
    r"(?i)(^|[-_.])(db|database|dsn|postgres|mysql|mongo|redis|credential|password|passwd)s?([-_.]|$)"
)
_DATA = ("f:data", "f:binaryData", "f:stringData", "f:immutable")
_CHECKSUM = re.compile(r"(^|/)checksum[/-]|(^|/)config-?hash$")


async def pull_secret(ctx: Context) -> Finding:
    """C07: the pull secrets that the template and its account name are there."""
    named = [*ctx.secrets, *await _of_account(ctx)]
    if not named:
        return found("ok", "no pull secret is named: the nodes pull with what they have")
    there = await asyncio.gather(*(_there(ctx, Reference(SECRETS, name)) for name in dict.fromkeys(named)))
    missing = [name for name, is_there in zip(dict.fromkeys(named), there, strict=True) if not is_there]
    if missing:
        text_ = f"pull secret {', '.join(missing)} is missing: nodes may not be allowed to pull"
        return found("finding", text_, remedy=f"kubectl -n {ctx.namespace} get secret {missing[0]}")
    return found("ok", f"pull secret {', '.join(dict.fromkeys(named))} is there")


async def _of_account(ctx: Context) -> list[str]:
    name = mapping(ctx.template.get("spec")).get("serviceAccountName")
    try:
        account = await ctx.reads.get(ACCOUNTS, ctx.namespace, text(name, 253) or "default")
    except NotFound:
        return []  # that it is missing is said by ``config-present``
    whole(account)
    return [str(each["name"]) for each in objects(account.get("imagePullSecrets")) if each.get("name")]


async def config_present(ctx: Context) -> Finding:
    """C15: pods of the target can start with what is there today."""
    needed = [each for each in references(ctx.template) if not each.optional]
    there = await asyncio.gather(*(_there(ctx, each) for each in needed))
    missing = [str(each) for each, is_there in zip(needed, there, strict=True) if not is_there]
    if missing:
        what = ", ".join(missing)
        return found("finding", f"{what} is missing: pods would not start", remedy=f"put {what} back first")
    return found("ok", f"{len(needed)} of {len(needed)} objects it refers to are there" if needed else "it needs none")


async def _there(ctx: Context, reference: Reference) -> bool:
    try:
        metadata = await ctx.reads.metadata(reference.resource, ctx.namespace, reference.name)
    except NotFound:
        return False
    if not isinstance(metadata, dict) or metadata.get("name") != reference.name:
        raise ValueError(f"the answer about {reference} is not about it")
    return True


async def config_changed(ctx: Context) -> Finding:
    """C16: configuration written since the target last served, by the server's record of who wrote what when."""
    used = [each for each in references(ctx.template) if each.resource in (CONFIGMAPS, SECRETS)]
    mutable = [each for each in used if not _HASHED.search(each.name)]
    active, written = await asyncio.gather(last_active(ctx), ctx.subject.written())
    whole(written)
    sums = _checksums(ctx.template, written)
    if active.now:
        return found("ok", "it serves now, with today's configuration")
    if not mutable and not sums:
        return found("ok", "it refers to no configuration that can change" if not used else "its names say its content")
    if active.at is None:
        return found("unknown", "when it last served is not known, so nothing tells what changed since")
    changes = await asyncio.gather(*(_changed(ctx, each, active) for each in mutable))
    evidence = [said for said in changes if said]
    changed = [each for each, said in zip(mutable, changes, strict=True) if said]
    if changed:
        names = ", ".join(str(each) for each in changed)
        grave = any(each.resource == SECRETS or _CREDENTIALS.search(each.name) for each in changed)
        return found(
            "finding",
            f"{names} changed since it last served, and stays as it is today",
            evidence=evidence,
            severity="confirm" if grave else "warn",
        )
    if sums:
        return found("finding", f"its template expects other configuration than today's ({', '.join(sums)} differ)")
    return found("ok", f"{len(mutable)} of {len(mutable)} unchanged since it last served {active.said}".rstrip())


async def _changed(ctx: Context, reference: Reference, active: Active) -> str:
    """What was written since, "" for nothing. Raises ValueError when the server keeps no record of it."""
    try:
        metadata = await ctx.reads.metadata(reference.resource, ctx.namespace, reference.name)
    except NotFound:
        return ""  # a missing one that is needed is said by ``config-present``
    assert active.at is not None
    made = parse_time(text(metadata.get("creationTimestamp"), 40))
    if metadata.get("name") != reference.name or made is None:
        raise ValueError(f"the answer about {reference} is not about it")
    if made > active.at:
        return f"{reference} was made anew since"
    record = objects(metadata.get("managedFields"))
    if not record:
        raise ValueError(f"the server keeps no record of when {reference} changed")
    wrote = [(parse_time(text(each.get("time"), 40)), each) for each in record if _writes_data(each)]
    if any(at is None for at, _ in wrote):
        raise ValueError(f"the server keeps no record of when {reference} changed")
    since = [(at, each) for at, each in wrote if at is not None and at > active.at]
    if not since:
        return ""
    _, last = max(since, key=lambda pair: pair[0])
    return f"{reference} was written by {text(last.get('manager'), 80) or 'somebody'} at {text(last.get('time'), 40)}"


def _writes_data(entry: Mapping[str, Any]) -> bool:
    fields = mapping(entry.get("fieldsV1"))
    return any(member in fields for member in _DATA)


def _checksums(template: Mapping[str, Any], written: Mapping[str, Any]) -> list[str]:
    """Annotations by which a chart says which configuration a template belongs to, and which differ from today's."""
    spec = mapping(written.get("spec")) if "spec" in written else mapping(written)
    old, new = (
        mapping(mapping(each.get("metadata")).get("annotations")) for each in (template, mapping(spec.get("template")))
    )
    names = sorted(name for name in {*old, *new} if _CHECKSUM.search(name))
    return [name for name in names if old.get(name) != new.get(name)]


def _annotations(template: Mapping[str, Any]) -> dict[str, Any]:
    return mapping(mapping(template.get("metadata")).get("annotations"))


CHECKS: tuple[Check, ...] = (
    Check("pull-secret", "pull secret", "warn", pull_secret),
    Check("config-present", "configuration there", "block", config_present),
    Check("config-changed", "configuration unchanged", "warn", config_changed),
)
