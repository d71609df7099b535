"""Model values -> the JSON shapes that DESIGN.md publishes. Pure functions; the screens draw the same model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from cockpit.model.plan import Outcome
from cockpit.model.preflight import Preflight
from cockpit.model.resource import Key
from cockpit.model.revision import Revision
from cockpit.model.rollout import Arm, Image, Pod, Rollout
from cockpit.model.snapshot import Snapshot
from cockpit.model.urgency import urgency
from cockpit.model.verdict import Assessment, SliRow

E_CAP = 1e300
"""Evidence leaves its logarithm only here, capped so that every JSON reader can hold it."""


def fleet(snapshot: Snapshot) -> list[dict[str, Any]]:
    """``list``: all rollouts of a picture, the one that needs a human most first."""
    ordered = sorted(
        snapshot.rollouts.values(), key=lambda rollout: urgency(rollout, snapshot.assessments.get(rollout.key))
    )
    return [item(rollout, snapshot.assessments.get(rollout.key)) | _drift(snapshot, rollout.key) for rollout in ordered]


def item(rollout: Rollout, assessment: Assessment | None) -> dict[str, Any]:
    """One rollout of ``list``. ``step.kind`` is null when all steps are done, ``index`` when there are none."""
    step = rollout.step
    return {
        "kind": rollout.key.kind,
        "namespace": rollout.key.namespace,
        "name": rollout.key.name,
        "strategy": rollout.strategy,
        "phase": rollout.phase,
        "message": rollout.message,
        "paused_by": rollout.paused_by,
        "step": {
            "index": rollout.step_index,
            "total": len(rollout.steps),
            "kind": step.kind if step else None,
        },
        "weight": {"set": rollout.weight.set, "actual": rollout.weight.actual},
        "waits_for_human": rollout.waits_for_human,
        "verdict": verdict(assessment),
        "in_flight": rollout.in_flight,
        "aborted": rollout.aborted,
    }


def verdict(assessment: Assessment | None) -> dict[str, Any]:
    """State and reason; nothing judged yet is ``unjudged`` and says so."""
    if assessment is None:
        return {"state": "unjudged", "reason": "not judged yet"}
    return {"state": assessment.verdict.state, "reason": assessment.verdict.reason}


def status(snapshot: Snapshot, key: Key) -> dict[str, Any]:
    """``status``: the item of ``list`` with arms, SLIs, burn, owner and how fresh each source is."""
    rollout = snapshot.rollouts[key]
    assessment = snapshot.assessments.get(key)
    return {
        **item(rollout, assessment),
        **_drift(snapshot, key),
        "verdict": verdict(assessment) | _basis(assessment),
        "arms": {"canary": arm(rollout.canary), "baseline": arm(rollout.baseline)},
        "slis": [sli(row) for row in assessment.slis] if assessment else [],
        "burn": msgspec.to_builtins(assessment.burn) if assessment and assessment.burn else None,
        "owner": msgspec.to_builtins(rollout.owner) if rollout.owner else None,
        "as_of": as_of(snapshot),
        "now": snapshot.now,
    }


def _drift(snapshot: Snapshot, key: Key) -> dict[str, Any]:
    """``drift``: findings, worst first; an empty array says that nothing was found, not that all was asked."""
    return {"drift": [msgspec.to_builtins(each) for each in snapshot.drifts.get(key, ())]}


def _basis(assessment: Assessment | None) -> dict[str, Any]:
    """Which SLI speaks, and since when an abort is latched."""
    said = assessment.verdict if assessment is not None else None
    return {"sli": said.sli if said else None, "latched_at": said.latched_at if said else None}


def arm(side: Arm | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {
        "hash": side.hash,
        "revision": side.revision,
        "replicaset": side.replicaset,
        "desired": side.desired,
        "ready": side.ready,
        "images": [image(entry) for entry in side.images],
        "pods": [pod(entry) for entry in side.pods],
    }


def image(entry: Image) -> dict[str, Any]:
    return {"container": entry.container, "image": entry.image, "digest": entry.digest}


def pod(entry: Pod) -> dict[str, Any]:
    return {
        "name": entry.name,
        "ready": entry.ready,
        "restarts": entry.restarts,
        "digest": entry.digest,
        "reason": entry.reason,
        "message": entry.message,
        "last_exit": msgspec.to_builtins(entry.last_exit) if entry.last_exit else None,
    }


def sli(row: SliRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "unit": row.unit,
        "canary": row.canary,
        "baseline": row.baseline,
        "ratio": row.ratio,
        "interval": list(row.interval) if row.interval else None,
        "requests": {"canary": row.requests.canary, "baseline": row.requests.baseline},
        "errors": {"canary": row.errors.canary, "baseline": row.errors.baseline},
        "e_abort": _capped(row.e_abort),
        "e_advance": _capped(row.e_advance),
        "state": row.state,
        "reason": row.reason,
        "limit": row.limit,
        "posterior": row.posterior,
        "latched_at": row.latched_at,
        "phi": row.phi,
        "unseen": row.unseen,
        "k": row.k,
        "share": row.share,
        "share_ratio": None if row.share_ratio is None or math.isinf(row.share_ratio) else row.share_ratio,
    }


def as_of(snapshot: Snapshot) -> dict[str, Any]:
    """Per source: state, time and version of the newest data, and its age in seconds of cluster time."""
    return {
        name: {
            "state": source.state,
            "at": source.at,
            "age": None if source.at is None else max(0.0, snapshot.now - source.at),
            "version": source.version,
            "since": source.since,
            "message": source.message,
        }
        for name, source in snapshot.sources.items()
    }


def revisions(entries: Sequence[Revision]) -> list[dict[str, Any]]:
    """``revisions``, newest first."""
    return [
        {
            "revision": entry.revision,
            "hash": entry.hash,
            "current": entry.current,
            "stable": entry.stable,
            "last_good": entry.last_good,
            "images": [image(part) for part in entry.images],
            "retained": entry.retained,
            "signed": entry.signed,
            "speed": entry.speed,
            "replicas": entry.replicas,
            "created_at": entry.created_at,
            "cause": entry.cause,
            "source": entry.source,
            "tag": entry.tag,
            "commit": entry.commit,
            "commit_verified": entry.commit_verified,
            "served": msgspec.to_builtins(entry.served),
            "left": entry.left,
            "then": msgspec.to_builtins(entry.then),
            "retained_reason": entry.retained_reason,
            "retained_at": entry.retained_at,
            "signed_reason": entry.signed_reason,
            "signed_key": entry.signed_key,
            "withheld": entry.withheld,
        }
        for entry in entries
    ]


def preflight(
    target: str, found: Preflight | None, diff: Sequence[str] | None = None, reason: str | None = None
) -> dict[str, Any]:
    """``preflight``. ``reason``: why there is no such rollback now; without ``found`` nothing was checked either.

    ``diff``: one line per difference of the two templates, None where they cannot be compared.
    """
    return {
        "target": target,
        "to_hash": found.to_hash if found else None,
        "complete": found is not None and found.complete,
        "blocking": list(found.blocking) if found else [],
        "typed": list(found.typed) if found else [],
        "findings": [msgspec.to_builtins(each) for each in found.findings] if found else [],
        "diff": list(diff) if diff is not None else None,
        "reason": reason,
    }


def outcome(ended: Outcome) -> dict[str, Any]:
    """A verb's result, keys as published."""
    built: dict[str, Any] = msgspec.to_builtins(ended)
    return built


def _capped(value: float | None) -> float | None:
    return None if value is None else min(value, E_CAP)
