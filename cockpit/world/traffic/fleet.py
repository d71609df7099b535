"""Pods, workloads and Services as the store tells of them: who serves, at what rate, since when."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from cockpit.world.contract import Change, Object, Profile, World
from cockpit.world.traffic.pods import Pod, WorkloadKey
from cockpit.world.traffic.split import Routing, Selector, reached, routing_of, selects, shares

RETENTION_MS = 6 * 3600 * 1000
"""How long anything about a pod that is gone is remembered."""

_KINDS = {"rollouts": "Rollout", "deployments": "Deployment"}


class Workload:
    """A Rollout or Deployment with its pods by uid. ``rps`` overrides the scenario's rate when set."""

    __slots__ = ("key", "log_rate", "pods", "routing", "rps")

    def __init__(self, key: WorkloadKey) -> None:
        self.key = key
        self.routing = Routing()
        self.pods: dict[str, Pod] = {}
        self.rps: float | None = None
        self.log_rate: float | None = None


class Fleet:
    """Listens to the store from before the first object. Only ``flush`` moves traffic, once per instant."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.pods: dict[str, Pod] = {}  # by uid; those gone stay for the retention
        self.by_name: dict[tuple[str, str], Pod] = {}  # the newest of each name
        self.workloads: dict[WorkloadKey, Workload] = {}
        self._replicasets: dict[str, WorkloadKey] = {}
        self._services: dict[str, dict[str, Selector]] = {}
        self._gone: deque[Pod] = deque()
        self._dirty: dict[WorkloadKey, Workload] = {}
        self._scheduled = False
        self._handlers: dict[str, Callable[[Change], None]] = {
            "pods": self._pod,
            "replicasets": self._replicaset,
            "rollouts": self._workload,
            "deployments": self._workload,
            "services": self._service,
        }
        for plural in ("services", "rollouts", "deployments", "replicasets", "pods"):
            for obj in world.objects.select(plural):
                self.on_change(Change("ADDED", plural, obj, None))
        world.objects.subscribe(self.on_change)
        _tell(world.profiles, "set", self._profiles_changed)
        _tell(world.profiles, "set_rps", self.touch_all)

    def now_ms(self) -> int:
        return int(self._world.clock.now() * 1000)

    def on_change(self, change: Change) -> None:
        handler = self._handlers.get(change.plural)
        if handler is not None:
            handler(change)

    # -- reading

    def workload(self, namespace: str, name: str) -> Workload | None:
        """The Rollout of that name, else the Deployment."""
        for kind in ("Rollout", "Deployment"):
            found = self.workloads.get(WorkloadKey(kind, namespace, name))
            if found is not None and (found.pods or kind == "Deployment"):
                return found
        return self.workloads.get(WorkloadKey("Rollout", namespace, name))

    def alive(self) -> Iterator[Pod]:
        return (pod for pod in self.pods.values() if pod.removed is None)

    def rps(self, workload: Workload) -> float:
        if workload.rps is not None:
            return workload.rps
        from cockpit.world.profiles import rps_of

        return rps_of(self._world, workload.key.namespace, workload.key.name)

    # -- writing

    def touch(self, workload: Workload) -> None:
        """Split the workload's traffic anew at this instant."""
        self._dirty[workload.key] = workload
        if not self._scheduled:
            self._scheduled = True
            self._world.clock.call_at(self._world.clock.now(), self.flush)

    def touch_all(self) -> None:
        for workload in self.workloads.values():
            self.touch(workload)

    def flush(self) -> None:
        """Bring every pod's rate up to date with the store; called before anything is read."""
        self._scheduled = False
        if not self._dirty:
            return
        now = self.now_ms()
        dirty, self._dirty = self._dirty, {}
        for workload in dirty.values():
            rps = self.rps(workload)
            services = self._services.get(workload.key.namespace, {})
            split = reached(shares(workload.routing, workload.pods.values(), services), workload.pods.values(), now)
            for uid, pod in workload.pods.items():
                pod.set_rate(now, rps * split.get(uid, 0.0))

    def _profiles_changed(self) -> None:
        now = self.now_ms()
        for pod in self.alive():
            reach = pod.profiles[-1][1].reach
            self._refresh_profile(pod, now)
            workload = self.workloads.get(pod.workload) if pod.workload else None
            if workload is not None and pod.profiles[-1][1].reach != reach:
                self.touch(workload)

    def _refresh_profile(self, pod: Pod, now: int) -> None:
        profile: Profile = self._world.profiles.of(pod.image)
        pod.set_profile(now, profile)

    # -- the store's changes

    def _pod(self, change: Change) -> None:
        now = self.now_ms()
        metadata = change.object["metadata"]
        pod = self.pods.get(metadata["uid"])
        if pod is None:
            if change.type == "DELETED":
                return
            key = self._replicasets.get(_controller(change.object) or "")
            pod = Pod(change.object, now, key, self._world.seed)
            self._refresh_profile(pod, now)
            self.pods[pod.uid] = self.by_name[pod.key] = pod
            if key is not None:
                self._of(key).pods[pod.uid] = pod
        image = pod.image
        moved = pod.update(change.object, now)
        if pod.image != image:
            self._refresh_profile(pod, now)
        workload = self.workloads.get(pod.workload) if pod.workload else None
        if change.type == "DELETED":
            pod.remove(now)
            self._forget(pod, workload, now)
            moved = True
        if moved and workload is not None:
            self.touch(workload)

    def _forget(self, pod: Pod, workload: Workload | None, now: int) -> None:
        self._gone.append(pod)
        while self._gone and (self._gone[0].removed or 0) < now - RETENTION_MS:
            old = self._gone.popleft()
            self.pods.pop(old.uid, None)
            if self.by_name.get(old.key) is old:
                del self.by_name[old.key]
            owner = self.workloads.get(old.workload) if old.workload else None
            if owner is not None:
                owner.pods.pop(old.uid, None)

    def _replicaset(self, change: Change) -> None:
        metadata = change.object["metadata"]
        if change.type == "DELETED":
            return  # its pods may outlive it for a moment
        for owner in metadata.get("ownerReferences") or ():
            if owner.get("controller") and owner.get("kind") in ("Rollout", "Deployment"):
                key = WorkloadKey(owner["kind"], metadata["namespace"], owner["name"])
                self._replicasets[metadata["uid"]] = key
                self._of(key)

    def _workload(self, change: Change) -> None:
        metadata = change.object["metadata"]
        workload = self._of(WorkloadKey(_KINDS[change.plural], metadata["namespace"], metadata["name"]))
        routing = routing_of(change.object) if change.plural == "rollouts" else Routing()
        if change.type == "ADDED" or routing != workload.routing:
            workload.routing = routing
            self.touch(workload)

    def _service(self, change: Change) -> None:
        metadata = change.object["metadata"]
        space = self._services.setdefault(metadata["namespace"], {})
        selector = (change.object.get("spec") or {}).get("selector") or {}
        before = space.get(metadata["name"], {})
        if change.type == "DELETED":
            space.pop(metadata["name"], None)
        elif before != selector:
            space[metadata["name"]] = selector
        else:
            return
        for workload in self.workloads.values():
            if workload.key.namespace == metadata["namespace"] and (
                workload.routing.active == metadata["name"]
                or any(selects(before, pod) or selects(selector, pod) for pod in workload.pods.values())
            ):
                self.touch(workload)

    def _of(self, key: WorkloadKey) -> Workload:
        workload = self.workloads.get(key)
        if workload is None:
            workload = self.workloads[key] = Workload(key)
        return workload


def _controller(obj: Object) -> str | None:
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return str(owner["uid"])
    return None


def _tell(book: Any, method: str, listener: Callable[[], None]) -> None:
    """Call ``listener`` after ``book.method``: a change of behaviour counts from its instant, never backwards."""
    original = getattr(book, method, None)
    if original is None:
        return

    def changed(*args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        listener()

    setattr(book, method, changed)
