"""What a session asks of registries: retention, tags, signatures. Remembers what it may, never raises for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from cockpit.base.clock import Clock
from cockpit.base.errors import CockpitError
from cockpit.base.text import clean
from cockpit.config import Settings
from cockpit.model.artifact import Retention, Sameness, Signatures, TagState
from cockpit.registry.access import Asking
from cockpit.registry.client import RegistryClient
from cockpit.registry.credentials import PullSecret
from cockpit.registry.equivalence import Equivalence, Memory
from cockpit.registry.reference import Reference, parse, pointed
from cockpit.registry.retention import Room, conclude, look
from cockpit.registry.signing import Signing
from cockpit.registry.wire import MakeTransport
from cockpit.strategies.image import is_digest

BROWSE_SECONDS = 600.0
"""How old an answer may be for looking around."""
ACT_SECONDS = 30.0
"""How old it may be when something is about to be sent on its strength."""


class Registries:
    """One per session. ``memory`` keeps what digests hold; tests replace ``transport`` and ``environ``."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        memory: Memory | None = None,
        environ: Mapping[str, str] | None = None,
        transport: MakeTransport | None = None,
    ) -> None:
        self._clock = clock
        self._client = RegistryClient(settings, clock, environ=environ, transport=transport)
        self.equivalence = Equivalence(memory)
        self._signing = Signing(settings, self._client, self.equivalence)
        self._kept: dict[tuple[object, ...], tuple[float, Retention]] = {}
        self._verified: dict[tuple[object, ...], tuple[float, Signatures]] = {}
        self._retained_at: dict[str, float] = {}
        self._locks: dict[tuple[object, ...], asyncio.Lock] = {}
        self._tags: dict[str, str] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """Login files and credential helpers that gave nothing, one sentence each."""
        return self._client.warnings

    async def retention(
        self,
        image: str,
        digest: str,
        *,
        needed: Sequence[str] = (),
        control: str | None = None,
        secrets: Sequence[PullSecret] = (),
        deep: bool = False,
        max_age: float = BROWSE_SECONDS,
        urgent: bool = False,
    ) -> Retention:
        """Whether the artifact ``digest`` of ``image``'s repository is retained.

        ``needed``: the nodes' platforms as ``os/architecture``. ``control``: a digest of the same repository that is
        known to run; if the registry denies that too, nothing is called missing. ``deep``: config and layers as well.
        ``max_age``: seconds that an earlier answer may be old (0: ask now). ``urgent``: an operator is waiting.
        """
        try:
            place = pointed(image, digest)
        except CockpitError as error:
            return Retention(
                clean(f"{image}@{digest}", 300), clean(digest, 100), "unknown", str(error), self._clock.local()
            )
        wanted = tuple(sorted(set(needed)))
        key = (place.name, digest, wanted, control, _names(secrets))
        async with self._locks.setdefault((*key, deep), asyncio.Lock()):
            for depth in (True, False)[: 1 if deep else 2]:
                at, kept = self._kept.get((*key, depth), (0.0, None))
                if kept is not None and self._clock.wall() - at < max_age:
                    return kept
            asked_at = self._clock.wall()  # before the asking: an answer is as old as its question
            found = await self._look(place, digest, wanted, control, Asking(tuple(secrets), urgent), deep=deep)
            if found.state == "unknown":
                self._kept.pop((*key, deep), None)
            else:
                self._kept[(*key, deep)] = (asked_at, found)
        return found

    async def _look(
        self, place: Reference, digest: str, needed: tuple[str, ...], control: str | None, asking: Asking, *, deep: bool
    ) -> Retention:
        started = self._clock.local()
        seen = await look(self._client, place, digest, asking, deep=deep, needed=needed, learn=self.equivalence.learn)
        proof = None
        if seen.answer.kind == "absent" and control is not None and is_digest(control):
            proof = await self._client.head(place, control, asking)
        found = conclude(seen, place, needed=needed, control=proof, checked_at=started, deep=deep)
        if found.state == "retained":
            self._retained_at[place.at(digest)] = started
        return msgspec.structs.replace(found, last_retained=self._retained_at.get(place.at(digest)))

    async def tag(self, image: str, in_use: str | None, *, secrets: Sequence[PullSecret] = ()) -> TagState:
        """Where ``image``'s tag points now, seen from the digest that its pods run. Costs one HEAD while it stays."""
        asking = Asking(tuple(secrets))
        try:
            place = parse(image)
        except CockpitError as error:
            return TagState(clean(image, 300), None, "unknown", str(error))
        if place.tag is None:
            return TagState(place.name, None, "unknown", f"{place.name} is named by digest, without a tag")
        name = f"{place.name}:{place.tag}"
        known = self._tags.get(name)
        answer = await self._client.head(place, place.tag, asking, etag=known)
        digest = known if answer.kind == "unchanged" else answer.digest
        if answer.kind == "absent" and not answer.hidden:
            return TagState(name, None, "gone", answer.reason)
        if answer.kind not in ("found", "unchanged") or digest is None:
            return TagState(name, None, "unknown", answer.reason or f"{place.registry} did not say where it points")
        self._tags[name] = digest
        if in_use is None or not is_digest(in_use):
            return TagState(name, digest, "unknown", "the digest in use is not known")
        if digest != in_use:
            for each in (digest, in_use):
                await self._learn(place, each, asking)
        same = self.equivalence.same(digest, in_use)
        if same is None:
            return TagState(name, digest, "unknown", f"{in_use[:19]}… could not be read to compare it")
        return TagState(name, digest, "same" if same else "moved")

    async def learn(self, image: str, digest: str, *, secrets: Sequence[PullSecret] = ()) -> bool:
        """Read what a digest holds, so that ``compare`` can tell. True when everything below it was read."""
        try:
            place = pointed(image, digest)
        except CockpitError:
            return False
        return await self._learn(place, digest, Asking(tuple(secrets)))

    async def _learn(self, place: Reference, digest: str, asking: Asking, room: Room | None = None) -> bool:
        room = room or Room()
        known = self.equivalence.of(digest)
        if known is None:
            held = await self._client.read_manifest(place, digest, asking)
            if held is None:
                return False
            known = held.contents
            self.equivalence.learn(known)
        if known.kind == "manifest":
            return True
        if not room.take(len(known.children)):
            return False
        return all(await asyncio.gather(*(self._learn(place, each, asking, room) for each in known.children)))

    def compare(self, declared: str, image_id: str) -> Sameness:
        """What a pod runs (its ``imageID``) against a declared digest, by everything learned so far."""
        return self.equivalence.compare(declared, image_id)

    async def signatures(
        self,
        image: str,
        digest: str,
        *,
        platform: str | None = None,
        secrets: Sequence[PullSecret] = (),
        max_age: float = BROWSE_SECONDS,
        urgent: bool = False,
    ) -> Signatures:
        """All evidence about ``digest``, verified offline; ``platform`` picks whose labels are shown.

        ``max_age`` and ``urgent`` as for ``retention``; what has gaps is never kept.
        """
        key = (image.partition("@")[0], digest, platform, _names(secrets))
        async with self._locks.setdefault(("signatures", *key), asyncio.Lock()):
            at, kept = self._verified.get(key, (0.0, None))
            if kept is not None and self._clock.wall() - at < max_age:
                return kept
            asked_at = self._clock.wall()
            found = await self._signing.about(
                image, digest, platform, Asking(tuple(secrets), urgent), self._clock.local()
            )
            if found.gaps or found.signature == "unknown":
                self._verified.pop(key, None)
            else:
                self._verified[key] = (asked_at, found)
        return found

    async def aclose(self) -> None:
        await self._client.aclose()


def _names(secrets: Sequence[PullSecret]) -> tuple[tuple[str, str], ...]:
    return tuple((each.namespace, each.name) for each in secrets)
