"""The kubelets of all nodes: pull, start, ready, crash with back-off, graceful end; times come from fault profiles."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import parse_time, rfc3339
from cockpit.world.contract import Change, World
from cockpit.world.controllers.containers import FORGIVEN_AFTER, Container, Machine
from cockpit.world.controllers.events import Recorder
from cockpit.world.controllers.kit import Key, key_of
from cockpit.world.controllers.pulling import Puller

_SYNC = 0.2
"""Seconds from binding to the first status, and from a crash to the kubelet's reaction."""

_PROBE_PERIOD = 10.0


class Kubelet(Puller):
    """Runs every bound pod. Holds in memory what real kubelets hold; a pod's status is always written whole."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        super().__init__(world, recorder)
        self._machines: dict[str, Machine] = {}
        self._ending: set[str] = set()
        self._addresses = 0

    def notice(self, change: Change) -> None:
        """Hear of a pod; only schedules."""
        pod = change.object
        uid = pod["metadata"]["uid"]
        if change.type == "DELETED":
            machine = self._machines.pop(uid, None)
            if machine is not None:
                machine.cancel()
            self._ending.discard(uid)
            return
        if not pod["spec"].get("nodeName"):
            return
        key = key_of(pod)
        if uid not in self._machines and (change.old is None or not change.old["spec"].get("nodeName")):
            self.world.clock.call_later(_SYNC, lambda: self._adopt(key, uid))
        if "deletionTimestamp" in pod["metadata"] and uid not in self._ending:
            self._ending.add(uid)
            self.world.clock.call_later(0.05, lambda: self._end(key, uid))
        elif uid in self._machines and change.old is not None and _images(change.old) != _images(pod):
            self.world.clock.call_later(_SYNC, lambda: self._redefine(key, uid))

    # -- start --------------------------------------------------------------------------------------------------

    def _adopt(self, key: Key, uid: str) -> None:
        pod = self.world.objects.get("pods", *key)
        if pod is None or pod["metadata"]["uid"] != uid or uid in self._machines or uid in self._ending:
            return
        spec = pod["spec"]
        self._addresses += 1
        number = self._addresses
        ip = f"10.{128 + (number >> 16) % 64}.{(number >> 8) & 255}.{number & 255}"
        machine = Machine(
            pod,
            [self._container(item) for item in spec["containers"]],
            [self._container(item) for item in spec.get("initContainers") or ()],
            ip,
            self.world.clock.now(),
        )
        self._machines[uid] = machine
        if machine.inits:
            for container in machine.containers:
                container.state = {"waiting": {"reason": "PodInitializing"}}
        self.publish(machine)
        self._next_init(machine, 0)

    def _container(self, item: dict[str, Any]) -> Container:
        policy = item.get("imagePullPolicy", "IfNotPresent")
        return Container(item["name"], item["image"], self.world.profiles.of(item["image"]), policy)

    def _next_init(self, machine: Machine, index: int) -> None:
        """Init containers run one after the other; each takes a moment and succeeds."""
        if index == len(machine.inits):
            machine.init_done = True
            for container in machine.containers:
                self._pull(machine, container)
            return
        container = machine.inits[index]

        def finish() -> None:
            now = rfc3339(self.world.clock.now())
            container.number = 1
            container.image_id = self._obtain(machine, container)[0]
            container.ready = True
            container.state = {
                "terminated": {
                    "exitCode": 0,
                    "reason": "Completed",
                    "startedAt": now,
                    "finishedAt": now,
                    "containerID": container.identity(machine.uid),
                }
            }
            if index + 1 == len(machine.inits):
                for other in machine.containers:
                    other.state = {"waiting": {"reason": "PodInitializing"}}
            self.publish(machine)
            self._next_init(machine, index + 1)

        container.timers.append(self.world.clock.call_later(1.0, finish))

    # -- start -------------------------------------------------------------------------------------------------------

    def _redefine(self, key: Key, uid: str) -> None:
        """Containers whose image was changed on the running pod are ended and started anew, as kubelets do."""
        pod, machine = self.world.objects.get("pods", *key), self._machines.get(uid)
        if pod is None or machine is None or uid in self._ending or not machine.init_done:
            return
        images = {item["name"]: item["image"] for item in pod["spec"]["containers"]}
        for container in machine.containers:
            image = images.get(container.name, container.image)
            if image == container.image:
                continue
            container.cancel()
            if "running" in container.state:
                self.tell(
                    machine, container, "Killing", f"Container {container.name} definition changed, will be restarted"
                )
                container.last = {
                    "exitCode": 0,
                    "reason": "Completed",
                    "startedAt": container.state["running"]["startedAt"],
                    "finishedAt": rfc3339(self.world.clock.now()),
                    "containerID": container.identity(uid),
                }
                container.restarts += 1
            container.image, container.state = image, {"waiting": {"reason": "ContainerCreating"}}
            container.ready = container.started = False
            self.publish(machine)
            self._pull(machine, container)

    def _start(self, machine: Machine, container: Container) -> None:
        container.cancel()
        if container.number and container.policy == "Always" and self._refusal(machine, container) is None:
            container.pulled = self._obtain(machine, container)[0]  # restarted: the tag is asked again
        # By what was pulled: a tag may have moved since, and this container does not know.
        profile = container.profile = self.world.profiles.of(container.pulled)
        now = self.world.clock.now()
        container.number += 1
        container.image_id = container.pulled
        container.state = {"running": {"startedAt": rfc3339(now)}}
        container.started = True
        container.ready = False
        self.tell(machine, container, "Created", f"Created container: {container.name}")
        self.tell(machine, container, "Started", f"Started container {container.name}")
        self.publish(machine)
        clock, timers = self.world.clock, container.timers
        if profile.never_ready:
            timers.append(clock.call_later(_PROBE_PERIOD, lambda: self._unhealthy(machine, container)))
        else:
            timers.append(clock.call_later(profile.start_seconds, lambda: self._ready(machine, container)))
        if profile.crash_after is not None:
            after = profile.crash_after * self._rng(machine, container).uniform(0.9, 1.1)
            timers.append(clock.call_later(after, lambda: self._crash(machine, container, now)))

    def _ready(self, machine: Machine, container: Container) -> None:
        container.ready = True
        self.publish(machine)

    def _unhealthy(self, machine: Machine, container: Container) -> None:
        text = "Readiness probe failed: HTTP probe failed with statuscode: 503"
        self.tell(machine, container, "Unhealthy", text, "Warning")
        container.profile = self.world.profiles.of(container.pulled)
        if container.profile.never_ready:
            timer = self.world.clock.call_later(_PROBE_PERIOD, lambda: self._unhealthy(machine, container))
            container.timers.append(timer)
            del container.timers[:-2]
        else:
            self._ready(machine, container)

    # -- crash --------------------------------------------------------------------------------------------------

    def _crash(self, machine: Machine, container: Container, started: float) -> None:
        container.cancel()
        now = self.world.clock.now()
        profile = container.profile
        container.crashes = 1 if now - started >= FORGIVEN_AFTER else container.crashes + 1
        ended = {
            "exitCode": 137 if profile.oom else profile.exit_code,
            "reason": "OOMKilled" if profile.oom else "Error" if profile.exit_code else "Completed",
            "startedAt": rfc3339(started),
            "finishedAt": rfc3339(now),
            "containerID": container.identity(machine.uid),
        }
        container.state = {"terminated": ended}
        container.ready = container.started = False
        policy = self.publish(machine)
        if policy == "Never" or (policy == "OnFailure" and not profile.exit_code and not profile.oom):
            return
        timer = self.world.clock.call_later(1.0, lambda: self._back_off(machine, container, ended))
        container.timers.append(timer)

    def _back_off(self, machine: Machine, container: Container, ended: dict[str, Any]) -> None:
        wait = container.backoff()
        container.last = ended

        def restart() -> None:
            container.restarts += 1
            self._start(machine, container)

        if not wait:
            restart()
            return
        space, name = machine.key
        text = f"restarting failed container={container.name} pod={name}_{space}({machine.uid})"
        period = f"{int(wait) // 60}m{int(wait) % 60}s" if wait >= 60 else f"{int(wait)}s"
        container.state = {"waiting": {"reason": "CrashLoopBackOff", "message": f"back-off {period} {text}"}}
        said = f"Back-off restarting failed container {container.name} in pod {name}_{space}({machine.uid})"
        self.tell(machine, container, "BackOff", said, "Warning")
        self.publish(machine)
        container.timers.append(self.world.clock.call_later(wait, restart))

    # -- end ----------------------------------------------------------------------------------------------------

    def _end(self, key: Key, uid: str) -> None:
        pod = self.world.objects.get("pods", *key)
        if pod is None or pod["metadata"]["uid"] != uid:
            return
        machine = self._machines.get(uid)
        deadline = parse_time(pod["metadata"].get("deletionTimestamp")) or self.world.clock.now()
        seconds = min(max(deadline - self.world.clock.now(), 0.0), 1.5)
        if machine is not None:
            machine.cancel()
            for container in machine.containers:
                if "running" in container.state:
                    self.tell(machine, container, "Killing", f"Stopping container {container.name}")
            self.publish(machine)
        self.world.clock.call_later(seconds, lambda: self._gone(key, uid))

    def _gone(self, key: Key, uid: str) -> None:
        pod = self.world.objects.get("pods", *key)
        if pod is not None and pod["metadata"]["uid"] == uid:
            self.world.objects.delete("pods", *key, grace=0)


def _images(pod: dict[str, Any]) -> list[str]:
    return [item["image"] for item in pod["spec"]["containers"]]
