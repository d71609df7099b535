"""Pod templates of old ReplicaSets made fit to be put back: injected members stripped, images pinned."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from cockpit.strategies.image import pinned
from cockpit.strategies.values import mapping, objects

Template = dict[str, Any]


def restored(replicaset: Mapping[str, Any], label: str, ephemeral: str | None = None) -> Template:
    """The template as its author wrote it: without the hash label, ephemeral metadata and injected anti-affinity.

    Verbatim otherwise, so that the controller finds the old ReplicaSet by its hash and reuses it. ``ephemeral`` names
    the annotation in which Argo Rollouts records what it injected (facts 1.4).
    """
    template: Template = copy.deepcopy(mapping(mapping(replicaset.get("spec")).get("template")))
    metadata = mapping(template.get("metadata"))
    labels = mapping(metadata.get("labels"))
    labels.pop(label, None)
    if ephemeral:
        _strip_ephemeral(metadata, mapping(mapping(replicaset.get("metadata")).get("annotations")).get(ephemeral))
        _strip_anti_affinity(mapping(template.get("spec")), label)
    return template


def _strip_ephemeral(metadata: dict[str, Any], record: Any) -> None:
    try:
        injected = mapping(json.loads(record)) if isinstance(record, str) else {}
    except ValueError:
        return
    for member in ("labels", "annotations"):
        present = mapping(metadata.get(member))
        removed = [present.pop(key, None) for key in mapping(injected.get(member))]
        if removed and not present:
            metadata.pop(member, None)


def _strip_anti_affinity(spec: dict[str, Any], label: str) -> None:
    """Drops the anti-affinity terms that select by pod template hash: only the controller writes those."""
    affinity = mapping(spec.get("affinity"))
    anti = mapping(affinity.get("podAntiAffinity"))
    stripped = False
    for member, inner in (
        ("requiredDuringSchedulingIgnoredDuringExecution", None),
        ("preferredDuringSchedulingIgnoredDuringExecution", "podAffinityTerm"),
    ):
        terms = objects(anti.get(member))
        kept = [term for term in terms if not _selects(mapping(term.get(inner)) if inner else term, label)]
        if len(kept) == len(terms):
            continue
        stripped = True
        if kept:
            anti[member] = kept
        else:
            anti.pop(member)
    if stripped and not anti:
        affinity.pop("podAntiAffinity")
        if not affinity:
            spec.pop("affinity")


def _selects(term: Mapping[str, Any], label: str) -> bool:
    expressions = objects(mapping(term.get("labelSelector")).get("matchExpressions"))
    return any(expression.get("key") == label for expression in expressions)


def pin(template: Template, digests: Mapping[str, str]) -> Template:
    """A copy with the named containers' images replaced by ``repository@digest``; init containers as well."""
    result = copy.deepcopy(template)
    for container in (*containers(result), *_inits(result)):
        digest = digests.get(str(container.get("name")))
        if digest and isinstance(container.get("image"), str):
            container["image"] = pinned(container["image"], digest)
    return result


def containers(template: Mapping[str, Any]) -> list[dict[str, Any]]:
    return objects(mapping(template.get("spec")).get("containers"))


def images(template: Mapping[str, Any]) -> dict[str, str]:
    """Container name -> image of the main containers."""
    return {str(each.get("name")): str(each.get("image") or "") for each in containers(template)}


def inits(template: Mapping[str, Any]) -> dict[str, str]:
    """Container name -> image of the init containers, those that go on running as sidecars included."""
    return {str(each.get("name")): str(each.get("image") or "") for each in _inits(template)}


def _inits(template: Mapping[str, Any]) -> list[dict[str, Any]]:
    return objects(mapping(template.get("spec")).get("initContainers"))


def same(one: Any, other: Any, label: str) -> bool:
    """Whether two templates ask for the same pods: the hash label and empty or null members do not count."""
    return bool(_normal(one, label) == _normal(other, label))


def _normal(value: Any, label: str) -> Any:
    if isinstance(value, dict):
        pairs = ((key, _normal(inner, label)) for key, inner in value.items() if key != label)
        return {key: inner for key, inner in pairs if inner not in (None, {}, [])}
    if isinstance(value, list):
        return [_normal(inner, label) for inner in value]
    return value
