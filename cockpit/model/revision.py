"""Versions a rollout can return to."""

from __future__ import annotations

from typing import Literal

import msgspec

from cockpit.model.rollout import Image

Retained = Literal["retained", "partial", "missing", "denied", "unknown"]
Signed = Literal["verified", "invalid", "present-unverified", "none", "unknown"]
Speed = Literal["running", "window", "steps", "now", "unavailable"]


Left = Literal["promoted-over", "aborted", "rolled-back"]
"""How a version stopped being the one in use."""


class Served(msgspec.Struct, frozen=True):
    """One stretch in which a version had pods. Cluster unix seconds; ``until`` None: it still has."""

    since: float
    until: float | None = None
    left: Left | None = None


class Then(msgspec.Struct, frozen=True):
    """One SLI of a version as the journal last knew it while it served."""

    name: str
    value: float | None
    unit: str
    at: float


class Revision(msgspec.Struct, frozen=True):
    """One ReplicaSet of a rollout. ``hash`` is its identity; ``revision`` is renumbered by an undo."""

    revision: int | None
    hash: str
    current: bool
    stable: bool
    last_good: bool
    images: tuple[Image, ...]
    retained: Retained = "unknown"
    signed: Signed = "unknown"
    speed: Speed = "steps"
    replicaset: str | None = None
    created_at: float | None = None
    replicas: int = 0
    cause: str | None = None  # kubernetes.io/change-cause
    aborted: bool | None = None  # left by an abort; None: not known
    source: Literal["cluster", "journal"] = "cluster"  # journal: pruned from the cluster, kept here
    tag: str | None = None
    commit: str | None = None  # from labels or provenance; ``commit_verified`` says which
    commit_verified: bool = False
    served: tuple[Served, ...] = ()  # newest first; empty: not known
    left: Left | None = None
    then: tuple[Then, ...] = ()
    retained_reason: str = ""
    retained_at: float | None = None  # unix seconds of the seat: when it was asked
    signed_reason: str = ""
    signed_key: str | None = None
    withheld: str = ""  # why it cannot be put back from what is kept; "": it can


class Coverage(msgspec.Struct, frozen=True):
    """Retention of the most recent ``total`` distinct versions (facts 3): proven, possible, and what is missing."""

    total: int
    proven: int
    possible: int
    missing: tuple[str, ...] = ()
    text: str = ""  # "9/10 retained · 1 unknown (registry 429)"
