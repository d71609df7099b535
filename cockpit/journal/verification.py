"""Checking a journal: the chain of operations, the chain of what is kept, and the evidence that operations name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cockpit.journal.kept import fits, unpacked
from cockpit.journal.records import GENESIS, Verification, chained
from cockpit.journal.schema import COLUMNS, KEPT_COLUMNS
from cockpit.journal.store import KEPT, JournalStore, Row, body, schema_version

_WITH_CONTENT = ("template", "evidence")


def verify(store: JournalStore, head: str | None = None) -> Verification:
    """Recomputes every hash. ``head`` is one noted earlier: it must be in the chain, or rows were cut off.

    What is kept after the newest operation is bound by no hash noted elsewhere: only a later operation covers it.
    """
    prev, count, found = GENESIS, 0, head is None or head == GENESIS
    rows = store.select()
    for row in rows:
        count += 1
        if row["seq"] != count:
            return Verification(count - 1, prev, f"row {count} is missing: the journal was altered")
        if row["prev"] != prev or row["hash"] != _hash(prev, row):
            return Verification(count - 1, prev, f"row {count} does not fit its hash: the journal was altered")
        prev = row["hash"]
        found = found or prev == head
    if not found:
        return Verification(count, prev, f"head {str(head)[:80]} is not in the journal: rows were cut off")
    kept, problem = _check_kept(store, rows)
    return Verification(count, prev, problem, kept)


def _check_kept(store: JournalStore, rows: list[Row]) -> tuple[int, str | None]:
    """How many kept records hold, and the first problem."""
    hashes: list[str] = []
    evidence: dict[tuple[str, str], str] = {}
    problem = None
    for row in _kept_rows(store):
        problem = problem or _altered(row, hashes[-1] if hashes else GENESIS, len(hashes) + 1)
        if problem is None:
            hashes.append(row["hash"])
            if row["kind"] == "evidence":
                evidence[row["subject"], row["name"]] = row["digest"]
    # A piece that is gone is told by its name rather than by the gap it leaves.
    if problem is None or "is missing" in problem:
        problem = _missing_evidence(store, rows, evidence) or problem
    return len(hashes), problem or _unanchored(rows, hashes)


def _altered(row: Row, prev: str, seq: int) -> str | None:
    if row["seq"] != seq:
        return f"record {seq} of what is kept is missing: the journal was altered"
    if row["prev"] != prev or not fits(row):
        return f"{_called(row)} does not fit its hash: the journal was altered"
    # What has no content is bound by its hash alone, which says nothing of bytes that somebody hid there.
    if (unpacked(row) is None) if row["kind"] in _WITH_CONTENT else (row["content"] is not None):
        return f"{_called(row)} is not what was kept: the journal was altered"
    return None


def _missing_evidence(store: JournalStore, rows: list[Row], held: dict[tuple[str, str], str]) -> str | None:
    """What outcomes name must be there; what lies behind a gap is looked up by itself."""
    for row in rows:
        named = body(row).get("evidence") if row["row"] == "outcome" else None
        for name, digest in named.items() if isinstance(named, dict) else ():
            there = held.get((row["op_id"], name)) or _digest_of(store, row["op_id"], name)
            if there != digest:
                how = "missing" if there is None else "not what was kept"
                return f"evidence {name!r} of operation {row['op_id']} is {how}: the journal was altered"
    return None


def _unanchored(rows: list[Row], hashes: list[str]) -> str | None:
    """Rows of operations name the newest kept record of their time."""
    for row in rows:
        anchor: Any = body(row).get(KEPT)
        if not isinstance(anchor, dict):
            continue
        seq = anchor.get("seq")
        if not isinstance(seq, int) or not 0 < seq <= len(hashes):
            return f"record {seq} of what is kept, which row {row['seq']} names, is gone: records were cut off"
        if hashes[seq - 1] != anchor.get("hash"):
            return f"record {seq} of what is kept is not the one that row {row['seq']} names: the journal was altered"
    return None


def _called(row: Row) -> str:
    about = body(row).get("workload")
    about = about if isinstance(about, dict) else {}
    if row["kind"] == "evidence":
        return f"evidence {row['name']!r} of operation {row['subject']}"
    if row["kind"] in ("observation", "template", "transition"):
        return f"{row['kind']} of {row['namespace']}/{about.get('name')} {row['version']} (record {row['seq']})"
    return f"{row['kind']} {row['name'] or row['digest']} (record {row['seq']})"


def _kept_rows(store: JournalStore) -> Iterator[Row]:
    """All kept rows in order, with contents; one at a time, as evidence may be large."""
    columns = ", ".join((*KEPT_COLUMNS, "prev", "hash", "content"))
    with store.reading() as connection:
        if connection is None or schema_version(connection) < 2:
            return
        for row in connection.execute(f"SELECT {columns} FROM kept ORDER BY seq"):  # noqa: S608  (our column names)
            yield dict(row)


def _digest_of(store: JournalStore, op_id: str, name: str) -> str | None:
    with store.reading() as connection:
        if connection is None or schema_version(connection) < 2:
            return None
        where = "kind = 'evidence' AND subject = ? AND name = ?"
        row = connection.execute(f"SELECT digest FROM kept WHERE {where}", (op_id, name)).fetchone()  # noqa: S608
        return row["digest"] if row else None


def _hash(prev: str, row: Row) -> str | None:
    """The hash this row should have; None for one that was never written by us (a blob, a number without end)."""
    try:
        return chained(prev, {column: row[column] for column in COLUMNS})
    except (TypeError, ValueError):
        return None
