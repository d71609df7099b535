"""What somebody did to a rollout, from any seat: the words for its row, its status line and its dialog."""

from __future__ import annotations

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
