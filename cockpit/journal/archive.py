"""The journal's memory beside the operations: images that ran, templates, verdicts, jobs, digests; evidence of acts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import msgspec

from cockpit.journal.keeping import (
    contents_row,
    evidence_row,
    job_row,
    observation_row,
    template_row,
    told_already,
    transition_row,
)
from cockpit.journal.kept import SIGHTING, KeptStore, unpacked
from cockpit.journal.observed import KnownVersion, Observation, Piece, SeenJob, Template, Transition, Workload
from cockpit.journal.records import JournalError
from cockpit.journal.store import Row, body
from cockpit.journal.versions import known_versions, template_of
from cockpit.model.artifact import Contents
from cockpit.ports import EvidencePiece

_T = TypeVar("_T")
_BATCH = 200
"""Rows in one transaction: an intent waits for one batch at most."""
_REMEMBERED = 50_000
EVIDENCE_LIMIT = 64 << 20
"""Bytes of evidence, unpacked, that one call keeps."""
Run = Callable[[Callable[[], Any]], Awaitable[Any]]


class Archive:
    """Append-only, shared by all cockpits on the journal. Asynchronous methods may raise JournalError.

    Telling it again what it knows costs no write. ``run`` and ``thread`` are the journal's own, so that its
    connection is used by one thread.
    """

    def __init__(self, kept: KeptStore, run: Run, thread: Executor) -> None:
        self._kept = kept
        self._execute = run
        self._thread = thread
        self._written: dict[Observation, float] = {}

    async def observe(self, records: Sequence[Observation]) -> None:
        """Images that containers run. Called again with what still runs it moves "last seen", in steps of 5 minutes."""
        due = [(same, record) for record in records if record.image_id and self._due(same := _timeless(record), record)]
        for some in _batches(due):
            await self._run(partial(self._kept.observe, [observation_row(record) for _, record in some]))
            if len(self._written) > _REMEMBERED:  # a cockpit that stays open for months
                self._written.clear()
            self._written.update((same, record.at) for same, record in some)

    def _due(self, same: Observation, record: Observation) -> bool:
        before = self._written.get(same)
        return before is None or record.at - before >= SIGHTING / 1000

    async def keep_template(
        self,
        workload: Workload,
        hash: str,  # noqa: A002
        revision: int | None,
        template: Template,
        at: float,
    ) -> None:
        """The pod template of a version; the first one told stays. Literal secrets in it are not written down."""
        row = template_row(workload, hash, revision, template, at)
        await self._run(lambda: self._kept.add([row]))

    async def template(self, cluster: str, workload_uid: str, hash: str) -> Template | None:  # noqa: A002
        """As it was told; None: not kept, altered since, or it held secrets (which are not kept)."""

        def read() -> Template | None:
            rows = self._kept.select(
                "kind = 'template' AND cluster = ? AND subject = ? AND version = ?",
                (cluster, workload_uid, hash),
                content=True,
            )
            return template_of(rows[0]) if rows else None

        return await self._run(read)

    async def versions(self, cluster: str, workload_uid: str) -> tuple[KnownVersion, ...]:
        """All that is known of a workload's versions, newest first."""

        def read() -> tuple[KnownVersion, ...]:
            where = "subject = ? AND cluster = ? AND kind IN ('observation', 'template', 'transition')"
            return known_versions(self._kept.select(where, (workload_uid, cluster), content=True))

        return await self._run(read)

    async def transition(self, record: Transition) -> None:
        """A verdict that changed, or a version that left; what another seat told already is not told twice."""
        row = transition_row(record)
        await self._run(lambda: self._kept.add([row], unless=told_already(row)))

    async def keep_job(self, job: SeenJob) -> None:
        row = job_row(job)
        await self._run(lambda: self._kept.add([row]))

    async def jobs_since(self, cluster: str, namespace: str, since: float) -> Sequence[dict[str, Any]]:
        """``{name, image, command, at, why}``, oldest first."""

        def read() -> list[dict[str, Any]]:
            where = "kind = 'job' AND cluster = ? AND namespace = ? AND at >= ?"
            rows = self._kept.select(where, (cluster, namespace, round(since * 1000)))
            return [{**body(row), "name": row["name"], "at": row["at"] / 1000} for row in rows]

        return await self._run(read)

    async def ran(self, cluster: str, namespace: str, digests: Sequence[str]) -> Mapping[str, float]:
        """digest -> when it was last seen running there (cluster unix seconds); absent: never observed."""

        def read() -> dict[str, float]:
            found: dict[str, float] = {}
            for some in _batches(dict.fromkeys(digests)):
                marks = ", ".join("?" for _ in some)
                where = f"kind = 'observation' AND cluster = ? AND namespace = ? AND digest IN ({marks})"
                for row in self._kept.select(where, (cluster, namespace, *some)):
                    found[row["digest"]] = max(found.get(row["digest"], 0.0), row["last"] / 1000)
            return found

        return await self._run(read)

    async def digests(self, cluster: str) -> dict[tuple[str, str], str]:
        """(ReplicaSet uid, container) -> the digest its pods were first seen to run, in the whole cluster."""

        def read() -> dict[tuple[str, str], str]:
            found: dict[tuple[str, str], str] = {}
            for row in self._kept.select("kind = 'observation' AND cluster = ? AND digest IS NOT NULL", (cluster,)):
                found.setdefault((str(body(row).get("replicaset")), row["name"]), row["digest"])
            return found

        return await self._run(read)

    def memory(self) -> Memory:
        """What digests hold, for ``registry.Equivalence``."""
        return Memory(self._kept, self._thread)

    async def keep(self, op_id: str, pieces: Sequence[Piece]) -> dict[str, str]:
        """Evidence of one operation, all or none; name -> sha256, as the outcome's row is to name it."""
        total = sum(len(piece.content) for piece in pieces)
        if total > EVIDENCE_LIMIT:
            raise JournalError(
                f"evidence of operation {op_id} is {total >> 20} MiB, more than the {EVIDENCE_LIMIT >> 20} MiB kept"
            )
        # Packing takes time that an intent of another operation must not wait for: not on the journal's thread.
        rows = await asyncio.to_thread(lambda: [evidence_row(op_id, piece) for piece in pieces])
        await self._run(lambda: self._kept.add(rows, bounded=False))
        kept = {piece.name: piece.sha256 for piece in await self.pieces(op_id)}
        return {piece.name: kept[piece.name] for piece in pieces if piece.name in kept}

    async def pieces(self, op_id: str) -> tuple[EvidencePiece, ...]:
        """What is kept beside an operation, in the order in which it was kept."""
        return await self._run(lambda: self.pieces_now(op_id))

    def pieces_now(self, op_id: str) -> tuple[EvidencePiece, ...]:
        """The same, on the journal's thread."""
        rows = self._kept.select("kind = 'evidence' AND subject = ?", (op_id,))
        return tuple(
            EvidencePiece(row["name"], str(body(row).get("kind") or ""), row["size"], row["digest"]) for row in rows
        )

    async def piece(self, op_id: str, name: str) -> bytes | None:
        """The bytes of one piece; None: not there, or altered since."""

        def read() -> bytes | None:
            where = "kind = 'evidence' AND subject = ? AND name = ?"
            rows = self._kept.select(where, (op_id, name), content=True)
            return unpacked(rows[0]) if rows else None

        return await self._run(read)

    async def _run(self, work: Callable[[], _T]) -> _T:
        found: _T = await self._execute(work)
        return found


