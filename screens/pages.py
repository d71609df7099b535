"""Pages: describe, YAML, tree, events, drift, provenance, burn and help as scrolling text over the present screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cockpit.model.resource import Key
from cockpit.model.snapshot import Snapshot
from screens.draw.line import Line
from screens.help import help_page, keys_in_place
from screens.journal import JournalView, RowsView
from screens.metrics import MetricsView
from screens.origin import provenance_of
from screens.page import Draw, PageView
from screens.parts.burn_table import burn_page
from screens.parts.describe import describe, tree
from screens.parts.drift import drift_page
from screens.parts.events import event_page
from screens.parts.header import gaps, notes
from screens.rollback import RollbackView

if TYPE_CHECKING:
    from screens.app import CockpitApp

_OF_ROLLOUT = {"describe", "yaml", "tree", "metrics", "burn", "revisions", "provenance"}


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
        keys = keys_in_place(app, top)
        app.push_screen(PageView("help", None, draw_page=lambda snapshot, now, width: help_page(keys, width)))
    elif name in {"history", "journal"}:
        app.push_screen(JournalView())
    elif name == "drift":
        app.push_screen(
            PageView("drift", key, draw_page=lambda snapshot, now, width: drift_page(snapshot, key, now, width))
        )
    elif name == "events":
        app.push_screen(PageView("events", key, draw_page=_events(app, key)))
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


def _events(app: CockpitApp, key: Key | None) -> Draw:
    """Events, below what the fleet has no room for: notices of the session, and what is hidden or lost."""

    def page(snapshot: Snapshot, now: float, width: int) -> list[Line]:
        return [*notes(app.notices, width), *gaps(snapshot, now), *event_page(snapshot.events, key, width)]

    return page


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
