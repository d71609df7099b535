"""From bytes of the API to rows: fast where objects are as documented, item by item where one is not."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

import msgspec

from cockpit.base.errors import Unreachable
from cockpit.cluster.rows import ListMeta


class Page(msgspec.Struct, frozen=True):
    """One page of a list. ``failures`` counts items that were odd: repaired where possible, left out otherwise."""

    rows: list[Any]
    resource_version: str
    continue_: str
    failures: int = 0


class WatchEvent(msgspec.Struct, frozen=True, gc=False):
    """One line of a watch. ``row`` is None for BOOKMARK, ERROR and for an object nothing could be made of."""

    type: str
    row: Any = None
    resource_version: str = ""
    code: int = 0  # of an ERROR's Status; 0 when it carries none
    reason: str = ""
    message: str = ""
    retry_after: float | None = None
    odd: bool = False


class _RawList(msgspec.Struct):
    metadata: ListMeta = ListMeta()
    items: list[msgspec.Raw] | None = None


class _Envelope(msgspec.Struct):
    type: str = ""
    object: msgspec.Raw = msgspec.Raw(b"{}")


class _BookmarkMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""


class _Bookmark(msgspec.Struct):
    metadata: _BookmarkMeta = msgspec.field(default_factory=_BookmarkMeta)


class _Details(msgspec.Struct, rename="camel"):
    retry_after_seconds: float | None = None


class Status(msgspec.Struct, rename="camel"):
    """metav1.Status, as error bodies and ERROR events carry it; every member may be absent."""

    message: str = ""
    reason: str = ""
    code: int = 0
    details: _Details | None = None


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding bytes of a server can raise; the last for JSON nested beyond any object of Kubernetes."""

_envelope = msgspec.json.Decoder(_Envelope)
_bookmark = msgspec.json.Decoder(_Bookmark)
_raw_list = msgspec.json.Decoder(_RawList)


_list_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}
_row_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}


def _list_decoder(row: type[Any]) -> msgspec.json.Decoder[Any]:
    decoder = _list_decoders.get(row)
    if decoder is None:
        items: Any = list[row] | None  # type: ignore[valid-type]
        shape = msgspec.defstruct("_List", [("metadata", ListMeta, ListMeta()), ("items", items, None)])
        decoder = _list_decoders[row] = msgspec.json.Decoder(shape)
    return decoder


def _row_decoder(row: type[Any]) -> msgspec.json.Decoder[Any]:
    decoder = _row_decoders.get(row)
    if decoder is None:
        decoder = _row_decoders[row] = msgspec.json.Decoder(row)
    return decoder


def decode_list(body: bytes, row: type[Any]) -> Page:
    """A list answer as rows. Raises Unreachable when it is no Kubernetes list at all (a proxy's page, a cut body)."""
    try:
        answer = _list_decoder(row).decode(body)
        rows, failures = answer.items or [], 0
    except UNREADABLE:
        try:
            answer = _raw_list.decode(body)
        except UNREADABLE:
            raise Unreachable("the server answered a list with something that is not Kubernetes JSON") from None
        rows, failures = [], 0
        for item in answer.items or []:
            decoded, odd = decode_row(item, row)
            failures += odd
            if decoded is not None:
                rows.append(decoded)
    return Page(rows, answer.metadata.resource_version, answer.metadata.continue_, failures)


def decode_row(raw: bytes | msgspec.Raw, row: type[Any]) -> tuple[Any | None, bool]:
    """(row, was it odd). None when not even a name could be read."""
    try:
        return _row_decoder(row).decode(raw), False
    except UNREADABLE:
        return salvage(raw, row), True


def decode_event(line: bytes, row: type[Any]) -> WatchEvent:
    """One line of a watch. Raises Unreachable when it is not an event."""
    try:
        envelope = _envelope.decode(line)
        if envelope.type == "BOOKMARK":
            return WatchEvent("BOOKMARK", None, _bookmark.decode(envelope.object).metadata.resource_version)
        if envelope.type == "ERROR":
            status = decode_status(bytes(envelope.object))
            wait = status.details.retry_after_seconds if status.details else None
            return WatchEvent("ERROR", None, "", status.code, status.reason, status.message, wait)
    except UNREADABLE:
        raise Unreachable("the watch carried something that is not a Kubernetes event") from None
    if envelope.type not in ("ADDED", "MODIFIED", "DELETED"):
        raise Unreachable("the watch carried an event of a type nobody documented")
    decoded, odd = decode_row(envelope.object, row)
    version = decoded.meta.resource_version if decoded is not None else ""
    return WatchEvent(envelope.type, decoded, version, odd=odd)


def decode_status(body: bytes) -> Status:
    """The Status of an error answer; an empty one when the body is something else (HTML of a proxy)."""
    try:
        return msgspec.json.decode(body, type=Status)
    except UNREADABLE:
        return Status()


def salvage(raw: bytes | msgspec.Raw, row: type[Any]) -> Any | None:
    """What fits of an odd object: members of a wrong type take their defaults. None without a name."""
    try:
        value = msgspec.json.decode(raw)
        decoded = _fit(row, value)
    except (*UNREADABLE, _Unfit):
        return None
    return decoded if decoded.meta.name else None


class _Unfit(Exception):
    """A value that nothing of its place can be made of."""


def _fit(wanted: Any, value: Any) -> Any:
    try:
        return msgspec.convert(value, wanted)
    except msgspec.ValidationError:
        pass
    origin = get_origin(wanted)
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct) and isinstance(value, Mapping):
        members: dict[str, Any] = {}
        for field in msgspec.structs.fields(wanted):
            if field.encode_name in value:
                try:
                    members[field.name] = _fit(field.type, value[field.encode_name])
                except _Unfit:
                    continue  # the default stands for what cannot be read
        try:
            return wanted(**members)
        except TypeError:  # a member without a default
            raise _Unfit from None
    if origin in (Union, types.UnionType):
        for choice in get_args(wanted):
            try:
                return _fit(choice, value)
            except _Unfit:
                continue
    if origin in (tuple, list) and isinstance(value, list):
        element = get_args(wanted)[0]
        fitted = []
        for item in value:
            try:
                fitted.append(_fit(element, item))
            except _Unfit:
                continue
        return origin(fitted)
    if origin is dict and isinstance(value, Mapping):
        element = get_args(wanted)[1]
        pairs = {}
        for key, item in value.items():
            try:
                pairs[key] = _fit(element, item)
            except _Unfit:
                continue
        return pairs
    raise _Unfit
