"""A Kubernetes event about a rollout, its ReplicaSets or its pods."""

from __future__ import annotations

import msgspec

from cockpit.model.resource import Key


class Event(msgspec.Struct, frozen=True):
    uid: str
    at: float  # cluster time, last seen
    type: str  # Normal, Warning
    reason: str
    message: str
    kind: str
    namespace: str
    name: str  # of the object it is about
    count: int = 1
    rollout: Key | None = None  # whose story it belongs to, when known
    reporter: str = ""
