"""What is journaled: who, an intent before its first request, an outcome after; canonical JSON and the hash chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from cockpit.base.errors import CockpitError
from cockpit.model.plan import Result, Verb
from cockpit.model.revision import Left

GENESIS = "0" * 64
"""``prev`` of the first row."""


class JournalError(CockpitError):
    """The journal cannot be read or written; says which file, why, and what to do."""


class Who(msgspec.Struct, frozen=True):
    """The actor of this process. ``user`` and ``groups`` are the cluster's names for it; ``process`` tells whether it
    still lives.
    """

    user: str
    os_user: str
    host: str
    context: str
    cluster: str
    version: str
    pid: int = 0
    process: str = ""
    groups: tuple[str, ...] = ()


class IntentRecord(msgspec.Struct, frozen=True):
    """One row on disk before a request leaves. A sequence writes one per stage, under the same ``op_id``.

    ``body`` is JSON: the plan with templates replaced by their digests, the verdict shown, the consent given.
    """

    op_id: str
    at: float  # unix seconds of this machine
    verb: Verb
    kind: str
    namespace: str
    name: str
    uid: str
    stage: int
    reason: str | None
    from_: str | None
    to: str | None
    from_hash: str | None
    to_hash: str | None
    body: dict[str, Any]


class OutcomeRecord(msgspec.Struct, frozen=True):
    """How an operation ended. ``verified_at``: when the effect was observed, None when it was not."""

    op_id: str
    at: float
    result: Result
    reason: str
    observed: str | None = None
    verified_at: float | None = None
    audit_ids: tuple[str, ...] = ()
    settled: bool = False  # found out by a later start
    evidence: dict[str, str] = {}  # name -> sha256 of what was kept: in the row, so that the chain covers it


class OpenIntent(msgspec.Struct, frozen=True):
    """An operation without an outcome. ``stages``: how many of its requests may have been sent."""

    op_id: str
    at: float
    verb: Verb
    kind: str
    namespace: str
    name: str
    uid: str
    actor: str
    context: str
    cluster: str
    host: str
    pid: int
    process: str
    stages: int
    body: dict[str, Any]


class Past(msgspec.Struct, frozen=True):
    """An operation that was done, its effect seen. ``flipped``: that it did not last is on record already."""

    intent: OpenIntent
    verified_at: float | None
    flipped: bool


class History(msgspec.Struct, frozen=True):
    """What an operator's earlier acts say. ``held_bad``: hashes left by an abort or a rollback, newest first.

    ``rolled_back_from``, ``rolled_back_to``: the versions that the newest act left and went to, where that act was a
    rollback; moving it on along its steps is no act of its own here. ``paused_by``: the actor
    of the newest pause that no resume followed.
    """

    held_bad: tuple[str, ...] = ()
    rolled_back_from: str | None = None
    rolled_back_to: str | None = None
    left_by: tuple[tuple[str, Left], ...] = ()  # each of ``held_bad`` with how it was left
    paused_by: str | None = None


class Verification(msgspec.Struct, frozen=True):
    """Result of checking the chain. ``problem`` is one sentence, None when everything holds.

    ``rows``, ``kept``: how many operations' rows, and records kept beside them, hold.
    """

    rows: int
    head: str
    problem: str | None = None
    kept: int = 0

    @property
    def ok(self) -> bool:
        return self.problem is None


def canonical(value: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no white space: the same text for the same value, on every machine."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def chained(prev: str, row: Mapping[str, Any]) -> str:
    """sha256 over the previous row's hash and the canonical JSON of this row, hexadecimal."""
    return hashlib.sha256((prev + canonical(row)).encode("utf-8", "surrogatepass")).hexdigest()
