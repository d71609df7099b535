"""PageView: scrolling text over the present screen, drawn anew from each picture or loaded once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from cockpit.model.resource import Key
from cockpit.model.snapshot import Snapshot
from screens.draw.line import Line
from screens.keys import bindings
from screens.trouble import said
from screens.view import View
from screens.widgets.canvas import Canvas
from screens.widgets.pager import Pager

Draw = Callable[[Snapshot, float, int], list[Line]]


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
