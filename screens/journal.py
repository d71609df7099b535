"""The journal on screen: what was done from here, one operation with its evidence, and one kept piece of that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from cockpit.model.resource import Key
from cockpit.model.snapshot import Snapshot
from cockpit.ports import Entry, EvidencePiece, PastAct
from screens.draw.line import Line
from screens.parts.entry import Row, entry_rows
from screens.parts.events import act_heading, act_row
from screens.trouble import said
from screens.view import View
from screens.widgets.rows import Rows

_LISTED = 500
_PIECE_LINES = 20_000


class RowsView(View):
    """A list that is loaded once; Enter opens what stands under the cursor."""

    HINTS: ClassVar[tuple[str, ...]] = (
        "nav.down", "nav.open", "find.start", "app.copy", "app.refetch", "help", "nav.back",
    )  # fmt: skip
    ACT_HINTS = ()

    def __init__(self) -> None:
        super().__init__()
        self.failure = ""
        self.awaited = True
        self._finding = ""

    def body(self) -> Iterable[Widget]:
        yield Rows(id="rows")

    @property
    def rows(self) -> Rows:
        return self.query_one(Rows)

    def mover(self) -> Rows:
        return self.rows

    def refocus(self) -> None:
        self.set_focus(self.rows)

    def layout_for(self, width: int, height: int) -> None:
        self.rows.frame = "rule" if self.compact else "box"

    def on_mount(self) -> None:
        super().on_mount()
        self.rows.focus()
        self.action_refetch()

    def action_refetch(self) -> None:
        self.run_worker(self._fetch(), group="page", exclusive=True, exit_on_error=False)

    async def _fetch(self) -> None:
        try:
            await self.load()
            self.failure = ""
        except Exception as error:
            self.failure = said(error)
        self.awaited = False
        self.redraw()

    async def load(self) -> None:
        """Read what is listed; what it raises is said in place."""

    def waiting(self) -> list[Line]:
        """What stands in for rows that are not there; empty when they are."""
        if self.failure:
            return [Line(self.failure, "bad")]
        return [Line("reading the journal…", "info")] if self.awaited else []

    def finding(self) -> str:
        return self._finding

    def find(self, text: str, *, done: bool) -> None:
        self._finding = text
        if text and not self.rows.look_for(text, stay=True) and done:
            self.cockpit.say("nothing matches", "info")

    def action_find_next(self, step: int) -> None:
        if not self._finding or not self.rows.look_for(self._finding, step):
            self.cockpit.say("nothing to find: / first" if not self._finding else "nothing matches", "dim")


class JournalView(RowsView):
    """Operations, newest first."""

    def __init__(self) -> None:
        super().__init__()
        self.acts_done: tuple[PastAct, ...] = ()

    def trail(self) -> tuple[str, ...]:
        return ("journal",)

    def target(self) -> Key | None:
        return None

    async def load(self) -> None:
        if (seat := self.cockpit.seat) is not None:
            self.acts_done = await seat.journal(_LISTED)

    @property
    def chosen(self) -> PastAct | None:
        return self.acts_done[self.rows.cursor] if self.rows.cursor < len(self.acts_done) else None

    def draw_body(self, snapshot: Snapshot, now: float) -> None:
        width = self.rows.inner[0]
        rows = self.waiting() or [act_row(act, width) for act in self.acts_done]
        title = Line("journal", "title").add("  of this seat, newest first", "dim")
        nothing = Line("nothing has been done from this seat yet", "dim")
        self.rows.draw(rows or [nothing], title, [act_heading(width)])

    def action_open(self) -> None:
        if (act := self.chosen) is not None:
            self.app.push_screen(EntryView(act))

    def action_copy(self) -> None:
        if (act := self.chosen) is not None:
            self.cockpit.copy(act.op_id, act.op_id)


class EntryView(RowsView):
    """One operation whole. Enter on a piece of evidence opens it; c copies the operation's id."""

    def __init__(self, act: PastAct) -> None:
        super().__init__()
        self.act = act
        self.entry: Entry | None = None
        self._shown: list[Row] = []

    def trail(self) -> tuple[str, ...]:
        return ("journal", self.act.op_id)

    async def load(self) -> None:
        if (seat := self.cockpit.seat) is not None:
            self.entry = await seat.entry(self.act.op_id)
            if self.entry is None:
                self.failure = f"the journal holds no operation {self.act.op_id}"

    def draw_body(self, snapshot: Snapshot, now: float) -> None:
        waiting = self.waiting()
        if self.entry is None:
            gone = f"the journal holds no operation {self.act.op_id} any more"
            self._shown = [Row(line) for line in waiting or [Line(gone, "bad")]]
        else:
            self._shown = entry_rows(self.entry, self.rows.inner[0] - 1)
        self.rows.draw(
            [row.line for row in self._shown], Line("operation", "title").add(f" {self.act.op_id}", "strong")
        )

    def action_open(self) -> None:
        at = self.rows.cursor
        piece = self._shown[at].piece if at < len(self._shown) else None
        if piece is None:
            there = [index for index, row in enumerate(self._shown) if row.piece is not None]
            if there:
                self.rows.move(next((index for index in there if index > at), there[0]) - at)
            self.cockpit.say("Enter opens this piece" if there else "no evidence is kept beside it", "dim")
        else:
            self.app.push_screen(PieceView(self.act.op_id, piece))

    def action_copy(self) -> None:
        self.cockpit.copy(self.act.op_id, self.act.op_id)


class PieceView(RowsView):
    """One kept piece as text. What was altered since it was kept is not shown as evidence."""

    HINTS = ("nav.down", "find.start", "app.copy", "help", "nav.back")

    def __init__(self, op_id: str, piece: EvidencePiece) -> None:
        super().__init__()
        self.op_id = op_id
        self.piece = piece
        self._lines: list[Line] = []

    def trail(self) -> tuple[str, ...]:
        return ("journal", self.op_id, self.piece.name)

    async def load(self) -> None:
        seat = self.cockpit.seat
        content = await seat.evidence_of(self.op_id, self.piece.name) if seat is not None else None
        if content is None:
            self._lines = [Line("not there, or ALTERED since it was kept: this is no evidence any more", "bad")]
            return
        lines = content.decode("utf-8", "replace").splitlines()
        self._lines = [Line(_indented(text), "text") for text in lines[:_PIECE_LINES]]
        if len(lines) > _PIECE_LINES:
            self._lines.append(Line(f"… {len(lines) - _PIECE_LINES} more lines; export the bundle to see them", "warn"))
        if not lines:
            self._lines = [Line("it is empty", "dim")]

    def draw_body(self, snapshot: Snapshot, now: float) -> None:
        title = Line(self.piece.name, "title").add(f"  sha256 {self.piece.sha256}", "dim")
        self.rows.draw(self.waiting() or self._lines, title)

    def action_copy(self) -> None:
        self.cockpit.copy(self.rows.text, self.piece.name)


def _indented(text: str) -> str:
    return text.replace("\t", "    ")
