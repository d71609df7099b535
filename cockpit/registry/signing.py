"""Everything that is said about one digest by signatures, attestations and labels: found, verified, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from cockpit.base.errors import CockpitError
from cockpit.base.text import clean
from cockpit.config import Settings
from cockpit.model.artifact import Evidence, Label, Level, Signatures
from cockpit.model.revision import Signed
from cockpit.registry import manifest, media, provenance
from cockpit.registry.access import Asking
from cockpit.registry.client import RegistryClient
from cockpit.registry.endpoint import endpoint_of
from cockpit.registry.equivalence import Equivalence
from cockpit.registry.evidence import Finder, Found
from cockpit.registry.labels import SIGNATURE, label
from cockpit.registry.reference import Reference, pointed
from cockpit.registry.verify import Key

_LEVELS = 8


class Signing:
    """Knows which keys are trusted for which repository; key files are read once."""

    def __init__(self, settings: Settings, client: RegistryClient, equivalence: Equivalence) -> None:
        self._settings = settings
        self._client = client
        self._equivalence = equivalence
        self._keys: dict[tuple[Path, ...], tuple[Key, ...]] = {}

    async def about(self, image: str, digest: str, platform: str | None, asking: Asking, now: float) -> Signatures:
        """All evidence about ``digest``; ``platform`` picks whose labels are shown. Never raises."""
        try:
            place = pointed(image, digest)
            keys = await self._trusted(place)
        except CockpitError as error:
            shown = clean(f"{image}@{digest}", 300)
            return Signatures(
                shown, clean(digest, 100), "unknown", str(error), "unknown", "unknown", now, labels_read=False
            )
        finder = Finder(self._client, place, asking, keys)
        found, (labels, read) = await asyncio.gather(finder.find(digest), self._labels(place, digest, platform, asking))
        signature, piece = self._label(found, SIGNATURE, keys)
        levels: tuple[Level, ...] = ()
        if signature != "verified":
            levels = await self._levels(place, digest, asking, finder, keys)
        reason = piece.reason if piece else "; ".join(found.gaps[:2]) if signature == "unknown" else ""
        return Signatures(
            image=place.at(digest),
            digest=digest,
            signature=signature,
            reason=reason,
            provenance_label=self._label(found, media.PROVENANCE, keys)[0],
            sbom_label=self._label(found, media.SBOM, keys)[0],
            checked_at=now,
            key=piece.key if piece else None,
            evidence=found.evidence,
            levels=levels,
            provenance=min(
                (each.provenance for each in found.evidence if each.provenance is not None),
                key=lambda build: build.trust != "verified",
                default=None,
            ),
            labels=labels,
            labels_read=read,
            gaps=found.gaps,
            keys_configured=bool(keys),
        )

    @staticmethod
    def _label(found: Found, asked: tuple[str, ...], keys: Sequence[Key]) -> tuple[Signed, Evidence | None]:
        return label(found.evidence, asked, gaps=bool(found.gaps), keys=bool(keys))

    async def _levels(
        self, place: Reference, digest: str, asking: Asking, finder: Finder, keys: Sequence[Key]
    ) -> tuple[Level, ...]:
        """Who signed the index above or the platforms below: shown with its level, never as this digest's own."""
        held = await self._client.read_manifest(place, digest, asking)
        if held is not None:
            self._equivalence.learn(held.contents)
        if held is not None and held.is_index:
            others = [(each.digest, each.platform) for each in held.images[:_LEVELS]]
        else:
            others = [(each, None) for each in self._equivalence.indexes_of(digest)[:_LEVELS]]
        kind: Literal["index", "platform"] = "platform" if held is not None and held.is_index else "index"
        levels = []
        for (name, platform), found in zip(
            others, await asyncio.gather(*(finder.find(name) for name, _ in others)), strict=True
        ):
            signature, piece = self._label(found, SIGNATURE, keys)
            levels.append(Level(kind, name, signature, platform, piece.key if piece else None))
        return tuple(levels)

    async def _labels(
        self, place: Reference, digest: str, platform: str | None, asking: Asking
    ) -> tuple[tuple[Label, ...], bool]:
        """The labels, and whether all places that could hold some were read."""
        held = await self._client.read_manifest(place, digest, asking)
        index: dict[str, str] = {}
        if held is not None and held.is_index:
            index = held.annotations
            fitting = [each for each in held.images if platform is None or each.platform == platform]
            held = await self._client.read_manifest(place, fitting[0].digest, asking) if fitting else None
        config: dict[str, str] = {}
        read = False
        if held is not None and held.config is not None:
            answer = await self._client.blob(place, held.config.digest, asking)
            read = answer.kind == "found" and bool(answer.body)
            config = manifest.config_labels(answer.body) if read and answer.body else {}
        return provenance.labels(config, held.annotations if held is not None else {}, index), read

    async def _trusted(self, place: Reference) -> tuple[Key, ...]:
        override = endpoint_of(place, self._settings.registries).override
        own = override.keys if override is not None else None
        files = self._settings.signatures.keys if own is None else own
        if files not in self._keys:
            from cockpit.registry.keys import load_keys  # cryptography, which the first frame does not wait for

            self._keys[files] = await asyncio.to_thread(load_keys, files)
        return self._keys[files]
