"""The picker's list: the cursor is always in view at every size; what cannot be put back says so before R."""

from __future__ import annotations

import msgspec
import pytest

from cockpit.model.plan import Refusal
from cockpit.model.resource import Key
from cockpit.model.revision import Served
from screens.parts.revisions import about_line, live_for, notes
from screens.rollback import RollbackView
from tests.ui.drive import driven, loaded, press, text_of
from tests.ui.fake_seat import FakeSeat
from tests.ui.pictures import NOW

KEY = Key("Rollout", "payments", "checkout-api")
SIZES = [(60, 20), (80, 24), (120, 36), (300, 80)]


def many(count: int = 40) -> FakeSeat:
    seat = FakeSeat()
    current, stable, plain = seat.the_revisions[0], seat.the_revisions[1], seat.the_revisions[3]
    older = tuple(
        msgspec.structs.replace(plain, revision=number, hash=f"hash{number}") for number in range(40, 42 - count, -1)
    )
    seat.the_revisions = (current, stable, *older)
    return seat


def under_cursor(shown: str) -> list[str]:
    return [line for line in shown.split("\n") if line.startswith("▌")]


@pytest.mark.parametrize("size", SIZES)
async def test_the_cursor_is_in_view_wherever_it_is_moved(size: tuple[int, int]) -> None:
    async with driven(many(), size) as (app, pilot, _):
        await press(pilot, "R")
        await loaded(pilot)
        assert isinstance(app.screen, RollbackView)
        expected = 1
        for key, to in (
            ("j", lambda at: at + 1), ("end", lambda _: 39), ("k", lambda at: at - 1), ("home", lambda _: 0),
            ("up", lambda _: 0), ("G", lambda _: 39), ("down", lambda _: 39), ("g", lambda _: 0),
        ):  # fmt: skip
            await press(pilot, key)
            expected = to(expected)
            number = app.screen.known.revisions[expected].revision
            [row] = under_cursor(text_of(app))
            assert f" {number} " in row, (key, row)
            assert f"{expected + 1} of 40" in text_of(app)
        seen = set()
        for _ in range(40):
            await press(pilot, "pagedown")
            [row] = under_cursor(text_of(app))
            seen.add(row)
        assert len(seen) > 1
        assert " 3 " in row, "it ends at the oldest"
        await press(pilot, *["pageup"] * 40)
        assert " 42 " in under_cursor(text_of(app))[0]


async def test_what_fits_is_not_counted() -> None:
    async with driven(FakeSeat()) as (app, pilot, _):
        await press(pilot, "R")
        await loaded(pilot)
        assert "2 of 6" not in text_of(app)


@pytest.mark.parametrize("size", SIZES[:3])
async def test_a_pruned_version_without_its_template_says_so_before_enter(size: tuple[int, int]) -> None:
    seat = FakeSeat()
    why = "its template holds literal secrets, which are not kept"
    lost = msgspec.structs.replace(
        seat.the_revisions[3],
        revision=12,
        hash="hash12",
        source="journal",
        speed="unavailable",
        withheld=why,
        retained="retained",
    )
    seat.the_revisions = (*seat.the_revisions, lost)
    text = f"rev 12 cannot be put back: it is pruned from the cluster and {why}"
    async with driven(seat, size) as (app, pilot, _):
        await press(pilot, "R")
        await loaded(pilot)
        seat.refusals["rollback"] = Refusal("rollback", KEY, text)
        await press(pilot, "end")
        await loaded(pilot)
        shown = text_of(app)
        [row] = under_cursor(shown)
        if size[0] >= 120:
            assert "▲ no template kept" in row and "pruned" not in row
        assert "cannot be put back: pruned" in shown
        assert " ".join(text.split()) in " ".join(shown.split())
        await press(pilot, "enter")
        await loaded(pilot)
        assert isinstance(app.screen, RollbackView) and not seat.executed


@pytest.mark.parametrize(("older", "said"), [(30.0, "8.0s"), (1500.0, ">8.0s")])
def test_a_life_seen_in_part_is_told_as_a_lower_bound(older: float, said: str) -> None:
    seat = FakeSeat()
    served = (Served(NOW - 8, None),)
    item = msgspec.structs.replace(seat.the_revisions[1], served=served, created_at=NOW - 8 - older)
    assert live_for(item, NOW) == said
    assert ("seen serving since" in about_line(item, NOW, 120, asked=True).text) is (older > 120)


def test_what_was_rolled_back_is_not_called_aborted_as_well() -> None:
    item = msgspec.structs.replace(FakeSeat().the_revisions[3], aborted=True, left="rolled-back")
    assert notes(item) == ["▲ rolled back"]
