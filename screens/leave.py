"""LeaveScreen: q at the fleet asks before it quits."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen

from screens.draw.line import Line, wrapped
from screens.widgets.canvas import Canvas

if TYPE_CHECKING:
    from screens.app import CockpitApp

_STAY = frozenset({"escape", "n", "q", "enter", "backspace"})


class LeaveScreen(ModalScreen[None]):
    """``y`` leaves, the keys that give up stay; any other key is for nobody, as it was not typed as an answer."""

    BINDINGS: ClassVar[list[BindingType]] = []
    AUTO_FOCUS = ""

    @property
    def cockpit(self) -> CockpitApp:
        return cast("CockpitApp", self.app)

    def compose(self) -> ComposeResult:
        yield Canvas(id="dialog", frame="box")

    def on_mount(self) -> None:
        self.call_after_refresh(self._paint)

    def on_resize(self) -> None:
        self.call_after_refresh(self._paint)

    def _paint(self) -> None:
        canvas = self.query_one("#dialog", Canvas)
        width = min(56, self.size.width - 2)
        lines = [Line(), Line("Leave the cockpit?", "strong"), Line()]
        for key in self.cockpit.acts.sending[:3]:
            lines += wrapped(
                f"what was sent to {key} is still being watched; the next start settles it", width - 4, "warn"
            )
        lines += [Line("y", "key").add("  leave      ", "text").add("Esc", "key").add("  stay", "text"), Line()]
        canvas.styles.width, canvas.styles.height = width, len(lines) + 2
        canvas.show(lines, Line("quit", "title"))
        self.call_after_refresh(canvas.show, lines, Line("quit", "title"))

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if not self.is_current:
            return
        if event.key == "y":
            self.cockpit.action_leave()
        elif event.key in _STAY:
            self.dismiss(None)
