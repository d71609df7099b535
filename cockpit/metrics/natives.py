"""Native histograms as the rows of a classic one: cumulative counts on edges that every poll finds again.

A native histogram lists only the buckets that were hit, so its own edges change from scrape to scrape. Fourth roots of
two are bucket ends at every schema from 2 up (facts 1.6): counts on them are exact, and the same edge stays the same
edge. Of a coarser schema those that end no bucket are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from cockpit.judge.native import Native, decode
from cockpit.metrics.answers import Row

EDGES = tuple(2.0 ** (quarter / 4.0) for quarter in range(-40, 29))
"""From 1 ms to 128 s, in seconds; ``scale`` of the preset moves them to the unit that is exposed."""
_SAME = 1e-9  # relative


def classic(rows: Iterable[Row], scale: float) -> Iterator[Row]:
    """Rows as they are, those with native histograms as one row per ``le``. Raises ValueError for an odd histogram."""
    for row in rows:
        if row.histogram is None:
            yield row
            continue
        samples = [decode(raw) for raw in _samples(row.histogram)]
        edges = [edge / scale for edge in EDGES if not any(_splits(edge / scale, each) for each in samples)]
        for edge in (*edges, math.inf):
            points = tuple((each.at, _within(each, edge)) for each in samples)
            yield Row({**row.labels, "le": "+Inf" if math.isinf(edge) else repr(edge)}, points)


def _samples(raw: Any) -> list[Any]:
    """Of a vector one ``[ts, histogram]``, of a matrix a list of them."""
    return [raw] if raw and not isinstance(raw[0], list) else list(raw)


def _splits(edge: float, native: Native) -> bool:
    return any(
        bucket.left < edge < bucket.right
        and not math.isclose(edge, bucket.left, rel_tol=_SAME)
        and not math.isclose(edge, bucket.right, rel_tol=_SAME)
        for bucket in native.buckets
    )


def _within(native: Native, edge: float) -> float:
    if math.isinf(edge):
        return native.observed
    top = edge * (1.0 + _SAME)
    return sum(bucket.observed for bucket in native.buckets if bucket.right <= top)
