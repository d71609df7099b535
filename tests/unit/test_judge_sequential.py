"""The e-processes: printed vectors, invariances, error control under peeking, and numbers beyond any float."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.judge.sequential import CAP, Mixture, once, shown, threshold, update
from cockpit.model.evidence import Counts


def e_abort(c: int, n_c: int, b: int, n_b: int) -> float:
    return math.exp(once(Counts(c, n_c), Counts(b, n_b), 2.0).log_abort)


def e_advance(c: int, n_c: int, b: int, n_b: int) -> float:
    return math.exp(once(Counts(c, n_c), Counts(b, n_b), 2.0).log_advance)


def test_the_printed_vectors() -> None:
    assert e_abort(8, 500, 20, 4500) == pytest.approx(0.6797, abs=5e-5)
    assert e_abort(30, 1000, 90, 9000) == pytest.approx(0.8322, abs=5e-5)
    assert e_abort(1, 20, 0, 180) == pytest.approx(2.9955, abs=5e-5)
    assert e_abort(2, 20, 0, 180) == pytest.approx(10.389, abs=5e-4)
    assert e_abort(3, 20, 0, 180) == pytest.approx(39.451, abs=5e-4)
    assert e_abort(5, 20, 0, 180) == pytest.approx(656.71, abs=5e-3)
    assert e_advance(10, 1000, 90, 9000) == pytest.approx(3.2668, abs=5e-5)
    assert e_advance(50, 5000, 450, 45000) == pytest.approx(48051.4, abs=0.05)
    assert e_advance(0, 1000, 90, 9000) == pytest.approx(8.63e6, rel=5e-4)


def test_no_errors_no_evidence() -> None:
    mixture = Mixture(2.0)
    for _ in range(100):
        mixture = update(mixture, Counts(0, 1000), Counts(0, 9000))
    assert mixture == Mixture(2.0)
    assert mixture.log_abort == mixture.log_advance == 0.0


_stratum = st.tuples(st.integers(0, 5), st.integers(5, 200), st.integers(0, 20), st.integers(20, 2000))


@given(st.lists(_stratum, min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_strata_does_not_matter(strata: list[tuple[int, int, int, int]], rng: random.Random) -> None:
    def fold(rows: list[tuple[int, int, int, int]]) -> Mixture:
        mixture = Mixture(2.0)
        for c, n_c, b, n_b in rows:
            mixture = update(mixture, Counts(c, n_c), Counts(b, n_b), phi=1.5)
        return mixture

    shuffled = strata[:]
    rng.shuffle(shuffled)
    assert fold(strata).log_abort == pytest.approx(fold(shuffled).log_abort, abs=1e-9)
    assert fold(strata).log_advance == pytest.approx(fold(shuffled).log_advance, abs=1e-9)


@given(_stratum, st.integers(1, 1000))
def test_scaling_the_traffic_of_both_arms_changes_nothing(row: tuple[int, int, int, int], times: int) -> None:
    c, n_c, b, n_b = row
    one = once(Counts(c, n_c), Counts(b, n_b), 2.0)
    many = once(Counts(c, n_c * times), Counts(b, n_b * times), 2.0)
    assert one.log_abort == pytest.approx(many.log_abort, abs=1e-9)
    assert one.log_advance == pytest.approx(many.log_advance, abs=1e-9)


def test_a_stratum_with_one_silent_arm_waits_for_its_neighbour() -> None:
    alone = update(Mixture(2.0), Counts(0, 0), Counts(3, 100))
    assert (alone.log_abort, alone.baseline) == (0.0, Counts(3, 100))
    merged = update(alone, Counts(2, 20), Counts(1, 100))
    assert merged == once(Counts(2, 20), Counts(4, 200), 2.0)


def test_steps_of_the_weight_make_no_paradox() -> None:
    """Equal rates at 5, 20 and 50 % while the common level rises: summed counts would cry wolf, strata do not."""
    mixture = Mixture(2.0)
    for share, level in ((0.05, 0.001), (0.20, 0.01), (0.50, 0.08)):
        n_c, n_b = round(share * 10_000), round((1 - share) * 10_000)
        mixture = update(mixture, Counts(round(n_c * level), n_c), Counts(round(n_b * level), n_b))
    assert mixture.log_abort < 0
    assert mixture.log_advance > threshold(0.05)


def test_tempering_discounts() -> None:
    plain, tempered = (once(Counts(20, 1000), Counts(18, 9000), 2.0, phi) for phi in (1.0, 4.0))
    assert 0 < tempered.log_abort < plain.log_abort
    assert once(Counts(20, 1000), Counts(18, 9000), 2.0, 0.2) == plain  # never sharpens


@pytest.mark.parametrize(
    "data", [(4053, 9000, 4051, 81_000), (10**7, 2 * 10**7, 1, 10**9), (1, 10**9, 10**7, 2 * 10**7)]
)
def test_evidence_beyond_any_float_stays_a_number(data: tuple[int, int, int, int]) -> None:
    mixture = once(Counts(*data[:2]), Counts(*data[2:]), 2.0)
    assert math.isfinite(mixture.log_abort)
    assert math.isfinite(mixture.log_advance)
    for value in (shown(mixture.log_abort), shown(mixture.log_advance)):
        assert 0.0 <= value <= CAP
        json.dumps(value, allow_nan=False)


def test_thresholds() -> None:
    assert threshold(0.05) == pytest.approx(math.log(20))
    assert threshold(0.05, tests=3) == pytest.approx(math.log(60))


def test_error_control_at_the_boundary_and_detection_beyond_it() -> None:
    """Looked at every 15 s for half an hour: a true ratio of 2 crosses 20 in at most 5 % of runs, 5x nearly always."""

    def crossed(true_ratio: float, runs: int, seed: int) -> tuple[int, int]:
        rng = random.Random(seed)
        abort = advance = 0
        for _ in range(runs):
            mixture, seen = Mixture(2.0), [False, False]
            for _ in range(120):
                c, b = _poisson(rng, 75 * 0.01 * true_ratio), _poisson(rng, 675 * 0.01)
                mixture = update(mixture, Counts(c, 75), Counts(b, 675))
                seen[0] |= mixture.log_abort >= threshold(0.05)
                seen[1] |= mixture.log_advance >= threshold(0.05)
            abort += seen[0]
            advance += seen[1]
        return abort, advance

    abort, advance = crossed(2.0, 160, 1)
    assert abort <= 8
    assert advance <= 8
    assert crossed(1.0, 40, 2)[0] == 0
    assert crossed(5.0, 40, 3)[0] >= 39


def _poisson(rng: random.Random, mean: float) -> int:
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
