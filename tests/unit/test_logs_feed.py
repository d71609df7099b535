"""Feeds: order, bounds, rates, safe text; and the hub that opens and closes streams with the pods."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from cockpit.cluster.logstream import RawLine
from cockpit.cluster.rows import ContainerState, ContainerStatus, PodMeta, PodRow, PodStatus, Running
from cockpit.cluster.store import Store
from cockpit.logs.feed import MOST_BYTES, MOST_LINES, Feed
from cockpit.logs.hub import MOST_STREAMS, LogHub, LogOptions
from cockpit.logs.level import level_of
from cockpit.model.resource import PODS, Key
from cockpit.model.rollout import Arm, Pod, Replicas, Role, Rollout, Weight
from tests.harness.virtual_time import EPOCH, run, virtual_clock

NANO = 1_000_000_000


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def wall(self) -> float:
        return self.now

    def cluster(self) -> float:
        return EPOCH + self.now


def feed_at(clock: Time, streams: int = 2) -> Feed:
    feed = Feed(clock.wall, clock.cluster)
    feed.streams = streams
    for n in range(streams):
        feed.opened()
        feed.state(f"pod-{n}", "")
    return feed


def line(clock: Time, back: float, text: str) -> RawLine:
    return RawLine(int((clock.cluster() - back) * NANO), text.encode())


def texts(feed: Feed) -> list[str]:
    return [entry.text for entry in feed.after(0, 100_000)]


def test_streams_are_merged_by_time_within_the_window() -> None:
    clock = Time()
    feed = feed_at(clock)
    feed.add("a", "web", [line(clock, 0.3, "1"), line(clock, 0.1, "3")], False)
    clock.now += 0.2
    assert feed.release() == 0
    feed.add("b", "web", [line(clock, 0.4, "2"), line(clock, 0.0, "4")], False)
    clock.now += 0.15
    feed.release()
    assert texts(feed) == ["1", "2", "3"]
    clock.now += 0.3
    feed.release()
    assert texts(feed) == ["1", "2", "3", "4"]
    assert [entry.seq for entry in feed.after(0)] == [1, 2, 3, 4]
    assert not feed.waiting


def test_equal_stamps_keep_each_streams_order_and_unstamped_lines_their_place() -> None:
    clock = Time()
    feed = feed_at(clock)
    same = int(clock.cluster() * NANO)
    feed.add("a", "web", [RawLine(same, b"one"), RawLine(None, b"  at frame"), RawLine(same, b"two")], False)
    clock.now += 1
    feed.release()
    assert texts(feed) == ["one", "  at frame", "two"]
    assert feed.after(1, 1)[0].text == "two", "the newest of them"
    assert feed.after(0)[1].at is None


def test_tails_of_streams_that_open_one_after_the_other_are_in_order() -> None:
    clock = Time()
    feed = Feed(clock.wall, clock.cluster)
    feed.streams = 2
    feed.state("a", "")
    feed.add("a", "web", [line(clock, 60, "2"), line(clock, 20, "4")], False)
    clock.now += 1.0
    assert feed.release() == 0, "the other stream is still opening"
    feed.state("b", "")
    feed.add("b", "web", [line(clock, 90, "1"), line(clock, 40, "3")], False)
    clock.now += 0.5
    feed.release()
    assert texts(feed) == ["1", "2", "3", "4"]
    slow = Feed(clock.wall, clock.cluster)
    slow.streams = 2
    slow.add("a", "web", [line(clock, 1, "x")], False)
    clock.now += 2.5
    assert slow.release() == 1, "a stream that never opens holds nothing back for long"


def test_the_ring_is_bounded_by_lines_and_by_bytes_and_says_what_it_dropped() -> None:
    clock = Time()
    feed = feed_at(clock)
    for n in range(MOST_LINES + 1234):
        feed.add("a", "web", [line(clock, 0, f"line {n}")], False)
    clock.now += 1
    feed.release()
    assert feed.dropped == 1234
    assert len(texts(feed)) == MOST_LINES
    assert feed.newest == MOST_LINES + 1234
    wide = feed_at(clock)
    wide.add("a", "web", [line(clock, 0, "w" * 4000)] * 4000, False)
    clock.now += 1
    wide.release()
    held = sum(len(entry.text) for entry in wide.after(0, 100_000))
    assert held <= MOST_BYTES
    assert wide.dropped == 4000 - len(wide.after(0, 100_000))


def test_reading_gives_only_what_is_new() -> None:
    clock = Time()
    feed = feed_at(clock)
    feed.add("a", "web", [line(clock, 0, str(n)) for n in range(10)], False)
    clock.now += 1
    feed.release()
    assert [entry.text for entry in feed.after(7)] == ["7", "8", "9"]
    assert feed.after(10) == ()
    assert feed.after(99) == ()
    assert [entry.text for entry in feed.after(0, 2)] == ["8", "9"]


def test_hostile_text_is_made_safe_and_says_what_it_hides() -> None:
    clock = Time()
    feed = feed_at(clock)
    nasty = [
        RawLine(int(clock.cluster() * NANO), b"\x1b]52;c;AAAA\x07\x1b[2Jred\x00 \xff\xfe [bold]x[/bold]"),
        RawLine(int(clock.cluster() * NANO), b"y" * 65536, hidden=1_000_000),
        RawLine(int(clock.cluster() * NANO), b"short", hidden=7),
    ]
    feed.add("a", "web", nasty, False)
    feed.note("a", "web", "ended: \x1b[31mOOM")
    clock.now += 1
    feed.release()
    first, second, third, note = feed.after(0)
    assert first.text == "red \ufffd\ufffd [bold]x[/bold]"
    assert second.text == "y" * 4096 + f"…(+{1_000_000 + 65536 - 4096})"
    assert third.text == "short…(+7)"
    assert note.note
    assert note.text == "ended: OOM"


def test_rates_come_from_the_lines_own_stamps_and_are_unknown_at_first() -> None:
    clock = Time()
    feed = Feed(clock.wall, clock.cluster)
    feed.streams = 1
    assert feed.rate is None
    assert feed.errors_per_minute is None
    feed.state("a", "")
    feed.opened()
    clock.now += 30
    assert feed.rate == 0
    for second in range(20):
        burst = [RawLine(int((EPOCH + clock.now) * NANO), b"ERROR boom" if n == 0 else b"fine") for n in range(5)]
        feed.add("a", "web", burst, False)
        clock.now += 1
        feed.release()
        assert second >= 0
    assert feed.rate == pytest.approx(5, rel=0.15)
    assert feed.errors_per_minute == pytest.approx(20 * 60 / 50, rel=0.1)
    clock.now += 120
    assert feed.rate == 0
    assert feed.errors_per_minute == 0


def test_a_tail_that_reaches_back_counts_over_its_own_span() -> None:
    clock = Time()
    feed = feed_at(clock, 1)
    feed.add("a", "web", [line(clock, back, "ERROR x") for back in range(30, -1, -1)], False)
    clock.now += 1
    feed.release()
    assert feed.errors_per_minute == pytest.approx(60, rel=0.1)


def test_status_names_the_trouble_and_how_much_of_it() -> None:
    clock = Time()
    feed = feed_at(clock, 3)
    assert feed.status == ""
    feed.state("pod-1", "waiting: \x1b[1mImagePullBackOff")
    assert feed.status == "1 of 3 streams: pod-1: waiting: ImagePullBackOff"
    feed.forget("pod-1")
    assert feed.status == ""
    empty = Feed(clock.wall, clock.cluster)
    empty.empty_reason = "no pods"
    assert empty.status == "no pods"


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ('{"level":"error","msg":"x"}', "error"),
        ('{"ts":1,"severity": "WARNING"}', "warn"),
        ('{"level":50,"msg":"pino"}', "error"),
        ("time=x level=info msg=y", "info"),
        ("level=fatal", "error"),
        ("E1120 03:12:41.1 main.go:1] boom", "error"),
        ("I1120 03:12:41.1 main.go:1] fine", "info"),
        ("2026-11-20 03:12:41 ERROR c.a.B - boom", "error"),
        ("2026-11-20 [warn] careful", "warn"),
        ("error: cannot open", "error"),
        ("Traceback (most recent call last):", "error"),
        ("panic: runtime error", "error"),
        ("DEBUG x", "debug"),
        ("GET /errors 200", ""),
        ("the user saw an error and left", ""),
        ('{"level":"strange"}', ""),
        ("", ""),
    ],
)
def test_levels(text: str, level: str) -> None:
    assert level_of(text) == level


# -- the hub ---------------------------------------------------------------------------------------------------------


class Streams:
    """A source whose streams say their pod's name and stay open."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.since: list[float | None] = []

    async def log_stream(self, namespace: str, pod: str, *, container: str, **more: Any) -> AsyncIterator[bytes]:
        self.asked.append((pod, container))
        self.since.append(more["since"])
        self.open.append(pod)
        try:
            yield b""
            yield f"2026-11-20T03:00:00Z hello from {pod}\n".encode()
            if more["follow"]:
                await asyncio.Event().wait()
        finally:
            self.open.remove(pod)


