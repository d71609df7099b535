"""What an image reference stands for: an index, its platforms, their configs and layers, all from the name alone."""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from typing import Any, NamedTuple

from cockpit.base.clock import rfc3339

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
PLATFORMS = ("amd64", "arm64")
_FIRST_BUILD = 1_741_000_000.0  # 2025-03-03
# Seconds between builds that differ by one in major, minor, patch, and how far each is counted.
_PACE = ((864_000, 40), (8_640, 99), (86, 99))


class Blob(NamedTuple):
    """Bytes with their digest and media type."""

    digest: str
    kind: str
    content: bytes

    @property
    def descriptor(self) -> dict[str, Any]:
        return {"mediaType": self.kind, "digest": self.digest, "size": len(self.content)}


class Build(NamedTuple):
    """What a pipeline built and pushed as ``repository:tag``; ``number`` counts pushes of the same tag from 1."""

    repository: str  # with its registry's host
    tag: str
    number: int = 1

    @property
    def path(self) -> str:
        """The repository as its registry calls it."""
        return self.repository.partition("/")[2]

    @property
    def commit(self) -> str:
        """The commit that it was built from."""
        return hashlib.sha1(_name(self).encode(), usedforsecurity=False).hexdigest()

    @property
    def source(self) -> str:
        return f"https://git.acme.test/{self.path}"

    @property
    def at(self) -> float:
        """When it was built, unix seconds: the same in every world, later for a higher version."""
        numbers = [int(text) for text in re.findall(r"\d+", self.tag)[: len(_PACE)]]
        apart = (min(number, most) * pace for number, (pace, most) in zip(numbers, _PACE, strict=False))
        return _FIRST_BUILD + sum(apart) + 21_600 * (self.number - 1)


class Artifact(NamedTuple):
    """One image: ``root`` is the index that a tag points to."""

    root: Blob
    platforms: dict[str, Blob]  # architecture -> manifest
    blobs: tuple[Blob, ...]  # configs and layers


def blob(kind: str, content: bytes) -> Blob:
    return Blob("sha256:" + hashlib.sha256(content).hexdigest(), kind, content)


def document(kind: str, value: dict[str, Any]) -> Blob:
    """JSON as registries store it: the bytes are what is hashed."""
    return blob(kind, json.dumps(value, separators=(",", ":")).encode())


@lru_cache(maxsize=20_000)
def artifact(build: Build) -> Artifact:
    """The image of a build. The same in every world."""
    created = rfc3339(build.at)
    labels = {
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.revision": build.commit,
        "org.opencontainers.image.source": build.source,
        "org.opencontainers.image.version": build.tag,
    }
    platforms: dict[str, Blob] = {}
    blobs: list[Blob] = []
    for architecture in PLATFORMS:
        layer = blob(LAYER, f"{_name(build)} for {architecture}\n".encode())
        config = document(
            CONFIG,
            {
                "created": created,
                "architecture": architecture,
                "os": "linux",
                "config": {"Labels": labels},
                "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
            },
        )
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor,
            "layers": [layer.descriptor],
        }
        platforms[architecture] = document(MANIFEST, manifest)
        blobs += (config, layer)
    entries = [
        {**each.descriptor, "platform": {"architecture": architecture, "os": "linux"}}
        for architecture, each in platforms.items()
    ]
    index = document(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    return Artifact(index, platforms, tuple(blobs))


def _name(build: Build) -> str:
    again = f" build {build.number}" if build.number > 1 else ""
    return f"{build.repository}:{build.tag}{again}"
