"""The printed vectors of the facts (1.3, 1.8), exact arithmetic as witness, and ten million errors."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.judge import absolute, ratio
from cockpit.judge.beta import beta_quantile, betainc
from cockpit.judge.detect import plan, requests_needed
from cockpit.judge.dispersion import dispersion
from cockpit.model.evidence import Counts


def counts(c: int, n_c: int, b: int, n_b: int) -> tuple[Counts, Counts]:
    return Counts(c, n_c), Counts(b, n_b)


def exact_betainc(a: int, b: int, x: Fraction) -> float:
    """I_x(a, b) = P(Binomial(a+b-1, x) >= a), in rational numbers."""
    n = a + b - 1
    return float(sum(math.comb(n, j) * x**j * (1 - x) ** (n - j) for j in range(a, n + 1)))


@settings(max_examples=150)
@given(st.integers(1, 120), st.integers(1, 120), st.integers(1, 999))
def test_incomplete_beta_against_rational_arithmetic(a: int, b: int, thousandths: int) -> None:
    x = Fraction(thousandths, 1000)
    assert betainc(a, b, float(x)) == pytest.approx(exact_betainc(a, b, x), abs=3e-13)


@given(st.floats(0.5, 1e4), st.floats(0.5, 1e4), st.floats(1e-6, 1 - 1e-6))
def test_incomplete_beta_is_a_distribution(a: float, b: float, x: float) -> None:
    value = betainc(a, b, x)
    assert 0.0 <= value <= 1.0
    assert value + betainc(b, a, 1.0 - x) == pytest.approx(1.0, abs=1e-9)
    assert value <= betainc(a, b, min(1.0, x * 1.01)) + 1e-12


@given(st.floats(0.5, 2000), st.floats(0.5, 2000), st.floats(0.001, 0.999))
def test_the_quantile_inverts_it(a: float, b: float, p: float) -> None:
    assert betainc(a, b, beta_quantile(p, a, b)) == pytest.approx(p, abs=1e-9)


def test_beta_vectors() -> None:
    assert beta_quantile(0.975, 3.5, 20.5) == pytest.approx(0.3086623662204163, abs=5e-16)
    assert betainc(0.5, 0.5, 0.5) == pytest.approx(0.5, abs=1e-14)
    assert (betainc(2, 3, 0.0), betainc(2, 3, 1.0), beta_quantile(0.0, 2, 3), beta_quantile(1.0, 2, 3)) == (0, 1, 0, 1)
    for bad in ((0, 1, 0.5), (1, 1, 1.5), (1, 1, math.nan)):
        with pytest.raises(ValueError, match="not defined"):
            betainc(*bad)


@pytest.mark.parametrize(
    ("data", "point", "posterior", "jeffreys", "clopper", "p"),
    [
        ((5, 1000, 10, 9000), 4.5, 0.9281, (1.468, 12.643), (1.207, 14.449), 0.12067),
        ((8, 500, 20, 4500), 3.6, 0.9173, (1.531, 7.912), (1.371, 8.533), 0.12145),
        ((30, 1000, 90, 9000), 3.0, 0.9699, (1.964, 4.489), (1.915, 4.580), 0.03839),
        ((12, 1000, 50, 9000), 2.16, 0.6073, (1.117, 3.941), (1.047, 4.114), 0.45629),
        ((0, 300, 3, 2700), 0.0, 0.2524, (0.001, 10.38), (0.0, 21.78), 1.0),
        ((1, 20, 0, 180), math.inf, 0.9651, (1.548, 2.3e4), (0.231, math.inf), 0.18182),
    ],
)
def test_the_table_of_ratios(
    data: tuple[int, int, int, int],
    point: float,
    posterior: float,
    jeffreys: tuple[float, float],
    clopper: tuple[float, float],
    p: float,
) -> None:
    canary, baseline = counts(*data)
    assert ratio.point(canary, baseline) == pytest.approx(point)
    assert ratio.posterior(canary, baseline, 2.0) == pytest.approx(posterior, abs=5e-5)
    found = ratio.jeffreys_interval(canary, baseline)
    assert found is not None
    assert found[0] == pytest.approx(jeffreys[0], abs=5e-4)
    assert found[1] == pytest.approx(jeffreys[1], rel=2e-2 if jeffreys[1] > 1e4 else 5e-4)
    exact = ratio.exact_interval(canary, baseline)
    assert exact is not None
    assert exact[0] == pytest.approx(clopper[0], abs=5e-4)
    assert exact[1] == pytest.approx(clopper[1], rel=5e-4)
    assert ratio.exact_p(canary, baseline, 2.0) == pytest.approx(p, abs=5e-6)


def test_r_poisson_test_documentation_example() -> None:
    canary, baseline = counts(11, 800, 6 + 8 + 7, 1083 + 1050 + 878)
    assert ratio.point(canary, baseline) == pytest.approx(1.971488, abs=5e-7)
    found = ratio.exact_interval(canary, baseline)
    assert found is not None
    assert found == (pytest.approx(0.8584264, abs=5e-8), pytest.approx(4.277266, abs=5e-7))
    # Two-sided p of R: all outcomes that are no likelier than the one seen.
    share = 800 / (800 + 3011)
    mass = [math.comb(32, j) * share**j * (1 - share) ** (32 - j) for j in range(33)]
    assert sum(m for m in mass if m <= mass[11] * (1 + 1e-7)) == pytest.approx(0.07967, abs=5e-6)
    assert ratio.exact_p(canary, baseline, 1.0) == pytest.approx(sum(mass[11:]), abs=1e-12)


@pytest.mark.parametrize(
    ("data", "fisher"), [((5, 1000, 10, 9000), 0.01265), ((8, 500, 20, 4500), 0.00482), ((12, 1000, 50, 9000), 0.01838)]
)
def test_the_conditional_test_stands_beside_fishers(data: tuple[int, int, int, int], fisher: float) -> None:
    """The facts print Fisher's p (hypergeometric); ours is its Poisson limit and slightly larger."""
    c, n_c, b, n_b = data
    whole = math.comb(n_c + n_b, c + b)
    tail = sum(math.comb(n_c, j) * math.comb(n_b, c + b - j) for j in range(c, c + b + 1))
    assert tail / whole == pytest.approx(fisher, abs=5e-6)
    ours = ratio.exact_p(*counts(*data), 1.0)
    assert fisher < ours < fisher * 1.1  # type: ignore[operator]


