"""What the API server does to every object it writes: metadata, status separation, generation, managedFields."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import msgspec

from cockpit.world.contract import Object
from cockpit.world.kinds import Kind

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"  # no vowels and no look-alikes, as apimachinery's rand.String
_SERVER_OWNED = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
    "managedFields",
)


def make_uid(seed: int, number: int) -> str:
    """A version 4 UUID that depends on its arguments only."""
    digest = hashlib.blake2b(f"uid/{seed}/{number}".encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))


def make_suffix(seed: int, number: int) -> str:
    """Five characters for generateName."""
    digest = hashlib.blake2b(f"name/{seed}/{number}".encode(), digest_size=5).digest()
    return "".join(_SUFFIX[byte % len(_SUFFIX)] for byte in digest)


def cleaned(value: Any) -> Any:
    """A deep copy in which no member of an object is null: the API machinery knows absent, not null."""
    data = _encode(value)
    return _without_nulls(value) if b"null" in data else _decode(data)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def prepare(kind: Kind, obj: Object, uid: str, now: str) -> Object:
    """The caller's copy of an object about to be created, with server-owned metadata set and status dropped."""
    new: Object = cleaned(obj)
    new["apiVersion"] = kind.api_version
    metadata: dict[str, Any] = new.setdefault("metadata", {})
    for key in (*_SERVER_OWNED[2:], "selfLink"):
        metadata.pop(key, None)
    if not kind.namespaced:
        metadata.pop("namespace", None)
    elif not metadata.get("namespace"):
        metadata["namespace"] = "default"
    if kind.status:
        new.pop("status", None)
    metadata["uid"] = uid
    metadata["creationTimestamp"] = now
    if kind.generation:
        metadata["generation"] = 1
    return new


def grace_seconds(plural: str, obj: Object, asked: int | None) -> int:
    """How long a deletion waits for the kubelet: only a scheduled, unfinished pod is given time."""
    if plural != "pods" or not obj["spec"].get("nodeName"):
        return 0
    if obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    return int(obj["spec"].get("terminationGracePeriodSeconds", 30)) if asked is None else asked


def settle(kind: Kind, old: Object, new: Object, subresource: str | None) -> Object:
    """What of ``new`` a write may change of ``old``: server-owned metadata stays, status goes its own way."""
    if subresource == "status":
        merged = {key: value for key, value in old.items() if key != "status"}
        if new.get("status") is not None:
            merged["status"] = cleaned(new["status"])
        return _detached(merged)
    merged = {"apiVersion": old["apiVersion"], "kind": old["kind"]}
    before: dict[str, Any] = old["metadata"]
    given = new.get("metadata") or {}
    metadata = {key: value for key, value in given.items() if key not in _SERVER_OWNED}
    for key in ("labels", "annotations", "finalizers", "ownerReferences"):
        if key in metadata and not metadata[key]:
            del metadata[key]
    metadata.update({key: before[key] for key in _SERVER_OWNED if key in before})
    merged["metadata"] = metadata
    merged.update({key: value for key, value in new.items() if key not in ("apiVersion", "kind", "metadata")})
    if kind.status:
        merged.pop("status", None)
        if "status" in old:
            merged["status"] = old["status"]
    clean: Object = cleaned(merged)
    return clean


def _detached(obj: Object) -> Object:
    """Own metadata, so that stamping it leaves the object it came from alone."""
    return {**obj, "metadata": dict(obj["metadata"])}


def same(left: Object, right: Object) -> bool:
    """Equal but for what the server stamps by itself."""
    return _bare(left) == _bare(right)


def _bare(obj: Object) -> Object:
    metadata = {k: v for k, v in obj["metadata"].items() if k not in ("managedFields", "resourceVersion", "generation")}
    return {**obj, "metadata": metadata}


def bumps_generation(kind: Kind, old: Object, new: Object) -> bool:
    """Whether the write changed the desired state: anything but metadata and, where it is a subresource, status."""
    if not kind.generation:
        return False
    ignored = {"metadata", "status"} if kind.status else {"metadata"}
    return {k: v for k, v in old.items() if k not in ignored} != {k: v for k, v in new.items() if k not in ignored}


def record_manager(obj: Object, old: Object | None, manager: str, now: str, subresource: str | None) -> None:
    """Keep ``managedFields``: who wrote last, by member and one level below (``f:spec.f:paused``), no finer."""
    fields, gone = _changed(obj, old)
    entry: dict[str, Any] = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": obj["apiVersion"],
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    if subresource:
        entry["subresource"] = subresource
    kept = []
    for other in obj["metadata"].get("managedFields", ()):
        if other["manager"] == manager and other.get("subresource") == subresource:
            entry["fieldsV1"] = _merged(_without(other["fieldsV1"], gone), fields)
        elif left := _without(_without(other["fieldsV1"], fields), gone):
            kept.append({**other, "fieldsV1": left})
    obj["metadata"]["managedFields"] = [*kept, entry]


_Fields = dict[str, dict[str, Any]]


def _changed(obj: Object, old: Object | None) -> tuple[_Fields, _Fields]:
    """(members whose value is new or other than it was, members that are gone), as FieldsV1."""
    before = old or {}
    fields: _Fields = {}
    gone: _Fields = {}
    for key in sorted({*obj, *before} - {"apiVersion", "kind", "metadata"}):
        new, was = obj.get(key), before.get(key)
        if not isinstance(new, dict):
            if new != was:
                fields[f"f:{key}"] = {}
            continue
        was = was if isinstance(was, dict) else {}
        leaves: dict[str, Any] = {f"f:{leaf}": {} for leaf in sorted(new) if leaf not in was or new[leaf] != was[leaf]}
        lost: dict[str, Any] = {f"f:{leaf}": {} for leaf in was if leaf not in new}
        if leaves:
            fields[f"f:{key}"] = leaves
        if lost:
            gone[f"f:{key}"] = lost
    for key in ("annotations", "labels"):
        value = obj["metadata"].get(key)
        if value and (old is None or old["metadata"].get(key) != value):
            fields.setdefault("f:metadata", {})[f"f:{key}"] = {}
    return fields, gone


def _merged(one: _Fields, other: _Fields) -> _Fields:
    return {key: {**one.get(key, {}), **other.get(key, {})} for key in (*one, *(set(other) - set(one)))}


def _without(fields: _Fields, taken: _Fields) -> _Fields:
    """``fields`` less what is ``taken``; a member that lost all its leaves goes too."""
    left: _Fields = {}
    for key, leaves in fields.items():
        kept = {leaf: inner for leaf, inner in leaves.items() if leaf not in taken.get(key, {})}
        if kept or (not leaves and key not in taken):
            left[key] = kept
    return left
