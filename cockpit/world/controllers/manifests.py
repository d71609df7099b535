"""Manifests against what lives: what of them is not so, and making it so; for Argo CD and Flux."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cockpit.world.contract import Object, World
from cockpit.world.kinds import Kind, Registry

_KINDS = Registry()
_HEADS = ("apiVersion", "kind", "metadata")


class Place(NamedTuple):
    """Where an object lives."""

    kind: Kind
    namespace: str
    name: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind.plural, self.namespace, self.name


def place(manifest: Object) -> Place:
    """Raises KeyError for a kind that the world does not serve."""
    kind = _KINDS.of(str(manifest.get("apiVersion")), str(manifest.get("kind")))
    if kind is None:
        raise KeyError(f"{manifest.get('apiVersion')} {manifest.get('kind')}")
    metadata = manifest["metadata"]
    return Place(kind, metadata.get("namespace", "") if kind.namespaced else "", metadata["name"])


def covers(live: Any, wanted: Any) -> bool:
    """Whether ``live`` says all that ``wanted`` says; members that only ``live`` has are the cluster's own."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(covers(live.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(live, list)
            and len(live) == len(wanted)
            and all(covers(one, other) for one, other in zip(live, wanted, strict=True))
        )
    return bool(live == wanted)


def drifted(live: Object | None, wanted: Object, ignored: Iterable[Sequence[str]] = ()) -> bool:
    """Whether the live object is not what its manifest says, save at the ``ignored`` paths."""
    if live is None:
        return True
    body = {key: value for key, value in wanted.items() if key not in ("apiVersion", "kind")}
    paths = list(ignored)
    if paths:
        body, live = copy.deepcopy(body), copy.deepcopy(live)
        for path in paths:
            _drop(body, path)
            _drop(live, path)
    return not covers(live, body)


def apply(world: World, wanted: Object, manager: str) -> str:
    """Create the object or write its manifest over it: ``created``, ``configured`` or ``unchanged``."""
    where = place(wanted)
    live = world.objects.get(*where.key)
    if live is None:
        world.objects.create(copy.deepcopy(wanted), manager=manager)
        return "created"

    def write(found: Object) -> None:
        for section in ("labels", "annotations"):
            given = (wanted["metadata"].get(section)) or {}
            if given:
                found["metadata"][section] = {**(found["metadata"].get(section) or {}), **given}
        for key, value in wanted.items():
            if key in _HEADS:
                continue
            found[key] = _laid_over(found.get(key), copy.deepcopy(value)) if key == "spec" else copy.deepcopy(value)

    after = world.objects.mutate(*where.key, write, manager=manager)
    same = after is not None and after["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]
    return "unchanged" if same else "configured"


def _laid_over(held: Any, given: Any) -> Any:
    """``given`` over ``held``: what only the cluster says (replicas, a pause, hashes in selectors) stays.

    A pod template is replaced as a whole, so that it is again the one whose ReplicaSet exists.
    """
    if not isinstance(held, dict) or not isinstance(given, dict):
        return given
    return {**held, **{k: v if k == "template" else _laid_over(held.get(k), v) for k, v in given.items()}}


def pointer(text: str) -> list[str]:
    """The segments of a JSON pointer."""
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def jq_path(text: str) -> list[str] | None:
    """The segments of a plain jq path such as ``.spec.template.spec.containers[].image``; None for any other."""
    parts = text.replace("[]", ".*").lstrip(".").split(".")
    return parts if all(part == "*" or part.replace("_", "").replace("-", "").isalnum() for part in parts) else None


def _drop(obj: Any, path: Sequence[str]) -> None:
    """Remove what lies at ``path``; ``*`` stands for every element of a list."""
    head, rest = path[0], path[1:]
    if isinstance(obj, list):
        chosen = obj if head == "*" else [obj[int(head)]] if head.isdigit() and int(head) < len(obj) else []
        for each in chosen if rest else ():
            _drop(each, rest)
    elif isinstance(obj, dict):
        if not rest:
            obj.pop(head, None)
        elif head in obj:
            _drop(obj[head], rest)
