"""The world's control endpoint: faults, streams, ledger, truth and awaited states."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.contract.world_client import MERGE_PATCH, ROLLOUTS, Client, event, rollout

PAUSE = {"spec": {"paused": True}}


async def fault(api: Client, **rule: Any) -> None:
    said = await api.control("POST", "/faults", rule)
    assert said.status == 200, said.body


async def test_the_token_is_needed(api: Client) -> None:
    base = api.ready.control.partition("/?token=")[0]
    async with api.session.get(f"{base}/clock") as response:
        assert response.status == 401
    async with api.session.get(f"{api.ready.control.replace('/?', '/clock?')}") as response:
        assert response.status == 200


async def test_canned_answers_are_counted(api: Client) -> None:
    await fault(api, path="/rollouts", method="GET", status=503, times=2)
    assert [(await api.get(ROLLOUTS)).status for _ in range(3)] == [503, 503, 200]
    await api.control("DELETE", "/faults")
    await fault(api, html=True, path="rollouts")
    said = await api.get(ROLLOUTS)
    assert said.status == 502 and "<html>" in said.body and said.headers["Content-Type"].startswith("text/html")
    await api.control("DELETE", "/faults")
    await fault(api, retry_after=7)
    said = await api.get(ROLLOUTS)
    assert said.status == 429 and said.headers["Retry-After"] == "7"
    await api.control("DELETE", "/faults")
    await fault(api, status=410, skip=1)
    assert [(await api.get(ROLLOUTS)).status for _ in range(2)] == [200, 410]
    await api.control("DELETE", "/faults")
    await fault(api, status=200, body={"kind": "List"}, user="jane")
    assert (await api.get(ROLLOUTS)).body["kind"] == "RolloutList"


async def test_answers_can_be_lost_before_and_after_the_deed(api: Client) -> None:
    await api.post(ROLLOUTS, rollout())
    for moment, paused in (("before", None), ("after", True)):
        await fault(api, method="PATCH", drop=moment, times=1)
        with pytest.raises(aiohttp.ClientError):
            await api.patch(f"{ROLLOUTS}/pay", PAUSE, MERGE_PATCH)
        truth = (await api.control("GET", "/truth/rollouts/trial/pay")).body
        assert truth["spec"].get("paused") is paused
    ledger = (await api.control("GET", "/ledger", method="PATCH")).body
    assert [entry.get("status", 0) for entry in ledger] == [0, 0]


async def test_bodies_can_be_cut_and_answers_withheld(api: Client) -> None:
    await fault(api, method="GET", path="rollouts", cut=10, times=1)
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.get(ROLLOUTS)
    await fault(api, method="GET", path="rollouts", hang=True, times=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await api.get(ROLLOUTS)
    assert (await api.get(ROLLOUTS)).status == 200


async def test_streams_can_be_ended_broken_and_polluted(api: Client) -> None:
    path = f"{ROLLOUTS}?watch=1&resourceVersion={api.world.store.version}"
    async with api.stream(path) as stream:
        await api.control(
            "POST", "/streams/inject", {"plural": "rollouts", "error": {"code": 500, "reason": "Internal"}}
        )
        said = await event(stream)
        assert said == {"type": "ERROR", "object": {"code": 500, "reason": "Internal"}}
        await api.control("POST", "/streams/inject", {"text": "not json\n"})
        assert await stream.readline() == b"not json\n"
        assert (await api.control("POST", "/streams/close", {"kind": "watch"})).body == {"closed": 1}
        assert await stream.readline() == b""
    async with api.stream(path) as stream:
        await api.control("POST", "/streams/close", {"abort": True})
        with pytest.raises(aiohttp.ClientError):
            await stream.readline()
    await fault(api, path="rollouts", query="watch=1", cut=30)
    async with api.stream(path) as stream:
        await api.post(ROLLOUTS, rollout())
        with pytest.raises(aiohttp.ClientError):
            await stream.readline()
            await stream.readline()


async def test_the_ledger_proves_what_was_sent(api: Client) -> None:
    after = api.world.api.ledger.seq
    await api.post(ROLLOUTS, rollout())
    await api.control("POST", "/clock/advance", {"seconds": 10})
    await api.patch(f"{ROLLOUTS}/pay?fieldManager=me", PAUSE, MERGE_PATCH)
    await api.get(ROLLOUTS)
    entries = (await api.control("GET", "/ledger", after=str(after))).body
    assert [entry["method"] for entry in entries] == ["POST", "PATCH", "GET"]
    patch = entries[1]
    assert (patch["path"], patch["query"], patch["body"]) == (f"{ROLLOUTS}/pay", "fieldManager=me", PAUSE)
    assert (patch["user"], patch["agent"], patch["status"]) == ("admin", "tester/1.0", 200)
    assert patch["content_type"] == MERGE_PATCH
    assert patch["time"] == entries[0]["time"] + 10
    writes = (await api.control("GET", "/ledger", since=str(patch["time"]), method="PATCH,POST")).body
    assert [entry["seq"] for entry in writes] == [patch["seq"]]


async def test_states_are_awaited(api: Client) -> None:
    query = {
        "plural": "rollouts",
        "namespace": "trial",
        "name": "pay",
        "path": "spec.strategy.canary.steps.0.setWeight",
    }
    waiting = asyncio.create_task(api.control("GET", "/await", **query, value="50"))
    await api.post(ROLLOUTS, rollout())
    async with asyncio.timeout(20):
        assert (await waiting).body["metadata"]["name"] == "pay"
    late = await api.control("GET", "/await", **{**query, "path": "spec.paused"}, value="true", timeout="0.05")
    assert late.status == 408 and late.body["object"]["metadata"]["name"] == "pay"
    gone = asyncio.create_task(api.control("GET", "/await", **query, gone="true"))
    await api.call("DELETE", f"{ROLLOUTS}/pay")
    async with asyncio.timeout(20):
        assert (await gone).status == 200


async def test_wrong_control_calls_say_what_to_send(api: Client) -> None:
    calls: list[tuple[str, str, Any]] = [
        ("POST", "/clock/advance", {"seconds": "ten"}),
        ("POST", "/clock/advance", {"seconds": -1}),
        ("POST", "/clock/speed", {"speed": -1}),
        ("POST", "/faults", {"path": "("}),
        ("POST", "/faults", {"paths": "x"}),
        ("POST", "/users", {}),
        ("POST", "/profiles", {"image": "x", "profile": {"error_rates": 1}}),
        ("GET", "/truth/widgets/a/b", None),
        ("GET", "/nothing", None),
    ]
    for method, path, body in calls:
        said = await api.control(method, path, body)
        assert said.status in (400, 404) and said.body["error"], (method, path)


async def test_time_profiles_and_tags(api: Client) -> None:
    clock = (await api.control("GET", "/clock")).body
    assert (clock["now"], clock["speed"], clock["seed"]) == (1_800_000_000.0, 0.0, 3)
    assert (await api.control("POST", "/clock/advance", {"until": clock["now"] + 60})).body["now"] == clock["now"] + 60
    said = await api.control("POST", "/profiles", {"image": "shop/app:1", "profile": {"error_rate": 0.5}})
    assert said.body["error_rate"] == 0.5
    said = await api.control("POST", "/profiles", {"image": "shop/app:1", "profile": {"oom": True}})
    assert said.body["error_rate"] == 0.5 and said.body["oom"] is True
    moved = (await api.control("POST", "/tags", {"image": "shop/app:2", "target": "shop/app:1"})).body["digest"]
    assert moved == api.world.book.digest("shop/app:1")
    assert (await api.control("POST", "/clock/speed", {"speed": 60})).body["speed"] == 60
