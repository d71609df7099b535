"""The journal's tables. ``ops`` is final: later versions may add tables beside it, never a column to it."""

from __future__ import annotations

VERSION = 2
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

KEPT_COLUMNS = (
    "seq",
    "kind",
    "key",
    "cluster",
    "namespace",
    "subject",
    "version",
    "name",
    "digest",
    "at",
    "size",
    "body",
)
"""Columns of ``kept`` that its hash covers. ``content`` is bound by ``digest``, the sha256 of what it unpacks to."""

_OPS = (
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
)

# One table for all that is kept beside the operations, so that one chain covers it: a row taken away shows, whatever
# its kind. ``subject`` is the uid of a workload, or the operation that evidence belongs to.
_KEPT = (
    """
CREATE TABLE kept (
    seq       INTEGER PRIMARY KEY CHECK (seq > 0),
    kind      TEXT NOT NULL CHECK (kind IN
              ('observation', 'template', 'transition', 'job', 'contents', 'evidence')),
    key       TEXT NOT NULL,
    cluster   TEXT NOT NULL,
    namespace TEXT NOT NULL,
    subject   TEXT NOT NULL,
    version   TEXT NOT NULL,
    name      TEXT NOT NULL,
    digest    TEXT,
    at        INTEGER NOT NULL,
    size      INTEGER,
    body      TEXT NOT NULL,
    content   BLOB,
    prev      TEXT NOT NULL CHECK (length(prev) = 64),
    hash      TEXT NOT NULL UNIQUE CHECK (length(hash) = 64)
)
""",
    "CREATE UNIQUE INDEX kept_once ON kept (kind, key)",
    "CREATE INDEX kept_by_subject ON kept (subject, kind)",
    "CREATE INDEX kept_by_digest ON kept (digest)",
    "CREATE INDEX kept_by_place ON kept (kind, cluster, namespace, at)",
    """
CREATE TRIGGER kept_no_update BEFORE UPDATE ON kept
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
""",
    """
CREATE TRIGGER kept_no_delete BEFORE DELETE ON kept
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
""",
    """
CREATE TRIGGER kept_in_order BEFORE INSERT ON kept
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM kept)
  OR NEW.prev IS NOT coalesce((SELECT hash FROM kept ORDER BY seq DESC LIMIT 1), printf('%064d', 0))
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
""",
    # When an observation was last made: one row each, moved forward. A row per sighting would grow without end.
    "CREATE TABLE sightings (seq INTEGER PRIMARY KEY, last INTEGER NOT NULL)",
    """
CREATE TRIGGER sightings_forward BEFORE UPDATE ON sightings
WHEN NEW.seq IS NOT OLD.seq OR NEW.last < OLD.last
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
""",
    """
CREATE TRIGGER sightings_no_delete BEFORE DELETE ON sightings
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
""",
)

STEPS = (_OPS, _KEPT)
"""What makes a journal of version n+1 from one of version n (0: an empty file), each to be run in one transaction."""
