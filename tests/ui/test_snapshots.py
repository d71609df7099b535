"""The screens as pictures: both sizes, and the themes where colour carries most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from cockpit.model.plan import Tier
from cockpit.model.snapshot import Source
from screens.app import CockpitApp
from tests.ui import pictures
from tests.ui.drive import Wall, app_on, loaded, opened, press
from tests.ui.fake_seat import FakeSeat
from tests.ui.pictures import NOW

SIZES = {"120x36": (120, 36), "80x24": (80, 24)}
CHECKOUT = (None, "payments", "checkout-api")


def fleet() -> tuple[FakeSeat, tuple[str, ...]]:
    return FakeSeat(), ()


def cockpit() -> tuple[FakeSeat, tuple[str, ...]]:
    return FakeSeat(), ("enter",)


def confirm_name() -> tuple[FakeSeat, tuple[str, ...]]:
    seat = FakeSeat()
    seat.tiers["full"] = Tier.NAME
    return seat, ("enter", "F", *"checkout-")


def confirm_yes() -> tuple[FakeSeat, tuple[str, ...]]:
    return FakeSeat(), ("enter", "X")


def confirm_warned() -> tuple[FakeSeat, tuple[str, ...]]:
    seat = FakeSeat()
    seat.tiers["advance"] = Tier.YES_WARNED
    return seat, ("enter", "greater_than_sign", "tab", *"db is ready")


def picker() -> tuple[FakeSeat, tuple[str, ...]]:
    return FakeSeat(), ("R",)


def picker_found() -> tuple[FakeSeat, tuple[str, ...]]:
    seat = FakeSeat()
    seat.tiers["rollback"], seat.preflight = Tier.NAME, pictures.many_findings()
    return seat, ("R",)


def confirm_found() -> tuple[FakeSeat, tuple[str, ...]]:
    seat, _ = picker_found()
    return seat, ("R", "enter", *"checkout-api ov")


def checks() -> tuple[FakeSeat, tuple[str, ...]]:
    seat, _ = picker_found()
    return seat, ("R", "p", "j")


def help_() -> tuple[FakeSeat, tuple[str, ...]]:
    return FakeSeat(), ("enter", "question_mark")


def crash() -> tuple[FakeSeat, tuple[str, ...]]:
    return FakeSeat(), ("slash", *"indexer", "enter", "enter")


def stale() -> tuple[FakeSeat, tuple[str, ...]]:
    lost = Source("lost", NOW - 42, NOW - 42, message="connection refused; trying again in 4 s")
    return FakeSeat(pictures.picture(kubernetes=lost, prometheus=lost), demo="default"), ()


def no_data() -> tuple[FakeSeat, tuple[str, ...]]:
    cases = [
        (rollout, msgspec.structs.replace(judged, slis=(), burn=None) if judged else None)
        for rollout, judged in pictures.dozen()
    ]
    lost = Source("lost", NOW - 42, NOW - 42, message="no answer within 5 s")
    return FakeSeat(pictures.picture(cases, prometheus=lost), read_only=True), ("enter",)


def metrics() -> tuple[FakeSeat, tuple[str, ...]]:
    return FakeSeat(), ("m",)


Make = Callable[[], tuple[FakeSeat, tuple[str, ...]]]


def shot(make: Make, theme: str) -> tuple[CockpitApp, Any]:
    seat, keys = make()
    wall = Wall()
    app = app_on(seat, wall=wall, theme=theme)

    async def before(pilot: Any) -> None:
        await opened(pilot)
        for key in keys:
            wall.now += 1
            await press(pilot, key)
        await loaded(pilot)

    return app, before


@pytest.mark.parametrize("theme", ["dark", "ansi16", "NO_COLOR"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "make", [fleet, cockpit, confirm_name, picker_found, confirm_found], ids=lambda make: make.__name__
)
def test_in_every_theme(snap_compare: Any, monkeypatch: pytest.MonkeyPatch, make: Make, size: str, theme: str) -> None:
    if theme == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    app, before = shot(make, "auto" if theme == "NO_COLOR" else theme)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "make",
    [confirm_yes, confirm_warned, picker, checks, help_, crash, stale, no_data, metrics],
    ids=lambda make: make.__name__,
)
def test_dark(snap_compare: Any, make: Make, size: str) -> None:
    app, before = shot(make, "dark")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


@pytest.mark.parametrize("make", [picker_found, confirm_found, checks], ids=lambda make: make.__name__)
def test_small(snap_compare: Any, make: Make) -> None:
    app, before = shot(make, "dark")
    assert snap_compare(app, terminal_size=(60, 20), run_before=before)
