"""Pods: a row becomes model.Pod, with the one reason why it is not up and how it last ended."""

from __future__ import annotations

from collections.abc import Iterator

from cockpit.base.clock import parse_time
from cockpit.base.text import clean
from cockpit.cluster.rows import ContainerStatus, PodRow, Terminated
from cockpit.model.rollout import Image, LastExit, Pod
from cockpit.strategies.image import running_digest
from cockpit.strategies.values import MESSAGE_LIMIT

Why = tuple[str, str | None]


def pod(row: PodRow, digest_of: str) -> Pod:
    """The model of one pod. ``hash_`` is its ReplicaSet's; ``digest`` is of the template's first container."""
    statuses = {status.name: status for status in row.status.container_statuses}
    images = tuple(
        Image(
            clean(container.name, 253),
            clean(container.image, 1024),
            running_digest(container.image, statuses[container.name].image_id) if container.name in statuses else None,
        )
        for container in row.spec.containers
    )
    restarts = {
        clean(status.name, 253): status.restart_count
        for status in (*row.status.container_statuses, *row.status.init_container_statuses)
        if status.restart_count
    }
    why = None if row.meta.deletion_timestamp else not_up(row)
    return Pod(
        name=clean(row.meta.name, 253),
        namespace=clean(row.meta.namespace, 253),
        uid=row.meta.uid,
        hash=digest_of,
        phase=clean(row.status.phase, 63) or "Unknown",
        ready=is_ready(row),
        restarts=sum(restarts.values()),
        digest=images[0].digest if images else None,
        reason=clean(why[0], 253) if why else None,
        message=clean(why[1], MESSAGE_LIMIT) if why and why[1] else None,
        last_exit=last_exit(row),
        containers=tuple(image.container for image in images),
        images=images,
        node=clean(row.spec.node_name, 253) or None,
        created_at=parse_time(row.meta.creation_timestamp),
        terminating=row.meta.deletion_timestamp is not None,
        restarts_by_container=restarts,
    )


def is_ready(row: PodRow) -> bool:
    return any(condition.type == "Ready" and condition.status == "True" for condition in row.status.conditions)


def not_up(row: PodRow) -> Why | None:
    """The nearest cause of a pod not being ready, as (reason, message); None for a ready or a finished one.

    Order: eviction and the like, scheduling, init containers, waiting or ended containers, readiness.
    """
    if row.status.phase == "Succeeded" or is_ready(row):
        return None
    if row.status.reason:
        return row.status.reason, row.status.message or None
    for condition in row.status.conditions:
        if condition.type == "PodScheduled" and condition.status == "False":
            return condition.reason or "Unschedulable", condition.message or None
    return (
        next(_init_troubles(row), None)
        or next(_container_troubles(row), None)
        or next(_unready(row), None)
        or ((row.status.phase or "Unknown"), None)
    )


def _init_troubles(row: PodRow) -> Iterator[Why]:
    for status in row.status.init_container_statuses:
        why = _trouble(status)
        if why and why[0] not in ("PodInitializing", "ContainerCreating"):
            yield f"Init:{why[0]}", why[1]


def _container_troubles(row: PodRow) -> Iterator[Why]:
    troubles = [why for status in row.status.container_statuses if (why := _trouble(status))]
    # A container that is only being created is the weakest explanation of all.
    yield from sorted(troubles, key=lambda why: why[0] in ("ContainerCreating", "PodInitializing"))


def _trouble(status: ContainerStatus) -> Why | None:
    if status.state.waiting and status.state.waiting.reason:
        waiting = status.state.waiting
        ended = status.last_state.terminated
        if waiting.reason == "CrashLoopBackOff" and ended:
            return waiting.reason, f"{status.name}: {ending(ended)}, {waiting.message}".rstrip(", ")
        return waiting.reason, f"{status.name}: {waiting.message}" if waiting.message else None
    ended = status.state.terminated
    if ended and (ended.exit_code or ended.signal):
        return ended.reason or "Error", f"{status.name}: {ending(ended)}"
    return None


def _unready(row: PodRow) -> Iterator[Why]:
    for condition in row.status.conditions:
        if condition.type == "Ready" and condition.status != "True" and row.status.phase == "Running":
            yield "NotReady", condition.message or condition.reason or None


def ending(ended: Terminated) -> str:
    """``OOMKilled, exit 137``."""
    code = f"signal {ended.signal}" if ended.signal else f"exit {ended.exit_code}"
    text = f"{ended.reason}, {code}" if ended.reason and ended.reason != "Error" else code
    return f"{text} ({ended.message.strip()})" if ended.message.strip() else text


def last_exit(row: PodRow) -> LastExit | None:
    """How a container of the pod ended last, the newest of all; a clean exit of an init container does not count."""
    ends = [
        (name, ended)
        for status in (*row.status.container_statuses, *row.status.init_container_statuses)
        for name, ended in ((status.name, status.last_state.terminated), (status.name, status.state.terminated))
        if ended and (ended.exit_code or ended.signal or status in row.status.container_statuses)
    ]
    if not ends:
        return None
    name, ended = max(ends, key=lambda end: parse_time(end[1].finished_at) or 0.0)
    return LastExit(
        container=clean(name, 253),
        reason=clean(ended.reason, 253) or "Terminated",
        code=ended.exit_code,
        at=parse_time(ended.finished_at),
    )
