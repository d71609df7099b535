"""What somebody did to a rollout, from any seat: the words for its row, its status line and its dialog."""

from __future__ import annotations

from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import SeatAct
from screens.draw.format import coarse

FRESH_SECONDS = 600.0
"""For so long an act of another seat is news on the row of its rollout."""


def act_said(act: SeatAct, now: float) -> str:
    """``sre2 paused 2m ago: wait for db``."""
    who, rest = (act.actor, act.text[len(act.actor) :]) if act.text.startswith(act.actor) else ("", act.text)
    did, colon, why = rest.partition(": ")
    return f"{who}{did} {coarse(now - act.at)} ago{colon}{why}"


def news(act: SeatAct | None, now: float) -> SeatAct | None:
    """The act while it is another seat's and fresh."""
    return act if act is not None and not act.own and now - act.at < FRESH_SECONDS else None


def holder(rollout: Rollout, act: SeatAct | None, now: float) -> str:
    """Who holds a rollout where it stands, since when and why, however long ago; empty when nobody said so."""
    if act is None or {"pause": rollout.paused_by == "human", "abort": rollout.aborted}.get(act.verb) is not True:
        return ""
    return act_said(act, now)
