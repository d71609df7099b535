"""What the parts of the world are to each other: the object store, fault profiles, telemetry, and the world itself."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from cockpit.world.clock import WorldClock

Object = dict[str, Any]


class Change(NamedTuple):
    """A committed write. ``plural`` names the resource ("pods", "rollouts"); ``old`` is None for ADDED."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    plural: str
    object: Object
    old: Object | None


class Objects(Protocol):
    """The store, in process and synchronous. What it returns is the caller's own copy.

    Resources are named by plural; ``events`` of both groups are the same objects. Server-side rules hold here and
    nowhere else: uid, creationTimestamp, resourceVersion, generation (spec changes only), managedFields, the status
    subresource, finalizers and ownerReference garbage collection.
    """

    def create(self, obj: Object, *, manager: str = "controller") -> Object: ...

    def get(self, plural: str, namespace: str | None, name: str) -> Object | None: ...

    def select(
        self, plural: str, namespace: str | None = None, selector: Mapping[str, str] | None = None
    ) -> list[Object]: ...

    def owned(self, plural: str, uid: str) -> list[Object]:
        """Objects whose controlling ownerReference is ``uid``, from an index."""

    def mutate(
        self,
        plural: str,
        namespace: str | None,
        name: str,
        change: Callable[[Object], None],
        *,
        subresource: str | None = None,
        manager: str = "controller",
    ) -> Object | None:
        """Read, change in place, write; a change that changes nothing makes no new version. None: not found."""

    def delete(self, plural: str, namespace: str | None, name: str, *, grace: int | None = None) -> bool:
        """Delete, or mark as being deleted; a kubelet finishes a pod with ``grace=0``. False: there was nothing."""

    def subscribe(self, listener: Callable[[Change], None]) -> None:
        """Called synchronously after each commit; a listener must only enqueue (clock.call_at), never write."""


class Profile(msgspec.Struct, frozen=True):
    """How a version (an image) behaves. Rates are ratios, times seconds, memory bytes."""

    error_rate: float = 0.002
    latency_median: float = 0.040
    latency_sigma: float = 0.6  # of the log-normal
    cpu_per_request: float = 0.002  # core seconds
    memory: float = 120e6
    memory_growth: float = 0.0  # bytes per second
    onset: float = 0.0  # seconds after the pod is ready until the faults below apply; healthy before
    bursts: float = 0.0  # 0: errors arrive evenly; >0: gamma shape of bursts, smaller is burstier
    crash_after: float | None = None  # seconds after start
    exit_code: int = 1
    oom: bool = False
    start_seconds: float = 3.0  # from container start to ready
    never_ready: bool = False
    pull_error: str | None = None  # "ImagePullBackOff" message
    unschedulable: str | None = None  # scheduler message
    metrics: bool = True  # False: the pod exports nothing (a blind canary)
    # no target; a target without the application's metrics; a target that Prometheus no longer gets round to
    scrape: Literal["ok", "undiscovered", "silent", "stalled"] = "ok"
    reach: float = 1.0  # share of the requests meant for it that arrive; a router sends the others elsewhere
    edges: tuple[str, ...] | None = None  # of the latency buckets exposed, as ``le`` shows them; None: the usual ones
    log_line: str | None = None  # error text of this version; may be hostile
    orders: float = 0.1  # business transactions per request

    @property
    def seen(self) -> bool:
        """Whether a scrape brings the application's metrics, under the names that everyone looks for."""
        return self.metrics and self.scrape == "ok"


class Profiles(Protocol):
    """Image reference -> profile; an image that nobody described is healthy."""

    def of(self, image: str) -> Profile: ...

    def set(self, image: str, profile: Profile) -> None: ...


class Telemetry(Protocol):
    """What pods say: the log endpoint asks here."""

    def log_lines(
        self, pod: Object, container: str, *, previous: bool, since: float | None, until: float
    ) -> Iterator[tuple[float, bytes]]:
        """(unix seconds, line without stamp and newline) of one container instance in [since, until), in order."""


class World(Protocol):
    """What every part is handed. ``telemetry`` is set by the traffic part when it is installed."""

    clock: WorldClock
    objects: Objects
    profiles: Profiles
    telemetry: Telemetry | None
    seed: int

    def rng(self, *name: object) -> random.Random:
        """A generator that depends on the seed and ``name`` only."""
