"""What is known of a rollout besides its verdict, in one line: a rollback that did not last, other seats, drift."""

from __future__ import annotations

from cockpit.model.plan import Pending
from cockpit.model.resource import Key
from cockpit.model.snapshot import Snapshot
from screens.draw import glyphs
from screens.draw.format import clock
from screens.draw.line import Line
from screens.parts.drift import drift_piece
from screens.parts.seats import act_said, news


def failed(pending: Pending | None) -> bool:
    """Whether what was done did not come to what was meant: a rollback that was flipped back, a verb that failed."""
    return pending is not None and pending.stage == "failed"


def failed_line(pending: Pending) -> Line:
    """``03:12:41 ✖ rolled back to rev 41, flipped back by Argo CD 5 s later``."""
    return Line(f" {clock(pending.at)} ", "dim").add(f" {glyphs.BAD} ", "bad-banner").add(f" {pending.text}", "bad")


def beside(snapshot: Snapshot, key: Key, now: float, width: int) -> Line:
    """The gravest first, as many as fit; empty when there is nothing to tell."""
    line = Line()
    pending = snapshot.pending.get(key)
    if pending is not None and failed(pending):
        line.extend(failed_line(pending))
    if (act := news(snapshot.acts.get(key), now)) is not None:
        line.add("   " if line.width else " ").add(f"{glyphs.LIVE} ", "key").add(act_said(act, now), "strong")
    if (drift := drift_piece(snapshot.drifts.get(key, ()))).width:
        line.add("   " if line.width else " ").extend(drift)
    return line.cut(width)
