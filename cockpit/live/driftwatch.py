"""Drift that rows do not show: tags that moved in their registry, and images set with kubectl past their owner."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from cockpit.base.clock import Clock, parse_time
from cockpit.base.errors import CockpitError
from cockpit.base.text import clean
from cockpit.live.live import Live
from cockpit.model.artifact import Sameness, TagState
from cockpit.model.drift import Drift
from cockpit.model.resource import Key
from cockpit.model.rollout import Image, Rollout
from cockpit.strategies.contract import Reader
from cockpit.strategies.image import declared_digest
from cockpit.strategies.values import mapping, objects

_EVERY = 5.0
"""Wall seconds between two looks for rollouts that are due."""
AGAIN = 300.0
"""Wall seconds until the same versions of a rollout are asked about again."""
_PER_LOOK = 4
"""Rollouts asked about per look: the registries of a large fleet are not asked in a burst."""


class Tags(Protocol):
    """What is asked of registries (``live.artifacts.ClusterArtifacts``)."""

    async def tag(self, image: str, in_use: str | None, namespace: str, secrets: Sequence[str] = ()) -> TagState: ...

    async def learn(self, image: str, digest: str, namespace: str, secrets: Sequence[str] = ()) -> bool: ...

    def compare(self, declared: str, image_id: str) -> Sameness: ...


class DriftWatch:
    """Asks about rollouts in flight, the open one, and those whose digests could not be told apart by rows alone."""

    def __init__(self, live: Live, tags: Tags, reader: Reader, clock: Clock) -> None:
        self._live = live
        self._tags = tags
        self._reader = reader
        self._clock = clock
        self._open: Key | None = None
        self._asked: dict[Key, tuple[tuple[Image, ...], float]] = {}

    def focus(self, key: Key | None) -> None:
        """This rollout is open."""
        self._open = key

    async def follow(self) -> None:
        """Until cancelled. Needs a picture that stands."""
        while True:
            await self.look()
            await asyncio.sleep(_EVERY)

    async def look(self) -> None:
        """Ask about what is due. Never raises for an expected failure: what was not told stays unsaid."""
        snapshot, now = self._live.snapshot(), self._clock.wall()
        for key in self._asked.keys() - snapshot.rollouts.keys():
            del self._asked[key]
        due: list[Rollout] = []
        for key, rollout in snapshot.rollouts.items():
            unclear = any(drift.kind == "split" for drift in snapshot.drifts.get(key, ()))
            if not (rollout.in_flight or key == self._open or unclear):
                continue
            images, at = self._asked.get(key, ((), 0.0))
            if images != _images(rollout) or now - at >= AGAIN:
                due.append(rollout)
        due.sort(key=lambda rollout: rollout.key != self._open)
        for rollout in due[:_PER_LOOK]:
            self._asked[rollout.key] = (_images(rollout), now)
            found = await self._ask(rollout)
            self._live.drifting.compare = self._tags.compare
            self._live.drifting.tell(rollout.key, found)

    async def _ask(self, rollout: Rollout) -> tuple[Drift, ...]:
        whole = await self._whole(rollout)
        namespace = rollout.key.namespace
        secrets = _pull_secrets(whole)
        found = list(hotfixes(rollout, whole))
        for image in dict.fromkeys(_images(rollout)):
            # What pods run may differ from what is declared, and is read too, so that ``compare`` can tell.
            running = {
                each.digest
                for arm in (rollout.canary, rollout.baseline)
                if arm is not None
                for pod in arm.pods
                for each in pod.images
                if each.container == image.container and each.image == image.image and each.digest
            }
            for digest in sorted(running | ({image.digest} if image.digest else set())):
                await self._tags.learn(image.image, digest, namespace, secrets)
            state = await self._tags.tag(image.image, image.digest, namespace, secrets)
            drift = moved(image, state)
            if drift is not None:
                found.append(drift)
        return tuple(dict.fromkeys(found))

    async def _whole(self, rollout: Rollout) -> dict[str, Any]:
        """The object that holds the pod template; empty when it cannot be read."""
        key = rollout.workload or rollout.key
        strategy = self._live.strategy(key)
        if strategy is None:
            return {}
        try:
            return await self._reader.get(strategy.resource, key.namespace, key.name)
        except CockpitError:
            return {}


def moved(image: Image, state: TagState) -> Drift | None:
    """The finding of one tag, None while it stands or where the registry did not say."""
    if state.moved not in ("moved", "gone"):
        return None
    pinned = declared_digest(image.image) is not None
    name, in_use = clean(image.container, 253), f"{(image.digest or 'an unknown digest')[:19]}…"
    tag = clean(state.image.rpartition("/")[2], 300)
    if state.moved == "gone":
        then = "pods are pinned and keep their digest" if pinned else "a new pod cannot pull it"
        text = f"{name}: the tag {tag} is gone from its registry; {then}"
    else:
        then = "pods are pinned and keep it" if pinned else "a new pod may run another image"
        text = f"{name} runs {in_use}, but {tag} now points to {(state.digest or '')[:19]}…; {then}"
    return Drift("tag-moved", "info" if pinned else "warn", text, name)


def hotfixes(rollout: Rollout, whole: Mapping[str, Any]) -> Iterator[Drift]:
    """Images of an owned template that were last set with kubectl, by ``metadata.managedFields``.

    A manager that applies them server-side at the same time holds them too: then they are as declared.
    """
    if rollout.owner is None:
        return
    managers = objects(mapping(whole.get("metadata")).get("managedFields"))
    template = mapping(mapping(mapping(whole.get("spec")).get("template")).get("spec"))
    for container in objects(template.get("containers")):
        name = str(container.get("name") or "")
        holders = [each for each in managers if _holds(each, name)]
        by_hand = [each for each in holders if str(each.get("manager") or "").startswith("kubectl")]
        if not by_hand or any(each.get("operation") == "Apply" for each in holders if each not in by_hand):
            continue
        newest = max(by_hand, key=lambda each: parse_time(_text(each.get("time"))) or 0.0)
        manager, owner = clean(str(newest["manager"]), 128), rollout.owner
        text = (
            f"the image of {clean(name, 253)} was last set with {manager}, not by {owner.tool} {owner.name}, "
            "which owns this object and may set it back"
        )
        yield Drift("template-hotfix", "warn", text, clean(name, 253), since=parse_time(_text(newest.get("time"))))


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


def _pull_secrets(whole: Mapping[str, Any]) -> tuple[str, ...]:
    template = mapping(mapping(mapping(whole.get("spec")).get("template")).get("spec"))
    return tuple(str(each["name"]) for each in objects(template.get("imagePullSecrets")) if each.get("name"))


def _images(rollout: Rollout) -> tuple[Image, ...]:
    return tuple(image for arm in (rollout.canary, rollout.baseline) if arm is not None for image in arm.images)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
