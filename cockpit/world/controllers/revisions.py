"""ReplicaSets as the revisions of a workload: which one is new, what they sum up to, scaling one with its event."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, NamedTuple

from cockpit.world.contract import Object, World
from cockpit.world.controllers.events import Recorder
from cockpit.world.controllers.kit import annotation, created, integer, label, notes_of, own, replicas, status_of
from cockpit.world.controllers.templates import bare, meaning, renumber, revision_of, template_hash

_NOT_COPIED = "kubectl.kubernetes.io/last-applied-configuration"


class Dialect(NamedTuple):
    """How one kind of workload marks its ReplicaSets."""

    hash_label: str
    revision: str
    history: str
    desired: str
    component: str
    manager: str


DEPLOYMENT = Dialect(
    "pod-template-hash",
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment-controller",
    "kube-controller-manager",
)
ROLLOUT = Dialect(
    "rollouts-pod-template-hash",
    "rollout.argoproj.io/revision",
    "rollout.argoproj.io/revision-history",
    "rollout.argoproj.io/desired-replicas",
    "rollouts-controller",
    "rollouts-controller",
)


def total(sets: Iterable[Object]) -> int:
    """Sum of ``spec.replicas``."""
    return sum(replicas(rs) for rs in sets)


def actual(sets: Iterable[Object], field: str = "replicas") -> int:
    """Sum of a status count: replicas, readyReplicas or availableReplicas."""
    return sum(integer(status_of(rs).get(field), 0) for rs in sets)


def available(rs: Object | None) -> int:
    return 0 if rs is None else integer(status_of(rs).get("availableReplicas"), 0)


def fallback_hash(template: dict[str, Any], taken: Iterable[Object], dialect: Dialect) -> tuple[str, int]:
    """(hash, collision count) for ``template`` that no differing ReplicaSet bears yet."""
    wanted = meaning(template)
    rows = list(taken)
    for collisions in range(len(rows) + 1):
        found = template_hash(template, collisions)
        clash = [rs for rs in rows if label(rs, dialect.hash_label) == found]
        if all(meaning(bare(rs)) == wanted for rs in clash):
            return found, collisions
    raise AssertionError("more collisions than ReplicaSets")


def make(
    owner: Object, template: dict[str, Any], found: str, selector: dict[str, Any], dialect: Dialect, count: int
) -> Object:
    """A new ReplicaSet of ``owner``, not yet stored."""
    template = copy.deepcopy(template)
    template.setdefault("metadata", {}).setdefault("labels", {})[dialect.hash_label] = found
    template["metadata"].pop("creationTimestamp", None)
    selector = copy.deepcopy(selector)
    selector.setdefault("matchLabels", {})[dialect.hash_label] = found
    metadata = owner["metadata"]
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{metadata['name']}-{found}",
            "namespace": metadata["namespace"],
            "labels": dict(template["metadata"]["labels"]),
            "annotations": {**_copied(owner, dialect), dialect.desired: str(replicas(owner))},
            "ownerReferences": own(owner),
        },
        "spec": {
            "replicas": count,
            "selector": selector,
            "template": template,
            **({"minReadySeconds": owner["spec"]["minReadySeconds"]} if owner["spec"].get("minReadySeconds") else {}),
        },
    }


def _copied(owner: Object, dialect: Dialect) -> dict[str, str]:
    """The owner's annotations that its newest ReplicaSet bears too (a change cause, say)."""
    skipped = {_NOT_COPIED, dialect.revision, dialect.history, dialect.desired}
    notes = owner["metadata"].get("annotations") or {}
    return {k: v for k, v in notes.items() if k not in skipped and "notified" not in k}


def newest_revision(sets: Iterable[Object], dialect: Dialect) -> int:
    return max((revision_of(rs, dialect.revision) for rs in sets), default=0)


class Sets:
    """Writes to ReplicaSets on behalf of one kind of workload."""

    def __init__(self, world: World, recorder: Recorder, dialect: Dialect) -> None:
        self._world = world
        self._recorder = recorder
        self.dialect = dialect

    def owned(self, owner: Object) -> list[Object]:
        """The owner's ReplicaSets, oldest first."""
        found = self._world.objects.owned("replicasets", owner["metadata"]["uid"])
        alive = [rs for rs in found if "deletionTimestamp" not in rs["metadata"]]
        return sorted(
            alive, key=lambda rs: (created(rs), revision_of(rs, self.dialect.revision), rs["metadata"]["name"])
        )

    def adopt(self, owner: Object, rs: Object, revision: int) -> Object:
        """Make ``rs`` the newest revision (again), with the annotations its owner has now."""
        notes = _copied(owner, self.dialect)
        if revision_of(rs, self.dialect.revision) >= revision and all(annotation(rs, k) == v for k, v in notes.items()):
            return rs

        def write(found: Object) -> None:
            renumber(found, self.dialect.revision, self.dialect.history, revision)
            notes_of(found).update(notes)

        return self.change(rs, write)

    def change(self, rs: Object, write: Any) -> Object:
        key = rs["metadata"]["namespace"], rs["metadata"]["name"]
        changed = self._world.objects.mutate("replicasets", *key, write, manager=self.dialect.manager)
        return rs if changed is None else changed

    def scale(self, owner: Object, rs: Object, count: int, desired: int, wording: str) -> bool:
        """Set ``spec.replicas``; True when that changed. ``wording`` takes {way} {name} {revision} {old} {new}."""
        old = replicas(rs)
        if old == count and annotation(rs, self.dialect.desired) == str(desired):
            return False

        def write(found: Object) -> None:
            found["spec"]["replicas"] = count
            notes_of(found)[self.dialect.desired] = str(desired)
            if count == 0:
                notes_of(found).pop("scale-down-deadline", None)

        changed = self.change(rs, write)
        rs["spec"]["replicas"] = count
        rs["metadata"] = changed["metadata"]
        if old == count:
            return False
        text = wording.format(
            way="up" if count > old else "down",
            name=rs["metadata"]["name"],
            revision=annotation(rs, self.dialect.revision),
            old=old,
            new=count,
        )
        self._recorder.event(owner, "ScalingReplicaSet", text, component=self.dialect.component)
        return True

    def prune(self, old: list[Object], limit: int) -> list[Object]:
        """Delete the oldest unused revisions beyond ``limit``; returns those deleted."""
        idle = [rs for rs in old if not replicas(rs) and not actual([rs])]
        surplus = len(old) - limit
        gone = sorted(idle, key=lambda rs: revision_of(rs, self.dialect.revision))[: max(surplus, 0)]
        for rs in gone:
            self._world.objects.delete("replicasets", rs["metadata"]["namespace"], rs["metadata"]["name"])
        return gone
