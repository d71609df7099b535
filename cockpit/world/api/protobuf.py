"""Requests in Kubernetes' protobuf encoding, which newer clients prefer for built-in kinds, as plain objects."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from cockpit.base.clock import rfc3339
from cockpit.world import status
from cockpit.world.api.protomessages import MESSAGES, Field
from cockpit.world.contract import Object

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"


class _Malformed(Exception):
    """Not what the wire format allows, or a field that is not known here."""


def decode(body: bytes) -> Object:
    """The object in an encoded ``runtime.Unknown``; raises 400, and 415 for what is not known here.

    A field that is not in the tables is refused by number: dropping it would store what the client did not say.
    """
    try:
        if not body.startswith(_MAGIC):
            raise _Malformed("the magic number is missing")
        envelope = dict(_fields(body[len(_MAGIC) :]))
        kind = {number: _text(value) for number, value in _fields(_payload(envelope.get(1, b"")))}
        name = kind.get(2, "")
        if name not in MESSAGES:
            message = f"protobuf bodies of kind {name!r} are not read here; send application/json"
            raise status.Rejected(415, "UnsupportedMediaType", message)
        obj: Object = {"apiVersion": kind.get(1, ""), "kind": name}
        obj.update(_message(_payload(envelope.get(2, b"")), name))
        return obj
    except (_Malformed, IndexError, UnicodeDecodeError) as error:
        raise status.bad_request(f"unable to decode the protobuf body: {error}") from None


def _message(data: bytes, name: str) -> dict[str, Any]:
    fields = MESSAGES[name]
    found: dict[str, Any] = {}
    for number, raw in _fields(data):
        field = fields.get(number)
        if field is None:
            raise _Malformed(f"field {number} of {name} is not read here; send application/json")
        if field.type == "Skipped":
            continue
        if field.shape == "{":
            entry = dict(_fields(_payload(raw)))
            found.setdefault(field.name, {})[_text(entry.get(1, b""))] = _value(entry.get(2, b""), field)
        elif field.shape == "[":
            found.setdefault(field.name, []).append(_value(raw, field))
        else:
            value = _value(raw, field)
            if field.name == "*":
                found.update(value)
            elif field.pointer or value not in ("", 0, False, {}, None):
                found[field.name] = value
    return found


def _value(raw: int | bytes, field: Field) -> Any:
    if field.type == "int":
        number = _number(raw)
        return number - (1 << 64) if number >= 1 << 63 else number
    if field.type == "bool":
        return bool(_number(raw))
    data = _payload(raw)
    if field.type == "string":
        return data.decode()
    if field.type == "bytes":
        return base64.b64encode(data).decode()
    if field.type == "quantity":
        return _text(dict(_fields(data)).get(1, b""))
    if field.type == "time":
        seconds = dict(_fields(data)).get(1)
        return rfc3339(_number(seconds)) if seconds else None
    if field.type == "any":
        choice = dict(_fields(data))
        return _text(choice.get(3, b"")) if choice.get(1) else choice.get(2, 0)
    return _message(data, field.type)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, varint or payload) of one message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
        elif key & 7 == 2:
            length, at = _varint(data, at)
            if at + length > len(data):
                raise _Malformed("it ends in the middle of a field")
            yield key >> 3, data[at : at + length]
            at += length
        else:
            raise _Malformed(f"wire type {key & 7}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _number(raw: int | bytes) -> int:
    if isinstance(raw, bytes):
        raise _Malformed("a number was expected")
    return raw


def _payload(raw: int | bytes) -> bytes:
    if isinstance(raw, int):
        raise _Malformed("a length was expected")
    return raw


def _text(raw: int | bytes) -> str:
    return _payload(raw).decode()