def pod(name: str, containers: tuple[str, ...] = ("web",), **more: Any) -> Pod:
    return Pod(
        name=name,
        namespace="shop",
        uid=f"u-{name}",
        hash="h",
        phase="Running",
        ready=True,
        restarts=0,
        digest=None,
        containers=containers,
        **more,
    )


def arm(role: Role, *pods: Pod) -> Arm:
    return Arm(role=role, hash="h", revision=1, replicaset="rs", images=(), pods=pods, desired=1, ready=1, available=1)


def rollout(canary: Arm | None, baseline: Arm | None) -> Rollout:
    return Rollout(
        key=Key("Rollout", "shop", "web"),
        uid="r",
        resource_version="1",
        generation=1,
        strategy="canary",
        phase="Progressing",
        message="",
        replicas=Replicas(1, 1, 1, 1),
        weight=Weight(None, None),
        seen={},
        canary=canary,
        baseline=baseline,
    )


class HubRig:
    def __init__(self) -> None:
        self.source, self.store = Streams(), Store(PODS)
        self.hub = LogHub(self.source, self.store, virtual_clock(), rng=random.Random(1))

    def exists(self, *pods: Pod) -> None:
        for item in pods:
            statuses = tuple(
                ContainerStatus(name=name, state=ContainerState(running=Running()), container_id=f"{item.uid}/{name}")
                for name in item.containers
            )
            self.store.upsert(
                PodRow(
                    meta=PodMeta(name=item.name, namespace="shop", uid=item.uid, resource_version="1"),
                    status=PodStatus(container_statuses=statuses),
                )
            )

    def texts(self, role: Role) -> list[str]:
        return [entry.text for entry in self.hub.feed(Key("Rollout", "shop", "web"), role).after(0) if not entry.note]


