"""Jobs like migrations, written down while they can be seen: many are gone a minute after they ended (facts 4.2, C17).

By a watch beside the picture's own. What cannot be watched is a gap of the picture, and nothing is polled instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from cockpit.base.clock import Clock, parse_time
from cockpit.cluster.rows import Meta, Row
from cockpit.cluster.store import Replacement
from cockpit.journal import JournalError
from cockpit.journal.observed import SeenJob
from cockpit.strategies.migration import like_migration, tool_in
from cockpit.strategies.values import items, mapping, objects, text

_MOST = 20_000
"""Moments remembered as told; a cluster of CronJobs may make more of them in months."""
_AGAIN = 30.0
"""Wall seconds until a journal that could not be written is tried again."""


class JobRow(Row, frozen=True, gc=False, rename="camel"):
    """A Job as it is looked at once; none is held."""

    meta: Meta = msgspec.field(name="metadata", default_factory=Meta)
    spec: dict[str, Any] = msgspec.field(default_factory=dict)
    status: dict[str, Any] = msgspec.field(default_factory=dict)


class Keeper(Protocol):
    """Where they are written down (``journal.Archive``). May raise JournalError."""

    async def keep_job(self, job: SeenJob) -> None: ...


class Jobs:
    """A reflector's sink. ``notify`` is told once of a journal that cannot be written."""

    def __init__(self, archive: Keeper, clock: Clock, notify: Callable[[str], None], cluster: str) -> None:
        self._archive = archive
        self._clock = clock
        self._notify = notify
        self._cluster = cluster
        self._told: set[str] = set()
        self._waiting: dict[str, SeenJob] = {}
        self._more = asyncio.Event()

    def upsert(self, row: JobRow) -> None:
        self._note(row)

    def delete(self, row: JobRow) -> None:
        self._note(row, gone=True)

    def replacement(self, namespace: str | None) -> Replacement:
        return _Seen(self)

    async def follow(self) -> None:
        """Write down what was seen, until cancelled. Waits for the watch, and asks for nothing."""
        told = False
        while True:
            await self._more.wait()
            self._more.clear()
            try:
                for key, job in list(self._waiting.items()):
                    await self._archive.keep_job(job)
                    self._waiting.pop(key, None)
                told = False
            except JournalError as error:
                if not told:
                    told = True
                    self._notify(f"Jobs like migrations are not recorded: {error}")
                await asyncio.sleep(_AGAIN)
                self._more.set()

    def _note(self, row: JobRow, *, gone: bool = False) -> None:
        """A Job has two moments: when it was made, and when it ended; either may come after a version last served."""
        why = like_migration(
            {"metadata": {"name": row.meta.name, "annotations": row.meta.annotations}, "spec": row.spec}
        )
        if not why:
            return
        made, ended = parse_time(row.meta.creation_timestamp), _ended(row.status)
        if ended is None and gone:
            ended = self._clock.cluster()
        moments = {"": made, "/ended": ended} if made is not None else {"": self._clock.cluster(), "/ended": ended}
        for which, at in moments.items():
            key = f"{row.meta.uid or row.meta.name}{which}"
            if at is None or key in self._told:
                continue
            if len(self._told) >= _MOST:
                self._told.clear()
            self._told.add(key)
            image, command = _of(row.spec)
            self._waiting[key] = SeenJob(self._cluster, row.meta.namespace, row.meta.name, key, image, command, at, why)
            self._more.set()


class _Seen:
    """A list in progress. Nothing is replaced: what is no longer there was seen all the same."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def add(self, rows: Iterable[JobRow]) -> None:
        for row in rows:
            self._jobs.upsert(row)

    def commit(self) -> None: ...


def _ended(status: Mapping[str, Any]) -> float | None:
    """When it was complete or had failed for good: cluster unix seconds."""
    conditions = [each for each in objects(status.get("conditions")) if each.get("status") == "True"]
    failed = (each.get("lastTransitionTime") for each in conditions if each.get("type") in ("Complete", "Failed"))
    times = (parse_time(text(each, 40)) for each in (status.get("completionTime"), *failed))
    return next((at for at in times if at is not None), None)


def _of(spec: Mapping[str, Any]) -> tuple[str, str]:
    """Image and command of the container that migrates, of the first where none is known for it."""
    pod = mapping(mapping(spec.get("template")).get("spec"))
    containers = [*objects(pod.get("initContainers")), *objects(pod.get("containers"))]
    chosen = next((each for each in containers if tool_in(each)), containers[0] if containers else {})
    words = [text(each, 500) for member in ("command", "args") for each in items(chosen.get(member))]
    return text(chosen.get("image"), 500), " ".join(words)
