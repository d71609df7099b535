"""Rows: a list with a cursor that Enter opens; a heading may stay above it."""

from __future__ import annotations

from collections.abc import Sequence

from screens.draw.line import Line
from screens.widgets.canvas import Canvas


class Rows(Canvas, can_focus=True):
    """The cursor stays on its row number when lines change; ``cursor`` counts from 0 below the heading."""

    def __init__(self, *, id: str | None = None, frame: str = "box") -> None:  # noqa: A002
        super().__init__(id=id, frame=frame)
        self._heading: list[Line] = []
        self._rows: list[Line] = []
        self._title = Line()
        self._top = 0
        self._offset = 0
        self.cursor = 0

    def draw(self, rows: Sequence[Line], title: Line, heading: Sequence[Line] = ()) -> None:
        self._rows, self._title, self._heading = list(rows), title, list(heading)
        self._paint()

    @property
    def text(self) -> str:
        """All rows as plain text."""
        return "\n".join(line.text for line in (*self._heading, *self._rows))

    def move(self, rows: int) -> None:
        self.cursor += rows
        self._paint()

    def edge(self, *, last: bool) -> None:
        self.cursor = len(self._rows) - 1 if last else 0
        self._paint()

    def sideways(self, columns: int) -> None:
        self._offset = max(0, self._offset + 8 * columns)
        self._paint()

    def look_for(self, text: str, step: int = 1, *, stay: bool = False) -> bool:
        """To the next row that holds ``text`` (this one too with ``stay``); round at the ends."""
        count = len(self._rows)
        wanted = text.casefold()
        for far in range(0 if stay else 1, count + 1):
            at = (self.cursor + far * step) % count
            if wanted in self._rows[at].text.casefold():
                self.cursor = at
                self._paint()
                return True
        return False

    def _paint(self) -> None:
        width, height = self.inner
        room = height - len(self._heading)
        self.cursor = max(0, min(self.cursor, len(self._rows) - 1))
        if width < 4 or room < 1:
            return
        self._top = max(0, min(max(self._top, self.cursor - room + 1), self.cursor, len(self._rows) - 1))
        shown = []
        for index, line in enumerate(self._rows[self._top : self._top + room], self._top):
            chosen = index == self.cursor
            body = Line().extend(line)
            body = body.shift(self._offset) if self._offset else body
            whole = Line("▌" if chosen else " ", "cursor-mark", base="cursor" if chosen else line.base)
            shown.append(whole.extend(body).cut(width))
        right = Line()
        if len(self._rows) > room:
            right.add(f"{self.cursor + 1} of {len(self._rows)}", "dim")
        self.show([*(Line(" ").extend(line).cut(width) for line in self._heading), *shown], self._title, right)

    def on_resize(self) -> None:
        self._paint()
