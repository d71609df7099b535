"""What a cluster holds before anybody works on it: namespaces, default roles, Argo's definitions."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import rfc3339
from cockpit.world.api import rbac
from cockpit.world.api.table import columns
from cockpit.world.contract import Object
from cockpit.world.kinds import Kind
from cockpit.world.store import Store

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


def bootstrap(store: Store) -> None:
    for name in NAMESPACES:
        store.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, manager="kube-apiserver")
    rbac.bootstrap(store)
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
        "additionalPrinterColumns": [{"name": c.name, "type": c.type} for c in columns(kind.plural)[1:]],
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
