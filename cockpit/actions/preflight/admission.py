"""Checks by trial: would the server take the template and a pod of it, and what would it make of them (C19-C21)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from cockpit.actions.preflight.contract import Check, Context, Garbled, found
from cockpit.actions.preflight.trial import Admission, admission
from cockpit.model.preflight import Finding
from cockpit.strategies.image import declared_digest, pinned, short
from cockpit.strategies.values import mapping

_MEMBERS = ("initContainers", "containers")

Weight = Literal["info", "confirm", "unknown", "block"]
_WEIGHTS: tuple[Weight, ...] = ("info", "confirm", "unknown", "block")


class Change(msgspec.Struct, frozen=True):
    """One thing that admission would make of what is written."""

    weight: Weight
    text: str


async def dry_run(ctx: Context) -> Finding:
    """C19: what the server says beside its yes. Its no keeps the dialog from opening at all."""
    tried = await ctx.trial.dry_run(ctx.plan.patches[0])
    if tried.fate == "refused":
        return found("skipped", tried.text)
    if tried.fate != "sent":
        return found("unknown", tried.text)
    _images(mapping(_template(ctx, tried.body).get("spec")))
    if tried.warnings:
        return found("finding", f"the server warns: {'; '.join(tried.warnings)}", evidence=tried.warnings)
    return found("ok", "the server would take the template")


async def pod_dry_run(ctx: Context) -> Finding:
    """C20: policies, quotas and webhooks act on pods, which the dry run of a workload never tests."""
    tried = await admission(ctx)
    asked = f"POST a pod of the target to {ctx.namespace}, dry run, as you"
    evidence = (f"{asked}: {tried.text}", *tried.warnings)
    match tried.answer:
        case "not-run":
            return found("skipped", f"not run: {tried.text}")
        case "refused":
            remedy = "choose a version that the cluster's policy admits, or change the policy"
            return found(
                "finding", f"a pod would be refused: {tried.text}", evidence=evidence, remedy=remedy, severity="block"
            )
        case "quota":  # one more pod does not fit: what that means for the rollback is for *capacity* to say
            return found("finding", f"one more pod does not fit now: {tried.text}", evidence=evidence)
        case "unknown":
            text = f"{tried.text}; [preflight] pod_dry_run = false leaves pods untried"
            return found("unknown", text, evidence=evidence)
    _images(mapping(tried.body.get("spec")))
    if tried.warnings:
        text = f"a pod would be admitted, with a warning: {'; '.join(tried.warnings)}"
        return found("finding", text, evidence=evidence)
    return found("ok", "a pod would be admitted (tried as you)", evidence=evidence)


async def mutation(ctx: Context) -> Finding:
    """C21: what defaulting and webhooks would make of the template and of a pod, against what is meant."""
    written, pod = await asyncio.gather(ctx.trial.dry_run(ctx.plan.patches[0]), admission(ctx))
    if written.fate == "refused":
        return found("skipped", written.text)
    if written.fate != "sent":
        return found("unknown", written.text)
    changes = [
        Change(each.weight, f"in the template, {each.text}")
        for each in await _changes(ctx, _template(ctx, written.body))
    ]
    changes += await _of_pod(ctx, pod)
    evidence = tuple(each.text for each in changes)
    worst = max((each.weight for each in changes), key=_WEIGHTS.index, default="info")
    said = "; ".join(each.text for each in changes if each.weight == worst)
    match worst:
        case "block":
            remedy = "find the webhook that rewrites images: kubectl get mutatingwebhookconfigurations"
            return found("finding", said, evidence=evidence, remedy=remedy, severity="block")
        case "unknown":
            return found("unknown", said, evidence=evidence)
        case "confirm":
            return found("finding", said, evidence=evidence, severity="confirm")
    if pod.answer == "not-run":
        said = "; ".join(filter(None, (said, f"a pod was not compared: {pod.text}")))
    return found("ok", said or "pods would run what is written", evidence=evidence)


async def _of_pod(ctx: Context, pod: Admission) -> list[Change]:
    if pod.answer == "not-run":
        return []
    if pod.answer != "admitted":
        return [Change("unknown", f"what admission makes of a pod is not known: {pod.text}")]
    return [Change(each.weight, f"in pods, {each.text}") for each in await _changes(ctx, pod.body)]


async def _changes(ctx: Context, body: Mapping[str, Any]) -> list[Change]:
    """What is otherwise in ``body`` (a template or a pod) than in the template that is meant."""
    wanted, made = _images(mapping(ctx.template.get("spec"))), _images(mapping(body.get("spec")))
    added = [name for name in made if name not in wanted]
    changes = [Change("info", f"{', '.join(added)} is added by admission")] if added else []
    for name, image in wanted.items():
        if name not in made:
            changes.append(Change("block", f"container {name} is removed"))
        elif made[name] != image:
            changes.append(await _rewritten(ctx, name, image, made[name]))
    return changes


async def _rewritten(ctx: Context, name: str, wanted: str, made: str) -> Change:
    known = next((each.digest for each in ctx.images if each.container == name), None)
    digest, becomes = declared_digest(wanted) or known, declared_digest(made)
    text = f"the image of {name} is rewritten from {short(wanted)} to {short(made)}"
    if becomes is None:
        return Change("confirm", f"{text}, a tag: what it serves is not known")
    if digest is None:
        return Change("confirm", f"{text}: whether it is the one that ran is not known")
    if becomes == digest:
        return Change("info", f"{name} is taken from {made.partition('@')[0]}, with the same digest")
    asked = [
        ctx.artifacts.learn(each, its, ctx.namespace, ctx.secrets) for each, its in ((wanted, digest), (made, becomes))
    ]
    await asyncio.gather(*asked)
    match ctx.artifacts.compare(digest, pinned(made, becomes)):
        case "match":
            return Change("info", f"{name} is rewritten to {short(made)}, the same artifact")
        case "mismatch" | "match-config":
            return Change("block", f"{text}, another artifact")
        case _:
            return Change("unknown", f"{text}: whether it is the same artifact is not known")


def _template(ctx: Context, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The template within the object that the plan writes."""
    spec = mapping(body.get("spec"))
    return mapping(spec.get("template") if "template" in spec else body.get("template"))


def _images(spec: Mapping[str, Any]) -> dict[str, str]:
    """Container name -> image, of init containers too. Raises Garbled for what is no pod: that was not admitted."""
    return dict(_each(spec))


def _each(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not spec.get("containers"):
        raise Garbled("the server's answer holds no containers")
    for member in _MEMBERS:
        containers = spec.get(member) or []
        if not isinstance(containers, list):
            raise Garbled(f"the server's answer has {member} that are no list")
        for each in containers:
            name, image = mapping(each).get("name"), mapping(each).get("image")
            if not isinstance(name, str) or not isinstance(image, str):
                raise Garbled("the server's answer has a container without name or image")
            yield name, image


CHECKS: tuple[Check, ...] = (
    Check("dry-run", "dry run", "warn", dry_run),
    Check("pod-dry-run", "pod admission", "warn", pod_dry_run),
    Check("mutation", "mutation", "warn", mutation),
)
