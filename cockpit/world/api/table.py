"""Table and metadata-only answers: the columns of each resource as the real server prints them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from cockpit.world.api import cells
from cockpit.world.api.cells import Cell, dig
from cockpit.world.contract import Object

Print = Callable[[Object, float], Cell]


class Column(NamedTuple):
    """A column definition and its printer. ``wide``: shown by ``-o wide`` only."""

    name: str
    show: Print
    type: str = "string"
    wide: bool = False

    def definition(self) -> dict[str, Any]:
        form = "name" if self.name == "Name" else ""
        return {
            "name": self.name,
            "type": self.type,
            "format": form,
            "description": f"{self.name} of the object.",
            "priority": 1 if self.wide else 0,
        }


def _at(*path: str | int, default: Cell = None) -> Print:
    """The plain value at a path."""

    def show(obj: Object, now: float) -> Cell:
        value = dig(obj, *path)
        return default if value is None else value if isinstance(value, str | int) else str(value)

    return show


def _size(*path: str) -> Print:
    return lambda obj, now: len(dig(obj, *path) or ())


def _ratio(part: tuple[str, ...], whole: tuple[str, ...]) -> Print:
    return lambda obj, now: f"{dig(obj, *part) or 0}/{dig(obj, *whole) or 0}"


NAME = Column("Name", _at("metadata", "name"))
AGE = Column("Age", cells.age)
_CREATED = Column("Created At", _at("metadata", "creationTimestamp"), "date")


def _number(name: str, *path: str | int) -> Column:
    return Column(name, _at(*path, default=0), "integer")


def _custom_number(name: str, *path: str | int) -> Column:
    return Column(name, _at(*path), "integer")


def _template(selector: bool = True) -> tuple[Column, ...]:
    found = (
        Column("Containers", lambda obj, now: cells.containers(obj, "name"), wide=True),
        Column("Images", lambda obj, now: cells.containers(obj, "image"), wide=True),
        Column("Selector", lambda obj, now: cells.labels_text(dig(obj, "spec", "selector", "matchLabels")), wide=True),
    )
    return found if selector else found[:2]


_POD = (
    NAME,
    Column("Ready", cells.pod_ready),
    Column("Status", cells.pod_status),
    Column("Restarts", cells.pod_restarts),
    AGE,
    Column("IP", _at("status", "podIP", default="<none>"), wide=True),
    Column("Node", _at("spec", "nodeName", default="<none>"), wide=True),
    Column("Nominated Node", _at("status", "nominatedNodeName", default="<none>"), wide=True),
    Column("Readiness Gates", lambda obj, now: "<none>", wide=True),
)
_EVENT = (
    Column("Last Seen", cells.event_last_seen),
    Column("Type", _at("type", default="")),
    Column("Reason", _at("reason", default="")),
    Column("Object", cells.event_object),
    Column("Subobject", _at("involvedObject", "fieldPath", default=""), wide=True),
    Column("Source", cells.event_source, wide=True),
    Column("Message", lambda obj, now: str(obj.get("message", "")).strip()),
    Column("First Seen", cells.event_first_seen, wide=True),
    Column("Count", _at("count", default=1), "integer", wide=True),
    Column("Name", _at("metadata", "name"), wide=True),
)
_SERVICE = (
    NAME,
    Column("Type", _at("spec", "type")),
    Column("Cluster-IP", _at("spec", "clusterIP", default="<none>")),
    Column("External-IP", lambda obj, now: ",".join(dig(obj, "spec", "externalIPs") or ()) or "<none>"),
    Column("Port(s)", cells.service_ports),
    AGE,
    Column("Selector", lambda obj, now: cells.labels_text(dig(obj, "spec", "selector")), wide=True),
)

_RELEASED = (
    NAME,
    AGE,
    Column("Ready", lambda obj, now: cells.condition(obj, "Ready", "status")),
    Column("Status", lambda obj, now: cells.condition(obj, "Ready", "message")),
)

_COLUMNS: dict[str, tuple[Column, ...]] = {
    "pods": _POD,
    "events": _EVENT,
    "services": _SERVICE,
    "deployments": (
        NAME,
        Column("Ready", _ratio(("status", "readyReplicas"), ("spec", "replicas"))),
        _number("Up-to-date", "status", "updatedReplicas"),
        _number("Available", "status", "availableReplicas"),
        AGE,
        *_template(),
    ),
    "replicasets": (
        NAME,
        _number("Desired", "spec", "replicas"),
        _number("Current", "status", "replicas"),
        _number("Ready", "status", "readyReplicas"),
        AGE,
        *_template(),
    ),
    "statefulsets": (
        NAME,
        Column("Ready", _ratio(("status", "readyReplicas"), ("spec", "replicas"))),
        AGE,
        *_template(selector=False),
    ),
    "daemonsets": (
        NAME,
        _number("Desired", "status", "desiredNumberScheduled"),
        _number("Current", "status", "currentNumberScheduled"),
        _number("Ready", "status", "numberReady"),
        _number("Up-to-date", "status", "updatedNumberScheduled"),
        _number("Available", "status", "numberAvailable"),
        AGE,
        *_template(),
    ),
    "rollouts": (
        NAME,
        _custom_number("Desired", "spec", "replicas"),
        _custom_number("Current", "status", "replicas"),
        _custom_number("Up-to-date", "status", "updatedReplicas"),
        _custom_number("Available", "status", "availableReplicas"),
        AGE,
    ),
    "analysisruns": (NAME, Column("Status", _at("status", "phase")), AGE),
    "experiments": (NAME, Column("Status", _at("status", "phase")), AGE),
    "applications": (
        NAME,
        Column("Sync Status", _at("status", "sync", "status")),
        Column("Health Status", _at("status", "health", "status")),
        Column("Revision", _at("status", "sync", "revision"), wide=True),
        Column("Project", _at("spec", "project"), wide=True),
    ),
    "kustomizations": _RELEASED,
    "helmreleases": _RELEASED,
    "gitrepositories": (NAME, Column("URL", _at("spec", "url")), *_RELEASED[1:]),
    "helmrepositories": (NAME, Column("URL", _at("spec", "url")), *_RELEASED[1:]),
    "priorityclasses": (
        NAME,
        Column("Value", _at("value"), "integer"),
        Column("Global-Default", lambda obj, now: "true" if obj.get("globalDefault") else "false", "boolean"),
        AGE,
    ),
    "runtimeclasses": (NAME, Column("Handler", _at("handler")), AGE),
    "namespaces": (NAME, Column("Status", _at("status", "phase", default="")), AGE),
    "nodes": (
        NAME,
        Column("Status", cells.node_status),
        Column("Roles", lambda obj, now: "<none>"),
        AGE,
        Column("Version", _at("status", "nodeInfo", "kubeletVersion", default="")),
    ),
    "configmaps": (NAME, Column("Data", _size("data"), "integer"), AGE),
    "secrets": (NAME, Column("Type", _at("type")), Column("Data", _size("data"), "integer"), AGE),
    "serviceaccounts": (NAME, Column("Secrets", _size("secrets"), "integer"), AGE),
    "endpoints": (NAME, Column("Endpoints", cells.endpoints), AGE),
    "poddisruptionbudgets": (
        NAME,
        Column("Min Available", _at("spec", "minAvailable", default="N/A")),
        Column("Max Unavailable", _at("spec", "maxUnavailable", default="N/A")),
        _number("Allowed Disruptions", "status", "disruptionsAllowed"),
        AGE,
    ),
    "horizontalpodautoscalers": (
        NAME,
        Column(
            "Reference",
            lambda obj, now: (
                f"{dig(obj, 'spec', 'scaleTargetRef', 'kind')}/{dig(obj, 'spec', 'scaleTargetRef', 'name')}"
            ),
        ),
        _number("MinPods", "spec", "minReplicas"),
        _number("MaxPods", "spec", "maxReplicas"),
        _number("Replicas", "status", "currentReplicas"),
        AGE,
    ),
    "ingresses": (
        NAME,
        Column("Class", _at("spec", "ingressClassName", default="<none>")),
        Column("Hosts", lambda obj, now: ",".join(r.get("host", "*") for r in dig(obj, "spec", "rules") or ()) or "*"),
        AGE,
    ),
    "jobs": (NAME, Column("Completions", _ratio(("status", "succeeded"), ("spec", "completions"))), AGE),
    "controllerrevisions": (NAME, _number("Revision", "revision"), AGE),
    "leases": (NAME, Column("Holder", _at("spec", "holderIdentity", default="")), AGE),
    "roles": (NAME, _CREATED),
    "clusterroles": (NAME, _CREATED),
    "rolebindings": (
        NAME,
        Column("Role", lambda obj, now: f"{dig(obj, 'roleRef', 'kind')}/{dig(obj, 'roleRef', 'name')}"),
        AGE,
    ),
    "clusterrolebindings": (
        NAME,
        Column("Role", lambda obj, now: f"{dig(obj, 'roleRef', 'kind')}/{dig(obj, 'roleRef', 'name')}"),
        AGE,
    ),
    "customresourcedefinitions": (NAME, _CREATED),
}


def columns(plural: str) -> tuple[Column, ...]:
    return _COLUMNS.get(plural, (NAME, AGE))


def partial(obj: Object) -> dict[str, Any]:
    """PartialObjectMetadata (meta.k8s.io/v1)."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def table(
    plural: str,
    objects: Iterable[Object],
    now: float,
    metadata: dict[str, Any],
    include: str = "Metadata",
    *,
    headed: bool = True,
) -> dict[str, Any]:
    """A Table of ``objects``. ``include``: Metadata, Object or None; ``headed``: with column definitions."""
    shown = columns(plural)
    rows = []
    for obj in objects:
        row: dict[str, Any] = {"cells": [column.show(obj, now) for column in shown]}
        if include != "None":
            row["object"] = obj if include == "Object" else partial(obj)
        rows.append(row)
    definitions = [column.definition() for column in shown] if headed else None
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    }
