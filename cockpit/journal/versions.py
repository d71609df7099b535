"""From rows about a workload to the versions the journal knows of it, also those pruned from the cluster."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, get_args

import msgspec

from cockpit.base.text import clean
from cockpit.journal.kept import unpacked
from cockpit.journal.observed import KnownVersion, Template
from cockpit.journal.store import Row, body
from cockpit.model.revision import Left, Then
from cockpit.model.rollout import Image


def known_versions(rows: Iterable[Row]) -> tuple[KnownVersion, ...]:
    """Newest first by when they were last seen. ``rows``: observations, templates with content, transitions."""
    by_hash: dict[str, list[Row]] = {}
    for row in rows:
        by_hash.setdefault(row["version"], []).append(row)
    found = [_version(version, each) for version, each in by_hash.items()]
    return tuple(sorted(found, key=lambda version: (version.last, version.first), reverse=True))


def template_of(row: Row) -> Template | None:
    """A kept template to restore; None when it was altered, or when it holds secrets, which are not kept."""
    return _content(row) if body(row).get("whole") is True else None


def _withheld(kept: Row | None) -> str:
    """Why a template is not offered for a restore; empty when it is."""
    if kept is None:
        return "its template was never recorded"
    if _content(kept) is None:
        return "what was recorded of its template was altered"
    return "" if template_of(kept) is not None else "its template holds literal secrets, which are not kept"


def _version(version: str, rows: Sequence[Row]) -> KnownVersion:
    observed = [row for row in rows if row["kind"] == "observation"]
    kept = next((row for row in rows if row["kind"] == "template"), None)
    told = [row for row in rows if row["kind"] == "transition"]
    left = next((row for row in reversed(told) if body(row).get("left")), None)
    slis = next((found for row in reversed(told) if (found := _slis(body(row).get("slis")))), ())
    # Verdicts are no sign that it still ran: one about a version that left may come late.
    present = [row for row in rows if row["kind"] != "transition"] or rows
    numbers = [(row["last"], number) for row in present if isinstance(number := body(row).get("revision"), int)]
    return KnownVersion(
        hash=version,
        revision=max(numbers)[1] if numbers else None,
        images=_images(observed, _content(kept) if kept is not None else None),
        first=min(row["at"] for row in present) / 1000,
        last=max(row["last"] for row in present) / 1000,
        template=kept is not None and template_of(kept) is not None,
        withheld=_withheld(kept),
        left=_left(body(left).get("left")) if left is not None else None,
        left_at=left["at"] / 1000 if left is not None else None,
        slis=slis,
    )


def _images(observed: Sequence[Row], template: Template | None) -> tuple[Image, ...]:
    """Of each container of the template, else of each one observed, with the digest seen first.

    First: a tag that moved later, or a pod whose image somebody changed by hand, is not what this version was.
    """
    wanted = _containers(template)
    for row in observed if not wanted else ():
        image = body(row).get("image")
        wanted.setdefault(row["name"], image if isinstance(image, str) else "")
    return tuple(
        Image(
            clean(container),
            clean(image),  # of a template, which is kept as it was written
            next(
                (
                    row["digest"]
                    for row in observed
                    if row["name"] == container and row["digest"] and body(row).get("image") == image
                ),
                None,
            ),
        )
        for container, image in wanted.items()
    )


def _containers(template: Template | None) -> dict[str, str]:
    spec = (template or {}).get("spec")
    spec = spec if isinstance(spec, dict) else {}
    return {
        each["name"]: each["image"]
        for member in ("containers", "initContainers")
        for each in spec.get(member) or ()
        if isinstance(each, dict) and isinstance(each.get("name"), str) and isinstance(each.get("image"), str)
    }


def _content(row: Row) -> Template | None:
    content = unpacked(row)
    try:
        value = json.loads(content) if content is not None else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _left(value: Any) -> Left | None:
    return value if value in get_args(Left) else None


def _slis(value: Any) -> tuple[Then, ...]:
    try:
        return msgspec.convert(value, tuple[Then, ...])
    except msgspec.ValidationError:
        return ()
