"""The live picture and the logs on a world that misbehaves: what is held equals what is true, at one watch a kind.

Budget: 60 s.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cockpit.cluster.api import Api
from cockpit.cluster.rows import PodRow
from cockpit.judge import judge
from cockpit.live.live import Live
from cockpit.logs.hub import LogHub, LogOptions
from cockpit.model.case import Policy
from cockpit.model.resource import PODS, ROLLOUTS, Key
from cockpit.model.rollout import Role
from cockpit.model.snapshot import Snapshot
from cockpit.strategies import REGISTRY
from tests.contract.client_kit import DEADLINE, called, client, limited
from tests.harness.world import WorldProcess

CHECKOUT = Key("Rollout", "payments", "checkout-api")
INDEXER = Key("Rollout", "search", "search-indexer")


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldProcess]:
    """One world for this file, standing still; tests leave no faults behind."""
    with WorldProcess(tmp_path_factory.mktemp("live") / "world") as world:
        yield world


@pytest.fixture
def world(standing: WorldProcess) -> Iterator[WorldProcess]:
    yield standing
    standing.control.no_faults()


class Seat:
    def __init__(self, world: WorldProcess, api: Api, live: Live) -> None:
        self.world, self.api, self.live = world, api, live

    async def until(self, probe: Callable[[Snapshot], Any]) -> Any:
        """Wait for a picture that ``probe`` accepts."""
        snapshot = self.live.snapshot()
        async with asyncio.timeout(DEADLINE):
            while not (found := probe(snapshot)):
                snapshot = await self.live.changed(snapshot.version)
        return found

    async def control(self, verb: str, path: str, body: Any = None, **query: Any) -> Any:
        return await called(self.world.control.call, verb, path, body, **query)

    async def streams(self, act: str, body: dict[str, Any]) -> None:
        """Close or inject into open streams; a reflector may have listed and be about to open its watch."""
        async with asyncio.timeout(DEADLINE):
            while not sum((await self.control("POST", f"/streams/{act}", body)).values()):
                await asyncio.sleep(0.02)

    async def lists(self, since: int) -> Counter[str]:
        """GET requests of collections that were no watches, by path."""
        entries = await called(self.world.control.ledger, since, "GET")
        return Counter(
            entry["path"]
            for entry in entries
            if "watch=" not in entry["query"] and entry["path"].endswith(("s", "events")) and "limit" in entry["query"]
        )

    async def seq(self) -> int:
        return max((entry["seq"] for entry in await called(self.world.control.ledger)), default=0)

    async def label(self, name: str, value: str) -> None:
        """Somebody else writes: a label on a rollout through the world's own door."""
        from cockpit.model.plan import Patch

        ops = ({"op": "add", "path": f"/metadata/labels/{name}", "value": value},)
        await self.api.patch(Patch(ROLLOUTS, CHECKOUT.namespace, CHECKOUT.name, None, ops, ""))


@asynccontextmanager
async def seat(world: WorldProcess, kubeconfig: Path | None = None, **options: Any) -> AsyncIterator[Seat]:
    async with client(kubeconfig or world.kubeconfig) as (api, clock, credentials):
        live = Live(api, clock, REGISTRY, judge, Policy(), home=credentials.namespace, **options)
        await live.start()
        found = Seat(world, api, live)
        try:
            await found.until(lambda snapshot: live.synced and snapshot.sources["kubernetes"].state == "ok")
            async with asyncio.timeout(DEADLINE):
                while live._events.statuses[0].state == "LISTING":
                    await asyncio.sleep(0.02)
            yield found
        finally:
            await live.stop()
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not [task for task in left if not task.done() and "athrow" not in repr(task)], "something is left running"


async def truth(s: Seat, namespace: str | None = None) -> dict[str, str]:
    page = await s.api.list_page(PODS, namespace, PodRow, limit=0)
    return {row.meta.uid: row.meta.resource_version for row in page.rows}