def test_an_arm_without_requests_says_nothing() -> None:
    nothing = counts(0, 0, 5, 100)
    assert ratio.point(*nothing) is None
    assert ratio.posterior(*nothing, 2.0) is None
    assert ratio.jeffreys_interval(*nothing) is None
    assert ratio.exact_p(*nothing, 2.0) is None
    assert ratio.point(*counts(0, 10, 0, 10)) is None


def test_ten_million_errors_neither_raise_nor_print_infinity() -> None:
    big = counts(10_000_000, 20_000_000, 10_000_000, 40_000_000)
    assert ratio.posterior(*big, 2.0) == pytest.approx(0.5, abs=1e-3)
    low, high = ratio.jeffreys_interval(*big)  # type: ignore[misc]
    assert low < 2.0 < high
    assert high - low < 0.01
    assert 0.49 < absolute.lower(big[0]) < 0.5 < absolute.upper(big[0]) < 0.51


def test_absolute_bounds() -> None:
    assert absolute.upper(Counts(0, 300)) == pytest.approx(0.021174, abs=5e-7)
    assert absolute.upper(Counts(0, 1000)) == pytest.approx(0.0069975, abs=5e-8)
    assert absolute.upper(Counts(5, 1000)) == pytest.approx(0.018004, abs=5e-7)
    assert absolute.upper(Counts(50, 10000)) == pytest.approx(0.0083283, abs=5e-8)
    assert absolute.upper(Counts(0, 0)) == 1.0
    assert absolute.lower(Counts(0, 100)) == 0.0
    assert absolute.lower(Counts(50, 10000)) < 0.005 < absolute.upper(Counts(50, 10000))
    assert absolute.upper(Counts(7, 7)) == 1.0


@pytest.mark.parametrize(("ceiling", "printed"), [(0.05, 118), (0.02, 322), (0.01, 684), (0.005, 1449), (0.001, 8071)])
def test_clean_requests_until_a_ceiling_is_believed(ceiling: float, printed: int) -> None:
    """The facts' search was coarse: the least n by its own formula lies up to 2 % below what it prints."""
    found = absolute.clean_requests_needed(ceiling)
    assert found <= printed <= found * 1.02

    def evidence(n: int) -> float:
        # C(2n, n) / 4^n is B(n + 1/2, 1/2) / B(1/2, 1/2), exactly.
        return float(Fraction(math.comb(2 * n, n), 4**n)) / (1.0 - ceiling) ** n

    assert evidence(found) >= 20.0 > evidence(found - 1)


@pytest.mark.parametrize(
    ("rate", "needed"),
    [(0.01, (249, 52, 1739, 1152)), (0.001, (2486, 525, 17391, 11524)), (0.05, (50, 10, 348, 230))],
)
def test_requests_until_a_regression_shows(rate: float, needed: tuple[int, ...]) -> None:
    assert tuple(round(requests_needed(rate, r, 0.1)) for r in (5, 10, 3, 1)) == needed


def test_time_until_a_regression_shows() -> None:
    assert round(requests_needed(0.01, 5, 0.5)) == 709
    five, three, equal = (plan(0.01, r, 0.1, 3.2) for r in (5, 3, 1))
    assert five.seconds == pytest.approx(1.8 * 60, rel=0.02)
    assert three.seconds == pytest.approx(13 * 60, rel=0.03)
    assert equal.seconds == pytest.approx(8.4 * 60, rel=0.02)
    assert plan(0.0, 5, 0.1, 3.2).seconds is None
    assert plan(0.01, 2, 0.1, 3.2).seconds is None  # at the boundary itself nothing can be told
    assert plan(0.01, 5, 0.1, 0.0).seconds is None
    with pytest.raises(ValueError, match="share"):
        requests_needed(0.01, 5, 1.0)


def test_dispersion() -> None:
    steady = [Counts(1, 100)] * 60
    assert dispersion(steady).phi == 1.0
    bursty = [Counts(30 if step % 30 == 0 else 0, 100) for step in range(60)]
    assert dispersion(bursty).phi == pytest.approx(29.49, abs=0.01)
    assert dispersion(bursty).bursty
    few = dispersion(bursty[:39])
    assert (few.phi, few.known, few.strata) == (1.0, False, 39)
    assert dispersion([Counts(0, 100)] * 60).phi == 1.0
    assert dispersion([Counts()] * 60).strata == 0
