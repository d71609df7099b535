"""What a check of the pre-flight is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from cockpit.actions.ports import WriteAnswer
from cockpit.base.clock import Clock
from cockpit.config import PreflightSettings
from cockpit.model.artifact import Retention, Sameness, Signatures
from cockpit.model.plan import Intent, Patch, Plan
from cockpit.model.preflight import Finding, Severity
from cockpit.model.resource import Resource
from cockpit.model.right import Answer, Right
from cockpit.model.rollout import Image, Rollout


class Reads(Protocol):
    """Fresh reads of the API server (``cluster.api.Api``). Each raises NotFound, Denied, Unreachable or ApiError."""

    async def get(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]: ...

    async def owned(self, resource: Resource, namespace: str, uid: str) -> Sequence[dict[str, Any]]: ...

    async def objects(
        self, resource: Resource, namespace: str | None = None, *, selector: str | None = None, limit: int = 500
    ) -> Sequence[dict[str, Any]]:
        """Whole objects of a collection, at most ``limit``."""

    async def metadata(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        """PartialObjectMetadata: never transfers ``data`` of a Secret. Raises ApiError when the server sends more."""

    async def try_create(self, resource: Resource, namespace: str, body: dict[str, Any]) -> WriteAnswer:
        """POST with ``dryRun=All``: nothing is stored. Not for read-only mode."""

    async def patch(self, patch: Patch, dry_run: bool = False) -> WriteAnswer: ...


class Artifacts(Protocol):
    """What is asked of registries: ``live.artifacts`` binds them to this cluster's pull secrets and nodes."""

    async def retention(
        self,
        image: str,
        digest: str,
        namespace: str,
        secrets: Sequence[str],
        *,
        control: str | None,
        deep: bool,
        max_age: float,
        urgent: bool,
    ) -> Retention: ...

    async def signatures(
        self, image: str, digest: str, namespace: str, secrets: Sequence[str], *, max_age: float, urgent: bool
    ) -> Signatures: ...

    def compare(self, declared: str, image_id: str) -> Sameness: ...


class Past(Protocol):
    """What the journal knows of versions (``journal.Journal``). May raise JournalError."""

    async def ran(self, cluster: str, namespace: str, digests: Sequence[str]) -> Mapping[str, float]:
        """digest -> when it was last seen running in this namespace (unix seconds); absent: never observed."""

    async def jobs_since(self, cluster: str, namespace: str, since: float) -> Sequence[dict[str, Any]]:
        """Migration-like Jobs observed since (their TTL may have removed them): ``{name, image, command, at, why}``."""


class RightsOf(Protocol):
    async def check(self, right: Right, namespace: str) -> tuple[Answer, str]: ...


class Subject(msgspec.Struct, frozen=True):
    """The rollback under examination, as its plan drew it."""

    intent: Intent
    plan: Plan
    rollout: Rollout
    template: dict[str, Any]  # the pod template exactly as it would be written
    images: tuple[Image, ...]  # of ``template``: containers and init containers, with digests where known
    current_template: dict[str, Any]  # what is in force now
    workload: dict[str, Any]  # the whole object whose template changes, as read for this pre-flight
    target_since: float | None  # when the target's ReplicaSet was created (cluster time)
    target_until: float | None  # when it last served, None: not known
    pull_secrets: tuple[str, ...]  # names, of template and ServiceAccount


class Context(msgspec.Struct, frozen=True):
    """Everything a check may use. A check makes its own requests, so that failing one of them fails it alone."""

    subject: Subject
    reads: Reads
    artifacts: Artifacts
    past: Past
    rights: RightsOf
    clock: Clock
    policy: PreflightSettings
    cluster: str
    read_only: bool = False
    max_age: float = 30.0


CheckFunction = Callable[[Context], Awaitable[Finding]]


class Check(msgspec.Struct, frozen=True):
    """One check: its stable name, its title, the severity of a finding before policy, and the function.

    The function returns ``finding``/``ok``/``skipped``/``unknown``; what it raises becomes ``unknown`` by the runner,
    which also applies policy and time-outs. ``deadline``: wall seconds.
    """

    name: str
    title: str
    severity: Severity
    run: CheckFunction
    deadline: float = 8.0
