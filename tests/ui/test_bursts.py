"""Keys that arrive in one burst (a paste, a slow link) mean what they would mean one by one, or nothing."""

from __future__ import annotations

from textual import events
from textual.keys import _character_to_key

from cockpit.model.resource import Key
from screens.confirm import ConfirmScreen
from screens.rollout import RolloutView
from tests.ui.drive import driven, press, settle, text_of
from tests.ui.fake_seat import FakeSeat


def burst(app, *keys: str) -> None:  # type: ignore[no-untyped-def]
    """All keys in the app's queue before any of them is handled."""
    for key in keys:
        name = _character_to_key(key) if len(key) == 1 else key
        app.post_message(events.Key(name, key if len(key) == 1 else None))


async def test_text_after_the_colon_is_text() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        burst(app, *":goto ledger", "enter")
        await settle(pilot)
        await settle(pilot)
        assert isinstance(app.view, RolloutView) and app.view.target() == Key("Rollout", "payments", "ledger")
        assert not seat.planned


async def test_capitals_after_the_slash_are_text() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        burst(app, *"/XPRTFS>y", "enter")
        await settle(pilot)
        await settle(pilot)
        assert app.fleet.table.filter.text == "XPRTFS>y"
        assert not seat.planned and not seat.executed


async def test_what_is_typed_ahead_of_a_dialog_is_for_nobody() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        burst(app, *"Xyyyq")
        await settle(pilot)
        await settle(pilot)
        assert isinstance(app.screen, ConfirmScreen) and app.view is app.fleet
        assert not seat.executed


async def test_a_second_y_is_for_nobody() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        await press(pilot, "X")
        wall.now += 1
        burst(app, *"yyy")
        await settle(pilot)
        await settle(pilot)
        assert len(seat.executed) == 1
        assert "abort done" in text_of(app) or app.view is not app.fleet


async def test_enter_and_a_verb_in_one_burst_do_not_act_on_what_was_not_drawn() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        burst(app, "enter", "X")
        await settle(pilot)
        await settle(pilot)
        assert all(intent.rollout is seat.picture.rollouts[intent.key] for intent in seat.planned)
        assert not seat.executed
