"""RollbackView (5c): the versions a rollout can return to, the difference, the checks and the plan of one of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from cockpit.model.plan import Intent, Plan, Refusal
from cockpit.model.resource import Key
from cockpit.model.revision import Revision
from cockpit.model.snapshot import Snapshot
from cockpit.ports import Seat
from screens.candidates import Candidates, Offer, Wanted
from screens.checks import ChecksView
from screens.draw.format import rev
from screens.draw.line import Line
from screens.keys import bindings, key_of
from screens.origin import of_version
from screens.page import PageView
from screens.parts.offer import diff_lines, plan_lines
from screens.parts.revisions import about_line, now_line, revision_row, revision_title
from screens.view import View
from screens.widgets.canvas import Canvas

_WAYS: tuple[bool | None, ...] = (None, True, False)
_WAY_WORDS = {None: "as the plan chooses", True: "at once (full promote of the target)", False: "through the steps"}
FRESH_SECONDS = 20.0
"""A plan drawn up longer ago is drawn up again before its dialog opens: its checks are to be seconds old."""


class RollbackView(View):
    """Enter reviews: it opens the dialog once every check has answered. Nothing is sent from here."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(("pick.way", "pick.preflight", "pick.diff"))]
    HINTS = (
        "nav.down", "nav.open", "pick.preflight", "pick.way", "pick.diff", "view.provenance", "nav.back", "help",
        "app.copy", "app.refetch",
    )  # fmt: skip
    ACT_HINTS = ("act.abort",)

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self.known = Candidates(key, self._wall, self._changed)
        self.way: bool | None = None
        self._at = 0
        self._fitted: tuple[str, ...] | str | None = None
        self._drafting: Wanted | None = None  # whose plan is being drawn up
        self._opening: Wanted | None = None  # whose dialog opens when its checks have answered

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
    def revisions(self) -> tuple[Revision, ...] | None:
        return self.known.revisions

    @property
    def selected(self) -> Revision | None:
        if not self.revisions:
            return None
        return self.revisions[min(self._at, len(self.revisions) - 1)]

    @property
    def wanted(self) -> Wanted | None:
        chosen = self.selected
        return (chosen.hash, self.way) if chosen is not None else None

    def layout_for(self, width: int, height: int) -> None:
        self.query_one("#now").styles.height = self.query_one("#about").styles.height = 1
        wished = (len(self.revisions) if self.revisions else 5) + 1
        rows = max(3, min(height // 4 if height < 30 else height // 3, wished))
        self.query_one("#list").styles.height = rows
        left = height - rows - 7
        diff = self.known.diff(self.selected.hash) if self.selected is not None else None
        wants = 2 + (len(diff) if isinstance(diff, tuple) else 1)  # a short difference leaves its room to the checks
        self.query_one("#plan").styles.height = max(4, left - max(4, min(wants, left * 7 // 20)))

    def on_mount(self) -> None:
        super().on_mount()
        self.action_refetch()

    def action_refetch(self) -> None:
        self._wait_for(None)
        self._stop()
        self._at = 0
        self.known.forget()
        self._start(self._load, "revisions")

    async def _load(self) -> None:
        seat = self.cockpit.seat
        if seat is None:
            return
        stood = self.selected
        await self.known.load(seat)
        kept = [index for index, each in enumerate(self.revisions or ()) if stood and each.hash == stood.hash]
        self._at = kept[0] if kept else self.known.best()
        self.layout_for(self.size.width, self.size.height)
        self.call_after_refresh(self.redraw)
        self.redraw()
        if self.revisions:
            self._start(partial(self.known.check, seat), "registries")

    def _start(self, work: Callable[[], Awaitable[None]], group: str) -> None:
        """In place of what runs in ``group``."""
        self.run_worker(work, group=group, exclusive=True, exit_on_error=False)

    def _wall(self) -> float:
        return self.cockpit.wall()  # there is no app yet while this is made

    def _changed(self) -> None:
        """Something more is known: also for the list of checks that may lie over this."""
        if self.is_attached:
            self.cockpit.frame_now()

    # -- the plan of the version under the cursor --------------------------------------------------

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

    def _ask(self, seen: dict[str, Any]) -> None:
        """Have the plan of the version under the cursor drawn up, once per picture; no other one goes on."""
        wanted, chosen, seat = self.wanted, self.selected, self.cockpit.seat
        if self.known.on(seen):  # another version may be current or stable now: numbers and marks are read again
            self._stop()
            self._start(self._load, "revisions")
        if wanted is None or chosen is None or seat is None or wanted == self._drafting:
            return
        self._stop()
        offer = self.known.offer(wanted)
        intent = self.intent(chosen)
        if intent is not None and (offer is None or not offer.final):
            self._drafting = wanted
            self._start(partial(self._preview, seat, intent, wanted), "preview")

    async def _preview(self, seat: Seat, intent: Intent, wanted: Wanted) -> None:
        await self.known.preview(seat, intent, wanted)
        if self._drafting == wanted:
            self._drafting = None
        if self._opening == wanted:
            self._open(wanted)

    def _stop(self) -> None:
        """What is being drawn up is for a version that nobody looks at any more."""
        if self._drafting is not None:
            self._drafting = None
            self.workers.cancel_group(self, "preview")

    # -- drawing -----------------------------------------------------------------------------------

    def draw_body(self, snapshot: Snapshot, now: float) -> None:
        width = self.size.width
        rollout = snapshot.rollouts.get(self.key)
        self.query_one("#now", Canvas).show([now_line(rollout, width)])
        self.query_one("#rule", Canvas).show([_rule(self.known.coverage, width)])
        self.query_one("#list", Canvas).show(self._list(now, width))
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
            self._ask(rollout.seen)
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

    def _list(self, now: float, width: int) -> list[Line]:
        if self.revisions is None:
            return [revision_title(width), Line("   reading what is retained…", "info")]
        if not self.revisions:
            text = self.known.failure or "no version is retained to return to"
            return [revision_title(width), Line(f"   {text}", "unknown")]
        rows = self.query_one("#list").size.height - 1
        top = max(0, min(self._at - rows // 2, len(self.revisions) - rows))  # neighbours on both sides are in view
        shown = self.revisions[top : top + rows]
        return [
            revision_title(width),
            *(
                revision_row(item, now, width, cursor=item is self.selected, asked=self.known.asked(item.hash))
                for item in shown
            ),
        ]

    # -- keys --------------------------------------------------------------------------------------

    def action_move(self, rows: int) -> None:
        if self.revisions:
            self._at = max(0, min(self._at + rows, len(self.revisions) - 1))
            self._wait_for(None)
            self.redraw()

    def action_edge(self, last: bool) -> None:
        self.action_move(len(self.revisions or ()) * (1 if last else -1))

    def action_half(self, direction: int) -> None:
        self.action_move(direction * 5)

    def action_way(self) -> None:
        self.way = _WAYS[(_WAYS.index(self.way) + 1) % len(_WAYS)]
        self._wait_for(None)
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
        if self._opening is not None:
            self._say_waiting()  # what is typed ahead of the dialog (its y) is for nobody
        elif name != "provenance" or chosen is None or seat is None:
            super().action_view(name)
        else:
            width = self.size.width - 6
            page = PageView(
                f"provenance {_named(chosen)}", self.key, load=lambda: of_version(seat, self.key, chosen, width)
            )
            self.cockpit.push_screen(page)

    def action_back(self) -> None:
        if self._opening is not None:
            self._wait_for(None)
            self.cockpit.acts.note(self.key, "rollback: nothing was sent", "dim")
        else:
            super().action_back()

    def action_open(self) -> None:
        """The dialog of the version under the cursor: at once when its plan is whole and fresh, else when it is."""
        chosen, wanted = self.selected, self.wanted
        if chosen is None or wanted is None:
            return
        if why := self.cockpit.acts.refused("rollback", self.key):
            self.cockpit.acts.note(self.key, why, "warn")
            return
        if self.intent(chosen) is None:
            self.cockpit.say("this version has neither a revision nor a digest to name it by", "warn")
            return
        offer = self.known.offer(wanted)
        if offer is not None and offer.final and self._fresh(offer):
            self._open(wanted)
            return
        if offer is not None and offer.final:
            self.known.drop(wanted)
        self._wait_for(wanted)
        self.redraw()

    def _fresh(self, offer: Offer) -> bool:
        """Whether a plan may still be shown: a little later, on the same picture, by the same verdict."""
        found = self.drawn()
        state = found[1].verdict.state if found and found[1] else None
        was = offer.intent.verdict.state if offer.intent.verdict else None
        return isinstance(offer.plan, Plan) and self.cockpit.wall() - offer.at <= FRESH_SECONDS and state == was

    def _wait_for(self, wanted: Wanted | None) -> None:
        if wanted is None and self._opening is None:
            return
        self._opening = wanted
        if wanted is None:
            self.cockpit.message = None
        else:
            self._say_waiting()

    def _say_waiting(self) -> None:
        self.cockpit.say("the dialog opens when every check has answered; Esc or another version leaves it", "info")

    def _open(self, wanted: Wanted) -> None:
        self._wait_for(None)
        offer = self.known.offer(wanted)
        if offer is None:
            return
        if isinstance(offer.plan, str):
            self.cockpit.acts.note(self.key, f"rollback: nothing was sent: {offer.plan}", "bad")
        else:
            self.cockpit.acts.begin(offer.intent, offer.plan)

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


def _rule(coverage: str, width: int) -> Line:
    """A rule, with how many of the recent versions are proven retained once that is known."""
    line = Line("── ", "faint").add(coverage, "dim").add(" ") if coverage else Line()
    return line.add("─" * max(0, width - line.width), "faint").cut(width)
