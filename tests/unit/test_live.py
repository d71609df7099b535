"""The live picture: what a change touches, what stays the same object, what loss and rights look like."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import msgspec
import pytest

from cockpit.base.errors import ApiError, NotSent
from cockpit.cluster.decode import Page, WatchEvent
from cockpit.cluster.rows import EventRow, Meta, ObjectRef, OwnerRef, PodMeta, PodRow, ReplicaSetRow, Row
from cockpit.live.judging import JUDGED_AT_ONCE
from cockpit.live.live import Live
from cockpit.model.case import Case, Observed, Policy
from cockpit.model.plan import Pending
from cockpit.model.resource import DEPLOYMENTS, EVENTS, PODS, REPLICASETS, ROLLOUTS, Key, Resource
from cockpit.model.rollout import Replicas, Rollout, Weight
from cockpit.model.snapshot import Snapshot, Source
from cockpit.model.verdict import Assessment, Verdict
from cockpit.strategies.contract import Watch
from tests.harness.virtual_time import run, virtual_clock


class WorkRow(Row, frozen=True, gc=False, rename="camel"):
    meta: Meta = msgspec.field(default_factory=Meta, name="metadata")
    target: str = ""


class Strategy:
    """Builds a rollout whose message counts its pods, so that every change below shows."""

    def __init__(self, resource: Resource, optional: bool = False) -> None:
        self.resource = resource
        self.watches = (
            Watch(resource, WorkRow, optional),
            Watch(REPLICASETS, ReplicaSetRow),
            Watch(PODS, PodRow),
        )
        self.built: list[str] = []
        self.broken: set[str] = set()

    def references(self, row: WorkRow) -> Iterable[tuple[Resource, str, str]]:
        return [(DEPLOYMENTS, row.meta.namespace, row.target)] if row.target else []

    def build(self, row: WorkRow, shelf: Any) -> Rollout | None:
        self.built.append(row.meta.name)
        if row.meta.name in self.broken:
            raise ValueError("odd \x1b[31minput")
        if shelf.referrers(self.resource, row.meta.namespace, row.meta.name):
            return None
        sets = shelf.owned(REPLICASETS, row.meta.uid)
        pods = [pod for item in sets for pod in shelf.owned(PODS, item.meta.uid)]
        known = "" if shelf.known(PODS) else " (pods unknown)"
        return Rollout(
            key=Key(self.resource.kind, row.meta.namespace, row.meta.name),
            uid=row.meta.uid,
            resource_version="",
            generation=1,
            strategy="canary",
            phase="Progressing",
            message=f"{len(pods)} pods{known}",
            replicas=Replicas(1, 1, 1, 1),
            weight=Weight(None, None),
            seen={},
        )


def meta(name: str, rv: str = "1", owner: str = "", namespace: str = "shop", kind: type[Any] = Meta) -> Any:
    owners = (OwnerRef(kind="x", name="x", uid=owner, controller=True),) if owner else ()
    return kind(name=name, namespace=namespace, uid=f"u-{name}", resource_version=rv, owner_references=owners)


def work(name: str, rv: str = "1", target: str = "", namespace: str = "shop") -> WorkRow:
    return WorkRow(meta=meta(name, rv, namespace=namespace), target=target)


def replicaset(name: str, owner: str) -> ReplicaSetRow:
    return ReplicaSetRow(meta=meta(name, owner=owner))


def pod(name: str, owner: str, rv: str = "1") -> PodRow:
    return PodRow(meta=meta(name, rv, owner, kind=PodMeta))


def event(name: str, about: str, kind: str = "Pod", at: str = "2026-11-20T03:00:00Z", rv: str = "1") -> EventRow:
    return EventRow(
        meta=meta(name, rv),
        involved_object=ObjectRef(kind=kind, namespace="shop", name=about, uid=f"u-{about}"),
        reason="Because",
        message="it \x1b[31mhappened",
        last_timestamp=at,
    )


class Api:
    """Lists what it holds and then streams what the test pushes; can refuse and can be away."""

    server = "prod:6443"

    def __init__(self) -> None:
        self.rows: dict[Resource, list[Any]] = {}
        self.errors: dict[tuple[Resource, str | None], Exception] = {}
        self.away: Exception | None = None
        self.queues: dict[tuple[Resource, str | None], asyncio.Queue[Any]] = {}
        self.lists: list[tuple[str, str | None]] = []

    async def version(self) -> dict[str, Any]:
        if self.away:
            raise self.away
        return {}

    def _refuse(self, resource: Resource, namespace: str | None) -> None:
        if self.away:
            raise self.away
        if error := self.errors.get((resource, namespace)):
            raise error

    async def list_page(
        self, resource: Resource, namespace: str | None, row: Any, *, limit: int = 500, continue_: str = ""
    ) -> Page:
        await asyncio.sleep(0.01)
        self.lists.append((resource.plural, namespace))
        self._refuse(resource, namespace)
        rows = [item for item in self.rows.get(resource, []) if namespace in (None, item.meta.namespace)]
        return Page(rows, "10", "")

    async def watch(
        self, resource: Resource, namespace: str | None, row: Any, *, resource_version: str, seconds: int
    ) -> AsyncIterator[list[WatchEvent]]:
        self._refuse(resource, namespace)
        queue = self.queues[resource, namespace] = asyncio.Queue()
        yield []
        while True:
            item = await queue.get()
            if isinstance(item, Exception):
                raise item
            yield [item]

    def push(self, resource: Resource, kind: str, row: Any, namespace: str | None = None) -> None:
        self.queues[resource, namespace].put_nowait(WatchEvent(kind, row, row.meta.resource_version))

    def cut(self, error: Exception) -> None:
        self.away = error
        for queue in self.queues.values():
            queue.put_nowait(error)


class Observer:
    def __init__(self) -> None:
        self.seen: dict[Key, Observed] = {}
        self.state = Source("ok")
        self.tell: Callable[[Iterable[Key]], None] = lambda keys: None

    def observed(self, key: Key) -> Observed | None:
        return self.seen.get(key)

    def source(self) -> Source:
        return self.state

    def on_change(self, callback: Callable[[Iterable[Key]], None]) -> None:
        self.tell = callback


class Rig:
    def __init__(self, **options: Any) -> None:
        self.api = Api()
        self.rollouts, self.deployments = Strategy(ROLLOUTS, optional=True), Strategy(DEPLOYMENTS)
        self.judged: list[Case] = []
        self.verdict = "unjudged"
        self.live = Live(
            self.api,
            virtual_clock(),
            (self.rollouts, self.deployments),
            self._judge,
            Policy(),
            rng=random.Random(5),
            **options,
        )

    def _judge(self, case: Case, policy: Policy) -> Assessment:
        self.judged.append(case)
        return Assessment(Verdict(self.verdict, "because"))  # type: ignore[arg-type]

    def fill(self, *names: str) -> None:
        self.api.rows = {
            ROLLOUTS: [work(name) for name in names],
            REPLICASETS: [replicaset(f"{name}-rs", f"u-{name}") for name in names],
            PODS: [pod(f"{name}-pod", f"u-{name}-rs") for name in names],
        }

    async def settled(self, seconds: float = 2.0) -> Snapshot:
        await asyncio.sleep(seconds)
        return self.live.snapshot()


def key(name: str, kind: str = "Rollout") -> Key:
    return Key(kind, "shop", name)


def test_a_fleet_is_listed_built_and_judged_once() -> None:
    async def main() -> None:
        rig = Rig()
        rig.fill("web", "api")
        assert rig.live.snapshot().sources["kubernetes"].state == "syncing"
        await rig.live.start()
        snapshot = await rig.settled()
        assert {str(k): r.message for k, r in snapshot.rollouts.items()} == {
            "shop/web": "1 pods",
            "shop/api": "1 pods",
        }
        assert snapshot.sources["kubernetes"].state == "ok"
        assert snapshot.sources["prometheus"].state == "off"
        assert snapshot.gaps == ()
        assert rig.live.synced
        assert rig.live.scope is None
        assert {k: a.verdict.state for k, a in snapshot.assessments.items()} == {
            key("web"): "unjudged",
            key("api"): "unjudged",
        }
        lists = len(rig.api.lists)
        await asyncio.sleep(200)
        assert len(rig.api.lists) == lists, "steady state: no polling lists"
        assert sorted({plural for plural, _ in rig.api.lists}) == sorted(
            ["rollouts", "deployments", "replicasets", "pods", "events"]
        )
        await rig.live.stop()

    run(main())


def test_a_change_rebuilds_its_own_rollout_and_leaves_all_else_the_same_object() -> None:
    async def main() -> None:
        rig = Rig()
        rig.fill("web", "api")
        await rig.live.start()
        before = await rig.settled()
        assert rig.live.snapshot() is before
        rig.rollouts.built.clear()
        rig.judged.clear()
        rig.api.push(PODS, "ADDED", pod("web-pod-2", "u-web-rs", "20"))
        after = await rig.live.changed(before.version)
        assert rig.rollouts.built == ["web"]
        assert after.rollouts[key("web")].message == "2 pods"
        assert after.rollouts[key("api")] is before.rollouts[key("api")]
        assert after.assessments[key("api")] is before.assessments[key("api")]
        assert before.rollouts[key("web")].message == "1 pods", "a picture is never changed"
        assert [case.rollout.key for case in rig.judged] == [key("web")]
        rig.api.push(PODS, "DELETED", pod("web-pod-2", "u-web-rs", "21"))
        assert (await rig.live.changed(after.version)).rollouts[key("web")].message == "1 pods"
        await rig.live.stop()

    run(main())


def test_a_change_that_shows_nowhere_makes_no_new_picture() -> None:
    async def main() -> None:
        rig = Rig()
        rig.fill("web")
        await rig.live.start()
        before = await rig.settled()
        rig.api.push(PODS, "MODIFIED", pod("web-pod", "u-web-rs", "21"))
        rig.api.push(PODS, "ADDED", pod("stranger", "u-job", "22"))
        await asyncio.sleep(0.1)
        assert rig.live.snapshot().rollouts is before.rollouts
        await rig.live.stop()

    run(main())


def test_owners_may_arrive_after_what_they_own() -> None:
    async def main() -> None:
        rig = Rig()
        await rig.live.start()
        await rig.settled()
        rig.api.push(PODS, "ADDED", pod("web-pod", "u-web-rs", "20"))
        rig.api.push(EVENTS, "ADDED", event("e1", "web-pod"))
        await rig.settled(0.1)
        rig.api.push(REPLICASETS, "ADDED", replicaset("web-rs", "u-web"))
        await rig.settled(0.1)
        rig.api.push(ROLLOUTS, "ADDED", work("web", "22"))
        snapshot = await rig.settled(0.1)
        assert snapshot.rollouts[key("web")].message == "1 pods"
        assert snapshot.events[0].rollout == key("web")
        rig.api.push(ROLLOUTS, "DELETED", work("web", "23"))
        snapshot = await rig.settled(0.1)
        assert snapshot.rollouts == {}
        assert snapshot.assessments == {}
        assert snapshot.events[0].rollout == key("web"), "its story stays told"
        await rig.live.stop()

    run(main())


def test_an_event_that_came_before_its_object_is_given_to_its_rollout_later() -> None:
    async def main() -> None:
        rig = Rig()
        rig.fill("web")
        await rig.live.start()
        before = await rig.settled()
        rig.api.push(EVENTS, "ADDED", event("e1", "web-rs-2", kind="ReplicaSet"))
        assert (await rig.settled(0.1)).events[0].rollout is None
        rig.api.push(REPLICASETS, "ADDED", replicaset("web-rs-2", "u-web"))
        snapshot = await rig.settled(0.1)
        assert snapshot.rollouts is before.rollouts, "nothing else shows of it"
        assert snapshot.events[0].rollout == key("web")
        await rig.live.stop()

    run(main())


def test_a_referenced_workload_disappears_when_named_and_returns_when_not() -> None:
    async def main() -> None:
        rig = Rig()
        rig.fill("web")
        rig.api.rows[DEPLOYMENTS] = [work("legacy")]
        await rig.live.start()
        snapshot = await rig.settled()
        assert key("legacy", "Deployment") in snapshot.rollouts
        rig.api.push(ROLLOUTS, "MODIFIED", work("web", "20", target="legacy"))
        snapshot = await rig.settled(0.1)
        assert key("legacy", "Deployment") not in snapshot.rollouts
        rig.rollouts.built.clear()
        rig.api.push(DEPLOYMENTS, "MODIFIED", work("legacy", "21"))
        await rig.settled(0.1)
        assert rig.rollouts.built == ["web"], "a change of the named object touches who names it"
        rig.api.push(ROLLOUTS, "MODIFIED", work("web", "22"))
        snapshot = await rig.settled(0.1)
        assert key("legacy", "Deployment") in snapshot.rollouts
        await rig.live.stop()

    run(main())


def test_losing_the_server_keeps_the_picture_says_since_when_and_recovers_by_itself() -> None:
    async def main() -> None:
        rig = Rig()
        rig.fill("web")
        await rig.live.start()
        before = await rig.settled()
        rig.api.cut(NotSent("API server prod:6443 cannot be reached: connection refused"))
        snapshot = await rig.settled(5)
        lost = snapshot.sources["kubernetes"]
        assert lost.state == "lost"
        assert lost.message == "API server prod:6443 cannot be reached: connection refused"
        assert lost.since == pytest.approx(before.now, abs=4)
        assert snapshot.rollouts == before.rollouts
        snapshot = await rig.settled(600)
        assert snapshot.sources["kubernetes"].since == lost.since
        rig.api.away = None
        snapshot = await rig.settled(6)
        assert snapshot.sources["kubernetes"].state == "ok", "the heartbeat ends the long pauses"
        rig.api.push(PODS, "ADDED", pod("web-pod-2", "u-web-rs", "20"))
        assert (await rig.settled(0.1)).rollouts[key("web")].message == "2 pods"
        await rig.live.stop()

    run(main())


def test_a_server_that_was_never_there_is_lost_not_empty() -> None:
    async def main() -> None:
        rig = Rig()
        rig.api.away = NotSent("API server prod:6443 cannot be reached: connection refused")
        await rig.live.start()
        snapshot = await rig.settled()
        assert snapshot.sources["kubernetes"].state == "lost"
        assert not rig.live.synced
        rig.fill("web")
        rig.api.away = None
        assert key("web") in (await rig.settled(10)).rollouts
        await rig.live.stop()

    run(main())


def test_a_silent_path_is_noticed_by_the_heartbeat_while_watches_hang() -> None:
    async def main() -> None:
        rig = Rig()
        rig.fill("web")
        await rig.live.start()
        await rig.settled()
        rig.api.away = NotSent("API server prod:6443 does not answer: no connection in time")
        snapshot = await rig.settled(31)
        assert snapshot.sources["kubernetes"].state == "stale"
        assert "does not answer" in (snapshot.sources["kubernetes"].message or "")
        await rig.live.stop()

    run(main())


def forbidden(plural: str) -> ApiError:
    return ApiError(f'{plural} is forbidden: User "dev" cannot list', status=403, reason="Forbidden")


def test_without_the_right_to_list_everywhere_the_own_namespace_is_read_and_that_is_said() -> None:
    async def main() -> None:
        rig = Rig(home="shop")
        rig.fill("web")
        rig.api.rows[ROLLOUTS].append(work("far", namespace="elsewhere"))
        for resource in (ROLLOUTS, DEPLOYMENTS, REPLICASETS, PODS, EVENTS):
            rig.api.errors[resource, None] = forbidden(resource.plural)
        await rig.live.start()
        snapshot = await rig.settled(5)
        assert list(snapshot.rollouts) == [key("web")]
        assert snapshot.rollouts[key("web")].message == "1 pods"
        assert rig.live.scope == ("shop",)
        assert snapshot.gaps == ("only namespace shop is shown: you may not list all namespaces (see cockpit rbac)",)
        assert snapshot.sources["kubernetes"].state == "ok"
        rig.api.errors.clear()
        rig.live.refetch()
        snapshot = await rig.settled(5)
        assert len(snapshot.rollouts) == 2, "asked again by hand: the right was granted meanwhile"
        assert snapshot.gaps == ()
        await rig.live.stop()

    run(main())


def test_one_kind_that_may_not_be_read_is_a_gap_and_unknown_not_zero() -> None:
    async def main() -> None:
        rig = Rig(namespaces=("shop",))
        rig.fill("web")
        rig.api.errors[PODS, "shop"] = forbidden("pods")
        await rig.live.start()
        snapshot = await rig.settled()
        assert snapshot.rollouts[key("web")].message == "0 pods (pods unknown)"
        assert snapshot.gaps == ('pods in shop cannot be read: pods is forbidden: User "dev" cannot list',)
        assert snapshot.sources["kubernetes"].state == "ok"
        rig.api.errors.clear()
        assert (await rig.settled(70)).rollouts[key("web")].message == "1 pods"
        await rig.live.stop()

    run(main())


def test_an_optional_kind_that_is_not_served_is_no_gap_and_another_is() -> None:
    async def main() -> None:
        rig = Rig()
        absent = ApiError("the server could not find the requested resource", status=404, reason="NotFound")
        rig.api.errors = {(ROLLOUTS, None): absent, (DEPLOYMENTS, None): absent}
        await rig.live.start()
        snapshot = await rig.settled()
        assert snapshot.gaps == ("this cluster serves no deployments",)
        assert snapshot.sources["kubernetes"].state == "ok"
        assert rig.live.synced
        await rig.live.stop()

    run(main())


def test_declared_namespaces_are_read_and_a_bound_is_said() -> None:
    async def main() -> None:
        rig = Rig(namespaces=tuple(f"ns{n}" for n in range(30)))
        await rig.live.start()
        snapshot = await rig.settled()
        assert len(rig.live.scope or ()) == 25
        assert "only the first 25 of 30 namespaces are read for rollouts" in snapshot.gaps
        assert {namespace for _, namespace in rig.api.lists} == {f"ns{n}" for n in range(25)}
        await rig.live.stop()

    run(main())


def test_a_strategy_that_fails_on_an_object_costs_that_rollout_only_and_says_so() -> None:
    async def main() -> None:
        rig = Rig()
        rig.rollouts.broken = {"web"}
        rig.fill("web", "api")
        await rig.live.start()
        snapshot = await rig.settled()
        assert list(snapshot.rollouts) == [key("api")]
        assert snapshot.gaps == ("shop/web could not be understood: ValueError: odd input",)
        await rig.live.stop()

    run(main())


def test_the_judge_is_asked_once_per_change_of_what_it_rests_on() -> None:
    async def main() -> None:
        rig = Rig()
        rig.fill("web", "api")
        observer = Observer()
        rig.live.attach(observer)
        await rig.live.start()
        first = await rig.settled()
        rig.judged.clear()
        observer.tell([key("web"), key("api")])
        rig.live.snapshot()
        assert rig.judged == [], "nothing new was observed"
        observer.seen[key("web")] = Observed()
        rig.verdict = "watch"
        observer.tell([key("web")])
        second = rig.live.snapshot()
        assert [case.rollout.key for case in rig.judged] == [key("web")]
        assert rig.judged[0].observed is observer.seen[key("web")]
        assert second.assessments[key("web")].verdict.state == "watch"
        assert second.assessments[key("api")] is first.assessments[key("api")]
        began = second.assessments[key("web")].verdict.since
        assert began == pytest.approx(second.now)
        await asyncio.sleep(60)
        observer.seen[key("web")] = Observed()
        observer.tell([key("web")])
        assert rig.live.snapshot().assessments[key("web")].verdict.since == began
        rig.judged.clear()
        observer.state = Source("lost", since=5.0, message="Prometheus is gone")
        observer.tell([])
        lost = rig.live.snapshot()
        assert lost.sources["prometheus"].message == "Prometheus is gone"
        assert len(rig.judged) == 2, "a source that went concerns everyone"
        await rig.live.stop()

    run(main())


def test_a_large_fleet_is_judged_in_portions() -> None:
    async def main() -> None:
        rig = Rig()
        rig.api.rows = {ROLLOUTS: [work(f"w{n:04}") for n in range(JUDGED_AT_ONCE * 2 + 10)]}
        await rig.live.start()
        await asyncio.sleep(1)
        snapshot = rig.live.snapshot()
        assert len(snapshot.assessments) == JUDGED_AT_ONCE
        while len(snapshot.assessments) < len(snapshot.rollouts):
            snapshot = await asyncio.wait_for(rig.live.changed(snapshot.version), 1)
        await rig.live.stop()

    run(main())


def test_pending_verbs_and_other_sources_are_drawn_at_once() -> None:
    async def main() -> None:
        rig = Rig()
        rig.fill("web")
        await rig.live.start()
        before = await rig.settled()
        waiting = asyncio.create_task(rig.live.changed(before.version))
        await asyncio.sleep(0)
        rig.live.set_pending(key("web"), Pending("op", "abort", "sending", "aborting", 1.0))
        after = await asyncio.wait_for(waiting, 1)
        assert after.pending[key("web")].text == "aborting"
        assert after.rollouts is before.rollouts
        rig.live.set_pending(key("web"), None)
        assert rig.live.snapshot().pending == {}
        rig.live.set_source("logs", Source("denied", message="no right"))
        assert rig.live.snapshot().sources["logs"].state == "denied"
        await rig.live.stop()

    run(main())


def test_listeners_hear_of_other_rollouts_only() -> None:
    async def main() -> None:
        rig = Rig()
        rig.fill("web")
        heard: list[Mapping[Key, Rollout]] = []
        rig.live.on_rollouts(heard.append)
        await rig.live.start()
        await rig.settled()
        known = len(heard)
        assert known >= 1
        assert list(heard[-1]) == [key("web")]
        rig.api.push(EVENTS, "ADDED", event("e1", "web-pod"))
        await rig.settled(0.1)
        assert len(heard) == known
        await rig.live.stop()

    run(main())


def test_events_are_bounded_newest_first_cleaned_and_only_about_our_kinds() -> None:
    async def main() -> None:
        rig = Rig()
        rig.fill("web")
        rig.api.rows[EVENTS] = [
            event(f"e{n:04}", "web-pod", at=f"2026-11-20T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z")
            for n in range(900)
        ]
        rig.api.rows[EVENTS].append(event("job", "some-job", kind="Job", at="2026-11-20T09:00:00Z"))
        await rig.live.start()
        snapshot = await rig.settled()
        assert len(snapshot.events) == 500
        assert [item.uid for item in snapshot.events[:2]] == ["u-e0899", "u-e0898"]
        assert snapshot.events[0].message == "it happened"
        assert all(item.rollout == key("web") for item in snapshot.events)
        repeated = event("e0000", "web-pod", at="2026-11-20T10:00:00Z", rv="99")
        rig.api.push(EVENTS, "MODIFIED", repeated)
        again = await rig.settled(0.1)
        assert again.events[0].uid == "u-e0000"
        assert again.events[1] is snapshot.events[0]
        await rig.live.stop()

    run(main())


def test_where_time_stands_still_the_picture_follows_the_servers_date() -> None:
    async def main() -> None:
        rig = Rig()
        rig.live._clock.time_scale = 0.0
        beats = 0

        async def version() -> dict[str, Any]:
            nonlocal beats
            beats += 1
            return {}

        rig.api.version = version  # type: ignore[method-assign]
        await rig.live.start()
        await asyncio.sleep(5)
        assert beats >= 9
        await rig.live.stop()

    run(main())


def test_two_strategies_may_share_a_watch_but_not_disagree_about_it() -> None:
    class Other(Strategy):
        def __init__(self) -> None:
            super().__init__(DEPLOYMENTS)
            self.watches = (Watch(PODS, ReplicaSetRow),)

    async def main() -> None:
        with pytest.raises(TypeError, match="different rows of pods"):
            Live(Api(), virtual_clock(), (Strategy(ROLLOUTS), Other()), lambda case, policy: None, Policy())  # type: ignore[arg-type,return-value]

    run(main())
