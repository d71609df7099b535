"""Native histograms as the API prints them: ``[ts, {"count", "sum", "buckets": [[rule, left, right, n], ...]}]``."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

_SAME = 1e-9  # relative; edges of different schemas are powers computed on different ways


class Bucket(NamedTuple):
    """``rule``: 0 is (left, right], 1 [left, right), 2 open, 3 closed (the zero bucket)."""

    rule: int
    left: float
    right: float
    observed: float


class Native(NamedTuple):
    """One histogram at one time. Empty buckets are not listed."""

    at: float
    observed: float
    sum: float
    buckets: tuple[Bucket, ...]


def decode(raw: Any) -> Native:
    """From the decoded JSON of one sample. Raises ValueError for anything that is not one."""
    try:
        at, body = raw
        buckets = tuple(
            Bucket(int(rule), float(left), float(right), float(count))
            for rule, left, right, count in body.get("buckets") or ()
        )
        found = Native(float(at), float(body["count"]), float(body["sum"]), buckets)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"not a native histogram: {error}") from None
    if any(bucket.left > bucket.right or bucket.rule not in (0, 1, 2, 3) for bucket in buckets):
        raise ValueError("not a native histogram: a bucket ends before it begins")
    return found._replace(buckets=tuple(sorted(buckets, key=lambda bucket: (bucket.left, bucket.right))))


def edges(*histograms: Native) -> tuple[float, ...]:
    """Upper edges that split no bucket of any of them, +Inf last: where several can be compared.

    With equal schemas these are all their edges; with different ones those of the coarser, since its buckets are pairs
    of the finer's. The zero bucket ends at its own width.
    """
    found: list[float] = []
    for edge in sorted(
        {end for native in histograms for bucket in native.buckets for end in (bucket.left, bucket.right)}
    ):
        if math.isinf(edge) or (found and _equal(found[-1], edge)):
            continue
        if not any(_inside(edge, bucket) for native in histograms for bucket in native.buckets):
            found.append(edge)
    return (*found, math.inf)


def counts(native: Native, onto: tuple[float, ...]) -> list[float]:
    """Observations per bucket on ``onto`` (ascending upper edges from ``edges``)."""
    result = [0.0] * len(onto)
    for bucket in native.buckets:
        index = next(i for i, edge in enumerate(onto) if bucket.right <= edge or _equal(bucket.right, edge))
        result[index] += bucket.observed
    return result


def _inside(edge: float, bucket: Bucket) -> bool:
    strictly = bucket.left < edge < bucket.right
    return strictly and not _equal(edge, bucket.left) and not _equal(edge, bucket.right)


def _equal(one: float, two: float) -> bool:
    return math.isclose(one, two, rel_tol=_SAME)
