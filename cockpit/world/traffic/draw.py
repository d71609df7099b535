"""Random numbers that are functions of a key and a moment, and the count distributions drawn from them."""

from __future__ import annotations

import math
import random
import struct
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from statistics import NormalDist

_UNPACK = struct.Struct(">16I").unpack
_SCALE = 2.0**-32
_HALF = 2.0**-33
_quantile = NormalDist().inv_cdf


class Stream:
    """Uniform numbers of one pod: the same key, moment and purpose always give the same sixteen."""

    __slots__ = ("_key",)

    def __init__(self, key: str) -> None:
        self._key = blake2b(key.encode(), digest_size=32).digest()

    def uniforms(self, moment_ms: int, purpose: int = 0) -> list[float]:
        """Sixteen numbers in (0, 1)."""
        message = moment_ms.to_bytes(8, "big") + purpose.to_bytes(4, "big")
        words = _UNPACK(blake2b(message, key=self._key, digest_size=64).digest())
        return [word * _SCALE + _HALF for word in words]

    def generator(self, moment_ms: int, purpose: int) -> random.Random:
        """A full generator, for the rare draw that needs an unknown number of numbers."""
        message = moment_ms.to_bytes(8, "big") + purpose.to_bytes(4, "big")
        return random.Random(blake2b(message, key=self._key, digest_size=16).digest())


def spread(key: str, period: int) -> int:
    """An offset in [0, period) that belongs to ``key``."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") % period


_TABLE_LIMIT = 60.0
_NORMAL_VARIANCE = 40.0


@lru_cache(maxsize=4096)
def _poisson_table(mean: float) -> Sequence[float]:
    """Cumulative probabilities up to the point where the rest is below 2^-33."""
    term = math.exp(-mean)
    table, reached, count = [term], term, 0
    while reached < 1 - _HALF / 2 and count < 400:
        count += 1
        term *= mean / count
        reached += term
        table.append(reached)
    return tuple(table)


def poisson(mean: float, u: float) -> int:
    """A Poisson count by inversion; above a mean of 60 by the Cornish-Fisher expansion to second order."""
    if mean <= 0:
        return 0
    if mean < _TABLE_LIMIT:
        table = _poisson_table(mean)
        return min(bisect_left(table, u), len(table) - 1)
    z = _quantile(u)
    return max(0, math.floor(mean + math.sqrt(mean) * z + (z * z - 1) / 6 + 0.5))


@lru_cache(maxsize=16384)
def _binomial_table(n: int, p: float) -> Sequence[float]:
    q = 1 - p
    term = q**n
    table, reached = [term], term
    for k in range(1, n + 1):
        term *= (n - k + 1) / k * (p / q)
        reached += term
        table.append(reached)
        if reached > 1 - _HALF / 2:
            break
    return tuple(table)


def binomial(n: int, p: float, u: float) -> int:
    """A binomial count by inversion; normal with second-order correction when n p q is large."""
    if n <= 0 or p <= 0:
        return 0
    if p >= 1:
        return n
    if p > 0.5:
        return n - binomial(n, 1 - p, 1 - u)
    variance = n * p * (1 - p)
    if variance < _NORMAL_VARIANCE:
        table = _binomial_table(n, p)
        return min(bisect_left(table, u), len(table) - 1)
    z = _quantile(u)
    drawn = math.floor(n * p + math.sqrt(variance) * z + (1 - 2 * p) * (z * z - 1) / 6 + 0.5)
    return min(n, max(0, drawn))
