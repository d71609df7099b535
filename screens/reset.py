"""ResetScreen: sets the evidence on a version aside, with a reason; journaled, and nothing changes in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen

from cockpit.base.errors import CockpitError
from cockpit.model.rollout import Rollout
from cockpit.model.verdict import Assessment
from screens.draw.line import Line, wrapped
from screens.typeahead import TypeAhead
from screens.widgets.canvas import Canvas
from screens.widgets.field import Field

if TYPE_CHECKING:
    from screens.app import CockpitApp


class ResetScreen(ModalScreen[None]):
    """A reason and Enter reset; Esc leaves everything as it is. Without a reason nothing happens."""

    BINDINGS: ClassVar[list[BindingType]] = []
    AUTO_FOCUS = ""

    def __init__(self, rollout: Rollout, assessment: Assessment | None) -> None:
        super().__init__()
        self.rollout = rollout
        self.assessment = assessment
        self.reason = Field()
        self.sent = False
        self._guard = TypeAhead()

    @property
    def cockpit(self) -> CockpitApp:
        return cast("CockpitApp", self.app)

    def compose(self) -> ComposeResult:
        canvas = Canvas(id="dialog", frame="box")
        canvas.styles.width, canvas.styles.height = self._width, len(self._lines()) + 2
        yield canvas

    def on_mount(self) -> None:
        self.call_after_refresh(self._paint)

    def on_resize(self) -> None:
        self.call_after_refresh(self._paint)

    @property
    def _width(self) -> int:
        return max(20, min(76, self.app.size.width - 2))

    def _paint(self) -> None:
        canvas, lines = self.query_one("#dialog", Canvas), self._lines()
        canvas.styles.width, canvas.styles.height = self._width, len(lines) + 2
        canvas.show(lines, Line("evidence · begin anew", "title"))
        self._guard.painted(self.cockpit.wall())

    def _lines(self) -> list[Line]:
        room = self._width - 4
        arm = self.rollout.canary or self.rollout.baseline
        said = self.assessment.verdict.reason if self.assessment is not None else "not judged yet"
        lines = [Line()]
        lines += wrapped(f"{self.rollout.key}  {arm.hash if arm is not None else ''}", room, "strong")
        lines += wrapped(said, room, "text")
        lines += [Line()]
        lines += wrapped(
            "What was counted so far is set aside and a latched abort goes, for every seat on this journal. "
            "Counting begins anew now. Nothing changes in the cluster.",
            room,
            "dim",
        )
        lines += [Line(), Line("why   ", "dim").extend(self.reason.line(room - 6, focused=True)), Line()]
        ready = bool(self.reason.text.strip())
        enter = Line("Enter", "key" if ready else "dim").add("  set aside      ")
        lines += [enter.add("Esc", "key").add("  leave it"), Line()]
        return lines

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self.reason.insert(event.text)
        self._paint()

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if not self.is_current or self.sent:
            return
        if event.key == "escape":
            self.dismiss(None)
        elif self._guard.early(event, self.cockpit.wall()):
            return
        elif event.key == "enter":
            if self.reason.text.strip():
                self.sent = True
                self.cockpit.run_worker(self._reset(), group="evidence", exit_on_error=False)
        elif self.reason.take(event):
            self._paint()

    async def _reset(self) -> None:
        seat, role = self.cockpit.seat, "text"
        if seat is None:
            return
        try:
            said = await seat.reset_evidence(self.rollout.key, self.reason.text.strip())
        except CockpitError as error:
            said, role = str(error), "bad"
        self.dismiss(None)
        self.cockpit.say(said, role)
