"""An app on a fake seat, and the clock and screens of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from cockpit.config import ScreenSettings, Settings
from cockpit.ports import Seat
from screens.app import CockpitApp
from tests.ui.fake_seat import FakeSeat


class Wall:
    """Wall time that stands still unless told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def app_on(
    seat: FakeSeat, *, wall: Wall | None = None, theme: str = "dark", start: tuple[str | None, str, str] | None = None,
    keys: dict[str, str] | None = None, ascii_: bool = False,
) -> CockpitApp:  # fmt: skip
    async def open_seat() -> Seat:
        return seat

    settings = Settings(screen=ScreenSettings(theme=theme, frames_per_second=30, ascii=ascii_), keys=keys or {})
    return CockpitApp(open_seat, settings, start=start, wall=wall or Wall(), strict=True)


@asynccontextmanager
async def driven(
    seat: FakeSeat, size: tuple[int, int] = (120, 36), **options: Any
) -> AsyncIterator[tuple[CockpitApp, Pilot[int], Wall]]:
    """A running app on its fleet."""
    wall = options.pop("wall", None) or Wall()
    app = app_on(seat, wall=wall, **options)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        yield app, pilot, wall


async def opened(pilot: Pilot[int]) -> None:
    """Until the seat is open and the fleet is drawn."""
    app = pilot.app
    assert isinstance(app, CockpitApp)
    for _ in range(200):
        await settle(pilot)
        if app.picture is not None and app.view is not None:
            break
    await settle(pilot)


async def settle(pilot: Pilot[int]) -> None:
    """Until messages, workers and the frame after them are through."""
    await pilot.pause()
    app = pilot.app
    if isinstance(app, CockpitApp):
        app.frame_now()
    await pilot.pause()


async def press(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press(*keys)
    await settle(pilot)


async def loaded(pilot: Pilot[int]) -> None:
    """Until what a screen loads by itself is there and drawn."""
    for group in ("revisions", "preview", "page"):
        workers = [worker for worker in pilot.app.workers if worker.group == group]
        if workers:
            await pilot.app.workers.wait_for_complete(workers)
        await settle(pilot)


def text_of(app: CockpitApp) -> str:
    """What the terminal shows, as plain text."""
    width, height = app.size
    lines = []
    for strip in app.screen._compositor.render_strips():
        lines.append("".join(segment.text for segment in strip))
    assert len(lines) <= height
    assert all(len(line) <= width * 2 for line in lines)
    return "\n".join(lines)
