"""Checks of the workload as it stands: whether we may write it, whether it is being acted on, and by whom (C08-C10)."""

from __future__ import annotations

import asyncio
from typing import Any

from cockpit.actions.preflight.contract import Check, Context, found, whole
from cockpit.model.preflight import Finding
from cockpit.model.right import Right
from cockpit.strategies.values import mapping, objects, text


async def rights(ctx: Context) -> Finding:
    """C08: every request of the plan, those of later stages too."""
    plan = ctx.plan
    asked = dict.fromkeys((*(Right("patch", patch.resource, patch.subresource) for patch in plan.patches), *plan.needs))
    answers = await asyncio.gather(*(ctx.rights.check(right, ctx.namespace) for right in asked))
    evidence = [f"{right}: {answer}" for right, (answer, _) in zip(asked, answers, strict=True)]
    for wanted, state in (("denied", "finding"), ("unknown", "unknown")):
        for right, (answer, reason) in zip(asked, answers, strict=True):
            if answer == wanted:
                said = reason or f"whether you may {right} is not known"
                return found("finding" if state == "finding" else "unknown", said, evidence=evidence)
    return found("ok", f"you may {', '.join(str(right) for right in asked)}", evidence=evidence)


async def state(ctx: Context) -> Finding:
    """C09: being deleted, or a controller that does not act. A pause by hand is none: the rollback resumes as well."""
    said: list[str] = []
    gone = False
    for raw in await _both(ctx):
        metadata = whole(raw)
        name = f"{text(raw.get('kind'), 63)} {text(metadata.get('name'), 253)}"
        if metadata.get("deletionTimestamp"):
            gone = True
            said.append(f"{name} is being deleted")
        said += [f"{name}: {each}" for each in _stuck(raw)]
    if not said:
        return found("ok", "its controller has seen the newest specification")
    return found("finding", "; ".join(said), severity="block" if gone else "info")


def _stuck(raw: dict[str, Any]) -> list[str]:
    """What keeps a controller from acting on the next specification."""
    status, wanted = mapping(raw.get("status")), mapping(raw.get("metadata")).get("generation")
    seen = str(status.get("observedGeneration") or "")
    said = []
    if isinstance(wanted, int) and seen.isdigit() and int(seen) < wanted:  # older Argo versions keep a hash there
        said.append(f"its controller has seen generation {seen} of {wanted}")
    for each in objects(status.get("conditions")):
        if (each.get("type"), each.get("status")) == ("ReplicaFailure", "True"):
            said.append(f"pods cannot be created: {text(each.get('message'), 200)}")
        if (each.get("type"), each.get("status")) == ("InvalidSpec", "True"):
            said.append(f"its specification is refused: {text(each.get('message'), 200)}")
    return said


async def controller(ctx: Context) -> Finding:
    """C10: what is made by another object is made anew by it; the act belongs there."""
    for raw in await _both(ctx):
        owners = whole(raw).get("ownerReferences")
        owner = next((each for each in objects(owners) if each.get("controller")), None)
        if owner is not None:
            named = f"{text(owner.get('kind'), 63)} {text(owner.get('name'), 253)}"
            return found("finding", f"{named} makes it and writes it over", remedy=f"roll back {named} instead")
    return found("ok", "no other object makes it")


async def _both(ctx: Context) -> list[dict[str, Any]]:
    """The rollout, and the workload that holds its template where that is another object."""
    workload, written = await asyncio.gather(ctx.subject.workload(), ctx.subject.written())
    return [workload] if workload is written else [workload, written]


CHECKS: tuple[Check, ...] = (
    Check("rights", "rights", "block", rights),
    Check("state", "state", "confirm", state),
    Check("controller", "controller", "block", controller),
)