def test_each_arm_has_its_pods_and_closing_leaves_nothing_open() -> None:
    async def main() -> None:
        rig = HubRig()
        a, b = pod("a"), pod("b")
        rig.exists(a, b)
        rig.hub.focus(rollout(arm("canary", a), arm("baseline", b)))
        await asyncio.sleep(1)
        assert rig.texts("canary") == ["hello from a"]
        assert rig.texts("baseline") == ["hello from b"]
        rig.hub.focus(None)
        await asyncio.sleep(0.1)
        assert rig.source.open == []
        assert rig.hub.feed(Key("Rollout", "shop", "web"), "canary").status == "this rollout is not open"
        await rig.hub.aclose()

    run(main())


def test_streams_come_and_go_with_pods_and_are_not_opened_twice() -> None:
    async def main() -> None:
        rig = HubRig()
        a, b, c = pod("a"), pod("b"), pod("c")
        rig.exists(a, b, c)
        rig.hub.focus(rollout(arm("canary", a), arm("baseline", b)))
        await asyncio.sleep(1)
        rig.hub.focus(rollout(arm("canary", a, c), arm("baseline", b)))
        await asyncio.sleep(1)
        assert sorted(rig.source.open) == ["a", "b", "c"]
        assert len(rig.source.asked) == 3
        gone = rig.store.get("shop", "c")
        rig.hub.focus(rollout(arm("canary", a), arm("baseline", b)))
        await asyncio.sleep(1)
        assert "c" in rig.source.open, "a pod that is going is left to finish"
        rig.store.delete(gone)
        assert rig.texts("canary") == ["hello from a", "hello from c"]
        await rig.hub.aclose()
        assert rig.source.open == []

    run(main())


