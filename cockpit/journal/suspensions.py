"""Suspended GitOps owners as the journal knows them: who did it, what was in force before, and whether it stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from cockpit.journal.store import Row, body

_CARRIED_OUT = ("done", "accepted", "unknown")
"""Results after which an owner may be suspended; what is resumed is believed only once it was seen."""


class Owner(msgspec.Struct, frozen=True):
    """The owner in a plan's goal. ``before``, ``after``: the value at ``member`` (a JSON pointer), None: absent."""

    kind: str
    namespace: str
    name: str
    uid: str
    member: str
    before: Any = None
    after: Any = None
    group: str = ""
    version: str = ""
    plural: str = ""
    resource_version: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Suspension(msgspec.Struct, frozen=True):
    """One owner that was suspended. ``kind``, ``namespace``, ``name``: the rollout it was done for."""

    op_id: str
    at: float  # unix seconds of the seat
    actor: str
    cluster: str
    kind: str
    namespace: str
    name: str
    owner: Owner


def open_suspensions(acts: Iterable[tuple[Row, Row | None]]) -> tuple[Suspension, ...]:
    """``acts``: intents with their newest outcome, oldest first."""
    standing: dict[str, Suspension] = {}
    for row, outcome in acts:
        owner = owner_of(body(row))
        if owner is None or outcome is None:
            continue
        if row["verb"] == "unsuspend":
            if outcome["result"] == "done":
                standing.pop(owner.uid, None)
        elif outcome["result"] in _CARRIED_OUT:
            standing.pop(owner.uid, None)
            standing[owner.uid] = _suspension(row, owner)
    return tuple(standing.values())


def owner_of(content: Any) -> Owner | None:
    """The owner in an intent's body; None for a row that somebody damaged."""
    plan = content.get("plan") if isinstance(content, dict) else None
    goal = plan.get("goal") if isinstance(plan, dict) else None
    try:
        return msgspec.convert(goal.get("owner") if isinstance(goal, dict) else None, Owner)
    except msgspec.ValidationError:
        return None


def _suspension(row: Row, owner: Owner) -> Suspension:
    by = body(row).get("by")
    cluster = by.get("cluster") if isinstance(by, dict) else None
    return Suspension(
        op_id=row["op_id"],
        at=row["at"] / 1000,
        actor=row["actor"],
        cluster=str(cluster or ""),
        kind=row["kind"],
        namespace=row["namespace"],
        name=row["name"],
        owner=owner,
    )
