"""What keys may and may not do: capitals act and ask, nothing else does; read-only and rights say why."""

from __future__ import annotations

import pytest
from textual.binding import Binding

from screens.confirm import ConfirmScreen
from screens.keys import ACTS, GROUPS, SPECS, bindings, check_keymap
from screens.rollout import LogPane, RolloutView
from screens.view import View
from tests.ui import pictures
from tests.ui.drive import driven, press, text_of
from tests.ui.fake_seat import FakeSeat

CAPITALS = {
    "greater_than_sign": "advance",
    "P": "pause",
    "X": "abort",
    "T": "retry",
    "F": "full",
    "S": "skip",
}
HARMLESS = [
    *"abcdefghijlmnopstuvwxyz0123456789[]-",
    "space",
    "tab",
    "enter",
    "escape",
    "backspace",
    "up",
    "down",
    "left",
    "right",
    *(f"ctrl+{letter}" for letter in "abdefghjklnorstuvwxyz"),
    "home",
    "end",
    "pageup",
    "pagedown",
    "N",
    "G",
    "A",
]


@pytest.mark.parametrize(("key", "verb"), CAPITALS.items())
async def test_each_capital_plans_its_verb_and_asks(key: str, verb: str) -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        await press(pilot, key)
        assert [intent.verb for intent in seat.planned] == [verb]
        assert isinstance(app.screen, ConfirmScreen)
        assert not seat.executed


async def test_p_resumes_what_a_human_paused() -> None:
    seat = FakeSeat(pictures.picture([case for case in pictures.dozen() if case[0].key.name == "catalog"]))
    async with driven(seat) as (app, pilot, _):
        assert "P resume" in text_of(app)
        await press(pilot, "P")
        assert [intent.verb for intent in seat.planned] == ["resume"]


async def test_no_other_key_plans_or_sends_anything() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        for start in ((), ("enter",)):
            for key in HARMLESS:
                wall.now += 1
                app.go_home()
                await pilot.press(*start, key)
                assert not seat.planned and not seat.executed, key
                assert not isinstance(app.screen, ConfirmScreen), key
                if key in {":", "slash"}:
                    await press(pilot, "escape")


@pytest.mark.parametrize("key", [*CAPITALS, "R"])
async def test_read_only_says_why_and_plans_nothing(key: str) -> None:
    seat = FakeSeat(read_only=True)
    async with driven(seat) as (app, pilot, _):
        assert "READ-ONLY" in text_of(app)
        for start in ((), ("enter",)):
            await press(pilot, *start, key)
            assert "read-only" in text_of(app).split("\n")[-3]
            assert not seat.planned and not seat.executed
            assert not isinstance(app.screen, ConfirmScreen)


async def test_a_denied_verb_says_why() -> None:
    seat = FakeSeat()
    seat.denied["abort"] = "patch rollouts/status.argoproj.io is not allowed to sre1 in payments"
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "X")
        assert "abort is denied: patch rollouts/status" in text_of(app)
        assert not seat.planned


async def test_a_acts_on_nothing_and_says_which_keys_do() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "A")
        assert "> is advance, X is abort" in text_of(app)


async def test_acting_uses_the_picture_that_is_drawn_even_when_frozen() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        drawn = seat.picture.rollouts[app.fleet.target()]
        await press(pilot, "z")
        seat.change("checkout-api", step_index=6)
        await press(pilot, "X")
        assert seat.planned[0].rollout is drawn


def test_every_binding_has_an_id_and_no_verb_sits_on_a_lower_case_or_ctrl_key() -> None:
    for owner in (View, RolloutView, LogPane):
        for binding in owner.BINDINGS:
            assert isinstance(binding, Binding) and binding.id in SPECS
    for name in ACTS:
        for binding in bindings([name]):
            assert all(len(key) == 1 and (key.isupper() or key == ">") for key in binding.key.split(","))


def test_a_keymap_cannot_put_a_verb_on_a_harmless_key_or_hide_one() -> None:
    good, complaints = check_keymap(
        {
            "act.abort": "x",
            "act.full": "ctrl+f",
            "view.tree": "X",
            "nope": "a",
            "app.freeze": "Z",
            "cmd": "",
            "act.skip": "K",
        }
    )
    assert good == {"app.freeze": "Z", "act.skip": "K"}
    assert len(complaints) == 5
    assert any("never 'x'" in text for text in complaints)
    assert any("X is the key of act.abort" in text for text in complaints)


def test_two_bindings_on_one_key_are_reported() -> None:
    good, complaints = check_keymap({"view.tree": "u", "view.events": "u"})
    assert list(good) == ["view.tree"] and "already the key of view.tree" in complaints[0]


async def test_a_rebound_verb_moves_and_help_says_so() -> None:
    seat = FakeSeat()
    async with driven(seat, keys={"act.abort": "K", "app.freeze": "u"}) as (app, pilot, wall):
        await press(pilot, "X")
        assert not seat.planned
        await press(pilot, "K")
        assert [intent.verb for intent in seat.planned] == ["abort"]
        wall.now += 1
        await press(pilot, "escape", "u")
        assert app.frozen
        await press(pilot, "question_mark")
        assert "K " in next(line for line in text_of(app).split("\n") if "act.abort" in line)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 20)])
async def test_help_fits(size: tuple[int, int]) -> None:
    async with driven(FakeSeat(), size) as (app, pilot, _):
        await press(pilot, "c")
        assert "copied" in text_of(app)
        await press(pilot, "question_mark")
        assert "copied" not in text_of(app), "what was said was for the screen before"
        for _ in range(12):
            body = text_of(app).split("\n")[1:-2]
            assert not [line for line in body if "…" in line and "next match" not in line], size
            await press(pilot, "pagedown")
        await press(pilot, "escape")
        assert app.screen is app.fleet


async def test_a_wrong_keymap_is_said_at_the_start() -> None:
    seat = FakeSeat()
    async with driven(seat, keys={"act.abort": "x"}) as (app, _, _):
        assert "verbs are bound to capitals" in text_of(app)


def test_every_key_belongs_to_one_binding_of_its_place_and_help_lists_each_once() -> None:
    listed = [name for _, names in GROUPS for name in names]
    assert sorted(listed) == sorted(SPECS), "every binding is in help, once"
    taken: dict[str, list[str]] = {}
    for spec in SPECS.values():
        for key in spec.keys.split(","):
            taken.setdefault(key, []).append(spec.id)
    local = {"log", "list", "metrics", "pick", "page"}
    for key, names in taken.items():
        places = [name.split(".")[0] for name in names]
        assert len(places) == len(set(places)), f"{key} is bound twice in one place: {names}"
        assert len([place for place in places if place not in local]) <= 1, f"{key}: {names}"
