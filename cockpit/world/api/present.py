"""Stored bytes to what a client asked for: plain JSON, the other event group, Table, metadata only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from cockpit.world.api import events, negotiation, table
from cockpit.world.api.call import Answer, Call, json_answer
from cockpit.world.api.lists import Page
from cockpit.world.contract import Object
from cockpit.world.store import decode

_encode = msgspec.json.Encoder().encode


def one(call: Call, obj: Object, now: float, code: int = 200) -> Answer:
    """An answer with a single object."""
    media = call.media
    if media.as_ == "Table":
        metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        return json_answer(table.table(call.kind.plural, [obj], now, metadata, _include(call)), code)
    if media.as_ == "PartialObjectMetadataList":
        raise negotiation.not_acceptable(f"you requested {media.as_}, but the requested object is not a list")
    if media.as_ == "PartialObjectMetadata":
        return json_answer(table.partial(obj), code)
    return json_answer(events.to_events_group(obj) if call.converted else obj, code)


def many(call: Call, page: Page, now: float) -> Answer:
    """An answer with a list; plain lists are joined from stored bytes, without decoding."""
    metadata: dict[str, Any] = {"resourceVersion": str(page.version)}
    if page.following:
        metadata["continue"] = page.following
        if page.remaining is not None:
            metadata["remainingItemCount"] = page.remaining
    media = call.media
    if media.as_ == "Table":
        objects = (decode(row.data) for row in page.rows)
        return json_answer(table.table(call.kind.plural, objects, now, metadata, _include(call)))
    if media.as_ == "PartialObjectMetadata":
        raise negotiation.not_acceptable(f"you requested {media.as_}, but the requested object is a list")
    if media.as_:
        items = [table.partial(decode(row.data)) for row in page.rows]
        listed = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
        return json_answer({**listed, "items": items})
    head = {"kind": f"{call.kind.kind}List", "apiVersion": call.group_version, "metadata": metadata}
    items_bytes = b",".join(_plain(call, row.data) for row in page.rows)
    return Answer(200, _encode(head)[:-1] + b',"items":[' + items_bytes + b"]}")


def event(call: Call, kind: str, data: bytes, now: float, *, headed: bool) -> bytes:
    """One line of a watch. ``headed``: a Table with its column definitions (the first one only)."""
    media = call.media
    if media.as_ == "Table":
        obj = decode(data)
        metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
        data = _encode(table.table(call.kind.plural, [obj], now, metadata, _include(call), headed=headed))
    elif media.as_:
        data = _encode(table.partial(decode(data)))
    else:
        data = _plain(call, data)
    return line(kind, data)


def bookmark(call: Call, version: int, *, initial_end: bool = False) -> bytes:
    metadata: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
    if initial_end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    if call.media.as_ == "Table":
        return line("BOOKMARK", _encode(table.table(call.kind.plural, (), 0, metadata, headed=False)))
    return line("BOOKMARK", _encode({"kind": call.kind.kind, "apiVersion": call.group_version, "metadata": metadata}))


def line(kind: str, data: bytes) -> bytes:
    return b'{"type":"' + kind.encode() + b'","object":' + data + b"}\n"


def collection(objects: Sequence[Object], call: Call, version: int) -> Answer:
    """What deletecollection answers: a list of the objects it took."""
    head = {"kind": f"{call.kind.kind}List", "apiVersion": call.group_version}
    return json_answer({**head, "metadata": {"resourceVersion": str(version)}, "items": list(objects)})


def _plain(call: Call, data: bytes) -> bytes:
    return _encode(events.to_events_group(decode(data))) if call.converted else data


def _include(call: Call) -> str:
    return call.query.get("includeObject", "Metadata")
