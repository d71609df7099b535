"""What happened to each pod, as a timeline in whole milliseconds: instances, readiness, request rate, profile."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from cockpit.world.contract import Object, Profile
from cockpit.world.traffic.draw import Stream, spread

CELL_MS = 15_000
"""Length of a pod's accounting cells, which end exactly when the world's Prometheus scrapes the pod."""


Value = TypeVar("Value")


class WorkloadKey(NamedTuple):
    kind: str  # "Rollout" or "Deployment"
    namespace: str
    name: str


class Instance:
    """One life of the serving container. ``ended`` is None while it runs; ``reason`` and ``code`` say how it ended."""

    __slots__ = ("code", "ended", "number", "reason", "started")

    def __init__(self, number: int, started: int) -> None:
        self.number = number
        self.started = started
        self.ended: int | None = None
        self.reason = ""
        self.code: int | None = None


class Pod:
    """The timeline of one pod. Lists of (millisecond, value) are ascending and hold changes only."""

    __slots__ = (
        "container",
        "containers",
        "created",
        "grid",
        "hash",
        "image",
        "instances",
        "ip",
        "key",
        "labels",
        "limits",
        "name",
        "namespace",
        "node",
        "profiles",
        "rates",
        "ready",
        "removed",
        "serving",
        "stream",
        "terminating",
        "uid",
        "workload",
    )

    def __init__(self, obj: Object, now: int, workload: WorkloadKey | None, seed: int) -> None:
        metadata, spec = obj["metadata"], obj.get("spec", {})
        self.namespace: str = metadata.get("namespace", "")
        self.name: str = metadata["name"]
        self.uid: str = metadata["uid"]
        self.key = (self.namespace, self.name)
        self.workload = workload
        self.labels: dict[str, str] = dict(metadata.get("labels") or {})
        self.hash = self.labels.get("rollouts-pod-template-hash") or self.labels.get("pod-template-hash", "")
        self.created = now
        self.removed: int | None = None
        self.terminating = False
        first, *others = spec.get("containers") or [{"name": "app"}]
        self.container: str = first["name"]
        self.containers: tuple[str, ...] = (self.container, *(other["name"] for other in others))
        self.image: str = first.get("image", "")
        self.limits = tuple(_limits(first))
        self.node = ""
        self.ip = ""
        self.instances: list[Instance] = []
        self.ready: list[tuple[int, bool]] = []
        self.rates: list[tuple[int, float]] = [(now, 0.0)]
        self.profiles: list[tuple[int, Profile]] = []
        self.serving = False  # ready and not being deleted
        # Names of pods are unique in a world's life, save where the same name comes back at another time.
        self.stream = Stream(f"{seed}/{self.namespace}/{self.name}")
        self.grid = spread(f"{self.namespace}/{self.name}", CELL_MS)

    @property
    def instance(self) -> Instance | None:
        """The newest instance, running or not."""
        return self.instances[-1] if self.instances else None

    def running(self) -> bool:
        return bool(self.instances) and self.instances[-1].ended is None

    def update(self, obj: Object, now: int) -> bool:
        """Take a new version of the object. True when it changes who gets traffic."""
        status = obj.get("status") or {}
        self.node = (obj.get("spec") or {}).get("nodeName") or self.node
        self.ip = status.get("podIP") or self.ip
        self.terminating = bool(obj["metadata"].get("deletionTimestamp"))
        labels = obj["metadata"].get("labels") or {}
        relabelled = labels != self.labels
        if relabelled:
            self.labels = dict(labels)
        self._follow_container(status, now)
        ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or ())
        if ready != self.ready_at(now):
            _put(self.ready, now, ready)
        serving = ready and not self.terminating and self.running()
        changed = serving != self.serving
        self.serving = serving
        return changed or relabelled

    def remove(self, now: int) -> None:
        self.removed = now
        self.serving = False
        self._end(now, "", None)
        self.set_rate(now, 0.0)

    def _follow_container(self, status: Object, now: int) -> None:
        found = next((c for c in status.get("containerStatuses") or () if c.get("name") == self.container), None)
        if found is None:
            return
        self.image = found.get("imageID") or self.image
        count = int(found.get("restartCount") or 0)
        state = found.get("state") or {}
        last = (found.get("lastState") or {}).get("terminated") or {}
        if "running" in state:
            current = self.instance
            if current is not None and current.ended is None and current.number < count:
                self._end(now, last.get("reason", ""), last.get("exitCode"))
            if not self.running():
                self.instances.append(Instance(count, now))
        elif self.running():
            ended = state.get("terminated") or last
            self._end(now, ended.get("reason", ""), ended.get("exitCode"))

    def _end(self, now: int, reason: str, code: int | None) -> None:
        if self.running():
            current = self.instances[-1]
            current.ended, current.reason, current.code = now, reason, code

    def set_rate(self, now: int, rate: float) -> None:
        if self.rates[-1][1] != rate:
            _put(self.rates, now, rate)

    def set_profile(self, now: int, profile: Profile) -> None:
        if not self.profiles or self.profiles[-1][1] is not profile:
            _put(self.profiles, now, profile)

    def ready_at(self, now: int) -> bool:
        index = bisect_right(self.ready, now, key=_moment) - 1
        return index >= 0 and self.ready[index][1]

    def profile_at(self, now: int) -> Profile:
        index = max(0, bisect_right(self.profiles, now, key=_moment) - 1)
        return self.profiles[index][1]

    def onset(self, instance: Instance, profile: Profile) -> int | None:
        """When the profile's faults begin for ``instance``; None: not yet known, as it is not ready."""
        if profile.onset <= 0:
            return instance.started
        if self.ready_at(instance.started):
            return instance.started + round(profile.onset * 1000)
        for at, ready in self.ready:
            if ready and at >= instance.started:
                return at + round(profile.onset * 1000)
        return None


def _moment(item: tuple[int, object]) -> int:
    return item[0]


def _put(changes: list[tuple[int, Value]], now: int, value: Value) -> None:
    if changes and changes[-1][0] >= now:
        changes[-1] = (changes[-1][0], value)
    else:
        changes.append((now, value))


_SUFFIXES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 1e3, "M": 1e6, "G": 1e9, "m": 1e-3}


def quantity(text: object) -> float:
    """A Kubernetes quantity as a number: "500m" is 0.5, "256Mi" is 268435456; junk is 0."""
    word = str(text)
    suffix = next((suffix for suffix in _SUFFIXES if word.endswith(suffix)), "")
    try:
        return float(word.removesuffix(suffix)) * _SUFFIXES.get(suffix, 1.0)
    except ValueError:
        return 0.0


def _limits(container: Object) -> Iterable[tuple[str, str, float]]:
    """(resource, unit, value) of the container's limits."""
    limits = (container.get("resources") or {}).get("limits") or {}
    for resource, unit in (("cpu", "core"), ("memory", "byte")):
        if resource in limits:
            yield resource, unit, quantity(limits[resource])
