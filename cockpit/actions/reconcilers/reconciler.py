"""One GitOps object that applies a workload from elsewhere, and words for what it applies and who resets it."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from cockpit.base.text import clean
from cockpit.model.resource import Resource
from cockpit.strategies.values import mapping, objects, text

Tool = Literal["argocd", "flux"]
_SHA = re.compile(r"[0-9a-f]{7,64}")
_WORD = re.compile(r"[A-Za-z0-9./_][A-Za-z0-9._:/@+-]*")


class Reconciler(msgspec.Struct, frozen=True):
    """An Application, a Kustomization or a HelmRelease. ``raw`` is the object as the server had it."""

    tool: Tool
    resource: Resource
    namespace: str
    name: str
    raw: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.resource.kind} {clean(self.namespace, 253)}/{clean(self.name, 253)}"

    @property
    def id(self) -> str:
        """What ``--choose`` takes where several own one workload."""
        return f"{self.resource.kind.lower()}/{clean(self.namespace, 253)}/{clean(self.name, 253)}"

    @property
    def metadata(self) -> dict[str, Any]:
        return mapping(self.raw.get("metadata"))

    @property
    def spec(self) -> dict[str, Any]:
        return mapping(self.raw.get("spec"))

    @property
    def status(self) -> dict[str, Any]:
        return mapping(self.raw.get("status"))

    @property
    def uid(self) -> str:
        return text(self.metadata.get("uid"), 100)


def reconciler(tool: Tool, resource: Resource, raw: dict[str, Any]) -> Reconciler:
    metadata = mapping(raw.get("metadata"))
    return Reconciler(tool, resource, str(metadata.get("namespace") or ""), str(metadata.get("name") or ""), raw)


def parents(of: Reconciler) -> tuple[str, ...]:
    """What applies the reconciler itself, and so may reset what is changed on it by hand."""
    metadata = of.metadata
    found = [
        f"ApplicationSet {text(each.get('name'), 253)}"
        for each in objects(metadata.get("ownerReferences"))
        if each.get("kind") == "ApplicationSet"
    ]
    labels, annotations = mapping(metadata.get("labels")), mapping(metadata.get("annotations"))
    tracking = annotations.get("argocd.argoproj.io/tracking-id") or labels.get("argocd.argoproj.io/instance")
    if isinstance(tracking, str) and (app := tracking.partition(":")[0]) and app != of.name:
        found.append(f"Application {clean(app, 253)}")
    for api, kind in (("kustomize.toolkit.fluxcd.io", "Kustomization"), ("helm.toolkit.fluxcd.io", "HelmRelease")):
        name, namespace = labels.get(f"{api}/name"), labels.get(f"{api}/namespace")
        itself = (kind, name, namespace) == (of.resource.kind, of.name, of.namespace)  # flux-system applies itself
        if isinstance(name, str) and name and not itself:
            found.append(f"{kind} {text(namespace, 253)}/{clean(name, 253)}")
    return tuple(dict.fromkeys(found))


def sha_of(revision: Any) -> str | None:
    """The commit in ``main@sha1:4f1c…``, ``main/4f1c…`` or a bare hash; None for tags, chart versions and digests."""
    if not isinstance(revision, str) or "@sha256:" in revision:
        return None
    last = re.split(r"[:/]", revision)[-1]
    return last if _SHA.fullmatch(last) else None


def word(value: Any) -> str:
    """Text from the cluster as one word of a command; quoted where a shell would read more into it."""
    plain = clean(str(value), 253)
    return plain if _WORD.fullmatch(plain) else "'" + plain.replace("'", "") + "'"


def git_undo(current: str, target: str | None, path: str) -> str:
    """The command that gives back what ``target`` had in force, or else undoes the change in force at ``current``.

    A repository mostly holds more than one workload: with a ``path`` nothing beside it is touched.
    """
    if target == current:
        target = None
    if path in ("", ".", "./", "/"):
        return f"git revert --no-edit {target}..{current}" if target else f"git revert {current}"
    if target:
        return f"git restore --source {target} -- {word(path)}, then commit"
    return f"git revert $(git log -1 --format=%H {current} -- {word(path)})"
