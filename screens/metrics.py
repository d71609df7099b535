"""MetricsView: every SLI of a rollout as a chart, both arms on one scale."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from cockpit.model.resource import Key
from cockpit.model.snapshot import Snapshot
from screens.keys import bindings
from screens.view import View
from screens.widgets.canvas import Canvas
from screens.widgets.sli_chart import SliChart


class MetricsView(View):
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(("metrics.span",))]
    HINTS = ("nav.down", "metrics.span", "view.burn", "view.describe", "app.freeze", "help", "nav.back")

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key

    def body(self) -> Iterable[Widget]:
        yield SliChart(id="chart")

    def trail(self) -> tuple[str, ...]:
        return (str(self.key), "metrics")

    def target(self) -> Key | None:
        return self.key

    def mover(self) -> Canvas:
        return self.query_one(SliChart)

    def layout_for(self, width: int, height: int) -> None:
        self.query_one(SliChart).frame = "rule" if self.compact else "box"

    def draw_body(self, snapshot: Snapshot, now: float) -> None:
        seat = self.cockpit.seat
        if seat is None:
            return
        assessment = snapshot.assessments.get(self.key)
        until = assessment.as_of if assessment and assessment.as_of is not None else now
        self.query_one(SliChart).draw(assessment.slis if assessment else (), seat.series(self.key), until)

    def action_span(self) -> None:
        self.query_one(SliChart).cycle_span()
        self.redraw()

    def action_move(self, rows: int) -> None:
        super().action_move(rows)
        self.redraw()
