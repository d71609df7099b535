"""The world's API: pod logs, from a telemetry made for the test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from cockpit.world.contract import Object
from tests.contract.world_client import EPOCH, PODS, Client, pod


class EverySecond:
    """A line per second of each instance, on the half second; ``starts`` of the current and the previous life."""

    def __init__(self) -> None:
        self.starts = [EPOCH]
        self.ends: dict[float, float] = {}

    def log_lines(
        self, pod: Object, container: str, *, previous: bool, since: float | None, until: float
    ) -> Iterator[tuple[float, bytes]]:
        start = self.starts[-2 if previous else -1]
        until = min(until, self.ends.get(start, until))
        for index in range(int(until - start) + 1):
            at = start + index + 0.5
            if at < until and (since is None or at >= since):
                yield at, f"{container} {index}".encode()


def running(at: str = "2027-01-15T08:00:00Z", **more: Any) -> dict[str, Any]:
    return {"name": "app", "ready": True, "restartCount": 0, "state": {"running": {"startedAt": at}}, **more}


def put_status(bare: Client, *statuses: dict[str, Any]) -> None:
    def change(obj: dict[str, Any]) -> None:
        obj["status"]["containerStatuses"] = list(statuses)

    bare.world.store.mutate("pods", "trial", "p", change, subresource="status")


@pytest.fixture
def telemetry(bare: Client) -> EverySecond:
    """A pod ``p`` that runs on a node (without a kubelet), and its lines."""
    made = EverySecond()
    bare.world.telemetry = made
    obj = pod(namespace="trial")
    obj["spec"]["nodeName"] = "elsewhere"
    bare.world.store.create(obj)
    put_status(bare, running())
    return made


async def advance(bare: Client, seconds: float) -> None:
    await bare.control("POST", "/clock/advance", {"seconds": seconds})


READS = [
    ("", ["app 0", "app 1", "app 2", "app 3", "app 4"]),
    ("tailLines=2", ["app 3", "app 4"]),
    ("tailLines=0", []),
    ("sinceSeconds=2", ["app 3", "app 4"]),
    ("sinceTime=2027-01-15T08:00:03Z", ["app 3", "app 4"]),
    ("sinceTime=2027-01-15T08:00:03.9Z", ["app 3", "app 4"]),  # cut to whole seconds
    ("limitBytes=8", ["app 0", "ap"]),
    ("container=app&tailLines=1&timestamps=true", ["2027-01-15T08:00:04.5Z app 4"]),
]


@pytest.mark.parametrize(("query", "lines"), READS, ids=[case[0] or "all" for case in READS])
async def test_reading(bare: Client, telemetry: EverySecond, query: str, lines: list[str]) -> None:
    await advance(bare, 5)
    said = await bare.get(f"{PODS}/p/log?{query}")
    assert said.status == 200 and said.headers["Content-Type"].startswith("text/plain")
    assert str(said.body).split("\n") == [*lines[:-1], lines[-1], ""] if lines and "limit" not in query else True
    assert str(said.body).splitlines() == lines


REFUSED = [
    ("container=other", 400, "container other is not valid for pod p"),
    ("previous=true", 400, 'previous terminated container "app" in pod "p" not found'),
    ("tailLines=-1", 422, "tailLines: Invalid value: -1: must be greater than or equal to 0"),
    ("sinceSeconds=0", 422, "sinceSeconds: Invalid value: 0: must be greater than 0"),
    ("sinceSeconds=1&sinceTime=2027-01-15T08:00:03Z", 422, "at most one of `sinceTime` or `sinceSeconds`"),
    ("sinceTime=yesterday", 400, 'parsing time "yesterday"'),
]


@pytest.mark.parametrize(("query", "code", "words"), REFUSED, ids=[case[0] for case in REFUSED])
async def test_refusals(bare: Client, telemetry: EverySecond, query: str, code: int, words: str) -> None:
    said = await bare.get(f"{PODS}/p/log?{query}")
    assert said.status == code and words in said.body["message"]


async def test_which_container(bare: Client, telemetry: EverySecond) -> None:
    obj = pod("two", namespace="trial")
    obj["spec"]["containers"].append({"name": "side", "image": "x"})
    obj["spec"]["initContainers"] = [{"name": "init", "image": "x"}]
    bare.world.store.create(obj)
    said = await bare.get(f"{PODS}/two/log")
    assert said.status == 400 and said.body["message"] == (
        "a container name must be specified for pod two, choose one of: [app side] "
        "or one of the init containers: [init]"
    )
    assert (await bare.get(f"{PODS}/absent/log")).status == 404


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("ContainerCreating", "is waiting to start: ContainerCreating"),
        ("ImagePullBackOff", "is waiting to start: trying and failing to pull image"),
        ("ErrImagePull", "is waiting to start: image can't be pulled"),
    ],
)
async def test_waiting_containers_have_no_log(bare: Client, telemetry: EverySecond, reason: str, words: str) -> None:
    put_status(bare, {"name": "app", "state": {"waiting": {"reason": reason}}})
    said = await bare.get(f"{PODS}/p/log")
    assert said.status == 400 and said.body["message"] == f'container "app" in pod "p" {words}'


async def line(stream: aiohttp.StreamReader) -> str:
    async with asyncio.timeout(20):
        return (await stream.readline()).decode().rstrip("\n")


async def test_following_moves_with_virtual_time(bare: Client, telemetry: EverySecond) -> None:
    await advance(bare, 2)
    async with bare.stream(f"{PODS}/p/log?follow=true&tailLines=1") as stream:
        assert await line(stream) == "app 1"
        await advance(bare, 2)
        assert [await line(stream) for _ in range(2)] == ["app 2", "app 3"]
        await advance(bare, 30)
        assert [await line(stream) for _ in range(30)] == [f"app {number}" for number in range(4, 34)]


async def test_following_ends_with_the_instance_and_loses_nothing(bare: Client, telemetry: EverySecond) -> None:
    """The container ends and is started again while time makes one large step."""

    def crash() -> None:
        telemetry.ends[EPOCH] = EPOCH + 3
        telemetry.starts.append(EPOCH + 4)
        ended = {
            "terminated": {"exitCode": 1, "startedAt": "2027-01-15T08:00:00Z", "finishedAt": "2027-01-15T08:00:03Z"}
        }
        put_status(bare, running("2027-01-15T08:00:04Z", lastState=ended, restartCount=1))

    async with bare.stream(f"{PODS}/p/log?follow=true") as stream:
        bare.world.clock.call_later(3, crash)
        await advance(bare, 60)
        assert [await line(stream) for _ in range(4)] == ["app 0", "app 1", "app 2", ""]
        assert stream.at_eof()
    previous = await bare.get(f"{PODS}/p/log?previous=true")
    assert str(previous.body).splitlines() == ["app 0", "app 1", "app 2"]
    assert str((await bare.get(f"{PODS}/p/log?tailLines=1")).body) == "app 55\n"


async def test_following_ends_when_the_pod_is_gone(bare: Client, telemetry: EverySecond) -> None:
    async with bare.stream(f"{PODS}/p/log?follow=true") as stream:
        await advance(bare, 2)
        assert [await line(stream) for _ in range(2)] == ["app 0", "app 1"]
        await bare.call("DELETE", f"{PODS}/p?gracePeriodSeconds=0")
        await advance(bare, 0)
        assert await line(stream) == "" and stream.at_eof()


async def test_each_line_may_be_a_chunk(bare: Client, telemetry: EverySecond) -> None:
    await bare.control("POST", "/streams/chunks", {"line_per_chunk": True})
    async with bare.stream(f"{PODS}/p/log?follow=true") as stream:
        await advance(bare, 3)
        async with asyncio.timeout(20):
            chunks = [(await stream.readchunk())[0] for _ in range(3)]
    assert chunks == [b"app 0\n", b"app 1\n", b"app 2\n"]
