"""Objects that no scenario contains, as dicts for kubectl: rollouts of every strategy, Deployments, their Services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cockpit.world.profiles import normalize
from cockpit.world.registry.artifacts import Build, artifact

Manifest = dict[str, Any]

NAMESPACE = "trial"
REPOSITORY = "registry.example/trial"


def image(version: str, repository: str = REPOSITORY) -> str:
    return f"{repository}:{version}"


def pinned(version: str, repository: str = REPOSITORY) -> str:
    """The same image by the digest that the world's registry has it under."""
    return f"{repository}@{artifact(Build(normalize(repository)[0], version)).root.digest}"


def namespace(name: str = NAMESPACE) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def service(name: str, app: str, space: str = NAMESPACE) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": space},
        "spec": {"selector": {"app": app}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    }


def template(app: str, ref: str, containers: Sequence[Mapping[str, Any]] | None = None) -> Manifest:
    """A pod template with one container ``web``, or the given ones."""
    return {
        "metadata": {"labels": {"app": app}},
        "spec": {
            "containers": [dict(each) for each in containers]
            if containers
            else [{"name": "web", "image": ref, "ports": [{"name": "http", "containerPort": 8080}]}]
        },
    }


def _workload(kind: str, api: str, name: str, space: str, replicas: int, pods: Manifest, **spec: Any) -> Manifest:
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, "namespace": space},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": pods, **spec},
    }


GATED: tuple[Manifest, ...] = ({"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {}})
"""Two gates that wait for a human, the second at 60 %."""


def canary(
    name: str,
    version: str = "v1",
    *,
    steps: Sequence[Manifest] = GATED,
    replicas: int = 5,
    routed: bool = False,
    space: str = NAMESPACE,
    pods: Manifest | None = None,
) -> list[Manifest]:
    """A canary Rollout; ``routed`` gives it a traffic router and the Services that needs."""
    strategy: Manifest = {"steps": [dict(step) for step in steps]}
    services = []
    if routed:
        strategy |= {
            "canaryService": f"{name}-canary",
            "stableService": f"{name}-stable",
            "trafficRouting": {"nginx": {"stableIngress": name}},
        }
        services = [service(f"{name}-canary", name, space), service(f"{name}-stable", name, space)]
    pods = pods or template(name, image(version))
    made = _workload("Rollout", "argoproj.io/v1alpha1", name, space, replicas, pods, strategy={"canary": strategy})
    return [*services, made]


def bluegreen(name: str, version: str = "v1", *, replicas: int = 3, space: str = NAMESPACE) -> list[Manifest]:
    """A blue-green Rollout that waits for a human before the cutover."""
    strategy = {
        "blueGreen": {
            "activeService": f"{name}-active",
            "previewService": f"{name}-preview",
            "autoPromotionEnabled": False,
            "scaleDownDelaySeconds": 600,
        }
    }
    pods = template(name, image(version))
    made = _workload("Rollout", "argoproj.io/v1alpha1", name, space, replicas, pods, strategy=strategy)
    return [service(f"{name}-active", name, space), service(f"{name}-preview", name, space), made]


def deployment(name: str, version: str = "v1", *, replicas: int = 4, space: str = NAMESPACE) -> list[Manifest]:
    """A Deployment that rolls one pod at a time."""
    return [
        _workload(
            "Deployment",
            "apps/v1",
            name,
            space,
            replicas,
            template(name, image(version)),
            strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            minReadySeconds=20,
        )
    ]
