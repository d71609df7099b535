"""LogRing: one arm's merged log in a bounded ring; follow and pause, wrap, time, errors only, find."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal

from textual.message import Message

from cockpit.model.log import LogLine
from cockpit.model.rollout import Role
from cockpit.ports import LogFeed
from screens.draw.line import Line
from screens.parts.log_lines import LogStyle, Stamp, log_lines
from screens.widgets.canvas import Canvas
from screens.widgets.log_store import LINES, LogStore

_CACHE = 2_000
_PULL = 4_000
_STAMPS: tuple[Stamp, ...] = ("short", "full", "none")


class LogRing(Canvas, can_focus=True):
    """Pulls what is new on each frame; draws only the rows in view. Any upward move pauses following."""

    class Scrolled(Message):
        """The pane was moved by hand; ``at`` is the stamp of its lowest line."""

        def __init__(self, pane: LogRing, at: float | None) -> None:
            super().__init__()
            self.pane = pane
            self.at = at

    def __init__(self, role: Role, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.role: Role = role
        self.since = "tail"
        self.follow = True
        self.wrap_lines = False
        self.stamp: Stamp = "short"
        self.find: re.Pattern[str] | None = None
        self._open: Callable[[], LogFeed] | None = None
        self._feed: LogFeed | None = None
        self._label = ""
        self.store = LogStore()
        self._bottom = 0  # seq of the lowest line shown while paused
        self._new = 0  # lines that arrived while paused
        self._match: int | None = None
        self._offset = 0
        self._cache: OrderedDict[int, list[Line]] = OrderedDict()
        self._cache_for: LogStyle | None = None

    def attach(self, opener: Callable[[], LogFeed], label: str) -> None:
        """Read from the feed that ``opener`` gives; again after the window of time changed."""
        self._open, self._label = opener, label
        self.reset()

    def reset(self) -> None:
        """Forget what is shown and read the feed anew."""
        self._feed = self._open() if self._open else None
        self.store.clear()
        self._new = 0
        self._match = None
        self.follow = True
        self._cache.clear()

    def relabel(self, label: str) -> None:
        self._label = label

    def draw(self) -> None:
        """Pull what is new and paint it."""
        self._pull()
        self._paint()

    @property
    def shown(self) -> Sequence[LogLine]:
        """The lines that pass the pane's switches, oldest first."""
        return self.store.view

    @property
    def kept(self) -> int:
        return len(self.store)

    def _pull(self) -> None:
        feed, store = self._feed, self.store
        if feed is not None and feed.newest < store.last_seq:  # the feed began anew
            self.reset()
            feed = self._feed
        if feed is None or feed.newest == store.last_seq:
            return
        passed = store.add(feed.after(store.last_seq, LINES if store.last_seq == 0 else _PULL), feed.newest)
        if not self.follow:
            self._new += passed

    # -- switches, one per key ---------------------------------------------------------------------

    def toggle(self, switch: Literal["follow", "wrap", "stamp", "errors", "previous"]) -> None:
        if switch == "follow":
            self._pause() if self.follow else self._resume()
        elif switch == "wrap":
            self.wrap_lines = not self.wrap_lines
        elif switch == "stamp":
            self.stamp = _STAMPS[(_STAMPS.index(self.stamp) + 1) % len(_STAMPS)]
        else:
            name = "errors_only" if switch == "errors" else "previous_only"
            setattr(self.store, name, not getattr(self.store, name))
            self.store.refilter()
            self._match = None
        self._paint()

    def cycle_container(self) -> None:
        self.store.cycle_container()
        self._match = None
        self._paint()

    def move(self, rows: int) -> None:
        """Negative is back in time, and pauses."""
        if not self.store.view:
            return
        if rows < 0:
            self._pause()
        if self.follow:
            return
        at = self._index() + rows
        if at >= len(self.store.view) - 1:
            self._resume()
        else:
            self._bottom = self.store.view[max(at, min(self.inner[1], len(self.store.view)) - 1)].seq
        self._paint()
        self.post_message(self.Scrolled(self, self.stamp_at_bottom()))

    def edge(self, *, last: bool) -> None:
        if last:
            self._resume()
            self._paint()
            self.post_message(self.Scrolled(self, None))
        else:
            self.move(-len(self.store.view))

    def sideways(self, columns: int) -> None:
        self._offset = max(0, self._offset + 8 * columns)
        self._paint()

    def seek(self, at: float | None) -> None:
        """Show the lines up to a stamp; None follows. For panes that are locked by time."""
        if at is None:
            self._resume()
        elif self.store.view:
            self._pause()
            self._bottom = self.store.view[self.store.index_at(at)].seq
        self._paint()

    def look_for(self, pattern: re.Pattern[str] | None) -> int:
        """Highlight and count the matches; the newest becomes the current one."""
        self.find, self._match = pattern, None
        hits = self.store.hits(self.find)
        if hits:
            self._jump(hits[-1])
        self._paint()
        return len(hits)

    def next_match(self, step: int) -> bool:
        """To the match after (+1) or before (-1) the current one, around the ends."""
        hits = self.store.hits(self.find)
        if not hits:
            return False
        if self._match not in hits:
            self._jump(hits[-1])
        else:
            self._jump(hits[(hits.index(self._match) + step) % len(hits)])
        self._paint()
        return True

    def _jump(self, seq: int) -> None:
        self._match = seq
        self._pause()
        index = self.store.index(seq)
        self._bottom = self.store.view[min(len(self.store.view) - 1, index + self.inner[1] // 3)].seq
        self._cache.pop(seq, None)

    def _pause(self) -> None:
        if self.follow and self.store.view:
            self.follow = False
            self._bottom = self.store.view[-1].seq
            self._new = 0

    def _resume(self) -> None:
        self.follow, self._new = True, 0

    def _index(self) -> int:
        if self.follow:
            return len(self.store.view) - 1
        return min(self.store.index(self._bottom), len(self.store.view) - 1)

    def stamp_at_bottom(self) -> float | None:
        """The stamp of the lowest line shown; None while following."""
        return None if self.follow or not self.store.view else self.store.view[self._index()].at

    # -- drawing -----------------------------------------------------------------------------------

    def visible_text(self) -> str:
        """What the pane shows, unwrapped: for copying."""
        rows = self.inner[1]
        last = self._index() + 1
        return "\n".join(line.text for line in self.store.view[max(0, last - rows) : last])

    def _paint(self) -> None:
        width, rows = self.inner
        if width < 4 or rows < 1:
            return
        style = LogStyle(width, self.wrap_lines, self.stamp, self._offset, self.find, len(self.store.containers) > 1)
        if style != self._cache_for:
            self._cache.clear()
            self._cache_for = style
        lines: list[Line] = []
        at = self._index()
        while at >= 0 and len(lines) < rows:
            lines[:0] = self._drawn(self.store.view[at], style)
            at -= 1
        lines = lines[-rows:]
        if not self.store.view:
            status = self._feed.status if self._feed else ""
            lines = [Line(status or "no lines yet", "dim")]
        self.show(lines, *self._titles(width))

    def _drawn(self, line: LogLine, style: LogStyle) -> list[Line]:
        if line.seq == self._match:
            return log_lines(line, style, current=True)
        drawn = self._cache.get(line.seq)
        if drawn is None:
            drawn = log_lines(line, style)
            self._cache[line.seq] = drawn
            if len(self._cache) > _CACHE:
                self._cache.popitem(last=False)
        return drawn

    def _titles(self, width: int) -> tuple[Line, Line]:
        feed = self._feed
        title = Line(self._label, f"{self.role}-strong")
        if feed is not None:
            if feed.rate is not None:
                title.add(f" · {feed.rate:.0f}/s", "text")
            if feed.errors_per_minute is not None:
                title.add(" · ", "dim").add(
                    f"err {feed.errors_per_minute:.0f}/min", "bad" if feed.errors_per_minute else "dim"
                )
            if feed.status and self.store.view:
                title.add(f" · {feed.status}", "warn")
        dropped = self.store.missed + (feed.dropped if feed else 0)
        right = Line()
        for on, text, role in (
            (self.store.errors_only, "errors", "warn"),
            (self.store.previous_only, "previous", "warn"),
            (self.store.container is not None, self.store.container or "", "info"),
            (self.since != "tail", self.since, "info"),
            (self.wrap_lines, "wrap", "dim"),
            (dropped > 0, f"dropped {dropped}", "warn"),
        ):
            if on:
                right.add(text, role).add(" ")
        if self.follow:
            right.add("▼ follow" if width >= 50 else "▼", "ok")
        else:
            right.add(f"‖ paused +{self._new}" if self._new else "‖ paused", "warn")
        if title.width + right.width + 6 > width:
            title = title.cut(max(8, width - right.width - 6))
        return title, right

    def on_resize(self) -> None:
        self._paint()

    def on_focus(self) -> None:
        self._paint()

    def on_blur(self) -> None:
        self._paint()
