"""The world's API: create, get, update, patch, delete, dry run and refusals, as a real server answers them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.world_client import (
    APPLY_PATCH,
    DEPLOYMENTS,
    JSON_PATCH,
    MERGE_PATCH,
    PODS,
    ROLLOUTS,
    STRATEGIC_PATCH,
    Client,
    container,
    deployment,
    pod,
    rollout,
)


async def test_create_get_and_defaults(api: Client) -> None:
    said = await api.post(DEPLOYMENTS, deployment())
    assert said.status == 201
    assert said.body["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    }
    assert said.body["metadata"]["generation"] == 1
    assert said.body["metadata"]["managedFields"][0]["manager"] == "tester"
    got = await api.get(f"{DEPLOYMENTS}/web")
    assert got.body["metadata"]["uid"] == said.body["metadata"]["uid"]
    assert got.headers["Content-Type"] == "application/json"


async def test_the_date_is_the_worlds(api: Client) -> None:
    assert (await api.get("/version")).headers["Date"] == "Fri, 15 Jan 2027 08:00:00 GMT"
    await api.control("POST", "/clock/advance", {"seconds": 61})
    assert (await api.get("/version")).headers["Date"] == "Fri, 15 Jan 2027 08:01:01 GMT"


CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
REFUSED: list[tuple[str, str, str, Any, int, str, str]] = [
    ("absent", "GET", f"{ROLLOUTS}/x", None, 404, "NotFound", 'rollouts.argoproj.io "x" not found'),
    ("no namespace", "POST", PODS.replace("trial", "no"), pod(), 404, "NotFound", 'namespaces "no" not found'),
    ("unknown kind", "GET", "/apis/apps/v1/widgets", None, 404, "NotFound", "could not find the requested"),
    ("wrong version", "POST", PODS, {**pod(), "apiVersion": "v2"}, 400, "BadRequest", "the API version in the data"),
    ("wrong kind", "POST", PODS, {**pod(), "kind": "Node"}, 400, "BadRequest", "cannot be handled as a Pod"),
    ("other namespace", "POST", PODS, pod(namespace="a"), 400, "BadRequest", "the namespace of the provided object"),
    ("not JSON", "POST", PODS, b"{", 400, "BadRequest", "error decoding the body"),
    ("not an object", "POST", PODS, [], 400, "BadRequest", "error decoding the body"),
    ("bad name", "POST", PODS, pod("A_b"), 422, "Invalid", 'Pod "A_b" is invalid: metadata.name'),
    ("bad type", "POST", DEPLOYMENTS, deployment(replicas="x"), 400, "BadRequest", "cannot unmarshal string"),
    ("bad label", "POST", PODS, pod(labels={"a": "b c"}), 422, "Invalid", "metadata.labels: Invalid value"),
    ("metadata is text", "POST", PODS, {**pod(), "metadata": "x"}, 400, "BadRequest", "json: cannot unmarshal"),
    ("negative", "POST", DEPLOYMENTS, deployment(replicas=-1), 422, "Invalid", "spec.replicas: Invalid value: -1"),
    ("wrong rollout", "POST", ROLLOUTS, rollout(paused="yes"), 422, "Invalid", "must be of type boolean"),
    ("no subresource", "GET", "/api/v1/namespaces/trial/configmaps/x/status", None, 404, "NotFound", "could not find"),
    ("crds are fixed", "DELETE", f"{CRDS}/x", None, 405, "MethodNotAllowed", "does not allow"),
    ("a name is needed", "PATCH", ROLLOUTS, [], 405, "MethodNotAllowed", "does not allow"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=[case[0] for case in REFUSED])
async def test_refusals_are_status_objects(api: Client, case: tuple[str, str, str, Any, int, str, str]) -> None:
    _, method, path, body, code, reason, words = case
    kind = JSON_PATCH if method == "PATCH" else "application/json"
    said = await api.call(method, path, body, content_type=kind)
    assert (said.status, said.body["kind"], said.body["code"], said.body["reason"]) == (code, "Status", code, reason)
    assert words in said.body["message"]


async def test_put_needs_the_current_version(api: Client) -> None:
    made = (await api.post(ROLLOUTS, rollout())).body
    await api.patch(f"{ROLLOUTS}/pay", {"metadata": {"labels": {"a": "b"}}}, MERGE_PATCH)
    stale = await api.call("PUT", f"{ROLLOUTS}/pay", made)
    assert stale.status == 409 and stale.body["reason"] == "Conflict"
    assert "the object has been modified; please apply your changes" in stale.body["message"]
    blind = await api.call("PUT", f"{ROLLOUTS}/pay", rollout())
    assert blind.status == 422 and "must be specified for an update" in blind.body["message"]
    other = {**made, "metadata": {**made["metadata"], "uid": "other"}}
    assert "UID in precondition" in (await api.call("PUT", f"{ROLLOUTS}/pay", other)).body["message"]
    fresh = (await api.get(f"{ROLLOUTS}/pay")).body
    fresh["spec"]["paused"] = True
    assert (await api.call("PUT", f"{ROLLOUTS}/pay", fresh)).body["metadata"]["generation"] == 2
    # built-in kinds may be replaced unconditionally
    await api.post(DEPLOYMENTS, deployment())
    assert (await api.call("PUT", f"{DEPLOYMENTS}/web", deployment(paused=True))).status == 200


async def test_status_and_main_are_separate_doors(api: Client) -> None:
    await api.post(ROLLOUTS, rollout())
    both = {"spec": {"paused": True}, "status": {"abort": True}, "metadata": {"annotations": {"a": "b"}}}
    through = (await api.patch(f"{ROLLOUTS}/pay/status", both, MERGE_PATCH)).body
    assert through["status"]["abort"] is True
    assert "paused" not in through["spec"] and "annotations" not in through["metadata"]
    assert through["metadata"]["generation"] == 1
    main = (await api.patch(f"{ROLLOUTS}/pay", {"status": {"abort": False}}, MERGE_PATCH)).body
    assert main["status"]["abort"] is True
    run = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {"name": "r"},
        "spec": {"metrics": []},
    }
    runs = ROLLOUTS.replace("rollouts", "analysisruns")
    await api.post(runs, run)
    assert (await api.patch(f"{runs}/r/status", {}, MERGE_PATCH)).status == 404
    assert (await api.patch(f"{runs}/r", {"spec": {"terminate": True}}, MERGE_PATCH)).body["spec"]["terminate"] is True


async def test_json_patch_guards(api: Client) -> None:
    made = (await api.post(ROLLOUTS, rollout())).body
    uid = {"op": "test", "path": "/metadata/uid", "value": made["metadata"]["uid"]}
    absent = {"op": "test", "path": "/spec/paused", "value": None}
    pause = {"op": "add", "path": "/spec/paused", "value": True}
    assert (await api.patch(f"{ROLLOUTS}/pay", [uid, absent, pause])).body["spec"]["paused"] is True
    version = api.world.store.version
    again = await api.patch(f"{ROLLOUTS}/pay", [uid, absent, pause])
    assert (again.status, again.body["reason"]) == (422, "Invalid")
    assert again.body["message"] == "the server rejected our request due to an error in our request"
    assert api.world.store.version == version
    moved = await api.patch(f"{ROLLOUTS}/pay", [{"op": "replace", "path": "/metadata/uid", "value": "x"}])
    assert moved.status == 422 and "field is immutable" in moved.body["message"]
    assert (await api.patch(f"{ROLLOUTS}/pay", {"op": "add"})).status == 400


async def test_merge_patch_may_carry_the_version(api: Client) -> None:
    made = (await api.post(ROLLOUTS, rollout())).body
    patch = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "spec": {"paused": True}}
    assert (await api.patch(f"{ROLLOUTS}/pay", patch, MERGE_PATCH)).status == 200
    patch["spec"] = {"paused": False}
    assert (await api.patch(f"{ROLLOUTS}/pay", patch, MERGE_PATCH)).status == 409


async def test_patch_kinds_by_resource(api: Client) -> None:
    await api.post(ROLLOUTS, rollout())
    await api.post(DEPLOYMENTS, deployment())
    said = await api.patch(f"{ROLLOUTS}/pay", {"spec": {}}, STRATEGIC_PATCH)
    assert (said.status, said.body["reason"]) == (415, "UnsupportedMediaType")
    assert (await api.patch(f"{ROLLOUTS}/pay", {}, "application/json")).status == 415
    sidecar = {"spec": {"template": {"spec": {"containers": [{"name": "log", "image": "log:1"}]}}}}
    merged = (await api.patch(f"{DEPLOYMENTS}/web", sidecar, STRATEGIC_PATCH)).body
    assert [c["name"] for c in merged["spec"]["template"]["spec"]["containers"]] == ["app", "log"]
    assert merged["metadata"]["generation"] == 2


async def test_server_side_apply_creates_and_updates(api: Client) -> None:
    path = f"{DEPLOYMENTS}/web?fieldManager=me&force=true"
    assert (await api.patch(path, deployment(), APPLY_PATCH)).status == 201
    said = await api.patch(path, deployment(replicas=5), APPLY_PATCH)
    assert said.status == 200 and said.body["spec"]["replicas"] == 5
    assert said.body["metadata"]["managedFields"][-1]["manager"] == "me"
    assert (await api.patch(f"{DEPLOYMENTS}/web", deployment(), APPLY_PATCH)).status == 422  # without a field manager


@pytest.mark.parametrize("path", [ROLLOUTS, DEPLOYMENTS])
async def test_scale(api: Client, path: str) -> None:
    obj, name = (rollout(), "pay") if path == ROLLOUTS else (deployment(), "web")
    await api.post(path, obj)
    scale = (await api.get(f"{path}/{name}/scale")).body
    assert (scale["kind"], scale["apiVersion"], scale["spec"]) == ("Scale", "autoscaling/v1", {"replicas": 2})
    scale["spec"]["replicas"] = 4
    assert (await api.call("PUT", f"{path}/{name}/scale", scale)).body["spec"]["replicas"] == 4
    assert (await api.call("PUT", f"{path}/{name}/scale", scale)).status == 409
    patched = await api.patch(f"{path}/{name}/scale", {"spec": {"replicas": 1}}, MERGE_PATCH)
    assert patched.body["spec"]["replicas"] == 1
    got = (await api.get(f"{path}/{name}")).body
    assert got["spec"]["replicas"] == 1 and got["metadata"]["generation"] == 3
    bad = await api.patch(f"{path}/{name}/scale", {"spec": {"replicas": -1}}, MERGE_PATCH)
    assert bad.status == 422


async def test_dry_run_stores_nothing(api: Client) -> None:
    made = (await api.post(ROLLOUTS, rollout())).body
    version = api.world.store.version
    created = await api.post(f"{DEPLOYMENTS}?dryRun=All", deployment())
    assert created.status == 201 and created.body["metadata"]["uid"]
    patched = await api.patch(f"{ROLLOUTS}/pay?dryRun=All", {"spec": {"paused": True}}, MERGE_PATCH)
    assert patched.body["spec"]["paused"] is True and patched.body["metadata"]["generation"] == 2
    assert (await api.patch(f"{ROLLOUTS}/pay/scale?dryRun=All", {"spec": {"replicas": 9}}, MERGE_PATCH)).status == 200
    assert (await api.call("DELETE", f"{ROLLOUTS}/pay", {"dryRun": ["All"]})).status == 200
    assert (await api.call("DELETE", f"{ROLLOUTS}?dryRun=All")).status == 200
    assert api.world.store.version == version
    assert (await api.get(f"{ROLLOUTS}/pay")).body == made
    refused = await api.patch(f"{ROLLOUTS}/pay?dryRun=yes", {}, MERGE_PATCH)
    assert refused.status == 422 and 'supported values: "All"' in refused.body["message"]
    # a dry run refuses what the real run would refuse
    assert (await api.post(f"{ROLLOUTS}?dryRun=All", rollout())).status == 409


async def test_strict_field_validation(api: Client) -> None:
    typo = deployment(replica=3)
    said = await api.post(f"{DEPLOYMENTS}?fieldValidation=Strict", typo)
    assert said.status == 400 and 'unknown field "spec.replica"' in said.body["message"]
    assert (await api.post(f"{DEPLOYMENTS}?fieldValidation=Ignore", typo)).status == 201


async def test_delete_says_what_it_did(api: Client) -> None:
    made = (await api.post(ROLLOUTS, rollout())).body
    wrong = await api.call("DELETE", f"{ROLLOUTS}/pay", {"preconditions": {"uid": "other"}})
    assert wrong.status == 409 and "UID in precondition: other" in wrong.body["message"]
    said = await api.call("DELETE", f"{ROLLOUTS}/pay")
    assert said.body["status"] == "Success" and said.body["details"]["uid"] == made["metadata"]["uid"]
    assert (await api.get(f"{ROLLOUTS}/pay")).status == 404
    for name in ("a", "b"):
        await api.post("/api/v1/namespaces/trial/configmaps", {"metadata": {"name": name, "labels": {"n": name}}})
    said = await api.call("DELETE", "/api/v1/namespaces/trial/configmaps?labelSelector=n=a")
    assert [item["metadata"]["name"] for item in said.body["items"]] == ["a"]
    left = (await api.get("/api/v1/namespaces/trial/configmaps")).body["items"]
    assert [item["metadata"]["name"] for item in left] == ["b"]


async def test_a_namespace_that_goes_takes_nothing_new(api: Client) -> None:
    await api.post(PODS, {**pod(), "spec": {"containers": [container()], "nodeName": "node-1a-01"}})
    said = await api.call("DELETE", "/api/v1/namespaces/trial")
    assert said.body["status"]["phase"] == "Terminating"
    refused = await api.post(PODS, pod("late"))
    assert refused.status == 403 and "because it is being terminated" in refused.body["message"]
    await api.control("POST", "/clock/advance", {"seconds": 120})
    assert (await api.get("/api/v1/namespaces/trial")).status == 404


async def test_evictions_respect_budgets(api: Client) -> None:
    def ready(obj: dict[str, Any]) -> None:
        obj["status"]["conditions"] = [{"type": "Ready", "status": "True"}]

    for name in ("a", "b"):
        api.world.store.create(pod(name, namespace="trial", labels={"app": "x"}))
        api.world.store.mutate("pods", "trial", name, ready, subresource="status")
    budget = {"metadata": {"name": "keep"}, "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "x"}}}}
    await api.post("/apis/policy/v1/namespaces/trial/poddisruptionbudgets", budget)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "a", "namespace": "trial"}}
    said = await api.post(f"{PODS}/a/eviction", eviction)
    assert said.status == 429 and "violate the pod's disruption budget" in said.body["message"]
    await api.patch(
        "/apis/policy/v1/namespaces/trial/poddisruptionbudgets/keep", {"spec": {"minAvailable": 1}}, MERGE_PATCH
    )
    assert (await api.post(f"{PODS}/a/eviction", eviction)).status == 201
    assert (await api.get(f"{PODS}/a")).status == 404


async def test_events_have_two_faces(api: Client) -> None:
    event = {
        "metadata": {"generateName": "cockpit-"},
        "eventTime": "2027-01-15T08:00:00.000000Z",
        "reportingController": "cockpit",
        "reportingInstance": "here",
        "action": "Abort",
        "reason": "Aborted",
        "type": "Normal",
        "regarding": {"kind": "Rollout", "namespace": "trial", "name": "pay"},
        "note": "aborted by sre1",
    }
    said = await api.post("/apis/events.k8s.io/v1/namespaces/trial/events", event)
    assert (
        said.status == 201 and said.body["note"] == "aborted by sre1" and said.body["apiVersion"] == "events.k8s.io/v1"
    )
    core = (await api.get("/api/v1/namespaces/trial/events?fieldSelector=involvedObject.name=pay")).body["items"]
    assert len(core) == 1
    assert core[0]["message"] == "aborted by sre1" and core[0]["involvedObject"]["kind"] == "Rollout"
    new = (await api.get("/apis/events.k8s.io/v1/events?fieldSelector=regarding.name=pay")).body["items"]
    assert new[0]["regarding"]["name"] == "pay" and "message" not in new[0]
