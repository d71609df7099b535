"""Drift that rows do not show: tags that moved in their registry, and images set with kubectl past their owner."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec.structs import replace

from cockpit.base.clock import Clock
from cockpit.base.errors import CockpitError
from cockpit.base.text import clean
from cockpit.journal.observed import Deployed
from cockpit.live.live import Live
from cockpit.live.origin import application_of, hotfixes, joined, out_of_sync, unrecorded
from cockpit.model.artifact import Sameness, TagState
from cockpit.model.drift import Drift
from cockpit.model.resource import Key, Resource
from cockpit.model.rollout import Image, Rollout
from cockpit.strategies.contract import Reader
from cockpit.strategies.image import declared_digest
from cockpit.strategies.values import mapping, objects

_EVERY = 5.0
"""Wall seconds between two looks for rollouts that are due."""
AGAIN = 300.0
"""Wall seconds until the same versions of a rollout are asked about again."""
RECENT = 3600.0
"""Cluster seconds for which a finished rollout is asked about: it stands in the default view, and pages come then."""
_APPLICATIONS = Resource("argoproj.io", "v1alpha1", "applications", "Application")
_HOMES = ("argocd", "openshift-gitops")
"""Where Argo CD is mostly installed, for marks that do not say it."""
_PER_LOOK = 4
"""Rollouts asked about per look: the registries of a large fleet are not asked in a burst."""


class Tags(Protocol):
    """What is asked of registries (``live.artifacts.ClusterArtifacts``)."""

    async def tag(self, image: str, in_use: str | None, namespace: str, secrets: Sequence[str] = ()) -> TagState: ...

    async def learn(self, image: str, digest: str, namespace: str, secrets: Sequence[str] = ()) -> bool: ...

    def compare(self, declared: str, image_id: str) -> Sameness: ...


class DriftWatch:
    """Asks about rollouts in flight or just finished, the open one, and those that rows alone could not tell apart.

    ``deployed``: what the journal knows of an object (uid) as deployed by operators; it may raise CockpitError.
    """

    def __init__(
        self,
        live: Live,
        tags: Tags,
        reader: Reader,
        clock: Clock,
        deployed: Callable[[str], Awaitable[Deployed]] | None = None,
    ) -> None:
        self._deployed = deployed
        self._live = live
        self._tags = tags
        self._reader = reader
        self._clock = clock
        self._open: Key | None = None
        self._asked: dict[Key, tuple[tuple[Image, ...], float]] = {}
        self._looking = asyncio.Lock()

    def focus(self, key: Key | None) -> None:
        """This rollout is open: it is asked about at the next look, also by what is asked of open ones only."""
        if key is not None and key != self._open:
            self._asked.pop(key, None)
        self._open = key

    async def follow(self) -> None:
        """Until cancelled. Needs a picture that stands."""
        while True:
            await self.look()
            await asyncio.sleep(_EVERY)

    async def look(self) -> None:
        """Ask about what is due, one look at a time, so that afterwards nothing of it is on its way.

        Never raises for an expected failure: what was not told stays unsaid.
        """
        async with self._looking:
            for rollout in self._due():
                await self._look_at(rollout)

    def _due(self) -> list[Rollout]:
        snapshot, now = self._live.snapshot(), self._clock.wall()
        for key in self._asked.keys() - snapshot.rollouts.keys():
            del self._asked[key]
        due: list[Rollout] = []
        for key, rollout in snapshot.rollouts.items():
            unclear = any(drift.kind == "split" for drift in snapshot.drifts.get(key, ()))
            recent = rollout.finished_at is not None and snapshot.now - rollout.finished_at < RECENT
            if not (rollout.in_flight or recent or key == self._open or unclear):
                continue
            images, at = self._asked.get(key, ((), 0.0))
            if images != _images(rollout) or now - at >= AGAIN:
                due.append(rollout)
        due.sort(key=lambda rollout: rollout.key != self._open)
        return due[:_PER_LOOK]

    async def once(self, key: Key, seconds: float) -> None:
        """Ask about one rollout now, for a command that ends before anything is followed; what is late stays unsaid."""
        rollout = self._live.snapshot().rollouts.get(key)
        if rollout is None:
            return
        self._open = key
        try:
            async with asyncio.timeout(seconds):
                await self._look_at(rollout)
        except TimeoutError:
            return

    async def _look_at(self, rollout: Rollout) -> None:
        self._asked[rollout.key] = (_images(rollout), self._clock.wall())
        found = await self._ask(rollout)
        self._live.drifting.compare = self._tags.compare
        self._live.drifting.tell(rollout.key, found)

    async def _ask(self, rollout: Rollout) -> tuple[Drift, ...]:
        whole = await self._whole(rollout)
        namespace = rollout.key.namespace
        secrets = _pull_secrets(whole)
        reported = await self._reported(rollout, whole) if rollout.key == self._open else None
        found = [*joined(tuple(hotfixes(rollout, whole)), reported)]
        found.extend(unrecorded(rollout, whole, await self._recorded(rollout)))
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
            # Where pods of one version run several, each is held against the tag.
            for digest in [image.digest] if image.digest else sorted(running):
                state = await self._tags.tag(image.image, digest, namespace, secrets)
                drift = moved(replace(image, digest=digest), state)
                if drift is not None:
                    found.append(drift)
        return tuple(dict.fromkeys(found))

    async def _recorded(self, rollout: Rollout) -> Deployed | None:
        if self._deployed is None:
            return None
        try:
            return await self._deployed(rollout.uid)
        except CockpitError:
            return None

    async def _reported(self, rollout: Rollout, whole: Mapping[str, Any]) -> Drift | None:
        """What the Argo CD application that marks the object says of it; None where that is not learned."""
        named = application_of(whole)
        if named is None:
            return None
        namespace, name = named
        for home in (namespace,) if namespace else _HOMES:
            try:
                application = await self._reader.get(_APPLICATIONS, home, name)
            except CockpitError:
                continue
            return out_of_sync(rollout.workload or rollout.key, application)
        return None

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


def _pull_secrets(whole: Mapping[str, Any]) -> tuple[str, ...]:
    template = mapping(mapping(mapping(whole.get("spec")).get("template")).get("spec"))
    return tuple(str(each["name"]) for each in objects(template.get("imagePullSecrets")) if each.get("name"))


def _images(rollout: Rollout) -> tuple[Image, ...]:
    return tuple(image for arm in (rollout.canary, rollout.baseline) if arm is not None for image in arm.images)
