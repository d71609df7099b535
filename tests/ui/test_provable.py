"""What proves: journal and evidence, provenance, drift, acts of other seats, the pre-flight; hostile text is inert."""

from __future__ import annotations

import msgspec
import pytest

from cockpit.model.drift import Drift
from cockpit.model.plan import Pending, Tier
from cockpit.model.resource import Key
from cockpit.model.snapshot import SeatAct
from cockpit.ports import PastAct
from screens.confirm import ConfirmScreen
from screens.journal import EntryView, JournalView, PieceView
from screens.parts.events import act_row
from screens.rollback import RollbackView
from tests.ui import pictures
from tests.ui.drive import driven, loaded, press, settle, text_of
from tests.ui.fake_seat import FakeSeat
from tests.ui.pictures import NOW

KEY = Key("Rollout", "payments", "checkout-api")


async def test_the_journal_opens_an_operation_and_its_evidence() -> None:
    async with driven(FakeSeat()) as (app, pilot, _):
        await press(pilot, "colon", *"journal", "enter")
        await loaded(pilot)
        assert isinstance(app.screen, JournalView) and "wait for db" in text_of(app)
        await press(pilot, "enter")
        await loaded(pilot)
        assert isinstance(app.screen, EntryView)
        shown = text_of(app)
        for part in ("ann on bastion-1", "retained", "the name was typed", "no: the effect was not observed"):
            assert part in shown, part
        assert "\x1b" not in shown
        await press(pilot, "slash", *"logs/canary", "enter", "enter")
        await loaded(pilot)
        assert isinstance(app.screen, PieceView)
        shown = text_of(app)
        assert "psp timeout" in shown and "[bold]owned" in shown and "ZXZpbA" not in shown
        await press(pilot, "escape", "slash", "ctrl+u", *"gone.json", "enter", "enter")
        await loaded(pilot)
        assert "ALTERED since it was kept" in text_of(app), "what was altered is no evidence"
        await press(pilot, "escape", "escape", "escape")
        assert app.screen is app.fleet


@pytest.mark.parametrize("width", [118, 78])
def test_a_rollback_that_did_not_last_is_told_in_the_list_of_acts(width: int) -> None:
    act = PastAct(
        1, "01J", NOW, "sre1", "rollback", "payments", "checkout-api", reason="err", result="done", verified_at=NOW,
        afterwards="rolled back to rev 41, flipped back by argocd-controller 5s later",
    )  # fmt: skip
    assert "✖ flipped back" in act_row(act, width).text
    assert "✖" not in act_row(msgspec.structs.replace(act, afterwards=None), width).text


async def test_provenance_keeps_proven_and_claimed_apart() -> None:
    async with driven(FakeSeat()) as (app, pilot, _):
        await press(pilot, "u")
        await loaded(pilot)
        shown = text_of(app)
        for part in (
            "verified with release-2026",
            "Not checked: transparency log",
            "claimed, not verified",
            "4410c9a  (claimed)",
            "referrers were not asked: 429",
        ):
            assert part in shown, part
        assert "ZXZpbA" not in shown and "\x1b" not in shown


async def test_drift_marks_the_row_by_a_sign_and_lists_it() -> None:
    seat = FakeSeat()
    drifts = (Drift("pod-hotfix", "bad", "web on q7d is evil, changed by hand", "web", ("q7d",), NOW - 60),)
    note = (Drift("admission", "info", "rewritten at creation", "web"),)
    cart = Key("Rollout", "payments", "cart")
    seat.picture = msgspec.structs.replace(seat.picture, drifts={KEY: drifts, cart: note})
    async with driven(seat) as (app, pilot, _):
        assert "checkout-api ≠" in text_of(app)
        assert "cart ≠" not in text_of(app), "a rewrite at creation is no fault"
        await press(pilot, "r")
        assert "pod-hotfix" in text_of(app) and "changed by hand" in text_of(app)


