"""Drift by origin: who set the image that is declared now, told by managed fields, Argo CD and the journal. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from cockpit.base.clock import parse_time
from cockpit.base.text import clean
from cockpit.journal.observed import Deployed
from cockpit.model.drift import Drift
from cockpit.model.resource import Key
from cockpit.model.rollout import Arm, Image, Rollout
from cockpit.strategies.values import mapping, objects

_BY_HAND = "kubectl"
_NAMED = ("kubernetes.io/change-cause", "rollout-cockpit.dev/actor", "rollout-cockpit.dev/pipeline")
"""Annotations by which a pipeline or a person says who deployed."""


class Setter:
    """Who holds the image of one container, by ``metadata.managedFields``."""

    def __init__(self, whole: Mapping[str, Any], container: str) -> None:
        managers = objects(mapping(whole.get("metadata")).get("managedFields"))
        self.holders = [each for each in managers if _holds(each, container)]
        self.by_hand = [each for each in self.holders if str(each.get("manager") or "").startswith(_BY_HAND)]

    @property
    def newest(self) -> tuple[str, float | None] | None:
        """The kubectl that set it last and when; None: none did."""
        if not self.by_hand:
            return None
        found = max(self.by_hand, key=lambda each: _time(each) or 0.0)
        return clean(str(found["manager"]), 128), _time(found)

    @property
    def declared(self) -> bool:
        """Whether a manager other than kubectl holds it."""
        return len(self.by_hand) < len(self.holders)

    @property
    def applied(self) -> bool:
        """Whether one of those applies it server-side: then it is as that one wants it."""
        return any(each.get("operation") == "Apply" for each in self.holders if each not in self.by_hand)


def hotfixes(rollout: Rollout, whole: Mapping[str, Any]) -> Iterator[Drift]:
    """Images of an owned template that were last set with kubectl.

    A manager that applies them server-side at the same time holds them too: then they are as declared.
    """
    if rollout.owner is None:
        return
    for name in _containers(whole):
        setter = Setter(whole, name)
        newest = setter.newest
        if newest is None or setter.applied:
            continue
        owner = rollout.owner
        text = (
            f"the image of {clean(name, 253)} was last set with {newest[0]}, not by {owner.tool} {owner.name}, "
            "which owns this object and may set it back"
        )
        yield Drift("template-hotfix", "warn", text, clean(name, 253), since=newest[1])


def application_of(whole: Mapping[str, Any]) -> tuple[str | None, str] | None:
    """(namespace if it is told, name) of the Argo CD application in an object's marks.

    A tracking id is ``app:group/kind:namespace/name``; where applications may live in any namespace, the application is
    written ``namespace_app``.
    """
    metadata = mapping(whole.get("metadata"))
    tracking = mapping(metadata.get("annotations")).get("argocd.argoproj.io/tracking-id")
    label = mapping(metadata.get("labels")).get("argocd.argoproj.io/instance")
    found = tracking.partition(":")[0] if isinstance(tracking, str) else label
    if not isinstance(found, str) or not found:
        return None
    namespace, mark, name = found.partition("_")
    return (namespace, name) if mark and namespace and name else (None, found)


def out_of_sync(key: Key, application: Mapping[str, Any]) -> Drift | None:
    """What an Application says of ``key``, the object that holds the template. None: in sync, or it does not say."""
    status = mapping(application.get("status"))
    if mapping(status.get("operationState")).get("phase") == "Running":
        return None  # it is being put right, or rolled out, at this moment
    held = next((each for each in objects(status.get("resources")) if _is(each, key)), None)
    if held is None or held.get("status") != "OutOfSync":
        return None
    name = clean(str(mapping(application.get("metadata")).get("name") or ""), 253)
    revision = mapping(status.get("sync")).get("revision")
    at = f" at {clean(revision, 300)[:10]}" if isinstance(revision, str) and revision else ""
    text = f"Argo CD application {name} reports this object OutOfSync: it is not as in Git{at}"
    return Drift("template-hotfix", "warn", text)


def joined(by_hand: Sequence[Drift], reported: Drift | None) -> tuple[Drift, ...]:
    """One cause is said once: what was set by hand, with what Argo CD says of it."""
    if reported is None or not by_hand:
        return (*by_hand, *(() if reported is None else (reported,)))
    first, *rest = by_hand
    return (replace(first, text=f"{first.text}; {reported.text}"), *rest)


def unrecorded(rollout: Rollout, whole: Mapping[str, Any], deployed: Deployed | None) -> Iterator[Drift]:
    """Images of the newest version that nobody is on record for having deployed.

    On record: an act in the journal that led to it, a manager other than kubectl that holds the image, or an annotation
    that names who it was. Nothing is said of versions that are older than the journal: it could not know of them.
    """
    arm = rollout.canary or rollout.baseline
    if deployed is None or deployed.since is None or arm is None or arm.hash in deployed.hashes:
        return
    metadata, template = mapping(whole.get("metadata")), mapping(mapping(whole.get("spec")).get("template"))
    told = (mapping(metadata.get("annotations")), mapping(mapping(template.get("metadata")).get("annotations")))
    if not whole or any(each.get(name) for each in told for name in _NAMED):
        return
    for image in arm.images:
        found = _unknown(arm, image, Setter(whole, image.container), deployed)
        if found is not None:
            yield found


def _unknown(arm: Arm, image: Image, setter: Setter, deployed: Deployed) -> Drift | None:
    if image.digest is None or image.digest in deployed.digests or setter.declared:
        return None
    newest = setter.newest
    at = max((each for each in (arm.created_at, newest[1] if newest else None) if each is not None), default=None)
    if at is None or deployed.since is None or at <= deployed.since:
        return None
    name = clean(image.container, 253)
    how = f"it was set with {newest[0]}" if newest is not None else "its object does not say by what it was set"
    text = f"{name} runs {image.digest[:19]}…, and no known actor is on record for deploying it: {how}"
    return Drift("unrecorded", "info", text, name, since=at)


def _is(entry: Mapping[str, Any], key: Key) -> bool:
    return (entry.get("kind"), entry.get("namespace"), entry.get("name")) == tuple(key)


def _containers(whole: Mapping[str, Any]) -> tuple[str, ...]:
    template = mapping(mapping(mapping(whole.get("spec")).get("template")).get("spec"))
    return tuple(str(each.get("name") or "") for each in objects(template.get("containers")))


def _holds(entry: Mapping[str, Any], container: str) -> bool:
    """Whether a manager holds this container's image. A member without members of its own is held as a whole."""
    key = json.dumps({"name": container}, separators=(",", ":"), ensure_ascii=False)
    fields: Any = entry.get("fieldsV1")
    for step in ("f:spec", "f:template", "f:spec", "f:containers", f"k:{key}", "f:image"):
        if not isinstance(fields, dict) or step not in fields:
            return False
        fields = fields[step]
        if fields == {}:
            return True
    return True


def _time(entry: Mapping[str, Any]) -> float | None:
    value = entry.get("time")
    return parse_time(value) if isinstance(value, str) else None
