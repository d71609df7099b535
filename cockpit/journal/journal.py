"""The journal as a session uses it: asynchronous, on a thread of its own, in records rather than rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from cockpit.journal.archive import Archive
from cockpit.journal.fallback import Fallback
from cockpit.journal.kept import KeptStore
from cockpit.journal.observed import Deployed
from cockpit.journal.records import (
    History,
    IntentRecord,
    JournalError,
    OpenIntent,
    OutcomeRecord,
    Past,
    Verification,
    Who,
)
from cockpit.journal.resets import RESET, ResetRecord, reset_of, reset_rows
from cockpit.journal.rows import deployed_of, history_of, intent_row, open_intent_of, outcome_row, past_act, past_of
from cockpit.journal.store import JournalStore, Row, body
from cockpit.journal.suspensions import Suspension, open_suspensions
from cockpit.journal.verification import verify
from cockpit.ports import Entry, PastAct

_T = TypeVar("_T")


class Journal:
    """Append-only record shared by all cockpits of a user. Every method may raise JournalError.

    A row is on disk when ``intent`` or ``outcome`` returns. Nothing is opened until the first use. ``runtime``: where
    the fallback file lies, instead of the user's runtime directory.
    """

    def __init__(self, path: Path, runtime: Path | None = None) -> None:
        self.path = path
        self.fallback = Fallback(path, runtime)
        self._store = JournalStore(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._kept = KeptStore(self._store)
        self.archive = Archive(self._kept, self._run, self._thread)

    async def close(self) -> None:
        """Close the file; nothing can be journaled afterwards."""
        await self._run(self._store.close)
        self._thread.shutdown(wait=False)

    async def intent(self, record: IntentRecord, who: Who) -> None:
        await self._run(lambda: self._store.append(intent_row(record, who)))

    async def outcome(self, record: OutcomeRecord, of: IntentRecord | OpenIntent, who: Who) -> None:
        await self._run(lambda: self._store.append(outcome_row(record, of, who)))

    async def intent_beside(self, record: IntentRecord, who: Who) -> Path:
        """Into the fallback file, for verbs where safe outranks provable."""
        await self._run(lambda: self.fallback.append(intent_row(record, who)))
        return self.fallback.path

    async def outcome_beside(self, record: OutcomeRecord, of: IntentRecord | OpenIntent, who: Who) -> Path:
        await self._run(lambda: self.fallback.append(outcome_row(record, of, who)))
        return self.fallback.path

    async def check_writable(self) -> None:
        """Raises JournalError when an intent could not be written now."""
        await self._run(self._store.check_writable)

    async def absorb(self) -> int:
        """Takes the fallback file's lines into the journal, in order; returns how many there were."""
        return await self._run(lambda: self.fallback.absorb(self._take))

    async def acts(self, limit: int = 100) -> tuple[PastAct, ...]:
        """The newest operations, newest first, each with its latest outcome; absorbed and settled ones included."""

        def read() -> tuple[PastAct, ...]:
            first = "row = 'intent' AND seq IN (SELECT min(seq) FROM ops WHERE row = 'intent' GROUP BY op_id)"
            intents = self._store.select(first, limit=limit)
            return tuple(past_act(row, self._outcome_of(row["op_id"])) for row in reversed(intents))

        return await self._run(read)

    async def show(self, op_id: str) -> tuple[Row, ...]:
        """All rows of one operation with their bodies as objects, oldest first; none when it is not known."""

        def read() -> tuple[Row, ...]:
            rows = self._store.select("op_id = ?", (op_id,))
            return tuple({**row, "body": body(row)} for row in rows)

        return await self._run(read)

    async def entry(self, op_id: str) -> Entry | None:
        """One operation in full with what was kept beside it; None when it is not known."""

        def read() -> Entry | None:
            rows = self._store.select("op_id = ?", (op_id,))
            first = next((row for row in rows if row["row"] == "intent"), None)
            if first is None:
                return None
            act = past_act(first, self._outcome_of(op_id))
            whole = tuple({**row, "body": body(row)} for row in rows)
            return Entry(act, whole, self.archive.pieces_now(op_id))

        return await self._run(read)

    async def head(self) -> str | None:
        """The newest hash, to be noted elsewhere: it proves all rows up to it. None: no row yet."""

        def read() -> str | None:
            rows = self._store.select(limit=1)
            return rows[0]["hash"] if rows else None

        return await self._run(read)

    async def export(self, op_id: str | None = None) -> tuple[Row, ...]:
        """All rows as stored, oldest first, or those of one operation; with their hashes, so that others can check."""
        where, parameters = ("1", ()) if op_id is None else ("op_id = ?", (op_id,))
        return await self._run(lambda: tuple(self._store.select(where, parameters)))

    async def export_kept(self) -> tuple[Row, ...]:
        """All that is kept beside the operations, without contents."""
        return await self._run(lambda: tuple(self._kept.select("1")))

    async def verify(self, head: str | None = None) -> Verification:
        """Checks both chains and everything they name. ``head``: a hash noted earlier, which must be in the chain."""
        return await self._run(lambda: verify(self._store, head))

    async def open_intents(self) -> tuple[OpenIntent, ...]:
        """Operations without an outcome, oldest first: someone died between the intent and what came of it."""

        def read() -> tuple[OpenIntent, ...]:
            rows = self._store.select(
                "row = 'intent' AND verb != ? AND op_id NOT IN (SELECT op_id FROM ops WHERE row = 'outcome')",
                (RESET,),
            )
            found: dict[str, OpenIntent] = {}
            for row in rows:
                before = found.get(row["op_id"])
                found[row["op_id"]] = open_intent_of(row, before)
            return tuple(found.values())

        return await self._run(read)

    async def rollbacks(self, since: float) -> tuple[Past, ...]:
        """Rollbacks begun after ``since`` that were done, oldest first; only the newest act on an object counts."""

        def read() -> tuple[Past, ...]:
            rows = self._store.select(
                "verb = 'rollback' AND row = 'intent' AND stage = 0 AND at >= ? AND NOT EXISTS (SELECT 1 FROM ops AS "
                "later WHERE later.uid = ops.uid AND later.row = 'intent' AND later.stage = 0 AND later.seq > ops.seq "
                "AND later.verb NOT IN ('suspend', 'unsuspend', ?))",
                (round(since * 1000), RESET),
            )
            told = ((row, self._store.select("op_id = ? AND row = 'outcome'", (row["op_id"],))) for row in rows)
            return tuple(found for row, ends in told if (found := past_of(row, ends)) is not None)

        return await self._run(read)

    async def history(self, uid: str) -> History:
        """What earlier acts on one object say about its versions; only acts that were carried out count."""

        def read() -> History:
            rows = self._store.select(
                "uid = ? AND row = 'intent' AND stage = 0 AND verb != ? AND op_id IN "
                "(SELECT op_id FROM ops WHERE row = 'outcome' AND result IN ('done', 'accepted'))",
                (uid, RESET),
            )
            return history_of(rows)

        return await self._run(read)

    async def deployed(self, uid: str, cluster: str) -> Deployed:
        """Which versions of one object operators moved it toward; only acts that were carried out count."""

        def read() -> Deployed:
            rows = self._store.select(
                "uid = ? AND row = 'intent' AND verb NOT IN ('suspend', 'unsuspend', ?) AND op_id IN "
                "(SELECT op_id FROM ops WHERE row = 'outcome' AND result IN ('done', 'accepted'))",
                (uid, RESET),
            )
            return deployed_of(rows, self._kept.oldest(cluster))

        return await self._run(read)

    async def reset_evidence(self, record: ResetRecord, who: Who) -> None:
        """Sets the evidence of one version aside from now on, for every process on this journal."""

        def write() -> None:
            for row in reset_rows(record, who):
                self._store.append(row)

        await self._run(write)

    async def evidence_resets(self) -> tuple[ResetRecord, ...]:
        """All of them, oldest first."""

        def read() -> tuple[ResetRecord, ...]:
            rows = self._store.select("verb = ? AND row = 'intent'", (RESET,))
            return tuple(found for row in rows if (found := reset_of(row)) is not None)

        return await self._run(read)

    async def suspensions(self) -> tuple[Suspension, ...]:
        """Owners suspended from here that no later act of this journal resumed, oldest first."""

        def read() -> tuple[Suspension, ...]:
            rows = self._store.select("verb IN ('suspend', 'unsuspend') AND row = 'intent' AND stage = 0")
            return open_suspensions((row, self._outcome_of(row["op_id"])) for row in rows)

        return await self._run(read)

    def _outcome_of(self, op_id: str) -> Row | None:
        rows = self._store.select("op_id = ? AND row = 'outcome'", (op_id,), limit=1)
        return rows[0] if rows else None

    def _take(self, values: dict[str, Any]) -> None:
        try:
            self._store.append(values)
        except JournalError as error:
            if not any(word in str(error) for word in ("constraint", "binding")):
                raise  # the journal is still not writable: the line stays where it is

    async def _run(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except RuntimeError as error:  # shut down: the session is closing
            raise JournalError(f"journal {self.path} is closed: {error}") from None
        except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
            # A value of the wrong type in a row that somebody wrote by hand; it must not stop an abort.
            raise JournalError(
                f"journal {self.path} holds or was given what is no record ({type(error).__name__}); "
                "`cockpit journal verify` says where it was altered"
            ) from None
