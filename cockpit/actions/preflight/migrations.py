"""Whether a schema may have changed since a version served (facts 4.2, C17): finding nothing proves nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from cockpit.actions.preflight.asking import answered, each
from cockpit.actions.preflight.contract import Check, Context, Garbled, found, wholes
from cockpit.actions.preflight.past import last_active
from cockpit.actions.preflight.template import in_force
from cockpit.base.clock import parse_time, rfc3339
from cockpit.base.errors import NotFound
from cockpit.model.preflight import Finding
from cockpit.model.resource import JOBS, Resource
from cockpit.strategies.image import short
from cockpit.strategies.migration import like_migration, tool_in
from cockpit.strategies.values import integer, items, mapping, objects, text

SCHEMAS = (
    (Resource("db.atlasgo.io", "v1alpha1", "atlasmigrations", "AtlasMigration"), "lastApplied"),
    (Resource("db.atlasgo.io", "v1alpha1", "atlasschemas", "AtlasSchema"), "last_applied"),
    (Resource("schemas.schemahero.io", "v1alpha4", "migrations", "Migration"), "executedAt"),
)
"""Objects that stand for a schema, and the member of their status that says when it was last changed: a unix time."""
_MOST = 1000
_NOTHING = "nothing like a migration was seen since; absence proves nothing"
_REMEDY = "make sure that the old version works with today's schema: a rollback does not undo a migration"


async def migration(ctx: Context) -> Finding:
    """Jobs, schema objects and init containers like migrations; the journal knows Jobs that are gone meanwhile."""
    active, written = await last_active(ctx), await ctx.subject.written()
    inits = _of_init_containers(ctx.template, in_force(written))
    if active.now:
        if inits:
            return _found("init containers of the two versions differ", inits)
        return found("ok", "it serves now, with today's schema")
    if active.at is None:
        return found("unknown", "when it last served is not known, so nothing tells which migrations came since")
    evidence = [*answered(await each(_asked(ctx, active.at))), inits]
    seen = [line for lines in evidence for line in lines]
    if seen:
        return _found(f"since it last served {active.said}", seen)
    return found("ok", _NOTHING)


def _found(when: str, seen: Sequence[str]) -> Finding:
    more = f", and {len(seen) - 1} more" if len(seen) > 1 else ""
    return found("finding", f"{when}: {seen[0]}{more}", evidence=seen, remedy=_REMEDY)


def _asked(ctx: Context, since: float) -> list[Awaitable[list[str]]]:
    return [_jobs(ctx, since), *(_schemas(ctx, resource, member, since) for resource, member in SCHEMAS)]


async def _jobs(ctx: Context, since: float) -> list[str]:
    """One line for each Job that looks like a migration and was not over by then, those gone from the cluster too."""
    there, gone = answered(
        await each(
            (
                ctx.reads.objects(JOBS, ctx.namespace, limit=_MOST),
                ctx.past.jobs_since(ctx.cluster, ctx.namespace, since),
            )
        )
    )
    if not isinstance(gone, list | tuple) or not all(isinstance(known, Mapping) for known in gone):
        raise Garbled("the journal's answer is no list of Jobs")
    held = {raw["metadata"]["name"] for raw in wholes(there)}
    told = {}
    for known in gone:
        name = text(known.get("name"), 253)
        told[name] = text(known.get("why"), 200) + ("" if name in held else f", no longer there{_at(known)}")
    for raw in there:
        why = like_migration(raw)
        if why and _after(raw, since):
            told[text(raw["metadata"]["name"], 253)] = f"{why}{_ended(raw)}"
    if not told and len(there) >= _MOST:
        raise Garbled(f"more than {_MOST} Jobs in {ctx.namespace}: not all were looked at")
    return [f"Job {name}: {why}" for name, why in told.items()]


def _at(known: Mapping[str, Any]) -> str:
    at = known.get("at")
    return f" (seen at {rfc3339(at)})" if isinstance(at, int | float) else ""


def _after(job: Mapping[str, Any], since: float) -> bool:
    """Whether it was made, or was still at work, after a moment; a Job without a readable time may have been."""
    status = mapping(job.get("status"))
    made = parse_time(text(job["metadata"].get("creationTimestamp"), 40))
    ended = parse_time(text(status.get("completionTime"), 40))
    return made is None or made > since or (ended is not None and ended > since) or bool(integer(status.get("active")))


def _ended(job: Mapping[str, Any]) -> str:
    conditions = {text(one.get("type"), 40) for one in objects(mapping(job.get("status")).get("conditions"))
                  if one.get("status") == "True"}  # fmt: skip
    return ", failed" if "Failed" in conditions else "" if "Complete" in conditions else ", not known to have ended"


async def _schemas(ctx: Context, resource: Resource, member: str, since: float) -> list[str]:
    """Schemas that an operator keeps by objects of their own; where the cluster has no such kind there are none."""
    served = await ctx.reads.serves(resource)
    if served is False:
        return []
    if served is not True:
        raise Garbled(f"whether the cluster serves {resource.plural} is not known")
    try:
        listed = wholes(await ctx.reads.objects(resource, ctx.namespace, limit=_MOST))
    except NotFound:
        return []  # its definition was removed meanwhile
    lines = []
    for raw in listed:
        applied = _unix(mapping(raw.get("status")).get(member))
        if applied is not None and applied > since:
            lines.append(f"{resource.kind} {text(raw['metadata']['name'], 253)} was applied")
    return lines


def _unix(value: Any) -> float | None:
    """Seconds of a unix time in seconds or nanoseconds; operators write both. 0 is "never"."""
    number = integer(value)
    if not number or number < 0:
        return None
    return number / 1e9 if number > 10**14 else float(number)


def _of_init_containers(target: Mapping[str, Any], leaving: Mapping[str, Any]) -> list[str]:
    """Migrations that run as pods start: those of the version in force have run, those of the target will.

    The same image and words do the same: then nothing came in between.
    """
    old, new = _migrating(target), _migrating(leaving)
    lines = [f"init container {name} ({tool}) of the version in force" for name, tool, *_ in sorted(new - old)]
    lines += [
        f"init container {name} ({tool}, {short(image)}) of the target will run"
        for name, tool, image, _ in sorted(old - new)
    ]
    return lines


def _migrating(template: Mapping[str, Any]) -> set[tuple[str, str, str, str]]:
    spec = mapping(template.get("spec"))
    return {
        (
            text(one.get("name"), 63),
            tool,
            text(one.get("image"), 500),
            str((items(one.get("command")), items(one.get("args")))),
        )
        for one in objects(spec.get("initContainers"))
        if (tool := tool_in(one))
    }


CHECKS: tuple[Check, ...] = (Check("migration", "migrations", "confirm", migration),)
