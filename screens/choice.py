"""ChoiceScreen: a verb that needs to be told which way; digits pick, nothing is sent from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen

from cockpit.model.plan import Intent, Refusal
from screens.draw.line import Line, wrapped
from screens.typeahead import TypeAhead
from screens.widgets.canvas import Canvas

if TYPE_CHECKING:
    from screens.app import CockpitApp


class ChoiceScreen(ModalScreen["str | None"]):
    """Gives the id of the choice, or None. The choice leads to a plan and its own dialog."""

    BINDINGS: ClassVar[list[BindingType]] = []
    AUTO_FOCUS = ""

    def __init__(self, intent: Intent, refusal: Refusal) -> None:
        super().__init__()
        self.intent = intent
        self.refusal = refusal
        self._guard = TypeAhead()

    @property
    def cockpit(self) -> CockpitApp:
        return cast("CockpitApp", self.app)

    def compose(self) -> ComposeResult:
        yield Canvas(id="dialog", frame="box")

    def on_mount(self) -> None:
        self.on_resize()

    def on_resize(self) -> None:
        canvas = self.query_one("#dialog", Canvas)
        width = min(70, self.size.width - 2)
        canvas.styles.width, canvas.styles.height = width, len(self._lines(width - 4)) + 2
        self.call_after_refresh(self._paint)

    def _lines(self, width: int) -> list[Line]:
        lines = [Line(), Line(f"{self.refusal.verb.upper()}  {self.refusal.key}", "strong").cut(width), Line()]
        lines += wrapped(self.refusal.reason, width, "text")
        lines.append(Line())
        for number, (_, text) in enumerate(self.refusal.choices, 1):
            lines.append(Line(f"  {number}  ", "key").add(text, "strong").cut(width))
        return [*lines, Line(), Line("a digit draws up that plan and asks again; Esc leaves", "dim").cut(width)]

    def _paint(self) -> None:
        canvas = self.query_one("#dialog", Canvas)
        canvas.show(self._lines(canvas.inner[0]), Line("which way?", "title"))
        self._guard.painted(self.cockpit.wall())

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if not self.is_current or self._guard.early(event, self.cockpit.wall()):
            return
        if event.key in {"escape", "q"}:
            self.dismiss(None)
        elif event.key.isdigit() and 1 <= int(event.key) <= len(self.refusal.choices):
            self.dismiss(self.refusal.choices[int(event.key) - 1][0])
