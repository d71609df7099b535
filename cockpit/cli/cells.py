"""Cells and tables of the text twins: numbers in the units people read, columns as wide as their content."""

from __future__ import annotations

from collections.abc import Sequence

from cockpit.base.text import clean
from cockpit.cli.output import cut

UNKNOWN = "?"


def percent(ratio: float | None) -> str:
    """``25%``; a question mark when unknown."""
    if ratio is None:
        return UNKNOWN
    points = ratio * 100
    return f"{points:.0f}%" if abs(points - round(points)) < 0.005 or points >= 10 else f"{points:.2f}%"


def quantity(value: float | None, unit: str) -> str:
    """A value of an SLI in the unit a person reads."""
    if value is None:
        return UNKNOWN
    if unit == "ratio":
        return percent(value)
    if unit == "seconds":
        return f"{value * 1000:.0f}ms" if value < 10 else f"{value:.1f}s"
    if unit == "bytes":
        return f"{value / 2**20:.0f}Mi"
    if unit == "per_second":
        return f"{value:.1f}/s"
    return f"{value:.3g}"


def span(seconds: float | None) -> str:
    """``90s``, ``12m``, ``3h10m``, ``4d``."""
    if seconds is None:
        return UNKNOWN
    whole = int(seconds)
    if whole < 120:
        return f"{whole}s"
    if whole < 7200:
        return f"{whole // 60}m"
    if whole < 172800:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], columns: int) -> list[str]:
    """Left-aligned columns as wide as their content; only the last one is cut to fit ``columns``.

    Cells are cleaned: one with a line break would write a row of its own.
    """
    rows = [[clean(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in [heads, *rows]) for at in range(len(heads) - 1)]
    lines = []
    for row in [heads, *rows]:
        front = "  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=False))
        room = max(8, columns - len(front) - 2)
        lines.append(f"{front}  {cut(row[-1], room)}".rstrip())
    return lines
