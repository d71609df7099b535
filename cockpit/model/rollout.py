"""A rollout as an operator sees it: one workload being replaced, its two arms, its steps, its pods."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from cockpit.model.resource import Key

Strategy = Literal["canary", "bluegreen", "rolling"]
Phase = Literal["Progressing", "Paused", "Degraded", "Healthy"]
PausedBy = Literal["step", "human", "inconclusive"]
Role = Literal["canary", "baseline"]


class Image(msgspec.Struct, frozen=True):
    """One container's image: as specified, and the digest its pods really ran (``sha256:…``), None when unknown."""

    container: str
    image: str
    digest: str | None = None


class LastExit(msgspec.Struct, frozen=True):
    """How the previous instance of a container ended."""

    container: str
    reason: str
    code: int | None
    at: float | None  # cluster time


class Pod(msgspec.Struct, frozen=True):
    """One pod. ``reason`` says why it is not up (waiting, terminated, unschedulable), None when nothing is wrong."""

    name: str
    namespace: str
    uid: str
    hash: str
    phase: str
    ready: bool
    restarts: int
    digest: str | None  # of the first container of the template
    reason: str | None = None
    message: str | None = None
    last_exit: LastExit | None = None
    containers: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    node: str | None = None
    created_at: float | None = None
    terminating: bool = False
    restarts_by_container: dict[str, int] = {}


class Arm(msgspec.Struct, frozen=True):
    """One side of the comparison: a ReplicaSet with its pods."""

    role: Role
    hash: str
    revision: int | None
    replicaset: str | None
    images: tuple[Image, ...]
    pods: tuple[Pod, ...]
    desired: int
    ready: int
    available: int
    created_at: float | None = None


class Step(msgspec.Struct, frozen=True):
    """One step of a canary. ``kind`` is its key in the spec; a *gate* (pause or check) stops the run."""

    index: int
    kind: str
    label: str  # short: "25%", "pause 10m", "pause ∞", "check"
    weight: float | None = None  # 0..1, of a setWeight
    duration: float | None = None  # seconds, of a timed pause
    gate: bool = False


class CheckMetric(msgspec.Struct, frozen=True):
    """One metric of an analysis run, with the newest value and what it was asked."""

    name: str
    phase: str
    count: int = 0
    successful: int = 0
    failed: int = 0
    inconclusive: int = 0
    error: int = 0
    limit: int | None = None  # failures allowed
    total: int | None = None  # measurements asked for
    value: str | None = None
    condition: str | None = None
    query: str | None = None
    message: str | None = None


class Check(msgspec.Struct, frozen=True):
    """An analysis run: of a step, in the background, before or after promotion."""

    name: str
    origin: Literal["step", "background", "pre", "post", "other"]
    phase: str  # Pending, Running, Successful, Failed, Error, Inconclusive
    message: str | None = None
    step_index: int | None = None
    metrics: tuple[CheckMetric, ...] = ()
    started_at: float | None = None


class Owner(msgspec.Struct, frozen=True):
    """Who re-applies this object from elsewhere: Argo CD, Flux or Helm."""

    tool: Literal["argocd", "flux", "helm"]
    name: str
    evidence: str  # the label or annotation that says so
    warning: str  # one sentence: what it will do to a change made here


class Weight(msgspec.Struct, frozen=True):
    """Share of traffic of the canary, 0..1; None where it is unknown."""

    set: float | None
    actual: float | None


class Replicas(msgspec.Struct, frozen=True):
    desired: int
    updated: int
    ready: int
    available: int


class Rollout(msgspec.Struct, frozen=True):
    """One workload being replaced, built by a strategy from raw objects. All times are cluster unix seconds.

    ``seen`` maps JSON pointers to the values this picture was drawn from (None: the member was absent); a write tests
    them, and a refusal names those that moved. ``step_index`` equals ``len(steps)`` when all steps are done.
    """

    key: Key
    uid: str
    resource_version: str
    generation: int
    strategy: Strategy
    phase: Phase
    message: str
    replicas: Replicas
    weight: Weight
    seen: dict[str, Any]
    paused_by: PausedBy | None = None
    steps: tuple[Step, ...] = ()
    step_index: int | None = None
    waits_for_human: bool = False
    in_flight: bool = False  # two versions exist, or a human or a controller still has something to do
    aborted: bool = False
    full: bool = False  # promote-full is under way
    returning: bool = False  # a rollback in flight: the canary is a version that served before
    canary: Arm | None = None
    baseline: Arm | None = None
    before: Arm | None = None  # what served before, for a rollout that has finished
    checks: tuple[Check, ...] = ()
    owner: Owner | None = None
    started_at: float | None = None  # of the update in flight
    step_since: float | None = None
    pause_started_at: float | None = None
    pause_until: float | None = None  # end of a timed pause
    finished_at: float | None = None
    created_at: float | None = None
    workload: Key | None = None  # the workloadRef target whose template this rollout runs
    traffic: str | None = None  # name of the traffic router; None on a basic canary
    stable_service: str | None = None  # Services that the spec names: of the stable (active) version
    canary_service: str | None = None  # and of the canary (preview)
    controller_seen: bool = True  # False: nothing observes this object (no controller acts on it)
    rollback_window: int = 0  # ReplicaSets back that a rollback needs no step for; 0: each needs its steps
    labels: dict[str, str] = {}

    @property
    def step(self) -> Step | None:
        """The step the rollout stands on, None when done or without steps."""
        index = self.step_index
        return self.steps[index] if index is not None and 0 <= index < len(self.steps) else None

    @property
    def done(self) -> bool:
        return not self.in_flight
