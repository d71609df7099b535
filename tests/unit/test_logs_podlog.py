"""Following one container: nothing lost, nothing doubled, whatever ends the stream. In virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.base.errors import AnswerLost, ApiError, NotSent
from cockpit.cluster.logstream import RawLine
from cockpit.cluster.podlogs import PodLog
from cockpit.cluster.rows import (
    ContainerState,
    ContainerStatus,
    PodMeta,
    PodRow,
    PodStatus,
    Running,
    Terminated,
    Waiting,
)
from cockpit.cluster.stamps import split_stamp
from cockpit.cluster.store import Store
from cockpit.model.resource import PODS
from tests.harness.virtual_time import EPOCH, run, virtual_clock

BASE = int(EPOCH)


NANO = 1_000_000_000


def at(seconds: float) -> int:
    return BASE * NANO + round(seconds * NANO)


def stamp(nanoseconds: int) -> str:
    whole, fraction = divmod(nanoseconds, NANO)
    text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{fraction:09d}".rstrip("0").rstrip(".") + "Z"


RUNNING = ContainerState(running=Running())


def crashed(identity: str, code: int = 1) -> ContainerState:
    return ContainerState(terminated=Terminated(exit_code=code, reason="Error", container_id=identity))


class Kubelet:
    """Container instances with their lines, served with the semantics of the log endpoint."""

    def __init__(self) -> None:
        self.logs: dict[str, list[tuple[int, bytes]]] = {}
        self.current = ""
        self.previous: str | None = None
        self.ended: set[str] = set()
        self.failures: list[Exception] = []
        self.cut_after: list[int] = []  # chunks until the stream breaks, one number per open
        self.asked: list[dict[str, Any]] = []
        self.chunk = 40
        self.wake = asyncio.Event()
        self.ends_after: list[int] = []  # chunks until the stream ends as if it were complete

    def write(self, identity: str, when: int, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        self.logs.setdefault(identity, []).append((when, data))
        self.wake.set()
        self.wake = asyncio.Event()

    def end(self, identity: str) -> None:
        self.ended.add(identity)
        self.wake.set()
        self.wake = asyncio.Event()

    async def log_stream(
        self,
        namespace: str,
        pod: str,
        *,
        container: str,
        follow: bool = True,
        since: float | None = None,
        tail_lines: int | None = None,
        previous: bool = False,
        limit_bytes: int | None = None,
    ) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        self.asked.append({"at": loop.time(), "since": since, "tail": tail_lines, "previous": previous})
        if self.failures:
            raise self.failures.pop(0)
        identity = self.previous if previous else self.current
        if identity is None:
            raise ApiError("previous terminated container not found", status=400, reason="BadRequest")
        budget = self.cut_after.pop(0) if self.cut_after else None
        allowed = self.ends_after.pop(0) if self.ends_after else None
        yield b""
        place = 0
        lines = self.logs.setdefault(identity, [])
        if tail_lines is not None:
            place = max(0, len(lines) - tail_lines)
        floor = int(since) if since is not None else None
        while True:
            while place < len(lines):
                when, text = lines[place]
                place += 1
                if floor is not None and when // NANO < floor:
                    continue
                whole = stamp(when).encode() + b" " + text + b"\n"
                for begin in range(0, len(whole), self.chunk):
                    if budget is not None:
                        if budget == 0:
                            raise AnswerLost("the connection broke")
                        budget -= 1
                    if allowed is not None:
                        if allowed == 0:
                            return
                        allowed -= 1
                    yield whole[begin : begin + self.chunk]
            if not follow or identity in self.ended:
                return
            await self.wake.wait()


class Sink:
    def __init__(self) -> None:
        self.taken: list[tuple[str, bool]] = []
        self.raw: list[RawLine] = []
        self.notes: list[str] = []
        self.states: list[str] = []
        self.batches = 0

    def lines(self, lines: list[RawLine], previous: bool) -> None:
        self.batches += 1
        self.raw += lines
        self.taken += [(line.text.decode(), previous) for line in lines]

    def note(self, text: str, at: float | None = None) -> None:
        self.notes.append(text)

    def state(self, text: str) -> None:
        self.states.append(text)

    def texts(self) -> list[str]:
        return [text for text, _ in self.taken]


class Rig:
    def __init__(self, **options: Any) -> None:
        self.kubelet, self.sink, self.store = Kubelet(), Sink(), Store(PODS)
        self.version = 0
        self.log = PodLog(
            self.kubelet,
            self.store,
            virtual_clock(),
            self.sink,
            namespace="shop",
            pod="web-1",
            uid="u1",
            container="web",
            rng=random.Random(3),
            **options,
        )

    def pod(
        self, state: ContainerState, identity: str = "", last: ContainerState | None = None, count: int = 0
    ) -> None:
        self.version += 1
        status = ContainerStatus(
            name="web", restart_count=count, container_id=identity, state=state, last_state=last or ContainerState()
        )
        self.kubelet.current = identity or self.kubelet.current
        if last is not None and last.terminated is not None:
            self.kubelet.previous = last.terminated.container_id
        self.store.upsert(
            PodRow(
                meta=PodMeta(name="web-1", namespace="shop", uid="u1", resource_version=str(self.version)),
                status=PodStatus(container_statuses=(status,)),
            )
        )

    def start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.log.run())


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_lines_arrive_with_their_stamps_and_without_loss() -> None:
    async def main() -> Rig:
        rig = Rig()
        rig.pod(RUNNING, "c1")
        task = rig.start()
        for n in range(50):
            rig.kubelet.write("c1", at(n * 0.01), f"line {n}")
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)
        await stop(task)
        return rig

    rig = run(main())
    assert rig.sink.texts() == [f"line {n}" for n in range(50)]
    assert rig.sink.raw[7].at == at(0.07)
    assert rig.sink.batches <= 15, "a line per chunk must not cost a wake-up per line"


def test_a_single_line_on_a_quiet_stream_is_not_held_back() -> None:
    async def main() -> None:
        rig = Rig()
        rig.pod(RUNNING, "c1")
        task = rig.start()
        for n in range(3):
            await asyncio.sleep(10)
            rig.kubelet.write("c1", at(n), f"line {n}")
            await asyncio.sleep(0.2)
            assert rig.sink.texts()[-1] == f"line {n}"
        await stop(task)

    run(main())


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([0, 0, 0, 1, 200_000_000, 999_999_999, 3_000_000_000]), min_size=1, max_size=40),
    st.lists(st.integers(0, 60), max_size=12),
    st.integers(5, 200),
)
def test_cuts_anywhere_lose_nothing_and_double_nothing(gaps: list[int], cuts: list[int], chunk: int) -> None:
    async def main() -> Rig:
        rig = Rig()
        rig.kubelet.chunk, rig.kubelet.cut_after = chunk, list(cuts)
        rig.pod(RUNNING, "c1")
        when = at(0)
        for n, gap in enumerate(gaps):
            when += gap
            rig.kubelet.logs.setdefault("c1", []).append((when, f"line {n} of equal stamps".encode()))
        task = rig.start()
        await asyncio.sleep(900)
        await stop(task)
        return rig

    rig = run(main())
    assert rig.sink.texts() == [f"line {n} of equal stamps" for n in range(len(gaps))]


def test_half_a_line_at_a_clean_end_of_following_is_not_a_line() -> None:
    async def main() -> Rig:
        rig = Rig()
        rig.kubelet.chunk, rig.kubelet.ends_after = 10, [5]
        rig.pod(RUNNING, "c1")
        rig.kubelet.write("c1", at(0), "a line that a load balancer cuts in two")
        task = rig.start()
        await asyncio.sleep(20)
        await stop(task)
        return rig

    assert run(main()).sink.texts() == ["a line that a load balancer cuts in two"]


def test_resuming_asks_from_the_last_whole_second() -> None:
    async def main() -> Rig:
        rig = Rig()
        rig.pod(RUNNING, "c1")
        rig.kubelet.write("c1", at(5.75), "one")
        rig.kubelet.cut_after = [1]
        task = rig.start()
        await asyncio.sleep(1)
        rig.kubelet.write("c1", at(5.999999999), "two")
        await asyncio.sleep(30)
        await stop(task)
        return rig

    rig = run(main())
    assert rig.kubelet.asked[0]["since"] is None
    assert rig.kubelet.asked[0]["tail"] == 500
    assert rig.kubelet.asked[1]["since"] == BASE + 5
    assert rig.kubelet.asked[1]["tail"] is None
    assert rig.sink.texts() == ["one", "two"]


def test_a_window_is_asked_for_by_time_and_not_by_lines() -> None:
    async def main() -> Rig:
        rig = Rig(since=float(BASE))
        rig.pod(RUNNING, "c1")
        task = rig.start()
        await asyncio.sleep(1)
        await stop(task)
        return rig

    asked = run(main()).kubelet.asked[0]
    assert (asked["since"], asked["tail"]) == (BASE, None)


def test_a_crash_loop_shows_each_instance_once_and_in_order() -> None:
    async def main() -> Rig:
        rig = Rig()
        rig.kubelet.write("c1", at(0), "c1 last words")
        rig.kubelet.end("c1")
        rig.pod(RUNNING, "c2", last=crashed("c1"), count=1)
        rig.kubelet.write("c2", at(1), "c2 starts")
        task = rig.start()
        await asyncio.sleep(5)
        rig.kubelet.write("c2", at(2), "c2 dies")
        rig.kubelet.end("c2")
        await asyncio.sleep(2)
        rig.pod(crashed("c2"), "c2", last=crashed("c1"), count=1)
        await asyncio.sleep(2)
        rig.pod(ContainerState(waiting=Waiting("CrashLoopBackOff")), "c2", last=crashed("c2"), count=1)
        await asyncio.sleep(2)
        rig.pod(RUNNING, "c3", last=crashed("c2"), count=2)
        rig.kubelet.write("c3", at(20), "c3 starts")
        await asyncio.sleep(10)
        await stop(task)
        return rig

    rig = run(main())
    assert rig.sink.taken == [
        ("c1 last words", True),
        ("c2 starts", False),
        ("c2 dies", False),
        ("c3 starts", False),
    ]
    assert "waiting: CrashLoopBackOff" in rig.sink.states
    assert [note.split(";")[0] for note in rig.sink.notes] == ["web-1 web ended: exit code 1, Error"] * 2
    assert rig.sink.states[-1] == ""


def test_a_restart_between_two_looks_drains_what_was_missed_of_the_instance_before() -> None:
    async def main() -> Rig:
        rig = Rig()
        rig.pod(RUNNING, "c1")
        rig.kubelet.write("c1", at(0.5), "seen")
        rig.kubelet.cut_after = [1]
        task = rig.start()
        await asyncio.sleep(0.5)
        rig.kubelet.write("c1", at(0.5), "same stamp, missed")
        rig.kubelet.write("c1", at(0.9), "last words")
        rig.kubelet.end("c1")
        rig.kubelet.write("c2", at(3), "new instance")
        rig.pod(RUNNING, "c2", last=crashed("c1"), count=1)
        await asyncio.sleep(20)
        await stop(task)
        return rig

    rig = run(main())
    assert rig.sink.taken == [
        ("seen", False),
        ("same stamp, missed", True),
        ("last words", True),
        ("new instance", False),
    ]


def test_a_waiting_container_waits_for_the_store_and_does_not_poll() -> None:
    async def main() -> Rig:
        rig = Rig()
        rig.pod(ContainerState(waiting=Waiting("ContainerCreating")))
        task = rig.start()
        await asyncio.sleep(55)
        assert rig.kubelet.asked == []
        rig.pod(RUNNING, "c1")
        rig.kubelet.write("c1", at(0), "hello")
        await asyncio.sleep(1)
        await stop(task)
        return rig

    rig = run(main())
    assert rig.sink.texts() == ["hello"]
    assert rig.sink.states == ["waiting: ContainerCreating", ""]


@pytest.mark.parametrize(
    ("error", "most", "says"),
    [
        (ApiError("pods/log is forbidden", status=403), 6, "denied: pods/log is forbidden"),
        (ApiError("container is waiting to start", status=400), 6, "container is waiting to start"),
        (ApiError("overloaded", status=503), 20, "overloaded"),
        (NotSent("API server cannot be reached"), 20, "API server cannot be reached"),
    ],
)
def test_refusals_are_said_and_do_not_hammer(error: Exception, most: int, says: str) -> None:
    async def main() -> Rig:
        rig = Rig()
        rig.pod(RUNNING, "c1")
        rig.kubelet.failures = [error] * 1000
        task = rig.start()
        await asyncio.sleep(300)
        await stop(task)
        return rig

    rig = run(main())
    assert 1 <= len(rig.kubelet.asked) <= most
    assert says in rig.sink.states


def test_a_pod_that_is_gone_ends_the_stream_with_a_word() -> None:
    async def main() -> Rig:
        rig = Rig()
        rig.pod(RUNNING, "c1")
        rig.kubelet.write("c1", at(0), "bye")
        task = rig.start()
        await asyncio.sleep(1)
        rig.store.delete(rig.store.get("shop", "web-1"))
        rig.kubelet.end("c1")
        await asyncio.wait_for(task, 10)
        return rig

    rig = run(main())
    assert rig.sink.notes == ["pod web-1 is gone"]


def test_another_pod_of_the_same_name_is_not_followed() -> None:
    async def main() -> Rig:
        rig = Rig()
        rig.pod(RUNNING, "c1")
        row = rig.store.get("shop", "web-1")
        assert row is not None
        rig.store.upsert(msgspec.structs.replace(row, meta=PodMeta(name="web-1", namespace="shop", uid="other")))
        await asyncio.wait_for(rig.start(), 10)
        return rig

    assert run(main()).kubelet.asked == []


def test_a_stream_that_fell_silent_is_reopened_and_goes_on() -> None:
    async def main() -> Rig:
        rig = Rig()
        rig.pod(RUNNING, "c1")
        rig.kubelet.write("c1", at(0), "before the rotation")
        task = rig.start()
        await asyncio.sleep(50)
        rig.kubelet.logs["c1"].append((at(50), b"written to the new file"))  # nobody wakes the old stream
        await asyncio.sleep(30)
        assert rig.sink.texts() == ["before the rotation", "written to the new file"]
        quiet = len(rig.kubelet.asked)
        await asyncio.sleep(3600)
        assert len(rig.kubelet.asked) - quiet < 20, "a quiet application is not asked every minute for ever"
        await stop(task)
        return rig

    run(main())


def test_without_follow_it_reads_what_there_is_and_returns() -> None:
    async def main() -> Rig:
        rig = Rig(follow=False)
        rig.kubelet.write("c1", at(0), "old instance")
        rig.kubelet.write("c2", at(1), "running")
        rig.pod(RUNNING, "c2", last=crashed("c1"), count=1)
        await asyncio.wait_for(rig.start(), 10)
        return rig

    assert run(main()).sink.taken == [("old instance", True), ("running", False)]


def test_only_the_previous_instance() -> None:
    async def main(last: ContainerState | None) -> Rig:
        rig = Rig(previous_only=True)
        rig.kubelet.write("c1", at(0), "old instance")
        rig.kubelet.write("c2", at(1), "running")
        rig.pod(RUNNING, "c2", last=last, count=1)
        await asyncio.wait_for(rig.start(), 10)
        return rig

    assert run(main(crashed("c1"))).sink.taken == [("old instance", True)]
    none = run(main(None))
    assert none.sink.taken == []
    assert "no instance before" in none.sink.notes[0]


def test_long_lines_and_bytes_that_are_no_text() -> None:
    async def main() -> Rig:
        rig = Rig()
        rig.kubelet.chunk = 10_000
        rig.pod(RUNNING, "c1")
        rig.kubelet.write("c1", at(0), b"x" * 1_000_000)
        rig.kubelet.write("c1", at(1), b"\xff\xfe\x00 ok")
        task = rig.start()
        await asyncio.sleep(2)
        await stop(task)
        return rig

    rig = run(main())
    lead = len(stamp(at(0))) + 1
    assert rig.sink.raw[0].hidden == 1_000_000 + lead - 65536
    assert len(rig.sink.raw[0].text) == 65536 - lead
    assert rig.sink.raw[1].text == b"\xff\xfe\x00 ok"


@pytest.mark.parametrize(
    ("line", "when", "rest"),
    [
        (b"2026-11-20T03:12:41Z hi", 1795144361_000_000_000, b"hi"),
        (b"2026-11-20T03:12:41.5Z hi", 1795144361_500_000_000, b"hi"),
        (b"2026-11-20T03:12:41.123456789Z hi", 1795144361_123_456_789, b"hi"),
        (b"2026-11-20T05:12:41.000000001+02:00 hi", 1795144361_000_000_001, b"hi"),
        (b"2026-11-20T03:12:41Z", 1795144361_000_000_000, b""),
        (b"2026-11-20T03:12:41Z  two blanks", 1795144361_000_000_000, b" two blanks"),
        (b"no stamp", None, b"no stamp"),
        (b"2026-13-20T03:12:41Z hi", None, b"2026-13-20T03:12:41Z hi"),
        (b"", None, b""),
    ],
)
def test_stamps(line: bytes, when: int | None, rest: bytes) -> None:
    assert split_stamp(line) == (when, rest)