def held(s: Seat) -> dict[str, str]:
    return {row.meta.uid: row.meta.resource_version for row in s.live.stores.of(PODS)}


async def agrees(s: Seat) -> None:
    """Wait until the store holds what the server holds."""
    async with asyncio.timeout(DEADLINE):
        while held(s) != await truth(s):
            await asyncio.sleep(0.05)


async def test_the_fleet_is_there_at_the_price_of_one_list_and_one_watch_a_kind(world: WorldProcess) -> None:
    before = max((entry["seq"] for entry in world.control.ledger()), default=0)
    async with seat(world) as s:
        snapshot = s.live.snapshot()
        assert len(snapshot.rollouts) >= 12
        assert set(snapshot.assessments) == set(snapshot.rollouts)
        assert snapshot.gaps == ()
        assert snapshot.now == pytest.approx(await called(world.control.now), abs=5)
        await agrees(s)
        first = await s.lists(before)
        kinds = {path.rsplit("/", 1)[1] for path in first}
        assert {"rollouts", "deployments", "replicasets", "pods", "events"} <= kinds
        now = await s.seq()
        await called(world.control.advance, 600.0)
        await agrees(s)
        lists = await s.lists(now)
        lists.pop("/api/v1/pods", None)  # asked by this test
        assert not lists, "steady state: no lists"
        streams = await s.control("GET", "/streams")
        assert max(Counter(stream["plural"] for stream in streams if stream["kind"] == "watch").values()) == 1


async def test_events_tell_the_story_of_their_rollout(world: WorldProcess) -> None:
    async with seat(world) as s:
        events = await s.until(lambda snapshot: [e for e in snapshot.events if e.rollout == INDEXER])
        assert {event.kind for event in events} & {"Pod", "Rollout", "ReplicaSet"}
        assert any(event.reason == "BackOff" for event in events)
        ordered = [event.at for event in s.live.snapshot().events]
        assert ordered == sorted(ordered, reverse=True)


@pytest.mark.parametrize("abort", [False, True], ids=["ended", "broken"])
async def test_watches_that_end_or_break_resume_without_a_list(world: WorldProcess, abort: bool) -> None:
    async with seat(world) as s:
        now = await s.seq()
        await s.streams("close", {"kind": "watch", "abort": abort})
        await s.label("resumed", f"a{abort}".lower())
        await s.until(lambda _: _label(s, "resumed") == f"a{abort}".lower())
        await called(world.control.advance, 60.0)
        await agrees(s)
        lists = await s.lists(now)
        lists.pop("/api/v1/pods", None)
        assert not lists


def _label(s: Seat, name: str) -> str | None:
    row = s.live.row(CHECKOUT)
    return row.meta.labels.get(name) if row is not None else None


@pytest.mark.parametrize("how", ["at open", "in stream"])
async def test_a_forgotten_version_is_answered_by_a_list(world: WorldProcess, how: str) -> None:
    async with seat(world) as s:
        now = await s.seq()
        if how == "at open":
            await s.streams("close", {"kind": "watch", "plural": "pods", "abort": True})
            await called(world.control.faults, {"path": "/api/v1/pods", "query": "watch=", "status": 410, "times": 1})
        else:
            gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
            await s.streams("inject", {"kind": "watch", "plural": "pods", "error": gone})
        async with asyncio.timeout(DEADLINE):
            while not (await s.lists(now)).get("/api/v1/pods"):
                await asyncio.sleep(0.05)
        await called(world.control.advance, 60.0)
        await agrees(s)
        await s.until(lambda snapshot: snapshot.sources["kubernetes"].state == "ok")


