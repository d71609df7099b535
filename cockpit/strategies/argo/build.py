"""A Rollout row and what it owns become model.Rollout (facts 2, 3). Odd input degrades to unknown, never raises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cockpit.base.clock import parse_time
from cockpit.base.text import clean
from cockpit.cluster.rows import ReplicaSetRow
from cockpit.model.guards import (
    ABORT,
    CONTROLLER_PAUSE,
    FULL,
    GENERATION,
    HASH,
    PAUSED,
    PAUSES,
    STABLE,
    STEP,
    UID,
    WORKLOAD,
)
from cockpit.model.resource import ANALYSISRUNS, DEPLOYMENTS, REPLICASETS, Key
from cockpit.model.rollout import Arm, Replicas, Rollout, Step, Weight
from cockpit.strategies import arms
from cockpit.strategies.argo.checks import checks
from cockpit.strategies.argo.names import HASH_LABEL, REVISION
from cockpit.strategies.argo.phase import (
    condition_time,
    duration_time,
    pause_started,
    paused_by,
    phase,
)
from cockpit.strategies.argo.rows import RolloutRow, RolloutSpec, RolloutStatus
from cockpit.strategies.argo.steps import max_weight, set_weight, steps, traffic_router
from cockpit.strategies.contract import Shelf
from cockpit.strategies.image import declared_digest
from cockpit.strategies.ownership import owner
from cockpit.strategies.values import count, flag, integer, mapping, objects, text


def build(row: RolloutRow, shelf: Shelf) -> Rollout:
    """The picture of one Rollout.

    Arms: ``baseline`` is the stable ReplicaSet, ``canary`` the newest while it differs. When both are the
    same the rollout has finished: there is no canary, and ``before`` is the version that served until then.
    """
    spec, status = row.spec or RolloutSpec(), row.status or RolloutStatus()
    strategy = mapping(spec.strategy)
    bluegreen = "blueGreen" in strategy
    canary_spec = mapping(strategy.get("canary"))
    replicasets: Sequence[ReplicaSetRow] = shelf.owned(REPLICASETS, row.meta.uid)
    by_hash = {arms.hash_of(each, HASH_LABEL): each for each in replicasets}
    current_hash, stable_hash = text(status.current_pod_hash, 63), text(status.stable_rs, 63)
    updating = bool(current_hash) and current_hash != stable_hash
    current, stable = by_hash.get(current_hash), by_hash.get(stable_hash)
    canary = _arm(current, "canary", shelf) if current is not None and updating else None
    baseline = _arm(stable, "baseline", shelf) if stable is not None else None
    previous = None if updating else _previous(replicasets, stable)

    state, message = phase(row)
    all_steps = () if bluegreen else steps(canary_spec)
    index = _step_index(status.current_step_index, all_steps)
    aborted = flag(status.abort)
    paused = paused_by(spec, status)
    step = all_steps[index] if index is not None and index < len(all_steps) else None
    started = pause_started(status)
    timed = _timed_pause(strategy, step, bluegreen=bluegreen)
    routed = traffic_router(canary_spec)
    return Rollout(
        key=Key("Rollout", clean(row.meta.namespace, 253), clean(row.meta.name, 253)),
        uid=row.meta.uid,
        resource_version=row.meta.resource_version,
        generation=row.meta.generation,
        strategy="bluegreen" if bluegreen else "canary",
        phase=state,
        message=message,
        replicas=Replicas(
            desired=count(spec.replicas) if integer(spec.replicas) is not None else 1,
            updated=count(status.updated_replicas),
            ready=count(status.ready_replicas),
            available=count(status.available_replicas),
        ),
        weight=_weight(
            status, canary_spec, all_steps, index, canary, baseline, updating, bluegreen=bluegreen, routed=routed
        ),
        seen=_seen(row, shelf),
        paused_by=paused,
        steps=all_steps,
        step_index=index,
        waits_for_human=paused == "inconclusive" or (paused == "step" and timed is None),
        in_flight=updating or state != "Healthy" or bool(objects(status.pause_conditions)) or flag(spec.paused),
        aborted=aborted,
        full=flag(status.promote_full),
        returning=updating and _returning(replicasets, current, stable),
        canary=canary,
        baseline=baseline,
        before=_arm(previous, "baseline", shelf) if previous is not None else None,
        checks=checks(shelf.owned(ANALYSISRUNS, row.meta.uid), current_hash),
        owner=owner(row.meta.labels, row.meta.annotations) or _workload_owner(row, spec, shelf),
        started_at=_started(status, canary) if updating else None,
        step_since=started if paused in ("step", "inconclusive") else None,
        pause_started_at=(duration_time(status, "manualPauseStartedAt") if paused == "human" else None) or started,
        pause_until=started + timed if started is not None and timed is not None and paused is not None else None,
        finished_at=_finished(status) if not updating and previous is not None else None,
        created_at=parse_time(row.meta.creation_timestamp),
        workload=_workload(row, spec),
        traffic=routed,
        stable_service=_service(strategy, "stableService", "activeService"),
        canary_service=_service(strategy, "canaryService", "previewService"),
        controller_seen=bool(status.observed_generation) or bool(status.phase),
        rollback_window=max(integer(mapping(spec.rollback_window).get("revisions")) or 0, 0),
        labels={clean(name, 317): clean(value, 253) for name, value in row.meta.labels.items()},
    )


def _service(strategy: Mapping[str, Any], canary: str, bluegreen: str) -> str | None:
    named = mapping(strategy.get("canary")).get(canary) or mapping(strategy.get("blueGreen")).get(bluegreen)
    return text(named, 253) or None


def workload_reference(spec: RolloutSpec) -> tuple[str, str] | None:
    """(kind, name) of ``spec.workloadRef``."""
    reference = mapping(spec.workload_ref)
    kind, name = text(reference.get("kind"), 63), text(reference.get("name"), 253)
    return (kind or "Deployment", name) if name else None


def _arm(row: ReplicaSetRow, role: Any, shelf: Shelf) -> Arm:
    return arms.arm(row, role, shelf, label=HASH_LABEL, revision_key=REVISION)


def _previous(replicasets: Sequence[ReplicaSetRow], stable: ReplicaSetRow | None) -> ReplicaSetRow | None:
    """What served before a finished rollout: the ReplicaSet with the next lower revision."""
    if stable is None:
        return None
    ordered = arms.newest_first(replicasets, REVISION)
    at = next((index for index, each in enumerate(ordered) if each is stable), None)
    return ordered[at + 1] if at is not None and at + 1 < len(ordered) else None


def _returning(
    replicasets: Sequence[ReplicaSetRow], current: ReplicaSetRow | None, stable: ReplicaSetRow | None
) -> bool:
    """A rollback in flight: the new version is older than the stable one, or pins the digests of one that is."""
    if current is None or stable is None:
        return False
    rank = arms.age_rank(stable, REVISION)
    if arms.age_rank(current, REVISION) < rank:
        return True
    wanted = _digests(current)
    return bool(wanted) and any(
        each is not current and arms.age_rank(each, REVISION) < rank and _digests(each) == wanted
        for each in replicasets
    )


def _digests(row: ReplicaSetRow) -> frozenset[tuple[str, str]]:
    """(container, digest) of every container, empty unless all are known."""
    known = [
        (each.name, declared_digest(each.image) or arms.MEMORY.recall(row.meta.uid, each.name))
        for each in row.spec.template.spec.containers
    ]
    return (
        frozenset((name, digest) for name, digest in known if digest)
        if all(digest for _, digest in known)
        else frozenset()
    )


def _step_index(raw: Any, all_steps: Sequence[Step]) -> int | None:
    index = integer(raw)
    if not all_steps or index is None:
        return None
    return min(max(index, 0), len(all_steps))


def _timed_pause(strategy: Mapping[str, Any], step: Step | None, *, bluegreen: bool) -> float | None:
    """Seconds of the pause in force, None for one that only a human ends."""
    if not bluegreen:
        return step.duration if step is not None and step.kind == "pause" else None
    spec = mapping(strategy.get("blueGreen"))
    if spec.get("autoPromotionEnabled") is False:
        return None
    seconds = integer(spec.get("autoPromotionSeconds"))
    return float(seconds) if seconds else None


def _weight(
    status: RolloutStatus,
    canary_spec: dict[str, Any],
    all_steps: Sequence[Step],
    index: int | None,
    canary: Arm | None,
    baseline: Arm | None,
    updating: bool,
    *,
    bluegreen: bool,
    routed: str | None,
) -> Weight:
    """Set and actual share of the newest version. With a router *actual* is what was written to it, not measured."""
    if not status.current_pod_hash:
        return Weight(None, None)
    if not updating:
        serving = baseline is not None and baseline.available > 0
        return Weight(1.0, 1.0 if serving else None)
    aborted = flag(status.abort)
    if bluegreen:
        active = mapping(status.blue_green).get("activeSelector")
        if not active:
            return Weight(0.0 if aborted else None, None)
        share = 1.0 if active == status.current_pod_hash else 0.0
        return Weight(0.0 if aborted else share, share)
    wanted = set_weight(all_steps, index, aborted=aborted)
    if routed is not None:
        written = integer(mapping(mapping(mapping(status.canary).get("weights")).get("canary")).get("weight"))
        if written is not None:
            return Weight(wanted, min(max(written / max_weight(canary_spec), 0.0), 1.0))
        return Weight(wanted, 0.0 if canary is not None and canary.available == 0 else None)
    if canary is None:
        return Weight(wanted, None)
    total = canary.available + (baseline.available if baseline is not None else 0)
    total = max(total, count(status.available_replicas))
    return Weight(wanted, canary.available / total if total else None)


def _seen(row: RolloutRow, shelf: Shelf) -> dict[str, Any]:
    """What the plans of this picture are guarded by (Safety rule 2)."""
    spec, status = row.spec or RolloutSpec(), row.status
    seen: dict[str, Any] = {UID: row.meta.uid, PAUSED: spec.paused}
    if status is None:
        seen["/status"] = None  # a pointer into it would have no parent
        return seen | _seen_workload(row, spec, shelf)
    seen |= {
        HASH: status.current_pod_hash,
        STABLE: status.stable_rs,
        STEP: status.current_step_index,
        PAUSES: status.pause_conditions,
        CONTROLLER_PAUSE: status.controller_pause,
        ABORT: status.abort,
        FULL: status.promote_full,
    }
    return seen | _seen_workload(row, spec, shelf)


def _seen_workload(row: RolloutRow, spec: RolloutSpec, shelf: Shelf) -> dict[str, Any]:
    reference = workload_reference(spec)
    if reference is None or reference[0] != "Deployment":
        return {}
    workload = shelf.get(DEPLOYMENTS, row.meta.namespace, reference[1])
    if workload is None:
        return {}
    return {WORKLOAD + UID: workload.meta.uid, WORKLOAD + GENERATION: workload.meta.generation}


def _workload(row: RolloutRow, spec: RolloutSpec) -> Key | None:
    reference = workload_reference(spec)
    return Key(reference[0], clean(row.meta.namespace, 253), reference[1]) if reference else None


def _workload_owner(row: RolloutRow, spec: RolloutSpec, shelf: Shelf) -> Any:
    reference = workload_reference(spec)
    if reference is None or reference[0] != "Deployment":
        return None
    workload = shelf.get(DEPLOYMENTS, row.meta.namespace, reference[1])
    return owner(workload.meta.labels, workload.meta.annotations) if workload is not None else None


def _started(status: RolloutStatus, canary: Arm | None) -> float | None:
    """When this update began. A reused ReplicaSet is older than that, so the end of "Completed" counts as well."""
    exact = duration_time(status, "rolloutStartedAt")
    if exact is not None:
        return exact
    known = [
        at
        for at in (canary.created_at if canary else None, condition_time(status, "Completed", "False"))
        if at is not None
    ]
    return max(known, default=None)


def _finished(status: RolloutStatus) -> float | None:
    for at in (
        duration_time(status, "finishedAt"),
        condition_time(status, "Completed", "True"),
        condition_time(status, "Progressing", "True"),
        condition_time(status, "Healthy", "True"),
    ):
        if at is not None:
            return at
    return None
