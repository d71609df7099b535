"""The API client against the embedded world: reads, guarded writes, refusals, lost answers, separate pools.

Budget: 40 s.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import pytest

from cockpit.actions.announce import EVENTS as ANNOUNCED
from cockpit.actions.announce import event_of
from cockpit.actions.settle import this_process
from cockpit.base.errors import AnswerLost, ApiError, Denied, NotFound, NotSent, Refused, Unreachable
from cockpit.cluster.api import Api, is_test_failed
from cockpit.cluster.rights import Rights
from cockpit.cluster.rows import EventRow, PodRow, ReplicaSetRow
from cockpit.live.acts import act_of
from cockpit.model.plan import Patch, Plan
from cockpit.model.resource import DEPLOYMENTS, EVENTS, PODS, REPLICASETS, ROLLOUTS, Key
from cockpit.model.right import Right
from tests.contract.client_kit import called, client, limited, with_user
from tests.harness.world import WorldProcess


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldProcess]:
    """One world for this file; tests leave no faults behind."""
    with WorldProcess(tmp_path_factory.mktemp("api") / "world") as world:
        yield world


@pytest.fixture
def world(standing: WorldProcess) -> Iterator[WorldProcess]:
    yield standing
    standing.control.no_faults()


@pytest.fixture
def seq(world: WorldProcess) -> int:
    """The newest entry of the ledger when the test began."""
    return max((entry["seq"] for entry in world.control.ledger()), default=0)


async def a_rollout(api: Api) -> dict[str, Any]:
    return await api.get(ROLLOUTS, "payments", "checkout-api")


def touch(rollout: dict[str, Any], *, uid: str | None = None) -> Patch:
    meta = rollout["metadata"]
    ops = (
        {"op": "test", "path": "/metadata/uid", "value": uid or meta["uid"]},
        {"op": "add", "path": "/metadata/labels/touched", "value": "yes"},
    )
    return Patch(ROLLOUTS, meta["namespace"], meta["name"], None, ops, "label it")


async def test_reads_bring_the_servers_time(world: WorldProcess) -> None:
    async with client(world.kubeconfig) as (api, clock, credentials):
        assert credentials.server == world.ready["kubernetes"].rstrip("/")
        assert credentials.user == "admin"
        assert (await api.version())["major"] == "1"
        assert clock.synced
        assert clock.cluster() == pytest.approx(await called(world.control.now), abs=3)


async def test_pages_hold_everything_once(world: WorldProcess) -> None:
    async with client(world.kubeconfig) as (api, _, _):
        whole = await api.list_page(PODS, None, PodRow, limit=0)
        pages = [page async for page in api.list_pages(PODS, None, PodRow, limit=7)]
        assert len(pages) > 5
        assert {row.meta.uid for page in pages for row in page.rows} == {row.meta.uid for row in whole.rows}
        assert sum(len(page.rows) for page in pages) == len(whole.rows)
        assert sum(page.failures for page in pages) == 0
        assert {page.resource_version for page in pages} == {pages[0].resource_version}
        assert all(row.meta.controller for row in whole.rows)
        assert all(row.status.container_statuses for row in whole.rows if row.status.phase == "Running")


async def test_owned_objects_come_whole(world: WorldProcess) -> None:
    async with client(world.kubeconfig) as (api, _, _):
        rollout = await a_rollout(api)
        sets = await api.owned(REPLICASETS, "payments", rollout["metadata"]["uid"])
        assert len(sets) >= 2
        assert all(item["kind"] == "ReplicaSet" and item["spec"]["template"]["spec"]["containers"] for item in sets)


async def test_what_does_not_exist_is_said_by_name(world: WorldProcess) -> None:
    async with client(world.kubeconfig) as (api, _, _):
        with pytest.raises(NotFound, match=r'rollouts\.argoproj\.io "nothing" not found'):
            await api.get(ROLLOUTS, "payments", "nothing")


async def test_a_patch_is_sent_once_strict_named_and_a_dry_run_stores_nothing(world: WorldProcess, seq: int) -> None:
    async with client(world.kubeconfig) as (api, _, _):
        patch = touch(await a_rollout(api))
        dry = await api.patch(patch, dry_run=True)
        assert dry.status == 200
        assert dry.body["metadata"]["labels"]["touched"] == "yes"
        assert "touched" not in (await a_rollout(api))["metadata"].get("labels", {})
        done = await api.patch(patch)
        assert done.body["metadata"]["labels"]["touched"] == "yes"
        entries = [entry for entry in await called(world.control.ledger, seq) if entry["method"] == "PATCH"]
        assert len(entries) == 2
        assert all("fieldManager=rollout-cockpit" in entry["query"] for entry in entries)
        assert all("fieldValidation=Strict" in entry["query"] for entry in entries)
        assert "dryRun=All" in entries[0]["query"]
        assert "dryRun" not in entries[1]["query"]
        assert entries[1]["agent"].startswith("rollout-cockpit/")


async def test_an_event_is_created_once_and_read_back_as_an_act(world: WorldProcess, seq: int) -> None:
    async with client(world.kubeconfig) as (api, _, _):
        uid = (await a_rollout(api))["metadata"]["uid"]
        plan = Plan("pause", Key("Rollout", "payments", "checkout-api"), uid, "PAUSE", "hold", (), (), {})
        who = this_process("sre2", "demo", "demo")
        done = await api.create(ANNOUNCED, "payments", event_of("01JTEST", plan, who, 1_795_000_000.25, "wait for db"))
        assert done.status == 201
        page = await api.list_page(EVENTS, "payments", EventRow)
        (act,) = [found for row in page.rows if (found := act_of(row)) is not None]
        assert (act.text, act.op_id, act.at) == ("sre2 paused: wait for db", "01JTEST", 1_795_000_000.25)
        (entry,) = [
            entry
            for entry in await called(world.control.ledger, seq)
            if entry["path"].endswith("/events") and entry["method"] == "POST"
        ]
        assert "fieldManager=rollout-cockpit" in entry["query"]


async def test_a_guard_that_does_not_hold_changes_nothing_and_is_recognised(world: WorldProcess) -> None:
    async with client(world.kubeconfig) as (api, _, _):
        before = await a_rollout(api)
        with pytest.raises(ApiError) as refused:
            await api.patch(touch(before, uid="somebody else"))
        assert is_test_failed(refused.value)
        assert await a_rollout(api) == before
        bad = Patch(
            DEPLOYMENTS, "notify", "push-sender", None, ({"op": "replace", "path": "/spec/replicas", "value": -1},), ""
        )
        with pytest.raises(ApiError) as invalid:
            await api.patch(bad)
        assert invalid.value.status == 422
        assert not is_test_failed(invalid.value)


async def test_without_the_right_it_is_denied_in_the_servers_words(world: WorldProcess, tmp_path: Path) -> None:
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    reader = await called(limited, world, tmp_path, "reader", rules)
    async with client(reader) as (api, clock, credentials):
        rollout = await a_rollout(api)
        with pytest.raises(Denied, match=r'User "reader" cannot patch'):
            await api.patch(touch(rollout))
        rights = Rights(api, clock)
        assert await rights.who() == "reader"
        assert credentials.user == "admin", "the kubeconfig's name for it"
        right = Right("patch", ROLLOUTS, "status")
        assert rights.can(right, "payments")[0] == "unknown"
        assert (await rights.check(right, "payments"))[0] == "denied"
        answer, reason = rights.can(right, "payments")
        assert answer == "denied"
        assert reason.startswith("you may not patch rollouts/status.argoproj.io in payments")
        assert (await rights.check(Right("get", PODS), "payments")) == ("allowed", "")
        await rights.aclose()


@pytest.mark.parametrize(
    ("fault", "error", "says", "sent"),
    [
        ({"html": True}, AnswerLost, "HTTP 502", 1),
        ({"status": 500}, AnswerLost, "whether it was carried out is not known", 1),
        ({"drop": "before"}, AnswerLost, "middle of an answer|broke the connection", 1),
        ({"drop": "after"}, AnswerLost, "middle of an answer|broke the connection", 1),
        ({"cut": 20}, AnswerLost, "middle of an answer|broke the connection", 1),
        ({"status": 409}, ApiError, None, 1),
        ({"retry_after": 3}, ApiError, None, 1),
        ({"status": 403}, Denied, None, 1),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
async def test_a_write_is_never_repeated(
    world: WorldProcess, seq: int, fault: dict[str, Any], error: type[Exception], says: str | None, sent: int
) -> None:
    async with client(world.kubeconfig) as (api, _, _):
        patch = touch(await a_rollout(api))
        await called(world.control.faults, {"method": "PATCH", **fault})
        with pytest.raises(error, match=says) as caught:
            await api.patch(patch)
        assert type(caught.value) is error
        if "retry_after" in fault:
            assert caught.value.retry_after == 3  # type: ignore[attr-defined]
        rules = await called(world.control.call, "GET", "/faults")
        assert rules[0]["used"] == sent
        await called(world.control.no_faults)


async def test_a_read_survives_one_broken_answer_and_not_two(world: WorldProcess) -> None:
    async with client(world.kubeconfig) as (api, _, _):
        await called(world.control.faults, {"method": "GET", "path": "checkout-api", "drop": "before", "times": 1})
        assert (await a_rollout(api))["kind"] == "Rollout"
        await called(world.control.faults, {"method": "GET", "path": "checkout-api", "drop": "before", "times": 2})
        with pytest.raises(Unreachable):
            await a_rollout(api)
        await called(world.control.faults, {"method": "GET", "path": "checkout-api", "html": True})
        with pytest.raises(Unreachable, match=r"API server 127\.0\.0\.1:\d+ answered GET .* with HTTP 502"):
            await a_rollout(api)


async def test_nobody_listening_is_not_sent(world: WorldProcess, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    path = tmp_path / "kubeconfig"
    path.write_text(
        world.kubeconfig.read_text().replace(world.ready["kubernetes"].rstrip("/"), f"https://127.0.0.1:{port}")
    )
    async with client(path) as (api, _, _):
        with pytest.raises(NotSent, match=r"API server 127\.0\.0\.1:\d+ cannot be reached: connection refused"):
            await api.version()
        patch = Patch(ROLLOUTS, "a", "b", None, (), "")
        with pytest.raises(NotSent):
            await api.patch(patch)


async def test_another_authority_is_not_trusted(world: WorldProcess, tmp_path: Path) -> None:
    text = world.kubeconfig.read_text()
    path = tmp_path / "kubeconfig"
    path.write_text("\n".join(line for line in text.splitlines() if "certificate-authority-data" not in line))
    async with client(path) as (api, _, _):
        with pytest.raises(NotSent, match="shows a certificate that is not trusted"):
            await api.version()
    named = tmp_path / "named"
    named.write_text(
        text.replace(
            "    certificate-authority-data", "    tls-server-name: somebody.else\n    certificate-authority-data"
        )
    )
    async with client(named) as (api, _, _):
        with pytest.raises(NotSent, match=r"not trusted: .*somebody"):
            await api.version()
    right = tmp_path / "right"
    right.write_text(named.read_text().replace("somebody.else", "localhost"))
    async with client(right) as (api, _, _):
        assert await api.version()


async def test_a_client_certificate_is_an_identity(world: WorldProcess, tmp_path: Path) -> None:
    body = {"name": "carol", "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get"]}], "certificate": True}
    made = await called(world.control.call, "POST", "/users", body)
    (tmp_path / "cert.pem").write_text(made["certificate"])
    (tmp_path / "key.pem").write_text(made["key"])
    user = "{client-certificate: cert.pem, client-key: key.pem}"
    async with client(with_user(world, tmp_path, user)) as (api, clock, _):
        assert await Rights(api, clock).who() == "carol"
        assert await a_rollout(api)


async def test_an_expired_token_is_read_again_from_the_kubeconfig_once_for_all(
    world: WorldProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    path = await called(limited, world, tmp_path, "erin", rules)
    async with client(path) as (api, _, _):
        rollout = await a_rollout(api)
        reads = 0
        from cockpit.cluster import credentials

        original = credentials.read_kubeconfig

        def counted(*args: Any) -> Any:
            nonlocal reads
            reads += 1
            return original(*args)

        monkeypatch.setattr(credentials, "read_kubeconfig", counted)
        await called(world.control.call, "POST", "/users/expire", {"name": "erin"})
        answers = await asyncio.gather(*(a_rollout(api) for _ in range(20)), return_exceptions=True)
        assert all(isinstance(answer, Denied) for answer in answers)
        assert "log in again" in str(answers[0])
        assert reads == 1
        assert "token-of-erin" not in str(answers)
        # Somebody logs in again in another shell.
        body = {"name": "erin", "token": "second-token-of-erin-01234", "rules": rules}
        await called(world.control.call, "POST", "/users", body)
        path.write_text(path.read_text().replace("token-of-erin-0123456789", "second-token-of-erin-01234"))
        api._transport._credentials._refused = None  # ten seconds later
        assert (await api.patch(touch(rollout), dry_run=True)).status == 200
        answers = await asyncio.gather(*(a_rollout(api) for _ in range(20)))
        assert reads == 2


async def test_streams_do_not_starve_reads_and_writes(world: WorldProcess) -> None:
    async with client(world.kubeconfig) as (api, _, _), AsyncExitStack() as stack:
        pods = (await api.list_page(PODS, "payments", PodRow)).rows
        version = (await api.list_page(REPLICASETS, "payments", ReplicaSetRow)).resource_version
        for _ in range(120):
            watch = api.watch(REPLICASETS, "payments", ReplicaSetRow, resource_version=version, seconds=300)
            await stack.enter_async_context(aclosing(watch))
            assert await anext(watch) == []
        running = [row for row in pods if row.status.phase == "Running"]
        for n in range(60):
            row = running[n % len(running)]
            container = row.spec.containers[0].name
            log = api.log_stream(row.meta.namespace, row.meta.name, container=container, tail_lines=0)
            await stack.enter_async_context(aclosing(log))
            assert await anext(log) == b""
        open_ = await called(world.control.call, "GET", "/streams")
        assert len(open_) >= 180
        async with asyncio.timeout(20):
            assert await api.list_page(PODS, None, PodRow)
            assert (await api.patch(touch(await a_rollout(api)), dry_run=True)).status == 200


async def test_nothing_stays_open_behind_a_closed_stream(world: WorldProcess) -> None:
    async with client(world.kubeconfig) as (api, _, _):
        page = await api.list_page(PODS, None, PodRow)
        async with aclosing(
            api.watch(PODS, None, PodRow, resource_version=page.resource_version, seconds=300)
        ) as watch:
            assert await anext(watch) == []
            assert await called(world.control.call, "GET", "/streams")
        async with asyncio.timeout(20):
            while await called(world.control.call, "GET", "/streams"):
                await asyncio.sleep(0.05)


def test_errors_have_the_exit_codes_of_the_design() -> None:
    assert (Denied("").exit_code, NotFound("").exit_code, Refused("").exit_code) == (1, 1, 1)
    assert (NotSent("").exit_code, AnswerLost("").exit_code) == (3, 3)
