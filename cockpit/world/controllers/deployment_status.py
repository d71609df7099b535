"""A Deployment's status: counts, Available, Progressing with its deadline, ReplicaFailure, pause marks."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal

from cockpit.base.clock import parse_time
from cockpit.world.contract import Object
from cockpit.world.controllers.kit import condition, drop_condition, integer, replicas, set_condition

Milestone = Literal["created", "found"]

_NEVER = 2**31 - 1  # "no deadline", as the API writes it


def is_complete(deployment: Object, status: Mapping[str, Any]) -> bool:
    """Every replica updated and available, none of the old left, the spec observed."""
    wanted = replicas(deployment)
    return (
        integer(status.get("updatedReplicas"), 0) == wanted
        and integer(status.get("replicas"), 0) == wanted
        and integer(status.get("availableReplicas"), 0) == wanted
        and integer(status.get("observedGeneration"), 0) >= deployment["metadata"].get("generation", 1)
    )


def deadline(deployment: Object, status: Mapping[str, Any]) -> float | None:
    """When lack of progress becomes a failure; None when it cannot."""
    progressing = condition(status, "Progressing")
    seconds = integer(deployment["spec"].get("progressDeadlineSeconds"), 600)
    if progressing is None or seconds >= _NEVER or deployment["spec"].get("paused"):
        return None
    if progressing["reason"] in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded"):
        return None
    return (parse_time(progressing["lastUpdateTime"]) or 0.0) + seconds + 1


def compute(
    deployment: Object,
    old: Mapping[str, Any],
    counts: Mapping[str, int],
    max_unavailable: int,
    new: Object | None,
    failure: Mapping[str, Any] | None,
    milestone: Milestone | None,
    now: float,
) -> dict[str, Any]:
    """The next status, from the last one and what the ReplicaSets report."""
    status: dict[str, Any] = {name: count for name, count in counts.items() if count}
    status["observedGeneration"] = deployment["metadata"].get("generation", 1)
    missing = max(counts["replicas"], replicas(deployment)) - counts["availableReplicas"]
    if missing > 0:
        status["unavailableReplicas"] = missing
    if "collisionCount" in old:
        status["collisionCount"] = old["collisionCount"]
    status["conditions"] = copy.deepcopy(list(old.get("conditions") or ()))
    enough = counts["availableReplicas"] >= replicas(deployment) - max_unavailable
    if enough:
        text = "Deployment has minimum availability."
        set_condition(status, "Available", "True", "MinimumReplicasAvailable", text, now)
    else:
        text = "Deployment does not have minimum availability."
        set_condition(status, "Available", "False", "MinimumReplicasUnavailable", text, now)
    _progress(deployment, old, status, new, milestone, now)
    if failure is not None:
        set_condition(status, "ReplicaFailure", "True", failure["reason"], failure["message"], now)
    else:
        drop_condition(status, "ReplicaFailure")
    return status


def _progress(
    deployment: Object,
    old: Mapping[str, Any],
    status: dict[str, Any],
    new: Object | None,
    milestone: Milestone | None,
    now: float,
) -> None:
    seconds = integer(deployment["spec"].get("progressDeadlineSeconds"), 600)
    if seconds >= _NEVER:
        drop_condition(status, "Progressing")
        return
    name = new["metadata"]["name"] if new is not None else ""
    current = condition(status, "Progressing")
    if deployment["spec"].get("paused"):
        if current is None or current["reason"] != "DeploymentPaused":
            set_condition(status, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now)
        return
    if current is not None and current["reason"] == "DeploymentPaused":
        set_condition(status, "Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", now)
        return
    if milestone == "created":
        text = f'Created new replica set "{name}"'
        set_condition(status, "Progressing", "True", "NewReplicaSetCreated", text, now)
        return
    if milestone == "found" and current is None:
        text = f'Found new replica set "{name}"'
        set_condition(status, "Progressing", "True", "FoundNewReplicaSet", text, now)
        return
    settled = current is not None and current["reason"] == "NewReplicaSetAvailable"
    if settled and status.get("replicas", 0) == status.get("updatedReplicas", 0):
        return
    if is_complete(deployment, status):
        text = f'ReplicaSet "{name}" has successfully progressed.'
        set_condition(status, "Progressing", "True", "NewReplicaSetAvailable", text, now)
    elif _moved(old, status):
        text = f'ReplicaSet "{name}" is progressing.'
        set_condition(status, "Progressing", "True", "ReplicaSetUpdated", text, now, touch=True)
    elif current is not None and current["reason"] != "ProgressDeadlineExceeded":
        since = parse_time(current["lastUpdateTime"]) or now
        if now > since + seconds:
            text = f'ReplicaSet "{name}" has timed out progressing.'
            set_condition(status, "Progressing", "False", "ProgressDeadlineExceeded", text, now)


def _moved(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Anything that counts as progress since the last status."""

    def count(status: Mapping[str, Any], name: str) -> int:
        return integer(status.get(name), 0)

    outdated = count(new, "replicas") - count(new, "updatedReplicas")
    before = count(old, "replicas") - count(old, "updatedReplicas")
    return (
        count(new, "updatedReplicas") > count(old, "updatedReplicas")
        or outdated < before
        or count(new, "readyReplicas") > count(old, "readyReplicas")
        or count(new, "availableReplicas") > count(old, "availableReplicas")
    )
