"""One line of a screen: pieces of text, each with a role of the theme; the border that cluster text crosses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from rich.cells import cell_len, set_cell_size

from cockpit.base.text import clean

Align = Literal["left", "right"]


def width_of(text: str) -> int:
    """Terminal cells that ``text`` takes."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, width: int, align: Align = "left") -> str:
    """``text`` in exactly ``width`` cells; what does not fit ends in an ellipsis."""
    if width <= 0:
        return ""
    have = width_of(text)
    if have > width:
        return set_cell_size(text, width - 1) + "…"
    pad = " " * (width - have)
    return pad + text if align == "right" else text + pad


class Line:
    """Text with roles, built from left to right. Every piece is cleaned on entry, so a line is always safe to draw.

    ``base`` is a role laid under the whole line, padding included (the cursor row, stale rows).
    """

    __slots__ = ("base", "parts", "width")

    def __init__(self, text: str = "", role: str = "", *, base: str = "") -> None:
        self.parts: list[tuple[str, str]] = []
        self.width = 0
        self.base = base
        if text:
            self.add(text, role)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Line) and self.base == other.base and self.parts == other.parts

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Line({self.text!r})"

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.parts)

    def add(self, text: str, role: str = "", width: int | None = None, align: Align = "left") -> Self:
        """Append ``text``; with ``width`` it takes exactly that many cells."""
        text = clean(text)
        if width is not None:
            text = fit(text, width, align)
        if text:
            self.parts.append((text, role))
            self.width += width_of(text)
        return self

    def extend(self, other: Line) -> Self:
        self.parts.extend(other.parts)
        self.width += other.width
        return self

    def to(self, column: int) -> Self:
        """Pad with blanks up to ``column``."""
        if column > self.width:
            self.add(" " * (column - self.width))
        return self

    def cut(self, width: int) -> Self:
        """At most ``width`` cells; what does not fit ends in an ellipsis."""
        if self.width <= width:
            return self
        kept: list[tuple[str, str]] = []
        left = width
        for text, role in self.parts:
            size = width_of(text)
            if size < left:
                kept.append((text, role))
                left -= size
                continue
            kept.append((fit(text + " ", left), role) if left > 0 else ("", role))
            break
        self.parts = [part for part in kept if part[0]]
        self.width = sum(width_of(text) for text, _ in self.parts)
        return self

    def shift(self, columns: int) -> Self:
        """Drop the first ``columns`` cells: sideways scrolling."""
        while columns > 0 and self.parts:
            text, role = self.parts[0]
            size = width_of(text)
            if size <= columns:
                self.parts.pop(0)
                self.width -= size
                columns -= size
                continue
            drop = columns if text.isascii() else _chars_for(text, columns)
            rest = text[drop:]
            self.width -= size - width_of(rest)
            self.parts[0] = (rest, role)
            break
        return self

    def with_right(self, right: Line, width: int) -> Self:
        """``self`` at the left and ``right`` at the right of ``width`` cells; the left gives way."""
        room = width - right.width
        if room < 8:  # nothing sensible fits beside it: the left alone
            return self.cut(width)
        return self.cut(room - 1).to(room).extend(right)

    def then(self, right: Line, width: int) -> Self:
        """Like ``with_right``, but the right gives way."""
        room = width - self.width - 2
        if room < 6:
            return self.cut(width)
        right.cut(room)
        return self.to(width - right.width).extend(right)

    def roles(self, role: str) -> Self:
        """The same text, all of it in one role."""
        self.parts = [(text, role) for text, _ in self.parts]
        return self


def joined(lines: Iterable[Line], separator: str = "", role: str = "") -> Line:
    """All ``lines`` in one, with ``separator`` between."""
    result = Line()
    for index, line in enumerate(lines):
        if index and separator:
            result.add(separator, role)
        result.extend(line)
    return result


def wrapped(text: str, width: int, role: str = "") -> list[Line]:
    """``text`` broken at blanks into lines of at most ``width`` cells; longer words are broken anywhere."""
    lines: list[Line] = []
    current = ""
    for whole in clean(text).split(" "):
        at = 0  # a piece at a time from here on: measuring the whole rest for each would take quadratic time
        while (count := _chars_for(whole, width, at)) < len(whole) - at:
            if current:
                lines.append(Line(current, role))
                current = ""
            count = max(1, count)
            lines.append(Line(whole[at : at + count], role))
            at += count
        word = whole[at:]
        candidate = f"{current} {word}" if current else word
        if width_of(candidate) > width:
            lines.append(Line(current, role))
            current = word
        else:
            current = candidate
    if current or not lines:
        lines.append(Line(current, role))
    return lines


def _chars_for(text: str, cells: int, start: int = 0) -> int:
    """How many characters of ``text`` from ``start`` on fit into ``cells``."""
    used = 0
    for index in range(start, len(text)):
        used += width_of(text[index])
        if used > cells:
            return index - start
    return len(text) - start
