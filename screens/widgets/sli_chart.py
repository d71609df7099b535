"""SliChart: every SLI as a chart of both arms on one scale, with its limit; gaps are dots, never lines."""

from __future__ import annotations

from collections.abc import Sequence

from cockpit.model.verdict import SliRow
from cockpit.ports import Series
from screens.draw.format import UNIT, span, times, value
from screens.draw.line import Line
from screens.draw.spark import area, braille, scale, window
from screens.parts.sli_lines import label
from screens.widgets.canvas import Canvas

AXIS = 8
"""Cells of the numbers left of a chart."""
DOTS_FROM = 3
"""Rows from which braille says more than filled blocks do."""


def chart(
    row: SliRow, series: Series, until: float, seconds: float, width: int, height: int, *, plain: bool
) -> list[Line]:
    """A title line, then ``height`` rows of each arm. Braille from ``DOTS_FROM`` rows on, unless ``plain``."""
    cells = max(1, width - AXIS - 3)
    dots = height >= DOTS_FROM and not plain
    slots = cells * 2 if dots else cells
    canary = window(series.points(row.name, "canary"), until, seconds, slots)
    baseline = window(series.points(row.name, "baseline"), until, seconds, slots)
    low, high = scale(canary, baseline, limit=row.limit)
    title = (
        Line(label(row), "strong")
        .add("   C ", "canary")
        .add(value(row.canary, row.unit), "unknown" if row.canary is None else "canary-strong")
    )
    title.add("  B ", "baseline").add(
        value(row.baseline, row.unit), "unknown" if row.baseline is None else "baseline-strong"
    )
    title.add(f"  {times(row.ratio)}" if row.ratio is not None else "", "text")
    title.add(
        f"  limit {value(row.limit, row.unit)} {UNIT.get(row.unit, row.unit)}" if row.limit is not None else "", "dim"
    )
    title.add(f"  {row.reason}" if row.reason and row.canary is None else "", "unknown")
    lines = [title.cut(width)]
    for letter, values, role in (("C", canary, "canary"), ("B", baseline, "baseline")):
        drawn = (braille if dots else area)(values, low, high, height)
        at = None
        if row.limit is not None and low <= row.limit <= high and height > 1:
            at = len(drawn) - 1 - min(len(drawn) - 1, int((row.limit - low) / (high - low) * len(drawn)))
        for index, text in enumerate(drawn):
            axis = value(high, row.unit) if index == 0 else value(low, row.unit) if index == len(drawn) - 1 else ""
            line = (
                Line()
                .add(axis if len(drawn) > 1 else "", "dim", AXIS, "right")
                .add(f" {letter if index == 0 else ' '}", role)
            )
            if index == at:
                line.add("┄", "limit").extend(_dashed(text, role))
            else:
                line.add(" ").add(text, role)
            lines.append(line.cut(width))
    return lines


def _dashed(text: str, role: str) -> Line:
    """The limit as a dashed line wherever the chart leaves room."""
    line = Line()
    for char in text:
        line.add("┄" if char == " " else char, "limit" if char == " " else role)
    return line


class SliChart(Canvas, can_focus=True):
    """All SLIs of one rollout, in as many rows each as the height allows; scrolls when there are more."""

    SPANS = (300.0, 900.0, 3600.0)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.seconds = 900.0
        self._top = 0

    def draw(self, rows: Sequence[SliRow], series: Series, until: float, above: Sequence[Line] = ()) -> None:
        """``above``: lines before the charts, which scroll with them."""
        width, height = self.inner
        if not rows:
            self.show([Line("no SLI is known for this rollout", "unknown")], Line("SLIs", "title"))
            return
        columns = 2 if width >= 100 and len(rows) > 1 else 1
        room = max(height - len(above) - 1, height // 2)
        each = max(1, min(6, (room * columns // len(rows) - 2) // 2))
        cell = (width - 3 * (columns - 1)) // columns
        plain = self.cockpit.ascii
        charts = [chart(row, series, until, self.seconds, cell, each, plain=plain) for row in rows]
        lines: list[Line] = [*above, Line()] if above else []
        for index in range(0, len(charts), columns):
            group = charts[index : index + columns]
            for row_index in range(max(len(item) for item in group)):
                line = Line()
                for number, item in enumerate(group):
                    line.to(number * (cell + 3))
                    if row_index < len(item):
                        line.extend(item[row_index])
                lines.append(line)
            lines.append(Line())
        self._top = max(0, min(self._top, len(lines) - height))
        title = Line("SLIs · canary over baseline, one scale each", "title")
        right = Line(f"{span(self.seconds)}", "key").add("  · no data", "dim")
        if len(lines) > height:
            right.add(f"  {self._top + 1}-{min(len(lines), self._top + height)} of {len(lines)}", "dim")
        self.show(lines[self._top : self._top + height], title, right)

    def move(self, rows: int) -> None:
        self._top = max(0, self._top + rows)

    def edge(self, *, last: bool) -> None:
        self._top = 10_000 if last else 0  # cut to what there is when drawn

    def cycle_span(self) -> None:
        self.seconds = self.SPANS[(self.SPANS.index(self.seconds) + 1) % len(self.SPANS)]
