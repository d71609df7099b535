"""LogKeys: the k9s letters of the log panes, for the view that has two of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Literal

from textual.binding import BindingType

from cockpit.model.resource import Key
from screens.keys import LOG, bindings
from screens.view import View
from screens.widgets.log_ring import LogRing

_SINCE: dict[str, float | None] = {
    "tail": None, "head": None, "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600,
}  # fmt: skip


class LogPane(LogRing):
    """A log ring with the k9s letters; here the digits mean *since*."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(LOG)]


class LogKeys(View):
    """Actions of the log bindings; they are about the pane with the focus, or the canary's."""

    key: Key
    locked = False

    @property
    def log_pane(self) -> LogPane:
        return self.focused if isinstance(self.focused, LogPane) else self.query_one("#canary-log", LogPane)

    def action_log(self, switch: Literal["follow", "wrap", "stamp", "errors", "previous"]) -> None:
        self.log_pane.toggle(switch)

    def action_log_container(self) -> None:
        self.log_pane.cycle_container()

    def action_since(self, window: str) -> None:
        """Both arms are re-opened: they are read side by side."""
        seat = self.cockpit.seat
        if seat is None:
            return
        seat.set_log_window(self.key, _SINCE[window])
        for pane in self.query(LogPane):
            pane.since = window
            pane.reset()
            pane.draw()
            if window == "head":
                pane.edge(last=False)

    def action_log_lock(self) -> None:
        self.locked = not self.locked
        self.cockpit.say("panes locked by time" if self.locked else "panes unlocked", "info")

    def on_log_ring_scrolled(self, event: LogRing.Scrolled) -> None:
        if not self.locked:
            return
        for pane in self.query(LogPane):
            if pane is not event.pane:
                pane.seek(event.at)

    def finding(self) -> str:
        return self.log_pane.find.pattern if self.log_pane.find else ""

    def find(self, text: str, *, done: bool) -> None:
        hits = self.log_pane.look_for(self.pattern(text) if done or text else None)
        if done and text:
            self.cockpit.say(f"{hits} lines match; n and N go through them" if hits else "nothing matches", "info")

    def action_find_next(self, step: int) -> None:
        if not self.log_pane.next_match(step):
            self.cockpit.say("nothing to find: / first", "dim")

    def action_log_copy(self) -> None:
        self.cockpit.copy(self.log_pane.visible_text(), "the lines shown")

    def action_log_save(self) -> None:
        pane = self.log_pane
        lines = [
            f"{line.at if line.at is not None else ''}\t{line.pod}\t{line.container}\t{line.text}"
            for line in pane.shown
        ]
        seat = self.cockpit.seat
        stamp = datetime.fromtimestamp(seat.now() if seat else 0, UTC).strftime("%Y%m%dT%H%M%SZ")
        file = Path.cwd() / Path(f"{self.key.namespace}-{self.key.name}-{pane.role}-{stamp}.log")
        self.run_worker(self._save(file, "\n".join(lines) + "\n"), group="save", exit_on_error=False)

    async def _save(self, file: Path, text: str) -> None:
        try:
            await asyncio.to_thread(file.write_text, text, encoding="utf-8")
        except OSError as error:
            self.cockpit.say(f"{file} cannot be written: {error.strerror}", "bad")
            return
        self.cockpit.say(f"saved to {file}", "info")
