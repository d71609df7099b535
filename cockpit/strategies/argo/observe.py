"""Whether the effect of a verb can be seen on a fresh picture of a Rollout: its goal is the state, not the patch."""

from __future__ import annotations

from typing import Any

from cockpit.model.guards import CONTROLLER_PAUSE, HASH, PAUSES
from cockpit.model.rollout import Rollout
from cockpit.strategies.contract import Observation
from cockpit.strategies.drafts import named, share
from cockpit.strategies.goals import controller_state, restarted, rolled_back, settled


def observe(verb: str, goal: dict[str, Any], rollout: Rollout) -> Observation:
    """Dispatches on the goal's kind. Every goal but a rollback's is void once another version is rolled out."""
    kind = goal.get("kind")
    if kind == "rolled-back":
        return rolled_back(goal, rollout, rollout.seen.get(HASH))
    current = rollout.seen.get(HASH)
    if kind == "paused":
        return settled(rollout.paused_by == "human", "paused by hand", rollout)
    if kind == "restarted":
        return restarted(goal, rollout)
    if kind == "resumed":
        return settled(rollout.paused_by != "human", "no longer paused by hand", rollout)
    if current != goal.get("hash"):
        return Observation("superseded", "another version is being rolled out now")
    if kind == "released":
        return _released(goal, rollout)
    if kind == "promoted":
        done = rollout.canary is None and rollout.baseline is not None
        return settled(done, f"{named(rollout.baseline)} is fully promoted", rollout)
    if kind == "aborted":
        return _aborted(rollout)
    if kind == "retried":
        return settled(not rollout.aborted and rollout.phase != "Degraded", "started again at step 1", rollout)
    return Observation("waiting", f"{verb}: nothing tells how this would be observed")


def _released(goal: dict[str, Any], rollout: Rollout) -> Observation:
    pauses = rollout.seen.get(PAUSES)
    if rollout.canary is None and rollout.baseline is not None and rollout.baseline.hash == goal.get("hash"):
        return Observation("done", f"{named(rollout.baseline)} is fully promoted")
    if rollout.strategy == "bluegreen":
        if rollout.weight.actual == 1.0:
            return Observation("done", f"the active Service selects {named(rollout.canary)}")
        return Observation("waiting", controller_state(rollout))
    index, before = rollout.step_index, goal.get("index")
    if index is not None and isinstance(before, int) and index > before:
        step = rollout.step
        where = f"step {index + 1} of {len(rollout.steps)} ({step.label})" if step else "the last step is done"
        return Observation("done", f"{where}, {share(rollout)}")
    if rollout.aborted:
        return Observation("superseded", "the rollout was aborted meanwhile")
    if not pauses and rollout.seen.get(CONTROLLER_PAUSE) is not True and rollout.paused_by is None:
        return Observation("done", "released")
    if pauses and pauses != goal.get("pauses"):
        return Observation("done", f"went on and is paused anew: {rollout.message}")
    return Observation("waiting", controller_state(rollout))


def _aborted(rollout: Rollout) -> Observation:
    if not rollout.aborted:
        return Observation("waiting", f"the abort is not in force: {controller_state(rollout)}")
    if rollout.paused_by == "human":
        return Observation("waiting", "aborted, but paused by hand: it takes effect once resumed")
    if rollout.phase != "Degraded":  # the flag alone says nothing: a canary may have no weight before its first step
        return Observation("waiting", f"the controller has not acted on the abort: {controller_state(rollout)}")
    canary = rollout.canary
    if rollout.weight.actual == 0.0 and (rollout.strategy == "bluegreen" or rollout.traffic is not None):
        return Observation("done", f"{named(rollout.baseline)} serves everything; the canary serves nothing")
    if canary is not None and canary.ready == 0 and canary.available == 0:
        return Observation("done", f"{named(rollout.baseline)} serves everything; no canary pod is ready")
    return Observation("waiting", f"aborting: {named(canary)} still has {share(rollout)}")
