"""Retention of an artifact: which questions to ask, and what the answers together mean (a pure function).

Source: facts/registry-and-rollback.md 1.2 and 3. Retained means: everything that was asked for is there. Missing means:
the origin said so, to someone it knows, and it does not also deny what is known to run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from cockpit.model.artifact import Contents, PlatformState, Retention
from cockpit.model.revision import Retained
from cockpit.registry import manifest
from cockpit.registry.access import Asking
from cockpit.registry.answers import Answer
from cockpit.registry.client import RegistryClient
from cockpit.registry.equivalence import MOST
from cockpit.registry.manifest import Manifest
from cockpit.registry.reference import Reference

_DEEPEST = 3  # indexes within indexes
_NAMED = 3
_ORDER: tuple[Retained, ...] = ("missing", "partial", "denied", "unknown", "retained")


class Room:
    """How many more manifests are asked for below one digest, all indexes together.

    Whoever may push could keep the cockpit busy for hours with a list that is long enough.
    """

    def __init__(self) -> None:
        self._left = MOST

    def take(self, number: int) -> bool:
        self._left -= number
        return self._left >= 0


class Seen(msgspec.Struct, frozen=True):
    """The answers for one digest and everything below it. ``unread``: it is there, its content could not be read."""

    digest: str
    kind: Literal["index", "manifest", "blob"]
    answer: Answer
    platform: str | None = None
    below: tuple[Seen, ...] = ()
    unread: str = ""


async def look(
    client: RegistryClient,
    place: Reference,
    digest: str,
    asking: Asking,
    *,
    deep: bool,
    needed: Sequence[str] = (),
    platform: str | None = None,
    depth: int = _DEEPEST,
    learn: Callable[[Contents], None] = lambda _: None,
    room: Room | None = None,
) -> Seen:
    """Ask for a digest, the platforms below it and, if ``deep``, the config and layers of the ``needed`` platforms."""
    room = room or Room()
    answer = await client.head(place, digest, asking)
    if answer.kind != "found":
        return Seen(digest, "manifest", answer, platform)
    body = await client.manifest(place, digest, asking)
    if body.kind == "altered":
        return Seen(digest, "manifest", body, platform)
    if body.kind != "found" or body.body is None:
        return Seen(digest, "manifest", answer, platform, unread=body.reason or "it could not be read")
    try:
        held = manifest.read(body.body, digest, body.media_type)
    except manifest.Unreadable as error:
        return Seen(digest, "manifest", answer, platform, unread=f"what is held there {error}")
    if not room.take(len(held.images)) or len(held.layers) > MOST:
        return Seen(digest, "manifest", answer, platform, unread="it lists more than any image does")
    learn(held.contents)
    if held.is_index:
        if not depth:
            return Seen(digest, "index", answer, platform, unread="its indexes are nested too deeply to be followed")
        below = await asyncio.gather(
            *(
                look(
                    client,
                    place,
                    entry.digest,
                    asking,
                    deep=deep and wanted(entry.platform, needed),
                    needed=needed,
                    platform=entry.platform,
                    depth=depth - 1,
                    learn=learn,
                    room=room,
                )
                for entry in held.images
            )
        )
        return Seen(digest, "index", answer, platform, tuple(below))
    if not deep:
        return Seen(digest, "manifest", answer, platform)
    return await _blobs(client, place, held, answer, asking, platform)


async def _blobs(
    client: RegistryClient,
    place: Reference,
    held: Manifest,
    answer: Answer,
    asking: Asking,
    platform: str | None,
) -> Seen:
    layers = {each.digest: each for each in held.layers if not each.foreign}
    config = held.config
    questions = [client.has_blob(place, each, asking) for each in layers.values()]
    if config is not None:
        questions.append(client.blob(place, config.digest, asking))  # read, because it says which platform this is
    answers = await asyncio.gather(*questions)
    digests = [*layers, *([config.digest] if config is not None else [])]
    if platform is None and config is not None and answers[-1].body is not None:
        platform = manifest.platform_of(answers[-1].body)
    below = [
        Seen(name, "blob", msgspec.structs.replace(found, body=None))
        for name, found in zip(digests, answers, strict=True)
    ]
    return Seen(held.digest, "manifest", answer, platform, tuple(below))


def wanted(platform: str | None, needed: Sequence[str]) -> bool:
    """Whether a node runs this platform; an unnamed one may be any, and without known nodes all are wanted."""
    return not needed or platform is None or platform in needed


def conclude(
    seen: Seen,
    place: Reference,
    *,
    needed: Sequence[str] = (),
    control: Answer | None = None,
    checked_at: float = 0.0,
    deep: bool = False,
) -> Retention:
    """The state of an artifact from all answers; ``control`` is the one for a digest that is known to run."""
    state, reason = _overall(seen, control)
    platforms = tuple(_platforms(seen, needed, control))
    covers, uncovered = _coverage(seen, platforms, needed) if state != "missing" else (False, tuple(needed))
    everything = list(_walk(seen))
    return Retention(
        image=place.at(seen.digest),
        digest=seen.digest,
        state=state,
        reason=reason,
        checked_at=checked_at,
        deep=deep,
        platforms=platforms,
        covers=covers,
        uncovered=uncovered,
        gone=tuple(dict.fromkeys(each.digest for each in everything if each.answer.kind == "absent")),
        altered=any(each.answer.kind == "altered" for each in everything),
        retry_after=max((each.answer.retry_after or 0.0 for each in everything), default=0.0) or None,
        asked_as=seen.answer.asked_as,
    )


def _overall(seen: Seen, control: Answer | None) -> tuple[Retained, str]:
    answer = seen.answer
    if answer.kind == "absent":
        if control is not None and control.kind == "absent":
            return "unknown", (
                f"{answer.reason}, but neither has it what runs now; check the repository's name and the login"
            )
        if answer.hidden and (control is None or control.kind != "found"):
            return "unknown", f"{answer.reason}, as far as it tells someone who is not logged in; log in to be sure"
        return "missing", answer.reason
    if answer.kind == "denied":
        return "denied", answer.reason
    if answer.kind != "found":
        return "unknown", answer.reason
    below = [each for each in _walk(seen) if each is not seen]
    gone = [each for each in below if each.answer.kind == "absent"]
    if gone:
        names = list(dict.fromkeys(each.platform or f"{each.kind} {each.digest[:19]}…" for each in gone))
        named = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        return "partial", f"the manifest is there, {named} {'is' if len(names) == 1 else 'are'} gone"
    if any(each.kind == "index" and not each.below and not each.unread for each in (seen, *below)):
        return "partial", "the manifest is there, as an index that lists no image"
    refused = next((each for each in below if each.answer.kind == "denied"), None)
    if refused is not None:
        return "denied", refused.answer.reason
    doubtful = next((each for each in below if each.answer.kind != "found"), None)
    if doubtful is not None:
        return "unknown", doubtful.answer.reason
    unread = next((each.unread for each in (seen, *below) if each.unread), "")
    return ("unknown", f"the manifest is there, but {unread}") if unread else ("retained", "")


def _platforms(seen: Seen, needed: Sequence[str], control: Answer | None) -> Iterable[PlatformState]:
    if seen.kind == "index":
        for each in seen.below:
            yield from _platforms(each, needed, seen.answer)  # the index is there: this repository is shown to us
        return
    yield PlatformState(seen.platform, seen.digest, _overall(seen, control)[0], wanted(seen.platform, needed))


def _coverage(
    seen: Seen, platforms: Sequence[PlatformState], needed: Sequence[str]
) -> tuple[bool | None, tuple[str, ...]]:
    if not needed or seen.answer.kind != "found" or seen.unread:
        return None, ()
    unsure = any(each.platform is None for each in platforms)
    lacking = []
    for name in needed:
        states = {each.state for each in platforms if each.platform == name}
        if "retained" in states:
            continue
        if states & {"unknown", "denied"} or (not states and unsure):
            unsure = True
        else:
            lacking.append(name)
    covered = all(any(each.platform == name and each.state == "retained" for each in platforms) for name in needed)
    return (False if lacking else True if covered else None), tuple(lacking)


def _walk(seen: Seen) -> Iterable[Seen]:
    yield seen
    for each in seen.below:
        yield from _walk(each)


def worst(states: Iterable[Retained]) -> Retained:
    """The state of a version from those of its images: retained only if all are, unknown without any."""
    return min(states, key=_ORDER.index, default="unknown")
