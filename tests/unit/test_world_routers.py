"""What routers read follows the weight that the controller says: an Istio VirtualService, a canary Ingress of nginx."""

from __future__ import annotations

from typing import Any

from tests.world_lab import GATED, Lab, rollout, service

ROUTES = {
    "apiVersion": "networking.istio.io/v1beta1",
    "kind": "VirtualService",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "http": [
            {"name": "primary", "route": [{"destination": {"host": "web"}}, {"destination": {"host": "web-canary.x"}}]},
            {"name": "other", "route": [{"destination": {"host": "elsewhere"}, "weight": 100}]},
        ]
    },
}
INGRESS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "rules": [
            {"http": {"paths": [{"path": "/", "backend": {"service": {"name": "web", "port": {"name": "http"}}}}]}}
        ]
    },
}


def routed(routing: dict[str, Any], *objects: dict[str, Any]) -> Lab:
    lab = Lab()
    for name in ("web", "web-canary"):
        lab.apply(service(name))
    for each in objects:
        lab.apply(each)
    canary = {"stableService": "web", "canaryService": "web-canary", "trafficRouting": routing}
    raw = rollout(steps=GATED)
    raw["spec"]["strategy"]["canary"] |= canary
    lab.apply(raw)
    lab.settle(60)
    lab.image("r.test/web:2")
    lab.settle(90)
    return lab


def test_a_virtual_service_carries_the_weights() -> None:
    lab = routed({"istio": {"virtualService": {"name": "web"}}}, ROUTES)
    weight = lab.status()["canary"]["weights"]["canary"]["weight"]
    assert weight > 0
    found = lab.get("virtualservices")
    primary, other = found["spec"]["http"]
    assert [each["weight"] for each in primary["route"]] == [100 - weight, weight]
    assert other["route"][0]["weight"] == 100


def test_nginx_takes_the_canarys_share_from_an_ingress_of_its_own() -> None:
    lab = routed({"nginx": {"stableIngress": "web"}}, INGRESS)
    found = lab.get("ingresses", "web-web-canary")
    weight = lab.status()["canary"]["weights"]["canary"]["weight"]
    assert found["metadata"]["annotations"]["nginx.ingress.kubernetes.io/canary-weight"] == str(weight)
    assert found["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] == "web-canary"


def test_a_router_that_is_not_there_stops_nothing() -> None:
    lab = routed({"istio": {"virtualService": {"name": "gone"}}})
    assert lab.status()["canary"]["weights"]["canary"]["weight"] > 0
