"""Rows, decoding and the store: what is kept of an object, odd objects, and which change is told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.base.errors import Unreachable
from cockpit.cluster.decode import decode_event, decode_list, decode_row, decode_status
from cockpit.cluster.rows import EventRow, Meta, OwnerRef, PodMeta, PodRow, ReplicaSetRow
from cockpit.cluster.store import Store, Stores
from cockpit.model.resource import DEPLOYMENTS, PODS, REPLICASETS, ROLLOUTS
from tests.harness.virtual_time import run

POD: dict[str, Any] = {
    "metadata": {
        "name": "web-1",
        "namespace": "shop",
        "uid": "u1",
        "resourceVersion": "7",
        "labels": {"app": "web", "rollouts-pod-template-hash": "abc"},
        "annotations": {"sidecar.istio.io/status": "x" * 2000, "kubernetes.io/change-cause": "v2"},
        "ownerReferences": [
            {"kind": "Thing", "name": "t", "uid": "t1"},
            {"kind": "ReplicaSet", "name": "web-abc", "uid": "r1", "controller": True},
        ],
        "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {}}}],
        "creationTimestamp": "2026-11-20T03:00:00Z",
    },
    "spec": {"nodeName": "n1", "containers": [{"name": "web", "image": "web:2", "env": [{"name": "A", "value": "b"}]}]},
    "status": {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "containerStatuses": [
            {
                "name": "web",
                "ready": True,
                "restartCount": 2,
                "imageID": "repo/web@sha256:" + "ab" * 32,
                "containerID": "containerd://c3",
                "state": {"running": {"startedAt": "2026-11-20T03:01:00Z"}},
                "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "containerID": "containerd://c2"}},
            }
        ],
    },
}


def test_a_pod_keeps_what_is_read_and_no_more() -> None:
    row, odd = decode_row(json.dumps(POD).encode(), PodRow)
    assert not odd
    assert row.meta.controller.uid == "r1"
    assert row.meta.annotations == {"kubernetes.io/change-cause": "v2"}
    status = row.status.container_statuses[0]
    assert status.image_id.endswith("ab" * 32)
    assert status.last_state.terminated.exit_code == 137
    assert status.last_state.terminated.container_id == "containerd://c2"
    assert row.status.pod_ip == "10.0.0.1"


def test_long_annotations_go_and_short_ones_stay() -> None:
    body = {"metadata": {"name": "r", "annotations": {"long": "x" * 600, "rollout.argoproj.io/revision": "4"}}}
    row, _ = decode_row(json.dumps(body).encode(), ReplicaSetRow)
    assert row.meta.annotations == {"rollout.argoproj.io/revision": "4"}


def test_nulls_and_wrong_types_cost_only_themselves() -> None:
    odd_pod = json.loads(json.dumps(POD))
    odd_pod["metadata"]["labels"] = None
    odd_pod["metadata"]["generation"] = "seven"
    odd_pod["spec"]["containers"][0]["image"] = 12
    odd_pod["status"]["conditions"] = "nonsense"
    odd_pod["status"]["containerStatuses"].append("nonsense")
    odd_pod["status"]["containerStatuses"][0]["restartCount"] = "many"
    row, odd = decode_row(json.dumps(odd_pod).encode(), PodRow)
    assert odd
    assert row.meta.name == "web-1"
    assert row.meta.labels == {}
    assert row.spec.containers[0].name == "web"
    assert [status.name for status in row.status.container_statuses] == ["web"]
    assert row.status.container_statuses[0].restart_count == 0
    assert row.status.container_statuses[0].state.running is not None


def test_one_odd_item_leaves_the_rest_of_its_list_alone() -> None:
    items = [POD, {"metadata": {"name": 5}}, {**POD, "status": "broken"}]
    body = json.dumps({"metadata": {"resourceVersion": "90", "continue": "tok"}, "items": items}).encode()
    page = decode_list(body, PodRow)
    assert (page.resource_version, page.continue_, page.failures) == ("90", "tok", 2)
    assert [row.meta.name for row in page.rows] == ["web-1", "web-1"]
    assert decode_list(b'{"metadata":{"resourceVersion":"3"},"items":null}', PodRow).rows == []


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["metadata", "spec", "status"]), st.data())
def test_no_shape_of_an_object_raises(part: str, data: st.DataObject) -> None:
    member = data.draw(st.sampled_from([*POD[part]]))
    body = {**POD, part: {**POD[part], member: data.draw(JSONISH)}}
    row, _ = decode_row(json.dumps(body).encode(), PodRow)
    assert row is None or row.meta.name


@pytest.mark.parametrize("body", [b"<html>502</html>", b"", b"[]", b'{"items":', b'{"items":{}}'])
def test_what_is_no_list_is_unreachable(body: bytes) -> None:
    with pytest.raises(Unreachable):
        decode_list(body, PodRow)


def test_watch_lines() -> None:
    event = decode_event(json.dumps({"type": "MODIFIED", "object": POD}).encode(), PodRow)
    assert (event.type, event.resource_version, event.row.meta.uid) == ("MODIFIED", "7", "u1")
    mark = decode_event(b'{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"77"}}}', PodRow)
    assert (mark.type, mark.resource_version, mark.row) == ("BOOKMARK", "77", None)
    gone = decode_event(b'{"type":"ERROR","object":{"code":410,"reason":"Expired","message":"too old"}}', PodRow)
    assert (gone.code, gone.reason) == (410, "Expired")
    bare = decode_event(b'{"type":"ERROR","object":{}}', PodRow)
    assert (bare.type, bare.code) == ("ERROR", 0)
    busy = decode_event(b'{"type":"ERROR","object":{"code":429,"details":{"retryAfterSeconds":9}}}', PodRow)
    assert busy.retry_after == 9
    for junk in (b"<html>", b'{"type":"SURPRISE","object":{}}', b"[1]"):
        with pytest.raises(Unreachable):
            decode_event(junk, PodRow)


def test_statuses_of_any_body() -> None:
    assert decode_status(b'{"message":"no","code":403,"reason":"Forbidden"}').message == "no"
    assert decode_status(b"<html>\xff").message == ""


def test_newer_and_older_event_shapes() -> None:
    row, _ = decode_row(b'{"metadata":{"name":"e"},"series":{"count":4,"lastObservedTime":"x"},"count":null}', EventRow)
    assert row.series.count == 4


def meta_pod(name: str, rv: str = "1", uid: str = "", owner: str = "", namespace: str = "shop") -> PodRow:
    owners = (OwnerRef(kind="ReplicaSet", name="rs", uid=owner, controller=True),) if owner else ()
    return PodRow(
        meta=PodMeta(
            name=name, namespace=namespace, uid=uid or f"u-{name}", resource_version=rv, owner_references=owners
        )
    )


def test_the_store_indexes_by_owner_and_uid_through_changes() -> None:
    store = Store(PODS)
    store.upsert(meta_pod("a", owner="r1"))
    store.upsert(meta_pod("b", owner="r1"))
    assert [row.meta.name for row in store.owned("r1")] == ["a", "b"]
    store.upsert(meta_pod("a", "2", owner="r2"))
    assert [row.meta.name for row in store.owned("r1")] == ["b"]
    assert [row.meta.name for row in store.owned("r2")] == ["a"]
    store.upsert(meta_pod("a", "3", uid="new"))
    assert store.owned("r2") == ()
    assert store.by_uid("u-a") is None
    assert store.by_uid("new") is not None
    store.delete(meta_pod("a", "4", uid="u-a"))
    assert store.get("shop", "a") is not None, "the deletion of an earlier object of that name"
    store.delete(meta_pod("b"))
    assert store.owned("r1") == ()
    assert len(store) == 1


def test_waiting_for_a_row_to_change() -> None:
    async def main() -> None:
        store = Store(PODS)
        store.upsert(first := meta_pod("a"))
        waits = [asyncio.create_task(store.wait("shop", "a", first)) for _ in range(3)]
        await asyncio.sleep(1)
        waits.pop().cancel()
        await asyncio.sleep(0)
        assert not any(task.done() for task in waits)
        store.upsert(second := meta_pod("a", "2"))
        assert [await task for task in waits] == [second, second]
        gone = asyncio.create_task(store.wait("shop", "a", second))
        await asyncio.sleep(0)
        store.delete(second)
        assert await gone is None
        assert store._waiters == {}

    run(main())


def test_references_are_found_backwards_and_forgotten() -> None:
    stores = Stores()
    stores.of(ROLLOUTS).upsert(meta_pod("web"))
    stores.of(ROLLOUTS).upsert(meta_pod("api"))
    target = (DEPLOYMENTS, "shop", "legacy")
    stores.refer((ROLLOUTS, "shop", "web"), [target])
    stores.refer((ROLLOUTS, "shop", "api"), [target])
    assert [row.meta.name for row in stores.referrers(*target)] == ["web", "api"]
    assert stores.refer((ROLLOUTS, "shop", "web"), []) == (target,)
    assert [row.meta.name for row in stores.referrers(*target)] == ["api"]
    stores.of(ROLLOUTS).delete(meta_pod("api"))
    assert stores.referrers(*target) == ()
    assert not stores.known(REPLICASETS)
    assert stores.find("nobody") is None


def test_a_row_shares_its_words() -> None:
    rows = [decode_row(json.dumps(POD).encode(), PodRow)[0] for _ in range(2)]
    assert rows[0].meta.namespace is rows[1].meta.namespace
    assert rows[0].meta.labels["app"] is rows[1].meta.labels["app"]
    assert rows[0].status.container_statuses[0].image_id is rows[1].status.container_statuses[0].image_id
    assert Meta().controller is None
