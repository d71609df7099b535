"""The workload under examination and its versions: read once per pre-flight, shared by all checks that need them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from cockpit.actions.ports import Reads
from cockpit.base.errors import Unreachable
from cockpit.model.guards import UID
from cockpit.model.plan import Plan
from cockpit.model.resource import Resource
from cockpit.model.revision import Revision
from cockpit.strategies import for_kind

T = TypeVar("T")
Versions = Callable[[], Coroutine[Any, Any, Sequence[Revision]]]


class Subject:
    """Each method asks once, and answers or raises the same to everyone. Raises what ``Reads`` raises."""

    def __init__(self, plan: Plan, reads: Reads, versions: Versions) -> None:
        key, resource = plan.key, for_kind(plan.key.kind).resource
        written = plan.patches[0]
        self._workload = Once(lambda: _the(reads, resource, key.namespace, key.name, plan.uid))
        same = (written.resource, written.name) == (resource, key.name)
        uid = next((op.get("value") for op in written.ops if op.get("path") == UID), None)
        self._written = (
            self._workload
            if same
            else Once(lambda: _the(reads, written.resource, written.namespace, written.name, uid))
        )
        self._versions = Once(versions)
        self._to = plan.to_hash

    async def workload(self) -> dict[str, Any]:
        """The rollout itself, as the server has it now: its labels and annotations tell who owns it."""
        return await self._workload.answer()

    async def written(self) -> dict[str, Any]:
        """The object that the plan writes its template to: another one than ``workload`` with a workloadRef."""
        return await self._written.answer()

    async def versions(self) -> Sequence[Revision]:
        """All versions that are known, newest first, without what registries say of them."""
        return await self._versions.answer()

    async def target(self) -> Revision | None:
        """The version to return to; None when it is a digest that nobody saw as a version."""
        return next((each for each in await self.versions() if each.hash == self._to), None)


async def _the(reads: Reads, resource: Resource, namespace: str, name: str, uid: Any) -> dict[str, Any]:
    """The very object that was drawn. Nothing may be concluded from another one, or from half of it."""
    raw = await reads.get(resource, namespace, name)
    metadata = raw.get("metadata") if isinstance(raw, dict) else None
    asked = isinstance(metadata, dict) and metadata.get("name") == name and uid in (None, metadata.get("uid"))
    if not asked or not any(isinstance(raw.get(member), dict) for member in ("spec", "template")):
        raise Unreachable(f"the server's answer is not {resource.kind} {namespace}/{name} as it was drawn; look again")
    return raw


class Once(Generic[T]):
    """One question, asked when somebody first needs the answer; who gives up waiting does not end it for the others."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._ask = ask
        self._asked: asyncio.Task[T] | None = None

    async def answer(self) -> T:
        if self._asked is None:
            self._asked = asyncio.create_task(self._ask())
            self._asked.add_done_callback(_seen)
        return await asyncio.shield(self._asked)


def _seen(task: asyncio.Task[Any]) -> None:
    """Takes note of an error that nobody waited for, so that the loop does not complain of it."""
    if not task.cancelled():
        task.exception()
