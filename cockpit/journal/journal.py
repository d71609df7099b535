"""The journal as a session uses it: asynchronous, on a thread of its own, in records rather than rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from cockpit.journal.fallback import Fallback
from cockpit.journal.records import (
    History,
    IntentRecord,
    JournalError,
    OpenIntent,
    OutcomeRecord,
    Verification,
    Who,
    canonical,
)
from cockpit.journal.resets import RESET, ResetRecord, reset_of, reset_rows
from cockpit.journal.store import JournalStore, Row, body
from cockpit.ports import PastAct

_T = TypeVar("_T")
_LEAVING = ("abort", "rollback")
_TOWARD = ("advance", "skip", "full", "retry")


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
            return tuple(_past(row, self._outcome_of(row["op_id"])) for row in reversed(intents))

        return await self._run(read)

    async def show(self, op_id: str) -> tuple[Row, ...]:
        """All rows of one operation with their bodies as objects, oldest first; none when it is not known."""

        def read() -> tuple[Row, ...]:
            rows = self._store.select("op_id = ?", (op_id,))
            return tuple({**row, "body": body(row)} for row in rows)

        return await self._run(read)

    async def verify(self, head: str | None = None) -> Verification:
        return await self._run(lambda: self._store.verify(head))

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
                found[row["op_id"]] = _open(row, before)
            return tuple(found.values())

        return await self._run(read)

    async def history(self, uid: str) -> History:
        """What earlier acts on one object say about its versions; only acts that were carried out count."""

        def read() -> History:
            rows = self._store.select(
                "uid = ? AND row = 'intent' AND stage = 0 AND verb != ? AND op_id IN "
                "(SELECT op_id FROM ops WHERE row = 'outcome' AND result IN ('done', 'accepted'))",
                (uid, RESET),
            )
            return _history(rows)

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


def intent_row(record: IntentRecord, who: Who) -> dict[str, Any]:
    """The columns of an intent."""
    details = {
        "os_user": who.os_user,
        "host": who.host,
        "cluster": who.cluster,
        "cockpit": who.version,
        "pid": who.pid,
        "process": who.process,
    }
    return {
        **_common(record, who),
        "row": "intent",
        "stage": record.stage,
        "at": round(record.at * 1000),
        "from_version": record.from_,
        "to_version": record.to,
        "from_hash": record.from_hash,
        "to_hash": record.to_hash,
        "reason": record.reason,
        "body": canonical({**record.body, "by": details}),
    }


def outcome_row(record: OutcomeRecord, of: IntentRecord | OpenIntent, who: Who) -> dict[str, Any]:
    """The columns of an outcome; what it is about is repeated, so that a row can be read alone."""
    return {
        **_common(of, who),
        "row": "outcome",
        "stage": 0,
        "at": round(record.at * 1000),
        "reason": record.reason,
        "result": record.result,
        "verified_at": round(record.verified_at * 1000) if record.verified_at is not None else None,
        "body": canonical(
            {"observed": record.observed, "audit_ids": list(record.audit_ids), "settled": record.settled},
        ),
    }


def _common(of: IntentRecord | OpenIntent, who: Who) -> dict[str, Any]:
    return {
        "op_id": of.op_id,
        "actor": who.user,
        "context": who.context,
        "verb": of.verb,
        "kind": of.kind,
        "namespace": of.namespace,
        "name": of.name,
        "uid": of.uid,
    }


def _history(rows: Sequence[Row]) -> History:
    """Leaving a version by abort or rollback holds it bad; a later act toward it, or back to it, takes that back."""
    left: dict[str, None] = {}
    paused_by: str | None = None
    for row in rows:
        source, target = row["from_hash"], row["to_hash"]
        if row["verb"] in _LEAVING:
            left.pop(target, None)
            if source is not None:
                left.pop(source, None)
                left[source] = None
        elif row["verb"] in _TOWARD:
            left.pop(source, None)
        if row["verb"] in ("pause", "resume"):
            paused_by = row["actor"] if row["verb"] == "pause" else None
    newest = rows[-1] if rows else None
    return History(
        held_bad=tuple(reversed(left)),
        rolled_back_from=newest["from_hash"] if newest is not None and newest["verb"] == "rollback" else None,
        paused_by=paused_by,
    )


def _past(row: Row, outcome: Row | None) -> PastAct:
    verified = outcome["verified_at"] if outcome else None
    return PastAct(
        seq=row["seq"],
        op_id=row["op_id"],
        at=row["at"] / 1000,
        actor=row["actor"],
        verb=row["verb"],
        namespace=row["namespace"],
        name=row["name"],
        from_=row["from_version"],
        to=row["to_version"],
        reason=row["reason"],
        result=outcome["result"] if outcome else None,
        verified_at=verified / 1000 if verified is not None else None,
    )


def _open(row: Row, before: OpenIntent | None) -> OpenIntent:
    content = body(row)
    by = content.get("by")
    by = by if isinstance(by, dict) else {}
    pid = by.get("pid")
    return OpenIntent(
        op_id=row["op_id"],
        at=row["at"] / 1000,
        verb=row["verb"],
        kind=row["kind"],
        namespace=row["namespace"],
        name=row["name"],
        uid=row["uid"],
        actor=row["actor"],
        context=row["context"],
        cluster=str(by.get("cluster") or ""),
        host=str(by.get("host") or ""),
        pid=pid if isinstance(pid, int) else 0,
        process=str(by.get("process") or ""),
        stages=row["stage"] + 1,
        # The first stage holds the whole plan; a later one only what was sent then.
        body=before.body if before is not None else content,
    )
