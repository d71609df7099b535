"""What images do: fault profiles by content digest, tags that can be moved, and the request rate of each workload."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cockpit.world.contract import Profile
from cockpit.world.registry.artifacts import Build, artifact

if TYPE_CHECKING:
    from cockpit.world.contract import World

DEFAULT_RPS = 20.0
"""Requests per second of a workload that no scenario describes."""

_DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")


def normalize(image: str) -> tuple[str, str]:
    """(repository with its registry host, reference) as containerd writes them; the reference is a tag or a digest.

    ``nginx`` -> (``docker.io/library/nginx``, ``latest``); ``r.io/a:1@sha256:…`` -> (``r.io/a``, ``sha256:…``).
    """
    pinned = _DIGEST.search(image)
    digest = pinned.group(1) if pinned else None
    name = image[: pinned.start()] if pinned else image
    head, slash, tail = name.rpartition("/")
    tail, colon, tag = tail.partition(":")
    repository = f"{head}{slash}{tail}"
    host = repository.split("/", 1)[0]
    if "/" not in repository:
        repository = f"docker.io/library/{repository}"
    elif not ("." in host or ":" in host or host == "localhost"):
        repository = f"docker.io/{repository}"
    return repository, digest or (tag if colon and tag else "latest")


class ProfileBook:
    """The world's ``Profiles``: behaviour belongs to content, so a tag and the digest it resolves to behave alike."""

    def __init__(self) -> None:
        self._by_digest: dict[str, Profile] = {}
        self._builds: dict[str, Build] = {}  # digest of the index -> what it was built as
        self._paths: dict[str, list[Build]] = {}
        self._tags: dict[tuple[str, str], str] = {}  # (repository, tag) -> the digest it points to
        self._rps: dict[tuple[str, str], float] = {}
        self._scripts: dict[tuple[str, str, str], tuple[float, ...]] = {}

    def digest(self, image: str) -> str:
        """``sha256:…`` that a kubelet pulls for ``image`` now: its own when pinned, else what the tag points to."""
        repository, reference = normalize(image)
        if reference.startswith("sha256:"):
            return reference
        found = self._tags.get((repository, reference))
        return self._pushed(Build(repository, reference)) if found is None else found

    def _pushed(self, build: Build) -> str:
        digest = self._tags[build.repository, build.tag] = artifact(build).root.digest
        if digest not in self._builds:
            self._builds[digest] = build
            self._paths.setdefault(build.path, []).append(build)
        return digest

    def builds(self, path: str) -> list[Build]:
        """Every build of a repository that anything here ever named; ``path``: without its registry's host."""
        return self._paths.get(path, [])

    def tags(self, path: str) -> dict[str, str]:
        """Tag -> the digest it points to now."""
        return {build.tag: self._tags[build.repository, build.tag] for build in self.builds(path)}

    def built(self, digest: str) -> Build | None:
        """What a digest is the index of."""
        return self._builds.get(digest)

    def push(self, image: str) -> str:
        """Build the tag ``image`` once more and push it: from now on the tag pulls that. Its digest."""
        self.digest(_tagged(image))
        repository, tag = normalize(image)
        number = max(each.number for each in self._builds.values() if each[:2] == (repository, tag))
        return self._pushed(Build(repository, tag, number + 1))

    def move_tag(self, image: str, target: str) -> None:
        """From now on the tag ``image`` pulls what ``target`` (an image, by tag or digest) pulls at this moment."""
        self.digest(_tagged(image))
        self._tags[normalize(image)] = self.digest(target)

    def of(self, image: str) -> Profile:
        return self._by_digest.get(self.digest(image), _HEALTHY)

    def set(self, image: str, profile: Profile) -> None:
        self._by_digest[self.digest(image)] = profile

    def script(self, namespace: str, rollout: str, metric: str, values: Sequence[float]) -> None:
        """Fix what an analysis metric measures for a Rollout; the last value repeats, infinity is a failed query."""
        self._scripts[namespace, rollout, metric] = tuple(values)

    def scripted(self, namespace: str, owner: str, metric: str, index: int) -> float | None:
        """Scripted measurement number ``index`` (from 0), None where nothing is scripted."""
        values = self._scripts.get((namespace, owner, metric))
        return values[min(index, len(values) - 1)] if values else None

    def rps(self, namespace: str, name: str) -> float:
        return self._rps.get((namespace, name), DEFAULT_RPS)

    def set_rps(self, namespace: str, name: str, rps: float) -> None:
        self._rps[namespace, name] = rps


_HEALTHY = Profile()


def _tagged(image: str) -> str:
    if normalize(image)[1].startswith("sha256:"):
        raise ValueError(f"{image} is pinned to a digest; only a tag can be moved.")
    return image


def rps_of(world: World, namespace: str, name: str) -> float:
    """Requests per second that reach the workload ``namespace``/``name`` as a whole."""
    book = world.profiles
    return book.rps(namespace, name) if isinstance(book, ProfileBook) else DEFAULT_RPS
