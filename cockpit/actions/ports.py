"""What actions need of others, as protocols: a writer, rights, and the live picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

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

    async def create(self, resource: Resource, namespace: str, body: dict[str, Any]) -> WriteAnswer: ...


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
