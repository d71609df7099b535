"""A Deployment row becomes model.Rollout: the newest ReplicaSet against the one it replaces (facts 7.2)."""

from __future__ import annotations

from collections.abc import Sequence

from cockpit.base.clock import parse_time
from cockpit.base.text import clean
from cockpit.cluster.rows import ReplicaSetRow
from cockpit.model.guards import ARM, GENERATION, PAUSED, UID
from cockpit.model.resource import REPLICASETS, Key
from cockpit.model.rollout import Arm, Phase, Replicas, Rollout, Weight
from cockpit.strategies import arms
from cockpit.strategies.contract import Shelf
from cockpit.strategies.deployment.rows import DeploymentRow, DeploymentSpec, DeploymentStatus
from cockpit.strategies.ownership import owner
from cockpit.strategies.values import count, flag, integer, number_text, objects, text

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
UNOBSERVED = "waiting for deployment spec update to be observed"


def build(row: DeploymentRow, shelf: Shelf) -> Rollout:
    """The picture of one Deployment.

    While pods of an older ReplicaSet remain, ``canary`` is the newest one and ``baseline`` the newest of the older.
    Otherwise ``baseline`` is what serves, there is no canary, and ``before`` is the version that served until then.
    """
    spec, status = row.spec or DeploymentSpec(), row.status or DeploymentStatus()
    ordered = arms.newest_first(shelf.owned(REPLICASETS, row.meta.uid), REVISION)
    current = _current(row, ordered)
    older = [each for each in ordered if each is not current]
    leaving = [each for each in older if each.status.replicas > 0 or (each.spec.replicas or 0) > 0]
    updating = current is not None and bool(leaving)
    canary = arm(current, "canary", shelf) if current is not None and updating else None
    serving = leaving[0] if updating else current
    baseline = arm(serving, "baseline", shelf) if serving is not None else None
    previous = older[0] if older and not updating else None
    phase, message = phase_of(row)
    paused = flag(spec.paused)
    returning = (
        updating
        and current is not None
        and arms.age_rank(current, REVISION) < max(arms.age_rank(each, REVISION) for each in leaving)
    )
    return Rollout(
        key=Key("Deployment", clean(row.meta.namespace, 253), clean(row.meta.name, 253)),
        uid=row.meta.uid,
        resource_version=row.meta.resource_version,
        generation=row.meta.generation,
        strategy="rolling",
        phase=phase,
        message=message,
        replicas=Replicas(
            desired=count(spec.replicas) if integer(spec.replicas) is not None else 1,
            updated=count(status.updated_replicas),
            ready=count(status.ready_replicas),
            available=count(status.available_replicas),
        ),
        weight=_weight(canary, baseline, leaving),
        seen={
            UID: row.meta.uid,
            GENERATION: row.meta.generation,
            PAUSED: spec.paused,
            ARM: arms.hash_of(current, HASH_LABEL) if current is not None else None,
        },
        paused_by="human" if paused else None,
        in_flight=updating or phase != "Healthy",
        returning=returning,
        canary=canary,
        baseline=baseline,
        before=arm(previous, "baseline", shelf) if previous is not None else None,
        owner=owner(row.meta.labels, row.meta.annotations),
        started_at=_started(status, canary) if canary is not None else None,
        pause_started_at=_condition_time(status, "Progressing", "DeploymentPaused") if paused else None,
        finished_at=_condition_time(status, "Progressing", "NewReplicaSetAvailable")
        if not updating and previous is not None
        else None,
        created_at=parse_time(row.meta.creation_timestamp),
        controller_seen=status.observed_generation is not None,
        labels={clean(name, 317): clean(value, 253) for name, value in row.meta.labels.items()},
    )


def arm(row: ReplicaSetRow, role: str, shelf: Shelf) -> Arm:
    made_of = "canary" if role == "canary" else "baseline"
    return arms.arm(row, made_of, shelf, label=HASH_LABEL, revision_key=REVISION)  # type: ignore[arg-type]


def phase_of(row: DeploymentRow) -> tuple[Phase, str]:
    """(phase, message) by the rules of ``kubectl rollout status``, in the words of phases that Rollouts use."""
    spec, status = row.spec or DeploymentSpec(), row.status or DeploymentStatus()
    observed = number_text(status.observed_generation)
    if observed is None or observed < row.meta.generation:
        return "Progressing", UNOBSERVED
    for condition in objects(status.conditions):
        kind, reason = condition.get("type"), condition.get("reason")
        if kind == "ReplicaFailure" and condition.get("status") == "True":
            return "Degraded", f"{text(reason, 120) or 'ReplicaFailure'}: {text(condition.get('message'))}"
        if kind == "Progressing" and reason == "ProgressDeadlineExceeded":
            return "Degraded", f"ProgressDeadlineExceeded: {text(condition.get('message'))}"
    if flag(spec.paused):
        return "Paused", "paused by hand"
    wanted = integer(spec.replicas)
    desired = 1 if wanted is None else wanted
    updated, replicas = count(status.updated_replicas), count(status.replicas)
    if updated < desired:
        return "Progressing", f"{updated} of {desired} new replicas have been updated"
    if replicas > updated:
        return "Progressing", f"{replicas - updated} old replicas are pending termination"
    available = count(status.available_replicas)
    if available < updated:
        return "Progressing", f"{available} of {updated} updated replicas are available"
    return "Healthy", ""


def _current(row: DeploymentRow, ordered: Sequence[ReplicaSetRow]) -> ReplicaSetRow | None:
    """The ReplicaSet of the newest template: the one that carries the Deployment's own revision."""
    own = arms.revision_of(row.meta.annotations, REVISION)
    for each in ordered:
        if own is not None and arms.revision_of(each.meta.annotations, REVISION) == own:
            return each
    return ordered[0] if ordered else None


def _weight(canary: Arm | None, baseline: Arm | None, leaving: Sequence[ReplicaSetRow]) -> Weight:
    """Traffic follows the pods, so *actual* is the share of available ones; nothing sets a weight."""
    if canary is None:
        return Weight(None, 1.0 if baseline is not None and baseline.available else None)
    total = canary.available + sum(each.status.available_replicas for each in leaving)
    return Weight(None, canary.available / total if total else None)


def _started(status: DeploymentStatus, canary: Arm) -> float | None:
    """When this update began: a reused ReplicaSet is older than its update, but the condition is then renewed."""
    if canary.created_at is None:
        return None
    renewed = _condition_time(status, "Progressing", "FoundNewReplicaSet")
    return max(canary.created_at, renewed) if renewed is not None else canary.created_at


def _condition_time(status: DeploymentStatus, kind: str, reason: str) -> float | None:
    for condition in objects(status.conditions):
        if condition.get("type") == kind and condition.get("reason") == reason:
            stamp = condition.get("lastUpdateTime") or condition.get("lastTransitionTime")
            return parse_time(stamp if isinstance(stamp, str) else None)
    return None
