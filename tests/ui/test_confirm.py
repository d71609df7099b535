"""The dialog's rules: focus, Enter, type-ahead, typed names, reasons, and going inert."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from cockpit.model.plan import Intent, Refusal, Tier
from cockpit.model.preflight import Finding, Preflight
from cockpit.model.resource import Key
from cockpit.model.snapshot import Source
from cockpit.model.verdict import State
from screens.confirm import ConfirmScreen
from screens.parts.dialog import Dialog, dialog_lines
from screens.widgets.field import Field
from screens.widgets.fleet_table import HOME_SECONDS
from tests.ui import pictures
from tests.ui.drive import driven, press, settle, text_of
from tests.ui.fake_seat import FakeSeat, plan_of
from tests.ui.pictures import NOW

CHECKOUT = Key("Rollout", "payments", "checkout-api")
ASKS = Finding("", "", "finding", "confirm", "Job checkout-migrate ran 20 min ago, with rev 42")


async def open_dialog(pilot, wall, key="X"):  # type: ignore[no-untyped-def]
    """Press a verb and let the type-ahead window pass."""
    await press(pilot, key)
    assert isinstance(pilot.app.screen, ConfirmScreen)
    wall.now += 1


async def test_y_sends_what_was_drawn() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall)
        drawn = seat.picture.rollouts[CHECKOUT]
        await press(pilot, "y")
        [(intent, plan, consent)] = seat.executed
        assert (intent.verb, intent.rollout, intent.verdict.state) == ("abort", drawn, "abort")
        assert plan.key == CHECKOUT
        assert (consent.yes, consent.name, consent.reason) == (True, None, None)
        assert "abort done" in text_of(app)


async def test_keys_within_250_ms_of_the_first_paint_are_ignored() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        await press(pilot, "X")
        assert isinstance(app.screen, ConfirmScreen)
        wall.now += 0.249
        await press(pilot, "y")
        assert isinstance(app.screen, ConfirmScreen) and not seat.executed
        await press(pilot, "escape")
        assert isinstance(app.screen, ConfirmScreen), "a typed-ahead Esc is not for the dialog either"
        wall.now += 0.002
        await press(pilot, "y")
        assert len(seat.executed) == 1


async def test_a_yes_under_a_warning_says_so_beside_every_other_warning() -> None:
    seat = FakeSeat()
    seat.tiers["advance"] = Tier.YES_WARNED
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall, ">")
        assert "Argo CD app checkout owns this" in text_of(app)
        assert "▲ there is not enough evidence yet" in text_of(app)


async def test_enter_never_confirms() -> None:
    seat = FakeSeat()
    for tier in Tier:
        seat.tiers["abort"] = tier
        async with driven(seat) as (app, pilot, wall):
            await open_dialog(pilot, wall)
            await press(pilot, "enter")
            assert not isinstance(app.screen, ConfirmScreen), "Enter on cancel cancels"
            await open_dialog(pilot, wall)
            await press(pilot, "tab", *("checkout-api" if tier == Tier.NAME else "why"), "enter", "enter")
            assert isinstance(app.screen, ConfirmScreen)
            assert "Enter never confirms" in text_of(app)
            await press(pilot, "escape", "escape")
            assert not seat.executed


@pytest.mark.parametrize("key", ["escape", "q", "n", "enter"])
async def test_leaving_sends_nothing(key: str) -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall)
        await press(pilot, key)
        assert not isinstance(app.screen, ConfirmScreen)
        assert not seat.executed
        assert "nothing was sent" in text_of(app)


async def test_the_name_must_be_typed_and_ctrl_s_sends_it() -> None:
    seat = FakeSeat()
    seat.tiers["full"] = Tier.NAME
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall, "F")
        assert "AGAINST THE VERDICT" in text_of(app)
        await press(pilot, "ctrl+s", "y", "ctrl+s")
        assert not seat.executed, "y is a letter of the name here"
        await press(pilot, "backspace", *"checkout-ap", "ctrl+s")
        assert not seat.executed and "type checkout-api to arm it" in text_of(app)
        assert "(not armed)" in text_of(app)
        await press(pilot, "i")
        assert "(not armed)" not in text_of(app)
        await press(pilot, "ctrl+s")
        [(_, _, consent)] = seat.executed
        assert consent.name == "checkout-api"


async def test_a_pasted_name_does_not_arm() -> None:
    from textual import events

    seat = FakeSeat()
    seat.tiers["full"] = Tier.NAME
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall, "F")
        app.screen.post_message(events.Paste("checkout-api"))
        await settle(pilot)
        await press(pilot, "ctrl+s")
        assert not seat.executed


async def test_the_reason_cannot_swallow_y() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall)
        await press(pilot, "tab", *"yes psp", "y")
        assert not seat.executed and "yes pspy" in text_of(app)
        assert "Tab or Esc leaves it" in text_of(app)
        await press(pilot, "tab", "y")
        [(_, _, consent)] = seat.executed
        assert consent.reason == "yes pspy"


async def test_esc_leaves_the_reason_before_it_leaves_the_dialog() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall)
        await press(pilot, "tab", "a", "escape")
        assert isinstance(app.screen, ConfirmScreen)
        await press(pilot, "escape")
        assert not isinstance(app.screen, ConfirmScreen)


async def test_a_dialog_goes_inert_when_what_it_was_drawn_from_moved() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall, "greater_than_sign")
        seen = seat.picture.rollouts[CHECKOUT].seen
        seat.change("checkout-api", seen={**seen, "/status/currentStepIndex": 5}, step_index=5)
        await settle(pilot)
        await press(pilot, "y")
        shown = text_of(app)
        assert not seat.executed
        assert "STATE MOVED" in shown and "the step moved: 4 -> 5" in shown
        await press(pilot, "r")
        assert len(seat.planned) == 2 and seat.planned[1].rollout.step_index == 5
        wall.now += 1
        await press(pilot, "y")
        assert [intent.rollout.step_index for intent, _, _ in seat.executed] == [5]


async def test_a_dialog_goes_inert_when_the_evidence_turns() -> None:
    seat = FakeSeat()
    assessment = seat.picture.assessments[CHECKOUT]

    def judge(state: State) -> None:
        verdict = msgspec.structs.replace(assessment.verdict, state=state, reason="errors rose")
        changed = {**seat.picture.assessments, CHECKOUT: msgspec.structs.replace(assessment, verdict=verdict)}
        seat.picture = msgspec.structs.replace(seat.picture, version=seat.picture.version + 1, assessments=changed)

    async with driven(seat) as (app, pilot, wall):
        wall.now += HOME_SECONDS  # from here on the cursor stays where it is
        judge("ready")
        await settle(pilot)
        await open_dialog(pilot, wall, "greater_than_sign")
        judge("abort")
        await settle(pilot)
        await press(pilot, "y")
        assert not seat.executed
        assert "STATE MOVED" in text_of(app) and "READY -> ABORT, errors rose" in text_of(app)
        judge("ready")
        await settle(pilot)
        await press(pilot, "y")
        assert len(seat.executed) == 1


async def test_a_typed_name_does_not_survive_a_move() -> None:
    seat = FakeSeat()
    seat.tiers["full"] = Tier.NAME
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall, "F")
        await press(pilot, *"checkout-api")
        seen = seat.picture.rollouts[CHECKOUT].seen
        seat.change("checkout-api", seen={**seen, "/status/stableRS": "other"})
        await settle(pilot)
        await press(pilot, "ctrl+s")
        assert not seat.executed and "STATE MOVED" in text_of(app)


async def test_abort_is_never_inert_because_a_step_passed() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall)
        seen = seat.picture.rollouts[CHECKOUT].seen
        seat.change("checkout-api", seen={**seen, "/status/currentStepIndex": 5, "/status/pauseConditions": []})
        await settle(pilot)
        assert "STATE MOVED" not in text_of(app)
        await press(pilot, "y")
        assert len(seat.executed) == 1


async def test_abort_goes_inert_when_another_version_rolls_out() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall)
        seen = seat.picture.rollouts[CHECKOUT].seen
        seat.change("checkout-api", seen={**seen, "/status/currentPodHash": "newer"})
        await settle(pilot)
        await press(pilot, "y")
        assert not seat.executed and "the version being rolled out moved" in text_of(app)


async def test_a_rollout_that_vanished_says_so() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall)
        rest = {key: value for key, value in seat.picture.rollouts.items() if key != CHECKOUT}
        seat.picture = msgspec.structs.replace(seat.picture, version=2, rollouts=rest)
        await settle(pilot)
        await press(pilot, "y")
        assert not seat.executed and "the rollout is gone" in text_of(app)


async def test_the_dialog_shows_what_is_sent_and_how_old_the_state_is() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall)
        shown = text_of(app)
        for part in (
            "ABORT",
            "payments/checkout-api",
            "prod-eu-1",
            "state 0.4s old",
            "PATCH rollouts/checkout-api/status",
            "/status/abort: true",
            "guarded by 9 tests",
            "abort: err 13.7×",
            "keep running",
            "traffic",
        ):
            assert part in shown
        seat.time = NOW + 42
        seat.picture = msgspec.structs.replace(
            seat.picture, sources={"kubernetes": Source("lost", NOW, NOW, message="gone")}
        )
        await settle(pilot)
        assert "state 42s old" in text_of(app)


async def test_a_refusal_says_why_and_nothing_opens() -> None:
    seat = FakeSeat()
    seat.refusals["advance"] = Refusal("advance", CHECKOUT, "paused by sre2; P resumes")
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "greater_than_sign")
        assert app.screen is app.fleet
        assert "refused: paused by sre2; P resumes" in text_of(app)
        await press(pilot, "escape")
        assert "paused by sre2; P" not in text_of(app)


async def test_a_choice_leads_to_a_plan_of_its_own() -> None:
    seat = FakeSeat()
    seat.refusals["advance"] = Refusal(
        "advance",
        CHECKOUT,
        "the check is inconclusive",
        choices=(("again", "run the check again"), ("accept", "accept without it")),
    )
    async with driven(seat) as (app, pilot, wall):
        await press(pilot, "greater_than_sign")
        assert "run the check again" in text_of(app)
        await press(pilot, "2")
        assert len(seat.planned) == 1, "typed ahead"
        wall.now += 1
        await press(pilot, "2")
        assert [(intent.choice, intent.accept) for intent in seat.planned] == [(None, False), ("accept", True)]
        assert isinstance(app.screen, ConfirmScreen)
        wall.now += 1
        await press(pilot, "y")
        assert seat.executed[0][0].choice == "accept"


async def test_progress_and_outcome_stay_on_screen() -> None:
    seat = FakeSeat()
    seat.hold = asyncio.Event()
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall)
        await press(pilot, "y")
        assert "$ PATCH rollouts/checkout-api/status · accepted; waiting" in text_of(app)
        await press(pilot, "X")
        assert len(seat.planned) == 1 and "still being watched" in text_of(app)
        seat.hold.set()
        await settle(pilot)
        assert "abort done: the canary serves nothing" in text_of(app)


async def test_the_plan_is_on_screen_from_60x20_up() -> None:
    for size in ((60, 20), (80, 24), (120, 36), (300, 80)):
        seat = FakeSeat()
        seat.tiers["full"] = Tier.NAME
        async with driven(seat, size) as (app, pilot, wall):
            await open_dialog(pilot, wall, "F")
            shown = text_of(app)
            assert "ctrl+s" in shown and "type the rollout name" in shown and "Esc" in shown
            assert "FULL PROMOTE" in shown
            assert all(len(line) <= size[0] for line in shown.split("\n"))


async def test_a_defect_while_planning_or_sending_never_looks_like_success() -> None:
    class Broken(FakeSeat):
        planning = True

        async def plan(self, intent, on_draft=None):  # type: ignore[no-untyped-def]
            if self.planning:
                raise KeyError("plan")
            return await super().plan(intent)

        async def execute(self, intent, plan, consent, progress=None):  # type: ignore[no-untyped-def]
            raise KeyError("execute")

    seat = Broken()
    async with driven(seat) as (app, pilot, wall):
        await press(pilot, "X")
        assert "abort: nothing was sent: unexpected error" in text_of(app)
        seat.planning = False
        await open_dialog(pilot, wall)
        await press(pilot, "y")
        assert "abort unknown, settled at the next start" in text_of(app)
        assert "unexpected error" in text_of(app)


@pytest.mark.parametrize(
    ("key", "verb", "what"),
    [
        ("X", "abort", "confirm · the name is asked for"),
        ("F", "full", "confirm · against the verdict"),
    ],
)
async def test_only_traffic_toward_what_is_held_bad_is_against_the_verdict(key: str, verb: str, what: str) -> None:
    seat = FakeSeat()
    seat.tiers[verb] = Tier.NAME
    async with driven(seat) as (app, pilot, wall):
        await open_dialog(pilot, wall, key)
        assert what in text_of(app)


@pytest.mark.parametrize(
    ("found", "what", "role"),
    [
        (pictures.preflight(), "confirm · blocked by the pre-flight", "bad"),
        (pictures.checks(migration=ASKS), "confirm · the pre-flight asks for the name", "warn"),
        (None, "confirm · the name is asked for", "warn"),
    ],
)
def test_a_rollback_away_from_what_aborts_is_never_against_the_verdict(
    found: Preflight | None, what: str, role: str
) -> None:
    rollout, assessment = pictures.dozen()[0]
    intent = Intent("rollback", rollout, assessment.verdict, to="41")
    plan = msgspec.structs.replace(plan_of(intent, Tier.NAME), preflight=found)
    dialog = Dialog(
        intent, plan, FakeSeat().identity, pictures.picture(), NOW, "cancel", Field(), Field(), armed=False, moved=(),
        said="",
    )  # fmt: skip
    title, _, body, _ = dialog_lines(dialog, 76, 34)
    assert (title.text, title.parts[0][1]) == (what, role)
    assert any("rollback agrees" in line.text for line in body)
