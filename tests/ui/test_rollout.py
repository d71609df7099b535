"""The cockpit of one rollout: what it says, its panes, its logs, and how it takes missing data."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cockpit.model.resource import Key
from cockpit.model.snapshot import Source
from tests.ui import pictures
from tests.ui.drive import driven, press, settle, text_of
from tests.ui.fake_seat import FakeSeat
from tests.ui.pictures import NOW

CHECKOUT = (None, "payments", "checkout-api")


def on(name: str, namespace: str = "payments") -> dict[str, tuple[str | None, str, str]]:
    return {"start": (None, namespace, name)}


async def test_everything_about_a_bad_canary_is_on_one_screen() -> None:
    async with driven(FakeSeat(), start=CHECKOUT) as (app, _, _):
        shown = text_of(app)
        for part in (
            "payments/checkout-api",
            "rev 41 → 42",
            "✖ ABORT",
            "err 13.7× base",
            "X aborts → 100% rev 41",
            "steps 5/9",
            "◉ check 7/10",
            "set 25%",
            "actual 25%",
            "1 more failed → auto-abort",
            "argocd checkout",
            "4.10 ✖",
            "13.7×",
            "910 ✖",
            "SLO 99.9 % / 30 d",
            "22.9×✖",
            "18m/1h",
            "61%",
            "C rev 42",
            "3/3 up",
            "9f3c…a1",
            "B rev 41",
            "9/9 up",
            "CANARY · 412/s",
            "psp timeout after 800ms",
            "GET /cart 200",
            "AnalysisRunFailed",
        ):
            assert part in shown, part


async def test_80x24_says_the_same_shorter() -> None:
    async with driven(FakeSeat(), (80, 24), start=CHECKOUT) as (app, _, _):
        shown = text_of(app)
        for part in (
            "✖ ABORT",
            "X aborts",
            "◉ check 7/10",
            "25%/25%",
            "4.10 ✖",
            "910 ✖",
            "22.9×✖",
            "C 3/3",
            "CANARY",
            "BASELINE",
        ):
            assert part in shown, part


async def test_a_crash_loop_says_why_at_a_glance_at_both_sizes() -> None:
    for size in ((80, 24), (120, 36)):
        async with driven(FakeSeat(), size, **on("search-indexer", "search")) as (app, _, _):
            shown = text_of(app)
            assert "✖ FAILING" in shown
            assert "CrashLoopBackOff 3/3 pods" in shown and "OOMKilled" in shown and "137" in shown


async def test_blind_numbers_are_question_marks_with_the_reason() -> None:
    async with driven(FakeSeat(), **on("recs", "ml")) as (app, _, _):
        shown = text_of(app)
        assert "? BLIND" in shown and "the canary exports no samples for 94 s" in shown
        assert "actual ?" in shown


async def test_a_window_longer_than_the_canary_lives_is_no_number() -> None:
    async with driven(FakeSeat(), start=CHECKOUT) as (app, pilot, _):
        await press(pilot, "b")
        shown = text_of(app)
        assert "18 min of 1 h" in shown and "18 min of 3 d" in shown and "15.1×" not in shown


async def test_a_stale_picture_says_so_where_the_verdict_is_read() -> None:
    lost = Source("lost", NOW - 42, NOW - 42, message="connection refused")
    async with driven(FakeSeat(pictures.picture(kubernetes=lost)), start=CHECKOUT) as (app, _, _):
        assert "STALE 42s" in text_of(app).split("\n")[1]


async def test_a_rollout_that_vanishes_leaves_what_was_seen_and_says_so() -> None:
    seat = FakeSeat()
    async with driven(seat, start=CHECKOUT) as (app, pilot, _):
        seat.picture = pictures.picture([], version=2)
        await settle(pilot)
        shown = text_of(app)
        assert "GONE" in shown and "is not in this cluster any more" in shown and "psp timeout" in shown
        await press(pilot, "X")
        assert "no rollout is selected" in text_of(app) and not seat.planned


async def test_thirty_steps_keep_the_current_one_in_view_and_scroll() -> None:
    case = [case for case in pictures.odd() if case[0].key.name == "thirty"]
    for size in ((80, 24), (120, 36)):
        async with driven(FakeSeat(pictures.picture(case)), size, **on("thirty")) as (app, pilot, _):
            assert "◉ 51%" in text_of(app) and "16 ‹" in text_of(app)
            await press(pilot, "1", "h", "h", "h")
            assert "14 ‹" in text_of(app)
            await press(pilot, "tab")
            assert "16 ‹" in text_of(app)


async def test_panes_by_digit_tab_and_full_screen() -> None:
    async with driven(FakeSeat(), start=CHECKOUT) as (app, pilot, _):
        assert app.focused is None
        await press(pilot, "tab")
        assert app.focused.id == "steps"
        await press(pilot, "shift+tab")
        assert app.focused.id == "baseline-log"
        await press(pilot, "1")
        assert app.focused.id == "baseline-log", "a digit means since in a log pane"
        await press(pilot, "tab")
        await press(pilot, "2")
        assert app.focused.id == "sli"
        await press(pilot, "3", "f")
        shown = text_of(app)
        assert "node-1" in shown and "psp timeout" not in shown
        await press(pilot, "escape")
        assert "psp timeout" in text_of(app)
        await press(pilot, "4")
        assert app.focused.id == "canary-log"
        await press(pilot, "f")
        assert "GET /cart 200 11ms" not in text_of(app)
        await press(pilot, "q", "q")
        assert app.screen is app.fleet


async def test_pods_have_no_panel_at_80x24_so_their_digit_shows_them_full() -> None:
    async with driven(FakeSeat(), (80, 24), start=CHECKOUT) as (app, pilot, _):
        await press(pilot, "1", "3")
        assert "node-1" in text_of(app)


async def test_views_open_over_it_and_close() -> None:
    async with driven(FakeSeat(), start=CHECKOUT) as (app, pilot, _):
        for key, part in (
            ("d", "Argo CD syncs this by itself"),
            ("y", "apiVersion: argoproj.io"),
            ("x", "⧉ checkout-api-7f9c8d"),
            ("v", "AnalysisRunFailed"),
            ("m", "one scale each"),
            ("b", "exhausted in"),
            ("i", "wait for db"),
            ("question_mark", "Lower case and ctrl never change a cluster"),
        ):
            await press(pilot, key)
            assert part in text_of(app), key
            await press(pilot, "q")
            assert "psp timeout" in text_of(app), key


async def test_a_page_scrolls_finds_and_wraps() -> None:
    async with driven(FakeSeat(), start=CHECKOUT) as (app, pilot, _):
        await press(pilot, "y", "G")
        assert "line: 79" in text_of(app)
        await press(pilot, "g", "slash", *"line: 6", "enter")
        assert "11 lines match" in text_of(app) and "line: 6" in text_of(app)
        await press(pilot, "n", "N", "w", "c")
        assert "line: 79" in app.clipboard


async def test_the_series_of_the_metrics_view_change_span() -> None:
    async with driven(FakeSeat(), start=CHECKOUT) as (app, pilot, _):
        await press(pilot, "m")
        assert "15m  · no data" in text_of(app)
        await press(pilot, "s")
        assert "1h  · no data" in text_of(app)


# -- logs ---------------------------------------------------------------------------------------------------


async def test_the_log_follows_and_pauses_on_any_upward_move() -> None:
    seat = FakeSeat()
    async with driven(seat, start=CHECKOUT) as (app, pilot, _):
        seat.feeds["canary"].add("newest line")
        await settle(pilot)
        assert "newest line" in text_of(app)
        await press(pilot, "4", "k")
        assert "‖ paused" in text_of(app)
        seat.feeds["canary"].add("later line")
        await settle(pilot)
        assert "later line" not in text_of(app) and "‖ paused +1" in text_of(app)
        await press(pilot, "s")
        assert "later line" in text_of(app) and "▼ follow" in text_of(app)
        await press(pilot, "s", "G")
        assert "▼ follow" in text_of(app).split("┐")[0] or "▼ follow" in text_of(app)


async def test_log_switches() -> None:
    seat = FakeSeat()
    async with driven(seat, start=CHECKOUT) as (app, pilot, _):
        await press(pilot, "4", "e")
        pane = app.view.log_pane
        assert {line.level for line in pane.shown} == {"error"} and "errors ▼" in text_of(app)
        await press(pilot, "e", "t")
        assert "03:12:40." in text_of(app)
        seat.feeds["canary"].add("x" * 100 + "TAIL")
        await settle(pilot)
        assert "TAIL" not in text_of(app)
        await press(pilot, "w")
        assert "TAIL" in text_of(app)


async def test_digits_mean_since_inside_a_log_pane() -> None:
    seat = FakeSeat()
    async with driven(seat, start=CHECKOUT) as (app, pilot, _):
        await press(pilot, "4", "3")
        assert seat.windows == [300] and app.focused.id == "canary-log" and "5m ▼" in text_of(app)
        await press(pilot, "0", "6", "1")
        assert seat.windows == [300, None, 3600, None]
        assert "‖ paused" in text_of(app), "the head is not followed"


async def test_find_marks_and_walks_matches() -> None:
    async with driven(FakeSeat(), start=CHECKOUT) as (app, pilot, _):
        await press(pilot, "slash", *"circuit", "enter")
        assert "12 lines match" in text_of(app)
        pane = app.view.log_pane
        newest = pane._match
        await press(pilot, "n")
        assert pane._match < newest, "after the newest it goes round to the oldest"
        await press(pilot, "N")
        assert pane._match == newest


async def test_panes_locked_by_time_scroll_together() -> None:
    async with driven(FakeSeat(), start=CHECKOUT) as (app, pilot, _):
        await press(pilot, "4", "o", "k", "k", "k")
        one, two = app.view.query("LogPane")
        assert not one.follow and not two.follow
        assert abs(one.stamp_at_bottom() - two.stamp_at_bottom()) < 0.31
        await press(pilot, "G")
        assert one.follow and two.follow


async def test_notes_drops_and_a_feed_that_starts_anew() -> None:
    seat = FakeSeat()
    async with driven(seat, start=CHECKOUT) as (app, pilot, _):
        feed = seat.feeds["canary"]
        note = msgspec.structs.replace(feed.lines[-1], seq=feed.newest + 1, text="stream re-opened", note=True)
        feed.lines.append(note)
        feed.dropped = 1204
        await settle(pilot)
        assert "── stream re-opened ─" in text_of(app) and "dropped 1204" in text_of(app)
        feed.lines = pictures.log_lines("canary", 3)
        feed.dropped = 0
        await settle(pilot)
        assert len(app.view.log_pane.shown) == 3


async def test_a_flood_is_bounded_and_counted() -> None:
    seat = FakeSeat()
    async with driven(seat, start=CHECKOUT) as (app, pilot, _):
        seat.feeds["canary"].add(*(f"line {i}" for i in range(14_000)))
        await settle(pilot)
        pane = app.view.log_pane
        assert pane.kept <= 10_000
        assert "line 13999" in text_of(app)
        assert "dropped 10000" in text_of(app), "what one frame cannot take is said"


async def test_logs_can_be_copied_and_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with driven(FakeSeat(), start=CHECKOUT) as (app, pilot, _):
        await press(pilot, "4", "c")
        assert "psp timeout" in app.clipboard
        await press(pilot, "ctrl+s")
        await app.workers.wait_for_complete()
        await settle(pilot)
        [file] = tmp_path.iterdir()
        assert "psp timeout" in file.read_text() and "saved to" in text_of(app)


async def test_the_clipboard_is_capped() -> None:
    from screens.copying import copy_limited

    sent, cut = copy_limited("é" * 100_000)
    assert cut and len(sent.encode()) * 4 / 3 < 74_994


async def test_a_status_of_the_feed_is_said() -> None:
    seat = FakeSeat()
    seat.feeds["baseline"].lines = []
    seat.feeds["baseline"].status = "logs of payments are denied: get pods/log"
    async with driven(seat, start=CHECKOUT) as (app, _, _):
        assert "logs of payments are denied" in text_of(app)


async def test_a_named_rollout_that_does_not_exist_is_said_on_the_fleet() -> None:
    async with driven(FakeSeat(), **on("nowhere")) as (app, _, _):
        assert app.screen is app.fleet and "there is no rollout payments/nowhere" in text_of(app)


async def test_a_deployment_is_called_one() -> None:
    async with driven(FakeSeat(), **on("payments-db-proxy")) as (app, _, _):
        shown = text_of(app)
        assert "Deployment payments/payments-db-proxy" in shown and "6/10 pods are new" in shown
        assert app.view.target() == Key("Deployment", "payments", "payments-db-proxy")


async def test_a_lost_prometheus_is_said_once_and_the_burn_is_unknown_not_unconfigured() -> None:
    seat = FakeSeat()
    lost = Source("lost", NOW - 60, NOW - 55, None, "Prometheus at http://prom closed the connection")
    key = next(key for key in seat.picture.rollouts if key.name == "checkout-api")
    old = seat.picture.assessments[key]
    rows = tuple(msgspec.structs.replace(row, canary=None, baseline=None, reason="gone") for row in old.slis)
    blind = msgspec.structs.replace(old, slis=rows, burn=None)
    seat.picture = msgspec.structs.replace(
        seat.picture,
        sources={**seat.picture.sources, "prometheus": lost},
        assessments={**seat.picture.assessments, key: blind},
    )
    async with driven(seat, start=CHECKOUT) as (app, _, _):
        shown = text_of(app)
        assert shown.count("  Prometheus lost since 03:11:46") == 1
        assert "unknown: Prometheus lost since 03:11:46" in shown
        assert "no SLO is configured" not in shown


async def test_without_a_canary_nothing_of_one_is_missing() -> None:
    seat = FakeSeat()
    key = next(key for key in seat.picture.rollouts if key.name == "checkout-api")
    old = seat.picture.assessments[key]
    rows = tuple(msgspec.structs.replace(row, canary=None, ratio=None, reason="no pod is ready") for row in old.slis)
    resting = msgspec.structs.replace(seat.picture.rollouts[key], canary=None, in_flight=False)
    seat.picture = msgspec.structs.replace(
        seat.picture,
        rollouts={**seat.picture.rollouts, key: resting},
        assessments={**seat.picture.assessments, key: msgspec.structs.replace(old, slis=rows)},
    )
    async with driven(seat, start=CHECKOUT) as (app, _, _):
        line = next(line for line in text_of(app).split("\n") if "│ error %" in line)
        assert "?" not in line.split("││")[0] and "no pod is ready" not in line and "—" in line
