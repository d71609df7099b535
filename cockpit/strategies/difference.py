"""What differs between two pod templates, one short line each, for the rollback picker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cockpit.base.secrets import hide, secret_name
from cockpit.base.text import clean
from cockpit.strategies.image import short
from cockpit.strategies.values import mapping, objects

MOST_LINES = 200
_VALUE_CHARACTERS = 120
_NAMED = ("containers", "initContainers", "volumes", "env", "envFrom", "ports", "volumeMounts", "imagePullSecrets")
_SOURCES = {"configMapRef": "ConfigMap", "secretRef": "Secret"}  # of envFrom, which names what it takes, not itself
_ABSENT = object()


def difference(old: Mapping[str, Any], new: Mapping[str, Any], ignore: str) -> tuple[str, ...]:
    """Lines from ``old`` to ``new``: images first, then members by path; empty when both ask for the same pods.

    ``ignore`` is the hash label. Values of members whose name sounds like a secret are not shown, only that they
    differ.
    """
    lines = sorted(_walk((), old, new, ignore), key=lambda line: not line.startswith("image "))
    hidden = len(lines) - MOST_LINES
    return (*lines[:MOST_LINES], *([f"… and {hidden} more differences"] if hidden > 0 else []))


def _walk(path: tuple[str, ...], old: Any, new: Any, ignore: str) -> Iterator[str]:
    if old == new:
        return
    if path and path[-1] in _NAMED and _all_named(old) and _all_named(new):
        old, new = _by_name(old), _by_name(new)
    if _is_mapping(old) and _is_mapping(new):
        before, after = mapping(old), mapping(new)
        for key in sorted({*before, *after}):
            if key != ignore:
                yield from _walk((*path, key), before.get(key, _ABSENT), after.get(key, _ABSENT), ignore)
        return
    if old in (None, {}, [], _ABSENT) and new in (None, {}, [], _ABSENT):
        return
    yield _line(path, old, new)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _all_named(value: Any) -> bool:
    """Whether this is a list (or nothing) whose items all have a name of their own to be matched by."""
    if value is _ABSENT or value is None:
        return True
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return False
    names = [_name(item) for item in value]
    return None not in names and len(set(names)) == len(names)


def _name(item: Mapping[str, Any]) -> str | None:
    for member in ("name", "mountPath", "containerPort"):
        if item.get(member) is not None:
            return str(item[member])
    for member, kind in _SOURCES.items():
        if (name := mapping(item.get(member)).get("name")) is not None:
            return f"{kind} {name}"
    return None


def _by_name(value: Any) -> dict[str, Any]:
    items = objects(value) if isinstance(value, list) else []
    return {str(_name(item)): {key: inner for key, inner in item.items() if key != "name"} for item in items}


def _line(path: tuple[str, ...], old: Any, new: Any) -> str:
    names = [part for part in path if part not in ("spec", "containers", "metadata", "value")]
    if path[-2:-1] == ("envFrom",) and _ABSENT in (old, new):  # only a name: what it holds is not in the template
        return clean(f"{'+' if old is _ABSENT else '-'} {' '.join(names)}", _VALUE_CHARACTERS)
    if path[-1:] == ("image",) and len(names) > 1:
        name = clean(" ".join(["image", *names[:-1]]), _VALUE_CHARACTERS)
        return f"{name}: {_image(old)} → {_image(new)}"
    name = clean(" ".join(names), _VALUE_CHARACTERS)
    if any(secret_name(part) for part in names[-2:]):
        return f"{name}: {'added' if old is _ABSENT else 'removed' if new is _ABSENT else 'changed'} (value not shown)"
    if old is _ABSENT:
        return f"+ {name}: {_value(new)}"
    if new is _ABSENT:
        return f"- {name}: {_value(old)}"
    return f"{name}: {_value(old)} → {_value(new)}"


def _image(value: Any) -> str:
    return clean(short(value), _VALUE_CHARACTERS) if isinstance(value, str) else "none"


def _value(value: Any) -> str:
    """A leaf as it would be typed; a subtree only by its size, for it may hold what must not be shown."""
    if isinstance(value, dict):
        inner = value.get("value", _ABSENT)
        if set(value) <= {"name", "value"} and isinstance(inner, str):
            return clean(hide(inner), _VALUE_CHARACTERS)
        return clean("{" + ", ".join(sorted(value)) + "}", _VALUE_CHARACTERS)
    if isinstance(value, list):
        plain = all(isinstance(item, str | int | float | bool) for item in value)
        return clean(" ".join(str(item) for item in hide(value)), _VALUE_CHARACTERS) if plain else f"{len(value)} items"
    return clean(hide(str(value)), _VALUE_CHARACTERS)
