"""ConnectView: the first frame; it opens the seat, and says and retries what fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from cockpit.base.text import clean
from screens.draw import glyphs
from screens.draw.line import Line, wrapped
from screens.widgets.canvas import Canvas

if TYPE_CHECKING:
    from screens.app import CockpitApp

RETRY = (2.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds before each further attempt; the last repeats."""


class ConnectView(Screen[None]):
    """Title and "connecting…", then the fleet over it. A failure is a labelled gap with a way on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("r", "retry", "retry"),
        ("q", "leave", "quit"),
        ("escape", "leave", "quit"),
    ]
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self._attempt = 0
        self._retry_at: float | None = None
        self._busy = False

    @property
    def cockpit(self) -> CockpitApp:
        return cast("CockpitApp", self.app)

    def compose(self) -> ComposeResult:
        yield Canvas(id="head")
        yield Canvas(id="connect")
        yield Canvas(id="hints")

    def on_mount(self) -> None:
        self.call_after_refresh(self._begin)
        self.set_interval(0.5, self._clock)

    def _begin(self) -> None:
        self._paint()
        self.call_after_refresh(self.action_retry)  # the frame is out before anything is connected

    def on_resize(self) -> None:
        self.call_after_refresh(self._paint)

    def action_retry(self) -> None:
        if not self._busy and self.cockpit.seat is None:
            self._busy = True
            self._retry_at = None
            self.run_worker(self._connect(), group="connect", exit_on_error=False)

    def action_leave(self) -> None:
        self.cockpit.action_leave()

    async def _connect(self) -> None:
        try:
            await self.cockpit.connect()
        finally:
            self._busy = False
        if self.cockpit.seat is None:
            self._retry_at = self.cockpit.wall() + RETRY[min(self._attempt, len(RETRY) - 1)]
            self._attempt += 1
            self._paint()

    def _clock(self) -> None:
        if self.cockpit.seat is not None or self._retry_at is None:
            return
        if self.cockpit.wall() >= self._retry_at:
            self.action_retry()
        self._paint()

    def _paint(self) -> None:
        width, height = self.size.width, self.size.height
        if not width:
            return
        self.query_one("#head", Canvas).show([Line(" cockpit", "title").add("  rollouts in flight", "dim")])
        settings = self.cockpit.settings.cluster
        failure = self.cockpit.failure
        lines = [Line()] * max(1, height // 3 - 2)
        if self._busy or failure is None:
            where = clean(settings.context or "the current context", 80)
            lines.append(Line(f"   {glyphs.MOVING} connecting… ", "info").add(where, "strong"))
        else:
            left = max(0.0, (self._retry_at or 0.0) - self.cockpit.wall())
            lines.append(Line("   ").add(" NO CONNECTION ", "bad-banner"))
            lines.append(Line())
            lines += [Line("   ").extend(part) for part in wrapped(str(failure), max(20, width - 6), "strong")]
            lines += [Line(), Line(f"   trying again in {left:.0f} s", "dim")]
        self.query_one("#connect", Canvas).show(lines)
        keys = Line(" r", "key").add(" retry now  ", "dim").add("ctrl+q", "key").add(" quit", "dim")
        self.query_one("#hints", Canvas).show([keys, Line()])
