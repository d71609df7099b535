"""Glyphs, and the ASCII alphabet they fall back to on terminals that cannot draw them."""

from __future__ import annotations

BAD = "✖"
WARN = "▲"
PAUSED = "‖"
MOVING = "◌"
OK = "✔"
UNKNOWN = "?"
OUTAGE = "◆"
CURRENT = "◉"
TODO = "○"
CURSOR = "▌"
MARK = "+"
LIVE = "●"
RESTART = "↻"
BACK = "↺"

BLOCKS = " ▁▂▃▄▅▆▇█"
GAP = "·"

_ASCII = {
    "✖": "x", "▲": "!", "‖": "=", "◌": "o", "✔": "*", "◆": "#", "◉": "@", "○": ".", "▌": ">", "●": "o", "↻": "~",
    "↺": "<", "·": ".", "—": "-", "–": "-", "…": "~", "×": "x", "→": ">", "←": "<", "↑": "^", "↓": "v", "▼": "v",
    "∞": "&", "≤": "<", "≥": ">", "≠": "!", "│": "|", "─": "-", "┌": "+", "┐": "+", "└": "+", "┘": "+", "├": "+",
    "┤": "+", "┬": "+", "┴": "+", "┼": "+", "▕": "[", "▏": "]", "█": "#", "░": ".", "▁": "_", "▂": ".", "▃": ":",
    "▄": "-", "▅": "=", "▆": "+", "▇": "*", "›": ">", "Δ": "d", "α": "a", "⧉": "R", "□": "p", "⟳": "@", "⏎": "J",
    "“": '"', "”": '"', "’": "'", "‘": "'", "²": "2",
}  # fmt: skip

_TABLE = {ord(glyph): plain for glyph, plain in _ASCII.items()}


def to_ascii(text: str) -> str:
    """``text`` with every character one that any terminal draws, one for one; what has no twin becomes ``?``."""
    if text.isascii():
        return text
    return "".join(char if char < "\x7f" else "?" for char in text.translate(_TABLE))
