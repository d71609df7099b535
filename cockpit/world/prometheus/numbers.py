"""Floating point as Go does it: NaN and Inf where Python raises, compensated sums, printing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from math import isnan

NAN = math.nan
INF = math.inf


def divide(left: float, right: float) -> float:
    if right != 0:
        return left / right
    if isnan(left) or left == 0 or isnan(right):
        return NAN
    return math.copysign(INF, left) * math.copysign(1.0, right)


def modulo(left: float, right: float) -> float:
    try:
        return math.fmod(left, right)
    except ValueError:
        return NAN


def power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        odd = math.fmod(right, 2.0) != 0 and right == math.floor(right)
        return -INF if left < 0 and odd else INF
    except ValueError:
        if left == 0:  # 0 to a negative power
            odd = math.fmod(right, 2.0) != 0 and right == math.floor(right)
            return math.copysign(INF, left) if odd else INF
        return NAN


def total(function: Callable[[float], float]) -> Callable[[float], float]:
    """``function`` made total: NaN outside its domain, Inf on overflow."""

    def wrapped(value: float) -> float:
        try:
            return function(value)
        except ValueError:
            return NAN
        except OverflowError:
            return INF if value > 0 or function is math.cosh else -INF

    return wrapped


def logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    def wrapped(value: float) -> float:
        if value == 0:
            return -INF
        return function(value) if value > 0 else NAN

    return wrapped


def rounded(function: Callable[[float], int]) -> Callable[[float], float]:
    def wrapped(value: float) -> float:
        return float(function(value)) if math.isfinite(value) else value

    return wrapped


def sign(value: float) -> float:
    return -1.0 if value < 0 else 1.0 if value > 0 else value


def smaller(left: float, right: float) -> float:
    """Go's Min: NaN if either is, save that minus infinity wins even then."""
    if -INF in (left, right):
        return -INF
    return NAN if isnan(left) or isnan(right) else min(left, right)


def larger(left: float, right: float) -> float:
    """Go's Max: NaN if either is, save that infinity wins even then."""
    if INF in (left, right):
        return INF
    return NAN if isnan(left) or isnan(right) else max(left, right)


def atanh(value: float) -> float:
    if abs(value) == 1:
        return math.copysign(INF, value)
    return math.atanh(value) if abs(value) < 1 else NAN


class Sum:
    """Neumaier's compensated sum, the one behind sum_over_time and avg_over_time."""

    __slots__ = ("carry", "value")

    def __init__(self) -> None:
        self.value = 0.0
        self.carry = 0.0

    def add(self, item: float) -> None:
        reached = self.value + item
        if abs(self.value) >= abs(item):
            self.carry += (self.value - reached) + item
        else:
            self.carry += (item - reached) + self.value
        self.value = reached

    def result(self) -> float:
        return self.value if math.isinf(self.value) else self.value + self.carry


def quantile(q: float, values: Iterable[float]) -> float:
    """The phi-quantile by linear interpolation between ranks; NaN sorts first, as Prometheus has it."""
    ordered = sorted(values, key=lambda value: (not isnan(value), value))
    if not ordered or isnan(q):
        return NAN
    if q < 0:
        return -INF
    if q > 1:
        return INF
    rank = q * (len(ordered) - 1)
    lower = max(0, math.floor(rank))
    upper = min(len(ordered) - 1, lower + 1)
    weight = rank - math.floor(rank)
    return ordered[lower] * (1 - weight) + ordered[upper] * weight


def regression(stamps: Sequence[int], values: Sequence[float], origin: int) -> tuple[float, float]:
    """Least squares over (stamp - origin) in seconds: (slope, intercept)."""
    first = values[0]
    if all(value == first for value in values):
        return (NAN, NAN) if math.isinf(first) else (0.0, first)
    sum_x, sum_y, sum_xy, sum_xx = Sum(), Sum(), Sum(), Sum()
    for stamp, value in zip(stamps, values, strict=True):
        x = (stamp - origin) / 1000
        sum_x.add(x)
        sum_y.add(value)
        sum_xy.add(x * value)
        sum_xx.add(x * x)
    n = float(len(values))
    x_total, y_total = sum_x.value + sum_x.carry, sum_y.value + sum_y.carry
    covariance = (sum_xy.value + sum_xy.carry) - x_total * y_total / n
    variance = (sum_xx.value + sum_xx.carry) - x_total * x_total / n
    slope = divide(covariance, variance)
    return slope, y_total / n - slope * x_total / n


def plain(value: float) -> str:
    """Go's 'f' format with the fewest digits: never an exponent."""
    if isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def sample_text(value: float) -> str:
    """How the HTTP API writes a sample's value: an exponent only below 1e-6 and from 1e21 on."""
    if value != 0 and math.isfinite(value) and not 1e-6 <= abs(value) < 1e21:
        return repr(value).replace(".0e", "e")
    return plain(value)