def test_a_pod_that_changed_sides_is_followed_on_its_new_side_only() -> None:
    async def main() -> None:
        rig = HubRig()
        a, b = pod("a"), pod("b")
        rig.exists(a, b)
        rig.hub.focus(rollout(arm("canary", a), arm("baseline", b)))
        await asyncio.sleep(1)
        rig.hub.focus(rollout(None, arm("baseline", a)))
        await asyncio.sleep(1)
        assert rig.source.open.count("a") == 1
        assert "hello from a" in rig.texts("baseline")
        await rig.hub.aclose()

    run(main())


def test_a_new_window_starts_afresh_and_another_rollout_replaces_this_one() -> None:
    async def main() -> None:
        rig = HubRig()
        a = pod("a")
        rig.exists(a)
        shown = rollout(arm("canary", a), None)
        rig.hub.focus(shown)
        await asyncio.sleep(1)
        rig.hub.set_window(shown.key, 300.0)
        await asyncio.sleep(1)
        assert rig.source.since[0] is None
        assert rig.source.since[1] == pytest.approx(EPOCH + 1001 - 300, abs=1)
        assert len(rig.source.open) == 1
        assert rig.texts("canary") == ["hello from a"]
        other = msgspec.structs.replace(shown, key=Key("Rollout", "shop", "api"))
        rig.hub.focus(other)
        assert rig.texts("canary") == []
        await rig.hub.aclose()

    run(main())


def test_the_bound_is_shared_and_said() -> None:
    async def main() -> None:
        rig = HubRig()
        canary = [pod(f"c{n:02}", created_at=float(n)) for n in range(10)]
        baseline = [pod(f"b{n:02}", created_at=float(n)) for n in range(80)]
        rig.exists(*canary, *baseline)
        rig.hub.focus(rollout(arm("canary", *canary), arm("baseline", *baseline)))
        await asyncio.sleep(3)
        assert len(rig.source.open) == MOST_STREAMS
        assert sum(name.startswith("c") for name in rig.source.open) == 10
        assert "b79" in rig.source.open, "the newest first"
        assert "40 of 80 containers" in rig.hub.feed(Key("Rollout", "shop", "web"), "baseline").status
        await rig.hub.aclose()

    run(main())


def test_containers_the_first_those_that_fail_or_the_one_asked_for() -> None:
    async def asked(options: LogOptions | None, **more: Any) -> list[tuple[str, str]]:
        rig = HubRig()
        a = pod("a", ("web", "proxy", "agent"), **more)
        rig.exists(a)
        rig.hub.focus(rollout(arm("canary", a), None), options)
        await asyncio.sleep(1)
        await rig.hub.aclose()
        return rig.source.asked

    assert run(asked(None)) == [("a", "web")]
    assert run(asked(None, restarts_by_container={"agent": 3})) == [("a", "web"), ("a", "agent")]
    assert run(asked(LogOptions(container="proxy"))) == [("a", "proxy")]
    assert run(asked(LogOptions(container="none"))) == []


def test_without_follow_everything_is_there_once_drained() -> None:
    async def main() -> None:
        rig = HubRig()
        a, b = pod("a"), pod("b")
        rig.exists(a, b)
        rig.hub.focus(rollout(arm("canary", a), arm("baseline", b)), LogOptions(follow=False))
        await asyncio.wait_for(rig.hub.drained(), 10)
        assert rig.texts("canary") == ["hello from a"]
        assert rig.texts("baseline") == ["hello from b"]
        await rig.hub.aclose()

    run(main())
