"""RollbackView (5c): the versions a rollout can return to, the difference, the plan, and what warns against it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec
from textual.binding import BindingType
from textual.widget import Widget

from cockpit.model.plan import Intent, Plan, Refusal
from cockpit.model.preflight import Finding
from cockpit.model.resource import Key
from cockpit.model.revision import Revision
from cockpit.model.snapshot import Snapshot
from screens.draw.format import rev
from screens.draw.line import Line
from screens.keys import bindings
from screens.origin import of_version
from screens.page import PageView
from screens.parts.preflight import preflight_page
from screens.parts.revisions import about_line, diff_lines, now_line, plan_lines, revision_row, revision_title
from screens.trouble import said
from screens.view import View
from screens.widgets.canvas import Canvas

_WAYS: tuple[bool | None, ...] = (None, True, False)
_WAY_WORDS = {None: "as the plan chooses", True: "at once (full promote of the target)", False: "through the steps"}


class RollbackView(View):
    """Enter reviews: it draws up the plan and opens the dialog. Nothing is sent from here."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(("pick.way", "pick.preflight"))]
    HINTS = (
        "nav.down", "nav.open", "pick.way", "pick.preflight", "view.provenance", "app.copy", "app.refetch", "help",
        "nav.back",
    )  # fmt: skip
    ACT_HINTS = ("act.abort",)

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self.revisions: tuple[Revision, ...] | None = None
        self.way: bool | None = None
        self._at = 0
        self._failure = ""
        self._asked_of: set[str] = set()  # versions whose registries have answered
        self._coverage = ""
        self._diffs: dict[str, tuple[str, ...] | str] = {}
        self._plans: dict[tuple[str, bool | None], Plan | Refusal | str] = {}
        self._asked: tuple[str, bool | None] | None = None
        self._planned_on: dict[str, Any] | None = None
        self._arrived: dict[tuple[str, bool | None], dict[str, Finding]] = {}  # of pre-flights that still run

    def body(self) -> Iterable[Widget]:
        yield Canvas(id="now")
        yield Canvas(id="rule")
        yield Canvas(id="list")
        yield Canvas(id="about")
        yield Canvas(id="diff", frame="rule")
        yield Canvas(id="plan", frame="rule")

    def trail(self) -> tuple[str, ...]:
        return (str(self.key), "rollback")

    def target(self) -> Key | None:
        return self.key

    @property
    def selected(self) -> Revision | None:
        if not self.revisions:
            return None
        return self.revisions[min(self._at, len(self.revisions) - 1)]

    def layout_for(self, width: int, height: int) -> None:
        self.query_one("#now").styles.height = self.query_one("#about").styles.height = 1
        rows = max(3, min(height // 3, (len(self.revisions) if self.revisions else 5) + 1))
        self.query_one("#list").styles.height = rows
        self.query_one("#plan").styles.height = max(4, min(14, (height - rows - 7) * 12 // 20))

    def on_mount(self) -> None:
        super().on_mount()
        self.action_refetch()

    def action_refetch(self) -> None:
        self.revisions, self._failure, self._coverage = None, "", ""
        self._asked_of.clear()
        self._diffs.clear()
        self._forget_plans()
        self.run_worker(self._load(), group="revisions", exclusive=True, exit_on_error=False)

    async def _load(self) -> None:
        seat = self.cockpit.seat
        if seat is None:
            return
        try:
            self.revisions = await seat.revisions(self.key)
        except Exception as error:
            self._failure, self.revisions = said(error), ()
        self._at = next(
            (index for index, item in enumerate(self.revisions) if item.stable and not item.current),
            next((index for index, item in enumerate(self.revisions) if not item.current), 0),
        )
        self.layout_for(self.size.width, self.size.height)
        self.call_after_refresh(self.redraw)
        self.redraw()
        if self.revisions:
            self.run_worker(self._check(), group="registries", exclusive=True, exit_on_error=False)

    async def _check(self) -> None:
        """Have the registries asked; each version is shown as soon as its answers are there."""
        seat = self.cockpit.seat
        if seat is None:
            return
        try:
            await seat.revisions_checked(self.key, self._checked)
            self._coverage = (await seat.coverage(self.key)).text
        except Exception as error:
            self._coverage = said(error)
        self._asked_of.update(each.hash for each in self.revisions or ())
        self.redraw()

    def _checked(self, found: Revision) -> None:
        self._asked_of.add(found.hash)
        self.revisions = tuple(found if each.hash == found.hash else each for each in self.revisions or ())
        self.redraw()

    # -- what is loaded for the selected version ---------------------------------------------------

    def _forget_plans(self) -> None:
        self._plans.clear()
        self._arrived.clear()
        self._asked = None

    def _ask(self, chosen: Revision, seen: dict[str, Any]) -> None:
        """Have the difference and the plan of the version under the cursor drawn up, once per picture."""
        if seen != self._planned_on:
            self._forget_plans()
            self._planned_on = seen
        wanted = (chosen.hash, self.way)
        if wanted not in self._plans and wanted != self._asked:
            self._asked = wanted
            self.run_worker(self._preview(chosen, self.way), group="preview", exclusive=True, exit_on_error=False)

    def intent(self, revision: Revision) -> Intent | None:
        """The rollback to ``revision`` on the picture that is drawn."""
        found = self.drawn()
        if found is None:
            return None
        to: str | None
        if revision.source == "journal":
            to = revision.hash  # its number may have been given to another version since
        elif revision.revision is not None:
            to = str(revision.revision)
        else:
            to = next((image.digest for image in revision.images if image.digest), None)
        verdict = found[1].verdict if found[1] else None
        return Intent("rollback", found[0], verdict, to=to, now=self.way) if to else None

    async def _preview(self, revision: Revision, way: bool | None) -> None:
        seat, intent = self.cockpit.seat, self.intent(revision)
        if seat is None or intent is None:
            return
        current = next((item.hash for item in self.revisions or () if item.current), None)
        try:
            if revision.hash not in self._diffs and current is not None:
                self._diffs[revision.hash] = await seat.diff(self.key, current, revision.hash)
        except Exception as error:
            self._diffs[revision.hash] = said(error)
        try:
            if (revision.hash, way) not in self._plans:
                self._plans[revision.hash, way] = await seat.plan(msgspec.structs.replace(intent, at=seat.now()))
        except Exception as error:
            self._plans[revision.hash, way] = said(error)
        self.redraw()

    # -- drawing -----------------------------------------------------------------------------------

    def draw_body(self, snapshot: Snapshot, now: float) -> None:
        width = self.size.width
        rollout = snapshot.rollouts.get(self.key)
        self.query_one("#now", Canvas).show([now_line(rollout, width)])
        self.query_one("#rule", Canvas).show([_rule(self._coverage, width)])
        self.query_one("#list", Canvas).show(self._list(now, width))
        chosen = self.selected
        diff = self.query_one("#diff", Canvas)
        plan = self.query_one("#plan", Canvas)
        about = self.query_one("#about", Canvas)
        if chosen is None:
            about.show([])
            diff.show([])
            plan.show([])
            return
        if rollout is not None:
            self._ask(chosen, rollout.seen)
        about.show([about_line(chosen, now, width, asked=chosen.hash in self._asked_of)])
        current = next((item.revision for item in self.revisions or () if item.current), None)
        title = Line("diff ", "title").add(f"{rev(current)} → {rev(chosen.revision)}", "strong")
        diff.show(diff_lines(self._diffs.get(chosen.hash), chosen, *diff.inner), title)
        way = Line("t ", "key").add(_WAY_WORDS[self.way], "text")
        wanted = (chosen.hash, self.way)
        arrived = tuple(self._arrived.get(wanted, {}).values())
        lines = plan_lines(self._plans.get(wanted), rollout, *plan.inner, arrived)
        plan.show(lines, Line("pre-flight and plan", "title"), way)

    def _list(self, now: float, width: int) -> list[Line]:
        if self.revisions is None:
            return [revision_title(width), Line("   reading what is retained…", "info")]
        if not self.revisions:
            return [
                revision_title(width),
                Line(f"   {self._failure or 'no version is retained to return to'}", "unknown"),
            ]
        rows = self.query_one("#list").size.height - 1
        top = max(0, min(self._at - rows + 1, len(self.revisions) - rows))
        shown = self.revisions[top : top + rows]
        return [
            revision_title(width),
            *(
                revision_row(item, now, width, cursor=item is self.selected, asked=item.hash in self._asked_of)
                for item in shown
            ),
        ]

    # -- keys --------------------------------------------------------------------------------------

    def action_move(self, rows: int) -> None:
        if self.revisions:
            self._at = max(0, min(self._at + rows, len(self.revisions) - 1))
            self.redraw()

    def action_edge(self, last: bool) -> None:
        self.action_move(len(self.revisions or ()) * (1 if last else -1))

    def action_half(self, direction: int) -> None:
        self.action_move(direction * 5)

    def action_way(self) -> None:
        self.way = _WAYS[(_WAYS.index(self.way) + 1) % len(_WAYS)]
        self.redraw()

    def action_preflight(self) -> None:
        """The checks of the version under the cursor, over this list; they go on arriving there."""
        chosen = self.selected
        if chosen is None:
            return
        wanted = (chosen.hash, self.way)

        def page(snapshot: Snapshot, now: float, width: int) -> list[Line]:
            return preflight_page(self._plans.get(wanted), width, tuple(self._arrived.get(wanted, {}).values()))

        self.cockpit.push_screen(PageView(f"pre-flight rev {_named(chosen)}", self.key, draw_page=page))

    def action_view(self, name: str) -> None:
        seat, chosen = self.cockpit.seat, self.selected
        if name != "provenance" or chosen is None or seat is None:
            super().action_view(name)
            return
        width = self.size.width - 6
        page = PageView(
            f"provenance rev {_named(chosen)}", self.key, load=lambda: of_version(seat, self.key, chosen, width)
        )
        self.cockpit.push_screen(page)

    def action_open(self) -> None:
        chosen = self.selected
        if chosen is None:
            return
        if why := self.cockpit.acts.refused("rollback", self.key):
            self.cockpit.acts.note(self.key, why, "warn")
            return
        intent = self.intent(chosen)
        if intent is None:
            self.cockpit.say("this version has neither a revision nor a digest to name it by", "warn")
        else:
            self.cockpit.acts.begin(intent)

    def action_act(self, verb: str) -> None:
        if verb == "rollback":
            self.cockpit.say("Enter reviews the version under the cursor", "info")
        else:
            super().action_act(verb)

    def action_copy(self) -> None:
        chosen = self.selected
        digest = next((image.digest for image in chosen.images if image.digest), None) if chosen else None
        if digest:
            self.cockpit.copy(digest, digest)
        else:
            self.cockpit.say("the digest of this version is not known", "warn")


def _named(version: Revision) -> str:
    return str(version.revision) if version.revision is not None else version.hash


def _rule(coverage: str, width: int) -> Line:
    """A rule, with how many of the recent versions are proven retained once that is known."""
    line = Line("── ", "faint").add(coverage, "dim").add(" ") if coverage else Line()
    return line.add("─" * max(0, width - line.width), "faint").cut(width)
