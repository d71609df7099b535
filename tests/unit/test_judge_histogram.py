"""Quantiles of histograms: the printed vectors, least sample sizes, and agreement with the definition."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.judge.histogram import common_edges, increments, needed, quantile, rebin

EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, math.inf)
COUNTS = (10, 40, 120, 300, 250, 180, 60, 30, 8, 2, 0)


def test_the_printed_vectors() -> None:
    p95 = quantile(0.95, EDGES, COUNTS)
    p99 = quantile(0.99, EDGES, COUNTS)
    assert p95 is not None
    assert p99 is not None
    assert round(p95.value, 4) == 0.4583
    assert (p95.low, p95.high) == (0.25, 1.0)
    assert p99.value == 1.0
    assert (p99.low, p99.high) == (0.5, 2.5)


def test_least_sample_sizes() -> None:
    assert [needed(q) for q in (0.5, 0.9, 0.95, 0.99, 0.999)] == [5, 29, 59, 299, 2995]


def test_the_top_bucket_gives_a_lower_bound() -> None:
    found = quantile(0.99, (0.1, 10.0, math.inf), (5, 5, 90))
    assert found is not None
    assert (found.value, found.high, found.top) == (10.0, None, True)


def test_odd_histograms() -> None:
    assert quantile(0.5, (0.1, math.inf), (0, 0)) is None
    assert quantile(0.5, (math.inf,), (5,)) is None
    with pytest.raises(ValueError, match="Inf"):
        quantile(0.5, (0.1, 0.2), (1, 1))
    with pytest.raises(ValueError, match="grow"):
        quantile(0.5, (0.2, 0.1, math.inf), (1, 1, 1))


def test_cumulative_counts_become_counts_per_bucket() -> None:
    assert increments([1, 3, 3, 10]) == [1, 2, 0, 7]
    assert increments([5, 3, 6]) == [5, 0, 1]  # a dip between buckets scraped apart


def test_changed_buckets_meet_on_common_edges() -> None:
    shared = common_edges((0.1, 0.5, 1.0, math.inf), (0.1, 1.0, 2.0, math.inf))
    assert shared == (0.1, 1.0, math.inf)
    assert rebin((0.1, 0.5, 1.0, math.inf), (1, 2, 3, 4), shared) == [1, 5, 4]
    assert rebin((0.1, 1.0, 2.0, math.inf), (1, 2, 3, 4), shared) == [1, 2, 7]
    with pytest.raises(ValueError, match="merge"):
        rebin((0.1, math.inf), (1, 2), (0.2, math.inf))


@given(st.lists(st.integers(0, 1000), min_size=11, max_size=11), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_point_lies_in_its_interval_and_the_counts_agree(counts: list[int], q: float) -> None:
    found = quantile(q, EDGES, counts)
    if sum(counts) == 0:
        assert found is None
        return
    assert found is not None
    assert found.low <= found.value
    assert found.high is None or found.value <= found.high
    if not found.top:
        at_most = sum(count for edge, count in zip(EDGES, counts, strict=True) if edge < found.value)
        assert at_most <= q * sum(counts) + 1e-9
