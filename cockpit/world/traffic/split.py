"""Who gets which share of a workload's requests: the truth of weights, selectors and ready pods in the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cockpit.world.contract import Object
from cockpit.world.traffic.pods import Pod

Selector = Mapping[str, str]
_HASHES = ("rollouts-pod-template-hash", "pod-template-hash")


class Routing(NamedTuple):
    """What of a Rollout or Deployment decides the split. A Deployment has only defaults."""

    weights: tuple[tuple[str, float], ...] | None = None  # (pod hash, weight) as the router has them
    routed: bool = False  # a canary behind a traffic router
    stable: str = ""  # hash of the stable version
    active: str | None = None  # name of the blue-green active Service
    services: tuple[str, ...] = ()  # Services the workload names


def routing_of(obj: Object) -> Routing:
    """Read a Rollout (a Deployment gives the default: evenly over ready pods)."""
    strategy = (obj.get("spec") or {}).get("strategy") or {}
    status = obj.get("status") or {}
    stable = str(status.get("stableRS") or "")
    if isinstance(blue_green := strategy.get("blueGreen"), dict):
        return Routing(stable=stable, active=blue_green.get("activeService"))
    canary = strategy.get("canary")
    if not isinstance(canary, dict):
        return Routing()
    services = tuple(name for key in ("stableService", "canaryService") if (name := canary.get(key)))
    if not canary.get("trafficRouting"):
        return Routing(stable=stable, services=services)
    weights = (status.get("canary") or {}).get("weights")
    return Routing(_weights(weights) if weights else None, routed=True, stable=stable, services=services)


def _weights(weights: Object) -> tuple[tuple[str, float], ...]:
    parts = [weights.get("canary"), weights.get("stable"), *(weights.get("additional") or ())]
    return tuple(
        (str(part.get("podTemplateHash", "")), float(part.get("weight") or 0))
        for part in parts
        if isinstance(part, dict)
    )


def shares(routing: Routing, pods: Iterable[Pod], services: Mapping[str, Selector]) -> dict[str, float]:
    """Pod uid -> its share of the workload's requests (0..1). ``services`` are the namespace's selectors by name.

    What a router sends to a version without ready pods is lost, as it is on a real one; it is not moved elsewhere.
    """
    serving = [pod for pod in pods if pod.serving]
    if routing.active is not None:
        selector = services.get(routing.active)
        if selector is None:
            return _even([pod for pod in serving if pod.hash == routing.stable], 1.0)
        return _even([pod for pod in serving if selects(selector, pod)], 1.0)
    if routing.routed:
        return _routed(routing, serving)
    return _even(_behind_a_service(serving, services), 1.0)


def reached(split: dict[str, float], pods: Iterable[Pod], now: int) -> dict[str, float]:
    """``split`` as the network really carries it out: what does not reach a version goes to those that are reached."""
    reach = {pod.uid: min(1.0, max(0.0, pod.profile_at(now).reach)) for pod in pods if pod.uid in split}
    if all(value == 1.0 for value in reach.values()):
        return split
    astray = sum(share * (1.0 - reach[uid]) for uid, share in split.items())
    whole = sum(share for uid, share in split.items() if reach[uid] == 1.0)
    return {
        uid: share + astray * share / whole if reach[uid] == 1.0 else share * reach[uid] for uid, share in split.items()
    }


def _routed(routing: Routing, serving: list[Pod]) -> dict[str, float]:
    if routing.weights is None:
        stable = [pod for pod in serving if pod.hash == routing.stable] if routing.stable else serving
        return _even(stable, 1.0)
    total = sum(weight for _, weight in routing.weights) or 1.0
    merged: dict[str, float] = {}
    for name, weight in routing.weights:  # a fully promoted version stands on both sides
        merged[name] = merged.get(name, 0.0) + weight / total
    result: dict[str, float] = {}
    for name, share in merged.items():
        result.update(_even([pod for pod in serving if pod.hash == name], share))
    return result


def _behind_a_service(serving: list[Pod], services: Mapping[str, Selector]) -> list[Pod]:
    """The pods that any Service selects; all of them when none is known to any Service."""
    if not serving:
        return serving
    # A workload's pods differ in their hash only, so one of them tells which Services can be meant.
    first = serving[0]
    selectors = [
        selector
        for selector in services.values()
        if selector and all(first.labels.get(key) == value for key, value in selector.items() if key not in _HASHES)
    ]
    selected = [pod for pod in serving if any(selects(selector, pod) for selector in selectors)]
    return selected or serving


def selects(selector: Selector, pod: Pod) -> bool:
    return bool(selector) and all(pod.labels.get(key) == value for key, value in selector.items())


def _even(pods: list[Pod], share: float) -> dict[str, float]:
    return {pod.uid: share / len(pods) for pod in pods}
