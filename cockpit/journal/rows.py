"""Records of operations as rows of ``ops`` and back; and what the rows about one object say of its versions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cockpit.journal.observed import Deployed
from cockpit.journal.records import History, IntentRecord, OpenIntent, OutcomeRecord, Past, Who, canonical
from cockpit.journal.store import Row, body
from cockpit.model.act import FLIPPED
from cockpit.model.plan import OWNER_VERBS
from cockpit.model.revision import Left
from cockpit.ports import PastAct

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LEAVING: Mapping[str, Left] = {"abort": "aborted", "rollback": "rolled-back"}
_TOWARD = ("advance", "skip", "full", "retry")
_ON_THE_WAY = ("advance", "skip", "pause", "resume")


def intent_row(record: IntentRecord, who: Who) -> dict[str, Any]:
    """The columns of an intent."""
    details = {
        "os_user": who.os_user,
        "host": who.host,
        "cluster": who.cluster,
        "cockpit": who.version,
        "pid": who.pid,
        "process": who.process,
        **({"groups": list(who.groups)} if who.groups else {}),
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
            {
                "observed": record.observed,
                "audit_ids": list(record.audit_ids),
                "settled": record.settled,
                **({"evidence": record.evidence} if record.evidence else {}),
            },
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


def history_of(rows: Sequence[Row]) -> History:
    """Leaving a version by abort or rollback holds it bad; a later act toward it, or back to it, takes that back."""
    left: dict[str, Left] = {}
    paused_by: str | None = None
    rows = [row for row in rows if row["verb"] not in OWNER_VERBS]  # done to the owner: they say nothing of versions
    for row in rows:
        source, target = row["from_hash"], row["to_hash"]
        if row["verb"] in _LEAVING:
            left.pop(target, None)
            if source is not None:
                left.pop(source, None)
                left[source] = _LEAVING[row["verb"]]
        elif row["verb"] in _TOWARD:
            left.pop(source, None)
        if row["verb"] in ("pause", "resume"):
            paused_by = row["actor"] if row["verb"] == "pause" else None
    newest = next((row for row in reversed(rows) if row["verb"] not in _ON_THE_WAY), None)
    rollback = newest if newest is not None and newest["verb"] == "rollback" else None
    return History(
        held_bad=tuple(reversed(left)),
        left_by=tuple(reversed(left.items())),
        rolled_back_from=rollback["from_hash"] if rollback is not None else None,
        rolled_back_to=rollback["to_hash"] if rollback is not None else None,
        paused_by=paused_by,
    )


def deployed_of(rows: Sequence[Row], since: float | None) -> Deployed:
    """Every version that an act led to: its hash, and the digests its images were named by."""
    return Deployed(
        since,
        frozenset(row["to_hash"] for row in rows if row["to_hash"]),
        frozenset(digest for row in rows for digest in _DIGEST.findall(row["to_version"] or "")),
    )


def past_act(row: Row, outcome: Row | None) -> PastAct:
    """An intent with the outcome that followed."""
    verified = outcome["verified_at"] if outcome else None
    flipped = outcome is not None and body(outcome).get("observed") == FLIPPED
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
        afterwards=outcome["reason"] if outcome is not None and flipped else None,
    )


def past_of(row: Row, outcomes: Sequence[Row]) -> Past | None:
    """An intent whose effect was seen, as its outcomes tell; None for every other one: it may yet come."""
    if not outcomes or outcomes[-1]["result"] != "done":
        return None
    verified = outcomes[-1]["verified_at"]
    flipped = any(body(each).get("observed") == FLIPPED for each in outcomes)
    return Past(open_intent_of(row, None), verified / 1000 if verified is not None else None, flipped)


def open_intent_of(row: Row, before: OpenIntent | None) -> OpenIntent:
    """The newest stage of an operation; ``before``: its earlier stages."""
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
