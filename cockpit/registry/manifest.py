"""Manifests and indexes: bytes -> what they hold. Anything that is not one of the four known forms is refused.

Source: OCI image specification 1.1 and Docker's image manifest version 2, schema 2.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from cockpit.base.text import clean
from cockpit.model.artifact import Contents
from cockpit.registry import media
from cockpit.strategies.image import is_digest
from cockpit.strategies.values import mapping, objects

LIMIT = 4 << 20
"""Bytes; registries refuse larger manifests themselves."""
_ATTESTS = "vnd.docker.reference.type"


class Unreadable(Exception):
    """A body that is no manifest; ``str()`` says why in words fit for a sentence."""


class Descriptor(msgspec.Struct, frozen=True):
    """A pointer to content: ``platform`` is ``os/architecture`` for an image in an index."""

    digest: str
    media_type: str = ""
    size: int | None = None
    platform: str | None = None
    annotations: dict[str, str] = {}
    foreign: bool = False  # kept elsewhere by design; registries need not hold it

    @property
    def attestation(self) -> bool:
        """buildx keeps build statements in the index, disguised as images of an unknown platform."""
        return self.annotations.get(_ATTESTS) == "attestation-manifest"


class Manifest(msgspec.Struct, frozen=True):
    """An index (``entries``) or an image or artifact manifest (``config`` and ``layers``)."""

    digest: str
    media_type: str
    entries: tuple[Descriptor, ...] = ()
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    annotations: dict[str, str] = {}
    subject: str | None = None
    artifact_type: str = ""

    @property
    def is_index(self) -> bool:
        return self.media_type in media.INDEXES

    @property
    def images(self) -> tuple[Descriptor, ...]:
        """The entries that a node could run."""
        return tuple(each for each in self.entries if not each.attestation and each.platform != "unknown/unknown")

    @property
    def contents(self) -> Contents:
        if self.is_index:
            return Contents(self.digest, "index", tuple(each.digest for each in self.images))
        return Contents(self.digest, "manifest", (self.config.digest,) if self.config else ())


def hash_of(body: bytes, like: str = "sha256:") -> str:
    """The digest of bytes, by the algorithm of ``like``."""
    algorithm = like.partition(":")[0]
    return f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}"


def read(body: bytes, digest: str, content_type: str = "") -> Manifest:
    """Parse a manifest whose bytes were hashed to ``digest``. Raises Unreadable."""
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("is not JSON") from None
    if not isinstance(raw, dict) or raw.get("schemaVersion") != 2:
        raise Unreadable("is no manifest of schema version 2")
    # The body's own word counts: Content-Type is not covered by the digest.
    media_type = _text(raw.get("mediaType")) or media.plain(content_type)
    if media_type not in media.INDEXES | media.MANIFESTS:
        media_type = media.OCI_INDEX if isinstance(raw.get("manifests"), list) else media.OCI_MANIFEST
    if media_type in media.INDEXES:
        if not isinstance(raw.get("manifests"), list) or "layers" in raw:
            raise Unreadable("is an index without a list of manifests")
        entries = tuple(_descriptor(each) for each in _all(raw["manifests"]))
        return Manifest(digest, media_type, entries, annotations=_strings(raw.get("annotations")))
    if not isinstance(raw.get("config"), dict) or not isinstance(raw.get("layers"), list) or "manifests" in raw:
        raise Unreadable("is a manifest without config or layers")
    config = _descriptor(raw["config"])
    subject = mapping(raw.get("subject")).get("digest")
    return Manifest(
        digest,
        media_type,
        config=config,
        layers=tuple(_descriptor(each) for each in _all(raw["layers"])),
        annotations=_strings(raw.get("annotations")),
        subject=subject if isinstance(subject, str) else None,
        artifact_type=_text(raw.get("artifactType")) or config.media_type,
    )


def platform_of(config: bytes) -> str | None:
    """``os/architecture`` of an image's config, None when it does not say."""
    try:
        raw = mapping(msgspec.json.decode(config))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return _platform(raw)


def config_labels(config: bytes) -> dict[str, str]:
    """``config.Labels`` of an image's config."""
    try:
        raw = mapping(msgspec.json.decode(config))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return _strings(mapping(raw.get("config")).get("Labels"))


def _all(raw: list[Any]) -> list[dict[str, Any]]:
    found = objects(raw)
    if len(found) != len(raw):  # skipping what cannot be read would call a damaged image whole
        raise Unreadable("lists something that is no descriptor")
    return found


def _descriptor(raw: dict[str, Any]) -> Descriptor:
    digest, size = raw.get("digest"), raw.get("size")
    if not isinstance(digest, str) or not is_digest(digest):
        raise Unreadable("names a digest that is not well-formed")
    return Descriptor(
        digest,
        _text(raw.get("mediaType")),
        size if isinstance(size, int) and not isinstance(size, bool) else None,
        _platform(mapping(raw.get("platform"))),
        _strings(raw.get("annotations")),
        foreign=bool(raw.get("urls")) or ".nondistributable." in _text(raw.get("mediaType")) or _foreign(raw),
    )


def _foreign(raw: dict[str, Any]) -> bool:
    return ".rootfs.foreign." in _text(raw.get("mediaType"))


def _platform(raw: dict[str, Any]) -> str | None:
    system, architecture = raw.get("os"), raw.get("architecture")
    if not isinstance(system, str) or not isinstance(architecture, str) or not system or not architecture:
        return None
    return clean(f"{system}/{architecture}", 80)


def _strings(raw: Any) -> dict[str, str]:
    return {key: value for key, value in mapping(raw).items() if isinstance(key, str) and isinstance(value, str)}


def _text(raw: Any) -> str:
    return raw if isinstance(raw, str) else ""
