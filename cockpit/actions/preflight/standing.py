"""Checks of the workload as it stands: whether we may write it, whether it is being acted on, and by whom (C08-C10)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from cockpit.actions.preflight.asking import answered, each
from cockpit.actions.preflight.contract import Check, Context, Garbled, found, whole
from cockpit.model.preflight import Finding
from cockpit.model.right import Right
from cockpit.strategies.values import integer, mapping, number_text, objects, text


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
                remedy = f"kubectl auth can-i {right.verb} {right.resource.plural} -n {ctx.namespace}"
                return found(
                    "finding" if state == "finding" else "unknown", said, evidence=evidence, remedy=f"ask with {remedy}"
                )
    if any(answer != "allowed" for answer, _ in answers):
        raise Garbled("the access review gave no answer")
    return found("ok", f"you may {', '.join(str(right) for right in asked)}", evidence=evidence)


async def state(ctx: Context) -> Finding:
    """C09: being deleted, or a controller that does not act. A pause by hand is none: the rollback resumes as well."""
    asked = await each((ctx.subject.workload(), ctx.subject.written()))
    gone = [_name(raw) for raw in _distinct(asked) if _being_deleted(raw)]
    if gone:
        return found("finding", f"{' and '.join(gone)} is being deleted", severity="block")
    workload, written = answered(asked)
    said = [f"{_name(workload)}: {what}" for what in _stuck(workload)]
    if workload is not written:
        said += [f"{_name(workload)}: {what}" for what in _behind_reference(workload, written)]
    evidence = [f"{_name(raw)}: generation {whole(raw).get('generation')}" for raw in _distinct(asked)]
    if said:
        remedy = f"kubectl -n {ctx.namespace} describe {ctx.plan.key.kind.lower()} {ctx.plan.key.name}"
        return found("finding", "; ".join(said), evidence=evidence, remedy=remedy)
    return found("ok", "its controller has seen the newest specification", evidence=evidence)


def _stuck(raw: dict[str, Any]) -> list[str]:
    """What keeps a controller from acting on the next specification. Raises Garbled for what is no status."""
    status, wanted = raw.get("status") or {}, integer(whole(raw).get("generation"))
    if not isinstance(status, dict):
        raise Garbled("the server's answer has no readable status")
    seen = status.get("observedGeneration")
    said = []
    if wanted is not None and seen in (None, ""):
        said.append("no controller has acted on it yet")
    elif wanted is not None and (acted := number_text(seen)) is not None and acted < wanted:
        # Older Argo versions keep a hash there, which tells nothing by itself.
        said.append(f"its controller has seen generation {acted} of {wanted}")
    for condition in objects(status.get("conditions")):
        if (condition.get("type"), condition.get("status")) == ("ReplicaFailure", "True"):
            said.append(f"pods cannot be created: {text(condition.get('message'), 200)}")
        if (condition.get("type"), condition.get("status")) == ("InvalidSpec", "True"):
            said.append(f"its specification is refused: {text(condition.get('message'), 200)}")
    return said


def _being_deleted(raw: dict[str, Any]) -> bool:
    return bool(mapping(mapping(raw).get("metadata")).get("deletionTimestamp"))


def _behind_reference(rollout: dict[str, Any], written: dict[str, Any]) -> list[str]:
    """A Rollout keeps in its status which generation of the referenced workload it has taken over."""
    wanted = integer(whole(written).get("generation"))
    seen = number_text(mapping(rollout.get("status")).get("workloadObservedGeneration"))
    if wanted is None or seen is None or seen >= wanted:
        return []
    return [f"its controller has seen generation {seen} of {wanted} of {_name(written)}"]


async def controller(ctx: Context) -> Finding:
    """C10: what is made by another object is made anew by it; the act belongs there.

    A Rollout that scales the Deployment it refers to does not own it, and is no finding.
    """
    asked = await each((ctx.subject.workload(), ctx.subject.written()))
    for raw in _distinct(asked):
        owner = _owner(raw)
        if owner is not None:
            named = f"{text(owner.get('kind'), 63)} {text(owner.get('name'), 253)}"
            return found(
                "finding",
                f"{named} controls {_name(raw)} and writes it over",
                evidence=[f"ownerReference: {text(owner.get('apiVersion'), 253)} {named}, controller"],
                remedy=f"roll back {named} instead",
            )
    answered(asked)
    return found("ok", "no other object controls it")


def _owner(raw: dict[str, Any]) -> dict[str, Any] | None:
    owners = whole(raw).get("ownerReferences")
    if owners is not None and (not isinstance(owners, list) or len(objects(owners)) != len(owners)):
        raise Garbled(f"the owners of {_name(raw)} cannot be read")
    return next((owner for owner in objects(owners) if owner.get("controller")), None)


def _distinct(asked: Sequence[dict[str, Any] | BaseException]) -> list[dict[str, Any]]:
    """The rollout, and the workload that holds its template where that is another object; those that answered."""
    there: list[dict[str, Any]] = []
    for raw in asked:
        if not isinstance(raw, BaseException) and all(raw is not other for other in there):
            there.append(raw)
    return there


def _name(raw: dict[str, Any]) -> str:
    return f"{text(raw.get('kind'), 63)} {text(whole(raw).get('name'), 253)}".strip()


CHECKS: tuple[Check, ...] = (
    Check("rights", "rights", "block", rights),
    Check("state", "state", "confirm", state),
    Check("controller", "controlling owner", "block", controller),
)
