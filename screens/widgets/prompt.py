"""Prompt: the one-line command and filter entry at the foot of a screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.message import Message

from screens.draw.line import Line
from screens.widgets.canvas import Canvas
from screens.widgets.field import Field


class Prompt(Canvas, can_focus=True):
    """While it has the focus it takes every key, so that no letter of a typed word acts."""

    class Changed(Message):
        def __init__(self, sign: str, text: str) -> None:
            super().__init__()
            self.sign = sign
            self.text = text

    class Closed(Message):
        """``text`` is None when it was given up."""

        def __init__(self, sign: str, text: str | None) -> None:
            super().__init__()
            self.sign = sign
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.sign = ":"
        self.field = Field()
        self._complete: Callable[[str], Sequence[str]] | None = None
        self.display = False

    def open(self, sign: str, text: str = "", complete: Callable[[str], Sequence[str]] | None = None) -> None:
        """Show it with ``sign`` (``:`` or ``/``) and take the keys."""
        self.sign, self._complete = sign, complete
        self.field.set(text)
        self.display = True
        self.screen.set_focus(self)  # at once: the next key is for it
        self._paint()

    def close(self, text: str | None) -> None:
        self.display = False
        self.post_message(self.Closed(self.sign, text))

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if not self.display:
            return  # typed on after it was closed
        if event.key == "escape":
            self.close(None)
            return
        if event.key == "enter":
            self.close(self.field.text)
            return
        if event.key == "tab" and (found := self._ghost()):
            self.field.set(found)
        elif event.key == "backspace" and not self.field.text:
            self.close(None)
            return
        elif not self.field.take(event):
            return
        self._paint()
        self.post_message(self.Changed(self.sign, self.field.text))

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self.field.insert(event.text)
        self._paint()
        self.post_message(self.Changed(self.sign, self.field.text))

    def _ghost(self) -> str:
        if self._complete is None or not self.field.text:
            return ""
        found = self._complete(self.field.text)
        return found[0] if found else ""

    def _paint(self) -> None:
        width = self.size.width
        line = Line(f" {self.sign}", "key")
        hint = Line("⏎ does it  Tab completes  Esc gives up " if self._complete else "⏎ keeps it  Esc gives up ", "dim")
        room = max(10, width - line.width - hint.width - 1)
        line.extend(self.field.line(room, focused=True, ghost=self._ghost()))
        self.show([line.with_right(hint, width)])

    def on_resize(self) -> None:
        self._paint()
