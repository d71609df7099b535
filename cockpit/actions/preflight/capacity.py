"""Check of capacity: whether a rollback's pods fit the namespace's quotas, and what else counts pods (C22)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import msgspec

from cockpit.actions.preflight.contract import Check, Context, Garbled, found, whole, wholes
from cockpit.actions.preflight.quotas import Room, excess, room
from cockpit.actions.preflight.routing import routed
from cockpit.base.errors import CockpitError
from cockpit.model.preflight import Finding
from cockpit.model.resource import Resource
from cockpit.strategies.values import mapping, plural, text

QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")
LIMIT_RANGES = Resource("", "v1", "limitranges", "LimitRange")
AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")

_QUARTER = "25%"  # maxSurge and maxUnavailable where nothing is said


class Need(msgspec.Struct, frozen=True):
    """Pods that a rollback makes: in all, and at one time beside the running ones. ``gives_way``: old ones may go."""

    new: int
    at_once: int
    gives_way: bool


async def capacity(ctx: Context) -> Finding:
    """C22: a quota that is full keeps the target's pods from being made; autoscalers and budgets are told of."""
    workload, target, quotas, ranges, told = await asyncio.gather(
        ctx.subject.workload(),
        ctx.subject.target(),
        ctx.reads.objects(QUOTAS, ctx.namespace),
        ctx.reads.objects(LIMIT_RANGES, ctx.namespace),
        _told(ctx),
    )
    whole(workload)
    quotas, ranges = wholes(quotas), wholes(ranges)
    need = needed(workload, target.replicas if target is not None else 0)
    rooms = [room(quota, ctx.template, ranges) for quota in quotas]
    evidence = [f"quota {each.quota}: {each.limiting or 'does not count its pods'}" for each in rooms] + told
    if need.new == 0:
        return found("ok", "; ".join(["all pods of the target run, no new one is needed", *told]), evidence=evidence)
    if over := excess(ctx.template, ranges):
        return found("finding", "; ".join(over), evidence=evidence, severity="block")
    tight = min((each for each in rooms if each.pods is not None), key=lambda each: each.pods or 0, default=None)
    if tight is None or tight.pods is None:
        return found("ok", "; ".join(["no quota limits its pods", *told]), evidence=evidence)
    if tight.pods < need.at_once:
        return _short(ctx, tight, need, evidence)
    wanted = f"{need.at_once} {'is' if need.at_once == 1 else 'are'} made at a time"
    text_ = f"quota {tight.quota} has room for {plural(tight.pods, 'more pod')}, {wanted}"
    return found("ok", "; ".join([text_, *told]), evidence=evidence)


def _short(ctx: Context, tight: Room, need: Need, evidence: list[str]) -> Finding:
    remedy = f"kubectl -n {ctx.namespace} describe resourcequota {tight.quota}"
    if tight.silent:
        text_ = f"quota {tight.quota} keeps every pod of the target out: {tight.limiting}"
        return found("finding", text_, evidence=evidence, remedy=remedy, severity="block")
    if tight.pods:
        text_ = f"quota {tight.quota} has room for {tight.pods} of {need.at_once} new pods ({tight.limiting})"
        return found("finding", text_, evidence=evidence, remedy=remedy)
    if need.gives_way:
        text_ = f"quota {tight.quota} is full ({tight.limiting}): old pods have to go before new ones can come"
        return found("finding", text_, evidence=evidence, remedy=remedy)
    text_ = f"quota {tight.quota} has no room for a single pod of the target ({tight.limiting})"
    return found("finding", text_, evidence=evidence, remedy=remedy, severity="block")


def needed(workload: Mapping[str, Any], running: int) -> Need:
    """By replicas and strategy. ``running``: pods that the target has already. Raises Garbled for no workload."""
    spec = workload.get("spec")
    if not isinstance(spec, dict):
        raise Garbled("the server's answer is a workload without a specification")
    replicas = spec.get("replicas", 1)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise Garbled("the workload does not say how many replicas it has")
    new, strategy = max(replicas - running, 0), mapping(spec.get("strategy"))
    if "blueGreen" in strategy or routed(strategy):  # the target stands beside what serves, in full
        return Need(new, new, gives_way=False)
    if strategy.get("type") == "Recreate":
        return Need(new, new, gives_way=True)
    rolling = mapping(strategy.get("canary") if "canary" in strategy else strategy.get("rollingUpdate"))
    surge = _share(rolling.get("maxSurge", _QUARTER), replicas, up=True)
    unavailable = _share(rolling.get("maxUnavailable", _QUARTER), replicas, up=False)
    # Both at nothing would stand still: then, as the controllers do, one old pod goes first.
    return Need(new, min(new, max(surge, 1)), gives_way=unavailable > 0 or surge == 0)


def _share(value: Any, replicas: int, *, up: bool) -> int:
    """An IntOrString: ``2``, or ``25%`` of the replicas."""
    if isinstance(value, str) and value.endswith("%") and value[:-1].isdigit() and len(value) < 6:
        exact = Decimal(value[:-1]) * replicas / 100
        return int(exact.to_integral_value(ROUND_CEILING if up else ROUND_FLOOR))
    if isinstance(value, int) and not isinstance(value, bool):
        return max(value, 0)
    raise Garbled(f"{text(str(value), 40)!r} is no number of pods")


async def _told(ctx: Context) -> list[str]:
    """What is worth knowing and stops nothing; where it cannot be read, that is said."""
    autoscalers, budgets, workload = await asyncio.gather(
        _listed(ctx, AUTOSCALERS), _listed(ctx, BUDGETS), ctx.subject.workload()
    )
    said = [each for each in (autoscalers, budgets) if isinstance(each, str)]
    if not isinstance(autoscalers, str):
        for each in autoscalers:
            spec = mapping(each.get("spec"))
            reference = mapping(spec.get("scaleTargetRef"))
            if (reference.get("kind"), reference.get("name")) == (ctx.plan.key.kind, ctx.plan.key.name):
                bounds = f"{spec.get('minReplicas', 1)} to {spec.get('maxReplicas', '?')}"
                said.append(f"autoscaler {_name(each)} keeps {bounds} replicas, whatever the version")
    labels = mapping(mapping(ctx.template.get("metadata")).get("labels"))
    if not isinstance(budgets, str):
        for each in budgets:
            wanted = mapping(mapping(mapping(each.get("spec")).get("selector")).get("matchLabels"))
            if wanted and wanted.items() <= labels.items():
                allowed = mapping(each.get("status")).get("disruptionsAllowed", "?")
                said.append(f"budget {_name(each)} allows {allowed} disruptions; it does not hold rollbacks up")
    if mapping(workload.get("spec") if isinstance(workload, dict) else None).get("replicas", 1) == 1:
        said.append("there is one replica: nothing stands in for a pod that does not start")
    return said


async def _listed(ctx: Context, resource: Resource) -> list[dict[str, Any]] | str:
    try:
        return wholes(await ctx.reads.objects(resource, ctx.namespace))
    except (CockpitError, ValueError) as error:
        return f"{resource.plural} are not known: {text(str(error), 200)}"


def _name(raw: Mapping[str, Any]) -> str:
    return text(mapping(raw.get("metadata")).get("name"), 253)


CHECKS: tuple[Check, ...] = (Check("capacity", "capacity", "warn", capacity),)
