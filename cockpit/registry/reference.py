"""Image references: which registry, which repository, which tag or digest; and the tags that evidence hides under.

Source: the reference grammar of the distribution project, with Docker Hub's short forms; the tag schemes of cosign and
of the OCI distribution specification 1.1 (referrers tag schema).
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

import msgspec

from cockpit.base.errors import UsageError
from cockpit.base.text import clean
from cockpit.strategies.image import is_digest

HUB = "docker.io"
_HUB_NAMES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?")
_NOT_IN_TAGS = re.compile(r"[^\w.-]", re.ASCII)
_EVIDENCE_TAG = re.compile(r"sha(?:256|512)-[0-9a-f]{64}(?:[0-9a-f]{64})?(?:\.(?:sig|att|sbom))?")


class Reference(msgspec.Struct, frozen=True):
    """One image by name. ``registry`` is the host as names carry it (``docker.io`` for all of Docker Hub's names)."""

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """``registry/repository``."""
        return f"{self.registry}/{self.repository}"

    def at(self, digest: str) -> str:
        return f"{self.name}@{digest}"


def parse(image: str) -> Reference:
    """Read an image name as container runtimes do. Raises UsageError for what no runtime would pull."""
    name, at, digest = image.partition("@")
    if at and not is_digest(digest):
        raise UsageError(f"{_shown(image)} carries no well-formed digest (sha256: and 64 lower-case hex digits)")
    head, slash, rest = name.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        registry, path = head.lower(), rest
    else:
        registry, path = HUB, name
    if registry in _HUB_NAMES:
        registry = HUB
    path, _, tag = path.partition(":")
    if registry == HUB and "/" not in path:
        path = f"library/{path}"
    if _REPOSITORY.fullmatch(path) is None or not _is_host(registry):
        raise UsageError(f"{_shown(image)} is no image name: repositories are lower case, host[:port]/path")
    if (tag or name.endswith(":")) and _TAG.fullmatch(tag) is None:
        raise UsageError(f"{_shown(image)} carries no well-formed tag")
    return Reference(registry, path, tag or (None if at else "latest"), digest or None)


def _is_host(host: str) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        return _HOST.fullmatch(host) is not None and parts.port != 0 and (host[0] != "[" or _is_ip(parts.hostname))
    except ValueError:
        return False


def _is_ip(host: str | None) -> bool:
    return bool(ipaddress.ip_address(host or ""))


def _shown(image: str) -> str:
    return f"image {clean(image, 200) or '(empty)'!r}"


def referrers_tag(digest: str) -> str:
    """The tag under which clients list referrers where a registry has no API for it."""
    algorithm, _, encoded = digest.partition(":")
    return _NOT_IN_TAGS.sub("-", f"{algorithm[:32]}-{encoded[:64]}")


def cosign_tag(digest: str, suffix: str) -> str:
    """cosign's tag beside an image; ``suffix``: sig, att or sbom."""
    return f"{digest.replace(':', '-')}.{suffix}"


def is_evidence_tag(tag: str) -> bool:
    """Whether a tag carries evidence about an image and is no version of it."""
    return _EVIDENCE_TAG.fullmatch(tag) is not None


def pointed(image: str, digest: str) -> Reference:
    """``digest`` in the repository of ``image``. Raises UsageError when either cannot be asked for."""
    return parse(f"{image.partition('@')[0]}@{digest}")
