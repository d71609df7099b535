"""The objects of a scenario, and what people and pipelines do to them: API-like writes, ready to be called."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cockpit.world.contract import Object, World
from cockpit.world.controllers import manifests

if TYPE_CHECKING:
    from cockpit.world.scenario import Template, Version, Workload

Deed = Callable[[], None]

CI = "kubectl-set"
"""The client by which pipelines set images, unless a scenario names another."""
APPLY = "kubectl-client-side-apply"
_ROUTERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "istio": lambda name: {"istio": {"virtualService": {"name": name, "routes": ["primary"]}}},
    "nginx": lambda name: {"nginx": {"stableIngress": name}},
    "alb": lambda name: {"alb": {"ingress": name, "servicePort": 80}},
    "traefik": lambda name: {"traefik": {"weightedTraefikServiceName": name}},
}


def creates(world: World, *objects: Object, by: str = APPLY) -> Deed:
    """Create ``objects``, with their namespace when it is missing."""

    def deed() -> None:
        for obj in objects:
            ensure_namespace(world, obj["metadata"].get("namespace"))
            world.objects.create(copy.deepcopy(obj), manager=by)

    return deed


def ensure_namespace(world: World, name: str | None) -> None:
    """Create the namespace when it is missing."""
    if name and world.objects.get("namespaces", None, name) is None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        world.objects.create(body, manager=APPLY)


def merges(world: World, obj: Object, patch: dict[str, Any], by: str) -> Deed:
    """Lay a JSON merge patch over ``obj``."""
    where = manifests.place(obj)

    def write(found: Object) -> None:
        _merge(found, patch)

    return lambda: _discard(world.objects.mutate(*where.key, write, manager=by))


def deletes(world: World, obj: Object) -> Deed:
    where = manifests.place(obj)
    return lambda: _discard(world.objects.delete(*where.key))


def _merge(held: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if value is None:
            held.pop(key, None)
        elif isinstance(value, dict):
            inner = held.get(key)
            held[key] = dict(inner) if isinstance(inner, dict) else {}
            _merge(held[key], value)
        else:
            held[key] = value


def _discard(_: object) -> None:
    """A deed answers nothing."""


class Subject:
    """One workload and the writes it receives; ``reference`` is the Deployment that holds its template, if any."""

    def __init__(self, world: World, kind: str, namespace: str, name: str, reference: str | None = None) -> None:
        self._world = world
        self._plural = "rollouts" if kind == "Rollout" else "deployments"
        self._key = namespace, name
        self._reference = reference

    def create(self, objects: list[Object]) -> Deed:
        return creates(self._world, *objects)

    def update(self, image: str, by: str = CI) -> Deed:
        """Set the first container's image."""

        def write(found: Object) -> None:
            found["spec"]["template"]["spec"]["containers"][0]["image"] = image

        return lambda: self._mutate(*self._templated, write, by)

    def change(self, template: dict[str, Any], by: str = CI) -> Deed:
        """Replace the pod template as a whole."""

        def write(found: Object) -> None:
            found["spec"]["template"] = copy.deepcopy(template)

        return lambda: self._mutate(*self._templated, write, by)

    @property
    def _templated(self) -> tuple[str, tuple[str, str]]:
        """(plural, key) of the object that holds the pod template."""
        return ("deployments", (self._key[0], self._reference)) if self._reference else (self._plural, self._key)

    def scale(self, count: int) -> Deed:
        def write(found: Object) -> None:
            found["spec"]["replicas"] = count

        return lambda: self._mutate(self._plural, self._key, write, "kubectl-scale")

    def act(self, verb: str, manager: str) -> Deed:
        """What a person asks for: ``pause``, ``resume``, ``promote``, ``promote-full``, ``abort`` or ``retry``."""
        if verb in ("pause", "resume"):

            def write(found: Object) -> None:
                found["spec"]["paused"] = verb == "pause"

            return lambda: self._mutate(self._plural, self._key, write, manager)

        def write_status(found: Object) -> None:
            status = found.setdefault("status", {})
            match verb:
                case "promote":
                    status.pop("pauseConditions", None)
                case "promote-full":
                    if status.get("currentPodHash") != status.get("stableRS"):
                        status["promoteFull"] = True
                case "abort":
                    status["abort"] = True
                case _:
                    status["abort"] = False

        return lambda: self._mutate(self._plural, self._key, write_status, manager, "status")

    def _mutate(
        self,
        plural: str,
        key: tuple[str, str],
        write: Callable[[Object], None],
        manager: str,
        subresource: str | None = None,
    ) -> None:
        self._world.objects.mutate(plural, *key, write, subresource=subresource, manager=manager)


