"""JSON patch (RFC 6902 with the real server's semantics) and JSON merge patch (RFC 7386)."""

from __future__ import annotations

import copy
from typing import Any

from cockpit.world import status

_MISSING = object()


class PatchError(Exception):
    """A JSON patch that cannot be applied; the server answers 422 Invalid with this text."""


def apply_json_patch(document: Any, patch: Any) -> Any:
    """Apply a list of operations to a copy of ``document``.

    As evanphx/json-patch does it for the real server: an absent member passes ``test`` against null when its parent
    exists, ``remove`` and ``replace`` of an absent member fail, negative array indices count from the end.
    Raises ``PatchError`` when an operation fails and ``status.Rejected`` (400) when the patch is not one.
    """
    if not isinstance(patch, list):
        raise status.bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    result = copy.deepcopy(document)
    for operation in patch:
        if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
            raise status.bad_request("invalid JSON patch: every operation is an object with a string path")
        result = _apply(result, operation)
    return result


def _apply(document: Any, operation: dict[str, Any]) -> Any:
    name, path = operation.get("op"), operation["path"]
    if name in ("add", "replace", "test") and "value" not in operation:
        raise PatchError(f"{name} operation does not apply: doc is missing value: missing value")
    if name == "test":
        found = _find(document, path, name)
        if (None if found is _MISSING else found) != operation["value"] or _is_bool_clash(found, operation["value"]):
            raise PatchError(f"testing value {path} failed: test failed")
        return document
    if name == "add":
        return _add(document, path, copy.deepcopy(operation["value"]), "add")
    if name == "remove":
        return _remove(document, path, "remove")
    if name == "replace":
        if path == "":
            return copy.deepcopy(operation["value"])
        if _find(document, path, name) is _MISSING:
            raise PatchError(f"replace operation does not apply: doc is missing key: {path}: missing value")
        return _set(document, path, copy.deepcopy(operation["value"]))
    if name in ("move", "copy"):
        source = operation.get("from")
        if not isinstance(source, str):
            raise PatchError(f"{name} operation does not apply: unable to decode from: missing value")
        found = _find(document, source, name)
        if found is _MISSING:
            raise PatchError(f"{name} operation does not apply: doc is missing from path: {source}: missing value")
        if name == "move":
            if path.startswith(f"{source}/"):
                raise PatchError(f"move operation does not apply: {source} cannot be moved into itself")
            document = _remove(document, source, "move")
        return _add(document, path, copy.deepcopy(found), name)
    raise PatchError(f"Unexpected kind: {name}")


def _is_bool_clash(found: Any, value: Any) -> bool:
    """Python holds True == 1; JSON does not."""
    return isinstance(found, bool) != isinstance(value, bool)


def _tokens(path: str) -> list[str]:
    if path == "":
        return []
    if not path.startswith("/"):
        raise PatchError(f"invalid JSON pointer {path}: must start with a slash")
    return [token.replace("~1", "/").replace("~0", "~") for token in path[1:].split("/")]


def _index(token: str, length: int, operation: str) -> int:
    """An array index in 0..length-1; -1 counts from the end as the real server's library does."""
    try:
        index = int(token)
    except ValueError:
        raise PatchError(f"{operation} operation does not apply: invalid array index {token}") from None
    if index < 0:
        index += length
    if not 0 <= index < length or (token not in ("0",) and token.startswith("0")):
        raise PatchError(
            f"{operation} operation does not apply: Unable to access invalid index: {token}: invalid index"
        )
    return index


def _parent(document: Any, tokens: list[str], path: str, operation: str) -> Any:
    for token in tokens[:-1]:
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list):
            document = document[_index(token, len(document), operation)]
        else:
            document = None
        if document is None:
            break
    if not isinstance(document, dict | list):
        raise PatchError(f"{operation} operation does not apply: doc is missing path: {path}: missing value")
    return document


def _find(document: Any, path: str, operation: str) -> Any:
    tokens = _tokens(path)
    if not tokens:
        return document
    parent = _parent(document, tokens, path, operation)
    if isinstance(parent, list):
        return parent[_index(tokens[-1], len(parent), operation)]
    return parent.get(tokens[-1], _MISSING)


def _set(document: Any, path: str, value: Any) -> Any:
    tokens = _tokens(path)
    parent = _parent(document, tokens, path, "replace")
    if isinstance(parent, list):
        parent[_index(tokens[-1], len(parent), "replace")] = value
    else:
        parent[tokens[-1]] = value
    return document


def _add(document: Any, path: str, value: Any, operation: str) -> Any:
    tokens = _tokens(path)
    if not tokens:
        return value
    parent = _parent(document, tokens, path, operation)
    if isinstance(parent, dict):
        parent[tokens[-1]] = value
    elif tokens[-1] == "-":
        parent.append(value)
    else:
        parent.insert(_index(tokens[-1], len(parent) + 1, operation), value)
    return document


def _remove(document: Any, path: str, operation: str) -> Any:
    tokens = _tokens(path)
    if not tokens:
        raise PatchError(f"{operation} operation does not apply: the whole document cannot be removed")
    parent = _parent(document, tokens, path, operation)
    if isinstance(parent, list):
        del parent[_index(tokens[-1], len(parent), operation)]
    elif tokens[-1] in parent:
        del parent[tokens[-1]]
    else:
        raise PatchError(
            f"{operation} operation does not apply: Unable to remove nonexistent key: {tokens[-1]}: missing value"
        )
    return document


def apply_merge_patch(document: Any, patch: Any) -> Any:
    """RFC 7386: null removes, objects merge, everything else replaces. Neither argument is changed."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = apply_merge_patch(result.get(key), value)
    return result
