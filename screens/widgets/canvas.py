"""Canvas: the base of all our widgets. It is shown lines and repaints the cells that changed, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from screens.draw.glyphs import to_ascii
from screens.draw.line import Line, width_of

if TYPE_CHECKING:
    from screens.app import CockpitApp


class Canvas(Widget):
    """Line-API widget over ``Line`` values, with an optional frame drawn as part of its lines.

    ``frame``: "box" (title in the top border), "rule" (one line with the title above) or "" (bare).
    """

    ALLOW_SELECT: ClassVar[bool] = False
    FOCUS_ON_CLICK = False

    def __init__(self, *, id: str | None = None, frame: str = "", classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.frame = frame
        self.gutter_right = 0  # blank columns at the right, where panes stand side by side without boxes
        self._lines: list[Line] = []
        self._strips: dict[int, Strip] = {}
        self._shown_for: tuple[int, int, str] = (0, 0, "")

    @property
    def cockpit(self) -> CockpitApp:
        return cast("CockpitApp", self.app)

    @property
    def inner(self) -> tuple[int, int]:
        """(columns, rows) inside the frame."""
        width, height = self.size.width - self.gutter_right, self.size.height
        if self.frame == "box":
            return (max(0, width - 4), max(0, height - 2))
        if self.frame == "rule":
            return (max(0, width), max(0, height - 1))
        return (width, height)

    def show(self, lines: Sequence[Line], title: Line | None = None, right: Line | None = None) -> None:
        """Draw ``lines``; ``title`` and ``right`` go into the frame. Cells that are the same are left alone."""
        framed = self._framed(lines, title or Line(), right or Line())
        size = self.size
        mark = (size.width, size.height, self.cockpit.palette.name)
        old, self._lines = self._lines, framed
        if mark != self._shown_for or not old:
            self._shown_for = mark
            self._strips.clear()
            self.refresh()
            return
        regions = []
        for y in range(min(max(len(old), len(framed)), size.height)):
            before = old[y] if y < len(old) else _BLANK
            after = framed[y] if y < len(framed) else _BLANK
            if before == after:
                continue
            self._strips.pop(y, None)
            left, right_edge = _changed(before, after, size.width)
            regions.append(Region(left, y, max(1, right_edge - left), 1))
        if regions:
            self.refresh(*regions)

    def repaint(self) -> None:
        """Forget what is drawn (theme or alphabet changed)."""
        self._strips.clear()
        self._shown_for = (0, 0, "")
        self.refresh()

    # What the movement keys do; a widget that can be moved in overrides them.

    def move(self, rows: int) -> None:
        """Cursor or view by ``rows``."""

    def edge(self, *, last: bool) -> None:
        """To the first or the last row."""

    def page(self) -> int:
        """Rows in half a page."""
        return max(1, self.inner[1] // 2)

    def sideways(self, columns: int) -> None:
        """View by ``columns``."""

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        strip = self._strips.get(y)
        width = self.size.width
        if strip is None or strip.cell_length != width:
            strip = self._strip(self._lines[y] if y < len(self._lines) else _BLANK, width)
            self._strips[y] = strip
        return strip

    def _strip(self, line: Line, width: int) -> Strip:
        palette = self.cockpit.palette
        plain = self.cockpit.ascii
        segments = [
            Segment(to_ascii(text) if plain else text, palette.style(role, line.base)) for text, role in line.parts
        ]
        if line.width < width:
            segments.append(Segment(" " * (width - line.width), palette.style("", line.base)))
        strip = Strip(segments, max(line.width, width))
        return strip.crop(0, width) if line.width > width else strip

    def _framed(self, lines: Sequence[Line], title: Line, right: Line) -> list[Line]:
        width, height = self.size.width - self.gutter_right, self.size.height
        if width <= 0 or height <= 0:
            return []
        edge = "focus" if self.has_focus else "faint"
        if self.frame == "rule":
            room = height - 1
            return [_rule(title, right, width, edge), *(line.cut(width) for line in lines[:room])]
        if self.frame == "box" and width > 4 and height > 1:
            top = Line("┌─ ", edge).extend(_rule(title, right, width - 5, edge, bare=True)).add("─┐", edge)
            body = []
            for row in range(height - 2):
                line = Line("│ ", edge)
                if row < len(lines):
                    line.extend(lines[row].cut(width - 4))
                    line.base = lines[row].base
                body.append(line.to(width - 2).add(" │", edge))
            return [top, *body, Line("└" + "─" * (width - 2) + "┘", edge)]
        return [line.cut(width) for line in lines[:height]]


def _rule(title: Line, right: Line, width: int, edge: str, *, bare: bool = False) -> Line:
    """``── title ─────── right ──``, or plain ``──────`` when there is nothing to say."""
    line = Line()
    if title.width:
        if not bare:
            line.add("── ", edge)
        line.extend(title).add(" ", edge)
    tail = Line()
    if right.width:
        tail.add(" ", edge).extend(right).add(" " + "─" * (0 if bare else 2), edge)
    if line.width + tail.width > width:
        tail = Line()
    line.cut(width)
    return line.add("─" * (width - line.width - tail.width), edge).extend(tail)


def _changed(before: Line, after: Line, width: int) -> tuple[int, int]:
    """The columns [left, right) in which two lines differ."""
    if before.base != after.base:
        return (0, width)
    left = 0
    first = 0
    for old, new in zip(before.parts, after.parts, strict=False):
        if old != new:
            break
        left += width_of(new[0])
        first += 1
    right = max(before.width, after.width)
    if before.width == after.width:
        for old, new in zip(reversed(before.parts[first:]), reversed(after.parts[first:]), strict=False):
            if old != new:
                break
            right -= width_of(new[0])
    return (min(left, width), min(max(right, left + 1), width))


_BLANK = Line()
