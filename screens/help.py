"""Help from the live bindings: what each key does on the screen it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from screens.draw import glyphs
from screens.draw.line import Line, wrapped
from screens.keys import GROUPS, SPECS, keys_of
from screens.parts.drift import MARK
from screens.widgets.log_ring import LogRing

if TYPE_CHECKING:
    from screens.app import CockpitApp
    from screens.view import View

_SYMBOLS = {
    "question_mark": "?", "colon": ":", "slash": "/", "minus": "-", "greater_than_sign": ">",
    "left_square_bracket": "[", "right_square_bracket": "]",
    "escape": "Esc", "enter": "Enter", "tab": "Tab", "shift+tab": "shift+Tab",
}  # fmt: skip


_WIDE = 100
_SIGN = 25


def keys_in_place(app: CockpitApp, view: View | None) -> dict[str, str]:
    """Binding id -> its keys, of those in force on ``view`` and of its log panes."""
    live: dict[str, list[str]] = {}
    for key, active in (view.active_bindings if view is not None else app.active_bindings).items():
        if active.binding.id is not None:
            live.setdefault(active.binding.id, []).append(_SYMBOLS.get(key, key))
    found = {name: " ".join(keys) for name, keys in live.items()}
    if view is not None and view.query(LogRing):
        logs = (name for name in SPECS if name.startswith("log.") and name not in found)
        found |= {name: keys_of(name, app.keys_in_force) for name in logs}
    return found


def help_page(keys: Mapping[str, str], width: int) -> list[Line]:
    """``keys`` grouped; rules of the house first. Ids, by which keys are rebound, are told where there is room."""
    wide = width >= _WIDE
    lines = [
        *wrapped("Lower case and ctrl never change a cluster. Capitals and > do, and always ask.", width, "strong"),
        *wrapped("Enter never confirms. y sends; where the name must be typed, ctrl+s sends.", width, "text"),
    ]
    for title, ids in GROUPS:
        rows = []
        for name in (name for name in ids if name in keys):
            row = Line("  ").add(keys[name], "key", 18).add(" ")
            parts = wrapped(SPECS[name].text, 58 if wide else max(20, width - 22), "text")
            rows.append(row.extend(parts[0]).to(79).add(f" {name}", "dim") if wide else row.extend(parts[0]))
            rows += [Line().to(21).extend(part) for part in parts[1:]]
        if rows:
            note = " (while a log pane has the focus)" if title == "Logs" else ""
            lines += [Line(), Line(title, "title").add(note, "dim"), *rows]
    lines += [Line(), Line("Signs", "title"), *_signs(width)]
    where = "the id stands at the right" if wide else "a wider terminal shows the ids"
    rebind = f'Keys are rebound in the config: [keys] "act.abort" = "X" ({where})'
    return [*lines, Line(), *wrapped(rebind, max(20, width - 1), "dim")]


_SIGNS = (
    ((glyphs.BAD, "bad", "failing"), (glyphs.OUTAGE, "bad", "outage: both arms"), ("?", "unknown", "blind")),
    ((glyphs.WARN, "warn", "watch"), (glyphs.PAUSED, "paused", "paused"), (glyphs.MOVING, "info", "moving")),
    ((glyphs.OK, "ok", "healthy"), ("C", "canary-strong", "canary"), ("B", "baseline-strong", "baseline")),
    (("?", "unknown", "not known"), ("—", "dim", "does not exist"), ("·", "dim", "no data in a chart")),
    ((MARK, "bad", "drift"), (glyphs.BACK, "strong", "on its way back"), (glyphs.LIVE, "key", "another seat's act")),
)  # fmt: skip


def _signs(width: int) -> list[Line]:
    beside = 3 if width >= 3 * _SIGN else 2
    signs = [sign for row in _SIGNS for sign in row]
    lines = []
    for first in range(0, len(signs), beside):
        line = Line()
        for number, (sign, role, text) in enumerate(signs[first : first + beside]):
            line.to(2 + number * _SIGN).add(sign, role).add(f" {text}", "text")
        lines.append(line)
    return lines
