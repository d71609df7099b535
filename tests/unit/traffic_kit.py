"""A small world for tests of the traffic: a real store, hand-made objects, no controllers."""

from __future__ import annotations

import random
from typing import Any

from cockpit.world.clock import WorldClock
from cockpit.world.contract import Profile
from cockpit.world.profiles import ProfileBook
from cockpit.world.store import Store
from cockpit.world.traffic import Traffic, install

EPOCH = 1_790_000_000.0


class Kit:
    """Implements ``contract.World`` with helpers that write what controllers and the kubelet would."""

    def __init__(self, seed: int = 7, epoch: float = EPOCH) -> None:
        self.seed = seed
        self.clock = WorldClock(epoch, speed=0)
        self.objects = Store(self.clock, seed)
        self.profiles = ProfileBook()
        self.telemetry: Any = None
        self.traffic: Traffic = install(self)

    def rng(self, *name: object) -> random.Random:
        return random.Random(f"{self.seed}/{name}")

    def workload(self, kind: str, namespace: str, name: str, **spec: Any) -> None:
        version = "apps/v1" if kind == "Deployment" else "argoproj.io/v1alpha1"
        self.objects.create(
            {
                "apiVersion": version,
                "kind": kind,
                "metadata": {"namespace": namespace, "name": name},
                "spec": {
                    "replicas": 1,
                    "selector": {"matchLabels": {"app": name}},
                    "template": {
                        "metadata": {"labels": {"app": name}},
                        "spec": {"containers": [{"name": "app", "image": f"reg.example/{name}:1"}]},
                    },
                    **spec,
                },
            }
        )

    def status(self, namespace: str, name: str, **status: Any) -> None:
        def change(obj: dict[str, Any]) -> None:
            obj.setdefault("status", {}).update(status)

        self.objects.mutate("rollouts", namespace, name, change, subresource="status")

    def weights(self, namespace: str, name: str, canary: tuple[str, int], stable: tuple[str, int]) -> None:
        pair = {
            arm: {"podTemplateHash": hash_, "weight": weight, "serviceName": arm}
            for arm, (hash_, weight) in (("canary", canary), ("stable", stable))
        }
        self.status(namespace, name, stableRS=stable[0], canary={"weights": pair})

    def replicaset(self, kind: str, namespace: str, name: str, hash_: str, image: str, pods: int) -> list[str]:
        """A ReplicaSet with ``pods`` ready pods; their names."""
        plural = {"Deployment": "deployments", "Rollout": "rollouts"}[kind]
        owner = self.objects.get(plural, namespace, name)
        assert owner is not None
        label = "pod-template-hash" if kind == "Deployment" else "rollouts-pod-template-hash"
        labels = {"app": name, label: hash_}
        template = {
            "metadata": {"labels": labels},
            "spec": {
                "containers": [
                    {"name": "app", "image": image, "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}}}
                ]
            },
        }
        rs = self.objects.create(
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "namespace": namespace,
                    "name": f"{name}-{hash_}",
                    "labels": labels,
                    "ownerReferences": [_owner(owner)],
                },
                "spec": {"replicas": pods, "selector": {"matchLabels": labels}, "template": template},
            }
        )
        names = [f"{name}-{hash_}-{index:05x}" for index in range(pods)]
        for pod in names:
            self.objects.create(
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {
                        "namespace": namespace,
                        "name": pod,
                        "labels": labels,
                        "ownerReferences": [_owner(rs)],
                    },
                    "spec": {**template["spec"], "nodeName": f"node-{len(pod) % 3}"},  # type: ignore[dict-item]
                }
            )
            self.run(namespace, pod)
        return names

    def run(self, namespace: str, pod: str, *, restarts: int = 0, ready: bool = True) -> None:
        def change(obj: dict[str, Any]) -> None:
            image = obj["spec"]["containers"][0]["image"]
            old = (obj.get("status", {}).get("containerStatuses") or [{}])[0]
            obj["status"] = {
                "phase": "Running",
                "podIP": f"10.0.0.{len(pod)}",
                "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
                "containerStatuses": [
                    {
                        "name": "app",
                        "image": image,
                        "restartCount": restarts,
                        "ready": ready,
                        "state": {"running": {"startedAt": "x"}},
                        "lastState": old.get("lastState", {}),
                    }
                ],
            }

        self.objects.mutate("pods", namespace, pod, change, subresource="status")

    def crash(self, namespace: str, pod: str, *, reason: str = "Error", code: int = 1) -> None:
        def change(obj: dict[str, Any]) -> None:
            status = obj["status"]["containerStatuses"][0]
            status["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
            status["lastState"] = {"terminated": {"reason": reason, "exitCode": code}}
            status["ready"] = False
            obj["status"]["conditions"] = [{"type": "Ready", "status": "False"}]

        self.objects.mutate("pods", namespace, pod, change, subresource="status")

    def delete_pod(self, namespace: str, pod: str) -> None:
        self.objects.delete("pods", namespace, pod, grace=0)

    def deployment(self, name: str = "web", *, pods: int = 3, profile: Profile | None = None) -> list[str]:
        image = f"reg.example/{name}:1"
        if profile is not None:
            self.profiles.set(image, profile)
        self.workload("Deployment", "shop", name)
        return self.replicaset("Deployment", "shop", name, "aaaa", image, pods)

    def canary(self, name: str = "pay", *, weight: int = 20, profile: Profile | None = None) -> None:
        """A routed canary: four stable pods of version 1, two canary pods of version 2."""
        self.profiles.set(f"reg.example/{name}:2", profile or Profile())
        canary = {"canaryService": "c", "stableService": "s", "trafficRouting": {"istio": {}}}
        self.workload("Rollout", "shop", name, strategy={"canary": canary})
        self.status("shop", name, stableRS="stable1")
        self.replicaset("Rollout", "shop", name, "stable1", f"reg.example/{name}:1", 4)
        self.replicaset("Rollout", "shop", name, "canary2", f"reg.example/{name}:2", 2)
        self.weights("shop", name, ("canary2", weight), ("stable1", 100 - weight))


def _owner(obj: dict[str, Any]) -> dict[str, Any]:
    meta = obj["metadata"]
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
