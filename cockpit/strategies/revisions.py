"""The versions a workload can return to, as model.Revision: what is known of them without asking a registry."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from cockpit.base.clock import parse_time
from cockpit.base.text import clean
from cockpit.cluster.rows import ReplicaSetRow
from cockpit.model.resource import ANALYSISRUNS, PODS
from cockpit.model.revision import Revision, Speed
from cockpit.model.rollout import Rollout
from cockpit.strategies import arms
from cockpit.strategies.argo.checks import failed_hashes
from cockpit.strategies.argo.window import within
from cockpit.strategies.contract import Shelf
from cockpit.strategies.image import declared_digest
from cockpit.strategies.pods import pod

CHANGE_CAUSE = "kubernetes.io/change-cause"


def revisions(
    candidates: Sequence[ReplicaSetRow],
    rollout: Rollout,
    shelf: Shelf,
    *,
    label: str,
    revision_key: str,
    bad: Collection[str] = (),
) -> tuple[Revision, ...]:
    """Newest first. ``bad``: hashes that were left before by an abort or a rollback; failed checks are added here.

    ``last_good`` marks what ``--to last-good`` would choose: the highest revision below the stable one not held bad.
    """
    bad = frozenset(bad) | failed_hashes(shelf.owned(ANALYSISRUNS, rollout.uid))
    current = rollout.canary.hash if rollout.canary else (rollout.baseline.hash if rollout.baseline else None)
    stable = rollout.baseline.hash if rollout.baseline else None
    stable_revision = rollout.baseline.revision if rollout.baseline else None
    older = [
        (number, arms.hash_of(row, label))
        for row in candidates
        if (number := arms.revision_of(row.meta.annotations, revision_key)) is not None
        and stable_revision is not None
        and number < stable_revision
        and arms.hash_of(row, label) not in bad
        and arms.hash_of(row, label) != current
    ]
    last_good = max(older)[1] if older else None
    found = (_revision(row, shelf, label, revision_key, current, stable, last_good, rollout, bad) for row in candidates)
    created = [parse_time(row.meta.creation_timestamp) for row in candidates]
    return tuple(replace(each, speed="window") if _in_window(each, created, rollout) else each for each in found)


def _in_window(revision: Revision, created: Sequence[float | None], rollout: Rollout) -> bool:
    """Whether a return to it runs no step: its ReplicaSet is reused, and it is recent enough."""
    stable = rollout.baseline.created_at if rollout.baseline is not None else None
    reused = revision.replicas > 0 or all(declared_digest(each.image) or not each.digest for each in revision.images)
    going = revision.speed != "running" and not revision.current
    return going and reused and within(revision.created_at, stable, created, rollout.rollback_window)


def _revision(
    row: ReplicaSetRow,
    shelf: Shelf,
    label: str,
    revision_key: str,
    current: str | None,
    stable: str | None,
    last_good: str | None,
    rollout: Rollout,
    bad: Collection[str],
) -> Revision:
    pod_hash = clean(arms.hash_of(row, label), 63)
    pods = [pod(each, pod_hash) for each in shelf.owned(PODS, row.meta.uid)]
    running = row.status.available_replicas > 0
    left = True if pod_hash in bad or (rollout.aborted and pod_hash == current) else None
    return Revision(
        revision=arms.revision_of(row.meta.annotations, revision_key),
        hash=pod_hash,
        current=pod_hash == current,
        stable=pod_hash == stable,
        last_good=pod_hash == last_good,
        images=arms.images(row, pods),
        speed=_speed(rollout, pod_hash == stable, running=running),
        replicaset=clean(row.meta.name, 253),
        created_at=parse_time(row.meta.creation_timestamp),
        replicas=row.status.replicas,
        cause=clean(row.meta.annotations[CHANGE_CAUSE], 512) if CHANGE_CAUSE in row.meta.annotations else None,
        aborted=left,
    )


def _speed(rollout: Rollout, stable: bool, *, running: bool) -> Speed:
    """How a rollback to it would go by default: its pods run, at once by full promotion, or through the steps."""
    if running and (stable or rollout.strategy == "rolling"):
        return "running"
    if rollout.canary is None or rollout.strategy == "rolling":
        return "now"
    return "steps"
