"""Evidence set aside by hand, as journal rows: an intent and its outcome, since nothing has to be sent for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from cockpit.journal.records import Who, canonical
from cockpit.journal.store import body

RESET = "evidence-reset"
"""The verb of these rows. No request belongs to it, so it is never open and never settled."""


class ResetRecord(msgspec.Struct, frozen=True):
    """The evidence on ``hash`` counts from ``from_time`` (cluster seconds) on. ``at``: unix seconds of this machine."""

    op_id: str
    at: float
    from_time: float
    kind: str
    namespace: str
    name: str
    uid: str
    hash: str
    reason: str
    verdict: Any = None  # what was set aside


def reset_rows(record: ResetRecord, who: Who) -> Iterator[dict[str, Any]]:
    """The columns of both rows."""
    common = {
        "op_id": record.op_id,
        "actor": who.user,
        "context": who.context,
        "verb": RESET,
        "kind": record.kind,
        "namespace": record.namespace,
        "name": record.name,
        "uid": record.uid,
        "stage": 0,
        "at": round(record.at * 1000),
        "reason": record.reason,
    }
    details = {"os_user": who.os_user, "host": who.host, "cluster": who.cluster, "cockpit": who.version}
    content = {"from_time": record.from_time, "verdict": msgspec.to_builtins(record.verdict), "by": details}
    yield {
        **common,
        "row": "intent",
        "from_hash": record.hash,
        "to_hash": record.hash,
        "body": canonical(content),
    }
    yield {**common, "row": "outcome", "result": "done", "verified_at": round(record.at * 1000), "body": canonical({})}


def reset_of(row: Mapping[str, Any]) -> ResetRecord | None:
    """Read back; None for a row that somebody damaged."""
    content = body(row)
    from_time = content.get("from_time")
    if not isinstance(from_time, (int, float)) or not row["from_hash"]:
        return None
    return ResetRecord(
        op_id=row["op_id"],
        at=row["at"] / 1000,
        from_time=float(from_time),
        kind=row["kind"],
        namespace=row["namespace"],
        name=row["name"],
        uid=row["uid"],
        hash=row["from_hash"],
        reason=row["reason"] or "",
        verdict=content.get("verdict"),
    )
