"""Addresses in the Kubernetes API: a resource, its paths, and the key of a rollout."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

import msgspec


class Key(NamedTuple):
    """Identity of a rollout on screen and in commands; ``kind`` is "Rollout" or "Deployment"."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Resource(msgspec.Struct, frozen=True):
    """One API resource, for example ``Resource("argoproj.io", "v1alpha1", "rollouts", "Rollout")``."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path of the collection, an object, or its subresource, each segment percent-encoded."""
        parts = ["/api", self.version] if not self.group else ["/apis", self.group, self.version]
        if namespace and self.namespaced:
            parts += ["namespaces", _segment(namespace)]
        parts.append(self.plural)
        if name:
            parts.append(_segment(name))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


def _segment(name: str) -> str:
    """One segment whatever it says: templates name objects, and ``..`` would be read as the folder above."""
    return name.replace(".", "%2E") if name in (".", "..") else quote(name, safe="")


PODS = Resource("", "v1", "pods", "Pod")
EVENTS = Resource("", "v1", "events", "Event")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
CONFIGMAPS = Resource("", "v1", "configmaps", "ConfigMap")
JOBS = Resource("batch", "v1", "jobs", "Job")
SECRETS = Resource("", "v1", "secrets", "Secret")
SERVICES = Resource("", "v1", "services", "Service")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
REPLICASETS = Resource("apps", "v1", "replicasets", "ReplicaSet")
ROLLOUTS = Resource("argoproj.io", "v1alpha1", "rollouts", "Rollout")
ANALYSISRUNS = Resource("argoproj.io", "v1alpha1", "analysisruns", "AnalysisRun")
