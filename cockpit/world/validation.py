"""Validation of written objects where users would meet it: names, labels, selectors, pod templates, immutability."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from cockpit.world.contract import Object
from cockpit.world.kinds import Kind
from cockpit.world.status import Cause

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")

_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_LABEL_1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_FREE_NAMES = ("roles", "rolebindings", "clusterroles", "clusterrolebindings")
_TEMPLATED = ("deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "replicationcontrollers")
_SELECTED = ("deployments", "replicasets", "statefulsets", "daemonsets")
_POD_MUTABLE = ("activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations", "nodeName", "schedulingGates")


def check(kind: Kind, new: Object, old: Object | None) -> list[Cause]:
    """Everything wrong with writing ``new`` (over ``old``, None for a creation); empty when it may be stored."""
    metadata = new["metadata"]
    if old is None:
        causes = list(_metadata(kind, metadata))
    elif all(metadata.get(field) == old["metadata"].get(field) for field in ("labels", "annotations")):
        causes = []
    else:
        causes = list(_labels(metadata))
    causes.extend(_owners(metadata))
    if kind.plural in ("rolebindings", "clusterrolebindings"):
        causes.extend(_binding(new, old))
    if kind.plural in ("configmaps", "secrets") and old is not None and old.get("immutable"):
        causes.extend(_immutable(new, old))
    spec: dict[str, Any] = new.get("spec") or {}
    before: dict[str, Any] | None = None if old is None else old.get("spec") or {}
    if spec == before:
        return causes
    if "replicas" in spec:
        causes.extend(_replicas(spec["replicas"]))
    if kind.plural in _TEMPLATED:
        causes.extend(_workload(kind, spec, before))
    elif kind.plural == "pods":
        causes.extend(_pod_spec(spec, "spec"))
        if before is not None:
            causes.extend(_pod_update(spec, before))
    elif kind.plural == "services":
        causes.extend(_service(spec, before))
    elif kind.plural == "rollouts":
        causes.extend(_rollout(new, spec))
    return causes


def _immutable(new: Object, old: Object) -> Iterator[Cause]:
    for field in ("immutable", "data", "binaryData"):
        if new.get(field) != old.get(field):
            yield Cause("FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set", field)


def _owners(metadata: dict[str, Any]) -> Iterator[Cause]:
    for index, reference in enumerate(metadata.get("ownerReferences") or ()):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not reference.get(field):
                yield required(f"metadata.ownerReferences[{index}].{field}", "must not be empty")


def _binding(new: Object, old: Object | None) -> Iterator[Cause]:
    reference = new.get("roleRef") or {}
    for field in ("kind", "name"):
        if not reference.get(field):
            yield required(f"roleRef.{field}")
    if old is not None and reference != old.get("roleRef"):
        yield bad("roleRef", reference, "cannot change roleRef")
    for index, subject in enumerate(new.get("subjects") or ()):
        if not subject.get("name"):
            yield required(f"subjects[{index}].name")


def required(field: str, detail: str = "") -> Cause:
    return Cause("FieldValueRequired", "Required value" + (f": {detail}" if detail else ""), field)


def bad(field: str, value: object, detail: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {_show(value)}: {detail}", field)


def _show(value: object) -> str:
    """A value as Go's %#v-like error text shows it, near enough to be read."""
    if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        pairs = ", ".join(f'"{key}":"{item}"' for key, item in sorted(value.items()))
        return "map[string]string{" + pairs + "}"
    return json.dumps(value, separators=(",", ":"))


def _metadata(kind: Kind, metadata: dict[str, Any]) -> Iterator[Cause]:
    name = metadata.get("name")
    if not name:
        yield required("metadata.name", "name or generateName is required")
    elif kind.plural in _FREE_NAMES:
        if "/" in name or "%" in name or name in (".", ".."):
            yield bad("metadata.name", name, "may not contain '/' or '%'")
    else:
        if kind.plural == "services":
            pattern, rule, limit = _LABEL_1035, _LABEL_1035_RULE, 63
        elif kind.plural == "namespaces":
            pattern, rule, limit = _LABEL, _LABEL_RULE, 63
        else:
            pattern, rule, limit = _SUBDOMAIN, _SUBDOMAIN_RULE, 253
        if len(name) > limit:
            yield bad("metadata.name", name, f"must be no more than {limit} characters")
        if pattern.fullmatch(name) is None:
            yield bad("metadata.name", name, rule)
    yield from _labels(metadata)


def _labels(metadata: dict[str, Any], path: str = "metadata") -> Iterator[Cause]:
    for field in ("labels", "annotations"):
        for key, value in (metadata.get(field) or {}).items():
            prefix, slash, part = key.rpartition("/")
            if not _NAME_PART.fullmatch(part) or len(part) > 63:
                yield bad(f"{path}.{field}", key, _KEY_RULE)
            elif slash and not _SUBDOMAIN.fullmatch(prefix.lower()):
                yield bad(f"{path}.{field}", key, f"prefix part {_SUBDOMAIN_RULE}")
            if field == "labels" and value:
                if len(value) > 63:
                    yield bad(f"{path}.labels", value, "must be no more than 63 characters")
                elif not _NAME_PART.fullmatch(value):
                    yield bad(f"{path}.labels", value, _VALUE_RULE)


