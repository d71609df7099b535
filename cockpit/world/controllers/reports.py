"""What kubelets report: the status of a pod, whole each time, and events about its containers."""

from __future__ import annotations

from typing import Literal

from cockpit.world.contract import Object, World
from cockpit.world.controllers.containers import Container, Machine
from cockpit.world.controllers.events import Recorder


class Reporter:
    """The writing half of a kubelet."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        self.world = world
        self._recorder = recorder
        self._host_ips: dict[str, str] = {}

    def publish(self, machine: Machine) -> str:
        """Write the pod's status; its restart policy."""
        now = self.world.clock.now()
        host_ip = self._host_ip(machine.node)
        policy = ["Always"]

        def write(pod: Object) -> None:
            if pod["metadata"]["uid"] != machine.uid:
                return
            policy[0] = pod["spec"].get("restartPolicy", "Always")
            pod["status"] = machine.status(now, policy[0], host_ip, "deletionTimestamp" in pod["metadata"])

        self.world.objects.mutate("pods", *machine.key, write, subresource="status", manager="kubelet")
        return policy[0]

    def _host_ip(self, name: str) -> str:
        if name not in self._host_ips:
            node = self.world.objects.get("nodes", None, name) or {}
            addresses = (node.get("status") or {}).get("addresses") or ()
            found = next((item["address"] for item in addresses if item["type"] == "InternalIP"), "10.0.0.1")
            self._host_ips[name] = found
        return self._host_ips[name]

    def tell(
        self,
        machine: Machine,
        container: Container,
        reason: str,
        message: str,
        kind: Literal["Normal", "Warning"] = "Normal",
    ) -> None:
        about: Object = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"namespace": machine.key[0], "name": machine.key[1], "uid": machine.uid},
        }
        field = f"spec.containers{{{container.name}}}"
        self._recorder.event(about, reason, message, kind=kind, component="kubelet", host=machine.node, field=field)
