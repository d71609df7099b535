"""Who built it from what: SLSA provenance v1 and v0.2, and an image's labels. Claims, until a signature says whose.

Source: slsa.dev/spec/v1.0/provenance and /v0.2; the annotation keys of the OCI image specification.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from cockpit.base.text import clean
from cockpit.model.artifact import COMPATIBLE, CONTRACT, ROLLBACK, SCHEMA, Label, Provenance
from cockpit.net.redact import redact
from cockpit.registry import media
from cockpit.strategies.values import mapping, objects

_SHOWN = 300
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^/]+/.+", re.IGNORECASE)
_PREFIX = "org.opencontainers.image."
LABELS = (
    "revision", "source", "version", "created", "title", "url", "vendor", "authors", "ref.name",
    ROLLBACK, SCHEMA, COMPATIBLE,
)  # fmt: skip
"""Of ``org.opencontainers.image.*``, and our own; the rest is of no use at three in the morning."""


def provenance(predicate_type: str | None, predicate: Mapping[str, Any], key: str | None) -> Provenance | None:
    """Read a predicate; None when it is no provenance. ``key`` names the trusted key that signed it, if one did."""
    if predicate_type == media.SLSA_V1:
        found = _v1(predicate)
    elif predicate_type == media.SLSA_V02:
        found = _v02(predicate)
    else:
        return None
    return Provenance("verified" if key else "claimed", predicate_type, key=key, **found)


def _v1(predicate: Mapping[str, Any]) -> dict[str, str | None]:
    build, run = mapping(predicate.get("buildDefinition")), mapping(predicate.get("runDetails"))
    metadata, external = mapping(run.get("metadata")), mapping(build.get("externalParameters"))
    workflow, github = (
        mapping(external.get("workflow")),
        mapping(mapping(build.get("internalParameters")).get("github")),
    )
    config = mapping(external.get("configSource"))
    materials = objects(build.get("resolvedDependencies"))
    source, ref = _split(_text(workflow.get("repository")) or _text(external.get("source")) or _text(config.get("uri")))
    return {
        "builder": _text(mapping(run.get("builder")).get("id")),
        "build_type": _text(build.get("buildType")),
        # cosign 2.5 spells it as v0.2 did
        "run": _text(metadata.get("invocationId")) or _text(metadata.get("invocationID")),
        "who": _text(github.get("actor")) or _text(github.get("actor_id")),
        "source": source,
        "ref": _text(workflow.get("ref")) or ref,
        "commit": _commit(materials, ("gitCommit", "sha1"), source),
        "started": _text(metadata.get("startedOn")),
        "finished": _text(metadata.get("finishedOn")),
    }


def _v02(predicate: Mapping[str, Any]) -> dict[str, str | None]:
    invocation, metadata = mapping(predicate.get("invocation")), mapping(predicate.get("metadata"))
    config = mapping(invocation.get("configSource"))
    source, ref = _split(_text(config.get("uri")))
    return {
        "builder": _text(mapping(predicate.get("builder")).get("id")),
        "build_type": _text(predicate.get("buildType")),
        "run": _text(metadata.get("buildInvocationID")) or _text(metadata.get("buildInvocationId")),
        "who": _text(mapping(invocation.get("environment")).get("github_actor")),
        "source": source,
        "ref": ref,
        "commit": _text(mapping(config.get("digest")).get("sha1"))
        or _commit(objects(predicate.get("materials")), ("sha1", "gitCommit"), source),
        "started": _text(metadata.get("buildStartedOn")),
        "finished": _text(metadata.get("buildFinishedOn")),
    }


def _commit(materials: list[dict[str, Any]], names: tuple[str, ...], source: str | None) -> str | None:
    """The commit of the source among what went into the build; a tool's own commit is not it."""
    found = []
    for material in materials:
        digest = mapping(material.get("digest"))
        commit = next((text for name in names if (text := _text(digest.get(name)))), None)
        if commit is not None:
            found.append((_split(_text(material.get("uri")))[0], commit))
    for where, commit in found:
        if source is not None and where == source:
            return commit
    return found[0][1] if len(found) == 1 else None


def _split(uri: str | None) -> tuple[str | None, str | None]:
    """``git+https://host/repo@refs/heads/main`` -> repository address and ref."""
    if uri is None:
        return None, None
    address, at, ref = uri.removeprefix("git+").rpartition("@")
    if not at or _ADDRESS.fullmatch(address) is None or "://" in ref:
        return uri.removeprefix("git+"), None  # the @ stands before a host
    return address, ref


def labels(config: Mapping[str, str], manifest: Mapping[str, str], index: Mapping[str, str]) -> tuple[Label, ...]:
    """The OCI labels of an image, each from the place nearest to what runs: config, manifest, then index."""
    found: dict[str, Label] = {}
    places: tuple[tuple[Literal["config", "manifest", "index"], Mapping[str, str]], ...] = (
        ("config", config),
        ("manifest", manifest),
        ("index", index),
    )
    for source, values in places:
        for name in LABELS:
            value = values.get(name if name.startswith(CONTRACT) else f"{_PREFIX}{name}")
            if value and name not in found:
                found[name] = Label(name, _plain(value), source)
    return tuple(found[name] for name in LABELS if name in found)


def _text(value: Any) -> str | None:
    return (_plain(value) or None) if isinstance(value, str) else None


def _plain(value: str) -> str:
    return clean(redact(value), _SHOWN)
