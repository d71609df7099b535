"""Checks of how far back it goes: age and versions passed over, and neighbours that moved on meanwhile (C23, C24)."""

from __future__ import annotations

from cockpit.actions.preflight.contract import Check, Context, found, whole
from cockpit.actions.preflight.past import last_active
from cockpit.base.clock import parse_time
from cockpit.model.preflight import Finding
from cockpit.model.resource import REPLICASETS
from cockpit.strategies.values import mapping, objects, plural, spell, text

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
        each.created_at is not None and each.created_at > target.created_at and not each.current for each in versions
    )
    text_ = f"made {spell(old)} ago, {plural(passed, 'version')} passed over"
    return found("finding" if old > _OLD_SECONDS or passed >= _MANY_VERSIONS else "ok", text_)


async def neighbours(ctx: Context) -> Finding:
    """C24: other workloads of the application that were released since may count on what the newer version does."""
    labels = mapping(whole(await ctx.subject.workload()).get("labels"))
    application = text(labels.get(_PART_OF), 63)
    if not application:
        return found("skipped", f"no label {_PART_OF} says what it belongs to")
    active = await last_active(ctx)
    if active.now or active.at is None:
        return found(
            "ok" if active.now else "unknown", "it serves now" if active.now else "when it served is not known"
        )
    released = set()
    for metadata in await ctx.reads.metadatas(REPLICASETS, ctx.namespace, selector=f"{_PART_OF}={application}"):
        made = parse_time(text(metadata.get("creationTimestamp"), 40))
        if not metadata.get("name") or made is None:
            raise ValueError("the server's answer is no list of objects")
        owner = next((each for each in objects(metadata.get("ownerReferences")) if each.get("controller")), {})
        if made > active.at and owner.get("name") != ctx.plan.key.name:
            released.add(text(owner.get("name"), 253) or text(metadata.get("name"), 253))
    if not released:
        return found("ok", f"nothing else of {application} was released since")
    named = ", ".join(sorted(released)[:_SHOWN]) + (", …" if len(released) > _SHOWN else "")
    return found("finding", f"released since, of {application}: {named}")


CHECKS: tuple[Check, ...] = (
    Check("age", "age", "warn", age),
    Check("neighbours", "neighbours", "info", neighbours),
)
