"""Pages: describe, YAML, tree, events, drift, provenance, burn and help as scrolling text over the present screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from cockpit.model.resource import Key
from cockpit.model.snapshot import Snapshot
from screens.draw.line import Line
from screens.help import help_page
from screens.journal import JournalView, RowsView
from screens.keys import bindings
from screens.metrics import MetricsView
from screens.origin import provenance_of
from screens.parts.burn_table import burn_page
from screens.parts.describe import describe, tree
from screens.parts.drift import drift_page
from screens.parts.events import event_page
from screens.parts.header import gaps
from screens.rollback import RollbackView
from screens.trouble import said
from screens.view import View
from screens.widgets.canvas import Canvas
from screens.widgets.pager import Pager

if TYPE_CHECKING:
    from screens.app import CockpitApp

Draw = Callable[[Snapshot, float, int], list[Line]]
_OF_ROLLOUT = {"describe", "yaml", "tree", "metrics", "burn", "revisions", "provenance"}


class PageView(View):
    """A page that is drawn anew from each picture (``draw_page``) or loaded once (``load``)."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(("page.wrap",))]
    HINTS = ("nav.down", "find.start", "page.wrap", "app.copy", "help", "nav.back")

    def __init__(
        self,
        name: str,
        key: Key | None,
        draw_page: Draw | None = None,
        load: Callable[[], Awaitable[list[Line]]] | None = None,
    ) -> None:
        super().__init__()
        self.page_name = name
        self.key = key
        self._draw_page = draw_page
        self._load = load
        self._loaded: list[Line] = [Line("loading…", "info")]
        self._finding = ""
        if key is None:
            self.ACT_HINTS = ()  # type: ignore[misc]

    def body(self) -> Iterable[Widget]:
        yield Pager(id="page")

    def trail(self) -> tuple[str, ...]:
        return (str(self.key), self.page_name) if self.key else (self.page_name,)

    def target(self) -> Key | None:
        return self.key

    @property
    def pager(self) -> Pager:
        return self.query_one(Pager)

    def mover(self) -> Canvas:
        return self.pager

    def refocus(self) -> None:
        self.set_focus(self.pager)

    def layout_for(self, width: int, height: int) -> None:
        self.pager.frame = "rule" if self.compact else "box"

    def on_mount(self) -> None:
        super().on_mount()
        self.pager.focus()
        if self._load is not None:
            self.run_worker(self._fetch(), group="page", exit_on_error=False)

    async def _fetch(self) -> None:
        try:
            self._loaded = await self._load() if self._load else []
        except Exception as error:
            self._loaded = [Line(said(error), "bad")]
        self.redraw()

    def draw_body(self, snapshot: Snapshot, now: float) -> None:
        page = self._draw_page(snapshot, now, self.pager.inner[0]) if self._draw_page else self._loaded
        title = Line(self.page_name, "title")
        if self.key is not None:
            title.add(f" · {self.key}", "strong")
        self.pager.draw(page, title)

    def finding(self) -> str:
        return self._finding

    def find(self, text: str, *, done: bool) -> None:
        self._finding = text
        hits = self.pager.look_for(self.pattern(text) if done or text else None)
        if done and text:
            self.cockpit.say(f"{hits} lines match; n and N go through them" if hits else "nothing matches", "info")

    def action_find_next(self, step: int) -> None:
        if not self.pager.next_match(step):
            self.cockpit.say("nothing to find: / first", "dim")

    def action_page_wrap(self) -> None:
        self.pager.toggle_wrap()

    def action_copy(self) -> None:
        self.cockpit.copy(self.pager.text, "the page")


def open_page(app: CockpitApp, name: str, key: Key | None) -> None:
    """Push the view of that name; one that needs a rollout says so when none is selected."""
    seat = app.seat
    if seat is None:
        return
    if name in _OF_ROLLOUT and key is None:
        app.say(f"{name} needs a rollout; none is selected", "warn")
        return
    top = app.view
    if isinstance(top, PageView) and top.page_name == name and top.key == key:
        return
    if name == "help" and isinstance(top, PageView) and top.page_name == "help":
        app.pop_screen()
        return
    while isinstance(app.view, PageView | MetricsView | RollbackView | RowsView) and len(app.screen_stack) > 2:
        app.pop_screen()
    if name == "help":
        page = help_page(app, top)
        app.push_screen(PageView("help", None, draw_page=lambda snapshot, now, width: page))
    elif name in {"history", "journal"}:
        app.push_screen(JournalView())
    elif name == "drift":
        app.push_screen(
            PageView("drift", key, draw_page=lambda snapshot, now, width: drift_page(snapshot, key, now, width))
        )
    elif name == "events":
        app.push_screen(
            PageView(
                "events",
                key,
                draw_page=lambda snapshot, now, width: [*gaps(snapshot, now), *event_page(snapshot.events, key, width)],
            )
        )
    elif key is not None and name == "metrics":
        app.push_screen(MetricsView(key))
    elif key is not None and name == "revisions":
        app.push_screen(RollbackView(key))
    elif key is not None and name == "provenance":
        app.push_screen(PageView("provenance", key, load=lambda: provenance_of(seat, key, app.size.width - 6)))
    elif key is not None and name == "yaml":

        async def raw() -> list[Line]:
            return [Line(text, "text") for text in (await seat.raw(key)).split("\n")]

        app.push_screen(PageView("yaml", key, load=raw))
    elif key is not None:
        app.push_screen(PageView(name, key, draw_page=_PAGES[name](key)))


def _gone(key: Key) -> list[Line]:
    return [Line(f"{key} is not in this cluster any more", "unknown")]


def _describe(key: Key) -> Draw:
    def page(snapshot: Snapshot, now: float, width: int) -> list[Line]:
        rollout = snapshot.rollouts.get(key)
        return describe(rollout, snapshot.assessments.get(key), now, width) if rollout else _gone(key)

    return page


def _tree(key: Key) -> Draw:
    def page(snapshot: Snapshot, now: float, width: int) -> list[Line]:
        rollout = snapshot.rollouts.get(key)
        return tree(rollout, snapshot.assessments.get(key), now) if rollout else _gone(key)

    return page


def _burn(key: Key) -> Draw:
    def page(snapshot: Snapshot, now: float, width: int) -> list[Line]:
        rollout, assessment = snapshot.rollouts.get(key), snapshot.assessments.get(key)
        if rollout is None:
            return _gone(key)
        burn, source = assessment.burn if assessment else None, snapshot.sources.get("prometheus")
        return burn_page(burn, rollout, now, width, source)

    return page


_PAGES: dict[str, Callable[[Key], Draw]] = {"describe": _describe, "tree": _tree, "burn": _burn}
