"""What labels and annotations of a workload claim of its owners; a claim is no proof, and a copied one is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from cockpit.base.errors import CockpitError
from cockpit.base.text import clean
from cockpit.model.resource import Resource

TRACKING = "argocd.argoproj.io/tracking-id"
INSTANCE = "argocd.argoproj.io/instance"
KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
HELM = "helm.toolkit.fluxcd.io"
RELEASE = "meta.helm.sh/release-name"
RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"
MANAGED_BY = "app.kubernetes.io/managed-by"
_LABEL_CHARACTERS = 63


class Unsure(CockpitError):
    """Whose the workload is cannot be told; the sentence says why."""


class Claim(msgspec.Struct, frozen=True):
    """An owner as a mark names it. ``namespace`` None: the mark does not say; ``sign``: the mark itself, cleaned."""

    namespace: str | None
    name: str
    sign: str


class Managed(msgspec.Struct, frozen=True):
    """A workload as its owners address it, with its marks."""

    group: str
    kind: str
    namespace: str
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def address(self) -> tuple[str, str, str, str]:
        return self.group, self.kind, self.namespace, self.name

    def argo(self) -> Claim | None:
        """Argo CD's own mark. A tracking id that names another object was copied with it, as Argo CD itself holds."""
        tracking = self.annotations.get(TRACKING)
        if tracking is not None:
            app, _, rest = tracking.partition(":")
            sign = f"annotation {TRACKING}={clean(tracking, 300)}"
            if _tracked(rest) in (self.address, None):
                return _application(app, sign)
        instance = self.labels.get(INSTANCE)
        return _application(instance, f"label {INSTANCE}={clean(instance, 80)}") if instance else None

    def copied(self) -> str:
        """A tracking id that is another object's, "" for none."""
        tracking = self.annotations.get(TRACKING, "")
        other = _tracked(tracking.partition(":")[2])
        return clean(tracking, 300) if tracking and other not in (self.address, None) else ""

    def names(self, application: str) -> bool:
        """Whether any label carries this name: label tracking, whose key each installation may choose."""
        return bool(application) and application[:_LABEL_CHARACTERS] in self.labels.values()

    def flux(self, api: str) -> Claim | None:
        """Flux's pair of labels, ``api`` being ``KUSTOMIZE`` or ``HELM``."""
        name = self.labels.get(f"{api}/name")
        if not name:
            return None
        namespace = self.labels.get(f"{api}/namespace") or self.namespace
        return Claim(namespace, name, f"label {api}/name={clean(namespace, 80)}/{clean(name, 80)}")

    def release(self) -> Claim | None:
        """The Helm release that installed it."""
        name = self.annotations.get(RELEASE)
        if not name:
            return None
        namespace = self.annotations.get(RELEASE_NAMESPACE) or self.namespace
        return Claim(namespace, name, f"annotation {RELEASE}={clean(name, 80)}")


def managed(raw: Any, resource: Resource) -> Managed:
    """Reads marks off an object. Raises Unsure for an answer that is none: nothing may be concluded from that."""
    metadata = raw.get("metadata") if isinstance(raw, dict) else None
    if not isinstance(metadata, dict) or not metadata.get("name"):
        raise Unsure(f"the server's answer is no {resource.kind}")
    return Managed(
        resource.group,
        resource.kind,
        str(metadata.get("namespace") or ""),
        str(metadata["name"]),
        _texts(metadata.get("labels"), resource),
        _texts(metadata.get("annotations"), resource),
    )


def _texts(value: Any, resource: Resource) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise Unsure(f"labels or annotations of the {resource.kind} are not readable")
    return value


def _application(name: str, sign: str) -> Claim:
    """Outside Argo CD's own namespace an application is called ``namespace_name``; neither part can hold a ``_``."""
    namespace, separator, inner = name.rpartition("_")
    return Claim(namespace if separator else None, inner, sign)


def _tracked(rest: str) -> tuple[str, str, str, str] | None:
    """``group/kind:namespace/name`` of a tracking id; None when it is not of that form."""
    type_, _, place = rest.partition(":")
    group, slash, kind = type_.partition("/")
    namespace, other, name = place.partition("/")
    return (group, kind, namespace, name) if slash and other and kind and name else None