class Memory:
    """Contents of digests kept for ever (``registry.equivalence.Memory``). Neither method raises.

    ``load`` waits for the file, once at the start; ``remember`` only queues.
    """

    def __init__(self, kept: KeptStore, thread: Executor) -> None:
        self._kept = kept
        self._thread = thread
        self._queue: deque[Contents] = deque()

    def load(self) -> Iterable[Contents]:
        try:
            rows = self._thread.submit(lambda: self._kept.select("kind = 'contents'")).result()
        except (JournalError, RuntimeError):
            return ()  # what is not remembered is asked of the registry again
        return [found for row in rows if (found := _contents(row)) is not None]

    def remember(self, contents: Contents) -> None:
        self._queue.append(contents)
        if len(self._queue) == 1:  # a flush that is queued already takes this one along
            try:
                self._thread.submit(self._flush)
            except RuntimeError:
                self._queue.clear()  # closing

    def _flush(self) -> None:
        rows = []
        while self._queue:
            rows.append(contents_row(self._queue.popleft()))
        try:
            self._kept.add(rows)
        except JournalError:
            return  # learned again at the next start


def _batches(items: Iterable[_T]) -> Iterator[tuple[_T, ...]]:
    rest = iter(items)
    while some := tuple(islice(rest, _BATCH)):
        yield some


def _timeless(record: Observation) -> Observation:
    return msgspec.structs.replace(record, at=0.0)


def _contents(row: Row) -> Contents | None:
    try:
        return msgspec.convert({**body(row), "digest": row["digest"]}, Contents)
    except msgspec.ValidationError:
        return None
