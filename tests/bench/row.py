"""One measured bar, and the small statistics it needs."""

from __future__ import annotations

import dataclasses
import math
import statistics
import sys
from collections.abc import Callable, Sequence


@dataclasses.dataclass(frozen=True)
class Row:
    """``samples`` are raw values in ``unit``; ``yardstick`` says against what a ratio was taken, or how."""

    name: str
    value: float | None
    unit: str
    bar: float
    yardstick: str
    samples: Sequence[float]
    met: bool | None

    def line(self) -> str:
        shown = "not measured" if self.value is None else f"{self.value:.4g} {self.unit}"
        verdict = {True: "met", False: "NOT MET", None: "-"}[self.met]
        return f"{self.name:<20} {shown:>18}   bar {self.bar:g} {self.unit:<10} {verdict:<8} {self.yardstick}"


def row(
    name: str,
    samples: Sequence[float],
    unit: str,
    bar: float,
    yardstick: str,
    value: Callable[[Sequence[float]], float] = statistics.median,
) -> Row:
    """A row whose value is made from its samples; lower is better. No samples: not measured."""
    if not samples:
        return Row(name, None, unit, bar, yardstick, (), None)
    result = value(samples)
    return Row(name, result, unit, bar, yardstick, tuple(samples), result <= bar)


def percentile(share: float) -> Callable[[Sequence[float]], float]:
    """Nearest-rank percentile, for ``row``."""

    def of(samples: Sequence[float]) -> float:
        ordered = sorted(samples)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    return of


def pairs(ours: Callable[[], float], theirs: Callable[[], float], count: int) -> list[float]:
    """Ratios ours/theirs of fresh runs taken in turn, so that a slow minute of the machine hits both."""
    ratios = []
    for number in range(count):
        if number % 2:
            reference = theirs()
            ratios.append(ours() / reference)
        else:
            measured = ours()
            ratios.append(measured / theirs())
        print(f"  pair {number + 1}/{count}: {ratios[-1]:.3f}", file=sys.stderr)
    return ratios
