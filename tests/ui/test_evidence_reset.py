"""ctrl+e sets evidence aside: only with a reason, only after Enter, and nothing of it is a write to the cluster."""

from __future__ import annotations

from screens.reset import ResetScreen
from tests.ui.drive import driven, press, text_of
from tests.ui.fake_seat import FakeSeat


async def test_evidence_is_set_aside_with_a_reason() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        await press(pilot, "ctrl+e")
        assert isinstance(app.screen, ResetScreen)
        key = app.screen.rollout.key
        assert str(key) in text_of(app)
        assert "Counting begins anew now. Nothing changes in the" in text_of(app)
        await press(pilot, *"typed ahead", "enter")
        assert isinstance(app.screen, ResetScreen)  # what was pressed before the dialog was seen is not its reason
        wall.now += 1
        await press(pilot, "enter")
        assert isinstance(app.screen, ResetScreen)  # not without a reason
        await press(pilot, *"one client", "enter")
        assert not isinstance(app.screen, ResetScreen)
        assert seat.resets == [(key, "one client")]
        assert not seat.planned
        assert not seat.executed


async def test_escape_leaves_it() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "ctrl+e", *"no", "escape")
        assert not isinstance(app.screen, ResetScreen)
        assert seat.resets == []
