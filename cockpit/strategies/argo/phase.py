"""Phase and message of a Rollout: the client's rules, the controller's where no phase was written (facts 2.1)."""

from __future__ import annotations

from typing import Any, get_args

from cockpit.base.clock import parse_time
from cockpit.model.rollout import PausedBy, Phase
from cockpit.strategies.argo.names import INCONCLUSIVE, UNOBSERVED, UNPAUSING, WORKLOAD_GENERATION
from cockpit.strategies.argo.rows import RolloutRow, RolloutSpec, RolloutStatus
from cockpit.strategies.values import count, flag, integer, mapping, number_text, objects, text

_PHASES: tuple[str, ...] = get_args(Phase)
_FATAL = (  # first match wins, before any pause
    ("type", "InvalidSpec", "InvalidSpec"),
    ("reason", "RolloutAborted", "RolloutAborted"),
    ("reason", "ProgressDeadlineExceeded", "ProgressDeadlineExceeded"),
)


def observed(row: RolloutRow, status: RolloutStatus) -> bool:
    """Whether the controller has seen this generation. ``observedGeneration`` is text; a hash (v0.9) counts as seen."""
    raw = status.observed_generation
    if raw is None or raw == "":
        return False
    number = number_text(raw)
    return number is None or number >= row.meta.generation


def phase(row: RolloutRow) -> tuple[Phase, str]:
    """(phase, message) as ``kubectl argo rollouts status`` would say it."""
    spec, status = row.spec or RolloutSpec(), row.status or RolloutStatus()
    if not observed(row, status):
        return "Progressing", UNOBSERVED
    if flag(status.controller_pause) and not objects(status.pause_conditions):
        return "Progressing", UNPAUSING
    if mapping(spec.workload_ref):
        annotated = number_text(row.meta.annotations.get(WORKLOAD_GENERATION))
        if annotated is not None and annotated != number_text(status.workload_observed_generation):
            return "Progressing", f"{UNOBSERVED} for the reference workload"
    for known in _PHASES:
        if status.phase == known:
            return known, text(status.message)  # type: ignore[return-value]
    return calculated(spec, status)


def calculated(spec: RolloutSpec, status: RolloutStatus) -> tuple[Phase, str]:
    """The controller's own rules, for objects that carry no phase."""
    conditions = objects(status.conditions)
    for member, wanted, prefix in _FATAL:
        for condition in conditions:
            if condition.get(member) == wanted:
                return "Degraded", f"{prefix}: {text(condition.get('message'))}"
    if flag(spec.paused):
        return "Paused", "manually paused"
    for pause in objects(status.pause_conditions):
        return "Paused", text(pause.get("reason"), 253) or "paused"
    if spec.restart_at is not None and spec.restart_at != status.restarted_at:
        return "Progressing", "rollout is restarting"
    wanted_replicas = integer(spec.replicas)
    updated = count(status.updated_replicas)
    if updated < (1 if wanted_replicas is None else wanted_replicas):
        return "Progressing", "more replicas need to be updated"
    if count(status.available_replicas) < updated:
        return "Progressing", "updated replicas are still becoming available"
    stable = status.stable_rs == status.current_pod_hash
    strategy = mapping(spec.strategy)
    if "blueGreen" in strategy:
        if mapping(status.blue_green).get("activeSelector") != status.current_pod_hash:
            return "Progressing", "active service cutover pending"
        return ("Healthy", "") if stable else ("Progressing", "waiting for analysis to complete")
    if not mapping(mapping(strategy.get("canary")).get("trafficRouting")) and count(status.replicas) > updated:
        return "Progressing", "old replicas are pending termination"
    return ("Healthy", "") if stable else ("Progressing", "waiting for all steps to complete")


def paused_by(spec: RolloutSpec, status: RolloutStatus) -> PausedBy | None:
    """Who holds the rollout: a human (``spec.paused``) before the controller's own pause."""
    if flag(spec.paused):
        return "human"
    for pause in objects(status.pause_conditions):
        return "inconclusive" if pause.get("reason") in INCONCLUSIVE else "step"
    return None


def pause_started(status: RolloutStatus) -> float | None:
    """When the controller's pause began."""
    for pause in objects(status.pause_conditions):
        return parse_time(_string(pause.get("startTime")))
    return None


def condition_time(status: RolloutStatus, kind: str, wanted: str) -> float | None:
    """When a condition last became ``wanted`` ("True", "False")."""
    for condition in objects(status.conditions):
        if condition.get("type") == kind and condition.get("status") == wanted:
            return parse_time(_string(condition.get("lastTransitionTime")))
    return None


def duration_time(status: RolloutStatus, member: str) -> float | None:
    """A stamp of ``status.duration``, which only newer controllers write."""
    return parse_time(_string(mapping(status.duration).get(member)))


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None
