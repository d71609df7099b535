"""The world's API: lists, pages, versions, watches, bookmarks, expiry, tables and discovery."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.contract.world_client import MERGE_PATCH, PODS, ROLLOUTS, Client, event, pod, rollout

CONFIGMAPS = "/api/v1/namespaces/trial/configmaps"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


async def fill(api: Client, count: int = 5) -> None:
    for index in range(count):
        await api.post(CONFIGMAPS, {"metadata": {"name": f"c{index}", "labels": {"even": str(index % 2 == 0)}}})


def names(body: dict[str, Any]) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


async def test_pages_are_one_snapshot(api: Client) -> None:
    await fill(api)
    first = (await api.get(f"{CONFIGMAPS}?limit=2")).body
    assert names(first) == ["c0", "c1"] and first["metadata"]["remainingItemCount"] == 3
    await api.call("DELETE", f"{CONFIGMAPS}/c3")
    await api.post(CONFIGMAPS, {"metadata": {"name": "c9"}})
    await api.patch(f"{CONFIGMAPS}/c2", {"data": {"a": "b"}}, MERGE_PATCH)
    second = (await api.get(f"{CONFIGMAPS}?limit=2&continue={first['metadata']['continue']}")).body
    assert names(second) == ["c2", "c3"] and "data" not in second["items"][0]
    third = (await api.get(f"{CONFIGMAPS}?limit=2&continue={second['metadata']['continue']}")).body
    assert names(third) == ["c4"] and "continue" not in third["metadata"]
    versions = {page["metadata"]["resourceVersion"] for page in (first, second, third)}
    assert len(versions) == 1
    assert names((await api.get(CONFIGMAPS)).body) == ["c0", "c1", "c2", "c4", "c9"]


async def test_an_expired_page_offers_the_rest(api: Client) -> None:
    await fill(api)
    token = (await api.get(f"{CONFIGMAPS}?limit=2")).body["metadata"]["continue"]
    await api.post(CONFIGMAPS, {"metadata": {"name": "c9"}})
    await api.control("POST", "/compact", {"plural": "configmaps"})
    said = await api.get(f"{CONFIGMAPS}?limit=2&continue={token}")
    assert (said.status, said.body["reason"]) == (410, "Expired")
    rest = await api.get(f"{CONFIGMAPS}?continue={said.body['metadata']['continue']}")
    assert names(rest.body) == ["c2", "c3", "c4", "c9"]
    assert (await api.get(f"{CONFIGMAPS}?limit=2&continue=junk")).status == 400


async def test_what_a_version_means(api: Client) -> None:
    await fill(api, 1)
    past = (await api.get(CONFIGMAPS)).body["metadata"]["resourceVersion"]
    await api.call("DELETE", f"{CONFIGMAPS}/c0")
    exact = await api.get(f"{CONFIGMAPS}?resourceVersion={past}&resourceVersionMatch=Exact")
    assert names(exact.body) == ["c0"] and exact.body["metadata"]["resourceVersion"] == past
    assert names((await api.get(f"{CONFIGMAPS}?resourceVersion={past}")).body) == []
    assert names((await api.get(f"{CONFIGMAPS}?resourceVersion=0")).body) == []
    future = await api.get(f"{CONFIGMAPS}?resourceVersion=999999&resourceVersionMatch=NotOlderThan")
    assert (future.status, future.body["reason"]) == (504, "Timeout")
    assert future.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert (await api.get(f"{CONFIGMAPS}?resourceVersionMatch=Exact")).status == 422
    await api.control("POST", "/compact")
    gone = await api.get(f"{CONFIGMAPS}?resourceVersion={past}&resourceVersionMatch=Exact")
    assert gone.status == 410


async def test_selectors(api: Client) -> None:
    await fill(api)
    assert names((await api.get(f"{CONFIGMAPS}?labelSelector=even%3DTrue")).body) == ["c0", "c2", "c4"]
    assert names((await api.get(f"{CONFIGMAPS}?fieldSelector=metadata.name%3Dc3")).body) == ["c3"]
    assert (await api.get(f"{CONFIGMAPS}?labelSelector=a%20b")).status == 400
    said = await api.get(f"{CONFIGMAPS}?fieldSelector=data%3Dx")
    assert said.status == 400 and "field label not supported: data" in said.body["message"]
    page = (await api.get(f"{CONFIGMAPS}?labelSelector=even&limit=2")).body
    assert names(page) == ["c0", "c1"] and "remainingItemCount" not in page["metadata"]


async def test_watch_resumes_without_loss(api: Client) -> None:
    start = (await api.get(ROLLOUTS)).body["metadata"]["resourceVersion"]
    await api.post(ROLLOUTS, rollout())
    async with api.stream(f"{ROLLOUTS}?watch=1&resourceVersion={start}") as stream:
        added = await event(stream)
        assert added["type"] == "ADDED" and added["object"]["metadata"]["name"] == "pay"
        await api.patch(f"{ROLLOUTS}/pay", {"spec": {"paused": True}}, MERGE_PATCH)
        changed = await event(stream)
        assert changed["type"] == "MODIFIED" and changed["object"]["spec"]["paused"] is True
        await api.call("DELETE", f"{ROLLOUTS}/pay")
        gone = await event(stream)
        assert gone["type"] == "DELETED"
        assert int(gone["object"]["metadata"]["resourceVersion"]) > int(
            changed["object"]["metadata"]["resourceVersion"]
        )
    async with api.stream(f"{ROLLOUTS}?watch=1&resourceVersion={start}") as stream:
        assert [(await event(stream))["type"] for _ in range(3)] == ["ADDED", "MODIFIED", "DELETED"]


async def test_a_selector_turns_changes_into_comings_and_goings(api: Client) -> None:
    start = api.world.store.version
    await api.post(CONFIGMAPS, {"metadata": {"name": "c", "labels": {"on": "no"}}})
    async with api.stream(f"{CONFIGMAPS}?watch=true&resourceVersion={start}&labelSelector=on%3Dyes") as stream:
        await api.patch(f"{CONFIGMAPS}/c", {"metadata": {"labels": {"on": "yes"}}}, MERGE_PATCH)
        assert (await event(stream))["type"] == "ADDED"
        await api.patch(f"{CONFIGMAPS}/c", {"data": {"a": "b"}}, MERGE_PATCH)
        assert (await event(stream))["type"] == "MODIFIED"
        left = (await api.patch(f"{CONFIGMAPS}/c", {"metadata": {"labels": {"on": "no"}}}, MERGE_PATCH)).body
        gone = await event(stream)
        assert gone["type"] == "DELETED"
        # as it last was in the selection, at the version of the event
        assert gone["object"]["metadata"]["labels"] == {"on": "yes"}
        assert gone["object"]["metadata"]["resourceVersion"] == left["metadata"]["resourceVersion"]


async def test_a_watch_of_too_old_a_version_expires_in_the_stream(api: Client) -> None:
    start = api.world.store.version
    await fill(api, 2)
    await api.control("POST", "/compact", {"plural": "configmaps"})
    async with api.stream(f"{CONFIGMAPS}?watch=1&resourceVersion={start}") as stream:
        said = await event(stream)
        assert said["type"] == "ERROR"
        assert (said["object"]["code"], said["object"]["reason"]) == (410, "Expired")
        assert await stream.readline() == b""


async def test_initial_events_end_with_a_bookmark(api: Client) -> None:
    await fill(api, 2)
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    async with api.stream(f"{CONFIGMAPS}?{query}") as stream:
        assert [(await event(stream))["type"] for _ in range(2)] == ["ADDED", "ADDED"]
        mark = await event(stream)
        assert mark["type"] == "BOOKMARK"
        assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert mark["object"]["metadata"]["resourceVersion"] == str(api.world.store.version)
        await api.post(CONFIGMAPS, {"metadata": {"name": "late"}})
        assert (await event(stream))["object"]["metadata"]["name"] == "late"
    assert (await api.get(f"{CONFIGMAPS}?watch=1&sendInitialEvents=true")).status == 422
    query = "watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan"
    async with api.stream(f"{CONFIGMAPS}?{query}") as stream:
        await api.post(CONFIGMAPS, {"metadata": {"name": "later"}})
        assert (await event(stream))["object"]["metadata"]["name"] == "later"


async def test_a_watch_without_version_starts_with_what_is_there(api: Client) -> None:
    await fill(api, 2)
    async with api.stream(f"{CONFIGMAPS}?watch=1") as stream:
        assert [(await event(stream))["object"]["metadata"]["name"] for _ in range(2)] == ["c0", "c1"]


async def test_a_watch_ends_with_its_time_and_a_bookmark(api: Client) -> None:
    start = api.world.store.version
    async with api.stream(
        f"{CONFIGMAPS}?watch=1&resourceVersion={start}&timeoutSeconds=1&allowWatchBookmarks=1"
    ) as stream:
        mark = await event(stream)
        assert mark["type"] == "BOOKMARK" and mark["object"]["kind"] == "ConfigMap"
        assert await stream.readline() == b""
    assert api.world.api.streams.select() == []


async def test_a_client_that_goes_away_leaves_no_stream(api: Client) -> None:
    async with api.stream(f"{CONFIGMAPS}?watch=1&resourceVersion={api.world.store.version}"):
        assert len(api.world.api.streams.select("watch", "configmaps", "admin")) == 1
    async with asyncio.timeout(20):
        while api.world.api.streams.select():
            await asyncio.sleep(0.01)


async def test_watches_of_all_namespaces_and_of_one(api: Client) -> None:
    start = api.world.store.version
    other = "/api/v1/namespaces/default/configmaps"
    async with api.stream(f"/api/v1/configmaps?watch=1&resourceVersion={start}") as everywhere:
        async with api.stream(f"{CONFIGMAPS}?watch=1&resourceVersion={start}") as here:
            await api.post(other, {"metadata": {"name": "elsewhere"}})
            await api.post(CONFIGMAPS, {"metadata": {"name": "here"}})
            assert (await event(here))["object"]["metadata"]["name"] == "here"
        assert [(await event(everywhere))["object"]["metadata"]["name"] for _ in range(2)] == ["elsewhere", "here"]


async def test_tables(api: Client) -> None:
    await api.post(ROLLOUTS, rollout())
    await api.control("POST", "/clock/advance", {"seconds": 300})
    table = (await api.get(ROLLOUTS, headers=TABLE)).body
    assert table["kind"] == "Table"
    columns = [column["name"] for column in table["columnDefinitions"]]
    assert columns == ["Name", "Desired", "Current", "Up-to-date", "Available", "Age"]
    assert table["rows"][0]["cells"][:2] == ["pay", 2] and table["rows"][0]["cells"][-1] == "5m"
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    async with api.stream(f"{ROLLOUTS}?watch=1", headers=TABLE) as stream:
        first = (await event(stream))["object"]
        assert first["kind"] == "Table" and first["columnDefinitions"] and first["rows"][0]["cells"][0] == "pay"
        await api.patch(f"{ROLLOUTS}/pay", {"spec": {"replicas": 3}}, MERGE_PATCH)
        second = (await event(stream))["object"]
        assert second["columnDefinitions"] is None and second["rows"][0]["cells"][1] == 3


async def test_metadata_only(api: Client) -> None:
    await fill(api, 1)
    accept = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    body = (await api.get(CONFIGMAPS, headers=accept)).body
    assert body["kind"] == "PartialObjectMetadataList" and set(body["items"][0]) == {"kind", "apiVersion", "metadata"}
    assert (await api.get(CONFIGMAPS, headers={"Accept": "text/xml"})).status == 406


async def test_discovery(api: Client) -> None:
    assert (await api.get("/version")).body["gitVersion"] == "v1.32.4"
    assert (await api.get("/api")).body["versions"] == ["v1"]
    groups = {group["name"]: group for group in (await api.get("/apis")).body["groups"]}
    assert groups["argoproj.io"]["preferredVersion"]["groupVersion"] == "argoproj.io/v1alpha1"
    resources = {r["name"]: r for r in (await api.get("/apis/argoproj.io/v1alpha1")).body["resources"]}
    assert resources["rollouts"]["shortNames"] == ["ro"]
    assert resources["rollouts/scale"]["group"] == "autoscaling"
    assert "analysisruns/status" not in resources
    accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"}
    said = await api.get("/apis", headers=accept)
    assert said.headers["Content-Type"].startswith("application/json;g=apidiscovery.k8s.io")
    argo = next(item for item in said.body["items"] if item["metadata"]["name"] == "argoproj.io")
    rollouts = next(r for r in argo["versions"][0]["resources"] if r["resource"] == "rollouts")
    assert {sub["subresource"] for sub in rollouts["subresources"]} == {"status", "scale"}
    crds = (await api.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")).body
    assert "rollouts.argoproj.io" in names(crds)
    assert (await api.get("/readyz")).body == "ok"
    assert (await api.get("/nothing")).status == 404


@pytest.mark.parametrize("path", ["/openapi/v2", "/openapi/v3", "/openapi/v3/apis/apps/v1", "/swagger-2.0.0.pb-v1"])
async def test_openapi_is_served(api: Client, path: str) -> None:
    said = await api.get(path)
    assert said.status == 200
    assert "@" not in said.headers["Content-Type"]  # older clients cannot parse the real type


async def test_pod_rows_count_restarts(api: Client) -> None:
    await api.post(PODS, pod())

    def crashed(obj: dict[str, Any]) -> None:
        last = {"terminated": {"exitCode": 1, "finishedAt": "2027-01-15T08:00:00Z"}}
        state = {"waiting": {"reason": "CrashLoopBackOff"}}
        obj["status"]["containerStatuses"] = [{"name": "app", "restartCount": 3, "state": state, "lastState": last}]

    api.world.store.mutate("pods", "trial", "p", crashed, subresource="status")
    row = (await api.get(PODS, headers=TABLE)).body["rows"][0]["cells"]
    assert row[:4] == ["p", "0/1", "CrashLoopBackOff", "3 (0s ago)"]
