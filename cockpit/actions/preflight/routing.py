"""What the strategy of a Rollout names in the traffic layer: Services, and the objects its router writes weights to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cockpit.model.resource import Resource
from cockpit.strategies.values import mapping, objects

INGRESSES = Resource("networking.k8s.io", "v1", "ingresses", "Ingress")
# The Rollout names no version; every Istio since 1.5 serves this one.
VIRTUAL_SERVICES = Resource("networking.istio.io", "v1beta1", "virtualservices", "VirtualService")
DESTINATION_RULES = Resource("networking.istio.io", "v1beta1", "destinationrules", "DestinationRule")

_READ = ("nginx", "alb", "istio")
_OTHERS = ("smi", "ambassador", "appMesh", "traefik", "apisix", "plugins")


class Named(NamedTuple):
    """One object of a router."""

    resource: Resource
    namespace: str
    name: str


def services(strategy: Mapping[str, Any]) -> list[str]:
    """Names of the Services that the controller points at versions, each once."""
    canary, blue_green = mapping(strategy.get("canary")), mapping(strategy.get("blueGreen"))
    ping_pong = mapping(canary.get("pingPong"))
    names = [canary.get("stableService"), canary.get("canaryService")]
    names += [ping_pong.get("pingService"), ping_pong.get("pongService")]
    names += [blue_green.get("activeService"), blue_green.get("previewService")]
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name))


def routers(strategy: Mapping[str, Any], namespace: str) -> list[Named]:
    """The objects that the router of a canary writes to, each once (``trafficRouting``, facts/argo-rollouts.md 3.3)."""
    return list(dict.fromkeys(_routers(mapping(mapping(strategy.get("canary")).get("trafficRouting")), namespace)))


def others(strategy: Mapping[str, Any]) -> list[str]:
    """Routers that are in use and whose objects are not looked at."""
    routing = mapping(mapping(strategy.get("canary")).get("trafficRouting"))
    return [name for name in _OTHERS if routing.get(name)]


def routed(strategy: Mapping[str, Any]) -> bool:
    """Whether a router shares traffic out, so that a canary's pods come on top of the stable ones."""
    routing = mapping(mapping(strategy.get("canary")).get("trafficRouting"))
    return any(routing.get(name) is not None for name in (*_READ, *_OTHERS))


def _routers(routing: Mapping[str, Any], namespace: str) -> Iterator[Named]:
    for router in ("nginx", "alb"):
        members = mapping(routing.get(router))
        many = (members.get(key) for key in ("stableIngresses", "ingresses"))
        listed = [name for names in many if isinstance(names, list) for name in names]
        for name in (members.get("stableIngress"), members.get("ingress"), *listed):
            if isinstance(name, str) and name:
                yield Named(INGRESSES, namespace, name)
    istio = mapping(routing.get("istio"))
    for service in (mapping(istio.get("virtualService")), *objects(istio.get("virtualServices"))):
        yield from _istio(VIRTUAL_SERVICES, service.get("name"), namespace)
    yield from _istio(DESTINATION_RULES, mapping(istio.get("destinationRule")).get("name"), namespace)


def _istio(resource: Resource, named: Any, namespace: str) -> Iterator[Named]:
    """Argo Rollouts reads a VirtualService's name as ``name`` or ``name.namespace``."""
    if isinstance(named, str) and named:
        name, _, elsewhere = named.partition(".") if resource is VIRTUAL_SERVICES else (named, "", "")
        yield Named(resource, elsewhere.partition(".")[0] or namespace, name)
