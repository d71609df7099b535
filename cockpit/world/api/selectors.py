"""Label and field selectors: parsing with the server's complaints, and matching of stored entries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cockpit.world import status
from cockpit.world.kinds import Kind
from cockpit.world.store import decode

_KEY = r"(?:[A-Za-z0-9.-]+/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
_SET = re.compile(rf"\s*({_KEY})\s+(in|notin)\s*\(([^()]*)\)\s*")
_BINARY = re.compile(rf"\s*({_KEY})\s*(==|!=|=|>|<)\s*([-A-Za-z0-9_.]*)\s*")
_UNARY = re.compile(rf"\s*(!?)\s*({_KEY})\s*")
_EVENT_OBJECT = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")

# Field labels by resource, and where they are found. Custom resources know name and namespace only.
_FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "pods": {
        "spec.nodeName": ("spec", "nodeName"),
        "spec.restartPolicy": ("spec", "restartPolicy"),
        "spec.schedulerName": ("spec", "schedulerName"),
        "spec.serviceAccountName": ("spec", "serviceAccountName"),
        "status.phase": ("status", "phase"),
        "status.podIP": ("status", "podIP"),
        "status.nominatedNodeName": ("status", "nominatedNodeName"),
    },
    "events": {
        **{f"involvedObject.{key}": ("involvedObject", key) for key in _EVENT_OBJECT},
        **{f"regarding.{key}": ("involvedObject", key) for key in _EVENT_OBJECT},
        "reason": ("reason",),
        "type": ("type",),
        "source": ("source", "component"),
        "reportingComponent": ("reportingComponent",),
        "reportingController": ("reportingComponent",),
    },
    "namespaces": {"status.phase": ("status", "phase"), "name": ("metadata", "name")},
    "nodes": {"spec.unschedulable": ("spec", "unschedulable")},
    "replicasets": {"status.replicas": ("status", "replicas")},
    "secrets": {"type": ("type",)},
    "services": {"spec.clusterIP": ("spec", "clusterIP"), "spec.type": ("spec", "type")},
    "jobs": {"status.successful": ("status", "succeeded")},
}


class Requirement(NamedTuple):
    """One term of a label selector; ``operator`` one of in, notin, exists, !, gt, lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        if self.operator == "exists":
            return value is not None
        if self.operator == "!":
            return value is None
        if self.operator == "in":
            return value in self.values
        if self.operator == "notin":
            return value not in self.values
        try:
            left, right = int(value or ""), int(self.values[0])
        except ValueError:
            return False
        return left > right if self.operator == "gt" else left < right


def parse_labels(text: str) -> tuple[Requirement, ...]:
    """The grammar of k8s.io/apimachinery/pkg/labels; raises 400 with what could not be read."""
    terms: list[Requirement] = []
    at = 0
    while text[at:].strip():
        term, at = _label_term(text, at)
        terms.append(term)
        if at < len(text):
            if text[at] != "," or not text[at + 1 :].strip():
                raise _unreadable(text, at)
            at += 1
    return tuple(terms)


def _label_term(text: str, at: int) -> tuple[Requirement, int]:
    if match := _SET.match(text, at):
        values = tuple(part.strip() for part in match[3].split(","))
        return Requirement(match[1], match[2], values), match.end()
    if match := _BINARY.match(text, at):
        operator = {"=": "in", "==": "in", "!=": "notin", ">": "gt", "<": "lt"}[match[2]]
        return Requirement(match[1], operator, (match[3],)), match.end()
    if match := _UNARY.match(text, at):
        return Requirement(match[2], "!" if match[1] else "exists"), match.end()
    raise _unreadable(text, at)


def _unreadable(text: str, at: int) -> status.Rejected:
    return status.bad_request(
        f"unable to parse requirement: found '{text[at:].strip()[:40]}', expected: !, identifier, or 'end of string'"
    )


class FieldTerm(NamedTuple):
    label: str
    path: tuple[str, ...]
    value: str
    equal: bool


def parse_fields(kind: Kind, text: str) -> tuple[FieldTerm, ...]:
    """``a=b,c!=d``; a field that the resource cannot select by is a 400."""
    terms: list[FieldTerm] = []
    for part in re.split(r"(?<!\\),", text):
        if not part.strip():
            continue
        match = re.fullmatch(r"\s*([^=!]+?)\s*(==|!=|=)(.*)", part)
        if match is None:
            raise status.bad_request(f"invalid field selector: '{part}'; can't understand '{part}'")
        label, operator, value = match[1], match[2], re.sub(r"\\([\\,=])", r"\1", match[3])
        if label == "metadata.name" or (label == "metadata.namespace" and kind.namespaced):
            path: tuple[str, ...] | None = tuple(label.split("."))
        else:
            path = _FIELDS.get(kind.plural, {}).get(label)
        if path is None:
            raise status.bad_request(f"field label not supported: {label}")
        terms.append(FieldTerm(label, path, value, operator != "!="))
    return tuple(terms)


class Selector:
    """Both selectors of a request. Only field terms beyond name and namespace need the object decoded."""

    def __init__(self, kind: Kind, labels: str, fields: str) -> None:
        self._labels = parse_labels(labels)
        terms = parse_fields(kind, fields)
        self._names = tuple(t for t in terms if t.path[0] == "metadata")
        self._fields = tuple(t for t in terms if t.path[0] != "metadata")

    @property
    def everything(self) -> bool:
        return not (self._labels or self._names or self._fields)

    def only_name(self) -> str | None:
        """The one name that can match, so that authorization can be asked for it."""
        return next((term.value for term in self._names if term.path[1] == "name" and term.equal), None)

    def matches(self, namespace: str, name: str, labels: Mapping[str, str], data: bytes) -> bool:
        for term in self._names:
            if ((name if term.path[1] == "name" else namespace) == term.value) != term.equal:
                return False
        if not all(requirement.matches(labels) for requirement in self._labels):
            return False
        return not self._fields or self._fields_match(data)

    def _fields_match(self, data: bytes) -> bool:
        obj = decode(data)
        return all((_text(obj, term.path) == term.value) == term.equal for term in self._fields)


def _text(obj: Any, path: tuple[str, ...]) -> str:
    for key in path:
        obj = obj.get(key) if isinstance(obj, dict) else None
    if obj is None:
        return ""
    return str(obj).lower() if isinstance(obj, bool) else str(obj)


Matcher = Callable[[str, str, Mapping[str, str], bytes], bool]
