"""Checks of how far back it goes: age and versions passed over, and neighbours that moved on meanwhile (C23, C24)."""

from __future__ import annotations

from typing import Any

from cockpit.actions.preflight.asking import answered, each
from cockpit.actions.preflight.contract import Check, Context, Garbled, found, whole
from cockpit.actions.preflight.past import last_active
from cockpit.base.clock import parse_time
from cockpit.model.preflight import Finding
from cockpit.model.resource import DEPLOYMENTS, ROLLOUTS, Resource
from cockpit.strategies.values import mapping, plural, spell, text

_OLD_SECONDS = 30 * 86_400.0
_MANY_VERSIONS = 5
_PART_OF = "app.kubernetes.io/part-of"
_SHOWN = 5


async def age(ctx: Context) -> Finding:
    """C23: an old image carries the holes that were closed since, and everything around it was tested without it."""
    versions, target = await ctx.subject.versions(), await ctx.subject.target()
    if target is None or target.created_at is None:
        return found("finding", "when it was made is not known")
    old = max(ctx.now - target.created_at, 0.0)
    passed = sum(
        one.created_at is not None and one.created_at > target.created_at and not one.current for one in versions
    )
    said = f"made {spell(old)} ago, {plural(passed, 'version')} passed over"
    return found("finding" if old > _OLD_SECONDS or passed >= _MANY_VERSIONS else "ok", said)


async def neighbours(ctx: Context) -> Finding:
    """C24: other workloads of the application that were changed since may count on what the newer version does.

    Told by the server's record of who wrote their pod templates when: their pods need not carry the label.
    """
    labels = mapping(whole(await ctx.subject.workload()).get("labels"))
    application = text(labels.get(_PART_OF), 63)
    if not application:
        return found("skipped", f"no label {_PART_OF} says what it belongs to")
    active = await last_active(ctx)
    if active.now:
        return found("ok", "it serves now, beside them")
    if active.at is None:
        return found("unknown", "when it last served is not known, so nothing tells what was released since")
    selector = f"{_PART_OF}={application}"
    kinds = [DEPLOYMENTS, *([ROLLOUTS] if await _serves(ctx, ROLLOUTS) else [])]
    listed = answered(await each(ctx.reads.metadatas(kind, ctx.namespace, selector=selector) for kind in kinds))
    own = {ctx.plan.key.name, ctx.plan.patches[0].name}  # itself, and what it takes its template from
    changed = sorted(
        {
            name
            for metadatas in listed
            for metadata in _readable(metadatas)
            if (name := text(metadata.get("name"), 253)) not in own and _changed_at(metadata) > active.at
        }
    )
    if not changed:
        return found("ok", f"nothing else of {application} was changed since it last served")
    named = ", ".join(changed[:_SHOWN]) + (f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else "")
    return found("finding", f"of {application}, changed since it last served: {named}", evidence=changed)


async def _serves(ctx: Context, resource: Resource) -> bool:
    served = await ctx.reads.serves(resource)
    if not isinstance(served, bool):
        raise Garbled(f"whether the cluster serves {resource.plural} is not known")
    return served


def _readable(listed: Any) -> list[dict[str, Any]]:
    if not isinstance(listed, list | tuple) or not all(isinstance(one, dict) and one.get("name") for one in listed):
        raise Garbled("the server's answer is no list of objects")
    return list(listed)


def _changed_at(metadata: dict[str, Any]) -> float:
    """When its pod template was last written, or it was made: cluster unix seconds. Raises Garbled when not known."""
    entries = metadata.get("managedFields") or []
    if not isinstance(entries, list):
        raise Garbled("the server's record of writes cannot be read")
    said = [metadata.get("creationTimestamp")]
    said += [mapping(entry).get("time") for entry in entries if _writes_template(mapping(entry))]
    known = [at for when in said if (at := parse_time(text(when, 40))) is not None]
    if len(known) < len(said):
        raise Garbled(f"when {text(metadata.get('name'), 253)} was changed is not known")
    return max(known)


def _writes_template(entry: dict[str, Any]) -> bool:
    return "f:template" in mapping(mapping(entry.get("fieldsV1")).get("f:spec"))


CHECKS: tuple[Check, ...] = (
    Check("age", "age", "warn", age),
    Check("neighbours", "neighbours", "info", neighbours),
)
