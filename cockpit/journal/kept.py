"""What is kept beside the operations: rows of a second chain in the same file, added once and never changed."""

from __future__ import annotations

import gzip
import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from cockpit.journal.records import GENESIS, JournalError, chained
from cockpit.journal.schema import KEPT_COLUMNS
from cockpit.journal.store import JournalStore, Row, insert, schema_version

OBSERVED_LIMIT = 1 << 30
"""Bytes of the file from which on nothing more is observed. Operations and their evidence go on being written."""
SIGHTING = 300_000
"""Milliseconds that "last seen" may be behind: what still runs need not be written down at every look."""
_PLAIN = ", ".join((*KEPT_COLUMNS, "prev", "hash"))
Unless = Callable[[sqlite3.Connection], bool]


class KeptStore:
    """The table ``kept`` of one journal. Synchronous, on the journal's thread; every method may raise JournalError."""

    def __init__(self, store: JournalStore, limit: int = OBSERVED_LIMIT) -> None:
        self._store = store
        self._limit = limit

    def add(self, rows: Sequence[Row], *, bounded: bool = True, unless: Unless | None = None) -> None:
        """Adds the rows whose (kind, key) is not there yet, all or none. ``unless`` is asked under the write lock."""
        if not self._missing(rows):
            return
        with self._store.writing() as connection:
            if unless is not None and unless(connection):
                return
            if bounded:
                self._check_room(connection)
            for row in rows:
                _append(connection, row)

    def observe(self, rows: Sequence[Row]) -> None:
        """Adds new observations; of known ones moves "last seen" forward when it is behind."""
        known = self._seen(rows)
        new = [row for row in rows if row["key"] not in known]
        later = {
            known[row["key"]][0]: row["at"]
            for row in rows
            if row["key"] in known and row["at"] >= known[row["key"]][1] + SIGHTING
        }
        if not new and not later:
            return
        with self._store.writing() as connection:
            connection.executemany(
                "INSERT INTO sightings (seq, last) VALUES (?, ?) "
                "ON CONFLICT (seq) DO UPDATE SET last = excluded.last WHERE excluded.last > last",
                list(later.items()),
            )
        self.add(new)

    def select(self, where: str, parameters: Sequence[Any] = (), *, content: bool = False) -> list[Row]:
        """Rows in order of ``seq``, with ``last``. One that does not fit its hash was altered and is not believed."""
        with self._reading() as connection:
            if connection is None:
                return []
            columns = f"{_PLAIN}, content" if content else _PLAIN
            found = connection.execute(
                f"SELECT {columns}, coalesce((SELECT last FROM sightings s WHERE s.seq = kept.seq), at) AS last "  # noqa: S608
                f"FROM kept WHERE {where} ORDER BY seq",
                tuple(parameters),
            )
            return [row for each in found if fits(row := dict(each))]

    def oldest(self, cluster: str) -> float | None:
        """When the first thing of a cluster was kept, cluster unix seconds; None: nothing was."""
        with self._reading() as connection:
            if connection is None:
                return None
            found = connection.execute("SELECT min(at) FROM kept WHERE cluster = ?", (cluster,)).fetchone()[0]
            return found / 1000 if found is not None else None

    def _missing(self, rows: Sequence[Row]) -> bool:
        """Whether one of the rows is not there yet: with all there, no lock is taken and nothing waits for the disk."""
        with self._reading() as connection:
            return connection is None or not all(_there(connection, row) for row in rows)

    def _seen(self, rows: Sequence[Row]) -> dict[str, tuple[int, int]]:
        """key -> (seq, when last seen) of the observations that are known."""
        with self._reading() as connection:
            if connection is None:
                return {}
            marks = ", ".join("?" for _ in rows)
            found = connection.execute(
                f"SELECT key, kept.seq, coalesce(last, at) FROM kept LEFT JOIN sightings USING (seq) "  # noqa: S608
                f"WHERE kind = 'observation' AND key IN ({marks})",
                [row["key"] for row in rows],
            )
            return {key: (seq, last) for key, seq, last in found}

    def _check_room(self, connection: sqlite3.Connection) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        size = pages * connection.execute("PRAGMA page_size").fetchone()[0]
        if size >= self._limit:
            raise JournalError(
                f"journal {self._store.path} has grown to {size >> 20} MiB: versions and verdicts are not observed any "
                "more, acts are still recorded; move it to an archive, or set journal.path to a new file"
            )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """The connection; None where there is nothing kept yet, also in the file of an older cockpit."""
        with self._store.reading() as connection:
            yield None if connection is None or schema_version(connection) < 2 else connection


def _there(connection: sqlite3.Connection, row: Row) -> bool:
    found = connection.execute("SELECT 1 FROM kept WHERE kind = ? AND key = ?", (row["kind"], row["key"]))
    return found.fetchone() is not None


def _append(connection: sqlite3.Connection, values: Row) -> None:
    """Adds one row to the end of the chain unless it is there."""
    if _there(connection, values):
        return
    last = connection.execute("SELECT seq, hash FROM kept ORDER BY seq DESC LIMIT 1").fetchone()
    seq, prev = (last["seq"] + 1, last["hash"]) if last else (1, GENESIS)
    row = {column: values[column] for column in KEPT_COLUMNS if column != "seq"} | {"seq": seq}
    row |= {"prev": prev, "hash": chained(prev, row), "content": values["content"]}
    insert(connection, "kept", row)


def fits(row: Mapping[str, Any]) -> bool:
    """Whether a row is as it was written."""
    try:
        return bool(row["hash"] == chained(row["prev"], {column: row[column] for column in KEPT_COLUMNS}))
    except (TypeError, ValueError):
        return False


def packed(content: bytes) -> dict[str, Any]:
    """The columns of a content: gzip, its size unpacked, and the sha256 that binds it into the chain."""
    return {
        "content": gzip.compress(content, 6, mtime=0),
        "size": len(content),
        "digest": hashlib.sha256(content).hexdigest(),
    }


def unpacked(row: Mapping[str, Any]) -> bytes | None:
    """The content of a row; None when it is not what its digest names."""
    try:
        # A bound, so that altered bytes cannot unpack to more than memory holds.
        content = zlib.decompressobj(wbits=31).decompress(row["content"], row["size"] + 1)
    except (zlib.error, TypeError):
        return None
    return content if hashlib.sha256(content).hexdigest() == row["digest"] else None
