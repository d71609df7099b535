"""Help from the live bindings: what each key does on the screen it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.draw import glyphs
from screens.draw.line import Line
from screens.keys import GROUPS, SPECS, keys_of
from screens.widgets.log_ring import LogRing

if TYPE_CHECKING:
    from screens.app import CockpitApp
    from screens.view import View

_SYMBOLS = {
    "question_mark": "?", "colon": ":", "slash": "/", "minus": "-", "greater_than_sign": ">",
    "left_square_bracket": "[", "right_square_bracket": "]",
    "escape": "Esc", "enter": "Enter", "tab": "Tab", "shift+tab": "shift+Tab",
}  # fmt: skip


def help_page(app: CockpitApp, view: View | None) -> list[Line]:
    """Keys in force on ``view``, grouped; then those of the log panes; rules of the house last."""
    live: dict[str, list[str]] = {}
    for key, active in (view.active_bindings if view is not None else app.active_bindings).items():
        if active.binding.id is not None:
            live.setdefault(active.binding.id, []).append(_SYMBOLS.get(key, key))
    in_logs = view is not None and bool(view.query(LogRing))
    lines = [
        Line("Lower case and ctrl never change a cluster. Capitals and > do, and always ask.", "strong"),
        Line("Enter never confirms. y sends; where the name must be typed, ctrl+s sends.", "text"),
    ]
    for title, ids in GROUPS:
        rows = []
        for name in ids:
            keys = " ".join(live[name]) if name in live else ""
            if not keys and in_logs and name.startswith("log."):
                keys = keys_of(name, app.keys_in_force)
            if keys:
                rows.append(
                    Line("  ").add(keys, "key", 18).add(" ").add(SPECS[name].text, "text", 58).add(f" {name}", "dim")
                )
        if rows:
            note = " (while a log pane has the focus)" if title == "Logs" else ""
            lines += [Line(), Line(title, "title").add(note, "dim"), *rows]
    lines += [Line(), Line("Signs", "title"), *_signs()]
    rebind = 'Keys are rebound in the config: [keys] "act.abort" = "X" (the id stands at the right)'
    return [*lines, Line(), Line(rebind, "dim")]


_SIGNS = (
    ((glyphs.BAD, "bad", "failing"), (glyphs.OUTAGE, "bad", "outage: both arms"), ("?", "unknown", "blind")),
    ((glyphs.WARN, "warn", "watch"), (glyphs.PAUSED, "paused", "paused"), (glyphs.MOVING, "info", "moving")),
    ((glyphs.OK, "ok", "healthy"), ("C", "canary-strong", "canary"), ("B", "baseline-strong", "baseline")),
    (("?", "unknown", "not known"), ("—", "dim", "does not exist"), ("·", "dim", "no data in a chart")),
)  # fmt: skip


def _signs() -> list[Line]:
    lines = []
    for row in _SIGNS:
        line = Line()
        for number, (sign, role, text) in enumerate(row):
            line.to(2 + number * 25).add(sign, role).add(f" {text}", "text")
        lines.append(line)
    return lines