@pytest.mark.parametrize(
    "rule",
    [
        {"html": True},
        {"status": 500},
        {"retry_after": 1},
        {"drop": "before"},
        {"cut": 50},
        {"status": 200, "body": "<html>welcome to the portal</html>", "content_type": "text/html"},
    ],
    ids=lambda rule: next(iter(rule)) + str(next(iter(rule.values()))),
)
async def test_an_api_that_answers_wrong_is_said_and_survived(world: WorldProcess, rule: dict[str, Any]) -> None:
    async with seat(world) as s:
        pictures = s.live.snapshot().rollouts
        await called(world.control.faults, {"method": "GET", **rule})
        await s.streams("close", {"kind": "watch", "abort": True})
        said = await s.until(
            lambda snapshot: (
                snapshot.sources["kubernetes"] if snapshot.sources["kubernetes"].state in ("stale", "lost") else None
            )
        )
        assert said.message
        assert "\n" not in said.message
        assert set(s.live.snapshot().rollouts) == set(pictures), "what was known stays"
        await called(world.control.no_faults)
        s.live.refetch()
        await s.until(lambda snapshot: snapshot.sources["kubernetes"].state == "ok")
        await agrees(s)


async def test_junk_in_a_watch_is_survived(world: WorldProcess) -> None:
    async with seat(world) as s:
        for text in (
            "<html>\n",
            '{"type":"MODIFIED","object":{"metadata":{"name":5}}}\n',
            '{"type":"ERROR","object":{}}\n',
            "{\n",
        ):
            await s.streams("inject", {"kind": "watch", "plural": "pods", "text": text})
            await asyncio.sleep(0.05)
        await called(world.control.advance, 30.0)
        s.live.refetch()
        await agrees(s)


