"""An intended change: verb, what the human saw, the guarded requests, and how it ended."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Literal

import msgspec

from cockpit.model.preflight import Preflight
from cockpit.model.resource import Key, Resource
from cockpit.model.right import Right
from cockpit.model.rollout import Rollout
from cockpit.model.verdict import Verdict

Verb = Literal[
    "advance", "skip", "full", "pause", "resume", "abort", "retry", "restart", "rollback", "suspend", "unsuspend"
]
OWNER_VERBS: frozenset[Verb] = frozenset({"suspend", "unsuspend"})
"""What is done to the GitOps owner of a rollout, by command only: its auto-sync, not the rollout."""
Result = Literal["done", "accepted", "nothing-to-do", "moved", "refused", "denied", "failed", "unknown", "planned"]
Direction = Literal["away", "toward", "hold"]
"""Where traffic goes: away from the canary, toward it, or it stays."""


class Tier(IntEnum):
    """What a confirmation asks for."""

    YES = 1  # key and y
    YES_WARNED = 2  # key and y, under a warning line
    NAME = 3  # typing the rollout's name


class Intent(msgspec.Struct, frozen=True):
    """What a person asked for, on the picture they saw."""

    verb: Verb
    rollout: Rollout  # as drawn
    verdict: Verdict | None = None
    to: str | None = None  # rollback: stable, last-good, a revision or a digest
    now: bool | None = None  # rollback: None lets the plan choose
    accept: bool = False  # advance on an inconclusive pause: accept without the check
    at_step: int | None = None
    at_hash: str | None = None
    at: float | None = None  # cluster time of the asking
    choice: str | None = None  # the id of the Refusal's choice that was picked
    held_by: str | None = None  # who paused the rollout by hand, where the journal knows
    held_bad: tuple[str, ...] = ()  # hashes the operator left before by an abort or a rollback (from the journal)

    @property
    def key(self) -> Key:
        return self.rollout.key


class Patch(msgspec.Struct, frozen=True):
    """One guarded JSON patch (RFC 6902). ``ops`` begin with the ``test`` operations."""

    resource: Resource
    namespace: str
    name: str
    subresource: str | None
    ops: tuple[dict[str, Any], ...]
    why: str  # what this request does, in words


class Plan(msgspec.Struct, frozen=True):
    """What will be sent and what it means. Strategies draft it; actions sets ``tier`` from its table.

    ``patches`` holds the first request, and those of a sequence that are known already; ``sequence`` names all stages
    in words. ``goal`` is opaque to all but the strategy that made it: it decides when the effect is observed.
    """

    verb: Verb
    key: Key
    uid: str
    title: str  # "ABORT", "PAUSE", "RESUME"…
    direction: Direction
    patches: tuple[Patch, ...]
    lines: tuple[tuple[str, str], ...]  # (label, text) of the dialog: traffic, effect, takes, runs…
    goal: dict[str, Any]
    sequence: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    skips_check: bool = False
    tier: Tier = Tier.NAME
    tier_reason: str = ""
    from_hash: str | None = None
    to_hash: str | None = None
    from_images: tuple[str, ...] = ()
    to_images: tuple[str, ...] = ()
    dialog_as_of: float | None = None
    needs: tuple[Right, ...] = ()  # rights of requests that are made on the way
    preflight: Preflight | None = None  # of a rollback: what was found when it was drawn up
    deadline: float = 120.0  # cluster seconds until "accepted, but the controller is not acting"


class Refusal(msgspec.Struct, frozen=True):
    """Why a verb is not possible now, and which key or command is. ``result`` is "refused" or "nothing-to-do"."""

    verb: Verb
    key: Key
    reason: str
    result: Result = "refused"
    choices: tuple[tuple[str, str], ...] = ()  # (choice id, text): the plan asks the person to choose
    preflight: Preflight | None = None  # what the checks found all the same, where they could be made


class Consent(msgspec.Struct, frozen=True):
    """What the person gave: ``yes`` is the y, ``name`` the typed name (which includes the yes)."""

    yes: bool = False
    name: str | None = None
    reason: str | None = None
    overrides: tuple[str, ...] = ()  # checks of the pre-flight that the person overrode by naming them


class Outcome(msgspec.Struct, frozen=True):
    """How a verb ended; the JSON of a command. ``requests`` are the requests that were (or would be) sent."""

    verb: Verb
    namespace: str
    name: str
    result: Result
    requests: tuple[dict[str, Any], ...]
    observed: str | None
    op_id: str | None
    reason: str


class Pending(msgspec.Struct, frozen=True):
    """A verb under way on a rollout, for its row and the key bar."""

    op_id: str
    verb: Verb
    stage: Literal["sending", "sent", "accepted", "done", "failed"]
    text: str
    at: float
