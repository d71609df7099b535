"""Pod templates: defaulted form, the hash that names a ReplicaSet, int-or-percent values, revision annotations."""

from __future__ import annotations

import copy
import hashlib
import math
from typing import Any

import msgspec

from cockpit.world import defaults
from cockpit.world.contract import Object
from cockpit.world.controllers.kit import annotation, notes_of
from cockpit.world.kinds import Registry

HASH = "pod-template-hash"
ROLLOUT_HASH = "rollouts-pod-template-hash"
EPHEMERAL = "rollout.argoproj.io/ephemeral-metadata"

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # apimachinery's SafeEncodeString
_REPLICASET = Registry()["replicasets"]
_REMEMBERED = 20_000
_meanings: dict[bytes, bytes] = {}
_plain = msgspec.json.Encoder().encode
_canonical = msgspec.json.Encoder(order="sorted").encode


def normal(template: dict[str, Any]) -> dict[str, Any]:
    """The template as the server would store it, without the hash labels: two equal ones mean the same pods."""
    shaped: Object = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {},
        "spec": {"template": copy.deepcopy(template)},
    }
    defaults.apply(_REPLICASET, shaped)
    result: dict[str, Any] = shaped["spec"]["template"]
    metadata: dict[str, Any] = {key: value for key, value in (result.get("metadata") or {}).items() if value}
    metadata.pop("creationTimestamp", None)
    labels = {k: v for k, v in (metadata.pop("labels", None) or {}).items() if k not in (HASH, ROLLOUT_HASH)}
    result["metadata"] = {**metadata, "labels": labels} if labels else metadata
    return result


def bare(rs: Object) -> dict[str, Any]:
    """A ReplicaSet's template without the ephemeral metadata that the Rollout controller put on it."""
    template: dict[str, Any] = rs["spec"]["template"]
    text = annotation(rs, EPHEMERAL)
    if not text:
        return template
    extra: dict[str, Any] = msgspec.json.decode(text)
    metadata = dict(template.get("metadata") or {})
    for section in ("labels", "annotations"):
        hidden = extra.get(section) or {}
        metadata[section] = {k: v for k, v in (metadata.get(section) or {}).items() if k not in hidden}
    return {**template, "metadata": metadata}


def meaning(template: dict[str, Any]) -> bytes:
    """A digest of ``normal(template)``, equal for templates that mean the same pods; remembered."""
    raw = hashlib.blake2b(_plain(template), digest_size=16).digest()
    known = _meanings.get(raw)
    if known is None:
        if len(_meanings) >= _REMEMBERED:
            _meanings.clear()
        known = _meanings[raw] = hashlib.blake2b(_canonical(normal(template)), digest_size=16).digest()
    return known


def template_hash(template: dict[str, Any], collisions: int = 0) -> str:
    """8 to 10 characters that depend on the defaulted template only, in the alphabet of the real controllers."""
    return _short(meaning(template) + str(collisions or "").encode())


def json_hash(value: object) -> str:
    """The same short form for any JSON value (the hash of a Rollout's steps)."""
    return _short(_canonical(value))


def _short(data: bytes) -> str:
    number = int.from_bytes(hashlib.blake2b(data, digest_size=4).digest(), "big")
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in f"{number:08d}")


def scaled(value: object, total: int, default: str, *, up: bool) -> int:
    """An int-or-percent field against ``total``; percentages are rounded ``up`` or down."""
    chosen = default if value is None else value
    if isinstance(chosen, str) and chosen.endswith("%"):
        exact = total * float(chosen[:-1]) / 100
        return math.ceil(exact) if up else math.floor(exact)
    return int(str(chosen))


def revision_of(obj: Object, key: str) -> int:
    text = annotation(obj, key, "0")
    return int(text) if text.isdigit() else 0


def renumber(obj: Object, key: str, history_key: str, revision: int) -> None:
    """Give a ReplicaSet its (new) revision and remember the one it had, as ``rollout history`` expects after undo."""
    notes = notes_of(obj)
    old = notes.get(key)
    if old is not None and old.isdigit() and int(old) >= revision:
        return
    notes[key] = str(revision)
    if old:
        notes[history_key] = f"{notes[history_key]},{old}" if notes.get(history_key) else old