async def test_a_user_of_one_namespace_sees_it_and_is_told_so(world: WorldProcess, tmp_path: Path) -> None:
    rules = [{"apiGroups": ["", "apps", "argoproj.io"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    path = await called(limited, world, tmp_path, "dana", rules, "payments")
    path.write_text(path.read_text().replace("namespace: default", "namespace: payments"))
    async with seat(world, path) as s:
        snapshot = s.live.snapshot()
        assert {key.namespace for key in snapshot.rollouts} == {"payments"}
        assert snapshot.rollouts[CHECKOUT].canary is not None
        assert snapshot.rollouts[CHECKOUT].canary.pods
        assert s.live.scope == ("payments",)
        assert any("only namespace payments is shown" in gap for gap in snapshot.gaps)


async def test_a_user_without_pods_sees_rollouts_and_a_labelled_gap(world: WorldProcess, tmp_path: Path) -> None:
    rules = [
        {"apiGroups": ["argoproj.io"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": ["get", "list", "watch"]},
    ]
    path = await called(limited, world, tmp_path, "frank", rules)
    async with seat(world, path) as s:
        # All namespaces are refused first, then the one at home: the second refusal may still be on its way.
        denied = "pods in default cannot be read: pods is forbidden"
        await s.until(lambda seen: any(gap.startswith(denied) for gap in seen.gaps))
        snapshot = s.live.snapshot()
        assert len(snapshot.rollouts) >= 12
        assert any(gap.startswith("only namespace default of pods") for gap in snapshot.gaps)


# -- logs ------------------------------------------------------------------------------------------------------------


async def whole_log(api: Api, namespace: str, pod: str, container: str, *, previous: bool = False) -> list[str]:
    """Everything one instance wrote, read in one go."""
    data = b"".join(
        [chunk async for chunk in api.log_stream(namespace, pod, container=container, follow=False, previous=previous)]
    )
    return [line.split(" ", 1)[1] for line in data.decode().splitlines()]


async def test_followed_logs_lose_and_double_nothing_through_broken_streams(world: WorldProcess) -> None:
    async with seat(world) as s:
        rollout = s.live.snapshot().rollouts[CHECKOUT]
        hub = LogHub(s.api, s.live.stores.of(PODS), s.live._clock)
        start = await called(world.control.now)
        hub.focus(rollout, LogOptions(since=30.0))
        feeds = {role: hub.feed(CHECKOUT, role) for role in ("canary", "baseline")}
        arms: dict[Role, Any] = {"canary": rollout.canary, "baseline": rollout.baseline}
        for abort in (True, False, True):
            for _ in range(5):
                await called(world.control.advance, 3.0)
            await s.streams("close", {"kind": "log", "abort": abort})
        await called(world.control.advance, 5.0)

        async def expected(role: Role) -> Counter[tuple[str, str]]:
            found: Counter[tuple[str, str]] = Counter()
            for pod in arms[role].pods:
                data = b"".join(
                    [
                        chunk
                        async for chunk in s.api.log_stream(
                            pod.namespace, pod.name, container=pod.containers[0], follow=False, since=start - 30
                        )
                    ]
                )
                found.update((pod.name, line.split(" ", 1)[1]) for line in data.decode().splitlines())
            return found

        for role, feed in feeds.items():
            wanted = await expected(role)
            assert sum(wanted.values()) > 20
            async with asyncio.timeout(DEADLINE):
                while Counter((entry.pod, entry.text) for entry in feed.after(0, 10_000) if not entry.note) != wanted:
                    await asyncio.sleep(0.1)
            stamps = [entry.at for entry in feed.after(0, 10_000) if entry.at is not None and not entry.note]
            assert feed.dropped == 0
            assert len(stamps) == sum(wanted.values())
        await hub.aclose()
        async with asyncio.timeout(DEADLINE):
            while [x for x in await s.control("GET", "/streams") if x["kind"] == "log"]:
                await asyncio.sleep(0.05)


async def test_a_crash_loop_shows_why_by_itself(world: WorldProcess) -> None:
    async with seat(world) as s:
        rollout = s.live.snapshot().rollouts[INDEXER]
        assert rollout.canary is not None
        assert any(pod.reason == "CrashLoopBackOff" for pod in rollout.canary.pods)
        pods = rollout.canary.pods
        before = {
            pod.name: await whole_log(s.api, pod.namespace, pod.name, pod.containers[0], previous=True) for pod in pods
        }
        hub = LogHub(s.api, s.live.stores.of(PODS), s.live._clock)
        hub.focus(rollout)
        feed = hub.feed(INDEXER, "canary")
        async with asyncio.timeout(DEADLINE):
            while not any(entry.previous for entry in feed.after(0)) or not any(entry.note for entry in feed.after(0)):
                await asyncio.sleep(0.05)
        lines = feed.after(0, 10_000)
        assert any("exit code" in entry.text for entry in lines if entry.note)
        for pod in rollout.canary.pods:
            shown = [entry.text for entry in lines if entry.pod == pod.name and entry.previous]
            wrote = await whole_log(s.api, pod.namespace, pod.name, pod.containers[0], previous=True)
            # It may have crashed once more meanwhile: then what was shown is the log before.
            assert shown in (wrote[-len(shown) :], before[pod.name][-len(shown) :])
        assert "CrashLoopBackOff" in feed.status
        await hub.aclose()


async def test_logs_that_may_not_be_read_say_so(world: WorldProcess, tmp_path: Path) -> None:
    rules = [
        {
            "apiGroups": ["", "apps", "argoproj.io"],
            "resources": ["pods", "events", "rollouts", "analysisruns", "deployments", "replicasets"],
            "verbs": ["get", "list", "watch"],
        }
    ]
    path = await called(limited, world, tmp_path, "gina", rules)
    async with seat(world, path) as s:
        hub = LogHub(s.api, s.live.stores.of(PODS), s.live._clock)
        hub.focus(s.live.snapshot().rollouts[CHECKOUT])
        feed = hub.feed(CHECKOUT, "canary")
        async with asyncio.timeout(DEADLINE):
            while "denied" not in feed.status:
                await asyncio.sleep(0.05)
        assert 'User "gina" cannot get resource "pods/log"' in feed.status
        await hub.aclose()
