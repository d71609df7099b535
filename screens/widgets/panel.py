"""Panel: a framed part of a screen that can have the focus and scroll."""

from __future__ import annotations

from screens.draw.line import Line
from screens.widgets.canvas import Canvas


class Panel(Canvas, can_focus=True):
    """A framed part of the screen that can be full screen; scrolls when its page is longer."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, frame="box")
        self._page: list[Line] = []
        self._titles = (Line(), Line())
        self._top = 0

    def draw(self, page: list[Line], title: Line, right: Line | None = None) -> None:
        self._page, self._titles = page, (title, right or Line())
        self._paint()

    def move(self, rows: int) -> None:
        self._top += rows
        self._paint()

    def edge(self, *, last: bool) -> None:
        self._top = len(self._page) if last else 0
        self._paint()

    def _paint(self) -> None:
        rows = self.inner[1]
        self._top = max(0, min(self._top, len(self._page) - rows))
        self.show(self._page[self._top : self._top + rows], *self._titles)

    def on_focus(self) -> None:
        self._paint()

    def on_blur(self) -> None:
        self._paint()
