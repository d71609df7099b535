"""The world's API: who may do what: tokens, certificates, RBAC, reviews, impersonation."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.contract.world_client import MERGE_PATCH, PODS, ROLLOUTS, Client, rollout

READ = {"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": ["get", "list", "watch"]}
PROMOTE = {"apiGroups": ["argoproj.io"], "resources": ["rollouts/status"], "verbs": ["patch"]}
REVIEWS = "/apis/authorization.k8s.io/v1"


async def user(api: Client, name: str, *rules: dict[str, Any], **more: Any) -> str:
    said = await api.control("POST", "/users", {"name": name, "rules": list(rules), **more})
    token: str = said.body["token"]
    return token


async def test_unknown_tokens_are_401_and_nobody_is_403(api: Client) -> None:
    said = await api.get("/api/v1/pods", token="junk")
    assert said.status == 401
    assert said.body["message"] == "Unauthorized" and said.body["reason"] == "Unauthorized"
    said = await api.get("/api/v1/pods", token=None)
    assert said.status == 403
    assert said.body["message"] == (
        'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope'
    )
    assert (await api.get("/version", token=None)).status == 200
    assert (await api.get("/apis", token=None)).status == 403


async def test_rules_decide(api: Client) -> None:
    await api.post(ROLLOUTS, rollout())
    token = await user(api, "jane", READ, PROMOTE)
    assert (await api.get(f"{ROLLOUTS}/pay", token=token)).status == 200
    status = {"status": {"abort": True}}
    assert (await api.patch(f"{ROLLOUTS}/pay/status", status, MERGE_PATCH, token=token)).status == 200
    said = await api.patch(f"{ROLLOUTS}/pay", {"spec": {"paused": True}}, MERGE_PATCH, token=token)
    assert said.status == 403
    assert said.body["message"] == (
        'rollouts.argoproj.io "pay" is forbidden: User "jane" cannot patch resource "rollouts" in API group '
        '"argoproj.io" in the namespace "trial"'
    )
    assert said.body["details"] == {"name": "pay", "group": "argoproj.io", "kind": "rollouts"}
    said = await api.get(f"{PODS}/x/log", token=token)
    assert 'cannot get resource "pods/log" in API group ""' in said.body["message"]


async def test_rules_of_one_namespace(api: Client) -> None:
    token = await user(api, "jane", READ, namespace="trial")
    assert (await api.get(ROLLOUTS, token=token)).status == 200
    said = await api.get("/apis/argoproj.io/v1alpha1/rollouts", token=token)
    assert said.status == 403 and said.body["message"].endswith("at the cluster scope")
    await user(api, "jane", token=token)  # the same user, now without rules
    assert (await api.get(ROLLOUTS, token=token)).status in (200, 403)


@pytest.mark.parametrize(
    ("role", "reads", "pauses", "promotes"),
    [("view", True, False, False), ("edit", True, True, True), ("admin", True, True, True)],
)
async def test_default_roles_cover_argo(api: Client, role: str, reads: bool, pauses: bool, promotes: bool) -> None:
    await api.post(ROLLOUTS, rollout())
    token = await user(api, "bob", groups=["team"])
    binding = {
        "metadata": {"name": "team"},
        "roleRef": {"kind": "ClusterRole", "name": role, "apiGroup": "rbac.authorization.k8s.io"},
        "subjects": [{"kind": "Group", "name": "team"}],
    }
    await api.post("/apis/rbac.authorization.k8s.io/v1/namespaces/trial/rolebindings", binding)
    assert ((await api.get(ROLLOUTS, token=token)).status == 200) is reads
    patched = await api.patch(f"{ROLLOUTS}/pay", {"spec": {"paused": True}}, MERGE_PATCH, token=token)
    assert (patched.status == 200) is pauses
    promoted = await api.patch(f"{ROLLOUTS}/pay/status", {"status": {"promoteFull": True}}, MERGE_PATCH, token=token)
    assert (promoted.status == 200) is promotes
    await api.call("DELETE", "/apis/rbac.authorization.k8s.io/v1/namespaces/trial/rolebindings/team")
    assert (await api.get(ROLLOUTS, token=token)).status == 403


async def test_access_reviews_agree_with_what_happens(api: Client) -> None:
    token = await user(api, "jane", READ, PROMOTE, namespace="trial")

    async def may(verb: str, resource: str, subresource: str = "", namespace: str = "trial") -> bool:
        attributes = {
            "verb": verb,
            "group": "argoproj.io",
            "resource": resource,
            "subresource": subresource,
            "namespace": namespace,
        }
        body = {"spec": {"resourceAttributes": attributes}}
        said = await api.post(f"{REVIEWS}/selfsubjectaccessreviews", body, token=token)
        assert said.status == 201 and said.body["kind"] == "SelfSubjectAccessReview"
        allowed: bool = said.body["status"]["allowed"]
        return allowed

    assert await may("list", "rollouts")
    assert await may("patch", "rollouts", "status")
    assert not await may("patch", "rollouts")
    assert not await may("list", "rollouts", namespace="")
    rules = await api.post(f"{REVIEWS}/selfsubjectrulesreviews", {"spec": {"namespace": "trial"}}, token=token)
    assert READ in rules.body["status"]["resourceRules"] and rules.body["status"]["incomplete"] is False
    me = await api.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, token=token)
    assert me.body["status"]["userInfo"] == {"username": "jane", "groups": ["system:authenticated"]}
    other = {
        "spec": {"user": "jane", "resourceAttributes": {"verb": "delete", "resource": "pods", "namespace": "trial"}}
    }
    assert (await api.post(f"{REVIEWS}/subjectaccessreviews", other)).body["status"]["allowed"] is False
    assert (await api.post(f"{REVIEWS}/subjectaccessreviews", other, token=token)).status == 403
    assert (await api.post(f"{REVIEWS}/selfsubjectaccessreviews", {"spec": {}}, token=token)).status == 422


async def test_impersonation(api: Client) -> None:
    await user(api, "jane", READ)
    as_jane = {"Impersonate-User": "jane"}
    assert (await api.get(ROLLOUTS, headers=as_jane)).status == 200
    assert (await api.get(PODS, headers=as_jane)).status == 403
    token = await user(api, "bob", READ)
    said = await api.get(ROLLOUTS, token=token, headers=as_jane)
    assert said.status == 403 and 'cannot impersonate resource "users"' in said.body["message"]


async def test_tokens_expire_and_users_are_denied(api: Client) -> None:
    token = await user(api, "jane", READ)
    await api.control("POST", "/users/deny", {"name": "jane"})
    assert (await api.get(ROLLOUTS, token=token)).status == 401
    await api.control("POST", "/users/deny", {"name": "jane", "denied": False})
    assert (await api.get(ROLLOUTS, token=token)).status == 200
    assert (await api.control("POST", "/users/expire", {"token": token})).body == {"expired": 1}
    assert (await api.get(ROLLOUTS, token=token)).status == 401


async def test_client_certificates_name_user_and_groups(api: Client, tmp_path: Path) -> None:
    body = {"name": "carol", "groups": ["sre"], "rules": [READ], "certificate": True}
    made = (await api.control("POST", "/users", body)).body
    pair = tmp_path / "carol.pem"
    pair.write_text(made["certificate"] + made["key"])
    context = ssl.create_default_context(cadata=api.world.authority.pem.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(pair)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        async with session.get(api.ready.kubernetes + ROLLOUTS) as response:
            assert response.status == 200
        url = f"{api.ready.kubernetes}/apis/authentication.k8s.io/v1/selfsubjectreviews"
        async with session.post(url, json={}) as response:
            info = (await response.json())["status"]["userInfo"]
    assert info == {"username": "carol", "groups": ["sre", "system:authenticated"]}
