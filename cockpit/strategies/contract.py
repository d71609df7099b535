"""What a kind of rollout has to say for itself: a new kind implements ``Strategy`` in one file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from cockpit.model.plan import Intent, Patch, Plan, Refusal, Verb
from cockpit.model.resource import Resource
from cockpit.model.right import Right
from cockpit.model.rollout import Rollout


class Watch(msgspec.Struct, frozen=True):
    """A resource to reflect and the row to keep of each object. ``optional``: its absence (no CRD) is no gap."""

    resource: Resource
    row: type[Any]
    optional: bool = False


class Shelf(Protocol):
    """Read side of the reflected stores. Rows are the structs that ``Watch.row`` named; all carry ``meta``."""

    def get(self, resource: Resource, namespace: str, name: str) -> Any | None: ...

    def owned(self, resource: Resource, uid: str) -> Sequence[Any]:
        """Rows whose controlling ownerReference is ``uid``."""

    def referrers(self, resource: Resource, namespace: str, name: str) -> Sequence[Any]:
        """Workload rows whose strategy's ``references`` names this object (a Rollout by its workloadRef)."""

    def known(self, resource: Resource) -> bool:
        """False while the resource is not synced (denied, absent, still listing)."""


class Reader(Protocol):
    """Fresh reads of whole objects, for what is never held: pod templates."""

    async def get(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        """The object as the server has it now. Raises NotFound, Denied, Unreachable."""

    async def owned(self, resource: Resource, namespace: str, uid: str) -> Sequence[dict[str, Any]]:
        """All objects of a namespace controlled by ``uid``."""


class Observation(msgspec.Struct, frozen=True):
    """Whether a sent plan's effect can be seen. ``superseded``: something else happened that rules it out."""

    state: Literal["waiting", "done", "superseded"]
    text: str


class Strategy(Protocol):
    """One kind of rollout."""

    resource: Resource
    watches: tuple[Watch, ...]
    hash_label: str
    """Label that tells the versions' ReplicaSets and pods apart."""
    revision_key: str
    """Annotation of a ReplicaSet that holds its revision number."""

    def references(self, row: Any) -> Iterable[tuple[Resource, str, str]]:
        """Objects (resource, namespace, name) outside the owner chain whose change touches this rollout."""

    def build(self, row: Any, shelf: Shelf) -> Rollout | None:
        """The model of one workload; None when it is not a rollout of its own (a workloadRef target)."""

    def rights(self) -> Mapping[Verb, Sequence[Right]]:
        """Rights each verb needs; a verb that is absent does not exist for this kind."""

    async def plan(self, intent: Intent, reader: Reader) -> Plan | Refusal:
        """Draft the guarded requests of a verb from ``intent.rollout`` as seen. The tier is not set here."""

    def next_patch(self, plan: Plan, stage: int, rollout: Rollout) -> Patch | Refusal | None:
        """The request of a later stage of a sequence, from the fresh picture; None: not yet."""

    def observe(self, plan: Plan, rollout: Rollout | None) -> Observation:
        """Judge a fresh picture against the goal of ``plan`` (None: the rollout is gone)."""

    def candidates(self, row: Any, shelf: Shelf) -> Sequence[Any]:
        """ReplicaSet rows this workload can return to, newest first."""
