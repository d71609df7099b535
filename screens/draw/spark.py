"""Small charts as text: one-row block lines and multi-row braille, on a scale given from outside, gaps as dots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from screens.draw.glyphs import BLOCKS, GAP

Values = Sequence[float | None]
_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))  # of a braille cell: column, row from the bottom


def window(
    points: Sequence[tuple[float, float | None]], until: float, seconds: float, cells: int
) -> list[float | None]:
    """The last ``seconds`` before ``until`` in ``cells`` equal slots: the mean of each slot, None where nothing is."""
    if cells <= 0 or seconds <= 0:
        return []
    start, width = until - seconds, seconds / cells
    sums, counts = [0.0] * cells, [0] * cells
    for at, number in points:
        if number is None or not start < at <= until:
            continue
        slot = min(cells - 1, max(0, math.ceil((at - start) / width) - 1))  # a slot holds its end, not its start
        sums[slot] += number
        counts[slot] += 1
    values = [total / n if n else None for total, n in zip(sums, counts, strict=True)]
    return _bridged(values, points, width)


def _bridged(
    values: list[float | None], points: Sequence[tuple[float, float | None]], width: float
) -> list[float | None]:
    """Slots finer than the sampling grid repeat the value before them; they are no gap in the data."""
    if len(points) < 2:
        return values
    grid = min(after[0] - before[0] for before, after in pairwise(points))
    reach = max(0, math.ceil(grid / width) - 1) if width > 0 and grid > 0 else 0
    if not reach:
        return values
    known = [index for index, number in enumerate(values) if number is not None]
    filled = list(values)
    for index in known:
        for step in range(1, reach + 1):
            if index + step < len(filled) and filled[index + step] is None:
                filled[index + step] = values[index]
    return filled


def scale(*series: Values, limit: float | None = None, zero: bool = True) -> tuple[float, float]:
    """One (low, high) for all ``series``, so that arms can be compared by eye; from zero unless told otherwise."""
    numbers = [number for values in series for number in values if number is not None]
    if not numbers:
        return (0.0, 1.0)
    low, high = (0.0 if zero else min(numbers)), max(numbers)
    if limit is not None and high > limit / 3:  # a limit far above the data would flatten it
        high = max(high, limit)
    if high <= low:
        high = low + (abs(low) or 1.0)
    return (low, high)


def blocks(values: Values, low: float, high: float) -> str:
    """One row: ``▁`` is the low end, ``█`` the high end, ``·`` no data."""
    span = high - low or 1.0
    chars = []
    for number in values:
        if number is None:
            chars.append(GAP)
        else:
            level = (min(max(number, low), high) - low) / span
            chars.append(BLOCKS[1 + min(7, int(level * 8))])
    return "".join(chars)


def braille(values: Values, low: float, high: float, rows: int) -> list[str]:
    """``rows`` rows from the top, two values a cell; a slot without data shows ``·`` on the lowest row."""
    span = high - low or 1.0
    cells = (len(values) + 1) // 2
    grid = [[0] * cells for _ in range(rows)]
    gaps = [True] * cells
    top = rows * 4 - 1
    for index, number in enumerate(values):
        if number is None:
            continue
        cell, column = divmod(index, 2)
        gaps[cell] = False
        level = round((min(max(number, low), high) - low) / span * top)
        row, dot = divmod(level, 4)
        grid[rows - 1 - row][cell] |= _DOTS[column][dot]
    lines = ["".join(chr(0x2800 + bits) if bits else " " for bits in row) for row in grid]
    lines[-1] = "".join(GAP if gap else char for char, gap in zip(lines[-1], gaps, strict=True))
    return lines


def area(values: Values, low: float, high: float, rows: int) -> list[str]:
    """``rows`` rows from the top, filled up to each value in eighths of a cell; ``·`` on the lowest row is no data."""
    span = high - low or 1.0
    lines = [""] * rows
    for number in values:
        full = None if number is None else 1 + int((min(max(number, low), high) - low) / span * (rows * 8 - 1) + 0.5)
        for row in range(rows):
            left = 0 if full is None else min(8, max(0, full - (rows - 1 - row) * 8))
            lines[row] += GAP if full is None and row == rows - 1 else BLOCKS[left]
    return lines


def bar(share: float | None, cells: int) -> str:
    """A weight as ``███░░░``; unknown as ``??????``."""
    if share is None:
        return "?" * cells
    full = min(cells, max(0, int(share * cells + 0.5)))
    if share > 0 and full == 0:
        full = 1
    if share < 1 and full == cells:
        full = cells - 1
    return "█" * full + "░" * (cells - full)
