"""Travel: from screen to screen, and the way back; the views and themes of the palette."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from textual.app import App, SystemCommand
from textual.markup import escape
from textual.screen import Screen

from cockpit.base.text import clean
from cockpit.model.resource import Key
from screens.leave import LeaveScreen
from screens.pages import open_page
from screens.rollout import RolloutView

if TYPE_CHECKING:
    from screens.app import CockpitApp


class Travel(App[int]):
    """The stack is: connecting, fleet, at most one rollout, at most one page, dialogs."""

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._visited: list[Key] = []
        self._visit = -1
        self._last_view: tuple[str, Key | None] | None = None
        self._view_now: tuple[str, Key | None] = ("fleet", None)

    @property
    def _me(self) -> CockpitApp:
        return cast("CockpitApp", self)

    def open_rollout(self, key: Key, *, visit: bool = True) -> None:
        """The cockpit of one rollout, over the fleet."""
        if visit and (self._visit < 0 or self._visited[self._visit] != key):
            self._visited = [*self._visited[: self._visit + 1], key]
            self._visit = len(self._visited) - 1
        self._came(("rollout", key))
        self.go_home(quiet=True)
        self.push_screen(RolloutView(key))

    def open_view(self, name: str, key: Key | None) -> None:
        """A page about ``key`` (or the fleet) over the present screen."""
        open_page(self._me, name, key)

    def go_home(self, *, quiet: bool = False) -> None:
        """Back to the fleet."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if not quiet:
            self._came(("fleet", None))

    def go_back(self) -> None:
        """One screen back; at the fleet, first dismiss what was said, then ask whether to leave (Esc never asks)."""
        app = self._me
        home = self.screen is app.fleet
        if app.message is not None or app.acts.dismiss() or (home and app.notices):
            said, app.message = bool(app.message), None
            if home:  # elsewhere they were not seen yet
                app.notices = []
            app.frame_now()
            if said or home:
                return
        if len(self.screen_stack) > 2:
            self.pop_screen()
            self._came(("fleet", None) if self.screen is app.fleet else self._view_now)
            return
        if app.pressed == "escape":  # pressed once too often on the way home; what is typed next is no answer
            return
        self.push_screen(LeaveScreen())

    def _came(self, view: tuple[str, Key | None]) -> None:
        if view != self._view_now:
            self._last_view, self._view_now = self._view_now, view

    def action_last_view(self) -> None:
        if self._last_view is None:
            self._me.say("there is no view before this one", "dim")
        elif self._last_view[0] == "rollout" and self._last_view[1] is not None:
            self.open_rollout(self._last_view[1])
        else:
            self.go_home()

    def action_history(self, step: int) -> None:
        at = self._visit + step
        if 0 <= at < len(self._visited):
            self._visit = at
            self.open_rollout(self._visited[at], visit=False)
        else:
            self._me.say("no further rollout was visited that way", "dim")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette holds views and themes; nothing in it changes a cluster."""
        key = view.target() if (view := self._me.view) else None
        for name in ("help", "journal", "events", "drift"):
            yield SystemCommand(name, f"open {name}", lambda name=name: self.open_view(name, key))
        shown = escape(clean(str(key), 200))  # the palette reads its titles as markup
        for name in ("describe", "yaml", "tree", "metrics", "burn", "provenance") if key else ():
            yield SystemCommand(f"{name} {shown}", f"open {name}", lambda name=name: self.open_view(name, key))
        for name in sorted(self._me.palettes):
            title = f"theme {escape(clean(name, 80))}"
            yield SystemCommand(title, "change colours", lambda name=name: self._me.use_theme(name))
        yield SystemCommand("quit", "leave the cockpit", self._me.action_leave)
