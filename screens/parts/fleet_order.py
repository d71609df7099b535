"""Which rollouts the fleet shows and in which order: the view, a filter, marks, and the sort."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Literal, NamedTuple

from cockpit.model.resource import Key
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Snapshot
from cockpit.model.urgency import in_default_view, urgency
from screens.parts.status import status

Sort = Literal["urgency", "name", "namespace", "age"]
SORTS: tuple[Sort, ...] = ("urgency", "name", "namespace", "age")


class Filter(NamedTuple):
    """A regular expression over a row's text; ``inverse`` keeps what does not match."""

    text: str
    pattern: re.Pattern[str]
    inverse: bool


def parse_filter(text: str) -> Filter | None:
    """``!`` in front inverts; empty is no filter. Raises ValueError with a sentence for a bad expression."""
    body = text.removeprefix("!")
    if not body:
        return None
    try:
        return Filter(text, re.compile(body, re.IGNORECASE), text.startswith("!"))
    except re.error as error:
        raise ValueError(f"filter {body!r} is not a regular expression: {error}") from None


def ordered(
    snapshot: Snapshot, now: float, sort: Sort, chosen: Filter | None, marks: Collection[Key], *, everything: bool
) -> list[Key]:
    """The keys to show, marked ones on top; ``everything``: also what is not in flight."""
    assessments = snapshot.assessments

    def rank(rollout: Rollout) -> tuple[Any, ...]:
        pinned = rollout.key not in marks
        if sort == "name":
            return (pinned, rollout.key.name, rollout.key)
        if sort == "namespace":
            return (pinned, rollout.key.namespace, rollout.key.name, rollout.key)
        if sort == "age":
            return (pinned, -(rollout.started_at or rollout.created_at or 0.0), rollout.key)
        return (pinned, urgency(rollout, assessments.get(rollout.key)), rollout.key)

    shown = (
        rollout
        for rollout in snapshot.rollouts.values()
        if (everything or rollout.key in marks or in_default_view(rollout, now)) and _passes(snapshot, rollout, chosen)
    )
    return [rollout.key for rollout in sorted(shown, key=rank)]


def _passes(snapshot: Snapshot, rollout: Rollout, chosen: Filter | None) -> bool:
    if chosen is None:
        return True
    assessment = snapshot.assessments.get(rollout.key)
    state = assessment.verdict.state if assessment else ""
    word = status(rollout, assessment).word
    text = f"{rollout.key} {rollout.key.kind} {rollout.phase} {state} {word} {rollout.strategy}"
    return bool(chosen.pattern.search(text)) != chosen.inverse
