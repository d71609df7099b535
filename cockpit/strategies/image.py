"""Image references: what ``imageID`` proves about a digest, and pinning a reference to one.

Source: facts/registry-and-rollback.md 1.6 (the kubelet reports a repo digest, a config digest or nothing at all).
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

_SCHEMES = ("docker-pullable://", "docker://", "containerd://", "cri-o://")
_REPO_DIGEST = re.compile(r"(?P<repo>[^@]+)@(?P<digest>(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_BARE = re.compile(r"[0-9a-f]{64}")  # CRI-O of some versions
_LOADED = "docker.io/library/import-"  # containerd's name for an image that no registry served


class ImageId(NamedTuple):
    """What a kubelet's ``imageID`` names: the ``manifest`` it pulled by, the image's ``config``, or nothing yet.

    ``local``: a digest that exists on its node only; ``unreadable``: a form that no runtime is known to write.
    """

    kind: Literal["manifest", "config", "local", "pending", "unreadable"]
    digest: str | None = None
    repository: str = ""


def read_image_id(image_id: str) -> ImageId:
    """Sort an ``imageID`` by what its digest is a digest of; the repository may be a mirror's."""
    for scheme in _SCHEMES:
        image_id = image_id.removeprefix(scheme)
    if not image_id:
        return ImageId("pending")
    if match := _REPO_DIGEST.fullmatch(image_id):
        kind: Literal["manifest", "local"] = "local" if match["repo"].startswith(_LOADED) else "manifest"
        return ImageId(kind, match["digest"], match["repo"])
    if _BARE.fullmatch(image_id):
        image_id = f"sha256:{image_id}"
    return ImageId("config", image_id) if is_digest(image_id) else ImageId("unreadable")


def declared_digest(image: str) -> str | None:
    """The digest a reference is pinned to, None for a tag."""
    match = _REPO_DIGEST.fullmatch(image)
    return match["digest"] if match else None


def running_digest(image: str, image_id: str) -> str | None:
    """The manifest digest a container runs: the pinned one, or the one it was pulled by; None when neither is known.

    A bare ``sha256:…`` in ``image_id`` is a config digest, which no registry serves as a manifest, and an imported
    image has a digest that exists on its node only: both are unknown here.
    """
    pinned = declared_digest(image)
    if pinned is not None:
        return pinned if image_id else None  # not pulled yet: it may never run
    running = read_image_id(image_id)
    return running.digest if running.kind == "manifest" else None


def is_digest(value: str) -> bool:
    return _DIGEST.fullmatch(value) is not None


def repository(image: str) -> str:
    """``registry:5000/app`` of ``registry:5000/app:v1@sha256:…``."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def tag_of(image: str) -> str | None:
    """The tag of a reference, None when it names none."""
    _, colon, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    return tag if colon else None


def pinned(image: str, digest: str) -> str:
    """The reference by digest alone: runtimes ignore a tag beside it, and a stale one would mislead."""
    return f"{repository(image)}@{digest}"


def short(image: str) -> str:
    """For a dialog: the last path segment, the digest cut to its first 12 digits."""
    name, at, digest = image.partition("@")
    last = name.rpartition("/")[2]
    return f"{last}@{digest[:19]}…" if at else last
