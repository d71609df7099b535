"""MetricsView: the judge's numbers of every SLI of a rollout, and below them both arms as charts on one scale."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from cockpit.model.resource import Key
from cockpit.model.snapshot import Snapshot
from screens.keys import bindings
from screens.parts.judged import judged_table
from screens.rollout import RolloutView
from screens.view import View
from screens.widgets.canvas import Canvas
from screens.widgets.sli_chart import SliChart


class MetricsView(View):
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(("metrics.span",))]
    HINTS = ("nav.down", "metrics.span", "view.burn", "view.describe", "app.freeze", "help", "nav.back")

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self._opened = False

    def on_mount(self) -> None:
        super().on_mount()
        seat = self.cockpit.seat
        # Intervals are there for the open rollout only; above its cockpit it is open already.
        if seat is not None and not any(isinstance(view, RolloutView) for view in self.app.screen_stack):
            self._opened = True
            seat.focus(self.key)

    def on_unmount(self) -> None:
        seat = self.cockpit.seat
        top = self.cockpit.view
        if self._opened and seat is not None and not isinstance(top, MetricsView | RolloutView):
            seat.focus(None)

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
        pane = self.query_one(SliChart)
        if assessment is None or not assessment.slis:
            pane.draw((), seat.series(self.key), until)
            return
        rollout = snapshot.rollouts.get(self.key)
        alone = rollout is not None and rollout.canary is None
        table = judged_table(assessment, pane.inner[0], alone=alone)
        pane.draw(assessment.slis, seat.series(self.key), until, table)

    def action_span(self) -> None:
        self.query_one(SliChart).cycle_span()
        self.redraw()

    def action_move(self, rows: int) -> None:
        super().action_move(rows)
        self.redraw()

    def action_edge(self, last: bool) -> None:
        super().action_edge(last)
        self.redraw()
