"""What passes between the engine, its source of series and its caller."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan
from typing import NamedTuple, Protocol

from cockpit.world.prometheus.aggregate import Vector
from cockpit.world.prometheus.labels import Labels, Selection


class ExecutionError(ValueError):
    """The expression is well formed but cannot be evaluated; HTTP 422."""


class Series(NamedTuple):
    """Samples of one series in ascending order of time (ms). A value of NaN is a stale marker."""

    labels: Labels
    stamps: Sequence[int]
    values: Sequence[float]


class Source(Protocol):
    """Where series come from. ``select`` may yield None as a pause, to let others run in between."""

    def select(self, selection: Selection, start: int, end: int) -> Iterable[Series | None]: ...

    def label_sets(self, selection: Selection, start: int, end: int) -> Iterable[Labels | None]:
        """Those of ``select``, where samples are not wanted."""


class Result(NamedTuple):
    """``kind`` is vector, scalar, string or matrix; ``value`` a Vector, float, str or list of Series."""

    kind: str
    value: Vector | float | str | list[Series]


def without_stale(series: Series) -> Series:
    """The series without its stale markers, as range selectors see it."""
    values = series.values
    if all(not isnan(value) for value in values):
        return series
    kept = [index for index, value in enumerate(values) if not isnan(value)]
    return Series(series.labels, [series.stamps[i] for i in kept], [values[i] for i in kept])
