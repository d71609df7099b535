"""What an image reference stands for: an index, its platforms, their configs and layers, all from the name alone."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any, NamedTuple

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
PLATFORMS = ("amd64", "arm64")


class Blob(NamedTuple):
    """Bytes with their digest and media type."""

    digest: str
    kind: str
    content: bytes

    @property
    def descriptor(self) -> dict[str, Any]:
        return {"mediaType": self.kind, "digest": self.digest, "size": len(self.content)}


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


def commit_of(repository: str, tag: str) -> str:
    """The commit that an image says it was built from."""
    return hashlib.sha1(f"{repository}:{tag}".encode(), usedforsecurity=False).hexdigest()


@lru_cache(maxsize=20_000)
def artifact(repository: str, tag: str) -> Artifact:
    """The image that ``repository:tag`` was built as. The same in every world."""
    labels = {
        "org.opencontainers.image.revision": commit_of(repository, tag),
        "org.opencontainers.image.source": f"https://git.acme.test/{repository.partition('/')[2]}",
        "org.opencontainers.image.version": tag,
    }
    platforms: dict[str, Blob] = {}
    blobs: list[Blob] = []
    for architecture in PLATFORMS:
        layer = blob(LAYER, f"{repository}:{tag} for {architecture}\n".encode())
        config = document(
            CONFIG,
            {
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
