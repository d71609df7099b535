"""The journal's tables. ``ops`` is final: later versions may add tables beside it, never a column to it."""

from __future__ import annotations

VERSION = 1
"""``PRAGMA user_version`` of files this code writes; a greater one was written by a newer cockpit."""

COLUMNS = (
    "seq",
    "op_id",
    "row",
    "stage",
    "at",
    "actor",
    "context",
    "verb",
    "kind",
    "namespace",
    "name",
    "uid",
    "from_version",
    "to_version",
    "from_hash",
    "to_hash",
    "reason",
    "result",
    "verified_at",
    "body",
)
"""All columns that the hash covers, in no particular order: it is taken over canonical JSON. Times are milliseconds."""

DDL = (
    """
CREATE TABLE ops (
    seq          INTEGER PRIMARY KEY CHECK (seq > 0),
    op_id        TEXT NOT NULL CHECK (length(op_id) = 26),
    row          TEXT NOT NULL CHECK (row IN ('intent', 'outcome')),
    stage        INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    context      TEXT NOT NULL,
    verb         TEXT NOT NULL,
    kind         TEXT NOT NULL,
    namespace    TEXT NOT NULL,
    name         TEXT NOT NULL,
    uid          TEXT NOT NULL,
    from_version TEXT,
    to_version   TEXT,
    from_hash    TEXT,
    to_hash      TEXT,
    reason       TEXT,
    result       TEXT,
    verified_at  INTEGER,
    body         TEXT NOT NULL,
    prev         TEXT NOT NULL CHECK (length(prev) = 64),
    hash         TEXT NOT NULL UNIQUE CHECK (length(hash) = 64)
)
""",
    "CREATE INDEX ops_by_op ON ops (op_id)",
    "CREATE INDEX ops_by_uid ON ops (uid)",
    """
CREATE TRIGGER ops_no_update BEFORE UPDATE ON ops
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
""",
    """
CREATE TRIGGER ops_no_delete BEFORE DELETE ON ops
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
""",
    # Also stops INSERT OR REPLACE, which does not fire delete triggers by default.
    """
CREATE TRIGGER ops_in_order BEFORE INSERT ON ops
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ops)
  OR NEW.prev IS NOT coalesce((SELECT hash FROM ops ORDER BY seq DESC LIMIT 1), printf('%064d', 0))
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
""",
    f"PRAGMA user_version = {VERSION}",
)
"""The statements that make a journal, to be run in one transaction."""
