"""What a cluster holds before anybody works on it: namespaces, default roles, priorities, custom definitions."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import rfc3339
from cockpit.world.api import rbac
from cockpit.world.contract import Object
from cockpit.world.kinds import Kind
from cockpit.world.store import Store

_AGE = ("Age", "date", ".metadata.creationTimestamp")
_READY = (
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'),
    ("Status", "string", '.status.conditions[?(@.type=="Ready")].message'),
)
_COLUMNS = {
    "rollouts": (
        ("Desired", "integer", ".spec.replicas"),
        ("Current", "integer", ".status.replicas"),
        ("Up-to-date", "integer", ".status.updatedReplicas"),
        ("Available", "integer", ".status.availableReplicas"),
    ),
    "analysisruns": (("Status", "string", ".status.phase"),),
    "experiments": (("Status", "string", ".status.phase"),),
    "applications": (
        ("Sync Status", "string", ".status.sync.status"),
        ("Health Status", "string", ".status.health.status"),
    ),
    "kustomizations": _READY,
    "helmreleases": _READY,
    "gitrepositories": (("URL", "string", ".spec.url"), *_READY),
    "helmrepositories": (("URL", "string", ".spec.url"), *_READY),
}
"""Printer columns of the custom definitions; ``api.table`` prints them."""
_PRIORITIES = (
    ("system-cluster-critical", 2_000_000_000, "Used for system critical pods that must run in the cluster."),
    ("system-node-critical", 2_000_001_000, "Used for system critical pods that must not be moved from their node."),
)
NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


def bootstrap(store: Store) -> None:
    for name in NAMESPACES:
        store.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, manager="kube-apiserver")
    rbac.bootstrap(store)
    for name, value, description in _PRIORITIES:
        body = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
        store.create({**body, "value": value, "description": description}, manager="kube-apiserver")
    for kind in store.kinds.all:
        if kind.custom:
            store.create(_definition(kind, rfc3339(store.clock.now())), manager="kubectl-create")


def _definition(kind: Kind, now: str) -> Object:
    """A CustomResourceDefinition in short: names, scope, subresources, printer columns."""
    names: dict[str, Any] = {
        "kind": kind.kind,
        "listKind": f"{kind.kind}List",
        "plural": kind.plural,
        "singular": kind.singular,
        "shortNames": list(kind.short),
    }
    subresources: dict[str, Any] = {}
    if kind.status:
        subresources["status"] = {}
    if kind.scale:
        subresources["scale"] = {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.HPAReplicas",
            "labelSelectorPath": ".status.selector",
        }
    version = {
        "name": kind.versions[0],
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        "subresources": subresources,
        "additionalPrinterColumns": [
            {"name": name, "type": type_, "jsonPath": path}
            for name, type_, path in (*_COLUMNS.get(kind.plural, ()), _AGE)
        ],
    }
    conditions = [
        {"type": name, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now}
        for name, reason, message in (
            ("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        )
    ]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "names": names,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [version],
        },
        "status": {"acceptedNames": names, "conditions": conditions, "storedVersions": [kind.versions[0]]},
    }
