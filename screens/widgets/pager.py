"""Pager: a page of lines that scrolls, wraps and finds."""

from __future__ import annotations

import re
from collections.abc import Sequence

from screens.draw.line import Line, wrapped
from screens.widgets.canvas import Canvas


class Pager(Canvas, can_focus=True):
    """Keeps its place when the lines change under it."""

    def __init__(self, *, id: str | None = None, frame: str = "box") -> None:  # noqa: A002
        super().__init__(id=id, frame=frame)
        self.wrap_lines = False
        self._page: list[Line] = []
        self._title = Line()
        self._top = 0
        self._offset = 0
        self._find: re.Pattern[str] | None = None
        self._match = -1

    def draw(self, page: Sequence[Line], title: Line) -> None:
        self._page, self._title = list(page), title
        self._paint()

    @property
    def text(self) -> str:
        """The whole page as plain text."""
        return "\n".join(line.text for line in self._page)

    def move(self, rows: int) -> None:
        self._top += rows
        self._paint()

    def edge(self, *, last: bool) -> None:
        self._top = len(self._page) if last else 0
        self._paint()

    def sideways(self, columns: int) -> None:
        self._offset = max(0, self._offset + 8 * columns)
        self._paint()

    def toggle_wrap(self) -> None:
        self.wrap_lines = not self.wrap_lines
        self._paint()

    def look_for(self, pattern: re.Pattern[str] | None) -> int:
        """Count the lines that match and go to the first."""
        self._find, self._match = pattern, -1
        hits = self._hits()
        if hits:
            self._jump(hits[0])
        self._paint()
        return len(hits)

    def next_match(self, step: int) -> bool:
        hits = self._hits()
        if not hits:
            return False
        later = [hit for hit in (hits if step > 0 else reversed(hits)) if (hit - self._match) * step > 0]
        self._jump(later[0] if later else hits[0 if step > 0 else -1])
        self._paint()
        return True

    def _hits(self) -> list[int]:
        if self._find is None:
            return []
        return [index for index, line in enumerate(self._rows()) if self._find.search(line.text)]

    def _jump(self, row: int) -> None:
        self._match = row
        self._top = max(0, row - self.inner[1] // 3)

    def _rows(self) -> list[Line]:
        if not self.wrap_lines:
            return self._page
        width = self.inner[0]
        rows: list[Line] = []
        for line in self._page:
            role = line.parts[0][1] if line.parts else ""
            rows += [line] if line.width <= width else wrapped(line.text, width, role)
        return rows

    def _paint(self) -> None:
        width, height = self.inner
        if width < 4 or height < 1:
            return
        rows = self._rows()
        self._top = max(0, min(self._top, len(rows) - height))
        shown = []
        for index, line in enumerate(rows[self._top : self._top + height], self._top):
            copy = Line(base="cursor" if index == self._match else line.base).extend(line)
            shown.append(copy.shift(self._offset) if self._offset else copy)
        right = Line()
        if len(rows) > height:
            right.add(f"{self._top + 1}-{min(len(rows), self._top + height)} of {len(rows)}", "dim")
        self.show(shown, self._title, right)

    def on_resize(self) -> None:
        self._paint()