def _replicas(replicas: object) -> Iterator[Cause]:
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        yield bad("spec.replicas", replicas, "must be an integer")
    elif replicas < 0:
        yield bad("spec.replicas", replicas, "must be greater than or equal to 0")


def _workload(kind: Kind, spec: dict[str, Any], before: dict[str, Any] | None) -> Iterator[Cause]:
    template: dict[str, Any] = spec.get("template") or {}
    labels: dict[str, str] = (template.get("metadata") or {}).get("labels") or {}
    if kind.plural in _SELECTED:
        selector = spec.get("selector")
        if not selector:
            yield required("spec.selector")
        elif before is not None and before.get("selector") != selector:
            yield bad("spec.selector", selector, "field is immutable")
        elif not _matches(selector, labels):
            detail = "`selector` does not match template `labels`"
            yield bad("spec.template.metadata.labels", labels, detail)
    yield from _labels(template.get("metadata") or {}, "spec.template.metadata")
    yield from _pod_spec(template.get("spec") or {}, "spec.template.spec")
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    if rolling.get("maxSurge") in (0, "0%") and rolling.get("maxUnavailable") in (0, "0%"):
        field = "spec.strategy.rollingUpdate.maxUnavailable"
        yield bad(field, rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0")


def _matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for term in selector.get("matchExpressions") or ():
        values, present = term.get("values") or (), term["key"] in labels
        held = {
            "In": present and labels.get(term["key"]) in values,
            "NotIn": not present or labels[term["key"]] not in values,
            "Exists": present,
            "DoesNotExist": not present,
        }
        if not held.get(term.get("operator"), False):
            return False
    return True


def _pod_spec(spec: dict[str, Any], path: str) -> Iterator[Cause]:
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    seen: set[str] = set()
    for group in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(group) or ()):
            field = f"{path}.{group}[{index}]"
            name = container.get("name")
            if not name:
                yield required(f"{field}.name")
            elif not _LABEL.fullmatch(name) or len(name) > 63:
                yield bad(f"{field}.name", name, _LABEL_RULE)
            elif name in seen:
                yield Cause("FieldValueDuplicate", f"Duplicate value: {json.dumps(name)}", f"{field}.name")
            seen.add(name or "")
            if not container.get("image"):
                yield required(f"{field}.image")
            for number, port in enumerate(container.get("ports") or ()):
                value = port.get("containerPort")
                if not isinstance(value, int) or not 0 < value < 65536:
                    yield bad(f"{field}.ports[{number}].containerPort", value, "must be between 1 and 65535, inclusive")
    policy = spec.get("restartPolicy")
    if policy not in ("Always", "OnFailure", "Never"):
        message = f'Unsupported value: {json.dumps(policy)}: supported values: "Always", "OnFailure", "Never"'
        yield Cause("FieldValueNotSupported", message, f"{path}.restartPolicy")


def _pod_update(spec: dict[str, Any], before: dict[str, Any]) -> Iterator[Cause]:
    def fixed(pod: dict[str, Any]) -> dict[str, Any]:
        rest = {key: value for key, value in pod.items() if key not in _POD_MUTABLE}
        for group in ("containers", "initContainers"):
            if group in rest:
                rest[group] = [{k: v for k, v in item.items() if k != "image"} for item in rest[group]]
        return rest

    moved = before.get("nodeName") and before.get("nodeName") != spec.get("nodeName")
    if moved or fixed(spec) != fixed(before):
        message = (
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` "
            "(only additions to existing tolerations),"
            "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
        )
        yield Cause("FieldValueForbidden", message, "spec")


def _service(spec: dict[str, Any], before: dict[str, Any] | None) -> Iterator[Cause]:
    if not spec.get("ports") and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    for index, port in enumerate(spec.get("ports") or ()):
        value = port.get("port")
        if not isinstance(value, int) or not 0 < value < 65536:
            yield bad(f"spec.ports[{index}].port", value, "must be between 1 and 65535, inclusive")
    if before is not None and before.get("clusterIP") and before["clusterIP"] != spec.get("clusterIP"):
        yield bad("spec.clusterIPs[0]", spec.get("clusterIP"), "may not change once set")


def _rollout(new: Object, spec: dict[str, Any]) -> Iterator[Cause]:
    """What the CRD's schema refuses; everything else is the controller's InvalidSpec."""
    if "spec" not in new:
        yield required("spec")
    pod = (spec.get("template") or {}).get("spec") or {}
    for index, container in enumerate(pod.get("containers") or ()):
        if not container.get("name"):
            yield required(f"spec.template.spec.containers[{index}].name")
