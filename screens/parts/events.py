"""Events and past acts as lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cockpit.model.event import Event
from cockpit.model.resource import Key
from cockpit.ports import PastAct
from screens.draw.format import clock, day_clock
from screens.draw.line import Line

_RESULT = {
    "done": "ok", "accepted": "info", "nothing-to-do": "dim", "moved": "warn", "refused": "warn", "denied": "warn",
    "failed": "bad", "unknown": "unknown", "planned": "dim",
}  # fmt: skip


def result_role(result: str | None) -> str:
    return _RESULT.get(result or "unknown", "unknown")


def event_line(event: Event, width: int, *, name: bool = True) -> Line:
    """``03:12:31  checkout-api  Reason  message  ×3``."""
    line = Line(f"{clock(event.at)}  ", "dim")
    if name:
        line.add(event.rollout.name if event.rollout else event.name, "strong", 16 if width >= 100 else 12).add("  ")
    line.add(event.reason, "warn" if event.type == "Warning" else "text").add("  ")
    line.add(event.message, "text")
    if event.count > 1:
        line.add(f"  ×{event.count}", "dim")
    return line.cut(width)


def of_rollout(events: Iterable[Event], key: Key | None) -> list[Event]:
    return [event for event in events if key is None or event.rollout == key]


def event_page(events: Sequence[Event], key: Key | None, width: int) -> list[Line]:
    """All events in full, newest first."""
    lines = []
    for event in of_rollout(events, key):
        line = Line(f"{clock(event.at)}  ", "dim").add(event.type, "warn" if event.type == "Warning" else "dim", 8)
        line.add(f"{event.kind}/{event.name}", "strong").add("  ").add(event.reason, "text").add(
            f"  {event.message}", "text"
        )
        if event.count > 1:
            line.add(f"  ×{event.count}", "dim")
        if event.reporter:
            line.add(f"  ({event.reporter})", "dim")
        lines.append(line)
    return lines or [Line("no events are known", "dim")]


def act_page(acts: Sequence[PastAct], width: int) -> list[Line]:
    """The journal as a table, newest first."""
    lines = [
        Line().add("WHEN", "title", 15).add("ROLLOUT", "title", 30).add("VERB", "title", 10).add("RESULT", "title", 14)
        .add("BY", "title", 18).add("FROM → TO", "title")
    ]  # fmt: skip
    for act in acts:
        line = Line().add(day_clock(act.at), "dim", 15).add(f"{act.namespace}/{act.name}", "strong", 29).add(" ")
        line.add(act.verb, "text", 10).add(act.result or "open", result_role(act.result), 14)
        line.add(act.actor, "text", 17).add(" ")
        if act.from_ or act.to:
            line.add(f"{act.from_ or '?'} → {act.to or '?'}", "dim")
        if act.reason:
            line.add(f"   “{act.reason}”", "text")
        lines.append(line)
    if not acts:
        lines.append(Line("nothing has been done from this seat yet", "dim"))
    return lines
