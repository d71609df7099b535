"""Increments of raw counters: births, first errors, resets, gaps, partial sums (facts 3.0 and its corrections)."""

from __future__ import annotations

import math
import random

from cockpit.metrics.counters import Counters, Pod, Series

A: Pod = ("shop", "web-a")
B: Pod = ("shop", "web-b")


def born_after(_: Pod, __: float) -> bool:
    return False


def been_there(_: Pod, __: float) -> bool:
    return True


def series(pod: Pod, code: str, *points: tuple[float, float]) -> Series[str]:
    return Series(pod, (pod, code), points, code)


def grown(counters: Counters, batch: list[Series[str]], after: float, preexisting=born_after, witness=frozenset()):  # type: ignore[no-untyped-def]
    return [(item.tag, item.at, item.value) for item in counters.increments(batch, after, preexisting, witness)]


def test_a_pod_that_was_there_before_is_a_reference() -> None:
    counters = Counters()
    assert grown(counters, [series(A, "200", (0, 1000), (15, 1010))], -15, been_there) == [("200", 15, 10)]


def test_a_pod_born_within_the_evidence_counts_in_full() -> None:
    counters = Counters()
    assert grown(counters, [series(A, "200", (15, 7), (30, 9))], 0) == [("200", 15, 7), ("200", 30, 2)]


def test_the_first_error_series_of_a_known_pod_counts_in_full() -> None:
    """``increase()`` says 0 here, then 1.125 (facts 3.0): a canary's first error would be lost."""
    counters = Counters()
    grown(counters, [series(A, "200", (0, 1000))], -15, been_there)
    batch = [series(A, "200", (15, 1010), (30, 1020)), series(A, "500", (15, 1), (30, 2))]
    assert grown(counters, batch, 0, been_there) == [("200", 15, 10), ("200", 30, 10), ("500", 15, 1), ("500", 30, 1)]


def test_a_new_series_in_the_batch_that_first_shows_the_pod_counts_from_the_pods_first_sight() -> None:
    counters = Counters()
    batch = [series(A, "500", (30, 1)), series(A, "200", (15, 1000), (30, 1010))]
    assert grown(counters, batch, 0, been_there) == [("500", 30, 1), ("200", 30, 10)]


def test_a_restart_seen_on_one_series_counts_every_other_of_its_process_in_full() -> None:
    """After a crash ``code="500"`` may already stand at, or beyond, what it was before: no fall tells of it."""
    counters = Counters()

    def of(code: str, *points: tuple[float, float], process: str = "app") -> Series[str]:
        return Series(A, (A, process, code), points, f"{process} {code}", process)

    grown(
        counters, [of("200", (15, 900)), of("500", (15, 2)), of("503", (15, 1)), of("200", (15, 5), process="side")], 0
    )
    batch = [
        of("200", (30, 40), (45, 80)),
        of("500", (30, 2), (45, 3)),  # as many as before
        of("503", (45, 4)),  # not there at the first scrape after the restart
        of("200", (30, 9), (45, 12), process="side"),  # somebody else, who did not restart
    ]
    assert sorted(grown(counters, batch, 15)) == [
        ("app 200", 30, 40),
        ("app 200", 45, 40),
        ("app 500", 30, 2),
        ("app 500", 45, 1),
        ("app 503", 45, 4),
        ("side 200", 30, 4),
        ("side 200", 45, 3),
    ]


def test_a_late_series_that_fell_tells_of_the_same_restart_not_of_another() -> None:
    counters = Counters()

    def of(code: str, *points: tuple[float, float]) -> Series[str]:
        return Series(A, (A, code), points, code, "app")

    grown(counters, [of("200", (15, 900)), of("404", (15, 9))], 0)
    batch = [of("200", (30, 40), (45, 80), (60, 120)), of("404", (60, 1))]
    assert sorted(grown(counters, batch, 15)) == [("200", 30, 40), ("200", 45, 40), ("200", 60, 40), ("404", 60, 1)]


def test_a_restart_is_remembered_for_series_that_appear_in_a_later_batch() -> None:
    counters = Counters()

    def of(code: str, *points: tuple[float, float]) -> Series[str]:
        return Series(A, (A, code), points, code, "app")

    grown(counters, [of("200", (15, 900)), of("500", (15, 2))], 0)
    assert grown(counters, [of("200", (30, 40))], 15) == [("200", 30, 40)]
    assert grown(counters, [of("200", (45, 50)), of("500", (45, 3))], 30) == [("200", 45, 10), ("500", 45, 3)]
    assert grown(counters, [of("200", (60, 60)), of("500", (60, 4))], 45) == [("200", 60, 10), ("500", 60, 1)]


def test_a_reset_counts_in_full_and_is_reported() -> None:
    counters = Counters()
    assert grown(counters, [series(A, "200", (15, 50), (30, 3), (45, 8))], 0) == [
        ("200", 15, 50),
        ("200", 30, 3),
        ("200", 45, 5),
    ]
    assert counters.resets == {(A, 30)}


def test_a_gap_takes_nothing_and_the_rest_comes_when_the_series_returns() -> None:
    counters = Counters()
    grown(counters, [series(A, "200", (15, 50))], 0)
    assert grown(counters, [], 15) == []
    assert grown(counters, [series(A, "200", (45, 80))], 30) == [("200", 45, 30)]


def test_a_partial_drop_of_a_sum_is_no_reset() -> None:
    counters = Counters(sums=True)
    grown(counters, [series(A, "le", (15, 1000))], 0)
    assert grown(counters, [series(A, "le", (30, 700), (45, 705))], 15) == [("le", 45, 5)]


def test_a_sum_falls_with_a_restart_when_the_pod_is_seen_to_restart() -> None:
    counters = Counters(sums=True)
    grown(counters, [series(A, "le", (15, 1000))], 0)
    assert grown(counters, [series(A, "le", (30, 4))], 15, witness={(A, 30.0)}) == [("le", 30, 4)]
    assert grown(counters, [series(A, "le", (45, 2))], 30, witness={(B, 45.0)}) == []


def test_nan_and_infinity_are_no_counts() -> None:
    counters = Counters()
    batch = [series(A, "200", (15, math.nan), (30, 5), (45, math.inf), (60, 6))]
    assert grown(counters, batch, 0) == [("200", 30, 5), ("200", 60, 1)]


def test_splitting_polls_changes_nothing() -> None:
    """However the grid is cut into batches, the same points give the same increments."""
    rng = random.Random(7)
    points: dict[str, list[tuple[float, float]]] = {"200": [], "500": []}
    for code, row in points.items():
        value = 0.0
        for step in range(1, 60):
            value = 0.0 if rng.random() < 0.05 else value + rng.randrange(20)
            if rng.random() < 0.9 and (code == "200" or step > 20):
                row.append((15.0 * step, value))
    whole = Counters()
    expected = sorted(grown(whole, [series(A, code, *row) for code, row in points.items()], 0))
    for cuts in ([300.0], [15.0, 30.0, 450.0], [15.0 * step for step in range(1, 60)]):
        counters, found, after = Counters(), [], 0.0
        for end in [*cuts, 900.0]:
            part = [series(A, c, *(p for p in row if after < p[0] <= end)) for c, row in points.items()]
            found += grown(counters, [item for item in part if item.points], after)
            after = end
        assert sorted(found) == expected


def test_counters_beyond_float_noise_stay_integers() -> None:
    counters = Counters()
    found = grown(counters, [series(A, "200", (15, 1e7), (30, 1e7 + 3))], 0)
    assert found == [("200", 15, 10_000_000), ("200", 30, 3)]
