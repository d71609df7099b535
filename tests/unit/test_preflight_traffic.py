"""The traffic layer: Services keep their pods or that is said; what the strategy names has to be there."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cockpit.actions.preflight.contract import Context
from cockpit.actions.preflight.routing import others, routers, services
from cockpit.actions.preflight.runner import run
from cockpit.actions.preflight.traffic import CHECKS
from cockpit.base.errors import Denied, Unreachable
from cockpit.model.plan import Patch
from cockpit.model.preflight import Finding
from cockpit.model.resource import DEPLOYMENTS, Key, Resource
from tests.harness.preflight import NAMESPACE, Reads, context, template, workload

HASH = "rollouts-pod-template-hash"
TWO = {"canary": {"stableService": "cart", "canaryService": "cart-canary"}}
ISTIO = {"canary": {"trafficRouting": {"istio": {"virtualService": {"name": "cart"}}}}}


def labelled(**labels: str) -> dict[str, Any]:
    return {**template(), "metadata": {"labels": {"app": "cart", **labels}}}


def service(name: str = "cart", **selector: str) -> dict[str, Any]:
    spec = {"selector": selector} if selector else {}
    return {"kind": "Service", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def going(*objects: Any, now: Any = None, then: Any = None, strategy: Any = None, **spec: Any) -> Context:
    held = workload(template=now or labelled(), **({"strategy": strategy} if strategy else {}), **spec)
    ctx = context(Reads(held, *objects), target=then or labelled())
    return replace(ctx, plan=replace(ctx.plan, from_hash="now"))


async def checked(ctx: Context) -> Finding:
    (found,) = (await run(ctx, {}, 0.0, checks=CHECKS)).findings
    return found


async def test_services_that_select_by_what_stays_keep_their_pods() -> None:
    found = await checked(going(service(app="cart"), service("other", app="other"), service("headless")))
    assert (found.state, found.text) == ("ok", "1 Service would still select its pods")
    assert (await checked(going())).text == "no Service selects its pods"


async def test_a_service_that_selects_by_version_loses_its_pods() -> None:
    now, then = labelled(version="v42"), labelled(version="v41")
    found = await checked(going(service(app="cart", version="v42"), now=now, then=then))
    assert (found.state, found.severity) == ("finding", "confirm")
    assert "Service cart selects version=v42: the target's pods would not be behind it" in found.text
    assert found.evidence == ("Service cart: app=cart, version=v42",)
    assert found.remedy == "kubectl -n shop get services -o wide"


async def test_a_service_by_hash_loses_its_pods_unless_the_controller_points_it() -> None:
    mine = service("cart-now", **{"app": "cart", HASH: "now"})
    assert "rollouts-pod-template-hash=now" in (await checked(going(mine))).text
    pointed = service("cart", **{"app": "cart", HASH: "now"}), service("cart-canary", **{"app": "cart", HASH: "h"})
    assert (await checked(going(*pointed, strategy=TWO))).state == "ok"
    deployment = going(service("cart", **{"app": "cart", "pod-template-hash": "now"}))
    held = {**workload(template=labelled()), "kind": "Deployment"}
    reads = Reads(held, service("cart", **{"app": "cart", "pod-template-hash": "now"}))
    patch = replace(deployment.plan.patches[0], resource=DEPLOYMENTS)
    plan = replace(deployment.plan, key=Key("Deployment", NAMESPACE, "cart"), patches=(patch,))
    subject = type(deployment.subject)(plan, reads, deployment.subject.versions)
    assert (await checked(replace(deployment, plan=plan, reads=reads, subject=subject))).state == "finding"


async def test_the_strategys_services_have_to_select_the_targets_labels() -> None:
    both = service("cart", app="cart"), service("cart-canary", app="cart", track="canary")
    found = await checked(going(*both, strategy=TWO))
    assert found.state == "finding"
    assert "Service cart-canary selects track=canary" in found.text


@pytest.mark.parametrize(
    "strategy",
    [TWO, {"blueGreen": {"activeService": "cart", "previewService": "cart-canary"}},
     {"canary": {"pingPong": {"pingService": "cart", "pongService": "cart-canary"}}}],
)  # fmt: skip
async def test_a_service_that_the_strategy_names_has_to_be_there(strategy: dict[str, Any]) -> None:
    assert services(strategy) == ["cart", "cart-canary"]
    found = await checked(going(service(app="cart"), strategy=strategy))
    assert (found.severity, found.text) == (
        "confirm", "Service cart-canary is not there, though the strategy names it",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("routing", "named"),
    [
        ({"istio": {"virtualService": {"name": "cart"}}}, ["virtualservices shop/cart"]),
        ({"istio": {"virtualService": {"name": "cart.mesh"}}}, ["virtualservices mesh/cart"]),
        ({"istio": {"virtualServices": [{"name": "a"}, {"name": "b"}, "x"], "destinationRule": {"name": "d"}}},
         ["virtualservices shop/a", "virtualservices shop/b", "destinationrules shop/d"]),
        ({"nginx": {"stableIngress": "cart"}}, ["ingresses shop/cart"]),
        ({"nginx": {"stableIngresses": ["a", "b"]}}, ["ingresses shop/a", "ingresses shop/b"]),
        ({"alb": {"ingress": "cart"}}, ["ingresses shop/cart"]),
        ({"smi": {}}, []),
        ("x", []),
    ],
)  # fmt: skip
def test_what_a_router_writes_to(routing: Any, named: list[str]) -> None:
    found = routers({"canary": {"trafficRouting": routing}}, "shop")
    assert [f"{each.resource.plural} {each.namespace}/{each.name}" for each in found] == named


def held(kind: str, name: str = "cart", namespace: str = NAMESPACE) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": {}}


async def test_a_router_that_is_gone_is_said_and_one_that_cannot_be_read_is_unknown() -> None:
    gone = await checked(going(strategy=ISTIO))
    assert (gone.severity, gone.text) == ("confirm", "VirtualService cart is not there, though the strategy names it")
    assert (await checked(going(held("VirtualService"), strategy=ISTIO))).state == "ok"
    for error in (Denied("no"), Unreachable("HTTP 500")):
        ctx = going(held("VirtualService"), strategy=ISTIO)
        assert isinstance(ctx.reads, Reads)
        ctx.reads.fails["get virtualservices"] = error
        assert (await checked(ctx)).state == "unknown"


async def test_routers_that_are_not_looked_at_are_named() -> None:
    strategy = {"canary": {"trafficRouting": {"plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": "r"}}}}}
    assert others(strategy) == ["plugins"]
    assert "not looked at: plugins" in (await checked(going(service(app="cart"), strategy=strategy))).text


async def test_a_selector_of_its_own_that_the_target_misses_blocks() -> None:
    found = await checked(going(now=labelled(tier="web"), selector={"matchLabels": {"app": "cart", "tier": "web"}}))
    assert (found.severity, found.state) == ("block", "finding")
    assert "its own selector asks for tier=web" in found.text
    assert (await checked(going(selector={"matchLabels": {"app": "cart"}}))).state == "ok"


async def test_the_template_of_a_referenced_workload_counts() -> None:
    """With a workloadRef the labels of now are in the other object."""
    rollout = {**workload(), "spec": {"replicas": 1, "workloadRef": {"kind": "PodTemplate", "name": "cart-pods"}}}
    pods = {"kind": "PodTemplate", "metadata": {"name": "cart-pods", "uid": "u"}, "template": labelled(version="v42")}
    ctx = going(service(app="cart", version="v42"))
    reads = Reads(rollout, pods, service(app="cart", version="v42"))
    patch = Patch(
        Resource("", "v1", "podtemplates", "PodTemplate"), NAMESPACE, "cart-pods", None, ctx.plan.patches[0].ops, "w"
    )
    plan = replace(ctx.plan, patches=(patch,))
    subject = type(ctx.subject)(plan, reads, ctx.subject.versions)
    found = await checked(replace(ctx, plan=plan, reads=reads, subject=subject))
    assert "version=v42" in found.text


@pytest.mark.parametrize("request_", ["get rollouts", "list services"])
@pytest.mark.parametrize("garbage", [None, {}, [{}], {"items": "x"}, "x", [{"metadata": {"name": "cart"}}]])
async def test_garbage_is_unknown(request_: str, garbage: Any) -> None:
    now, then = labelled(version="v42"), labelled(version="v41")
    ctx = going(service(app="cart", version="v42"), now=now, then=then)
    assert isinstance(ctx.reads, Reads)
    ctx.reads.fails[request_] = garbage
    assert (await checked(ctx)).state == "unknown"


async def test_more_services_than_are_read_are_unknown() -> None:
    ctx = going()
    assert isinstance(ctx.reads, Reads)
    ctx.reads.fails["list services"] = [service(app="cart")] * 5000
    assert (await checked(ctx)).state == "unknown"
