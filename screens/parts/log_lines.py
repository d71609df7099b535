"""One log line as one or more lines of a pane."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from cockpit.model.log import LogLine
from screens.draw.format import clock
from screens.draw.line import Line, width_of

Stamp = Literal["short", "full", "none"]
_LEVEL_ROLE = {"error": "bad", "warn": "warn", "info": "dim", "debug": "faint", "": "dim"}
_TEXT_ROLE = {"error": "strong", "warn": "text", "info": "text", "debug": "dim", "": "text"}


class LogStyle(NamedTuple):
    """How a pane draws its lines."""

    width: int
    wrap: bool = False
    stamp: Stamp = "short"
    offset: int = 0
    find: re.Pattern[str] | None = None
    many: bool = False  # lines of several containers are in view: name them


def log_lines(line: LogLine, style: LogStyle, *, current: bool = False) -> list[Line]:
    """``40.112 zl4 ERROR text``; wrapped or cut to the pane. ``current`` marks the match the eye is on."""
    if line.note:
        return [
            Line(f"── {line.text} ", "info")
            .add("─" * max(0, style.width - width_of(line.text) - 4), "faint")
            .cut(style.width)
        ]
    head = Line()
    if style.stamp != "none":
        head.add(f"{_stamp(line.at, style.stamp)} ", "dim")
    head.add(short_pod(line.pod), "info").add(" ")
    if style.many:
        head.add(f"{line.container[:10]} ", "dim")
    if line.previous:
        head.add("prev ", "warn")
    level = line.level.upper()
    head.add(level[:1] if style.width < 60 else level, _LEVEL_ROLE[line.level], 1 if style.width < 60 else 5).add(" ")
    text = _without_level(line.text, level)
    room = style.width - head.width
    role = _TEXT_ROLE[line.level]
    if not style.wrap or room < 10:
        shown = text[style.offset : style.offset + 2 * style.width]
        if style.offset:
            head.add("‹", "dim")
        cut = head.extend(_marked(shown, role, style.find, current=current)).cut(style.width)
        return [cut]
    lines: list[Line] = []
    for start in range(0, max(1, len(text)), room):
        piece = _marked(text[start : start + room], role, style.find, current=current)
        lead = head if start == 0 else Line(" " * (style.width - room))
        lines.append(lead.extend(piece).cut(style.width))
    return lines


def _without_level(text: str, level: str) -> str:
    """``text`` without the level it begins with: the pane has a column for it."""
    word, _, rest = text.lstrip().partition(" ")
    bare = word.strip("[]:").upper()
    return rest.lstrip() if level and rest and bare in {level, f"{level}ING", f"{level}RMATION"} else text


def short_pod(name: str) -> str:
    """The part of a pod's name that tells it from its siblings."""
    return name.rpartition("-")[2][-5:] or name[-5:]


def _stamp(at: float | None, stamp: Stamp) -> str:
    if at is None:
        return "  ?   " if stamp == "short" else "     ?      "
    millis = f"{int(at * 1000) % 1000:03d}"
    return f"{int(at) % 60:02d}.{millis}" if stamp == "short" else f"{clock(at)}.{millis}"


def _marked(text: str, role: str, find: re.Pattern[str] | None, *, current: bool) -> Line:
    line = Line()
    if find is None:
        return line.add(text, role)
    at = 0
    for match in find.finditer(text):
        if match.end() == match.start():
            continue
        line.add(text[at : match.start()], role).add(match.group(), "match-current" if current else "match")
        at = match.end()
    return line.add(text[at:], role)
