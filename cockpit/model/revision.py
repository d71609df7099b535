"""Versions a rollout can return to."""

from __future__ import annotations

from typing import Literal

import msgspec

from cockpit.model.rollout import Image

Retained = Literal["retained", "partial", "missing", "denied", "unknown"]
Signed = Literal["verified", "invalid", "present-unverified", "none", "unknown"]
Speed = Literal["running", "window", "steps", "now", "unavailable"]


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
