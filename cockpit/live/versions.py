"""Versions of one workload: what it can return to, how two templates differ, and the object as it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from cockpit.base.errors import CockpitError, NotFound
from cockpit.base.secrets import hide
from cockpit.base.text import clean
from cockpit.journal.observed import KnownVersion
from cockpit.live.archived import ArchivingReader, teach
from cockpit.live.artifacts import ClusterArtifacts
from cockpit.live.live import Live
from cockpit.model.artifact import Signatures
from cockpit.model.resource import REPLICASETS, Key
from cockpit.model.revision import Coverage, Left, Revision, Served, Signed
from cockpit.model.rollout import Image
from cockpit.strategies.arms import hash_of
from cockpit.strategies.difference import difference
from cockpit.strategies.image import repository, tag_of
from cockpit.strategies.revisions import revisions
from cockpit.strategies.values import mapping, objects

_YAML_CHARACTERS = 400_000
_LINE_CHARACTERS = 4096
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

HeldBad = Callable[[str], Awaitable[Mapping[str, Left]]]
"""uid -> hashes that an operator left before, and how: by an abort or a rollback."""


class Versions:
    """Answers from the reflected rows and the journal; pod templates are fetched when asked for, never held."""

    def __init__(
        self, live: Live, reader: ArchivingReader, artifacts: ClusterArtifacts, held_bad: HeldBad, recent: int = 10
    ) -> None:
        self._live = live
        self._reader = reader
        self._artifacts = artifacts
        self._held_bad = held_bad
        self._recent = recent

    async def revisions(self, key: Key) -> tuple[Revision, ...]:
        """Newest first, without asking a registry; those pruned from the cluster last. Raises NotFound."""
        rollout, row, strategy = self._live.current(key), self._live.row(key), self._live.strategy(key)
        if rollout is None or row is None or strategy is None:
            raise NotFound(f"{key} is gone")
        candidates = strategy.candidates(row, self._live.stores)
        bad = await self._held_bad(rollout.uid)
        known = {version.hash: version for version in await self._reader.versions(rollout.uid)}
        for each in candidates:
            if (version := known.get(hash_of(each, strategy.hash_label))) is not None:
                teach(each.meta.uid, version)
        found = revisions(
            candidates,
            rollout,
            self._live.stores,
            label=strategy.hash_label,
            revision_key=strategy.revision_key,
            bad=bad,
        )
        here = {each.hash for each in found}
        pruned = [
            _pruned(version)
            for hash_, version in known.items()
            if hash_ not in here and (version.template or version.images)
        ]
        return (*(remembered(each, known.get(each.hash), bad.get(each.hash)) for each in found), *pruned)

    async def checked(self, key: Key, on_revision: Callable[[Revision], None] | None = None) -> tuple[Revision, ...]:
        """The same with what registries say, each told as soon as it is known. Raises NotFound.

        Pull secrets that the templates of today name are used for the versions of yesterday too.
        """
        listed = await self.revisions(key)
        secrets = await self._secrets(key)
        control = next((image for each in listed if each.current for image in each.images if image.digest), None)

        async def ask(revision: Revision) -> Revision:
            found = await self._asked(revision, key.namespace, secrets, control)
            if on_revision is not None:
                on_revision(found)
            return found

        return tuple(await asyncio.gather(*(ask(each) for each in listed)))

    async def coverage(self, key: Key) -> Coverage:
        """Of the most recent distinct versions, how many are proven retained. Raises NotFound."""
        return self.counted(await self.checked(key))

    def counted(self, listed: Sequence[Revision]) -> Coverage:
        """The same of versions that were asked for already."""
        return coverage(listed, self._recent)

    async def provenance(self, key: Key, version: str) -> tuple[Signatures, ...]:
        """Signatures and build statements per image of one version whose digest is known. Raises NotFound."""
        found = next((each for each in await self.revisions(key) if each.hash == version), None)
        if found is None:
            raise NotFound(f"a version {version} of {key} is not known")
        secrets = await self._secrets(key)
        asked = (
            self._artifacts.signatures(image.image, image.digest, key.namespace, secrets)
            for image in found.images
            if image.digest is not None
        )
        return tuple(await asyncio.gather(*asked))

    async def _asked(
        self, revision: Revision, namespace: str, secrets: Sequence[str], control: Image | None
    ) -> Revision:
        """One version by what its registries say: the worst of its images counts (facts 3)."""
        from cockpit.registry.retention import worst

        if not revision.images or any(image.digest is None for image in revision.images):
            names = ", ".join(image.container for image in revision.images if image.digest is None)
            return replace(revision, retained_reason=f"the digest of {names or 'its images'} was never recorded")
        held, signed = [], []
        for image in revision.images:
            digest = image.digest or ""
            same = control is not None and repository(control.image) == repository(image.image)
            held.append(
                await self._artifacts.retention(
                    image.image, digest, namespace, secrets, control=control.digest if control and same else None
                )
            )
            signed.append(await self._artifacts.signatures(image.image, digest, namespace, secrets))
        state = worst(each.state for each in held)
        kept = next(each for each in held if each.state == state)
        weakest = max(signed, key=lambda each: _SIGNED.index(each.signature))
        commit, verified = _commit(signed)
        gone = kept.state in ("missing", "partial")
        return replace(
            revision,
            retained=kept.state,
            retained_reason=kept.reason,
            retained_at=kept.checked_at,
            signed=weakest.signature,
            signed_reason=weakest.reason,
            signed_key=weakest.key,
            commit=commit,
            commit_verified=verified,
            speed="unavailable" if gone and revision.speed != "running" else revision.speed,
        )

    async def _secrets(self, key: Key) -> tuple[str, ...]:
        """Names of the image pull secrets that the workload's template names."""
        strategy = self._live.strategy(key)
        if strategy is None:
            return ()
        try:
            whole = await self._reader.get(strategy.resource, key.namespace, key.name)
        except CockpitError:
            return ()
        spec = mapping(mapping(mapping(whole.get("spec")).get("template")).get("spec"))
        return tuple(str(each["name"]) for each in objects(spec.get("imagePullSecrets")) if each.get("name"))

    async def diff(self, key: Key, from_hash: str, to_hash: str) -> tuple[str, ...]:
        """One line per difference of two templates. Raises NotFound, Denied or Unreachable."""
        strategy = self._live.strategy(key)
        if strategy is None or from_hash == to_hash:
            return ()
        known = {each.hash: each for each in await self.revisions(key)}
        old, new = await asyncio.gather(
            self._template(key, known.get(from_hash)), self._template(key, known.get(to_hash))
        )
        return difference(old, new, strategy.hash_label)

    async def _template(self, key: Key, revision: Revision | None) -> dict[str, Any]:
        rollout = self._live.current(key)
        if revision is not None and revision.source == "journal" and rollout is not None:
            template = await self._reader.template(rollout.uid, revision.hash)
            if template is not None:
                return template
            raise NotFound(f"nothing to compare with: {revision.withheld or 'its template is not kept'}")
        if revision is None or revision.replicaset is None:
            raise NotFound(f"a version of {key} is no longer retained")
        whole = await self._reader.get(REPLICASETS, key.namespace, revision.replicaset)
        return mapping(mapping(whole.get("spec")).get("template"))

    async def raw(self, key: Key) -> str:
        """The object as YAML, cleaned and without secrets. Raises NotFound, Denied or Unreachable."""
        strategy = self._live.strategy(key)
        if strategy is None:
            raise NotFound(f"{key} is gone")
        whole = await self._reader.get(strategy.resource, key.namespace, key.name)
        metadata = mapping(whole.get("metadata"))
        metadata.pop("managedFields", None)
        mapping(metadata.get("annotations")).pop(_LAST_APPLIED, None)
        text = msgspec.yaml.encode(hide(whole)).decode("utf-8", "replace")
        return "\n".join(_indented(line) for line in text[:_YAML_CHARACTERS].splitlines())


