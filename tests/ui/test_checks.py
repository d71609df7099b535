"""The pre-flight on screen: checks fill in as they answer, the worst come first, the dialog waits for all of them."""

from __future__ import annotations

import asyncio

import pytest

from cockpit.model.plan import Tier
from cockpit.model.preflight import Finding
from cockpit.model.resource import Key
from cockpit.model.rollout import Owner
from screens.checks import ChecksView
from screens.confirm import ConfirmScreen
from screens.parts.preflight import own_warnings, trouble_lines, worst_first
from screens.review import FRESH_SECONDS
from screens.rollback import RollbackView
from tests.ui import pictures
from tests.ui.drive import driven, loaded, press, settle, text_of
from tests.ui.fake_seat import FakeSeat, plan_of

KEY = Key("Rollout", "payments", "checkout-api")


def waiting(answered: int = 13) -> FakeSeat:
    """A seat whose pre-flight stands at ``answered`` of 22 until ``seat.answered`` is set."""
    seat = FakeSeat()
    seat.preflight, seat.drafts = (
        pictures.many_findings(),
        (pictures.many_findings(0), pictures.many_findings(answered)),
    )
    seat.tiers["rollback"], seat.answered = Tier.NAME, asyncio.Event()
    return seat


async def test_checks_fill_in_as_they_answer_and_the_worst_come_first() -> None:
    seat = waiting()
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "R")
        await settle(pilot)
        shown = text_of(app)
        assert "13/22 so far" in shown and "◌◌◌◌◌◌◌◌◌" in shown and "✖ 2 block" in shown
        assert shown.index("BLOCKS  retained") < shown.index("BLOCKS  config present") < shown.index("warns   config")
        assert "argocd" not in shown, "what has not answered says nothing"
        seat.answered.set()
        await loaded(pilot)
        shown = text_of(app)
        assert "so far" not in shown and "◌" not in shown.split("pre-flight and plan")[1]
        assert "▲ asks    argocd: Argo CD app shop-checkout" in shown and "▲ 2 ask for the name" in shown


async def test_the_cursor_moving_on_cancels_what_nobody_looks_at() -> None:
    seat = waiting()
    async with driven(seat) as (_, pilot, _):
        await press(pilot, "R")
        await settle(pilot)
        await press(pilot, "j")
        await settle(pilot)
        assert [intent.to for intent in seat.cancelled] == ["5d4b77"]
        await press(pilot, "escape")
        await settle(pilot)
        assert [intent.to for intent in seat.cancelled] == ["5d4b77", "hash40"], (
            "nor does it go on behind another screen"
        )


async def test_enter_waits_for_every_check_and_what_is_typed_ahead_is_for_nobody() -> None:
    seat = waiting()
    async with driven(seat) as (app, pilot, wall):
        await press(pilot, "R")
        await settle(pilot)
        await press(pilot, "enter")
        wall.now += 5
        await press(pilot, "y")
        assert isinstance(app.screen, RollbackView) and "the dialog opens when every check has answered" in text_of(app)
        seat.answered.set()
        await loaded(pilot)
        await settle(pilot)
        assert isinstance(app.screen, ConfirmScreen) and app.screen.plan.preflight == seat.preflight
        assert len(seat.planned) == 1, "the checks are not asked twice"
        assert not seat.executed


@pytest.mark.parametrize("key", ["escape", "j", "t"])
async def test_waiting_for_the_dialog_can_be_left(key: str) -> None:
    seat = waiting()
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "R")
        await settle(pilot)
        await press(pilot, "enter", key)
        seat.answered.set()
        await loaded(pilot)
        await settle(pilot)
        assert isinstance(app.screen, RollbackView) and not seat.executed


async def test_a_plan_that_grew_old_is_drawn_up_again_before_its_dialog() -> None:
    seat = FakeSeat()
    seat.preflight = pictures.checks()
    async with driven(seat) as (app, pilot, wall):
        await press(pilot, "R")
        await loaded(pilot)
        wall.now += FRESH_SECONDS + 1
        await press(pilot, "enter")
        await loaded(pilot)
        await settle(pilot)
        assert isinstance(app.screen, ConfirmScreen) and len(seat.planned) == 2


async def test_all_well_is_one_quiet_line() -> None:
    seat = FakeSeat()
    seat.preflight = pictures.checks()
    async with driven(seat, (80, 24)) as (app, pilot, wall):
        await press(pilot, "R")
        await loaded(pilot)
        assert "22/22 all well" in text_of(app) and "(p shows all)" not in text_of(app)
        await press(pilot, "enter")
        wall.now += 1
        await press(pilot, "y")
        assert len(seat.executed) == 1


