"""Arms: a ReplicaSet with its pods, its revision, and the digests those pods proved."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

from cockpit.base.clock import parse_time
from cockpit.base.text import clean
from cockpit.cluster.rows import ReplicaSetRow
from cockpit.model.resource import PODS
from cockpit.model.rollout import Arm, Image, Pod, Role
from cockpit.strategies.contract import Shelf
from cockpit.strategies.image import declared_digest
from cockpit.strategies.pods import pod

_NUMBER = re.compile(r"\d{1,18}")


ARCHIVED = "rollout-cockpit.dev/archived"
"""Annotation of a ReplicaSet that exists in the journal only: its template was kept while it ran."""
WITHHELD = "rollout-cockpit.dev/withheld"
"""Annotation of one that the journal knows without a template to put back; its value says why."""


class DigestMemory:
    """What the pods of a ReplicaSet ran, kept after they are gone: (ReplicaSet uid, container) -> digest. Bounded."""

    def __init__(self, limit: int = 20_000) -> None:
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._limit = limit

    def learn(self, uid: str, container: str, digest: str) -> None:
        self._known[uid, container] = digest
        self._known.move_to_end((uid, container))
        if len(self._known) > self._limit:
            self._known.popitem(last=False)

    def recall(self, uid: str, container: str) -> str | None:
        return self._known.get((uid, container))


MEMORY = DigestMemory()
"""One per process: an image digest is a fact, whoever saw it."""


def revision_of(annotations: Mapping[str, str], key: str) -> int | None:
    """The revision number a controller wrote, None when absent or junk."""
    value = annotations.get(key, "")
    return int(value) if _NUMBER.fullmatch(value) else None


def first_revision(annotations: Mapping[str, str], key: str) -> int:
    """The lowest number this ReplicaSet ever had (``<key>-history`` lists earlier ones): its true place in time."""
    numbers = [int(part) for part in _NUMBER.findall(annotations.get(f"{key}-history", ""))]
    now = revision_of(annotations, key)
    return min([*numbers, *([now] if now is not None else [])], default=0)


def age_rank(row: ReplicaSetRow, key: str) -> tuple[float, int]:
    """Sorts ReplicaSets by when they came to be; stamps have whole seconds, so the first revision breaks ties."""
    return parse_time(row.meta.creation_timestamp) or 0.0, first_revision(row.meta.annotations, key)


def newest_first(rows: Iterable[ReplicaSetRow], key: str) -> list[ReplicaSetRow]:
    """By revision, highest first; those without one last."""
    return sorted(
        rows,
        key=lambda row: (revision_of(row.meta.annotations, key) or -1, row.meta.creation_timestamp or ""),
        reverse=True,
    )


def hash_of(row: ReplicaSetRow, label: str) -> str:
    """The pod template hash: the label, or the tail of the name where the label was lost."""
    return row.meta.labels.get(label) or row.meta.name.rpartition("-")[2]


def arm(row: ReplicaSetRow, role: Role, shelf: Shelf, *, label: str, revision_key: str) -> Arm:
    """One arm from its ReplicaSet and the pods that it controls. Digests are those all its pods agree on."""
    digest_of = clean(hash_of(row, label), 63)
    pods = tuple(sorted((pod(each, digest_of) for each in shelf.owned(PODS, row.meta.uid)), key=lambda each: each.name))
    return Arm(
        role=role,
        hash=digest_of,
        revision=revision_of(row.meta.annotations, revision_key),
        replicaset=clean(row.meta.name, 253),
        images=images(row, pods),
        pods=pods,
        desired=row.spec.replicas if row.spec.replicas is not None else 1,
        ready=row.status.ready_replicas,
        available=row.status.available_replicas,
        created_at=parse_time(row.meta.creation_timestamp),
    )


def images(row: ReplicaSetRow, pods: Sequence[Pod]) -> tuple[Image, ...]:
    """The template's containers with the digest their pods run; None when unknown or when pods differ (a moved tag)."""
    return tuple(
        Image(
            clean(container.name, 253),
            clean(container.image, 1024),
            digest(row.meta.uid, container.name, container.image, pods),
        )
        for container in row.spec.template.spec.containers
    )


def digest(uid: str, container: str, image: str, pods: Sequence[Pod]) -> str | None:
    """What one container of a ReplicaSet runs: pinned, or observed on its pods, or remembered from pods now gone."""
    pinned = declared_digest(image)
    if pinned is not None:
        return pinned
    seen = {each.digest for one in pods for each in one.images if each.container == container and each.digest}
    if len(seen) == 1:
        (only,) = seen
        MEMORY.learn(uid, container, only)
        return only
    return None if seen else MEMORY.recall(uid, container)
