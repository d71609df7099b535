"""Records of what was seen as rows of the table ``kept``; what makes two of them the same record is its key."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import msgspec

from cockpit.base.secrets import hide
from cockpit.base.text import clean
from cockpit.journal.kept import Unless, packed
from cockpit.journal.observed import Observation, Piece, SeenJob, Template, Transition, Workload
from cockpit.journal.records import canonical
from cockpit.journal.store import Row
from cockpit.model.artifact import Contents

_SKEW = 120_000
"""Milliseconds that two seats may differ about when a version left."""


def observation_row(record: Observation) -> Row:
    """The revision belongs to the key: an undo renumbers a ReplicaSet, and both numbers are worth knowing."""
    workload = record.workload
    key = (
        workload.cluster, workload.uid, record.replicaset, record.hash, record.revision, record.container,
        record.image, record.image_id,
    )  # fmt: skip
    body = {
        "workload": _named(workload),
        "replicaset": record.replicaset,
        "revision": record.revision,
        "image": record.image,
        "image_id": record.image_id,
        "platform": record.platform,
    }
    return _of(workload, "observation", key, record.at, record.hash, body, name=record.container, digest=record.digest)


def template_row(workload: Workload, version: str, revision: int | None, template: Template, at: float) -> Row:
    """With its secrets hidden; a template that had some cannot be restored from here, and says so (``whole``)."""
    safe = hide(template)
    body = {"workload": _named(workload), "revision": revision, "whole": safe == template}
    key = (workload.cluster, workload.uid, version)
    content = canonical(safe).encode("utf-8", "surrogatepass")
    return _of(workload, "template", key, at, version, body) | packed(content)


def transition_row(record: Transition) -> Row:
    key = (record.workload.cluster, record.workload.uid, record.hash, _ms(record.at), record.state, record.left)
    body = {
        "workload": _named(record.workload),
        "state": record.state,
        "reason": clean(record.reason, 1000),
        "slis": msgspec.to_builtins(record.slis),
        "left": record.left,
    }
    return _of(record.workload, "transition", key, record.at, record.hash, body)


def told_already(row: Row) -> Unless:
    """Whether the journal says so already: another seat sees the same transition a moment earlier or later."""
    mine = _told(row["body"])

    def check(connection: sqlite3.Connection) -> bool:
        rows = connection.execute(
            "SELECT at, body FROM kept WHERE kind = 'transition' AND subject = ? AND cluster = ? AND version = ? "
            "ORDER BY seq DESC LIMIT 20",
            (row["subject"], row["cluster"], row["version"]),
        ).fetchall()
        if mine[1] is None:
            return bool(rows) and _told(rows[0]["body"]) == mine
        return any(_told(each["body"])[1] == mine[1] and abs(each["at"] - row["at"]) <= _SKEW for each in rows)

    return check


def job_row(record: SeenJob) -> Row:
    """Its command may hold a password."""
    image, command, why = (clean(str(hide(text)), 2000) for text in (record.image, record.command, record.why))
    body = {"image": image, "command": command, "why": why}
    return {
        **_EMPTY,
        "kind": "job",
        "key": _key(record.cluster, record.namespace, record.uid or record.name),
        "cluster": record.cluster,
        "namespace": record.namespace,
        "subject": record.uid,
        "name": record.name,
        "at": _ms(record.at),
        "body": canonical(body),
    }


def contents_row(contents: Contents) -> Row:
    body = {"kind": contents.kind, "children": list(contents.children)}
    return {
        **_EMPTY,
        "kind": "contents",
        "key": contents.digest,
        "digest": contents.digest,
        "body": canonical(body),
    }


def evidence_row(op_id: str, piece: Piece) -> Row:
    return {
        **_EMPTY,
        "kind": "evidence",
        "key": _key(op_id, piece.name),
        "subject": op_id,
        "name": piece.name,
        "body": canonical({"kind": piece.kind}),
        **packed(piece.content),
    }


_EMPTY: Row = {
    "cluster": "",
    "namespace": "",
    "subject": "",
    "version": "",
    "name": "",
    "digest": None,
    "size": None,
    "content": None,
    "at": 0,  # where time says nothing: what a digest holds never changes, evidence has the time of its operation
}


def _of(workload: Workload, kind: str, key: tuple[Any, ...], at: float, version: str, body: Any, **more: Any) -> Row:
    """A row about one version of a workload."""
    return {
        **_EMPTY,
        "kind": kind,
        "key": _key(*key),
        "cluster": workload.cluster,
        "namespace": workload.namespace,
        "subject": workload.uid,
        "version": version,
        "at": _ms(at),
        "body": canonical(body),
        **more,
    }


def _key(*parts: Any) -> str:
    return json.dumps(parts, separators=(",", ":"), ensure_ascii=False)


def _named(workload: Workload) -> dict[str, str]:
    return {"kind": workload.kind, "name": workload.name}


def _told(text: str) -> tuple[Any, Any]:
    content = json.loads(text)
    return content.get("state"), content.get("left")


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
