"""What the cockpit reads of a cluster, on any cluster: the one that COCKPIT_TEST_KUBECONFIG names, else the world.

Nothing is written and nothing is tried. Budget: 15 s.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cockpit.base.errors import NotFound
from cockpit.cluster.api import Api
from cockpit.cluster.rights import Rights
from cockpit.cluster.rows import PodRow
from cockpit.cluster.stamps import split_stamp
from cockpit.judge import judge
from cockpit.live.live import Live
from cockpit.model.case import Policy
from cockpit.model.resource import CONFIGMAPS, DEPLOYMENTS, PODS, REPLICASETS, ROLLOUTS, Resource
from cockpit.model.right import Right
from cockpit.strategies import REGISTRY
from tests.contract.client_kit import DEADLINE, client
from tests.harness.world import WorldProcess


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if named := os.environ.get("COCKPIT_TEST_KUBECONFIG"):
        yield Path(named)
        return
    with WorldProcess(tmp_path_factory.mktemp("any") / "world") as world:
        yield world.kubeconfig


@pytest.fixture
async def api(kubeconfig: Path) -> AsyncIterator[Api]:
    async with client(kubeconfig) as (made, _, _):
        yield made


async def test_the_server_tells_its_version_and_time(kubeconfig: Path) -> None:
    async with client(kubeconfig) as (api, clock, _):
        assert (await api.version())["gitVersion"]
        assert clock.synced


async def test_pages_of_one_read_are_consistent(api: Api) -> None:
    pages = [page async for page in api.list_pages(PODS, None, PodRow, limit=5)]
    uids = [row.meta.uid for page in pages for row in page.rows]
    assert uids, "a cluster without a pod proves nothing here"
    assert len(set(uids)) == len(uids)
    assert sum(page.failures for page in pages) == 0
    assert len({page.resource_version for page in pages}) == 1


async def test_a_watch_goes_on_from_a_list_and_ends_in_time(api: Api) -> None:
    page = await api.list_page(PODS, None, PodRow, limit=0)
    version = page.resource_version
    async with (
        asyncio.timeout(DEADLINE),
        aclosing(api.watch(PODS, None, PodRow, resource_version=version, seconds=2)) as batches,
    ):
        kinds = {event.type for batch in [each async for each in batches] for event in batch}
    assert kinds <= {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"}


async def test_the_whole_picture_is_reached(kubeconfig: Path) -> None:
    async with client(kubeconfig) as (api, clock, credentials):
        live = Live(api, clock, REGISTRY, judge, Policy(), home=credentials.namespace)
        await live.start()
        try:
            snapshot = live.snapshot()
            async with asyncio.timeout(DEADLINE):
                while not live.synced or snapshot.sources["kubernetes"].state != "ok":
                    snapshot = await live.changed(snapshot.version)
            names = {
                (each["metadata"]["namespace"], each["metadata"]["name"]) for each in await api.objects(DEPLOYMENTS)
            }
            shown = {(key.namespace, key.name) for key in snapshot.rollouts if key.kind == "Deployment"}
            assert shown <= names  # one that a Rollout refers to is part of that
            assert msgspec.json.encode(list(snapshot.rollouts.values()))
        finally:
            await live.stop()


async def test_replicasets_are_found_by_their_owner(api: Api) -> None:
    for each in (await api.objects(DEPLOYMENTS))[:5]:
        metadata = each["metadata"]
        for found in await api.owned(REPLICASETS, metadata["namespace"], metadata["uid"]):
            assert found["metadata"]["namespace"] == metadata["namespace"]
            assert metadata["uid"] in [owner["uid"] for owner in found["metadata"]["ownerReferences"]]


async def test_metadata_comes_alone(api: Api) -> None:
    for each in await api.metadatas(CONFIGMAPS, limit=20):
        assert each["name"]
        assert not {"data", "binaryData"} & each.keys()


async def test_what_is_not_served_is_not_found(api: Api) -> None:
    nothing = Resource("rollout-cockpit.example", "v1", "nothings", "Nothing")
    assert await api.serves(nothing) is False
    assert await api.serves(DEPLOYMENTS) is True
    assert await api.serves(ROLLOUTS) in (True, False)
    with pytest.raises(NotFound):
        await api.get(PODS, "default", "no-such-pod-of-rollout-cockpit")


async def test_rights_are_reviewed(kubeconfig: Path) -> None:
    async with client(kubeconfig) as (api, clock, _):
        answer, _ = await Rights(api, clock).check(Right("list", PODS), "default")
        assert answer in ("allowed", "denied")


async def test_lines_of_a_log_are_stamped(api: Api) -> None:
    page = await api.list_page(PODS, None, PodRow, limit=0)
    running: list[Any] = [row for row in page.rows if row.status.phase == "Running"][:3]
    assert running, "a cluster without a running pod proves nothing here"
    for row in running:
        log = api.log_stream(
            row.meta.namespace, row.meta.name, container=row.spec.containers[0].name, follow=False, tail_lines=5
        )
        async with asyncio.timeout(DEADLINE), aclosing(log) as chunks:
            lines = b"".join([chunk async for chunk in chunks]).splitlines()
        assert len(lines) <= 5
        assert all(split_stamp(line)[0] is not None for line in lines)
