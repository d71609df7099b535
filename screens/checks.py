"""ChecksView: every check of a pre-flight in a list, and the one under the cursor with its evidence and remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.widget import Widget

from cockpit.model.plan import Plan, Refusal
from cockpit.model.preflight import Finding
from cockpit.model.resource import Key
from cockpit.model.snapshot import Snapshot
from screens.draw.line import Line, wrapped
from screens.journal import RowsView
from screens.parts.preflight import check_lines, check_row, checks_line, worst_first
from screens.widgets.panel import Panel
from screens.widgets.rows import Rows

Offered = Callable[[], "Plan | Refusal | str | None"]


class ChecksView(RowsView):
    """Worst first once all have answered; until then in their order, so that nothing moves while they arrive."""

    HINTS: ClassVar[tuple[str, ...]] = ("nav.down", "app.copy", "find.start", "nav.back", "help")

    def __init__(self, key: Key, version: str, offered: Offered) -> None:
        super().__init__()
        self.key = key
        self.version = version
        self._offered = offered
        self._shown: list[Finding] = []
        self._chosen = ""  # the cursor belongs to a check, not to a row

    def body(self) -> Iterable[Widget]:
        yield Rows(id="rows")
        yield Panel(id="detail")

    def trail(self) -> tuple[str, ...]:
        return (str(self.key), f"pre-flight {self.version}")

    def target(self) -> Key | None:
        return self.key

    def layout_for(self, width: int, height: int) -> None:
        super().layout_for(width, height)
        detail = self.query_one("#detail", Panel)
        detail.frame = "rule" if self.compact else "box"
        room = height - 4
        detail.styles.height = max(5, room - len(self._shown) - 3 if room > 30 else room * 2 // 5)

    @property
    def chosen(self) -> Finding | None:
        return self._shown[self.rows.cursor] if self.rows.cursor < len(self._shown) else None

    def draw_body(self, snapshot: Snapshot, now: float) -> None:
        plan, width = self._offered(), self.rows.inner[0]
        found = plan.preflight if isinstance(plan, Plan) else None
        title = Line("pre-flight", "title").add(f"  {self.version}", "strong")
        if found is None:
            self._shown = []
            self.rows.draw(_instead(plan, width), title)
            self.query_one("#detail", Panel).draw([], Line("evidence", "title"))
            return
        before, count = self.chosen, len(self._shown)
        self._shown = worst_first(found.findings) if found.complete else list(found.findings)
        if before is not None and self._moved():
            self.rows.cursor = next(
                (index for index, each in enumerate(self._shown) if each.check == before.check), self.rows.cursor
            )
        head = checks_line(found.findings, width - 1, complete=found.complete)
        widest = min(24, max((len(each.title or each.check) for each in self._shown), default=0))
        self.rows.draw([check_row(each, widest) for each in self._shown], title, [head])
        if count != len(self._shown):
            self.layout_for(self.size.width, self.size.height)
        self._detail()

    def _moved(self) -> bool:
        return self._chosen != ""

    def _detail(self) -> None:
        panel, chosen = self.query_one("#detail", Panel), self.chosen
        if chosen is None:
            return
        right = Line("c ", "key").add("copies the remedy", "text") if chosen.remedy else Line()
        panel.draw(check_lines(chosen, panel.inner[0]), Line("evidence", "title"), right)

    def action_move(self, rows: int) -> None:
        super().action_move(rows)
        self._follow()

    def action_edge(self, last: bool) -> None:
        super().action_edge(last)
        self._follow()

    def action_half(self, direction: int) -> None:
        super().action_half(direction)
        self._follow()

    def find(self, text: str, *, done: bool) -> None:
        super().find(text, done=done)
        self._follow()

    def action_find_next(self, step: int) -> None:
        super().action_find_next(step)
        self._follow()

    def _follow(self) -> None:
        """The cursor was moved: from here on it stays on its check."""
        if (chosen := self.chosen) is not None:
            self._chosen = chosen.check
        self._detail()

    def action_copy(self) -> None:
        chosen = self.chosen
        if chosen is None or not chosen.remedy:
            self.cockpit.say("nothing to copy: this check names no remedy", "dim")
        else:
            self.cockpit.copy(chosen.remedy, f"the remedy of {chosen.title or chosen.check}")

    def action_refetch(self) -> None:
        """Nothing is read here: the picker below asks."""


def _instead(plan: Plan | Refusal | str | None, width: int) -> list[Line]:
    if plan is None:
        return [Line("drawing up the plan…", "info")]
    if isinstance(plan, Plan):
        return [Line("no pre-flight was made for this plan", "unknown")]
    text, role = (plan, "bad") if isinstance(plan, str) else (f"{plan.result}: {plan.reason}", "warn")
    return wrapped(text, max(10, width - 2), role)