async def test_what_another_seat_did_is_on_the_row_while_it_is_news() -> None:
    seat = FakeSeat()
    act = SeatAct("01J", "sre2", "pause", "sre2 paused: wait for db", NOW - 125)
    for at, own, there in ((NOW - 125, False, True), (NOW - 125, True, False), (NOW - 7200, False, False)):
        now = msgspec.structs.replace(act, at=at, own=own)
        seat.picture = msgspec.structs.replace(seat.picture, version=seat.picture.version + 1, acts={KEY: now})
        async with driven(seat, (160, 36)) as (app, _, _):
            assert ("ABORT sre2 paused 2m ago" in text_of(app)) is there, (at, own)


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_a_rollback_that_did_not_last_is_on_the_row_and_under_every_screen_of_it(size: tuple[int, int]) -> None:
    seat = FakeSeat()
    async with driven(seat, size) as (app, pilot, _):
        app.acts.note(KEY, "rollback done: every pod runs rev 41", "ok")
        assert "rollback done" in text_of(app)
        seat.time += 5
        text = "rolled back to rev 41, flipped back by Argo CD 5 s later"
        seat.notices = (f"checkout-api: {text}",)
        failed = Pending("01J", "rollback", "failed", text, seat.time)
        seat.picture = msgspec.structs.replace(seat.picture, version=2, pending={KEY: failed})
        await settle(pilot)
        row = next(line for line in text_of(app).split("\n") if line.startswith("▌✖ checkout-api"))
        assert "✖ flipped back" in row and "ABORT" not in row
        assert f"✖  {text}" in text_of(app).split("\n")[-3], "newer than our own word, which was good news"
        assert "▲" not in row and f"checkout-api: {text}" in text_of(app), (
            "told as a notice too, while the session runs"
        )
        await press(pilot, "enter")
        assert text in text_of(app).split("\n")[-3]


async def test_what_another_seat_did_is_said_in_the_dialog_and_under_the_cockpit() -> None:
    seat = FakeSeat()
    act = SeatAct("01J", "sre2", "pause", f"sre2 paused: wait for db {pictures.HOSTILE}", NOW - 125)
    drifts = (Drift("pod-hotfix", "bad", "web on q7d is evil, changed by hand", "web", ("q7d",), NOW - 60),)
    seat.picture = msgspec.structs.replace(seat.picture, version=2, acts={KEY: act}, drifts={KEY: drifts})
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "enter")
        shown = text_of(app)
        assert "sre2 paused 2m ago: wait for db" in shown.split("\n")[-3]
        assert "≠ 1 DRIFT: web on q7d" in next(line for line in shown.split("\n") if "replicasets · pods" in line)
        await press(pilot, "X")
        assert "▲ sre2 paused 2m ago: wait for db" in text_of(app)
        assert "ZXZpbA" not in text_of(app) and "\x1b" not in text_of(app)


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
@pytest.mark.parametrize("ago", [125, 7200])
async def test_the_page_of_a_rollout_says_who_holds_it_since_when_and_why(size: tuple[int, int], ago: float) -> None:
    seat = FakeSeat()
    catalog = Key("Rollout", "shop", "catalog")
    act = SeatAct("01J", "sre2", "pause", "sre2 paused: wait for db", NOW - ago)
    seat.picture = msgspec.structs.replace(seat.picture, version=2, acts={catalog: act})
    async with driven(seat, size, start=(None, "shop", "catalog")) as (app, pilot, _):
        app.acts.note(catalog, "pause: nothing was sent", "dim")
        await settle(pilot)
        steps = "\n".join(text_of(app).split("\n")[2:6])
        assert f"sre2 paused {'2m' if ago < 600 else '2h'} ago: wait for db" in steps
        seat.change("catalog", phase="Progressing", paused_by=None)
        await settle(pilot)
        assert "wait for db" not in "\n".join(text_of(app).split("\n")[2:6]), "it is resumed since"


