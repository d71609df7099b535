"""The reflector against every row of the fault table (facts/kubernetes-client.md 2.2), in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

import pytest

from cockpit.base.errors import AnswerLost, ApiError, CredentialsError, NotSent
from cockpit.cluster.decode import Page, WatchEvent
from cockpit.cluster.reflector import Reflector
from cockpit.cluster.rows import Meta, PodMeta, PodRow
from cockpit.cluster.store import Store
from cockpit.model.resource import PODS
from tests.harness.virtual_time import run, virtual_clock


def pod(name: str, rv: str, uid: str = "", namespace: str = "shop") -> PodRow:
    return PodRow(meta=PodMeta(name=name, namespace=namespace, uid=uid or f"uid-{name}", resource_version=rv))


def added(row: PodRow) -> WatchEvent:
    return WatchEvent("ADDED", row, row.meta.resource_version)


def deleted(row: PodRow) -> WatchEvent:
    return WatchEvent("DELETED", row, row.meta.resource_version)


def bookmark(rv: str) -> WatchEvent:
    return WatchEvent("BOOKMARK", None, rv)


class Fake:
    """An API that answers from scripts and writes down what it was asked, and when.

    A list is a page, a list of pages, or an exception. A watch is a list of steps: events (one batch), a number
    (seconds of silence), an exception, ``"hang"``; after the last one it ends cleanly. The last script repeats.
    """

    def __init__(self, lists: list[Any], watches: list[Any]) -> None:
        self.lists, self.watches = lists, watches
        self.asked: list[tuple[float, str, str]] = []
        self._pages: list[Page] = []
        self.open = 0

    async def list_page(
        self, resource: Any, namespace: Any, row: Any, *, limit: int = 500, continue_: str = ""
    ) -> Page:
        now = asyncio.get_running_loop().time()
        self.asked.append((now, "list" if not continue_ else "page", f"limit={limit}"))
        if not continue_:
            script = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
            self._pages = list(script) if isinstance(script, list) else [script]
        answer = self._pages.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def watch(
        self, resource: Any, namespace: Any, row: Any, *, resource_version: str, seconds: int
    ) -> AsyncIterator[list[WatchEvent]]:
        self.asked.append((asyncio.get_running_loop().time(), "watch", resource_version))
        script = self.watches.pop(0) if len(self.watches) > 1 else self.watches[0]
        if isinstance(script, Exception):
            raise script
        self.open += 1
        try:
            yield []
            for step in script:
                if isinstance(step, Exception):
                    raise step
                if step == "hang":
                    await asyncio.Event().wait()
                elif isinstance(step, int | float):
                    await asyncio.sleep(step)
                else:
                    yield [step] if isinstance(step, WatchEvent) else step
        finally:
            self.open -= 1

    def kinds(self) -> list[str]:
        return [kind for _, kind, _ in self.asked]

    def watched(self) -> list[str]:
        return [rv for _, kind, rv in self.asked if kind == "watch"]


class Rig:
    def __init__(self, lists: list[Any], watches: list[Any], namespace: str | None = None) -> None:
        self.fake = Fake(lists, watches)
        self.changes: list[tuple[str | None, str | None]] = []
        self.store = Store(PODS, self._changed)
        self.states: list[str] = []
        self.reflector = Reflector(
            self.fake,
            PODS,
            PodRow,
            self.store,
            virtual_clock(),
            namespace=namespace,
            rng=random.Random(7),
            on_status=lambda reflector: self.states.append(reflector.status.state),
        )

    def _changed(self, _resource: Any, old: Any, new: Any) -> None:
        self.changes.append((old and old.meta.uid, new and new.meta.uid))

    def names(self) -> set[str]:
        return {row.meta.name for row in self.store}


def after(seconds: float, lists: list[Any], watches: list[Any], **more: Any) -> Rig:
    """The rig after so many virtual seconds of reflecting."""

    async def main() -> Rig:
        rig = Rig(lists, watches, **more)
        task = asyncio.create_task(rig.reflector.run())
        await asyncio.sleep(seconds)
        assert not task.done(), task.exception()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert rig.fake.open == 0, "a watch was left open"
        return rig

    return run(main())


LIST = Page([pod("a", "3"), pod("b", "9")], "12", "")


def test_lists_then_watches_from_the_version_of_the_list_not_of_an_item() -> None:
    rig = after(10, [LIST], [["hang"]])
    assert rig.fake.watched() == ["12"]
    assert rig.names() == {"a", "b"}
    assert rig.reflector.status.state == "SYNCED"
    assert rig.reflector.status.resource_version == "12"


def test_pages_show_at_once_and_the_last_pages_version_counts() -> None:
    pages = [Page([pod("a", "3")], "12", "more"), Page([pod("b", "4")], "12", "")]
    rig = after(10, [pages], [["hang"]])
    assert rig.fake.kinds() == ["list", "page", "watch"]
    assert rig.names() == {"a", "b"}


def test_events_are_applied_and_the_next_watch_starts_behind_them() -> None:
    steps = [added(pod("c", "20")), deleted(pod("a", "21")), bookmark("40"), 5.0]
    rig = after(6, [LIST], [steps, ["hang"]])
    assert rig.names() == {"b", "c"}
    assert rig.fake.watched() == ["12", "40"]
    assert rig.fake.kinds().count("list") == 1, "a clean end needs no list"


def test_expired_in_stream_lists_again_instead_of_repeating_the_version() -> None:
    gone = WatchEvent("ERROR", code=410, reason="Expired")
    rig = after(30, [LIST, Page([pod("z", "50")], "60", "")], [[added(pod("c", "20")), gone], ["hang"]])
    assert rig.fake.watched() == ["12", "60"]
    assert rig.names() == {"z"}


def test_expired_at_open_lists_again() -> None:
    rig = after(30, [LIST, Page([], "60", "")], [ApiError("gone", status=410, reason="Gone"), ["hang"]])
    assert rig.fake.watched() == ["12", "60"]


@pytest.mark.parametrize(
    "watch", [[], ApiError("gone", status=410), [WatchEvent("ERROR", code=410)]], ids=["eof", "410", "in-stream"]
)
def test_a_server_that_ends_every_watch_at_once_is_not_asked_in_a_hot_loop(watch: Any) -> None:
    rig = after(60, [LIST], [watch])
    assert len(rig.fake.asked) < 25
    gaps = [b - a for (a, *_), (b, *_) in zip(rig.fake.asked, rig.fake.asked[2:], strict=False)]
    assert max(gaps) > 8, "the pause grows"
    assert rig.reflector.status.state == "BACKOFF"
    assert rig.names() == {"a", "b"}, "what was known stays"


def test_pauses_grow_to_a_minute_at_most_and_start_over_after_health() -> None:
    rig = after(1200, [LIST], [NotSent("refused")])
    times = [at for at, kind, _ in rig.fake.asked if kind == "watch"]
    gaps = [b - a for a, b in pairwise(times)]
    assert 0.8 <= gaps[0] <= 1.6
    assert all(gap <= 60 for gap in gaps)
    assert gaps[-1] >= 30
    lost = [NotSent("refused")] * 8
    rig = after(1200, [LIST], [*lost, [130.0, AnswerLost("cut")], ["hang"]])
    first, second = (at for at, kind, _ in rig.fake.asked[9:11])  # a list and eight refused came before
    assert second - first - 130 <= 1.6


def test_a_broken_connection_resumes_from_the_last_event_without_a_list() -> None:
    rig = after(60, [LIST], [[added(pod("c", "20")), AnswerLost("broke")], ["hang"]])
    assert rig.fake.kinds() == ["list", "watch", "watch"]
    assert rig.fake.watched() == ["12", "20"]
    assert rig.states == ["SYNCED", "BACKOFF", "SYNCED"]


def test_a_silent_watch_is_reopened_after_its_own_time_and_sooner_once_bookmarks_came() -> None:
    rig = after(2000, [LIST], [["hang"]])
    times = [at for at, kind, _ in rig.fake.asked if kind == "watch"]
    assert all(330 <= b - a <= 630 for a, b in pairwise(times))
    assert "STALE" in rig.states
    rig = after(290, [LIST], [[60.0, bookmark("30"), "hang"], ["hang"]])
    times = [at for at, kind, _ in rig.fake.asked if kind == "watch"]
    assert times[1] - times[0] == pytest.approx(180)
    assert rig.fake.watched()[1] == "30"


def test_a_watch_that_lives_is_not_cut() -> None:
    events = [step for n in range(100) for step in (50.0, bookmark(str(100 + n)))]
    rig = after(4900, [LIST], [[*events, "hang"]])
    assert rig.fake.kinds() == ["list", "watch"]


def test_an_error_event_without_code_or_reason_is_survived_by_a_list() -> None:
    rig = after(30, [LIST, Page([pod("z", "50")], "60", "")], [[WatchEvent("ERROR")], ["hang"]])
    assert rig.fake.watched() == ["12", "60"]


def test_internal_errors_rewatch_for_a_minute_and_then_list() -> None:
    rig = after(300, [LIST, Page([], "60", "")], [[WatchEvent("ERROR", code=500, reason="InternalError")]])
    kinds = rig.fake.kinds()
    assert kinds[1:4] == ["watch", "watch", "watch"]
    second = kinds.index("list", 1)
    assert rig.fake.asked[second][0] - rig.fake.asked[1][0] >= 60
    assert len(kinds) < 40


def test_too_many_requests_waits_as_long_as_asked_and_keeps_its_place() -> None:
    busy = ApiError("slow down", status=429, retry_after=17.0)
    rig = after(60, [LIST], [busy, ["hang"]])
    (_, _, _), (first, _, _), (second, _, version) = rig.fake.asked
    assert second - first >= 17
    assert version == "12"
    rig = after(60, [LIST], [[WatchEvent("ERROR", code=429, retry_after=17.0)], ["hang"]])
    assert rig.fake.asked[2][0] - rig.fake.asked[1][0] >= 17


def test_forbidden_is_said_and_asked_again_slowly() -> None:
    rig = after(300, [ApiError("pods is forbidden", status=403, reason="Forbidden")], [["hang"]])
    assert rig.reflector.status.state == "DENIED"
    assert rig.reflector.status.message == "pods is forbidden"
    assert rig.reflector.status.code == 403
    assert 5 <= len(rig.fake.asked) <= 11
    assert "watch" not in rig.fake.kinds()


def test_a_right_to_list_without_one_to_watch_is_used_slowly() -> None:
    later = Page([pod("z", "50")], "60", "")
    rig = after(200, [LIST, LIST, later], [ApiError("cannot watch", status=403)])
    lists = [at for at, kind, _ in rig.fake.asked if kind == "list"]
    assert all(30 <= b - a <= 60 for a, b in pairwise(lists))
    assert rig.names() == {"z"}
    assert rig.reflector.status.state == "DENIED"


def test_rights_that_come_back_are_noticed() -> None:
    rig = after(90, [ApiError("no", status=403), LIST], [["hang"]])
    assert rig.reflector.status.state == "SYNCED"


def test_an_absent_kind_empties_the_store_and_is_probed_now_and_then() -> None:
    rig = after(400, [LIST, ApiError("not found", status=404)], [ApiError("not found", status=404)])
    assert rig.reflector.status.state == "ABSENT"
    assert rig.names() == set()
    assert len(rig.fake.asked) < 12


def test_credentials_that_cannot_be_had_are_a_state_not_an_exception() -> None:
    rig = after(60, [CredentialsError("log in again")], [["hang"]])
    assert rig.reflector.status.state == "DENIED"
    assert rig.reflector.status.code == 401
    assert rig.reflector.status.message == "log in again"


def test_a_compacted_continue_token_is_answered_by_one_list_in_one_piece() -> None:
    first = [Page([pod("a", "3")], "12", "more"), ApiError("expired", status=410)]
    rig = after(10, [first, LIST], [["hang"]])
    assert [(kind, how) for _, kind, how in rig.fake.asked[:3]] == [
        ("list", "limit=500"),
        ("page", "limit=500"),
        ("list", "limit=0"),
    ]
    assert rig.names() == {"a", "b"}


def test_nothing_shows_of_a_list_that_broke_off() -> None:
    broken = [Page([pod("x", "90")], "95", "more"), AnswerLost("cut")]
    rig = after(
        10, [LIST, broken, AnswerLost("cut")], [[added(pod("c", "20")), WatchEvent("ERROR", code=410)], ["hang"]]
    )
    assert rig.names() == {"a", "b", "c"}


def test_a_list_reports_only_what_differs_and_a_new_uid_is_another_object() -> None:
    again = Page([pod("a", "3"), pod("b", "70", uid="other")], "80", "")
    rig = after(10, [LIST, again], [[WatchEvent("ERROR", code=410)], ["hang"]])
    assert rig.changes == [
        (None, "uid-a"),
        (None, "uid-b"),
        ("uid-b", None),
        (None, "other"),
    ]


def test_missing_objects_of_a_list_are_deletions_in_this_scope_only() -> None:
    async def main() -> set[str]:
        rig = Rig([Page([pod("a", "3")], "12", "")], [["hang"]], namespace="shop")
        rig.store.upsert(pod("old", "1"))
        rig.store.upsert(pod("far", "1", namespace="elsewhere"))
        task = asyncio.create_task(rig.reflector.run())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return rig.names()

    assert run(main()) == {"a", "far"}


def test_kick_ends_a_pause_and_relist_leaves_a_running_watch() -> None:
    async def main(act: Callable[[Reflector], None], watches: list[Any]) -> list[tuple[float, str, str]]:
        rig = Rig([LIST], watches)
        task = asyncio.create_task(rig.reflector.run())
        await asyncio.sleep(100)
        before = len(rig.fake.asked)
        act(rig.reflector)
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return rig.fake.asked[before:]

    lost = run(main(lambda reflector: reflector.kick(), [NotSent("refused")]))
    assert [kind for _, kind, _ in lost] == ["watch"]
    healthy = run(main(lambda reflector: reflector.kick(), [["hang"]]))
    assert healthy == []
    reopened = run(main(lambda reflector: reflector.kick(rewatch=True), [["hang"]]))
    assert [kind for _, kind, _ in reopened] == ["watch"]
    relisted = run(main(lambda reflector: reflector.kick(relist=True), [["hang"]]))
    assert [kind for _, kind, _ in relisted] == ["list", "watch"]


def test_watch_times_are_spread_and_bound_how_long_a_revoked_right_lingers() -> None:
    asked: list[int] = []

    class Short(Fake):
        async def watch(self, *args: Any, seconds: int, **kwargs: Any) -> AsyncIterator[list[WatchEvent]]:  # type: ignore[override]
            asked.append(seconds)
            yield []
            await asyncio.sleep(2)

    async def main() -> None:
        reflector = Reflector(Short([LIST], []), PODS, PodRow, Store(PODS), virtual_clock(), rng=random.Random(1))
        task = asyncio.create_task(reflector.run())
        await asyncio.sleep(100)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())
    assert len(set(asked)) > 10
    assert all(300 <= seconds <= 600 for seconds in asked)


def test_a_repeated_added_is_one_change() -> None:
    row = pod("c", "20")
    rig = after(10, [Page([], "12", "")], [[added(row), added(pod("c", "20")), "hang"]])
    assert rig.changes == [(None, "uid-c")]


def test_odd_objects_are_counted_and_do_not_stop_the_watch() -> None:
    rig = after(10, [LIST], [[WatchEvent("ADDED", None, odd=True), added(pod("c", "20")), "hang"]])
    assert rig.reflector.counters.odd == 1
    assert "c" in rig.names()


def test_meta_is_what_identifies_a_row() -> None:
    assert Meta(name="a").controller is None


def test_a_defect_of_ours_is_said_and_the_picture_is_kept_up_again() -> None:
    async def main() -> Rig:
        rig = Rig([LIST], [[added(pod("c", "20")), 5.0, added(pod("d", "21")), "hang"]])
        faults = iter([ZeroDivisionError("ours")])
        whole = rig.store.upsert

        def upsert(row: Any) -> None:
            if row.meta.name == "c" and (fault := next(faults, None)) is not None:
                raise fault
            whole(row)

        rig.store.upsert = upsert  # type: ignore[method-assign]
        task = asyncio.create_task(rig.reflector.run())
        await asyncio.sleep(0.2)
        assert "defect in the cockpit itself (ZeroDivisionError)" in rig.reflector.status.message
        assert rig.reflector.status.state == "BACKOFF"
        await asyncio.sleep(30)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return rig

    rig = run(main())
    assert rig.names() == {"a", "b", "c", "d"}
    assert rig.reflector.status.state == "SYNCED"
