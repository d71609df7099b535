"""Provenance of what runs and of a version: asked of the seat, told as a page. One failure does not hide the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cockpit.model.artifact import Signatures
from cockpit.model.resource import Key
from cockpit.model.revision import Revision
from cockpit.ports import Seat
from screens.draw.format import rev
from screens.draw.line import Line
from screens.parts.provenance import version_page
from screens.trouble import said


async def of_version(seat: Seat, key: Key, version: Revision, width: int) -> list[Line]:
    """One version of a rollout."""
    title = f"version  {rev(version.revision)}  {version.hash}"
    return version_page(title, version, await _signed(seat, key, version.hash), width)


async def provenance_of(seat: Seat, key: Key, width: int) -> list[Line]:
    """Both arms of a rollout."""
    rollout = seat.snapshot().rollouts.get(key)
    if rollout is None:
        return [Line(f"{key} is not in this cluster any more", "unknown")]
    named = (("canary", rollout.canary), ("baseline", rollout.baseline), ("before", rollout.before))
    arms = [(name, arm) for name, arm in named if arm is not None]
    known, found = await asyncio.gather(
        _revisions(seat, key), asyncio.gather(*(_signed(seat, key, arm.hash) for _, arm in arms))
    )
    lines: list[Line] = []
    for (name, arm), signed in zip(arms, found, strict=True):
        title = f"{name}  {rev(arm.revision)}  {arm.hash}"
        lines += [*([Line()] if lines else []), *version_page(title, known.get(arm.hash), signed, width)]
    return lines or [Line("this rollout has no version with pods", "unknown")]


async def _revisions(seat: Seat, key: Key) -> dict[str, Revision]:
    try:
        return {each.hash: each for each in await seat.revisions_checked(key)}
    except Exception:  # what is signed is told even where the versions cannot be listed
        return {}


async def _signed(seat: Seat, key: Key, version: str) -> Sequence[Signatures] | str:
    try:
        return await seat.provenance(key, version)
    except Exception as error:
        return said(error)
