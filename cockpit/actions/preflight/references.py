"""What a pod template refers to in its namespace: ConfigMaps, Secrets, claims, accounts, classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from cockpit.model.resource import CONFIGMAPS, SECRETS, Resource
from cockpit.strategies.values import mapping, objects

CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
PRIORITIES = Resource("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", namespaced=False)
RUNTIMES = Resource("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", namespaced=False)

_SOURCES = (("configMap", "name", CONFIGMAPS), ("secret", "secretName", SECRETS))
_PROJECTED = (("configMap", "name", CONFIGMAPS), ("secret", "name", SECRETS))
_WHOLE = (("configMapRef", "name", CONFIGMAPS), ("secretRef", "name", SECRETS))
_KEYS = (("configMapKeyRef", "name", CONFIGMAPS), ("secretKeyRef", "name", SECRETS))


class Reference(msgspec.Struct, frozen=True):
    """One object that pods need, with the ``keys`` that they need of it. Without an ``optional`` one they start too."""

    resource: Resource
    name: str
    optional: bool = False
    keys: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.resource.kind} {self.name}"


def references(template: Mapping[str, Any]) -> tuple[Reference, ...]:
    """All of them, each once; one that is needed anywhere is not optional."""
    needed: dict[tuple[str, str], Reference] = {}
    for each in _all(mapping(template.get("spec"))):
        before = needed.get((each.resource.plural, each.name), each)
        needed[each.resource.plural, each.name] = Reference(
            each.resource,
            each.name,
            optional=before.optional and each.optional,
            keys=before.keys | each.keys,
        )
    return tuple(needed.values())


def _all(spec: Mapping[str, Any]) -> Iterator[Reference]:
    for container in (*objects(spec.get("initContainers")), *objects(spec.get("containers"))):
        for source in objects(container.get("envFrom")):
            yield from _named(source, _WHOLE)
        for variable in objects(container.get("env")):
            yield from _named(mapping(variable.get("valueFrom")), _KEYS)
    for volume in objects(spec.get("volumes")):
        yield from _named(volume, _SOURCES)
        for source in objects(mapping(volume.get("projected")).get("sources")):
            yield from _named(source, _PROJECTED)
        published = mapping(mapping(volume.get("csi")).get("nodePublishSecretRef")).get("name")
        if isinstance(published, str) and published:
            yield Reference(SECRETS, published)
        claim = mapping(volume.get("persistentVolumeClaim")).get("claimName")
        if isinstance(claim, str) and claim:
            yield Reference(CLAIMS, claim)
    for member, resource in (
        ("serviceAccountName", ACCOUNTS), ("priorityClassName", PRIORITIES), ("runtimeClassName", RUNTIMES)
    ):  # fmt: skip
        name = spec.get(member)
        # Every namespace has its default account: the server itself makes it anew.
        if isinstance(name, str) and name and (member, name) != ("serviceAccountName", "default"):
            yield Reference(resource, name)


def _named(holder: Mapping[str, Any], members: tuple[tuple[str, str, Resource], ...]) -> Iterator[Reference]:
    for member, key, resource in members:
        source = mapping(holder.get(member))
        name = source.get(key)
        if isinstance(name, str) and name:
            optional = source.get("optional") is True
            yield Reference(resource, name, optional, frozenset() if optional else _keys(source))


def _keys(source: Mapping[str, Any]) -> frozenset[str]:
    """Keys without which a container cannot start or a volume cannot be mounted."""
    asked = (source.get("key"), *(each.get("key") for each in objects(source.get("items"))))
    return frozenset(each for each in asked if isinstance(each, str) and each)
