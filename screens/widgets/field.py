"""A line of typed text: the state of a prompt or of a dialog's field, and how keys change it."""

from __future__ import annotations

from textual import events

from cockpit.base.text import clean
from screens.draw.line import Line

_LIMIT = 500


class Field:
    """``take`` returns whether it used the key; the owner handles Enter, Esc and Tab."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.at = len(text)

    def set(self, text: str) -> None:
        self.text = clean(text)[:_LIMIT]
        self.at = len(self.text)

    def insert(self, text: str) -> None:
        """Typed or pasted text, cleaned: a paste can carry anything."""
        text = clean(text)[: _LIMIT - len(self.text)]
        self.text = self.text[: self.at] + text + self.text[self.at :]
        self.at += len(text)

    def take(self, event: events.Key) -> bool:
        key = event.key
        if key == "backspace":
            if self.at:
                self.text = self.text[: self.at - 1] + self.text[self.at :]
                self.at -= 1
        elif key == "delete":
            self.text = self.text[: self.at] + self.text[self.at + 1 :]
        elif key == "left":
            self.at = max(0, self.at - 1)
        elif key == "right":
            self.at = min(len(self.text), self.at + 1)
        elif key in {"home", "ctrl+a"}:
            self.at = 0
        elif key in {"end", "ctrl+e"}:
            self.at = len(self.text)
        elif key == "ctrl+u":
            self.text, self.at = self.text[self.at :], 0
        elif key == "ctrl+w":
            head = self.text[: self.at].rstrip()
            cut = head.rfind(" ") + 1
            self.text, self.at = self.text[:cut] + self.text[self.at :], cut
        elif event.character is not None and event.is_printable:
            self.insert(event.character)
        else:
            return False
        return True

    def line(self, width: int, *, focused: bool, ghost: str = "") -> Line:
        """The text with a block cursor, scrolled so that the cursor is in view."""
        start = max(0, self.at - width + 2)
        shown = self.text[start : start + width - 1]
        line = Line()
        if not focused:
            return line.add(shown or ghost, "input" if shown else "dim", width)
        at = self.at - start
        line.add(shown[:at], "input").add(shown[at : at + 1] or " ", "match-current").add(shown[at + 1 :], "input")
        if ghost.startswith(self.text) and self.at == len(self.text):
            line.add(ghost[len(self.text) + 1 :], "dim")
        return line.cut(width).add("", "input").extend(Line(" " * max(0, width - line.width), "input"))