def pod_template(name: str, image: str, labels: dict[str, str]) -> dict[str, Any]:
    """One container with ports, probe and resources, as teams write it."""
    return {
        "metadata": {
            "labels": labels,
            "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
        },
        "spec": {
            "terminationGracePeriodSeconds": 10,
            "containers": [
                {
                    "name": name,
                    "image": image,
                    "ports": [{"name": "http", "containerPort": 8080}],
                    "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 10},
                    "resources": {
                        "requests": {"cpu": "250m", "memory": "256Mi"},
                        "limits": {"cpu": "1", "memory": "512Mi"},
                    },
                }
            ],
        },
    }


def service(namespace: str, name: str, app: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": app}},
        "spec": {"selector": {"app": app}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }


def virtual_service(namespace: str, name: str) -> Object:
    routes = [
        {"destination": {"host": host}, "weight": weight} for host, weight in ((name, 100), (f"{name}-canary", 0))
    ]
    return {
        "apiVersion": "networking.istio.io/v1beta1",
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"hosts": [name], "http": [{"name": "primary", "route": routes}]},
    }


def ingress(namespace: str, name: str) -> Object:
    backend = {"service": {"name": name, "port": {"name": "http"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": f"{name}.example", "http": {"paths": [path]}}]},
    }


def analysis_template(name: str, namespace: str, template: Template) -> Object:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"args": template.args, "metrics": template.metrics},
    }


def quota(namespace: str, name: str, hard: dict[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"hard": hard},
    }


def template_of(workload: Workload, version: Version, image: str) -> dict[str, Any]:
    """The pod template of one version of a workload."""
    made = pod_template(workload.name, image, {"app": workload.name})
    made["metadata"]["annotations"] |= version.annotations
    made["spec"]["containers"][0] |= copy.deepcopy({**workload.container, **version.container})
    made["spec"] |= copy.deepcopy({**workload.pod, **version.pod})
    return made


def objects_of(workload: Workload, version: Version, image: str, count: int) -> list[Object]:
    """Services first, then the workload (and the Deployment it refers to) with ``count`` replicas."""
    namespace, name = workload.namespace, workload.name
    strategy = copy.deepcopy(workload.strategy)
    rows: list[Object] = []
    if workload.routing:
        canary = strategy.setdefault("canary", {})
        canary |= {"stableService": name, "canaryService": f"{name}-canary"}
        canary["trafficRouting"] = _ROUTERS[workload.routing](name)
        rows = [service(namespace, name, name), service(namespace, f"{name}-canary", name)]
        rows += [virtual_service(namespace, name)] if workload.routing == "istio" else []
        rows += [ingress(namespace, name)] if workload.routing in ("nginx", "alb") else []
    elif workload.blue_green:
        strategy["blueGreen"] |= {"activeService": name, "previewService": f"{name}-preview"}
        rows = [service(namespace, name, name), service(namespace, f"{name}-preview", name)]
    else:
        rows = [service(namespace, name, name)]
    template = template_of(workload, version, image)
    spec: dict[str, Any] = {"replicas": count, "selector": {"matchLabels": {"app": name}}, "template": template}
    if workload.reference:
        body = _body("apps/v1", "Deployment", namespace, workload.reference, {**spec, "replicas": 0})
        rows.append(body)
        reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload.reference}
        spec = {"replicas": count, "workloadRef": reference}
    if strategy:
        spec["strategy"] = strategy
    spec |= copy.deepcopy(workload.spec)
    api = "argoproj.io/v1alpha1" if workload.kind == "Rollout" else "apps/v1"
    body = _body(api, workload.kind, namespace, name, spec)
    body["metadata"] |= {
        "labels": {"app": name, **workload.labels},
        **({"annotations": dict(workload.annotations)} if workload.annotations else {}),
    }
    rows.append(body)
    return rows


def _body(api: str, kind: str, namespace: str, name: str, spec: dict[str, Any]) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}