def _indented(line: str) -> str:
    """Cleaned, with the indentation that gives YAML its meaning."""
    stripped = line.lstrip(" ")
    return " " * (len(line) - len(stripped)) + clean(stripped, _LINE_CHARACTERS)


_SIGNED: tuple[Signed, ...] = ("verified", "present-unverified", "none", "unknown", "invalid")
"""From best to worst: of several images the weakest speaks for the version."""


def remembered(revision: Revision, known: KnownVersion | None, acted: Left | None = None) -> Revision:
    """A version of the cluster with what the journal saw of it. ``acted``: how an act of this journal left it."""
    tag = next((name for image in revision.images if (name := tag_of(image.image)) is not None), None)
    left = (known.left if known is not None else None) or acted or ("aborted" if revision.aborted else None)
    revision = replace(revision, aborted=True if left == "aborted" else None)
    if known is None:
        return replace(revision, tag=tag, left=left)
    until = None if revision.replicas else known.left_at or known.last
    return replace(
        revision,
        tag=tag or next((name for image in known.images if (name := tag_of(image.image)) is not None), None),
        served=(Served(known.first, until, left),),
        left=left,
        then=known.slis,
    )


def _pruned(known: KnownVersion) -> Revision:
    """A version that only the journal still has."""
    return Revision(
        revision=known.revision,
        hash=known.hash,
        current=False,
        stable=False,
        last_good=False,
        images=known.images,
        speed="steps" if known.template else "unavailable",
        created_at=known.first,
        aborted=True if known.left == "aborted" else None,
        source="journal",
        tag=next((name for image in known.images if (name := tag_of(image.image)) is not None), None),
        served=(Served(known.first, known.left_at or known.last, known.left),),
        left=known.left,
        then=known.slis,
        withheld="" if known.template else known.withheld,
    )


def coverage(listed: Sequence[Revision], recent: int) -> Coverage:
    """M5 (facts 3): distinct sets of digests among the newest ``recent``; a restart of the same images counts once."""
    seen: dict[tuple[str | None, ...], Revision] = {}
    for each in listed:
        digests = tuple(image.digest for image in each.images)
        seen.setdefault(digests if all(digests) else (each.hash,), each)
    counted = list(seen.values())[:recent]
    proven = sum(each.retained == "retained" for each in counted)
    lost = [each for each in counted if each.retained in ("missing", "partial")]
    open_ = len(counted) - proven - len(lost)
    names = tuple(f"rev {each.revision}" if each.revision is not None else each.hash for each in lost)
    text = f"{proven}/{len(counted)} retained"
    text += f" · {len(lost)} lost: {', '.join(names)}" if lost else ""
    why = next((each.retained_reason for each in counted if each.retained in ("unknown", "denied")), "")
    text += f" · {open_} unknown ({why})" if open_ else ""
    return Coverage(len(counted), proven, proven + open_, names, text)


def _commit(found: Sequence[Signatures]) -> tuple[str | None, bool]:
    """The commit that the artifact was built from, and whether a verified statement says so."""
    for each in found:
        built = each.provenance
        if built is not None and built.commit is not None and built.trust == "verified":
            return built.commit, True
    for each in found:
        if each.provenance is not None and each.provenance.commit is not None:
            return each.provenance.commit, False
        label = next((label for label in each.labels if label.name == "revision"), None)
        if label is not None:
            return label.value, False
    return None, False
