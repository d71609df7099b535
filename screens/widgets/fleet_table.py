"""FleetTable: rollouts by urgency, keyed rows, a cursor that stays on its rollout while everything else moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textual.message import Message

from cockpit.model.resource import Key
from cockpit.model.snapshot import Snapshot
from screens.draw.format import coarse
from screens.draw.line import Line
from screens.parts.fleet_order import SORTS, Filter, Sort, ordered
from screens.parts.fleet_rows import Column, columns, heading, name_width, row
from screens.parts.header import stale
from screens.widgets.canvas import Canvas

HOLD_SECONDS = 20.0
"""For so long after the cursor moved the order of the rows is left alone."""
HOME_SECONDS = 3.0
"""For so long after the first whole picture a cursor that nobody moved stays on the worst row."""


class FleetTable(Canvas, can_focus=True):
    """Virtual: only the rows in view are drawn. ``clock`` is wall time, for holding the order."""

    class Moved(Message):
        """The cursor stands on another rollout."""

        def __init__(self, key: Key | None) -> None:
            super().__init__()
            self.key = key

    def __init__(self, clock: Callable[[], float], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._clock = clock
        self._order: list[Key] = []
        self._cursor: Key | None = None
        self._top = 0
        self._offset = 0
        self._held_until = 0.0
        self._touched = False
        self._homed_until: float | None = None
        self._outdated = False
        self._marks: set[Key] = set()
        self._snapshot: Snapshot | None = None
        self._now = 0.0
        self._settings: tuple[Any, ...] = ()
        self.filter: Filter | None = None
        self.sort: Sort = "urgency"
        self.everything = False
        self.wide = False

    @property
    def cursor(self) -> Key | None:
        """The rollout the cursor stands on."""
        return self._cursor

    @property
    def order(self) -> Sequence[Key]:
        """The rows from the top."""
        return self._order

    @property
    def held(self) -> float:
        """Seconds for which the order still stands still."""
        return max(0.0, self._held_until - self._clock())

    def draw(self, snapshot: Snapshot, now: float) -> None:
        """Take a new picture; re-order unless the order is held."""
        before = self._snapshot
        self._snapshot, self._now = snapshot, now
        settings = (self.filter, self.sort, self.everything)
        if snapshot is not before or settings != self._settings or (self._outdated and not self.held):
            same = settings == self._settings
            self._arrange(snapshot, resort=not self.held or not same, keep=same)
        self._settings = settings
        self._paint()

    def cycle_sort(self) -> None:
        """Next order; while the order is held and old, only sort anew."""
        if not (self.held and self._outdated):
            self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
        self._held_until = 0.0
        self._again()

    def toggle_mark(self) -> None:
        """Marked rows stay on top."""
        if self._cursor is not None:
            self._marks ^= {self._cursor}
            self._again()

    def move(self, rows: int) -> None:
        """Move the cursor by ``rows`` and hold the order."""
        if not self._order:
            return
        at = self._order.index(self._cursor) if self._cursor in self._order else 0
        self._put(min(max(at + rows, 0), len(self._order) - 1))

    def edge(self, *, last: bool) -> None:
        if self._order:
            self._put(len(self._order) - 1 if last else 0)

    def page(self) -> int:
        return max(1, (self.size.height - 1) // 2)

    def sideways(self, columns_: int) -> None:
        self._offset = max(0, self._offset + columns_)
        self._paint()

    def select(self, key: Key) -> None:
        """Put the cursor on a rollout, showing it even when the view would hide it."""
        self._touched = True
        self._cursor = key
        if key not in self._order:
            self._order.insert(0, key)
        self._paint()

    def _put(self, index: int) -> None:
        self._touched = True
        self._held_until = self._clock() + HOLD_SECONDS
        key = self._order[index]
        if key != self._cursor:
            self._cursor = key
            self.post_message(self.Moved(key))
        self._paint()

    def _again(self) -> None:
        if self._snapshot is not None:
            self._arrange(self._snapshot, resort=True, keep=True)
            self._paint()

    def _arrange(self, snapshot: Snapshot, *, resort: bool, keep: bool) -> None:
        wanted = self._sorted()
        if resort or not self._order:
            order = wanted
        else:  # held: what is there keeps its place, what is gone leaves, what is new comes last
            present = set(wanted)
            kept = [key for key in self._order if key in present or (key == self._cursor and key in snapshot.rollouts)]
            known = set(kept)
            order = kept + [key for key in wanted if key not in known]
        line = self._order.index(self._cursor) - self._top if self._cursor in self._order else 0
        if (
            keep
            and self._cursor is not None
            and self._cursor not in order
            and self._cursor in snapshot.rollouts
            and self._touched
        ):
            order = [*order, self._cursor]  # it left the view, not the cluster: the cursor keeps it until it moves on
        self._order = order
        self._outdated = order != wanted
        if not order:
            self._cursor = None
            return
        if not self._touched and self._homing(snapshot):
            self._cursor = order[0]  # the first list and verdicts are still coming in: the worst so far
            self._top = 0
        elif self._cursor not in order:
            at = min(max(0, self._top + line), len(order) - 1)
            self._cursor = order[at]
            self.post_message(self.Moved(self._cursor))
        else:
            self._top = max(0, order.index(self._cursor) - line)

    def _homing(self, snapshot: Snapshot) -> bool:
        """Whether the order is still finding itself: verdicts follow their source's first "ok" by a look or two."""
        if not self._settled(snapshot):
            self._homed_until = None
            return True
        if self._homed_until is None:
            self._homed_until = self._clock() + HOME_SECONDS
        return self._clock() < self._homed_until

    @staticmethod
    def _settled(snapshot: Snapshot) -> bool:
        source, metrics = snapshot.sources.get("kubernetes"), snapshot.sources.get("prometheus")
        if metrics is not None and metrics.state == "syncing" and snapshot.rollouts:
            return False  # the first verdicts are still to come, and with them the order
        return source is not None and source.state != "syncing"

    def _sorted(self) -> list[Key]:
        if self._snapshot is None:
            return []
        return ordered(self._snapshot, self._now, self.sort, self.filter, self._marks, everything=self.everything)

    def _fitting(self, width: int) -> list[Column]:
        picture = self._snapshot or Snapshot(0, 0.0)
        names = [name_width(key, picture.rollouts.get(key), picture.drifts.get(key, ())) for key in self._order]
        return columns(width, max(names, default=14), max((len(key.namespace) for key in self._order), default=9))

    def _paint(self) -> None:
        width, height = self.size.width, self.size.height
        snapshot = self._snapshot
        if snapshot is None or height < 2:
            return
        rows = height - 1
        if self._cursor in self._order:
            at = self._order.index(self._cursor)
            self._top = min(max(self._top, at - rows + 1), at)
        self._top = max(0, min(self._top, len(self._order) - rows))
        cols = self._fitting(max(width, 150) if self.wide else width)
        note = ""
        if self._outdated and self.held:
            note = f"(order held {coarse(self.held)}, s sorts)" if width >= 100 else "(held, s sorts)"
        elif self._top:
            note = f"(↑ {self._top} more)"  # the worst are above: never out of sight without a word
        lines = [heading(cols, note)]
        is_stale = stale(snapshot)
        for key in self._order[self._top : self._top + rows]:
            rollout = snapshot.rollouts.get(key)
            if rollout is None:
                lines.append(Line(f"   {key} is gone", "dim"))
                continue
            lines.append(
                row(
                    rollout,
                    snapshot.assessments.get(key),
                    snapshot.pending.get(key),
                    self._now,
                    cols,
                    act=snapshot.acts.get(key),
                    drifts=snapshot.drifts.get(key, ()),
                    cursor=key == self._cursor,
                    mark=key in self._marks,
                    stale=is_stale,
                )
            )
        if self._offset:
            lines = [line.shift(self._offset) for line in lines]  # only when all columns are shown
        if not self._order:
            lines += self._empty(snapshot)
        self.show(lines)

    def _empty(self, snapshot: Snapshot) -> list[Line]:
        if not self._settled(snapshot):
            return [Line("   listing rollouts…", "info")]
        if self.filter is not None:
            return [Line(f"   nothing matches {self.filter.text!r}; Esc clears the filter", "dim")]
        if snapshot.rollouts:
            return [Line(f"   nothing is in flight; a shows all {len(snapshot.rollouts)} rollouts", "ok")]
        return [Line("   no rollouts here", "dim")]

    def on_resize(self) -> None:
        self._paint()

    def on_focus(self) -> None:
        self._paint()
