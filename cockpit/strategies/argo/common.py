"""What the verbs of a Rollout share: the goal they are observed by, and who holds a rollout by hand."""

from __future__ import annotations

from cockpit.base.errors import CockpitError
from cockpit.model.guards import HASH, PAUSED, PAUSES, STABLE
from cockpit.model.plan import Intent, Refusal
from cockpit.model.resource import ROLLOUTS
from cockpit.model.rollout import Rollout
from cockpit.strategies.contract import Reader
from cockpit.strategies.drafts import holder, named, refuse

FIELD_MANAGER = "rollout-cockpit"
BY_HAND = "paused by {}; P resumes"


def goal(rollout: Rollout, kind: str) -> dict[str, object]:
    return {
        "kind": kind,
        "hash": rollout.canary.hash if rollout.canary else rollout.seen.get(HASH),
        "index": rollout.step_index,
        "pauses": rollout.seen.get(PAUSES),
        "paused": rollout.seen.get(PAUSED),
    }


def not_in_flight(intent: Intent) -> Refusal | None:
    rollout = intent.rollout
    if not rollout.controller_seen:
        return refuse(intent, "no controller has looked at this rollout yet; cockpit doctor says what is missing")
    if rollout.canary is None and not unknown_versions(rollout):
        return refuse(intent, f"nothing is in flight: {named(rollout.baseline)} serves everything", "nothing-to-do")
    return None


def unknown_versions(rollout: Rollout) -> bool:
    """Two versions by the status, though the canary's ReplicaSet is not in sight (no rights on ReplicaSets, a lag)."""
    seen = rollout.seen
    current = seen.get(HASH)
    return bool(current) and current != seen.get(STABLE)


async def who(intent: Intent, reader: Reader) -> str:
    """Who paused the rollout: the manager of the field, and for our own writes the actor that the journal names.

    A refusal is said in any case, whether or not this read succeeds.
    """
    rollout = intent.rollout
    try:
        fresh = await reader.get(ROLLOUTS, rollout.key.namespace, rollout.key.name)
    except CockpitError:
        return "hand"
    manager = holder(fresh)
    if manager == FIELD_MANAGER and intent.held_by:
        return intent.held_by
    return manager or "hand"
