"""What Prometheus answers, decoded: rows of (labels, points), warnings kept, the error body kept."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec

Labels = dict[str, str]
Point = tuple[float, float]
Kind = Literal["vector", "matrix", "scalar", "string"]

_OFF_LOOP = 128 * 1024  # bytes; decoding more than this would be felt by the screen


class Row(msgspec.Struct, frozen=True, gc=False):
    """One series of an answer; ``points`` are (evidence time, value), oldest first. A vector has one point.

    ``histogram`` holds the undecoded native histograms of a row that has them (``judge.native.decode``).
    """

    labels: Labels
    points: tuple[Point, ...]
    histogram: Any = None


class Answer(msgspec.Struct, frozen=True):
    """A successful answer. ``warnings`` not empty: the data may be partial."""

    kind: Kind
    rows: tuple[Row, ...]
    warnings: tuple[str, ...] = ()


class Failure(msgspec.Struct, frozen=True):
    """``{"status":"error"}``: Prometheus' own words. ``type``: bad_data, execution, timeout, canceled, ..."""

    type: str
    text: str


class _Data(msgspec.Struct):
    result_type: str = msgspec.field(name="resultType", default="")
    result: msgspec.Raw = msgspec.Raw(b"[]")


class _Envelope(msgspec.Struct):
    status: str
    data: _Data | None = None
    error_type: str = msgspec.field(name="errorType", default="")
    error: str = ""
    warnings: tuple[str, ...] | None = None


class _Series(msgspec.Struct, gc=False):
    metric: Labels = {}
    value: tuple[float, str] | None = None
    values: tuple[tuple[float, str], ...] | None = None
    histogram: Any = None
    histograms: Any = None


_envelope = msgspec.json.Decoder(_Envelope, strict=False)
_series = msgspec.json.Decoder(tuple[_Series, ...])
_pair = msgspec.json.Decoder(tuple[float, str])


class Undecodable(ValueError):
    """The body is not an answer of the Prometheus HTTP API."""


async def decode(body: bytes) -> Answer | Failure:
    """Decode off the event loop when the body is large. Raises Undecodable."""
    if len(body) > _OFF_LOOP:
        return await asyncio.to_thread(decode_now, body)
    return decode_now(body)


def decode_now(body: bytes) -> Answer | Failure:
    """``{"status":..,"data":{"resultType":..,"result":..}}`` (facts 4, exact JSON). Raises Undecodable."""
    try:
        envelope = _envelope.decode(body)
        if envelope.status != "success":
            return Failure(envelope.error_type or "unknown", envelope.error or "no reason given")
        data = envelope.data or _Data()
        warnings = envelope.warnings or ()
        match data.result_type:
            case "vector" | "matrix":
                rows = tuple(_row(item) for item in _series.decode(data.result))
                return Answer("vector" if data.result_type == "vector" else "matrix", rows, warnings)
            case "scalar" | "string":
                at, text = _pair.decode(data.result)
                value = float(text) if data.result_type == "scalar" else float("nan")
                kind: Kind = "scalar" if data.result_type == "scalar" else "string"
                return Answer(kind, (Row({}, ((at, value),)),), warnings)
            case other:
                raise Undecodable(f"result type {other!r} is not known")
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        if isinstance(error, Undecodable):
            raise
        raise Undecodable(str(error)) from None


def _row(item: _Series) -> Row:
    # float() reads "NaN", "+Inf" and "-Inf" as Prometheus writes them.
    if item.values is not None:
        points = tuple((at, float(text)) for at, text in item.values)
    elif item.value is not None:
        points = ((item.value[0], float(item.value[1])),)
    else:
        points = ()
    return Row(item.metric, points, item.histogram if item.histogram is not None else item.histograms)
