"""Events and past acts as lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cockpit.model.event import Event
from cockpit.model.resource import Key
from cockpit.ports import PastAct
from screens.draw import glyphs
from screens.draw.format import UNKNOWN, clock, day_clock, image_name, short_digest
from screens.draw.line import Line
from screens.parts.brief import brief

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


def act_heading(width: int) -> Line:
    line = Line().add("WHEN (UTC)", "title", 16).add("ROLLOUT", "title", 30 if width >= 100 else 21)
    line.add("VERB", "title", 10).add("RESULT", "title", 14)
    if width >= 100:
        line.add("BY", "title", 18)
    return line.add("WHY · FROM → TO" if width >= 100 else "WHY", "title")


def act_row(act: PastAct, width: int) -> Line:
    """One operation of the journal. What is proven to have happened has the check mark."""
    line = Line().add(day_clock(act.at), "dim", 15).add(" ")
    line.add(f"{act.namespace}/{act.name}", "strong", 29 if width >= 100 else 20).add(" ")
    line.add(act.verb, "text", 9).add(" ")
    proven = f" {glyphs.OK}" if act.verified_at is not None else ""
    line.add((act.result or "open") + proven, result_role(act.result), 13).add(" ")
    if width >= 100:
        line.add(act.actor, "text", 17).add(" ")
    if act.afterwards:  # weighs more than that it was done, and than why
        line.add(f"{glyphs.BAD} {brief(act.afterwards, 0)}", "bad").add("  ")
    if act.reason:
        line.add(f"“{act.reason}”", "text").add("  ")
    if width >= 100 and (act.from_ or act.to):
        line.add(f"{_version(act.from_)} → {_version(act.to)}", "dim")
    return line.cut(width)


def _version(named: str | None) -> str:
    """An image by its name and digest, short; a hash as it is."""
    if not named:
        return UNKNOWN
    first = named.split(", ")[0]
    name, _, pinned = first.partition("@")
    return f"{image_name(name)}@{short_digest(pinned)}" if pinned else image_name(name)
