"""The SQLite file itself: opening it safely, appending to the chain, reading and verifying. Synchronous; one thread."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cockpit.journal.records import GENESIS, JournalError, canonical, chained
from cockpit.journal.schema import COLUMNS, STEPS, VERSION

BUSY_MILLISECONDS = 5000
_RETRY_SECONDS = 0.02
_TRIES = 250
Row = dict[str, Any]
KEPT = "kept"
"""Key in the body of a row: ``{seq, hash}`` of the newest row of ``kept`` when it was written."""


class JournalStore:
    """One connection to one journal file. Opened at the first use; several processes may share the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._writable = False

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def append(self, values: Mapping[str, Any]) -> Row:
        """Adds one row and returns it with its ``seq``, ``prev`` and ``hash``, once it is on disk."""
        with self.writing() as connection:
            last = connection.execute("SELECT seq, hash FROM ops ORDER BY seq DESC LIMIT 1").fetchone()
            seq, prev = (last["seq"] + 1, last["hash"]) if last else (1, GENESIS)
            row = {column: values.get(column) for column in COLUMNS} | {"seq": seq}
            row["body"] = _anchored(connection, row["body"])
            row |= {"prev": prev, "hash": chained(prev, row)}
            insert(connection, "ops", row)
        return row

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is on disk once it is left; an exception inside takes all of it back."""
        with self._explained("written"):
            connection = self._open(write=True)
            # IMMEDIATE takes the write lock before the last row is read: two seats cannot build on the same one.
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """The connection to read by; None when there is no journal yet, or one that another process is just making."""
        with self._explained("read"):
            if self._connection is None and not self.path.exists():
                yield None
            else:
                connection = self._open(write=False)
                yield None if _blank(connection) else connection

    def select(self, where: str = "1", parameters: tuple[Any, ...] = (), limit: int | None = None) -> list[Row]:
        """Rows in order of ``seq``; with ``limit`` the newest ones. No journal yet: no rows."""
        with self.reading() as connection:
            if connection is None:
                return []
            sql = f"SELECT * FROM ops WHERE {where} ORDER BY seq DESC"  # noqa: S608  (callers pass literals)
            if limit is not None:
                sql += f" LIMIT {int(limit)}"
            rows = [dict(row) for row in connection.execute(sql, parameters)]
            rows.reverse()
            return rows

    def check_writable(self) -> None:
        """Raises JournalError when a row could not be written now; writes none."""
        with self._explained("written"):
            connection = self._open(write=True)
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()

    def _open(self, *, write: bool) -> sqlite3.Connection:
        if self._connection is not None and (self._writable or not write):
            return self._connection
        self.close()
        self._connection = self._connect_writable() if write else self._connect_readable()
        self._writable = write
        return self._connection

    def _connect_writable(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for place in (self.path.parent, self.path):
            # Root could write all the same; whoever took the write permission away meant something by it.
            if place.exists() and not place.stat().st_mode & 0o222:
                raise PermissionError(errno.EACCES, f"{place} is read-only")
        # The file is made with its mode: SQLite would make it by the umask, and its -wal and -shm like it.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self.path.chmod(0o600)
        for _ in range(_TRIES):
            try:
                return self._set_up()
            except sqlite3.OperationalError as error:
                # Several first starts at once: SQLite does not wait for the lock that a change to WAL needs.
                if "locked" not in str(error):
                    raise
                time.sleep(_RETRY_SECONDS)
        return self._set_up()

    def _set_up(self) -> sqlite3.Connection:
        connection = self._connect(self.path.absolute().as_uri())
        try:
            self._check_version(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            if schema_version(connection) < VERSION:
                self._bring_up(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _bring_up(self, connection: sqlite3.Connection) -> None:
        """Makes the tables of a new journal, and those that an older one lacks; its rows stay as they are."""
        connection.execute("BEGIN IMMEDIATE")
        found = schema_version(connection)  # asked again under the lock: another process may have been first
        self._check_version(connection)
        if found == 0 and not _blank(connection):
            raise JournalError(f"journal {self.path} is a database of something else; set journal.path")
        for version, statements in enumerate(STEPS[found:], found + 1):
            for statement in (*statements, f"PRAGMA user_version = {version}"):
                connection.execute(statement)
        connection.execute("COMMIT")

    def _connect_readable(self) -> sqlite3.Connection:
        uri = self.path.absolute().as_uri()
        # In a folder that cannot be written WAL cannot be read either, unless the file is declared to stand still.
        modes = ["?mode=rw", "?mode=ro", "?immutable=1"] if os.access(self.path.parent, os.W_OK) else ["?immutable=1"]
        for mode in modes:
            connection = self._connect(uri + mode)
            try:
                self._check_version(connection)
                if not _blank(connection):
                    connection.execute("SELECT seq FROM ops LIMIT 1")
                return connection
            except sqlite3.OperationalError:
                connection.close()
                if mode == modes[-1]:
                    raise
            except BaseException:
                connection.close()
                raise
        raise JournalError(f"journal {self.path} cannot be read")

    def _connect(self, uri: str) -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        return connection

    def _check_version(self, connection: sqlite3.Connection) -> None:
        version = schema_version(connection)
        if version > VERSION:
            raise JournalError(
                f"journal {self.path} was written by a newer cockpit (schema {version}, this one knows {VERSION}); "
                "install a newer rollout-cockpit or set journal.path to another file"
            )

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        """Errors of SQLite and of the file system become one sentence; the connection is made anew afterwards."""
        try:
            yield
        except JournalError:
            raise
        except (sqlite3.Error, OSError, ValueError) as error:
            self.close()
            raise JournalError(f"journal {self.path} cannot be {done}: {_why(error)}") from None


def insert(connection: sqlite3.Connection, table: str, row: Row) -> None:
    """Adds one row; the names are ours, never somebody's text."""
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", row)  # noqa: S608


def _anchored(connection: sqlite3.Connection, text: Any) -> Any:
    """The body of a row with the end of the other chain in it: what is kept cannot be rewritten without this one."""
    last = connection.execute("SELECT seq, hash FROM kept ORDER BY seq DESC LIMIT 1").fetchone()
    content = body({"body": text})
    if last is None or (not content and text != "{}"):  # written by hand beside us: taken as it is
        return text
    return canonical({**content, KEPT: {"seq": last["seq"], "hash": last["hash"]}})


def schema_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _blank(connection: sqlite3.Connection) -> bool:
    """Whether a database holds nothing at all yet."""
    return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]) == 0


def _why(error: Exception) -> str:
    text = str(error)
    if isinstance(error, FileNotFoundError):
        return "it does not exist"
    if isinstance(error, OSError):
        return f"{error.strerror or text}; set journal.path to a place that can be written"
    if "readonly" in text or "unable to open" in text:
        return "the file or its folder is read-only; set journal.path to a place that can be written"
    if "full" in text:
        return "the disk is full; free some space or set journal.path"
    if "disk I/O error" in text:
        name = getattr(error, "sqlite_errorname", "SQLITE_IOERR")
        return f"the disk took no write or gave no answer ({name}): it is full or broken; set journal.path to another"
    if "locked" in text or "busy" in text:
        return "another process holds it for more than 5 s; try again"
    if "not a database" in text or "malformed" in text or "no such table" in text or "no such column" in text:
        return "it is damaged or no journal; move it away and keep it"
    return text


def body(row: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of a row's body, empty when someone damaged it."""
    try:
        value = json.loads(row["body"])
    except (TypeError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
