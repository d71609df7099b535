"""``status.phase`` and ``status.message`` of a Rollout (facts 2.1, first match wins). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cockpit.world.contract import Object
from cockpit.world.controllers.kit import condition, integer, replicas
from cockpit.world.controllers.rollouts import spec


def phase_of(rollout: Object, status: Mapping[str, Any]) -> tuple[str, str]:
    """(phase, message) that the controller writes for ``status``."""
    conditions = status.get("conditions") or ()
    invalid = condition(status, "InvalidSpec")
    if invalid is not None:
        return "Degraded", f"InvalidSpec: {invalid['message']}"
    for reason in ("RolloutAborted", "ProgressDeadlineExceeded"):
        found = next((item for item in conditions if item.get("reason") == reason), None)
        if found is not None:
            return "Degraded", f"{reason}: {found['message']}"
    if rollout["spec"].get("paused"):
        return "Paused", "manually paused"
    for pause in status.get("pauseConditions") or ():
        return "Paused", str(pause["reason"])
    if rollout["spec"].get("restartAt") and rollout["spec"]["restartAt"] != status.get("restartedAt"):
        return "Progressing", "rollout is restarting"
    updated = integer(status.get("updatedReplicas"), 0)
    if updated < replicas(rollout):
        return "Progressing", "more replicas need to be updated"
    if integer(status.get("availableReplicas"), 0) < updated:
        return "Progressing", "updated replicas are still becoming available"
    current, stable = status.get("currentPodHash"), status.get("stableRS")
    if spec.blue_green(rollout) is not None:
        active = (status.get("blueGreen") or {}).get("activeSelector")
        if not active or active != current:
            return "Progressing", "active service cutover pending"
        if stable != current:
            if (spec.blue_green(rollout) or {}).get("postPromotionAnalysis"):
                return "Progressing", "waiting for post-promotion verification to complete"
            return "Progressing", "waiting for analysis to complete"
        return "Healthy", ""
    if not spec.routed(rollout) and integer(status.get("replicas"), 0) > updated:
        return "Progressing", "old replicas are pending termination"
    if stable != current:
        return "Progressing", "waiting for all steps to complete"
    return "Healthy", ""
