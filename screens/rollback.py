"""RollbackView (5c): the versions a rollout can return to, the difference, the checks and the plan of one of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from cockpit.model.plan import Plan, Refusal
from cockpit.model.resource import Key
from cockpit.model.revision import Revision
from cockpit.model.snapshot import Snapshot
from screens.checks import ChecksView
from screens.draw.format import rev
from screens.draw.line import Line
from screens.keys import bindings, key_of
from screens.origin import of_version
from screens.page import PageView
from screens.parts.offer import diff_lines, plan_lines
from screens.parts.revisions import about_line, coverage_rule, now_line
from screens.review import ReviewView
from screens.widgets.canvas import Canvas
from screens.widgets.version_list import VersionList

_WAYS: tuple[bool | None, ...] = (None, True, False)
_WAY_WORDS = {None: "as the plan chooses", True: "at once (full promote of the target)", False: "through the steps"}


class RollbackView(ReviewView):
    """Enter reviews: it opens the dialog once every check has answered. Nothing is sent from here."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(("pick.way", "pick.preflight", "pick.diff"))]
    HINTS = (
        "nav.down", "nav.open", "pick.preflight", "pick.way", "pick.diff", "view.provenance", "nav.back", "help",
        "app.copy", "app.refetch",
    )  # fmt: skip
    HINT_WORDS: ClassVar[dict[str, str]] = {"nav.open": "review"}
    ACT_HINTS = ("act.abort",)

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self._list = VersionList(id="list")
        self._fitted: tuple[str, ...] | str | None = None

    def body(self) -> Iterable[Widget]:
        yield Canvas(id="now")
        yield Canvas(id="rule")
        yield self._list
        yield Canvas(id="about")
        yield Canvas(id="diff", frame="rule")
        yield Canvas(id="plan", frame="rule")

    def trail(self) -> tuple[str, ...]:
        return (str(self.key), "rollback")

    def target(self) -> Key | None:
        return self.key

    @property
    def selected(self) -> Revision | None:
        return self._list.selected

    def layout_for(self, width: int, height: int) -> None:
        self.query_one("#now").styles.height = self.query_one("#about").styles.height = 1
        wished = (len(self.known.revisions) if self.known.revisions else 5) + 1
        rows = max(3, min(height // 4 if height < 30 else height // 3, wished))
        self._list.styles.height = rows
        left = height - rows - 7
        diff = self.known.diff(self.selected.hash) if self.selected is not None else None
        wants = 2 + (len(diff) if isinstance(diff, tuple) else 1)  # a short difference leaves its room to the checks
        self.query_one("#plan").styles.height = max(4, left - max(min(4, wants), min(wants, left * 7 // 20)))

    def on_mount(self) -> None:
        super().on_mount()
        self.action_refetch()

    def action_refetch(self) -> None:
        self.wait_for(None)
        self.stop()
        self.known.forget()
        self._list.hold(None)
        self.start(self.load, "revisions")

    async def load(self) -> None:
        seat = self.cockpit.seat
        if seat is None:
            return
        stood = self.selected
        await self.known.load(seat)
        found = self.known.revisions or ()
        kept = [index for index, each in enumerate(found) if stood and each.hash == stood.hash]
        self._list.cursor = kept[0] if kept else self.known.best()
        self._list.hold(found)
        self.layout_for(self.size.width, self.size.height)
        self.call_after_refresh(self.redraw)
        self.redraw()
        if found:
            self.start(partial(self.known.check, seat), "registries")

    # -- drawing -----------------------------------------------------------------------------------

    def draw_body(self, snapshot: Snapshot, now: float) -> None:
        width = self.size.width
        rollout = snapshot.rollouts.get(self.key)
        self._list.hold(self.known.revisions)
        self.query_one("#now", Canvas).show([now_line(rollout, width)])
        where = f"{self._list.cursor + 1} of {len(self.known.revisions or ())}" if self._list.hidden else ""
        self.query_one("#rule", Canvas).show([coverage_rule(self.known.coverage, where, width)])
        self._list.draw(now, self.known.asked, self.known.failure)
        chosen, wanted = self.selected, self.wanted
        diff = self.query_one("#diff", Canvas)
        plan = self.query_one("#plan", Canvas)
        about = self.query_one("#about", Canvas)
        if chosen is None or wanted is None:
            about.show([])
            diff.show([])
            plan.show([])
            return
        if rollout is not None:
            self.ask(rollout.seen)
        if (here := self.known.diff(chosen.hash)) is not self._fitted:  # another difference, another share of the room
            self._fitted = here
            self.layout_for(width, self.size.height)
            self.call_after_refresh(self.redraw)
        about.show([about_line(chosen, now, width, asked=self.known.asked(chosen.hash))])
        current = self.known.current
        title = Line("diff ", "title").add(
            f"{rev(current.revision if current else None)} → {rev(chosen.revision)}", "strong"
        )
        diff.show(diff_lines(self.known.diff(chosen.hash), chosen, *diff.inner), title)
        keymap = self.cockpit.keys_in_force
        checks = key_of("pick.preflight", keymap)
        way = Line(f"{checks} ", "key").add("all checks", "text").add(" · ", "faint")
        way.add(f"{key_of('pick.way', keymap)} ", "key").add(_WAY_WORDS[self.way], "text")
        offer = self.known.offer(wanted)
        lines = plan_lines(offer.plan if offer else None, rollout, *plan.inner, opens=checks)
        plan.show(lines, Line("pre-flight and plan", "title"), way)

    # -- keys --------------------------------------------------------------------------------------

    def action_move(self, rows: int) -> None:
        self._list.move(rows)
        self.wait_for(None)
        self.redraw()

    def action_edge(self, last: bool) -> None:
        self._list.edge(last=last)
        self.action_move(0)

    def action_half(self, direction: int) -> None:
        self.action_move(direction * self._list.page())

    def action_way(self) -> None:
        self.way = _WAYS[(_WAYS.index(self.way) + 1) % len(_WAYS)]
        self.wait_for(None)
        self.redraw()

    def action_preflight(self) -> None:
        """The checks of the version under the cursor, over this list; they go on arriving there."""
        chosen, wanted = self.selected, self.wanted
        if chosen is not None and wanted is not None:

            def offered() -> Plan | Refusal | str | None:
                offer = self.known.offer(wanted)
                return offer.plan if offer is not None else None

            self.cockpit.push_screen(ChecksView(self.key, _named(chosen), offered))

    def action_diff(self) -> None:
        """The whole difference, over this list."""
        chosen = self.selected
        if chosen is None:
            return

        def page(snapshot: Snapshot, now: float, width: int) -> list[Line]:
            return diff_lines(self.known.diff(chosen.hash), chosen, width, 10_000)

        self.cockpit.push_screen(PageView(f"diff to {_named(chosen)}", self.key, draw_page=page))

    def action_view(self, name: str) -> None:
        seat, chosen = self.cockpit.seat, self.selected
        if self.waiting:
            self.say_waiting()  # what is typed ahead of the dialog (its y) is for nobody
        elif name != "provenance" or chosen is None or seat is None:
            super().action_view(name)
        else:
            width = self.size.width - 6
            page = PageView(
                f"provenance {_named(chosen)}", self.key, load=lambda: of_version(seat, self.key, chosen, width)
            )
            self.cockpit.push_screen(page)

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
    return rev(version.revision) if version.revision is not None else version.hash
