"""One container of one pod as its kubelet knows it, and the pod status composed from them."""

from __future__ import annotations

import hashlib
from typing import Any

from cockpit.base.clock import rfc3339
from cockpit.world.clock import Timer
from cockpit.world.contract import Object, Profile
from cockpit.world.controllers.kit import Key

FIRST_BACKOFF = 10.0
LONGEST_BACKOFF = 300.0
FORGIVEN_AFTER = 600.0
"""A container that ran this long starts its back-off anew."""


class Container:
    """What runs (or does not) under one name of a pod's spec."""

    __slots__ = (
        "crashes",
        "image",
        "image_id",
        "last",
        "name",
        "number",
        "policy",
        "profile",
        "pulled",
        "ready",
        "restarts",
        "started",
        "state",
        "timers",
    )

    def __init__(self, name: str, image: str, profile: Profile, policy: str = "IfNotPresent") -> None:
        self.name = name
        self.image = image
        self.profile = profile
        self.policy = policy
        self.pulled = ""  # what the node holds for it
        self.image_id = ""  # what it runs
        self.state: dict[str, Any] = {"waiting": {"reason": "ContainerCreating"}}
        self.last: dict[str, Any] | None = None
        self.ready = False
        self.started = False
        self.restarts = 0
        self.crashes = 0  # in a row, for the back-off
        self.number = 0  # instances so far, for the container id
        self.timers: list[Timer] = []

    def cancel(self) -> None:
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()

    def backoff(self) -> float:
        """Seconds until the next restart: none after the first crash, then 10 s doubling to 300 s."""
        if self.crashes <= 1:
            return 0.0
        return min(FIRST_BACKOFF * 2.0 ** min(self.crashes - 2, 10), LONGEST_BACKOFF)

    def identity(self, uid: str) -> str:
        text = f"{uid}/{self.name}/{self.number}"
        return "containerd://" + hashlib.sha256(text.encode()).hexdigest()

    def status(self, uid: str) -> dict[str, Any]:
        found: dict[str, Any] = {
            "name": self.name,
            "image": self.image,
            "imageID": self.image_id,
            "ready": self.ready,
            "restartCount": self.restarts,
            "started": self.started,
            "state": self.state,
            "lastState": {"terminated": self.last} if self.last else {},
        }
        if self.number:
            found["containerID"] = self.identity(uid)
        return found


class Machine:
    """A pod in the hands of its kubelet: containers, address, and since when each condition holds."""

    __slots__ = ("bound", "containers", "init_done", "inits", "ip", "key", "node", "since", "timers", "uid")

    def __init__(self, pod: Object, containers: list[Container], inits: list[Container], ip: str, bound: float) -> None:
        self.key: Key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        self.uid: str = pod["metadata"]["uid"]
        self.node: str = pod["spec"]["nodeName"]
        self.containers = containers
        self.inits = inits
        self.init_done = not inits
        self.ip = ip
        self.bound = bound
        self.since: dict[str, tuple[bool, float]] = {}
        self.timers: list[Timer] = []

    def cancel(self) -> None:
        for container in (*self.containers, *self.inits):
            container.cancel()
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()

    def phase(self, restart_policy: str) -> str:
        states = [container.state for container in self.containers]
        if all("terminated" in state for state in states) and restart_policy != "Always":
            codes = [state["terminated"]["exitCode"] for state in states]
            if restart_policy == "Never" or not any(codes):
                return "Failed" if any(codes) else "Succeeded"
        begun = any(container.number for container in self.containers)
        return "Running" if begun and self.init_done else "Pending"

    def status(self, now: float, restart_policy: str, host_ip: str, terminating: bool) -> dict[str, Any]:
        """The whole ``status`` of the pod at ``now``."""
        unready = [container.name for container in self.containers if not container.ready]
        phase = self.phase(restart_policy)
        done = phase in ("Succeeded", "Failed")
        why = (
            ("PodCompleted", "")
            if done
            else ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
        )
        conditions = [
            self._condition("PodReadyToStartContainers", not done, now),
            self._condition("Initialized", self.init_done, now, ("ContainersNotInitialized", self._uninitialized())),
            self._condition("Ready", not unready and not terminating, now, why),
            self._condition("ContainersReady", not unready and not terminating, now, why),
            self._condition("PodScheduled", True, now),
        ]
        status: dict[str, Any] = {
            "phase": phase,
            "conditions": conditions,
            "hostIP": host_ip,
            "hostIPs": [{"ip": host_ip}],
            "podIP": self.ip,
            "podIPs": [{"ip": self.ip}],
            "startTime": rfc3339(self.bound),
            "qosClass": "Burstable",
            "containerStatuses": [container.status(self.uid) for container in self.containers],
        }
        if self.inits:
            status["initContainerStatuses"] = [container.status(self.uid) for container in self.inits]
        return status

    def _uninitialized(self) -> str:
        names = " ".join(container.name for container in self.inits if "terminated" not in container.state)
        return f"containers with incomplete status: [{names}]"

    def _condition(self, kind: str, holds: bool, now: float, why: tuple[str, str] = ("", "")) -> dict[str, Any]:
        known = self.since.get(kind)
        if known is None or known[0] != holds:
            known = self.since[kind] = holds, now
        found: dict[str, Any] = {
            "type": kind,
            "status": "True" if holds else "False",
            "lastProbeTime": None,
            "lastTransitionTime": rfc3339(known[1]),
        }
        if not holds and why[0]:
            found["reason"] = why[0]
            if why[1]:
                found["message"] = why[1]
        return found
