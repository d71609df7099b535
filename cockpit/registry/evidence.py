"""Finding the evidence beside a digest: cosign's tags, referrers or their fallback tag, what buildx left in the index.

Source: facts/registry-and-rollback.md 2.1. Descriptors of a fallback index lie about types, so every manifest is read;
what is listed and gone is lost evidence, never "unsigned".
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from cockpit.model.artifact import Evidence
from cockpit.registry import manifest, media, verify
from cockpit.registry.access import Asking
from cockpit.registry.answers import Answer
from cockpit.registry.client import RegistryClient
from cockpit.registry.manifest import Descriptor, Manifest
from cockpit.registry.reference import Reference, cosign_tag, referrers_tag
from cockpit.registry.verify import Key

_MOST = 64  # manifests and layers of one kind that are looked at; more is said to be more
_MOST_PIECES = 512  # in all: whoever may push decides how many there are, and each may be megabytes


class Found(msgspec.Struct, frozen=True):
    """Everything found beside a digest, and what could not be asked, one sentence each."""

    evidence: tuple[Evidence, ...] = ()
    gaps: tuple[str, ...] = ()

    def __add__(self, other: Found) -> Found:
        return Found(self.evidence + other.evidence, self.gaps + other.gaps)


class Finder:
    """Looks beside the digests of one repository. ``keys`` are those trusted for it."""

    def __init__(self, client: RegistryClient, place: Reference, asking: Asking, keys: Sequence[Key]) -> None:
        self._client = client
        self._place = place
        self._asking = asking
        self._keys = keys
        self._left = _MOST_PIECES

    async def find(self, digest: str) -> Found:
        """All evidence about one digest. The image itself must be seen, or else no absence beside it is believed."""
        here, *parts = await asyncio.gather(
            self._here(digest),
            *(self._tag(digest, suffix) for suffix in ("sig", "att", "sbom")),
            self._referrers(digest),
            self._buildx(digest),
        )
        found = sum(parts, here)
        return found + Found(gaps=(f"{self._place.registry} holds more evidence than is read",) * (self._left < 0))

    def _room(self) -> bool:
        self._left -= 1
        return self._left >= 0

    async def _here(self, digest: str) -> Found:
        answer = await self._client.head(self._place, digest, self._asking)
        return Found() if answer.kind == "found" else Found(gaps=(_gap(answer),))

    async def _tag(self, digest: str, suffix: str) -> Found:
        answer = await self._client.manifest(self._place, cosign_tag(digest, suffix), self._asking)
        if answer.kind == "absent":
            return Found()
        held = _read(answer)
        if held is None:
            return Found(gaps=(_gap(answer),))
        return await self._artifact(held, digest)

    async def _referrers(self, digest: str) -> Found:
        listed = await self._client.referrers(self._place, digest, self._asking)
        gaps = (listed.reason,) if listed.kind == "unclear" else ()
        entries: Sequence[Descriptor] = listed.entries
        if listed.kind != "listed":
            answer = await self._client.manifest(self._place, referrers_tag(digest), self._asking)
            held = _read(answer)
            if held is not None and held.is_index:
                entries = (*entries, *held.entries)
            elif answer.kind != "absent":
                gaps = (*gaps, _gap(answer))
        unique = list({each.digest: each for each in entries}.values())
        if len(unique) > _MOST:
            gaps = (*gaps, f"{self._place.registry} lists {len(unique)} referrers, {_MOST} were read")
        parts = await asyncio.gather(*(self._referrer(each, digest) for each in unique[:_MOST]))
        return sum(parts, Found(gaps=gaps))

    async def _referrer(self, entry: Descriptor, digest: str) -> Found:
        if not self._room():
            return Found()
        answer = await self._client.manifest(self._place, entry.digest, self._asking)
        if answer.kind == "absent":
            return Found((_lost("a referrer that is listed is gone"),))
        if answer.kind == "altered":
            return Found((_changed(answer),))
        held = _read(answer)
        if held is None:
            return Found(gaps=(_gap(answer),))
        found = await self._artifact(held, digest)
        if held.subject == digest:
            return found
        # Listed beside this image and about another: whatever it says, it does not say it of this one.
        wrong = [
            msgspec.structs.replace(
                each, label="invalid", reason="is attached to another image", key=None, provenance=None
            )
            for each in found.evidence
        ]
        return Found(tuple(wrong), found.gaps)

    async def _artifact(self, held: Manifest, digest: str) -> Found:
        """A manifest whose layers are evidence."""
        kind = held.artifact_type
        if kind == media.NOTATION:
            reason = "is a notation signature, which is not checked here"
            return Found((Evidence("notation", "present-unverified", reason),))
        hint = held.annotations.get("dev.sigstore.bundle.predicateType")
        gaps = (f"{len(held.layers)} pieces of evidence in one manifest, {_MOST} were read",) * (
            len(held.layers) > _MOST
        )
        parts = await asyncio.gather(*(self._layer(each, kind, digest, hint) for each in held.layers[:_MOST]))
        return sum(parts, Found(gaps=gaps))

    async def _layer(self, layer: Descriptor, kind: str, digest: str, hint: str | None) -> Found:
        media_type = layer.media_type
        bundled = media.is_bundle(media_type) or media.is_bundle(kind)
        if not bundled and media_type not in (media.SIMPLE_SIGNING, media.DSSE):
            if media.is_document(media_type) or media.is_document(kind):
                reason = "is a bill of materials that nobody signed"
                return Found((Evidence("document", "present-unverified", reason, hint=_hint(media_type, kind)),))
            return Found()
        if media_type == media.SIMPLE_SIGNING:
            hint = media.SIGN_V1
        elif media_type == media.DSSE:
            hint = layer.annotations.get("predicateType") or hint
        if not self._room():
            return Found()
        answer = await self._client.blob(self._place, layer.digest, self._asking)
        if answer.kind == "absent":
            return Found((_lost("a signature that is listed is gone", hint),))
        if answer.kind == "altered":
            return Found((_changed(answer, hint),))
        if answer.kind != "found" or answer.body is None:
            return Found(gaps=(_gap(answer),))
        if bundled:
            return Found((verify.bundle(answer.body, digest, self._keys, hint),))
        if media_type == media.DSSE:
            return Found((verify.dsse(answer.body, digest, self._keys, hint),))
        return Found((verify.cosign(answer.body, layer.annotations, digest, self._keys),))

    async def _buildx(self, digest: str) -> Found:
        """Unsigned statements that buildx keeps in the index."""
        answer = await self._client.manifest(self._place, digest, self._asking)
        held = _read(answer)
        if held is None:
            return Found(gaps=(_gap(answer),))
        parts = await asyncio.gather(
            *(self._statements(each) for each in [each for each in held.entries if each.attestation][:_MOST])
        )
        return sum(parts, Found())

    async def _statements(self, entry: Descriptor) -> Found:
        if not self._room():
            return Found()
        held = _read(await self._client.manifest(self._place, entry.digest, self._asking))
        if held is None:
            return Found()  # unsigned anyway: nothing is lost that could have proven anything
        parts = await asyncio.gather(*(self._statement(each) for each in held.layers[:_MOST]))
        return sum(parts, Found())

    async def _statement(self, layer: Descriptor) -> Found:
        if layer.media_type != media.IN_TOTO or not self._room():
            return Found()
        hint = layer.annotations.get("in-toto.io/predicate-type")
        answer = await self._client.blob(self._place, layer.digest, self._asking)
        return Found((verify.unsigned(answer.body or b"", hint),))


def _read(answer: Answer) -> Manifest | None:
    if answer.kind != "found" or answer.body is None or answer.digest is None:
        return None
    try:
        return manifest.read(answer.body, answer.digest, answer.media_type)
    except manifest.Unreadable:
        return None


def _gap(answer: Answer) -> str:
    return answer.reason or "what is stored in place of a signature's manifest cannot be read"


def _lost(reason: str, hint: str | None = None) -> Evidence:
    return Evidence("lost", "present-unverified", reason, hint=hint)


def _changed(answer: Answer, hint: str | None = None) -> Evidence:
    return Evidence("unreadable", "invalid", answer.reason, hint=hint)


def _hint(*types: str) -> str:
    return media.CYCLONEDX if any("cyclonedx" in each for each in types) else media.SPDX
