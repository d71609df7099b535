"""The picker: what is known of each version, the plan before the dialog, nothing sent from the list."""

from __future__ import annotations

import msgspec

from cockpit.base.errors import Denied
from cockpit.model.plan import Refusal
from cockpit.model.resource import Key
from screens.confirm import ConfirmScreen
from screens.rollback import RollbackView
from tests.ui.drive import driven, loaded, press, settle, text_of
from tests.ui.fake_seat import FakeSeat

KEY = Key("Rollout", "payments", "checkout-api")


async def test_versions_with_what_is_known_so_far() -> None:
    async with driven(FakeSeat()) as (app, pilot, _):
        await press(pilot, "R")
        await loaded(pilot)
        shown = text_of(app)
        assert isinstance(app.screen, RollbackView)
        for part in (
            "sha256:71bd…04",
            "retained ✔",
            "unknown ?",
            "3/5 retained · 1 lost: rev 37",
            "GONE ✖",
            "stable",
            "last good",
            "▲ aborted",
            "fast window",
            "X alone returns to rev 41",
            "env PSP_TIMEOUT_MS: 800 -> 1500",
            "traffic",
            "Argo CD syncs this by itself",
        ):
            assert part in shown, part
        assert "38   ? " in shown, "an unknown digest looks unknown"
        assert "▌✔ 41" in shown, "it starts on the stable version"


async def test_enter_reviews_and_only_y_sends() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        await press(pilot, "R")
        await press(pilot, "j", "enter")
        assert isinstance(app.screen, ConfirmScreen) and not seat.executed
        wall.now += 1
        await press(pilot, "y")
        [(intent, _, _)] = seat.executed
        assert (intent.verb, intent.to, intent.now) == ("rollback", "hash40", None)


async def test_the_way_is_chosen_with_t() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "R")
        await press(pilot, "t")
        assert "at once" in text_of(app)
        await press(pilot, "t", "enter")
        assert seat.planned[-1].now is False
        await press(pilot, "escape")


async def test_the_difference_is_to_the_version_in_force_also_after_that_changed() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "R")
        await loaded(pilot)
        assert "diff rev 42 → rev 41" in text_of(app) and "env PSP_TIMEOUT_MS" in text_of(app)
        current, stable, *older = seat.the_revisions
        now = msgspec.structs.replace(stable, revision=43, current=True)
        seat.the_revisions = (now, msgspec.structs.replace(current, current=False), *older)
        rollout = seat.picture.rollouts[KEY]
        seat.change("checkout-api", seen={**rollout.seen, "/status/currentPodHash": stable.hash})
        await settle(pilot)
        await loaded(pilot)
        shown = text_of(app)
        assert "this is the version being rolled out" in shown and "env PSP_TIMEOUT_MS" not in shown
        assert seat.planned[-1].to == stable.hash, "by what it is: its number was another one a moment ago"


async def test_refusals_and_errors_are_said_in_place() -> None:
    seat = FakeSeat()
    seat.refusals["rollback"] = Refusal("rollback", KEY, "rev 41 is what serves already", "nothing-to-do")
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "R")
        await loaded(pilot)
        assert "nothing-to-do: rev 41 is what serves already" in text_of(app)
        seat.failing = Denied("listing replicasets is denied")
        await press(pilot, "ctrl+r")
        await loaded(pilot)
        assert "listing replicasets is denied" in text_of(app)
        await press(pilot, "enter")
        assert not seat.executed


async def test_read_only_lets_the_list_be_read_by_command_only() -> None:
    seat = FakeSeat(read_only=True)
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "R")
        assert app.screen is app.fleet and ":revisions only looks" in text_of(app)
        await press(pilot, "colon", *"revisions", "enter")
        await press(pilot, "enter")
        assert isinstance(app.screen, RollbackView) and "read-only" in text_of(app)
        assert not seat.executed


async def test_80x24_fits() -> None:
    async with driven(FakeSeat(), (80, 24)) as (app, pilot, _):
        await press(pilot, "R")
        await loaded(pilot)
        shown = text_of(app)
        assert "▌✔ 41" in shown and "env PSP_TIMEOUT_MS" in shown and "traffic" in shown