async def test_a_notice_that_comes_elsewhere_waits_at_the_fleet() -> None:
    seat = FakeSeat()
    text = "payments/checkout-api: rolled back to rev 41, flipped back by Argo CD 5 s later"
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "R")
        await loaded(pilot)
        seat.notices = (text,)
        await settle(pilot)
        await press(pilot, "escape")
        assert app.screen is app.fleet and text in text_of(app), "it was not on the screen that was left"
        await press(pilot, "escape")
        assert text not in text_of(app)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 24)])
async def test_a_long_notice_is_whole(size: tuple[int, int]) -> None:
    seat = FakeSeat()
    text = "shop/cart: the rollback of 08:55:58 by sre1 is unknown: whether it was carried out was not to be found out"
    seat.notices = (text,)
    async with driven(seat, size) as (app, _, _):
        assert text in " ".join(text_of(app).split())


async def test_notices_without_room_are_counted_and_in_the_events() -> None:
    seat = FakeSeat()
    seat.notices = tuple(f"shop/cart-{number}: an act of an earlier start is unknown {'x' * 60}" for number in range(6))
    async with driven(seat, (80, 24)) as (app, pilot, _):
        assert "+9 more, :events" in text_of(app) and "cart-5" not in text_of(app)
        await press(pilot, "colon", *"events", "enter")
        assert "cart-5" in text_of(app)


async def test_what_another_seat_did_later_is_not_hidden_by_our_own_word() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "enter")
        app.acts.note(KEY, "abort: nothing was sent", "dim")
        seat.time += 5
        act = SeatAct("01J", "sre2", "abort", "sre2 aborted: psp times out", seat.time)
        seat.picture = msgspec.structs.replace(seat.picture, version=2, acts={KEY: act})
        await settle(pilot)
        assert "sre2 aborted 0s ago: psp times out" in text_of(app).split("\n")[-3]
        app.acts.note(KEY, "retry: nothing was sent", "dim")
        assert "retry: nothing was sent" in text_of(app).split("\n")[-3], "ours is the newest again"


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_what_the_row_has_no_room_for_is_whole_in_the_peek(size: tuple[int, int]) -> None:
    seat = FakeSeat()
    act = SeatAct("01J", "sre2", "pause", "sre2 paused: wait for db", NOW - 14)
    seat.picture = msgspec.structs.replace(seat.picture, version=2, acts={KEY: act})
    async with driven(seat, size) as (app, _, _):
        lines = text_of(app).split("\n")
        at = next(index for index, line in enumerate(lines) if "peek · payments/checkout-api" in line)
        assert "ABORT" in lines[at + 1] and "sre2 paused 14s ago: wait for db" in lines[at + 1]


async def test_a_blocking_check_is_seen_in_the_picker_and_only_its_own_name_goes_past_it() -> None:
    seat = FakeSeat()
    seat.tiers["rollback"], seat.preflight = Tier.NAME, pictures.preflight()
    async with driven(seat) as (app, pilot, wall):
        await press(pilot, "R")
        await loaded(pilot)
        shown = text_of(app)
        assert (
            "✖✔?" in shown and "BLOCKS  retained: checkout@71bd is missing" in shown and "? unknown ran here" in shown
        )
        await press(pilot, "p")
        shown = text_of(app)
        assert "BLOCKS" in shown and "HEAD /v2/shop" in shown and "→ choose a version that is retained" in shown
        assert "ZXZpbA" not in shown
        await press(pilot, "escape")
        assert isinstance(app.screen, RollbackView)
        await press(pilot, "enter")
        wall.now += 1
        await press(pilot, "y", "ctrl+s")
        assert isinstance(app.screen, ConfirmScreen) and not seat.executed, "y is not enough"
        await press(pilot, "ctrl+u", *"checkout-api", "ctrl+s")
        assert not seat.executed, "nor is the name alone"
        await press(pilot, *" override retained", "ctrl+s")
        [(_, _, consent)] = seat.executed
        assert (consent.name, consent.overrides) == ("checkout-api", ("retained",))
