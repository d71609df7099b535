"""The objects a traffic router reads: weights written to an Istio VirtualService, or to a canary Ingress of nginx."""

from __future__ import annotations

from typing import Any

from cockpit.world.contract import Object
from cockpit.world.controllers.rollouts import spec
from cockpit.world.controllers.rollouts.context import Context

_CANARY = "nginx.ingress.kubernetes.io/canary"
MANAGER = "rollouts-controller"


def tell(ctx: Context, weight: int, whole: int) -> None:
    """Bring what the strategy names to ``weight`` of ``whole``. What is not there is left alone."""
    strategy = spec.canary(ctx.rollout) or {}
    routing = strategy.get("trafficRouting") or {}
    name = ((routing.get("istio") or {}).get("virtualService") or {}).get("name")
    if name:
        _virtual_service(ctx, name, strategy, weight, whole)
    ingress = (routing.get("nginx") or {}).get("stableIngress")
    if ingress:
        _ingress(ctx, ingress, strategy.get("canaryService"), weight)


def _virtual_service(ctx: Context, named: str, strategy: dict[str, Any], weight: int, whole: int) -> None:
    name, _, elsewhere = named.partition(".")
    weights = {strategy.get("canaryService"): weight, strategy.get("stableService"): whole - weight}

    def write(raw: Object) -> None:
        for route in (raw.get("spec") or {}).get("http") or ():
            for each in route.get("route") or ():
                host = ((each.get("destination") or {}).get("host") or "").partition(".")[0]
                if host in weights:
                    each["weight"] = weights[host]

    ctx.world.objects.mutate("virtualservices", elsewhere or ctx.key[0], name, write, manager=MANAGER)


def _ingress(ctx: Context, stable: str, service: str | None, weight: int) -> None:
    """The controller keeps a copy of the stable Ingress beside it, which nginx takes for the canary's share."""
    objects, namespace = ctx.world.objects, ctx.key[0]
    name = f"{ctx.key[1]}-{stable}-canary"
    if objects.get("ingresses", namespace, name) is None:
        whole = objects.get("ingresses", namespace, stable)
        if whole is None or service is None:
            return
        objects.create(canary_ingress(whole, name, service), manager=MANAGER)

    def write(raw: Object) -> None:
        raw["metadata"].setdefault("annotations", {})[f"{_CANARY}-weight"] = str(weight)

    objects.mutate("ingresses", namespace, name, write, manager=MANAGER)


def canary_ingress(stable: Object, name: str, service: str) -> Object:
    """``stable`` with the canary's Service behind every path."""
    rules = [
        {**rule, "http": {"paths": [_behind(path, service) for path in (rule.get("http") or {}).get("paths") or ()]}}
        for rule in stable["spec"].get("rules") or ()
    ]
    metadata = {"name": name, "namespace": stable["metadata"]["namespace"], "annotations": {_CANARY: "true"}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata,
        "spec": {**stable["spec"], "rules": rules},
    }


def _behind(path: dict[str, Any], service: str) -> dict[str, Any]:
    backend = dict((path.get("backend") or {}).get("service") or {})
    return {**path, "backend": {"service": {**backend, "name": service}}}
