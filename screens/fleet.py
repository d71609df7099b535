"""FleetView (5a): every rollout by urgency, a peek at the one under the cursor, the newest events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec
from textual.binding import BindingType
from textual.widget import Widget

from cockpit.model.resource import Key
from cockpit.model.snapshot import Snapshot
from cockpit.model.urgency import in_default_view
from screens.draw.line import Line
from screens.keys import LIST, bindings
from screens.parts.events import event_line
from screens.parts.fleet_order import SORTS, parse_filter
from screens.parts.header import counts, gaps, notes, rule, sources, stale
from screens.parts.peek import peek_lines
from screens.parts.status import without_wall_of_blind
from screens.view import View
from screens.widgets.canvas import Canvas
from screens.widgets.fleet_table import FleetTable


class FleetView(View):
    """The root screen."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(LIST)]
    HINTS = (
        "nav.down", "nav.open", "find.start", "cmd", "list.sort", "list.all", "view.describe", "view.events",
        "view.tree", "view.history", "app.freeze", "help", "nav.back",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.namespace: str | None = None
        self._part: tuple[Snapshot, str | None, Snapshot] | None = None
        self._gaps = 0
        self._counted: Snapshot | None = None
        self._marks = (0, 0)
        self._active = 0
        self._tally = Line()
        self._table: FleetTable | None = None

    @property
    def table(self) -> FleetTable:
        if self._table is None:
            self._table = FleetTable(self._wall, id="fleet")
        return self._table

    def _wall(self) -> float:
        return self.cockpit.wall()

    def body(self) -> Iterable[Widget]:
        yield Canvas(id="counts")
        yield Canvas(id="bar")
        yield Canvas(id="gaps")
        yield Canvas(id="rule")
        yield self.table
        yield Canvas(id="peek", frame="box")
        yield Canvas(id="events", frame="box")

    def trail(self) -> tuple[str, ...]:
        return (f"{self.namespace} rollouts",) if self.namespace else ("rollouts",)

    def target(self) -> Key | None:
        return self.table.cursor

    def mover(self) -> Canvas:
        return self.table

    def refocus(self) -> None:
        self.set_focus(self.table)

    def on_mount(self) -> None:
        super().on_mount()
        self.table.focus()

    def layout_for(self, width: int, height: int) -> None:
        peek, events = self.query_one("#peek", Canvas), self.query_one("#events", Canvas)
        frame = "rule" if self.compact else "box"
        peek.frame = events.frame = frame
        peek.display, events.display = height >= 18, height >= 22
        if frame == "box":
            peek.styles.height, events.styles.height = 8, 6 if height < 50 else 12
        else:
            peek.styles.height, events.styles.height = (3 if height < 28 else 5), 3

    def draw_body(self, snapshot: Snapshot, now: float) -> None:
        width = self.size.width
        seat = self.cockpit.seat
        if seat is None:
            return
        chosen = self._scoped(snapshot)
        self._bars(snapshot, chosen, now, width)
        self.query_one("#rule", Canvas).show([rule(width, seat.identity)])
        missing = [*notes(self.cockpit.notices, width), *gaps(snapshot, now)]
        strip = self.query_one("#gaps", Canvas)
        shown = missing[: 3 if self.size.height >= 24 else 1]
        if len(missing) > len(shown):
            shown[-1] = shown[-1].with_right(Line(f" +{len(missing) - len(shown)} more, :events ", "dim"), width)
        if self._gaps != len(shown):
            self._gaps = len(shown)
            strip.display = bool(shown)
            strip.styles.height = max(1, len(shown))
            self.call_after_refresh(self.redraw)  # it has a size, and so room for what it says, only from then on
        strip.show(shown)
        self.table.draw(chosen, now)
        self._peek(snapshot, now)

    def _scoped(self, snapshot: Snapshot) -> Snapshot:
        part = self._part  # kept, so that an unchanged picture stays the same object
        if part is None or part[0] is not snapshot or part[1] != self.namespace:
            chosen = without_wall_of_blind(snapshot)
            if self.namespace is not None:
                kept = {key: rollout for key, rollout in snapshot.rollouts.items() if key.namespace == self.namespace}
                chosen = msgspec.structs.replace(chosen, rollouts=kept)
            part = self._part = (snapshot, self.namespace, chosen)
        return part[2]

    def _bars(self, snapshot: Snapshot, chosen: Snapshot, now: float, width: int) -> None:
        marks = (width, int(now // 60))
        if self._counted is not chosen or self._marks != marks:  # looks at every rollout: once per picture and minute
            self._counted, self._marks = chosen, marks
            self._active = sum(in_default_view(rollout, now) for rollout in chosen.rollouts.values())
            self._tally = counts(chosen.rollouts.values(), chosen.assessments, width)
        self.query_one("#counts", Canvas).show([self._tally])
        table = self.table
        total = len(chosen.rollouts)
        active = self._active
        wide = width >= 100
        bar = Line(" view " if wide else " ", "dim")
        bar.add(
            f"all {total}" if table.everything else f"active {active}" + (f" of {total}" if wide else f"/{total}"),
            "text",
        )
        bar.add("   sort " if wide else " · sort ", "dim").add(table.sort, "text")
        bar.add("   filter " if wide else " · filter ", "dim")
        bar.add(table.filter.text if table.filter else "—", "key" if table.filter else "dim")
        self.query_one("#bar", Canvas).show([bar.with_right(sources(snapshot, now, brief=not wide).add(" "), width)])

    def _peek(self, snapshot: Snapshot, now: float) -> None:
        peek, strip = self.query_one("#peek", Canvas), self.query_one("#events", Canvas)
        key = self.target()
        rollout = snapshot.rollouts.get(key) if key else None
        seat = self.cockpit.seat
        if peek.display and seat is not None:
            if rollout is None:
                peek.show([], Line("peek", "title"))
            else:
                series = seat.series(rollout.key)
                assessment, act = self._scoped(snapshot).assessments.get(rollout.key), snapshot.acts.get(rollout.key)
                lines = peek_lines(rollout, assessment, series, now, *peek.inner, act=act)
                dim = stale(snapshot)
                title = Line("peek · ", "title").add(str(rollout.key), "strong")
                peek.show([line.roles("stale") if dim else line for line in lines], title, Line("⏎ opens", "dim"))
        if strip.display:
            width, rows = strip.inner
            lines = [event_line(event, width) for event in snapshot.events[:rows]]
            strip.show(lines or [Line("no events yet", "dim")], Line("events", "title"), Line("v all", "dim"))

    # -- keys --------------------------------------------------------------------------------------

    def on_fleet_table_moved(self) -> None:
        if self.snapshot is not None:
            self._peek(self.snapshot, self.drawn_at)
            self.draw_foot()

    def action_open(self) -> None:
        key = self.target()
        if key is not None:
            self.cockpit.open_rollout(key)

    def action_back(self) -> None:
        if self.table.filter is not None:
            self.find("", done=True)
        else:
            super().action_back()

    def action_sort(self) -> None:
        self.table.cycle_sort()
        self.redraw()

    def action_mark(self) -> None:
        self.table.toggle_mark()

    def action_wide(self) -> None:
        self.table.wide = not self.table.wide
        self.table.sideways(0)
        self.redraw()

    def action_everything(self) -> None:
        self.show_all(not self.table.everything)

    def action_find_next(self, step: int) -> None:
        self.table.move(step)

    def finding(self) -> str:
        return self.table.filter.text if self.table.filter else ""

    def find(self, text: str, *, done: bool) -> None:
        try:
            self.table.filter = parse_filter(text)
        except ValueError as error:
            if done:
                self.cockpit.say(str(error), "warn")
            return
        self.redraw()

    def show_all(self, everything: bool) -> None:
        self.table.everything = everything
        self.redraw()

    def sort_by(self, name: str) -> bool:
        if name not in SORTS:
            return False
        self.table.sort = name
        self.redraw()
        return True

    def only_namespace(self, name: str | None) -> None:
        self.namespace = name
        self.redraw()
