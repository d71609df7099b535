"""Quotas: what fits asks nothing, a tight one is a line, one that lets no pod in blocks, unreadable is unknown."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.actions.preflight.capacity import CHECKS, Need, needed
from cockpit.actions.preflight.contract import Garbled
from cockpit.actions.preflight.quotas import demand, excess, quantity, room
from cockpit.actions.preflight.runner import run
from cockpit.base.errors import Denied
from cockpit.model.preflight import Finding
from tests.harness.preflight import IMAGE, NAME, NAMESPACE, Reads, context, revision, template, workload

ROUTED = {"canary": {"trafficRouting": {"nginx": {"stableIngress": "cart"}}}}
FIXED = {"canary": {"maxSurge": 1, "maxUnavailable": 0}}


def container(name: str = "app", **resources: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "image": IMAGE, "resources": resources}


def asking(cpu: str = "500m", memory: str = "256Mi") -> dict[str, Any]:
    return template(containers=[container(requests={"cpu": cpu, "memory": memory}, limits={"memory": memory})])


def quota(hard: dict[str, str], used: dict[str, str], name: str = "compute", **spec: Any) -> dict[str, Any]:
    return {
        "kind": "ResourceQuota",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"hard": hard, **spec},
        "status": {"hard": hard, "used": used},
    }


def ranges(**limit: Any) -> dict[str, Any]:
    limits = [{"type": "Container", **limit}]
    return {
        "kind": "LimitRange",
        "metadata": {"name": "limits", "namespace": NAMESPACE},
        "spec": {"limits": limits},
    }


async def checked(*objects: Any, replicas: int = 0, strategy: Any = FIXED, target: Any = None) -> Finding:
    reads = Reads(workload(strategy=strategy), *objects)
    ctx = context(reads, target=target or asking(), versions=[revision(replicas=replicas)])
    return (await run(ctx, {}, 0.0, checks=CHECKS)).findings[0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", "0"), ("250m", "0.25"), ("2", "2"), ("1Gi", "1073741824"), ("128974848", "128974848"), ("1n", "1e-9"),
        ("129M", "129000000"), ("123Mi", "128974848"), ("1E", "1e18"), ("1Ei", str(2**60)), ("100u", "0.0001"),
        ("129e6", "129000000"),
        (".5", "0.5"), ("1.5Gi", "1610612736"), (3, "3"), (0.5, "0.5"), ("1E2", "100"), ("+1k", "1000"),
    ],
)  # fmt: skip
def test_quantities(text: Any, number: str) -> None:
    assert quantity(text) == Decimal(number)


@pytest.mark.parametrize("junk", ["", "1 Gi", "Gi", "1gi", "0x1", "1e", "--1", None, True, [], "٣", "1e999", "9" * 40])
def test_what_is_no_quantity_is_an_error(junk: Any) -> None:
    with pytest.raises(Garbled):
        quantity(junk)


@given(st.text(max_size=12))
def test_no_text_makes_a_quantity_fail_otherwise(text: str) -> None:
    with contextlib.suppress(Garbled):
        assert quantity(text).is_finite()


def test_a_pod_counts_as_the_scheduler_counts_it() -> None:
    sidecar = {**container("proxy", requests={"cpu": "100m"}), "restartPolicy": "Always"}
    pod = template(
        containers=[container(requests={"cpu": "250m"}), container("b", limits={"cpu": "1"})],
        initContainers=[container("init", requests={"cpu": "2"}), sidecar],
        overhead={"cpu": "50m"},
    )
    assert demand(pod, [])["requests.cpu"] == Decimal("2.05")
    pod["spec"]["initContainers"][0]["resources"]["requests"]["cpu"] = "1"
    assert demand(pod, [])["requests.cpu"] == Decimal("1.40")


def test_defaults_of_the_namespace_count() -> None:
    limits = ranges(default={"cpu": "1", "memory": "1Gi"}, defaultRequest={"cpu": "100m"})
    bare = template()
    assert demand(bare, [limits]) == {
        "requests.cpu": Decimal("0.1"),
        "limits.cpu": Decimal(1),
        "requests.memory": Decimal(2**30),
        "limits.memory": Decimal(2**30),
    }
    assert demand(asking("2"), [limits])["requests.cpu"] == 2


@pytest.mark.parametrize(
    ("used", "strategy", "running", "state", "asks", "says"),
    [
        ("2", FIXED, 0, "ok", "info", "room for 4 more pods"),
        ("3500m", FIXED, 0, "ok", "info", "room for 1 more pod, 1 is made at a time"),
        ("4", FIXED, 0, "finding", "block", "no room for a single pod"),
        ("9", FIXED, 0, "finding", "block", "no room for a single pod"),
        ("4", {"canary": {"maxSurge": 1, "maxUnavailable": 1}}, 0, "finding", "warn", "old pods have to go"),
        ("4", {"type": "Recreate"}, 0, "finding", "warn", "old pods have to go"),
        ("4", None, 0, "finding", "warn", "old pods have to go"),  # a quarter of 4 by default
        ("3", ROUTED, 0, "finding", "warn", "room for 2 of 4 new pods"),
        ("3", {"blueGreen": {}}, 0, "finding", "warn", "room for 2 of 4 new pods"),
        ("4", ROUTED, 0, "finding", "block", "no room for a single pod"),
        ("4", ROUTED, 4, "ok", "info", "no new one is needed"),
        ("3", ROUTED, 2, "ok", "info", "room for 2 more pods, 2 are made at a time"),
    ],
)
async def test_room_in_a_quota(used: str, strategy: Any, running: int, state: str, asks: str, says: str) -> None:
    full = quota({"requests.cpu": "4", "pods": "100"}, {"requests.cpu": used, "pods": "1"})
    found = await checked(full, replicas=running, strategy=strategy)
    assert (found.state, found.severity) == (state, asks)
    assert says in found.text
    if asks == "block":
        assert found.remedy == "kubectl -n shop describe resourcequota compute"
        assert "requests.cpu: " in found.text


async def test_the_tightest_of_several_quotas_speaks() -> None:
    wide = quota({"pods": "10"}, {"pods": "0"}, "wide")
    tight = quota({"requests.memory": "1Gi"}, {"requests.memory": "800Mi"}, "tight")
    found = await checked(wide, tight)
    assert found.severity == "block"
    assert "quota tight" in found.text
    assert "800Mi of 1Gi used, a pod takes 256Mi" in found.text


@pytest.mark.parametrize("hard", [{"services": "1"}, {"requests.storage": "1"}, {"requests.nvidia.com/gpu": "0"}, {}])
async def test_a_quota_on_other_things_limits_no_pods(hard: dict[str, str]) -> None:
    found = await checked(quota(hard, {}))
    assert (found.state, found.text) == ("ok", "no quota limits its pods")


async def test_a_container_that_does_not_say_what_a_quota_counts_is_never_admitted() -> None:
    full = quota({"limits.cpu": "100"}, {"limits.cpu": "0"})
    found = await checked(full)
    assert found.severity == "block"
    assert "limits.cpu of every container" in found.text
    assert (await checked(full, ranges(default={"cpu": "1"}))).state == "ok"


def selecting(scope: str, operator: str, values: list[str] | None = None) -> dict[str, Any]:
    expression = {"scopeName": scope, "operator": operator, **({"values": values} if values else {})}
    return {"scopeSelector": {"matchExpressions": [expression]}}


@pytest.mark.parametrize(
    ("spec", "state"),
    [
        ({"scopes": ["BestEffort"]}, "ok"),
        ({"scopes": ["NotBestEffort"]}, "finding"),
        ({"scopes": ["Terminating"]}, "ok"),
        ({"scopes": ["NotTerminating"]}, "finding"),
        ({"scopes": ["NotTerminating", "BestEffort"]}, "ok"),
        ({"scopes": ["SomethingNew"]}, "finding"),
        (selecting("PriorityClass", "In", ["x"]), "ok"),
        (selecting("PriorityClass", "NotIn", ["x"]), "finding"),
        (selecting("PriorityClass", "Exists"), "ok"),
        (selecting("PriorityClass", "DoesNotExist"), "finding"),
        (selecting("PriorityClass", "Odd"), "finding"),
        (selecting("BestEffort", "Exists"), "ok"),
    ],
)  # fmt: skip
async def test_scopes_of_a_quota(spec: dict[str, Any], state: str) -> None:
    assert (await checked(quota({"pods": "1"}, {"pods": "1"}, **spec))).state == state


async def test_a_limit_range_keeps_out_what_asks_for_too_much() -> None:
    found = await checked(ranges(max={"memory": "128Mi"}))
    assert found.severity == "block"
    assert "container app asks for 256Mi memory, LimitRange limits allows 128Mi" in found.text
    assert excess(asking(), [ranges(min={"cpu": "1"})]) == [
        "container app asks for 500m cpu, LimitRange limits wants 1"
    ]
    assert excess(asking(), [ranges(max={"cpu": "1"}, min={"cpu": "100m"})]) == []
    whole = ranges(max={"memory": "300Mi"})
    whole["spec"]["limits"][0]["type"] = "Pod"
    two = template(containers=[container(limits={"memory": "200Mi"}), container("b", limits={"memory": "200Mi"})])
    assert excess(two, [whole]) == ["a pod asks for 400Mi memory, LimitRange limits allows 300Mi"]


@pytest.mark.parametrize(
    "broken",
    [
        quota({"pods": "10"}, {}),
        {**quota({"pods": "10"}, {"pods": "1"}), "status": "x"},
        quota({"pods": "ten"}, {"pods": "1"}),
        {**quota({}, {}), "spec": {}},
        {**quota({}, {}), "spec": {"hard": "x"}},
        {**ranges(), "spec": {"limits": "x"}},
        ranges(default={"cpu": "lots"}),
    ],
)
async def test_what_cannot_be_read_is_unknown(broken: dict[str, Any]) -> None:
    found = await checked(broken)
    assert (found.state, found.severity) == ("unknown", "confirm")


async def test_autoscalers_and_budgets_are_told_and_ask_nothing() -> None:
    scaler = {
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "cart"},
        "spec": {"minReplicas": 2, "maxReplicas": 10, "scaleTargetRef": {"kind": "Rollout", "name": NAME}},
    }
    budget = {
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "cart"},
        "spec": {"selector": {"matchLabels": {"app": NAME}}},
        "status": {"disruptionsAllowed": 0},
    }
    other = {**budget, "metadata": {"name": "other"}, "spec": {"selector": {"matchLabels": {"app": "other"}}}}
    found = await checked(scaler, budget, other)
    assert (found.state, found.severity) == ("ok", "info")
    assert "autoscaler cart keeps 2 to 10 replicas" in found.text
    assert "budget cart allows 0 disruptions" in found.text
    assert "other" not in found.text


async def test_autoscalers_that_cannot_be_read_are_said_to_be_unknown_and_ask_nothing() -> None:
    reads = Reads(workload())
    reads.fails["list horizontalpodautoscalers"] = Denied("you may not list them")
    (found,) = (await run(context(reads), {}, 0.0, checks=CHECKS)).findings
    assert found.state == "ok"
    assert "horizontalpodautoscalers are not known: you may not list them" in found.text


def rolling(surge: int | str, unavailable: int | str) -> dict[str, Any]:
    return {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


@pytest.mark.parametrize(
    ("spec", "running", "need"),
    [
        ({"replicas": 10}, 0, Need(10, 3, gives_way=True)),
        ({"replicas": 1}, 0, Need(1, 1, gives_way=False)),
        ({"replicas": 0}, 0, Need(0, 0, gives_way=True)),
        ({}, 0, Need(1, 1, gives_way=False)),
        ({"replicas": 4}, 6, Need(0, 0, gives_way=True)),
        ({"replicas": 4, "strategy": rolling("50%", 0)}, 0, Need(4, 2, gives_way=False)),
        ({"replicas": 4, "strategy": rolling(0, 1)}, 0, Need(4, 1, gives_way=True)),
        ({"replicas": 4, "strategy": {"canary": {"maxSurge": 0, "maxUnavailable": 0}}}, 0, Need(4, 1, gives_way=True)),
        ({"replicas": 4, "strategy": ROUTED}, 1, Need(3, 3, gives_way=False)),
    ],
)  # fmt: skip
def test_pods_that_a_rollback_makes(spec: dict[str, Any], running: int, need: Need) -> None:
    assert needed({"spec": spec}, running) == need


@pytest.mark.parametrize("junk", [{}, {"spec": "x"}, {"spec": {"replicas": "x"}}, {"spec": {"replicas": True}},
                                  {"spec": {"strategy": {"canary": {"maxSurge": "many"}}}}])  # fmt: skip
def test_a_workload_that_does_not_say_is_an_error(junk: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        needed(junk, 0)


def test_a_quota_says_how_many_pods_fit() -> None:
    found = room(quota({"pods": "5", "requests.cpu": "2"}, {"pods": "1", "requests.cpu": "500m"}), asking(), [])
    assert (found.pods, found.limiting) == (3, "requests.cpu: 500m of 2 used, a pod takes 500m")
