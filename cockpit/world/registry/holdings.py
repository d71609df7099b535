"""What the registry holds: every build that the world names with the evidence beside it, less what it lost."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, Protocol

from cockpit.world.registry.artifacts import Artifact, Blob, Build, artifact
from cockpit.world.registry.attestations import attest, bundles
from cockpit.world.registry.signing import Made, Signer, tag_of

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
Signed = Literal["cosign", "bundle", "unsigned", "unattested", "wrong-key", "wrong-subject"]
"""Signature and provenance at cosign's tags; both as bundles among the referrers; nothing; no provenance; both by a
stranger's key; provenance by the right key about another image."""


class Book(Protocol):
    """Which builds there are and what tags point to (``profiles.ProfileBook``)."""

    def builds(self, path: str) -> list[Build]: ...

    def tags(self, path: str) -> dict[str, str]: ...

    def built(self, digest: str) -> Build | None: ...


class _Evidence(NamedTuple):
    """What lies beside one image: manifests by tag and by digest, and all blobs."""

    tags: dict[str, Blob]
    referrers: tuple[Blob, ...]
    blobs: tuple[Blob, ...]


class Holdings:
    """Looks things up by repository path. ``lost``: digests of manifests and blobs that are no longer there."""

    def __init__(self, book: Book, seed: int) -> None:
        self._book = book
        self.signer, self._stranger = Signer(seed, "team"), Signer(seed, "stranger")
        self.lost: set[str] = set()
        self._signed: dict[str, Signed] = {}
        self._evidence: dict[tuple[Build, Signed], _Evidence] = {}

    # -- what becomes of it --------------------------------------------------------------------------------------------

    def sign(self, digest: str, how: Signed) -> None:
        """How the pipeline signed the image of this index."""
        self._signed[digest] = how

    def collect(self, digest: str) -> None:
        """Garbage collection took an image with all that had no tag of its own; what cosign tagged stays."""
        build = self._book.built(digest)
        self.lost.add(digest)
        if build is not None:
            found = artifact(build)
            self.lost.update(each.digest for each in (*found.platforms.values(), *found.blobs))
            if self._signed.get(digest) == "bundle":
                self.lost.update(each.digest for each in self._beside(build).referrers)

    def lose_platform(self, digest: str, architecture: str) -> None:
        """One platform of a multi-arch image is gone; the index still answers."""
        build = self._book.built(digest)
        if build is not None:
            self.lost.add(artifact(build).platforms[architecture].digest)

    def lose_layers(self, digest: str) -> None:
        """The layers are gone; every manifest still answers."""
        build = self._book.built(digest)
        if build is not None:
            self.lost.update(each.digest for each in artifact(build).blobs if each.kind.endswith("gzip"))

    # -- what there is -------------------------------------------------------------------------------------------------

    def pullable(self, digest: str, architecture: str) -> bool:
        """Whether a node of that architecture gets all of an image. What nobody here built is held somewhere."""
        build = self._book.built(digest)
        if build is None:
            return digest not in self.lost
        found = artifact(build)
        manifest = found.platforms.get(architecture)
        needed = [] if manifest is None else [manifest, *_parts(found, architecture)]
        return manifest is not None and not self.lost & {found.root.digest, *(each.digest for each in needed)}

    def tags(self, path: str) -> list[str]:
        """Every tag of a repository, cosign's too; a manifest that is gone has none."""
        held = [tag for tag, digest in self._book.tags(path).items() if digest not in self.lost]
        return held + [
            tag
            for build in self._book.builds(path)
            for tag, manifest in self._beside(build).tags.items()
            if manifest.digest not in self.lost
        ]

    def manifest(self, path: str, reference: str) -> Blob | None:
        """By tag or digest."""
        if DIGEST.fullmatch(reference):
            return self._digest(path, reference)
        digest = self._book.tags(path).get(reference)
        if digest is not None:
            return self._digest(path, digest)
        if not reference.startswith("sha256-"):
            return None
        for build in self._book.builds(path):
            if reference.startswith(tag_of(artifact(build).root.digest)):
                found = self._beside(build).tags.get(reference)
                return found if found is not None and found.digest not in self.lost else None
        return None

    def _digest(self, path: str, digest: str) -> Blob | None:
        if digest in self.lost:
            return None
        builds = self._book.builds(path)
        for build in builds:
            image = artifact(build)
            for each in (image.root, *image.platforms.values()):
                if each.digest == digest:
                    return each
        for build in builds:
            beside = self._beside(build)
            for each in (*beside.tags.values(), *beside.referrers):
                if each.digest == digest:
                    return each
        return None

    def blob(self, path: str, digest: str) -> Blob | None:
        if digest in self.lost:
            return None
        builds = self._book.builds(path)
        for held in (artifact(build).blobs for build in builds):
            for each in held:
                if each.digest == digest:
                    return each
        for beside in map(self._beside, builds):
            for each in beside.blobs:
                if each.digest == digest:
                    return each
        return None

    def _beside(self, build: Build) -> _Evidence:
        """Made when somebody first asks: a world whose signatures nobody reads signs nothing."""
        image = artifact(build)
        how = self._signed.get(image.root.digest, "cosign")
        key = build, how
        if key not in self._evidence:
            self._evidence[key] = self._make(build, image, how)
        return self._evidence[key]

    def _make(self, build: Build, image: Artifact, how: Signed) -> _Evidence:
        digest = image.root.digest
        if how == "unsigned":
            return _Evidence({}, (), ())
        if how == "bundle":
            index, made = bundles(self.signer, build, image)
            blobs = tuple(each for _, parts in made for each in parts)
            return _Evidence({tag_of(digest): index}, tuple(manifest for manifest, _ in made), blobs)
        signer = self._stranger if how == "wrong-key" else self.signer
        parts: dict[str, Made] = {".sig": signer.sign(build.repository, digest)}
        if how != "unattested":
            about = artifact(build._replace(tag=f"{build.tag}-rc1")).root.digest if how == "wrong-subject" else digest
            parts[".att"] = attest(signer, build, about)
        tags = {tag_of(digest, suffix): manifest for suffix, (manifest, _) in parts.items()}
        return _Evidence(tags, (), tuple(each for _, blobs in parts.values() for each in blobs))


def _parts(image: Artifact, architecture: str) -> tuple[Blob, ...]:
    """Config and layer of one platform; ``blobs`` holds them in the order of ``platforms``."""
    at = 2 * list(image.platforms).index(architecture)
    return image.blobs[at : at + 2]
