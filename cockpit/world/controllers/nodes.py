"""Nodes of the world and the scheduler that binds pods to them."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import rfc3339
from cockpit.world.contract import Change, Object, World
from cockpit.world.controllers.events import Recorder
from cockpit.world.controllers.kit import Key, Queue, key_of

PODS_PER_NODE = 110
_ZONES = ("eu-1a", "eu-1b", "eu-1c")
_SCHEDULER = "default-scheduler"
_RETRY = 30.0


def make_nodes(world: World, count: int) -> None:
    """Create worker nodes up to ``count``: three zones, every third one arm64."""
    for index in range(count):
        name = f"node-{_ZONES[index % 3][-2:]}-{index // 3 + 1:02d}"
        if world.objects.get("nodes", None, name) is not None:
            continue
        arch = "arm64" if index % 6 in (3, 4) else "amd64"
        now = rfc3339(world.clock.now())
        world.objects.create(
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {
                    "name": name,
                    "labels": {
                        "kubernetes.io/hostname": name,
                        "kubernetes.io/os": "linux",
                        "kubernetes.io/arch": arch,
                        "topology.kubernetes.io/zone": _ZONES[index % 3],
                        "topology.kubernetes.io/region": "eu-1",
                        "node.kubernetes.io/instance-type": "m7g.4xlarge" if arch == "arm64" else "m7i.4xlarge",
                    },
                },
                "spec": {"podCIDR": f"10.{40 + index // 250}.{index % 250}.0/24"},
            },
            manager="kubelet",
        )
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        resources = {"cpu": "16", "memory": "64Gi", "pods": str(PODS_PER_NODE)}
        status: dict[str, Any] = {
            "capacity": resources,
            "allocatable": resources,
            "conditions": [ready],
            "addresses": [
                {"type": "InternalIP", "address": f"10.0.{index // 250}.{index % 250 + 4}"},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {
                "architecture": arch,
                "operatingSystem": "linux",
                "osImage": "Debian GNU/Linux 12 (bookworm)",
                "kernelVersion": "6.1.0-32-cloud",
                "containerRuntimeVersion": "containerd://1.7.27",
                "kubeletVersion": "v1.32.4",
            },
        }

        def fill(node: Object, status: dict[str, Any] = status) -> None:
            node["status"] = status

        world.objects.mutate("nodes", None, name, fill, subresource="status", manager="kubelet")


class Scheduler:
    """Binds pending pods: node selector, room, then the least loaded node."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._recorder = recorder
        self._queue = Queue(world.clock, self._schedule, 0.05)
        self.failures = self._queue.failures
        self._load: dict[str, int] = {}
        self._nodes: dict[str, Object] = {}
        self._bound: dict[str, str] = {}

    def notice(self, change: Change) -> None:
        """Hear of pods and nodes; only counts and enqueues."""
        obj = change.object
        if change.plural == "nodes":
            name = obj["metadata"]["name"]
            if change.type == "DELETED":
                self._nodes.pop(name, None)
            else:
                self._nodes[name] = obj
            return
        uid, node = obj["metadata"]["uid"], obj["spec"].get("nodeName")
        if change.type == "DELETED":
            gone = self._bound.pop(uid, None)
            if gone is not None:
                self._load[gone] -= 1
        elif node is None:
            if change.type == "ADDED" and obj["spec"].get("schedulerName", _SCHEDULER) == _SCHEDULER:
                self._queue.add(key_of(obj))
        elif uid not in self._bound:
            self._bound[uid] = node
            self._load[node] = self._load.get(node, 0) + 1

    def _schedule(self, key: Key) -> None:
        pod = self._world.objects.get("pods", *key)
        if pod is None or pod["spec"].get("nodeName") or "deletionTimestamp" in pod["metadata"]:
            return
        profiles = self._world.profiles
        said = next(
            (p.unschedulable for c in pod["spec"]["containers"] if (p := profiles.of(c["image"])).unschedulable), None
        )
        wanted = pod["spec"].get("nodeSelector") or {}
        fitting = [
            name
            for name, node in self._nodes.items()
            if all((node["metadata"].get("labels") or {}).get(k) == v for k, v in wanted.items())
            and not node["spec"].get("unschedulable")
        ]
        open_nodes = [name for name in fitting if self._load.get(name, 0) < PODS_PER_NODE]
        if said is None and not open_nodes:
            total = len(self._nodes)
            why = "Too many pods" if fitting else "node(s) didn't match Pod's node affinity/selector"
            said = f"0/{total} nodes are available: {total} {why}."
        if said is not None:
            self._refuse(key, pod, said)
            return
        chosen = min(open_nodes, key=lambda name: (self._load.get(name, 0), name))

        def bind(found: Object) -> None:
            found["spec"]["nodeName"] = chosen

        self._world.objects.mutate("pods", *key, bind, manager="kube-scheduler")
        self._recorder.event(
            pod, "Scheduled", f"Successfully assigned {key[0]}/{key[1]} to {chosen}", component=_SCHEDULER
        )

    def _refuse(self, key: Key, pod: Object, message: str) -> None:
        now = rfc3339(self._world.clock.now())

        def refuse(found: Object) -> None:
            status = found.setdefault("status", {})
            status["phase"] = "Pending"
            old = next((c for c in status.get("conditions") or () if c["type"] == "PodScheduled"), None)
            status["conditions"] = [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": message,
                    "lastProbeTime": None,
                    "lastTransitionTime": old["lastTransitionTime"] if old else now,
                }
            ]

        self._world.objects.mutate("pods", *key, refuse, subresource="status", manager="kube-scheduler")
        self._recorder.event(pod, "FailedScheduling", message, kind="Warning", component=_SCHEDULER)
        self._queue.wake(key, self._world.clock.now() + _RETRY)
