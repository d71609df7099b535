"""The world's API on junk: a seeded storm of broken bodies is refused in words, and never breaks the server."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.world_client import (
    DEPLOYMENTS,
    MERGE_PATCH,
    PODS,
    ROLLOUTS,
    STRATEGIC_PATCH,
    Client,
    deployment,
    pod,
    rollout,
)

JUNK: list[Any] = [
    None,
    0,
    -1,
    1.5,
    "",
    True,
    "x" * 300,
    "\x1b[31m",
    [],
    {},
    [None],
    {"a": None},
    [{}],
    {"": {}},
    10**18,
]
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CORE = "/api/v1/namespaces/trial"
MEMBERS = [
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "generateName",
    "selector",
    "ports",
    "rules",
    "status",
]
BINDING = {
    "metadata": {"name": "rb"},
    "roleRef": {"kind": "Role", "name": "x"},
    "subjects": [{"kind": "User", "name": "j"}],
}
BUDGET = {"metadata": {"name": "b"}, "spec": {"minAvailable": "50%", "selector": {"matchLabels": {"app": "p"}}}}
RULE = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
EVENT = {"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "x", "namespace": "trial"}, "reason": "r"}
REVIEW = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
BASES: list[tuple[str, dict[str, Any]]] = [
    (DEPLOYMENTS, deployment()),
    (ROLLOUTS, rollout()),
    (PODS, pod()),
    (f"{CORE}/services", {"metadata": {"name": "s"}, "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}}),
    (f"{CORE}/events", EVENT),
    (f"{CORE}/secrets", {"metadata": {"name": "sec"}, "stringData": {"a": "b"}}),
    (f"{RBAC}/namespaces/trial/rolebindings", BINDING),
    (f"{RBAC}/clusterroles", {"metadata": {"name": "cr"}, "rules": [RULE]}),
    ("/apis/policy/v1/namespaces/trial/poddisruptionbudgets", BUDGET),
    ("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", REVIEW),
]
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def broken(rng: random.Random, obj: dict[str, Any]) -> dict[str, Any]:
    obj = copy.deepcopy(obj)
    for _ in range(rng.randint(1, 3)):
        found = list(places(obj))
        if not found:
            break
        *way, last = rng.choice(found)
        target: Any = obj
        for key in way:
            target = target[key]
        kind = rng.random()
        if kind < 0.2:
            del target[last]
        elif kind < 0.7 or not isinstance(target, dict):
            target[last] = copy.deepcopy(rng.choice(JUNK))
        else:
            target[rng.choice(MEMBERS)] = copy.deepcopy(rng.choice(JUNK))
    return obj


@pytest.mark.parametrize("seed", range(4))
async def test_junk_is_refused_in_words(api: Client, seed: int) -> None:
    rng = random.Random(seed)
    token = (await api.control("POST", "/users", {"name": "jane"})).body["token"]
    for _ in range(120):
        path, obj = rng.choice(BASES)
        said = [await api.post(path, broken(rng, obj))]
        name = said[0].body.get("metadata", {}).get("name") if said[0].status == 201 else None
        if name:
            one = f"{path}/{quote(name, safe='')}"
            body = broken(rng, obj)
            said.append(await api.patch(one, body, MERGE_PATCH))
            said.append(await api.patch(one, body, STRATEGIC_PATCH))
            said.append(await api.patch(f"{one}/status", body, MERGE_PATCH))
            where = "/" + "/".join(map(str, rng.choice(list(places(obj)))))
            operation = {"op": rng.choice(["add", "replace", "remove", "copy"]), "path": where, "from": "/metadata"}
            said.append(await api.patch(one, [{**operation, "value": rng.choice(JUNK)}]))
            said.append(await api.get(path, headers=TABLE))
            said.append(await api.get(PODS, token=token))
            said.append(await api.call("DELETE", one, {"preconditions": rng.choice(JUNK)}))
            said.append(await api.call("DELETE", one))
            api.world.clock.advance(5)
        for answer in said:
            assert answer.status < 500, answer.body
            assert answer.status < 300 or answer.body["message"]
    assert api.world.controllers is not None and api.world.controllers.failures() == {}
