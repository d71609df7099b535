"""Check of the traffic layer: what sends traffic to the pods now, and whether it would after the rollback (C25)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from cockpit.actions.preflight.contract import Check, Context, Garbled, found, whole, wholes
from cockpit.actions.preflight.routing import Named, others, routers, services
from cockpit.base.errors import NotFound
from cockpit.model.preflight import Finding
from cockpit.model.resource import SERVICES
from cockpit.strategies import for_kind
from cockpit.strategies.values import mapping, plural

_MOST = 5000
"""Services read of one namespace."""

Labels = Mapping[str, Any]


async def traffic(ctx: Context) -> Finding:
    """C25: a Service loses pods whose labels a rollback changes; a router that is gone cannot shift traffic."""
    workload, written, listed = await asyncio.gather(
        ctx.subject.workload(), ctx.subject.written(), ctx.reads.objects(SERVICES, ctx.namespace, limit=_MOST)
    )
    if len(wholes(listed)) >= _MOST:
        raise Garbled(f"{ctx.namespace} has {_MOST} Services or more")
    spec = _spec(workload)
    selectors = {str(whole(each)["name"]): mapping(_spec(each).get("selector")) for each in listed}
    strategy, label = mapping(spec.get("strategy")), for_kind(ctx.plan.key.kind).hash_label
    own = services(strategy)
    then = _labels(ctx.template, label, ctx.plan.to_hash)
    missing = await asyncio.gather(*(_missing(ctx, each) for each in routers(strategy, ctx.namespace)))
    said = [each for each in missing if each is not None]
    said += [f"Service {name} is not there, though the strategy names it" for name in own if name not in selectors]
    kept = 0
    now = _labels(_template(written), label, ctx.plan.from_hash)
    for name, selector in selectors.items():
        # The controller points the strategy's own Services at a version itself, by the hash.
        wanted = {key: value for key, value in selector.items() if not (name in own and key == label)}
        if not wanted or (name not in own and _lost(wanted, now)):
            continue
        if lost := _lost(wanted, then):
            said.append(f"Service {name} selects {_shown(lost)}: the target's pods would not be behind it")
        else:
            kept += 1
    evidence = [f"Service {name}: {_shown(selector) or 'no selector'}" for name, selector in selectors.items()]
    unseen = [f"not looked at: {', '.join(others(strategy))}"] if others(strategy) else []
    unowned = _lost(mapping(mapping(spec.get("selector")).get("matchLabels")), then)
    if unowned:
        text = f"its own selector asks for {_shown(unowned)}, which the target's pods would not have"
        return found("finding", "; ".join([text, *said]), evidence=evidence, severity="block")
    if said:
        remedy = f"kubectl -n {ctx.namespace} get services -o wide"
        return found("finding", "; ".join([*said, *unseen]), evidence=evidence, remedy=remedy)
    text = f"{plural(kept, 'Service')} would still select its pods" if kept else "no Service selects its pods"
    return found("ok", "; ".join([text, *unseen]), evidence=evidence)


async def _missing(ctx: Context, named: Named) -> str | None:
    try:
        raw = await ctx.reads.get(*named)
    except NotFound:
        return f"{named.resource.kind} {named.name} is not there, though the strategy names it"
    _spec(raw)
    if whole(raw)["name"] != named.name:
        raise Garbled(f"the answer about {named.resource.kind} {named.name} is not about it")
    return None


def _spec(raw: Any) -> dict[str, Any]:
    whole(raw)
    spec = raw.get("spec")
    if not isinstance(spec, dict):
        raise Garbled("the server's answer is an object without a specification")
    return spec


def _template(written: dict[str, Any]) -> Mapping[str, Any]:
    """Of a workload, or of a PodTemplate."""
    whole(written)
    template = mapping(written.get("spec")).get("template") or written.get("template")
    if not isinstance(template, dict):
        raise Garbled("the server's answer is a workload without a template")
    return template


def _labels(template: Mapping[str, Any], label: str, hash_: str | None) -> Labels:
    """Those that pods of a template have, the controller's hash among them."""
    return {**mapping(mapping(template.get("metadata")).get("labels")), **({label: hash_} if hash_ else {})}


def _lost(selector: Labels, labels: Labels) -> Sequence[tuple[str, Any]]:
    return [(key, value) for key, value in selector.items() if labels.get(key) != value]


def _shown(selector: Labels | Sequence[tuple[str, Any]]) -> str:
    pairs = selector.items() if isinstance(selector, Mapping) else selector
    return ", ".join(f"{key}={value}" for key, value in pairs)


CHECKS: tuple[Check, ...] = (Check("traffic", "traffic", "confirm", traffic),)
