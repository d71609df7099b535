"""View: what every full screen has: header, status line, prompt, key bar, and the keys that work everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget

from cockpit.model.resource import Key
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Snapshot
from cockpit.model.verdict import Assessment
from screens import commands
from screens.draw.line import Line
from screens.keys import ACTS, APP, NAVIGATION, VIEWS, bindings
from screens.parts.header import header
from screens.parts.hints import act_hints, hints
from screens.reset import ResetScreen
from screens.widgets.canvas import Canvas
from screens.widgets.prompt import Prompt

if TYPE_CHECKING:
    from screens.app import CockpitApp

WIDE = 112
TALL = 30
_ROOT = 2
"""Connecting and the fleet: what is said while they open is for whoever comes."""


class View(Screen[None]):
    """Subclasses compose their body in ``body`` and draw it in ``draw_body``."""

    AUTO_FOCUS = ""
    ESCAPE_TO_MINIMIZE = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings((*NAVIGATION, *VIEWS, *APP, *ACTS))]
    HINTS: ClassVar[tuple[str, ...]] = ("nav.down", "help", "nav.back")
    ACT_HINTS: ClassVar[tuple[str, ...]] = (
        "act.advance", "act.pause", "act.abort", "act.full", "act.skip", "act.rollback", "act.retry",
    )  # fmt: skip
    HINT_WORDS: ClassVar[dict[str, str]] = {}
    """What a key does here, where the key bar's usual word would mislead."""
    NEEDS: ClassVar[tuple[str, ...]] = ("#hints",)
    """What must be composed before the first picture; children of a container come after its siblings."""
    live = False
    """Whether the view also draws on frames without a change (logs)."""

    def __init__(self) -> None:
        super().__init__()
        self.snapshot: Snapshot | None = None
        self.drawn_at = 0.0
        self._composed = False

    @property
    def cockpit(self) -> CockpitApp:
        return cast("CockpitApp", self.app)

    @property
    def compact(self) -> bool:
        """Whether rules stand in for boxes."""
        return self.size.width < WIDE or self.size.height < TALL

    # -- for subclasses ----------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        return ()

    def trail(self) -> tuple[str, ...]:
        return ()

    def target(self) -> Key | None:
        """The rollout that verbs and views are about."""
        return None

    def draw_body(self, snapshot: Snapshot, now: float) -> None:
        """Draw what depends on the picture."""

    def tick(self) -> None:
        """Each frame, when ``live``."""

    def mover(self) -> Canvas | None:
        """What the movement keys move."""
        return self.focused if isinstance(self.focused, Canvas) and not isinstance(self.focused, Prompt) else None

    def layout_for(self, width: int, height: int) -> None:
        """Heights and frames for a size."""

    # -- common ------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield Canvas(id="head")
        yield from self.body()
        yield Canvas(id="status")
        yield Prompt(id="prompt")
        yield Canvas(id="hints")

    def drawn(self) -> tuple[Rollout, Assessment | None] | None:
        """The target as this screen last drew it: what a person saw when pressing a key."""
        key = self.target()
        rollout = self.snapshot.rollouts.get(key) if self.snapshot and key else None
        if rollout is None or self.snapshot is None:
            return None
        return rollout, self.snapshot.assessments.get(rollout.key)

    def draw(self, snapshot: Snapshot, now: float) -> None:
        """Take the newest picture and repaint what changed."""
        self._composed = self._composed or all(self.query(name) for name in self.NEEDS)
        if not self.is_attached or not self.size.width or not self._composed:
            return  # a frame can come before it is composed and after it is closed
        self.snapshot, self.drawn_at = snapshot, now
        self.draw_head(snapshot, now)
        self.draw_body(snapshot, now)
        self.draw_foot()

    def draw_head(self, snapshot: Snapshot, now: float) -> None:
        seat = self.cockpit.seat
        if seat is None:
            return
        line = header(seat.identity, snapshot, now, self.trail(), self.size.width, frozen=self.cockpit.frozen)
        self.query_one("#head", Canvas).show([line])

    def draw_foot(self) -> None:
        width = self.size.width
        self.query_one("#status", Canvas).show([self.cockpit.acts.status_line(self.target(), width)])
        keymap = self.cockpit.keys_in_force
        dead, words = self.cockpit.acts.dead_keys(self.drawn())
        self.query_one("#hints", Canvas).show(
            [
                hints(self.hints_now(), keymap, width, words=self.HINT_WORDS),
                act_hints(self.ACT_HINTS, keymap, width, dead, words) if self.ACT_HINTS else Line(),
            ]
        )

    def hints_now(self) -> tuple[str, ...]:
        return self.HINTS

    def redraw(self) -> None:
        """Draw the same picture again: something of ours changed."""
        if self.snapshot is not None:
            self.draw(self.snapshot, self.drawn_at)

    def on_mount(self) -> None:
        if len(self.app.screen_stack) > _ROOT:  # what was said was for the screen before
            self.cockpit.message = None
        self.layout_for(self.size.width, self.size.height)
        self.call_after_refresh(self.cockpit.frame_now)

    def on_resize(self) -> None:
        self.layout_for(self.size.width, self.size.height)
        self.call_after_refresh(self.redraw)

    def on_screen_resume(self) -> None:
        self.call_after_refresh(self.cockpit.frame_now)

    # -- keys --------------------------------------------------------------------------------------

    def action_move(self, rows: int) -> None:
        if mover := self.mover():
            mover.move(rows)

    def action_edge(self, last: bool) -> None:
        if mover := self.mover():
            mover.edge(last=last)

    def action_half(self, direction: int) -> None:
        if mover := self.mover():
            mover.move(direction * mover.page())

    def action_sideways(self, columns: int) -> None:
        if mover := self.mover():
            mover.sideways(columns)

    def action_open(self) -> None:
        """Enter: nothing to open here."""

    def action_back(self) -> None:
        self.cockpit.go_back()

    def action_command(self) -> None:
        self.query_one("#status").display = False
        self.query_one(Prompt).open(":", complete=lambda text: commands.complete(text, self.snapshot))

    def action_find(self) -> None:
        self.query_one("#status").display = False
        self.query_one(Prompt).open("/", self.finding())

    def finding(self) -> str:
        """The filter or expression in force, to be edited."""
        return ""

    def find(self, text: str, *, done: bool) -> None:
        """Apply what is typed after ``/``; ``done`` on Enter."""

    def action_find_next(self, step: int) -> None:
        """To the next (+1) or previous match."""

    def on_prompt_changed(self, event: Prompt.Changed) -> None:
        if event.sign == "/":
            self.find(event.text, done=False)

    def on_prompt_closed(self, event: Prompt.Closed) -> None:
        self.query_one("#status").display = True
        self.refocus()
        if event.sign == "/":
            self.find(event.text or "", done=True)
        elif event.text:
            commands.run(self.cockpit, event.text)
        self.redraw()
        self.call_after_refresh(self.redraw)  # the status line has a size, and so room for an answer, only from here on

    def refocus(self) -> None:
        """Give the keys back after the prompt closed."""
        self.set_focus(None)

    def pattern(self, text: str) -> re.Pattern[str] | None:
        """``text`` as an expression; a bad one is said and finds nothing."""
        if not text:
            return None
        try:
            return re.compile(text, re.IGNORECASE)
        except re.error as error:
            self.cockpit.say(f"{text!r} is not a regular expression: {error}", "warn")
            return None

    def action_view(self, name: str) -> None:
        self.cockpit.open_view(name, self.target())

    def action_reset_evidence(self) -> None:
        """Ask for a reason to set the evidence on this rollout aside."""
        if (drawn := self.drawn()) is not None:
            self.app.push_screen(ResetScreen(*drawn))

    def action_copy(self) -> None:
        key = self.target()
        if key is not None:
            self.cockpit.copy(str(key), str(key))

    def action_refetch(self) -> None:
        self.cockpit.action_refetch()

    def action_act(self, verb: str) -> None:
        self.cockpit.acts.press(verb, self.drawn())
