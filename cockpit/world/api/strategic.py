"""Strategic merge patch of built-in kinds: lists merged by key, and the ``$patch`` family of directives."""

from __future__ import annotations

import copy
from typing import Any

from cockpit.world import status

# Merge keys by the field's name; the same name means the same type in all kinds served here, save for ``ports``.
_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "conditions": "type",
    "ownerReferences": "uid",
    "secrets": "name",
    "addresses": "type",
    "podIPs": "ip",
    "hostIPs": "ip",
}
_SETS = ("finalizers",)  # lists of scalars that merge as sets


def apply_strategic_patch(document: Any, patch: Any, field: str = "") -> Any:
    """A copy of ``document`` with ``patch`` merged in; raises 400 for a directive that makes no sense.

    Source: kubernetes/community, contributors/devel/sig-api-machinery/strategic-merge-patch.md.
    """
    if not isinstance(patch, dict):
        raise status.bad_request("strategic merge patch: the patch must be an object")
    directive = patch.get("$patch")
    body = {key: value for key, value in patch.items() if not key.startswith("$")}
    if directive == "replace":
        return _stripped(body)
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise status.bad_request(f"invalid value {directive!r} of $patch in {field or 'the patch'}")
    result = copy.deepcopy(document) if isinstance(document, dict) else {}
    retained = patch.get("$retainKeys")
    if isinstance(retained, list):
        result = {key: value for key, value in result.items() if key in retained}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            if not isinstance(value, list) or not isinstance(result.get(name, []), list):
                raise status.bad_request(f"strategic merge patch: {key} and {name} must be lists")
            result[name] = [item for item in result.get(name, []) if item not in value]
    for key, value in body.items():
        result = _member(result, key, value)
    for key, value in patch.items():
        if key.startswith("$setElementOrder/"):
            _reorder(result, key.partition("/")[2], value)
    return result


def _member(result: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    if value is None:
        result.pop(key, None)
    elif isinstance(value, dict):
        merged = apply_strategic_patch(result.get(key), value, key)
        if value.get("$patch") == "delete":
            result.pop(key, None)
        else:
            result[key] = merged
    elif isinstance(value, list):
        result[key] = _merge_list(result.get(key), value, key)
    else:
        result[key] = value
    return result


def _merge_key(field: str, items: list[Any]) -> str | None:
    if field == "ports":
        objects = [item for item in items if isinstance(item, dict)]
        return "containerPort" if any("containerPort" in item for item in objects) else "port"
    return _MERGE_KEYS.get(field)


def _merge_list(current: Any, patch: list[Any], field: str) -> list[Any]:
    if field in _SETS:
        if not all(isinstance(item, str) for item in patch):
            raise status.bad_request(f"strategic merge patch: {field} is a list of strings")
        return list(dict.fromkeys([*(current or ()), *patch]))
    existing: list[Any] = copy.deepcopy(current) if isinstance(current, list) else []
    key = _merge_key(field, [*existing, *patch])
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [_stripped(item) for item in patch if not (isinstance(item, dict) and item.get("$patch") == "replace")]
    if key is None:
        return [_stripped(item) for item in patch]
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise status.bad_request(f"map: {item} does not contain declared merge key: {key}")
        at = next((i for i, other in enumerate(existing) if other.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            if at is not None:
                del existing[at]
        elif at is None:
            existing.append(_stripped(item))
        else:
            existing[at] = apply_strategic_patch(existing[at], item, field)
    return existing


def _stripped(value: Any) -> Any:
    """New content: no directives, no nulls."""
    if isinstance(value, dict):
        return {k: _stripped(v) for k, v in value.items() if not k.startswith("$") and v is not None}
    if isinstance(value, list):
        return [_stripped(item) for item in value]
    return value


def _reorder(result: dict[str, Any], field: str, order: Any) -> None:
    """Put listed elements in the listed order; what the patch does not know keeps its place behind them."""
    items = result.get(field)
    if not isinstance(items, list) or not isinstance(order, list):
        return
    key = _merge_key(field, items)

    def identity(item: Any) -> str:
        return repr(item.get(key) if isinstance(item, dict) else item)

    ranks = {identity(entry): rank for rank, entry in enumerate(order)}

    def rank(item: Any) -> int:
        return ranks.get(identity(item), len(ranks))

    result[field] = sorted(items, key=rank)
