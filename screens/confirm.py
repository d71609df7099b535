"""ConfirmScreen: what will be sent, what it means, and the consent it needs; inert once the picture moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen

from cockpit.model import guards
from cockpit.model.plan import Consent, Intent, Plan, Tier
from cockpit.model.snapshot import Snapshot
from screens.draw.line import Line
from screens.parts.dialog import CHECKS_KEY, Dialog, dialog_lines
from screens.typeahead import TypeAhead
from screens.widgets.canvas import Canvas
from screens.widgets.field import Field

if TYPE_CHECKING:
    from screens.app import CockpitApp

SEND_KEY = "ctrl+s"
Focus = Literal["cancel", "name", "reason"]


class ConfirmScreen(ModalScreen["Consent | Literal['reopen'] | None"]):
    """Focus starts on cancel, Enter never confirms. ``y`` sends below tier NAME; there, the typed name and ctrl+s."""

    BINDINGS: ClassVar[list[BindingType]] = []
    AUTO_FOCUS = ""

    def __init__(self, intent: Intent, plan: Plan) -> None:
        super().__init__()
        self.intent = intent
        self.plan = plan
        self.focus_on: Focus = "cancel"
        self.name_field = Field()
        self.reason_field = Field()
        self.moved: tuple[str, ...] = ()
        self._guard = TypeAhead()
        self._scroll = 0
        self._fitted = (0, 0)
        self._said = ""
        self._every_check = False
        self._snapshot: Snapshot | None = None
        self._now = 0.0

    @property
    def cockpit(self) -> CockpitApp:
        return cast("CockpitApp", self.app)

    @property
    def typed(self) -> bool:
        """Whether the name must be typed."""
        return self.plan.tier >= Tier.NAME

    @property
    def armed(self) -> bool:
        return self.typed and self.name_field.text == self.phrase and not self.moved and not self._unfinished

    @property
    def _unfinished(self) -> bool:
        """Whether this is a draft: what its checks will ask for is not known yet."""
        return self.plan.preflight is not None and not self.plan.preflight.complete

    @property
    def phrase(self) -> str:
        """What has to be typed: the name, and every blocking check that is overridden with it."""
        found = self.plan.preflight
        blocked = found.blocking if found is not None else ()
        return f"{self.plan.key.name} override {','.join(blocked)}" if blocked else self.plan.key.name

    def compose(self) -> ComposeResult:
        yield Canvas(id="dialog", frame="box")

    def on_mount(self) -> None:
        self.call_after_refresh(self._first_paint)

    def _first_paint(self) -> None:
        seat = self.cockpit.seat
        if seat is not None:
            self.draw(self._snapshot or seat.snapshot(), seat.now())
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        self._guard.painted(self.cockpit.wall())

    def draw(self, snapshot: Snapshot, now: float) -> None:
        """Compare what was drawn with what is true now, and repaint."""
        self._snapshot, self._now = snapshot, now
        fresh = snapshot.rollouts.get(self.plan.key)
        if fresh is None:
            self.moved = ("the rollout is gone",)
        else:
            self.moved = guards.moved(self.intent.verb, self.intent.rollout.seen, fresh.seen) + self._turned(snapshot)
        if self.moved and self.focus_on != "cancel":
            self.focus_on = "cancel"
        self._paint()

    def _turned(self, snapshot: Snapshot) -> tuple[str, ...]:
        """Whether the evidence turned against what the dialog asks a mere y for."""
        assessment = snapshot.assessments.get(self.plan.key)
        if self.plan.direction != "toward" or self.typed or assessment is None:
            return ()
        sentence = guards.worsened(self.intent.verdict, assessment.verdict)
        return (sentence,) if sentence else ()

    def _paint(self) -> None:
        seat, snapshot = self.cockpit.seat, self._snapshot
        canvas = self._canvas()
        if seat is None or snapshot is None or canvas is None or not self.size.width:
            return
        width = min(78, self.size.width - 2)
        dialog = Dialog(
            self.intent,
            self.plan,
            seat.identity,
            snapshot,
            self._now,
            focus=self.focus_on,
            name=self.name_field,
            reason=self.reason_field,
            armed=self.armed,
            moved=self.moved,
            said=self._said,
            every_check=self._every_check,
        )
        title, right, body, foot = dialog_lines(dialog, width - 4, self.size.height - 2)
        room = max(3, self.size.height - 2 - len(foot))
        self._scroll = max(0, min(self._scroll, len(body) - room))
        shown = body[self._scroll : self._scroll + room]
        below = len(body) - room - self._scroll
        if below > 0:
            shown[-1] = Line(f"… {below + 1} more lines below (arrow keys)", "warn")
        height = len(shown) + len(foot) + 2
        if self._fitted != (width, height):
            self._fitted = canvas.styles.width, canvas.styles.height = (width, height)
            self.call_after_refresh(self._show, [*shown, *foot], title, right)
        self._show([*shown, *foot], title, right)

    def _show(self, lines: list[Line], title: Line, right: Line) -> None:
        if (canvas := self._canvas()) is not None:
            canvas.show(lines, title, right)

    def _canvas(self) -> Canvas | None:
        """None before it is composed and after it is dismissed: a frame can come at both times."""
        return next(iter(self.query(Canvas)), None)

    def on_resize(self) -> None:
        self.call_after_refresh(self._paint)

    # -- keys --------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if not self.is_current or self._guard.early(event, self.cockpit.wall()):
            return  # also when answered already: a second y is for nobody
        self._said = ""
        if event.character == CHECKS_KEY and self.focus_on != "reason" and self.plan.preflight is not None:
            self._every_check, self._scroll = not self._every_check, 0
        elif self.moved:
            self._inert_key(event.key)
        elif self.focus_on == "cancel":
            self._cancel_key(event)
        else:
            self._field_key(event)
        if self.is_current:
            self._paint()

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        if self._guard.early(event, self.cockpit.wall()) or self.moved:
            return
        if self.focus_on == "reason":
            self.reason_field.insert(event.text)
        elif self.typed:
            self._said = "the name is typed, not pasted"
        self._paint()

    def _inert_key(self, key: str) -> None:
        if key in {"escape", "q"}:
            self.dismiss(None)
        elif key == "r":
            self.dismiss("reopen")
        elif key in {"down", "up"}:
            self._scroll += 1 if key == "down" else -1
        else:
            self._said = "nothing is sent: the state moved. r looks again, Esc leaves"

    def _cancel_key(self, event: events.Key) -> None:
        key = event.key
        if key in {"down", "up"}:
            self._scroll += 1 if key == "down" else -1
        elif key == "tab":
            self.focus_on = "name" if self.typed else "reason"
        elif key == "shift+tab":
            self.focus_on = "reason"
        elif key in {"escape", "enter"}:
            self.dismiss(None)
        elif key == SEND_KEY:
            self._send_typed()
        elif self.typed:
            if event.character is not None and event.is_printable:
                self.focus_on = "name"
                self.name_field.take(event)
        elif key == "y" and self._unfinished:
            self._said = "the checks of the pre-flight still run: nothing is sent before they have answered"
        elif key == "y":
            self.dismiss(Consent(yes=True, reason=self.reason_field.text or None))
        elif key in {"q", "n"}:
            self.dismiss(None)
        else:
            self._said = "y sends it, Esc keeps things as they are, Tab adds a reason"

    def _field_key(self, event: events.Key) -> None:
        key = event.key
        if key == SEND_KEY:
            self._send_typed()
        elif key == "escape":
            self.focus_on = "cancel"
        elif key == "tab":
            self.focus_on = "reason" if self.focus_on == "name" else "cancel"
        elif key == "shift+tab":
            self.focus_on = "name" if self.focus_on == "reason" and self.typed else "cancel"
        elif key == "enter":
            self._said = f"Enter never confirms; {SEND_KEY} does" if self.typed else "Enter never confirms; Tab, then y"
        else:
            (self.name_field if self.focus_on == "name" else self.reason_field).take(event)

    def _send_typed(self) -> None:
        if not self.typed:
            self._said = "y sends this one"
        elif self.armed:
            found = self.plan.preflight
            overrides = found.blocking if found is not None else ()
            reason = self.reason_field.text or None
            self.dismiss(Consent(yes=True, name=self.plan.key.name, reason=reason, overrides=overrides))
        else:
            self._said = f"type {self.phrase} to arm it"
