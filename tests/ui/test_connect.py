"""The first frame, failures of opening, and how a session ends."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

from cockpit.base.errors import CredentialsError
from cockpit.config import ScreenSettings, Settings
from cockpit.ports import Seat
from screens import prepare_environment
from screens.app import CockpitApp
from tests.ui.drive import Wall, settle, text_of
from tests.ui.fake_seat import FakeSeat


def app_with(opener, wall=None, **options):  # type: ignore[no-untyped-def]
    settings = Settings(screen=ScreenSettings(theme="dark", frames_per_second=30))
    return CockpitApp(opener, settings, wall=wall or Wall(), strict=True, **options)


async def test_the_first_frame_comes_before_the_seat() -> None:
    ready = asyncio.Event()
    seat = FakeSeat()

    async def opener() -> Seat:
        await ready.wait()
        return seat

    app = app_with(opener)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "cockpit" in text_of(app) and "connecting…" in text_of(app)
        ready.set()
        await settle(pilot)
        await settle(pilot)
        assert "checkout-api" in text_of(app)


async def test_a_failure_is_one_sentence_with_retry_and_an_exit_code() -> None:
    tries = []

    async def opener() -> Seat:
        tries.append(1)
        if len(tries) < 3:
            raise CredentialsError("kubeconfig /nowhere does not exist; set --kubeconfig or KUBECONFIG")
        return FakeSeat()

    wall = Wall()
    app = app_with(opener, wall)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await settle(pilot)
        shown = text_of(app)
        assert (
            "NO CONNECTION" in shown
            and "kubeconfig /nowhere does not exist" in shown
            and "trying again in 2 s" in shown
        )
        await pilot.press("r")
        await settle(pilot)
        assert len(tries) == 2
        wall.now += 6
        app.screen._clock()
        await settle(pilot)
        await settle(pilot)
        assert len(tries) == 3 and "checkout-api" in text_of(app)


async def test_quitting_without_a_connection_gives_its_exit_code() -> None:
    async def opener() -> Seat:
        raise CredentialsError("no")

    app = app_with(opener)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await settle(pilot)
        await pilot.press("ctrl+q")
    assert app.return_value == 3


async def test_ctrl_q_leaves_from_everywhere_and_ctrl_c_does_not() -> None:
    for keys in ((), ("enter",), ("X",), ("slash", "a"), ("question_mark",)):
        seat = FakeSeat()

        async def opener(seat: FakeSeat = seat) -> Seat:
            return seat

        app = app_with(opener)
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            await settle(pilot)
            await pilot.press(*keys, "ctrl+c")
            assert app.is_running
            await pilot.press("ctrl+q")
            await pilot.pause()
        assert app.return_value == 0, keys
        assert not seat.executed


async def test_the_seat_is_closed_at_the_end() -> None:
    seat = FakeSeat()

    async def opener() -> Seat:
        return seat

    app = app_with(opener)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await settle(pilot)
    await app._close_seat()
    assert seat.closed


async def test_notices_are_said_until_dismissed() -> None:
    seat = FakeSeat()
    seat.notices = ("abort of payments/cart from 02:54: done",)

    async def opener() -> Seat:
        return seat

    app = app_with(opener)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await settle(pilot)
        assert "abort of payments/cart from 02:54: done" in text_of(app)
        await pilot.press("escape")
        await settle(pilot)
        assert "02:54" not in text_of(app)


def test_importing_the_door_costs_no_textual() -> None:
    code = "import sys, screens; sys.exit('textual' in sys.modules or 'rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ}).returncode == 0


def test_the_environment_is_prepared_but_never_overruled() -> None:
    environ = {"SSH_CONNECTION": "1 2 3 4", "ESCDELAY": "25"}
    prepare_environment(environ)
    assert environ["ESCDELAY"] == "25" and environ["TEXTUAL_FPS"] == "30" and environ["TEXTUAL_ANIMATIONS"] == "none"


async def test_a_defect_of_ours_while_opening_is_a_sentence_too() -> None:
    async def opener() -> Seat:
        raise KeyError("surprise")

    app = app_with(opener)
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(3):
            await settle(pilot)
        shown = text_of(app)
        assert "NO CONNECTION" in shown and "unexpected error in the cockpit itself (KeyError" in shown
