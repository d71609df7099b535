"""The picture consumers draw: immutable, versioned, compared by identity."""

from __future__ import annotations

from typing import Literal

import msgspec

from cockpit.model.drift import Drift
from cockpit.model.event import Event
from cockpit.model.plan import Pending
from cockpit.model.resource import Key
from cockpit.model.rollout import Rollout
from cockpit.model.verdict import Assessment

SourceName = Literal["kubernetes", "prometheus", "registry", "logs"]
SourceHealth = Literal["ok", "syncing", "stale", "lost", "denied", "absent", "off"]


class Source(msgspec.Struct, frozen=True):
    """How fresh one source is. ``since``: when this state began; ``at``: time of the newest data (cluster seconds)."""

    state: SourceHealth
    at: float | None = None
    since: float | None = None
    version: str | None = None  # resource version, for kubernetes
    message: str | None = None  # what is lost, in words


class SeatAct(msgspec.Struct, frozen=True):
    """An act of any seat as its Event tells it: best effort, for the row and the dialog. Cluster unix seconds."""

    op_id: str
    actor: str
    verb: str
    text: str  # "sre2 paused: wait for db"
    at: float
    own: bool = False  # of this process


class Snapshot(msgspec.Struct, frozen=True):
    """Everything on screen at one instant. Maps are never mutated; an unchanged entry is the same object."""

    version: int
    now: float  # cluster time
    sources: dict[str, Source] = {}
    gaps: tuple[str, ...] = ()  # what rights or absence hide, each one sentence
    rollouts: dict[Key, Rollout] = {}
    assessments: dict[Key, Assessment] = {}
    pending: dict[Key, Pending] = {}
    events: tuple[Event, ...] = ()  # newest first, bounded
    drifts: dict[Key, tuple[Drift, ...]] = {}  # absent: none, or not known yet
    acts: dict[Key, SeatAct] = {}  # the newest act on each rollout, own or another seat's
