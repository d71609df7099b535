"""The world's object store keeps the rules of an API server."""

from __future__ import annotations

from typing import Any

import pytest

from cockpit.world.clock import WorldClock
from cockpit.world.contract import Change, Objects
from cockpit.world.status import Rejected
from cockpit.world.store import Store

EPOCH = 1_800_000_000.0


@pytest.fixture
def store() -> Store:
    return Store(WorldClock(EPOCH, speed=0), seed=7)


def pod(name: str, **metadata: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "app", "image": "shop/app:1", "ports": [{"containerPort": 80}]}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", **metadata},
        "spec": spec,
    }


def deployment(name: str = "web", **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    body = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "shop/app:1"}]}},
        **spec,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": body,
    }


def rollout(name: str = "pay") -> dict[str, Any]:
    obj = deployment(name, strategy={"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}})
    return {**obj, "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}


def owner(obj: dict[str, Any], *, block: bool = False) -> dict[str, Any]:
    reference = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "name": obj["metadata"]["name"]}
    return {**reference, "uid": obj["metadata"]["uid"], "controller": True, "blockOwnerDeletion": block}


def set_at(*path: str, value: Any) -> Any:
    def change(obj: dict[str, Any]) -> None:
        for key in path[:-1]:
            obj = obj.setdefault(key, {})
        obj[path[-1]] = value

    return change


def test_it_is_an_objects(store: Store) -> None:
    objects: Objects = store
    assert objects.get("pods", "shop", "absent") is None


def test_creation_stamps_metadata_and_defaults(store: Store) -> None:
    made = store.create({**pod("a"), "status": {"phase": "Running"}})
    assert made["metadata"]["creationTimestamp"] == "2027-01-15T08:00:00Z"
    assert len(made["metadata"]["uid"]) == 36
    assert made["status"]["phase"] == "Pending"  # a client cannot create a status
    assert made["spec"]["restartPolicy"] == "Always"
    assert made["spec"]["containers"][0]["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert made == store.get("pods", "shop", "a")


def test_uids_and_generated_names_come_from_the_seed() -> None:
    def made(seed: int) -> tuple[str, str]:
        obj = pod("x")
        del obj["metadata"]["name"]
        obj["metadata"]["generateName"] = "web-"
        metadata = Store(WorldClock(EPOCH, 0), seed).create(obj)["metadata"]
        return metadata["name"], metadata["uid"]

    assert made(1) == made(1) != made(2)
    assert made(1)[0].startswith("web-") and len(made(1)[0]) == 9


def test_what_is_returned_is_the_callers_own(store: Store) -> None:
    made = store.create(pod("a"))
    made["spec"]["nodeName"] = "stolen"
    store.select("pods")[0]["spec"]["nodeName"] = "stolen"
    assert "nodeName" not in (store.get("pods", "shop", "a") or {})["spec"]


def test_versions_are_global_and_a_no_op_makes_none(store: Store) -> None:
    first = store.create(pod("a"))
    second = store.create(rollout())
    assert int(second["metadata"]["resourceVersion"]) == int(first["metadata"]["resourceVersion"]) + 1
    version = store.version
    again = store.mutate("pods", "shop", "a", lambda obj: None)
    assert again == first and store.version == version


def test_generation_counts_spec_changes_only(store: Store) -> None:
    store.create(rollout())
    status = set_at("status", "phase", value="Paused")
    store.mutate("rollouts", "shop", "pay", status, subresource="status")
    store.mutate("rollouts", "shop", "pay", set_at("metadata", "labels", value={"a": "b"}))
    assert (store.get("rollouts", "shop", "pay") or {})["metadata"]["generation"] == 1
    changed = store.mutate("rollouts", "shop", "pay", set_at("spec", "paused", value=True)) or {}
    assert changed["metadata"]["generation"] == 2
    assert changed["status"] == {"phase": "Paused"}


def test_status_is_a_door_of_its_own(store: Store) -> None:
    store.create(rollout())

    def both(obj: dict[str, Any]) -> None:
        obj["status"] = {"abort": True}
        obj["spec"]["paused"] = True
        obj["metadata"]["annotations"] = {"x": "y"}

    through_status = store.mutate("rollouts", "shop", "pay", both, subresource="status") or {}
    assert through_status["status"] == {"abort": True}
    assert "paused" not in through_status["spec"] and "annotations" not in through_status["metadata"]
    through_main = store.mutate("rollouts", "shop", "pay", set_at("status", value={})) or {}
    assert through_main["status"] == {"abort": True}


def test_analysis_runs_carry_status_on_the_main_resource(store: Store) -> None:
    run = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": {"name": "r", "namespace": "shop"}}
    store.create({**run, "spec": {"metrics": []}})
    changed = store.mutate("analysisruns", "shop", "r", set_at("status", "phase", value="Running")) or {}
    assert changed["status"] == {"phase": "Running"}


def test_null_is_absent(store: Store) -> None:
    store.create(rollout())
    store.mutate(
        "rollouts", "shop", "pay", set_at("status", value={"a": 1, "pauseConditions": None}), subresource="status"
    )
    assert (store.get("rollouts", "shop", "pay") or {})["status"] == {"a": 1}


def test_select_and_owned(store: Store) -> None:
    parent = store.create(rollout())
    for index in range(3):
        store.create(pod(f"p{index}", labels={"n": str(index), "app": "pay"}, ownerReferences=[owner(parent)]))
    store.create(pod("stranger", labels={"app": "pay"}))
    assert [p["metadata"]["name"] for p in store.owned("pods", parent["metadata"]["uid"])] == ["p0", "p1", "p2"]
    assert [p["metadata"]["name"] for p in store.select("pods", "shop", {"n": "1"})] == ["p1"]
    assert store.select("pods", "elsewhere") == []
    store.mutate("pods", "shop", "p1", set_at("metadata", "ownerReferences", value=[]))
    assert len(store.owned("pods", parent["metadata"]["uid"])) == 2


def test_scheduled_pods_die_gracefully(store: Store) -> None:
    store.create(pod("a"))
    store.mutate("pods", "shop", "a", set_at("spec", "nodeName", value="node-1"))
    assert store.delete("pods", "shop", "a")
    dying = store.get("pods", "shop", "a") or {}
    assert dying["metadata"]["deletionGracePeriodSeconds"] == 30
    assert dying["metadata"]["deletionTimestamp"] == "2027-01-15T08:00:30Z"
    version = store.version
    assert store.delete("pods", "shop", "a") and store.version == version
    assert store.delete("pods", "shop", "a", grace=0)
    assert store.get("pods", "shop", "a") is None
    assert not store.delete("pods", "shop", "a")


def test_unscheduled_pods_go_at_once(store: Store) -> None:
    store.create(pod("a"))
    store.delete("pods", "shop", "a")
    assert store.get("pods", "shop", "a") is None


def test_finalizers_hold(store: Store) -> None:
    obj = rollout()
    obj["metadata"]["finalizers"] = ["example.com/hold"]
    store.create(obj)
    store.delete("rollouts", "shop", "pay")
    held = store.get("rollouts", "shop", "pay") or {}
    assert "deletionTimestamp" in held["metadata"] and held["metadata"]["generation"] == 2
    store.mutate("rollouts", "shop", "pay", set_at("metadata", "finalizers", value=[]))
    assert store.get("rollouts", "shop", "pay") is None


@pytest.mark.parametrize(("propagation", "survives"), [("Background", False), ("Orphan", True)])
def test_dependents_follow_their_owner(store: Store, propagation: Any, survives: bool) -> None:
    parent = store.create(rollout())
    child = store.create({**deployment("child"), "kind": "ReplicaSet"})
    store.mutate("replicasets", "shop", "child", set_at("metadata", "ownerReferences", value=[owner(parent)]))
    store.create(pod("leaf", ownerReferences=[owner(child)]))
    store.delete("rollouts", "shop", "pay", propagation=propagation)
    store.clock.advance(1)
    assert (store.get("pods", "shop", "leaf") is not None) == survives
    replica_set = store.get("replicasets", "shop", "child")
    assert (replica_set is not None) == survives
    if replica_set is not None:
        assert "ownerReferences" not in replica_set["metadata"]


def test_foreground_waits_for_blockers(store: Store) -> None:
    parent = store.create(rollout())
    store.create(pod("leaf", ownerReferences=[owner(parent, block=True)]))
    store.mutate("pods", "shop", "leaf", set_at("spec", "nodeName", value="node-1"))
    store.delete("rollouts", "shop", "pay", propagation="Foreground")
    store.clock.advance(1)
    assert store.get("rollouts", "shop", "pay") is not None
    assert "deletionTimestamp" in (store.get("pods", "shop", "leaf") or {})["metadata"]
    store.delete("pods", "shop", "leaf", grace=0)
    store.clock.advance(1)
    assert store.get("rollouts", "shop", "pay") is None


def test_a_dependent_of_nobody_is_collected(store: Store) -> None:
    parent = store.create(rollout())
    store.delete("rollouts", "shop", "pay")
    store.create(pod("late", ownerReferences=[owner(parent)]))
    store.clock.advance(1)
    assert store.get("pods", "shop", "late") is None


def test_a_namespace_empties_before_it_goes(store: Store) -> None:
    store.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    store.create(pod("a"))
    store.mutate("pods", "shop", "a", set_at("spec", "nodeName", value="node-1"))
    store.delete("namespaces", None, "shop")
    store.clock.advance(5)
    assert (store.get("namespaces", None, "shop") or {})["status"]["phase"] == "Terminating"
    store.delete("pods", "shop", "a", grace=0)
    store.clock.advance(5)
    assert store.get("namespaces", None, "shop") is None


def test_listeners_see_before_and_after(store: Store) -> None:
    seen: list[Change] = []
    store.subscribe(seen.append)
    store.create(rollout())
    store.mutate("rollouts", "shop", "pay", set_at("spec", "paused", value=True))
    store.delete("rollouts", "shop", "pay")
    assert [change.type for change in seen] == ["ADDED", "MODIFIED", "DELETED"]
    assert seen[0].old is None
    assert seen[1].old is not None and "paused" not in seen[1].old["spec"] and seen[1].object["spec"]["paused"]
    versions = [int(change.object["metadata"]["resourceVersion"]) for change in seen]
    assert versions == sorted(set(versions))


def test_history_has_a_floor(store: Store) -> None:
    start = store.version
    store.create(pod("a"))
    store.create(pod("b"))
    events = store.history("pods").since(start)
    assert events is not None and [event.name for event in events] == ["a", "b"]
    store.history("pods").compact(start + 1)
    assert store.history("pods").since(start) is None
    later = store.history("pods").since(start + 1)
    assert later is not None and [event.name for event in later] == ["b"]


def test_events_expire_after_an_hour(store: Store) -> None:
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "shop"}, "reason": "X"}
    store.create({**event, "involvedObject": {"kind": "Pod", "name": "a", "namespace": "shop"}})
    store.clock.advance(3500)
    assert store.get("events", "shop", "e") is not None
    store.clock.advance(300)
    assert store.get("events", "shop", "e") is None


def refused(store: Store, obj: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(Rejected) as caught:
        store.create(obj)
    return caught.value.body()


def test_refusals_read_like_the_real_servers(store: Store) -> None:
    body = refused(store, {**pod("Bad_Name")})
    assert body["code"] == 422 and body["reason"] == "Invalid"
    assert body["message"].startswith(
        'Pod "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase'
    )
    assert body["details"]["causes"][0]["field"] == "metadata.name"

    obj = deployment()
    obj["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    assert refused(store, obj)["message"] == (
        'Deployment.apps "web" is invalid: spec.template.metadata.labels: Invalid value: '
        'map[string]string{"app":"other"}: `selector` does not match template `labels`'
    )
    obj = deployment()
    obj["spec"]["template"]["spec"]["containers"] = [{"name": "app"}]
    assert refused(store, obj)["details"]["causes"][0]["field"] == "spec.template.spec.containers[0].image"

    store.create(deployment())
    assert refused(store, deployment())["message"] == 'deployments.apps "web" already exists'
    with pytest.raises(Rejected, match="field is immutable"):
        store.mutate(
            "deployments", "shop", "web", set_at("spec", "selector", value={"matchLabels": {"app": "web", "a": "b"}})
        )


def test_a_pods_spec_is_immutable_but_for_images(store: Store) -> None:
    store.create(pod("a"))

    def image(obj: dict[str, Any]) -> None:
        obj["spec"]["containers"][0]["image"] = "shop/app:2"

    assert store.mutate("pods", "shop", "a", image)
    with pytest.raises(Rejected, match="pod updates may not change fields"):
        store.mutate("pods", "shop", "a", set_at("spec", "hostNetwork", value=True))


def test_dry_run_stores_nothing(store: Store) -> None:
    version = store.version
    assert store.create(rollout(), dry_run=True)["metadata"]["uid"]
    assert store.version == version and store.get("rollouts", "shop", "pay") is None


def test_managed_fields_name_who_set_a_member_of_the_spec(store: Store) -> None:
    store.create(rollout(), manager="kubectl")
    paused = store.mutate("rollouts", "shop", "pay", set_at("spec", "paused", value=True), manager="sre2")
    assert paused is not None
    owners = {entry["manager"]: entry["fieldsV1"].get("f:spec", {}) for entry in paused["metadata"]["managedFields"]}
    assert owners["sre2"] == {"f:paused": {}}
    assert "f:strategy" in owners["kubectl"]
    taken = store.mutate("rollouts", "shop", "pay", set_at("spec", "paused", value=False), manager="ci")
    assert taken is not None
    owners = {entry["manager"]: entry["fieldsV1"] for entry in taken["metadata"]["managedFields"]}
    assert owners["ci"] == {"f:spec": {"f:paused": {}}}
    assert "sre2" not in owners