async def test_the_list_of_all_checks_has_evidence_and_copies_the_remedy() -> None:
    seat = waiting()
    copied: list[str] = []
    async with driven(seat) as (app, pilot, _):
        app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
        await press(pilot, "R")
        await settle(pilot)
        await press(pilot, "p")
        assert isinstance(app.screen, ChecksView) and "13/22 so far" in text_of(app)
        await press(pilot, "slash", *"config present", "enter")
        assert "GET configmaps/checkout-legacy -> 404" in text_of(app)
        seat.answered.set()
        await loaded(pilot)
        await settle(pilot)
        assert "22 checks" not in text_of(app) and app.screen.chosen.check == "config-present", "it stays on its check"
        await press(pilot, "c")
        assert copied == ["kubectl -n payments apply -f checkout-legacy.yaml"]
        await press(pilot, "G", "c")
        assert len(copied) == 1 and "names no remedy" in text_of(app)
        await press(pilot, "escape", "escape")  # the first takes away what was said
        assert isinstance(app.screen, RollbackView)


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (120, 36)])
async def test_a_dialog_of_many_findings_keeps_what_is_to_be_typed_in_view(size: tuple[int, int]) -> None:
    seat = FakeSeat()
    seat.preflight, seat.tiers["rollback"] = pictures.many_findings(), Tier.NAME
    async with driven(seat, size) as (app, pilot, wall):
        await press(pilot, "R")
        await loaded(pilot)
        await press(pilot, "enter")
        wall.now += 1
        shown = text_of(app)
        assert "BLOCKS  retained: checkout@71bd…04 is missing" in shown and "type it to arm" in shown
        assert "checkout-api override" in shown and "retained,config-present" in shown
        if size[0] < 120:
            assert "more (?" in shown
        await press(pilot, "question_mark")
        shown = text_of(app)
        assert "HEAD /v2/shop" in shown and "type it to arm" in shown and "? goes back to the plan" in shown
        await press(pilot, "question_mark", *"checkout-api override retained,config-present", "ctrl+s")
        [(_, _, consent)] = seat.executed
        assert consent.overrides == ("retained", "config-present")


async def test_a_draft_is_never_sent() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        drawn = app.fleet.drawn()
        assert drawn is not None
        from cockpit.model.plan import Intent

        intent = Intent("rollback", drawn[0], to="41")
        seat.preflight = pictures.checks(answered=5)
        app.acts.begin(intent, await seat.plan(intent))
        await settle(pilot)
        wall.now += 1
        await press(pilot, "y")
        assert isinstance(app.screen, ConfirmScreen) and "the checks of the pre-flight still run" in text_of(app)
        assert not seat.executed


def test_findings_in_few_lines_count_what_they_hide() -> None:
    found = pictures.many_findings().findings
    lines = [line.text for line in trouble_lines(found, 76, 3, "p")]
    assert len(lines) == 3 and lines[2] == "+7 more (p shows all)"
    assert lines[0].startswith("✖ BLOCKS  retained") and lines[0].endswith("…")
    [alone] = [line.text for line in trouble_lines(found, 76, 1, "p")]
    assert alone.startswith("✖ BLOCKS  retained") and alone.endswith("+8 more (p)")
    assert all(line.width <= 76 for line in trouble_lines(found, 76, 40, "p"))
    assert any("→ ask who owns the schema" in line.text for line in trouble_lines(found, 76, 40, "p"))


def test_what_blocks_comes_before_what_asks_and_ok_after_what_still_runs() -> None:
    found = (
        Finding("a", "a", "skipped"), Finding("b", "b", "ok"), Finding("c", "c", "running"),
        Finding("d", "d", "finding", "info"), Finding("e", "e", "finding", "warn"),
        Finding("f", "f", "unknown", "confirm"), Finding("g", "g", "finding", "block"),
    )  # fmt: skip
    assert [each.check for each in worst_first(found)] == [*"gfedcba"]


def test_a_warning_that_a_finding_says_is_not_said_twice() -> None:
    import msgspec

    from cockpit.actions.preflight.runner import examined
    from cockpit.model.plan import Intent

    rollout, _ = pictures.dozen()[0]
    plan = msgspec.structs.replace(plan_of(Intent("rollback", rollout), Tier.YES), warnings=("the window is closed",))
    assert own_warnings(examined(plan, pictures.many_findings()), None) == ["the window is closed"]
    owner = Owner("argocd", "shop-checkout", "a label", "Argo CD may re-apply Git over this change")
    plan = msgspec.structs.replace(plan, warnings=(owner.warning,))
    assert own_warnings(examined(plan, pictures.checks()), owner) == [owner.warning]
    assert own_warnings(examined(plan, pictures.many_findings()), owner) == [], "the check knows more"
