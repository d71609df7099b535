"""What versions say themselves of a rollback, by annotations or image labels (facts 4.2, C18): our own convention.

``rollback``: safe, manual or unsafe; ``schema-version``: the number of the schema a version works on;
``schema-compat``: the numbers it can work with, as ``12-15``. *safe* counts only where it is said by the version to
leave; *unsafe* counts of every version that is left behind, and of the target.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from cockpit.actions.preflight.contract import NO_DIGEST, Check, Context, Garbled, found, whole, wholes
from cockpit.actions.preflight.template import in_force
from cockpit.base.clock import parse_time
from cockpit.model.artifact import COMPATIBLE, CONTRACT, ROLLBACK, SCHEMA, Signatures
from cockpit.model.preflight import Finding
from cockpit.model.resource import REPLICASETS
from cockpit.model.revision import Revision
from cockpit.model.rollout import Image
from cockpit.strategies import for_kind
from cockpit.strategies.values import mapping, number_text, objects, text

_RANGE = re.compile(r"(\d{1,18})(?:\s*-\s*(\d{1,18}))?")
_WORDS = ("safe", "manual", "unsafe")
_MOST = 500


class Version(msgspec.Struct, frozen=True):
    """What one version says. An annotation is written at the deploy and outweighs labels that its images carry."""

    who: str
    annotations: Mapping[str, str]
    labels: tuple[Mapping[str, str], ...] = ()

    def says(self, name: str) -> tuple[str, ...]:
        """Each value once: several images may differ."""
        if name in self.annotations:
            return (self.annotations[name].strip(),)
        return tuple(dict.fromkeys(labels[name].strip() for labels in self.labels if name in labels))

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(word.lower() for word in self.says(ROLLBACK))


async def contract(ctx: Context) -> Finding:
    """Template annotations first: what they forbid is forbidden, whatever a registry or a list of versions says."""
    leaving = Version("the version in force", _annotations(in_force(await ctx.subject.written())))
    target = Version("the target", _annotations(ctx.template))
    if (refused := _refused(leaving, target, ())) is not None:
        return refused
    between, (of_target, all_read), (of_leaving, leaving_read) = await asyncio.gather(
        _between(ctx), _labels(ctx, ctx.images), _labels(ctx, _running(ctx))
    )
    leaving = msgspec.structs.replace(leaving, labels=of_leaving)
    target = msgspec.structs.replace(target, labels=of_target)
    if (refused := _refused(leaving, target, between)) is not None:
        return refused
    said = (leaving, target, *between)
    evidence = _evidence(said)
    for version in said:
        if odd := [word for word in version.words if word not in _WORDS]:
            return found(
                "unknown", f"{version.who} says rollback {odd[0]!r}: {', '.join(_WORDS)} are known", evidence=evidence
            )
    if by_hand := [version.who for version in said if "manual" in version.words]:
        text_ = f"{by_hand[0]} says of itself: rollback by hand only"
        return found("finding", text_, evidence=evidence, severity="confirm", remedy="follow its own instructions")
    if (unclear := _compatible(leaving, target)) is not None and unclear.state == "unknown":
        return unclear
    if not (all_read and leaving_read):
        what = "the labels of its images could not be read, so its own word on a rollback is not known"
        return found("unknown", what, evidence=evidence)
    if unclear is not None:
        return unclear
    if any(image.digest is None for image in ctx.images):  # nothing to ask a registry about: one unknown is enough
        return found("skipped", NO_DIGEST, evidence=evidence)
    if "safe" in leaving.words:
        return found("ok", f"{leaving.who} says of itself: rollback safe", evidence=evidence)
    return found("skipped", f"no version says anything about its rollback ({ROLLBACK})")


def _refused(leaving: Version, target: Version, between: Sequence[Version]) -> Finding | None:
    for version in (leaving, target, *between):
        if "unsafe" in version.words:
            return found(
                "finding",
                f"{version.who} says of itself: rollback unsafe",
                evidence=_evidence((version,)),
                remedy="roll forward, or ask who set it what has to be undone first",
                severity="block",
            )
    unfit = _compatible(leaving, target)
    return unfit if unfit is not None and unfit.state == "finding" else None


def _compatible(leaving: Version, target: Version) -> Finding | None:
    """Whether the target works with the schema in force; None: they do not say."""
    answers = [_fits(at, fits) for at in leaving.says(SCHEMA) for fits in target.says(COMPATIBLE)]
    return min(answers, key=lambda one: ("finding", "unknown", "ok").index(one.state), default=None)


def _fits(version: str, compatible: str) -> Finding:
    asked = _RANGE.fullmatch(compatible)
    at = number_text(version)
    if asked is None or at is None:
        return found("unknown", f"schema {version!r} and compatible {compatible!r} cannot be compared")
    low, high = int(asked[1]), int(asked[2] or asked[1])
    if low <= at <= high:
        return found("ok", f"the schema is at {version}, and the target works with {compatible}")
    said = f"the schema is at {version}, and the target works with {compatible} only"
    return found("finding", said, severity="block", remedy="roll forward, or to a version that works with this schema")


async def _between(ctx: Context) -> tuple[Version, ...]:
    """Versions that came after the target and before the one in force, as far as the cluster still has them."""
    rollout, strategy = ctx.intent.rollout, for_kind(ctx.plan.key.kind)
    target = await ctx.subject.target()
    current = rollout.canary or rollout.baseline
    here = {ctx.plan.to_hash, current.hash if current is not None else None}
    selector = mapping(mapping(mapping(await ctx.subject.workload()).get("spec")).get("selector")).get("matchLabels")
    wanted = ",".join(f"{key}={value}" for key, value in mapping(selector).items()) or None
    listed = wholes(await ctx.reads.objects(REPLICASETS, ctx.namespace, selector=wanted, limit=_MOST))
    if len(listed) >= _MOST:
        raise Garbled(f"more than {_MOST} ReplicaSets in {ctx.namespace}: not all were looked at")
    versions = []
    for raw in listed:
        metadata = whole(raw)
        owned = any(
            one.get("controller") and one.get("uid") == ctx.plan.uid for one in objects(metadata.get("ownerReferences"))
        )
        hash_ = mapping(metadata.get("labels")).get(strategy.hash_label)
        if not owned or hash_ in here:
            continue
        number = number_text(mapping(metadata.get("annotations")).get(strategy.revision_key))
        made = parse_time(text(metadata.get("creationTimestamp"), 40))
        if _after(target, number, made):
            who = f"revision {number}, in between," if number is not None else f"version {hash_}, in between,"
            versions.append(Version(who, _annotations(in_force(raw))))
    return tuple(versions)


def _after(target: Revision | None, number: int | None, made: float | None) -> bool:
    """Whether a version may have come after the target. An undo gives an old one a new number: either tells."""
    if target is None:
        return True
    told = [
        mine > its
        for mine, its in ((number, target.revision), (made, target.created_at))
        if mine is not None and its is not None
    ]
    return any(told) or not told


def _running(ctx: Context) -> Iterable[Image]:
    """The images of the version in force. One that no pod could start has no digest, and has migrated nothing."""
    current = ctx.intent.rollout.canary or ctx.intent.rollout.baseline
    return [image for image in current.images if image.digest is not None] if current is not None else []


async def _labels(ctx: Context, images: Iterable[Image]) -> tuple[tuple[dict[str, str], ...], bool]:
    """The labels of our convention of each image whose digest is known, and whether all of those could be read."""
    wanted = tuple(image for image in images if image.digest is not None)
    asked = (
        ctx.artifacts.signatures(
            image.image, image.digest or "", ctx.namespace, ctx.secrets, max_age=ctx.max_age, urgent=True
        )
        for image in wanted
    )
    signed: list[Signatures] = await asyncio.gather(*asked)
    read = all(one.labels_read for one in signed)
    found_ = tuple(
        {label.name: label.value for label in one.labels if label.name.startswith(CONTRACT)} for one in signed
    )
    return found_, read


def _annotations(template: Mapping[str, Any]) -> dict[str, str]:
    said = mapping(mapping(template.get("metadata")).get("annotations"))
    return {name: value for name, value in said.items() if name.startswith(CONTRACT) and isinstance(value, str)}


def _evidence(versions: Iterable[Version]) -> list[str]:
    return [
        f"{version.who}: {name.removeprefix(CONTRACT)} {' and '.join(version.says(name))}"
        for version in versions
        for name in (ROLLBACK, SCHEMA, COMPATIBLE)
        if version.says(name)
    ]


CHECKS: tuple[Check, ...] = (Check("contract", "rollback contract", "confirm", contract),)
