"""Latency as counts, native histograms, saturation and burn: printed vectors and edge cases."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.judge import burn, latency, native, saturation
from cockpit.model.evidence import Counts

EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, math.inf)
BASELINE = (10, 40, 120, 300, 250, 180, 60, 30, 8, 2, 0)


def test_the_printed_effect_size() -> None:
    found = latency.slower([5, 10, 40, 20, 5], [60, 150, 300, 80, 10])
    assert found is not None
    assert found.theta == pytest.approx(0.6223958, abs=5e-8)
    assert found.z == pytest.approx(3.843114, abs=5e-7)
    assert found.p == pytest.approx(6.074149e-5, abs=5e-12)


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4), st.lists(st.integers(0, 50), min_size=4, max_size=4))
def test_effect_size_by_its_definition(one: list[int], two: list[int]) -> None:
    found = latency.slower(one, two)
    pairs = sum(one) * sum(two)
    if found is None:
        assert pairs == 0 or sum(1 for a, b in zip(one, two, strict=True) if a + b) == 1
        return
    wins = sum(
        mine * theirs * (1.0 if i > j else 0.5 if i == j else 0.0)
        for i, mine in enumerate(one)
        for j, theirs in enumerate(two)
    )
    assert found.theta == pytest.approx(wins / pairs)
    mirrored = latency.slower(two, one)
    assert mirrored is not None
    assert mirrored.theta == pytest.approx(1.0 - found.theta)


def test_identical_and_disjoint() -> None:
    assert latency.slower([1, 2, 3], [1, 2, 3]).theta == pytest.approx(0.5)  # type: ignore[union-attr]
    assert latency.slower([9, 0], [0, 9]).theta == 0.0  # type: ignore[union-attr]
    assert latency.slower([0, 9], [9, 0]).theta == 1.0  # type: ignore[union-attr]
    assert latency.slower([0], [5]) is None


def test_exceedance_of_a_frozen_edge() -> None:
    assert latency.nearest_edge(EDGES, 0.6) == 0.5
    assert latency.nearest_edge(EDGES, 1000.0) == 5
    edge = latency.quantile_edge(0.95, EDGES, BASELINE)
    assert edge == 0.5
    assert latency.exceedance(EDGES, BASELINE, edge) == Counts(40, 1000)
    with pytest.raises(ValueError, match=r"no bucket ends at 0.3 s"):
        latency.exceedance(EDGES, BASELINE, 0.3)
    with pytest.raises(ValueError, match="threshold"):
        latency.nearest_edge((math.inf,), 0.3)
    assert latency.quantile_edge(0.95, (0.1, math.inf), (1, 99)) is None


def test_the_edge_to_freeze_is_the_one_whose_exceedance_is_nearest() -> None:
    # The quantile lies in (0.25, 1]: 8 % are slower than 0.25 s, and only one in a thousand is slower than 1 s.
    assert latency.quantile_edge(0.95, (0.1, 0.25, 1.0, math.inf), (500, 420, 79, 1)) == 0.25
    assert latency.quantile_edge(0.95, (0.1, 0.25, 1.0, math.inf), (500, 420, 30, 50)) == 1.0
    assert latency.quantile_edge(0.95, (0.1, math.inf), (100, 0)) is None  # nothing is slower than any finite edge


RAW = [
    1795210066.05,
    {"count": "12", "sum": "3.5", "buckets": [[0, "1", "2", "5"], [3, "-0.001", "0.001", "2"], [0, "0.5", "1", "5"]]},
]


def test_native_histograms_decode_sorted_with_their_zero_bucket() -> None:
    found = native.decode(RAW)
    assert (found.observed, found.sum) == (12.0, 3.5)
    assert found.buckets[0] == native.Bucket(3, -0.001, 0.001, 2.0)
    onto = native.edges(found)
    assert onto == (-0.001, 0.001, 0.5, 1.0, 2.0, math.inf)
    assert native.counts(found, onto) == [0, 2, 0, 5, 5, 0]


def test_native_histograms_of_two_schemas_meet_on_the_coarser() -> None:
    fine = native.decode(
        [0, {"count": "6", "sum": "1", "buckets": [[0, "1", "1.41421356", "1"], [0, "1.41421356", "2", "5"]]}]
    )
    coarse = native.decode([0, {"count": "4", "sum": "1", "buckets": [[0, "1", "2", "3"], [0, "2", "4", "1"]]}])
    onto = native.edges(fine, coarse)
    assert onto == (1.0, 2.0, 4.0, math.inf)
    assert native.counts(fine, onto) == [0, 6, 0, 0]
    assert native.counts(coarse, onto) == [0, 3, 1, 0]


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        [1],
        [1, "x"],
        [1, {"count": "x", "sum": "1"}],
        [1, {"sum": "1"}],
        [1, {"count": "1", "sum": "1", "buckets": [[0, "2", "1", "1"]]}],
        [1, {"count": "1", "sum": "1", "buckets": [[9, "1", "2", "1"]]}],
        [1, {"count": "1", "sum": "1", "buckets": [[0, "1", "2"]]}],
    ],
)
def test_what_is_no_native_histogram_is_refused(raw: object) -> None:
    with pytest.raises(ValueError, match="not a native histogram"):
        native.decode(raw)


def test_saturation_needs_three_polls_to_enter_and_three_to_leave() -> None:
    def walk(*ratios: float | None) -> list[bool]:
        gauge, seen = saturation.Gauge(), []
        for value in ratios:
            gauge = saturation.update(gauge, value)
            seen.append(gauge.saturated)
        return seen

    assert walk(0.95, 0.95, 0.85, 0.95, 0.95, 0.95) == [False] * 5 + [True]
    assert walk(0.95, 0.95, None, 0.95, 0.95) == [False] * 5
    assert walk(0.95, 0.95, 0.95, 0.85, 0.79, 0.79, None, 0.79, 0.79, 0.79)[2:] == [True] * 7 + [False]


def test_saturation_beside_the_baseline() -> None:
    assert saturation.worse_than_baseline(0.8, 0.4)
    assert not saturation.worse_than_baseline(0.45, 0.1)
    assert not saturation.worse_than_baseline(0.8, 0.7)
    assert not saturation.worse_than_baseline(None, 0.1)


def test_time_to_the_memory_limit() -> None:
    points = [(15.0 * step, 100e6 + 1e5 * 15.0 * step) for step in range(41)]
    assert saturation.seconds_to_limit(points, 220e6) == pytest.approx(600.0)
    assert saturation.seconds_to_limit(points[:20], 220e6) is None
    assert saturation.seconds_to_limit([(at, 5.0) for at, _ in points], 220e6) is None
    assert saturation.seconds_to_limit(points, 150e6) == 0.0


def test_burn_numbers_of_the_workbook() -> None:
    month = 30 * 86_400.0
    assert burn.burn_rate(Counts(144, 10_000), 0.999) == pytest.approx(14.4)
    assert burn.burn_rate(Counts(0, 0), 0.999) is None
    hours = [burn.exhausted_in(rule.factor, month) / 3600 for rule in burn.RULES]  # type: ignore[operator]
    assert hours == pytest.approx([50, 120, 240, 720])
    assert burn.exhausted_in(10.0, month) == pytest.approx(72 * 3600)
    assert burn.exhausted_in(10.0, month, remaining=0.5) == pytest.approx(36 * 3600)
    assert burn.exhausted_in(0.0, month) is None
    assert burn.spent(10.0, 3600, month) == pytest.approx(0.01389, abs=5e-6)
    for rule in burn.RULES:
        assert burn.spent(rule.factor, rule.long, month) == pytest.approx(rule.spends)
    assert burn.detected_after(burn.RULES[0], 1.0, 0.999) == pytest.approx(51.84)
    assert burn.detected_after(burn.RULES[0], 0.001, 0.999) is None
    one_of_ten = burn.burn_rate(Counts(1, 10), 0.999)
    assert one_of_ten == pytest.approx(100.0)
    assert burn.spent(100.0, 3600, month) == pytest.approx(0.139, abs=5e-4)
    assert burn.least_events(0.999) == 10_000


def test_rules_need_both_windows_and_five_bad_events() -> None:
    rule = burn.RULES[0]
    assert burn.fires(rule, Counts(50, 1000), Counts(5, 100), 0.999)
    assert not burn.fires(rule, Counts(50, 1000), Counts(0, 100), 0.999)
    assert not burn.fires(rule, Counts(4, 80), Counts(4, 80), 0.999)
    assert not burn.fires(rule, Counts(50, 1000), Counts(0, 0), 0.999)


def test_excess_counts_only_what_the_baseline_does_not_explain() -> None:
    found = burn.excess(Counts(50, 1000), Counts(90, 9000))
    assert found is not None
    assert found.errors == pytest.approx(40.0)
    assert found.low < 40.0 < found.high
    assert found.of_budget(0.999, 4_000_000) == pytest.approx(0.01)
    assert found.of_budget(0.999, 0) is None
    shared = burn.excess(Counts(100, 1000), Counts(900, 9000))
    assert shared is not None
    assert shared.low < 0.0 < shared.high
    assert burn.excess(Counts(5, 10), Counts(0, 0)) is None
