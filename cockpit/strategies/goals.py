"""Goals that every kind of rollout shares: a version in force, pods that run it, pods younger than a restart."""

from __future__ import annotations

from typing import Any

from cockpit.model.rollout import Arm, Rollout
from cockpit.strategies.contract import Observation
from cockpit.strategies.drafts import named
from cockpit.strategies.values import plural, text

_UNOBSERVED = "spec update to be observed"


def controller_state(rollout: Rollout) -> str:
    """What the controller says, for a verb that is not observed yet."""
    return f"{rollout.phase}: {rollout.message}" if rollout.message else rollout.phase


def observed(rollout: Rollout) -> bool:
    """Whether the controller has looked at the newest specification; until then its status is of the one before."""
    return _UNOBSERVED not in rollout.message


def settled(done: bool, words: str, rollout: Rollout) -> Observation:
    if done and observed(rollout):
        return Observation("done", words)
    return Observation("waiting", controller_state(rollout))


def is_target(goal: dict[str, Any], rollout: Rollout, current: str) -> bool:
    """Whether the version being rolled out is the one that was asked for: by its hash, or by its pinned images."""
    if goal.get("hash"):
        return bool(current == goal["hash"])
    arm = rollout.canary or rollout.baseline
    if arm is None or arm.hash != current or current == goal.get("left"):
        return False
    return {image.container: image.image for image in arm.images} == goal.get("images")


def rolled_back(goal: dict[str, Any], rollout: Rollout, current_hash: Any) -> Observation:
    """The target is in force and its pods are up; with ``all`` set, nothing else serves as well."""
    current = text(current_hash, 63)
    if not is_target(goal, rollout, current):
        arm = rollout.canary or rollout.baseline
        # A pinned target is told by its images: until its ReplicaSet is in sight nobody knows whose version this is.
        told = bool(goal.get("hash")) or (arm is not None and arm.hash == current)
        if told and current and current != goal.get("left") and observed(rollout):
            return Observation("superseded", "another version is being rolled out now")
        return Observation("waiting", controller_state(rollout))
    arm = rollout.canary or rollout.baseline
    if rollout.paused_by == "human":
        return Observation("waiting", "the target is set, but the rollout is paused by hand")
    everything = bool(goal.get("all"))
    if not observed(rollout) or (
        everything and (rollout.canary is not None or rollout.replicas.updated < rollout.replicas.desired)
    ):
        return Observation("waiting", f"{named(arm)}: {controller_state(rollout)}")
    return running(arm, goal, rollout.replicas.desired if everything else None)


def running(arm: Arm | None, goal: dict[str, Any], wanted: int | None) -> Observation:
    """Whether enough new pods of the target are up. ``wanted``: how many must be available, None for any.

    Which image each of them runs is proven by actions from what the kubelets report: here a pinned image is only said.
    """
    if arm is None:
        return Observation("waiting", "the target's ReplicaSet is not in sight yet")
    pods = [pod for pod in arm.pods if not pod.terminating]
    need = arm.desired if wanted is None else wanted
    if arm.available < max(need, 1 if wanted is None else 0) or any(not pod.ready for pod in pods):
        return Observation("waiting", f"{named(arm)}: {arm.available} of {plural(need, 'pod')} available")
    proof = "" if goal.get("digests") else ", digest not known"
    runs = "runs" if len(pods) == 1 else "run"
    return Observation("done", f"{plural(len(pods), 'pod')} of {named(arm)} {runs} the target{proof}")


def restarted(goal: dict[str, Any], rollout: Rollout) -> Observation:
    """Every pod of the versions that run is younger than the restart that was asked for."""
    since = goal.get("at")
    pods = [pod for arm in (rollout.canary, rollout.baseline) if arm for pod in arm.pods]
    young = all(
        pod.created_at is not None and isinstance(since, int | float) and pod.created_at >= int(since) and pod.ready
        for pod in pods
    )
    return settled(young, "every pod is younger than the restart", rollout)
