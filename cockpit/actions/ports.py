"""What actions need of others, as protocols: a writer, rights, and the live picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from cockpit.model.plan import Patch, Pending
from cockpit.model.resource import Key, Resource
from cockpit.model.right import Answer, Right
from cockpit.model.snapshot import Snapshot


class WriteAnswer(Protocol):
    """The server's answer to a write."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> Mapping[str, Any]: ...
    @property
    def audit_id(self) -> str | None: ...
    @property
    def warnings(self) -> Sequence[str]: ...


class Writer(Protocol):
    """Sends one JSON patch, once (``cluster.api.Api``). Raises NotSent, AnswerLost, Denied, NotFound or ApiError."""

    async def patch(self, patch: Patch, dry_run: bool = False) -> WriteAnswer: ...


class Creator(Protocol):
    """Creates one object, once (``cluster.api.Api``). Raises as ``Writer``."""

    async def create(
        self, resource: Resource, namespace: str, body: dict[str, Any], dry_run: bool = False
    ) -> WriteAnswer: ...


class Reads(Protocol):
    """What the pre-flight asks of the API server (``cluster.api.Api``). Each raises CockpitErrors."""

    async def get(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        """The whole object. Never used for what may hold secrets."""

    async def objects(
        self, resource: Resource, namespace: str | None = None, *, selector: str | None = None, limit: int = 500
    ) -> Sequence[dict[str, Any]]:
        """Whole objects of a collection, at most ``limit``."""

    async def metadata(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        """Only the metadata of an object (PartialObjectMetadata): its data never leaves the server."""

    async def metadatas(
        self, resource: Resource, namespace: str | None = None, *, selector: str | None = None, limit: int = 500
    ) -> Sequence[dict[str, Any]]:
        """Only the metadata of each object of a collection."""

    async def serves(self, resource: Resource) -> bool:
        """Whether the cluster has this resource at all: asking for it needs no right on it."""


class Tried(Protocol):
    """What the server said to a dry run (``gateway.Sent``). *unclear*: it cannot be asked."""

    @property
    def fate(self) -> Literal["sent", "moved", "denied", "refused", "failed", "unclear"]: ...
    @property
    def text(self) -> str: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...
    @property
    def body(self) -> Mapping[str, Any]:
        """The object as it would be; empty unless ``sent``."""


class Trial(Protocol):
    """Dry runs (``gateway.Gateway``): the server says what it would do and stores nothing. Neither raises."""

    async def dry_run(self, patch: Patch) -> Tried: ...

    async def admit(self, resource: Resource, namespace: str, body: dict[str, Any]) -> Tried:
        """Whether an object would be admitted. *refused*: not asked, read-only."""


class Rights(Protocol):
    """What we may do (``cluster.rights.Rights``)."""

    def can(self, right: Right, namespace: str) -> tuple[Answer, str]: ...

    async def check(self, right: Right, namespace: str) -> tuple[Answer, str]: ...

    def forget(self) -> None: ...


class Picture(Protocol):
    """The live picture (``live.Live``)."""

    def snapshot(self) -> Snapshot: ...

    async def changed(self, version: int) -> Snapshot: ...

    def set_pending(self, key: Key, pending: Pending | None) -> None: ...
