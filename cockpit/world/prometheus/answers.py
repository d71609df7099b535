"""Results as the HTTP API of 2.42 writes them."""

from __future__ import annotations

import msgspec

from cockpit.world.prometheus.labels import Labels
from cockpit.world.prometheus.numbers import plain, sample_text
from cockpit.world.prometheus.series import Result, Series

_encode = msgspec.json.encode


def success(data: str, warnings: list[str] | None = None) -> bytes:
    """``data`` is JSON already."""
    extra = f',"warnings":{_encode(warnings).decode()}' if warnings else ""
    return f'{{"status":"success","data":{data}{extra}}}'.encode()


def failure(kind: str, message: str) -> bytes:
    return _encode({"status": "error", "errorType": kind, "error": message})


def data(value: object) -> str:
    return _encode(value).decode()


def query_data(result: Result, now: int) -> str:
    """The ``data`` of a query or query_range answer; ``now`` is the evaluation time in ms."""
    value = result.value
    if isinstance(value, float):
        body = f'[{_scalar_time(now)},"{plain(value)}"]'
    elif isinstance(value, str):
        body = f"[{_scalar_time(now)},{data(value)}]"
    elif result.kind == "vector":
        stamp = stamp_text(now)
        body = "[" + ",".join(_vector_row(row, stamp) for row in value) + "]"
    else:
        body = "[" + ",".join(_matrix_row(row) for row in value if isinstance(row, Series)) + "]"
    return f'{{"resultType":"{result.kind}","result":{body}}}'


def _vector_row(row: Series | tuple[Labels, float], stamp: str) -> str:
    labels, value = row[0], row[-1]
    return f'{{"metric":{metric(labels)},"value":[{stamp},"{sample_text(float(value))}"]}}'  # type: ignore[arg-type]


def _matrix_row(series: Series) -> str:
    points = ",".join(
        f'[{stamp_text(stamp)},"{sample_text(value)}"]'
        for stamp, value in zip(series.stamps, series.values, strict=True)
    )
    return f'{{"metric":{metric(series.labels)},"values":[{points}]}}'


def metric(labels: Labels) -> str:
    return data(dict(labels))


def stamp_text(stamp: int) -> str:
    """Milliseconds as seconds, with three decimals when it is not whole."""
    seconds, rest = divmod(stamp, 1000)
    return f"{seconds}.{rest:03d}" if rest else str(seconds)


def _scalar_time(stamp: int) -> str:
    return plain(stamp / 1000)
