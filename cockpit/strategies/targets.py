"""Where a rollback goes: a name, revision, hash or digest resolved to one retained ReplicaSet and its template."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cockpit.base.clock import parse_time
from cockpit.base.text import clean
from cockpit.model.resource import PODS
from cockpit.model.rollout import Rollout
from cockpit.strategies import templates
from cockpit.strategies.arms import ARCHIVED, MEMORY, WITHHELD, first_revision, revision_of
from cockpit.strategies.contract import Reader
from cockpit.strategies.image import declared_digest, is_digest, running_digest
from cockpit.strategies.values import count, mapping, objects, text

_SHORT_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{12,64})")


class Marks(msgspec.Struct, frozen=True):
    """How a kind of rollout labels its ReplicaSets."""

    label: str
    revision: str
    ephemeral: str | None = None


class Target(msgspec.Struct, frozen=True):
    """A version to put back. ``template`` is verbatim when its ReplicaSet runs or pins, else pinned if possible."""

    hash: str
    revision: int | None
    running: bool
    template: dict[str, Any]
    verbatim: bool
    images: dict[str, str]  # container -> image as it will be written
    digests: dict[str, str]  # container -> digest, where known
    older_than_stable: bool
    inits: dict[str, str] = {}  # init container -> image as it will be written; ``digests`` has theirs too
    archived: bool = False  # pruned from the cluster: the template is the journal's

    @property
    def name(self) -> str:
        return f"rev {self.revision}" if self.revision is not None else self.hash

    @property
    def unpinned(self) -> tuple[str, ...]:
        """Containers whose digest nobody knows: a tag may serve something else today."""
        return tuple(name for name in (*self.images, *self.inits) if name not in self.digests)


def _annotations(raw: Mapping[str, Any]) -> dict[str, str]:
    pairs = mapping(mapping(raw.get("metadata")).get("annotations")).items()
    return {key: value for key, value in pairs if isinstance(value, str)}


def _hash(raw: Mapping[str, Any], marks: Marks) -> str:
    metadata = mapping(raw.get("metadata"))
    return (
        text(mapping(metadata.get("labels")).get(marks.label), 63) or text(metadata.get("name"), 253).rpartition("-")[2]
    )


def _rank(raw: Mapping[str, Any], marks: Marks) -> tuple[float, int]:
    created = mapping(raw.get("metadata")).get("creationTimestamp")
    return parse_time(created if isinstance(created, str) else None) or 0.0, first_revision(
        _annotations(raw), marks.revision
    )


def select(
    to: str, sets: Sequence[Mapping[str, Any]], rollout: Rollout, marks: Marks, bad: Sequence[str]
) -> Mapping[str, Any] | str:
    """The ReplicaSet that ``to`` names, or one sentence why there is none.

    ``last-good`` is what was stable before the current stable: the highest revision below it that no abort, no failed
    check and no earlier rollback has marked as bad. A version whose template is not kept is refused by its name.
    """
    withheld = [raw for raw in sets if _withheld(raw)]
    found = _select(to, [raw for raw in sets if not _withheld(raw)], rollout, marks, bad)
    if to == "last-good" and withheld:
        meant = _select(to, sets, rollout, marks, bad)
        # What came before it would be another version than the one that is asked for.
        return _lost(meant, marks) if not isinstance(meant, str) and _withheld(meant) else found
    if withheld and isinstance(found, str) and to != "stable":
        lost = _select(to, withheld, rollout, marks, bad)
        return found if isinstance(lost, str) else _lost(lost, marks)
    return found


def _lost(raw: Mapping[str, Any], marks: Marks) -> str:
    number = revision_of(_annotations(raw), marks.revision)
    name = f"rev {number}" if number is not None else _hash(raw, marks)
    return f"{name} cannot be put back: it is pruned from the cluster and {_withheld(raw)}; apply it from its manifests"


def _withheld(raw: Mapping[str, Any]) -> str:
    """Why the journal has no template of a pruned version; a server gives no such uid, whatever is annotated there."""
    uid = str(mapping(raw.get("metadata")).get("uid") or "")
    return _annotations(raw).get(WITHHELD, "") if uid.startswith("journal:") else ""


def _select(
    to: str, sets: Sequence[Mapping[str, Any]], rollout: Rollout, marks: Marks, bad: Sequence[str]
) -> Mapping[str, Any] | str:
    by_hash = {_hash(raw, marks): raw for raw in sets}
    stable = rollout.baseline.hash if rollout.baseline else None
    known = ", ".join(
        str(number)
        for number in sorted((revision_of(_annotations(raw), marks.revision) or 0 for raw in sets), reverse=True)
        if number
    )
    if to == "stable":
        if stable is None or stable not in by_hash:
            return "no stable ReplicaSet is retained; choose a revision (cockpit revisions lists them)"
        return by_hash[stable]
    if to == "last-good":
        return _last_good(by_hash, rollout, marks, frozenset(bad))
    if to.isascii() and to.isdigit() and len(to) < 12:
        numbered = [raw for raw in sets if revision_of(_annotations(raw), marks.revision) == int(to)]
        if numbered:
            return numbered[0] if len(numbered) == 1 else _twice(int(to), numbered, marks)
        if to not in by_hash:
            return f"there is no revision {to}; there are {known or 'none'}"
    if to in by_hash:
        return by_hash[to]
    return _by_digest(to, sets, rollout, marks)


def _last_good(
    by_hash: Mapping[str, Mapping[str, Any]], rollout: Rollout, marks: Marks, bad: frozenset[str]
) -> Mapping[str, Any] | str:
    stable = by_hash.get(rollout.baseline.hash) if rollout.baseline else None
    if stable is None:
        return "no stable ReplicaSet is known, so nothing tells which version was good; choose a revision"
    below = revision_of(_annotations(stable), marks.revision) or 0
    current = rollout.canary.hash if rollout.canary else None
    older = [
        (number, pod_hash)
        for pod_hash, raw in by_hash.items()
        if (number := revision_of(_annotations(raw), marks.revision)) is not None
        and number < below
        and pod_hash not in bad
        and pod_hash != current
    ]
    if not older:
        return "no version older than the stable one is left that is not known to be bad; choose a revision"
    number = max(older)[0]
    newest = [by_hash[pod_hash] for each, pod_hash in older if each == number]
    return newest[0] if len(newest) == 1 else _twice(number, newest, marks)


def _twice(number: int, sets: Sequence[Mapping[str, Any]], marks: Marks) -> str:
    """A controller gives each number once; it stands in an annotation, which others may write too."""
    hashes = " and ".join(clean(_hash(raw, marks), 63) for raw in sets[:3])
    return f"{len(sets)} versions carry revision {number}; say which one by its hash: {hashes}"


def _by_digest(to: str, sets: Sequence[Mapping[str, Any]], rollout: Rollout, marks: Marks) -> Mapping[str, Any] | str:
    match = _SHORT_DIGEST.fullmatch(to.rpartition("@")[2].rstrip("…"))  # as screens show it: web@sha256:5e81729040cd…
    if match is None:
        return (
            f"{clean(to, 80)} is no revision and no digest; say stable, last-good, a revision "
            "or sha256: with 12 digits or more"
        )
    ran: dict[str, set[str]] = {}
    for arm in (rollout.canary, rollout.baseline, rollout.before):
        if arm is not None:
            ran.setdefault(arm.hash, set()).update(image.digest for image in arm.images if image.digest)
    found = [
        raw
        for raw in sets
        if any(
            digest.partition(":")[2].startswith(match[1])
            for digest in (*ran.get(_hash(raw, marks), ()), *_known_digests(raw).values())
        )
    ]
    if not found:
        return f"no retained ReplicaSet is known to have run {clean(to, 80)}; cockpit revisions lists what is"
    exact = {_hash(raw, marks) for raw in found}
    if len(exact) > 1 and not is_digest(to):
        return f"{clean(to, 80)} names more than one version; give the whole digest"
    return max(found, key=lambda raw: revision_of(_annotations(raw), marks.revision) or 0)


def _known_digests(raw: Mapping[str, Any]) -> dict[str, str]:
    """Container -> digest that the template pins or that this process once saw its pods run."""
    uid = str(mapping(raw.get("metadata")).get("uid") or "")
    template = mapping(mapping(raw.get("spec")).get("template"))
    known = {name: declared_digest(image) or MEMORY.recall(uid, name) for name, image in _asked(template).items()}
    return {name: digest for name, digest in known.items() if digest}


async def target(raw: Mapping[str, Any], rollout: Rollout, reader: Reader, marks: Marks) -> Target:
    """Makes the template of a chosen ReplicaSet fit to be written, with the digests its pods prove."""
    status, metadata = mapping(raw.get("status")), mapping(raw.get("metadata"))
    running = count(status.get("replicas")) > 0 and count(status.get("availableReplicas")) > 0
    digests = _known_digests(raw)
    if running:
        pods = await reader.owned(PODS, rollout.key.namespace, str(metadata.get("uid") or ""))
        digests = {**_pod_digests(pods), **digests}
    template = templates.restored(raw, marks.label, marks.ephemeral)
    asked = _asked(template)
    # A running ReplicaSet is proof of its images and is reused only when the template stays as it was.
    verbatim = running or all(declared_digest(image) or name not in digests for name, image in asked.items())
    final = template if verbatim else templates.pin(template, digests)
    stable_rank = rollout.baseline.created_at if rollout.baseline else None
    return Target(
        hash=_hash(raw, marks),
        revision=revision_of(_annotations(raw), marks.revision),
        running=running,
        template=final,
        verbatim=verbatim,
        images=templates.images(final),
        inits=templates.inits(final),
        digests={name: digest for name, digest in digests.items() if name in asked},
        older_than_stable=stable_rank is not None and _rank(raw, marks)[0] < stable_rank,
        archived=ARCHIVED in _annotations(raw),
    )


def _asked(template: Mapping[str, Any]) -> dict[str, str]:
    """Container -> image, init containers included: their names are one set."""
    return {**templates.inits(template), **templates.images(template)}


def _pod_digests(pods: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Container -> the one digest that all pods agree on."""
    seen: dict[str, set[str]] = {}
    for pod in pods:
        asked, status_ = _asked(pod), mapping(pod.get("status"))
        for status in (*objects(status_.get("containerStatuses")), *objects(status_.get("initContainerStatuses"))):
            name = str(status.get("name"))
            digest = running_digest(asked.get(name, ""), str(status.get("imageID") or ""))
            if digest:
                seen.setdefault(name, set()).add(digest)
    return {name: next(iter(digests)) for name, digests in seen.items() if len(digests) == 1}
