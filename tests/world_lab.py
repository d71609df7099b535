"""A world without servers: clock, store, profiles and controllers in process, and the objects tests apply to it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from cockpit.world import controllers
from cockpit.world.clock import WorldClock
from cockpit.world.contract import Object, Telemetry
from cockpit.world.profiles import ProfileBook
from cockpit.world.store import Store

EPOCH = 1_800_000_000.0
HASH = "rollouts-pod-template-hash"


class Lab:
    """Implements ``contract.World`` at speed 0; ``settle`` advances virtual time and insists that nothing failed."""

    def __init__(self, seed: int = 1, nodes: int = 6) -> None:
        self.clock = WorldClock(EPOCH, 0)
        self.objects = Store(self.clock, seed)
        self.profiles = ProfileBook()
        self.telemetry: Telemetry | None = None
        self.seed = seed
        self.controllers = controllers.install(self, nodes)

    def rng(self, *name: object) -> random.Random:
        return random.Random(repr((self.seed, *name)))

    def apply(self, *objects: Object) -> None:
        for obj in objects:
            self.objects.create(obj, manager="kubectl")

    def settle(self, seconds: float = 60.0) -> None:
        self.clock.advance(seconds)
        assert self.controllers.failures() == {}

    def until(self, condition: Callable[[], bool], limit: float = 3600.0) -> None:
        """Advance half a second at a time until ``condition`` holds."""
        end = self.clock.now() + limit
        while not condition():
            assert self.clock.now() < end, "the awaited state never came"
            self.settle(0.5)

    def get(self, plural: str, name: str = "web", namespace: str = "default") -> Object:
        found = self.objects.get(plural, namespace, name)
        assert found is not None, f"{plural} {name}"
        return found

    def status(self, name: str = "web", plural: str = "rollouts") -> dict[str, Any]:
        return self.get(plural, name).get("status") or {}

    def spec(self, change: dict[str, Any], name: str = "web", plural: str = "rollouts") -> None:
        """A patch of ``spec`` members."""
        self.objects.mutate(plural, "default", name, lambda obj: obj["spec"].update(change), manager="kubectl")

    def patch_status(self, change: dict[str, Any], name: str = "web") -> None:
        """A merge patch of the status subresource; None removes."""

        def write(obj: Object) -> None:
            for key, value in change.items():
                if value is None:
                    obj["status"].pop(key, None)
                else:
                    obj["status"][key] = value

        self.objects.mutate("rollouts", "default", name, write, subresource="status", manager="kubectl")

    def image(self, image: str, name: str = "web", plural: str = "rollouts") -> None:
        def write(obj: Object) -> None:
            obj["spec"]["template"]["spec"]["containers"][0]["image"] = image

        self.objects.mutate(plural, "default", name, write, manager="kubectl")

    def resume(self, name: str = "web") -> None:
        """What ``promote`` does to a controller's pause."""
        self.patch_status({"pauseConditions": None}, name)

    def sets(self, name: str = "web", plural: str = "rollouts") -> list[Object]:
        owner = self.get(plural, name)["metadata"]["uid"]
        return sorted(self.objects.owned("replicasets", owner), key=revision)

    def pods(self, rs: Object) -> list[Object]:
        return self.objects.owned("pods", rs["metadata"]["uid"])

    def events(self, kind: str, reason: str | None = None) -> list[str]:
        found = [event for event in self.objects.select("events") if event["involvedObject"]["kind"] == kind]
        found.sort(key=lambda event: (event["firstTimestamp"], event["metadata"]["name"]))
        return [event["message"] if reason else event["reason"] for event in found if reason in (None, event["reason"])]

    def condition(self, kind: str, name: str = "web", plural: str = "rollouts") -> dict[str, Any]:
        found = self.status(name, plural).get("conditions") or ()
        return next((item for item in found if item["type"] == kind), {})


def revision(rs: Object) -> int:
    notes = rs["metadata"].get("annotations") or {}
    return int(notes.get("rollout.argoproj.io/revision") or notes.get("deployment.kubernetes.io/revision") or 0)


def scaled(rs: Object) -> int:
    return int(rs["spec"]["replicas"])


def template(name: str, image: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": image}]}}


def rollout(
    strategy: dict[str, Any] | None = None,
    *,
    name: str = "web",
    replicas: int = 5,
    image: str = "r.test/web:1",
    steps: list[dict[str, Any]] | None = None,
    **spec: Any,
) -> Object:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template(name, image),
            "strategy": {"canary": {"steps": steps or []}} if strategy is None else strategy,
            **spec,
        },
    }


def routed(steps: list[dict[str, Any]], **canary: Any) -> dict[str, Any]:
    """A canary strategy with traffic routing; needs the Services ``web`` and ``web-canary``."""
    services = {"stableService": "web", "canaryService": "web-canary"}
    routing = {"istio": {"virtualService": {"name": "web"}}}
    return {"canary": {**services, "trafficRouting": routing, "steps": steps, **canary}}


def service(name: str, app: str = "web") -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"app": app}, "ports": [{"port": 80}]},
    }


def deployment(*, name: str = "web", replicas: int = 5, image: str = "r.test/web:1", **spec: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template(name, image),
            **spec,
        },
    }


GATED = [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {"duration": "1m"}}]


def gated(lab: Lab, *, router: bool = False, replicas: int = 5, **canary: Any) -> None:
    """A Rollout at version 2, paused at its first gate."""
    strategy = routed(GATED, **canary) if router else {"canary": {"steps": GATED, **canary}}
    lab.apply(service("web"), service("web-canary"), rollout(strategy, replicas=replicas))
    lab.settle(30)
    assert lab.status()["phase"] == "Healthy"
    lab.image("r.test/web:2")
    lab.settle(30)
    assert lab.status()["message"] == "CanaryPauseStep"


def weight(lab: Lab) -> int:
    return int(lab.status()["canary"]["weights"]["canary"]["weight"])
