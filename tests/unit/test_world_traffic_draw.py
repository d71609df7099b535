"""The distributions that counts are drawn from: exact where they are small, close where they are large."""

from __future__ import annotations

import math
import random

import pytest

from cockpit.world.traffic.draw import Stream, binomial, poisson, spread


def moments(values: list[int]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    return mean, sum((value - mean) ** 2 for value in values) / len(values)


@pytest.mark.parametrize("mean", [0.02, 1.0, 17.5, 59.0, 61.0, 900.0])
def test_poisson_has_its_mean_and_variance(mean: float) -> None:
    rng = random.Random(1)
    n = 20_000
    got_mean, got_variance = moments([poisson(mean, rng.random()) for _ in range(n)])
    assert abs(got_mean - mean) < 5 * math.sqrt(mean / n)
    assert got_variance == pytest.approx(mean, rel=0.06, abs=0.005)


@pytest.mark.parametrize(("n", "p"), [(10, 0.3), (10, 0.9), (200, 0.01), (400, 0.5), (5000, 0.55), (3, 1.0)])
def test_binomial_has_its_mean_and_variance(n: int, p: float) -> None:
    rng = random.Random(2)
    draws = [binomial(n, p, rng.random()) for _ in range(20_000)]
    mean, variance = moments(draws)
    expected = n * p * (1 - p)
    assert 0 <= min(draws) <= max(draws) <= n
    assert abs(mean - n * p) < 5 * math.sqrt(expected / len(draws)) + 1e-9
    assert variance == pytest.approx(expected, rel=0.06, abs=0.005)


@pytest.mark.parametrize("mean", [5.0, 59.9, 300.0])
def test_counts_grow_with_the_number_they_are_drawn_from(mean: float) -> None:
    counts = [poisson(mean, u / 1000) for u in range(1, 1000)]
    assert counts == sorted(counts)
    assert poisson(mean, 1 - 2**-33) < 2 * mean + 40


def test_degenerate_cases() -> None:
    assert poisson(0.0, 0.5) == 0
    assert binomial(0, 0.5, 0.5) == 0
    assert binomial(7, 0.0, 0.5) == 0
    assert binomial(7, 1.0, 0.5) == 7


def test_a_stream_is_a_function_of_key_moment_and_purpose() -> None:
    stream = Stream("1/shop/web")
    assert stream.uniforms(5) == Stream("1/shop/web").uniforms(5)
    others = (stream.uniforms(6), stream.uniforms(5, 1), Stream("2/shop/web").uniforms(5))
    assert all(other != stream.uniforms(5) for other in others)
    assert all(0 < u < 1 for u in stream.uniforms(5))
    assert stream.generator(5, 2).random() == stream.generator(5, 2).random()


def test_offsets_are_spread_over_the_period() -> None:
    offsets = [spread(f"pod-{index}", 15_000) for index in range(500)]
    assert 0 <= min(offsets) < 300
    assert 14_700 < max(offsets) < 15_000
