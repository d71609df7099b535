"""Range queries series by series: where label sets do not change from step to step, they are handled once a query.

The general way evaluates a whole vector per step. A selector, and a reducing aggregation over one, have the same label
sets at every step, so their values are columns over the steps; what they give is the same, in the same order of sums.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from math import isnan

from cockpit.world.prometheus.aggregate import REDUCERS, grouping
from cockpit.world.prometheus.ast import Aggregate, Node, Selector
from cockpit.world.prometheus.labels import Labels
from cockpit.world.prometheus.series import Series

Column = list[float | None]
"""One value per step; None where the series has none."""

_AT_ONCE = 50  # series handled before giving way


def columnar(node: Node) -> bool:
    """Whether ``node`` can be evaluated by columns."""
    if isinstance(node, Aggregate):
        return node.op in REDUCERS and node.param is None and columnar(node.expr)
    return isinstance(node, Selector) and node.range_ms is None and node.at is None


def evaluate(
    node: Node, fetched: Callable[[Selector], Sequence[Series]], steps: range, lookback: int
) -> Generator[None, None, list[tuple[Labels, Column]]]:
    """The columns of a ``columnar`` node over ``steps`` (ms). ``fetched`` gives a selector's raw series."""
    if isinstance(node, Selector):
        found: list[tuple[Labels, Column]] = []
        moved = range(steps.start - node.offset_ms, steps.stop - node.offset_ms, steps.step)
        for count, (labels, stamps, values) in enumerate(fetched(node), 1):
            found.append((labels, _sampled(stamps, values, moved, lookback)))
            if count % _AT_ONCE == 0:
                yield
        return found
    assert isinstance(node, Aggregate)
    inner = yield from evaluate(node.expr, fetched, steps, lookback)
    key = grouping(node.labels, node.without)
    groups: dict[Labels, list[Column]] = {}
    for labels, column in inner:
        groups.setdefault(key(labels), []).append(column)
    reduced: list[tuple[Labels, Column]] = []
    for count, (labels, members) in enumerate(groups.items(), 1):
        reduced.append((labels, _reduced(node.op, members)))
        if count % _AT_ONCE == 0:
            yield
    return reduced


def series_of(columns: Sequence[tuple[Labels, Column]], steps: range) -> list[Series]:
    """Columns as series, without the steps that have no value, and without the empty ones."""
    whole = list(steps)
    rows = []
    for labels, column in columns:
        if None not in column:
            rows.append(Series(labels, whole, [value for value in column if value is not None]))
            continue
        points = [(at, value) for at, value in zip(whole, column, strict=True) if value is not None]
        if points:
            rows.append(Series(labels, [at for at, _ in points], [value for _, value in points]))
    return rows


def _sampled(stamps: Sequence[int], values: Sequence[float], steps: range, lookback: int) -> Column:
    """The newest sample at or before each step, unless it is older than the look-back or a stale marker."""
    column: Column = []
    index, last = -1, len(stamps) - 1
    for now in steps:
        while index < last and stamps[index + 1] <= now:
            index += 1
        if index < 0 or stamps[index] < now - lookback or isnan(values[index]):
            column.append(None)
        else:
            column.append(float(values[index]))
    return column


def _reduced(op: str, members: Sequence[Column]) -> Column:
    if len(members) == 1 and op in ("sum", "avg", "min", "max"):
        return members[0]
    reduce = REDUCERS[op]
    column: Column = []
    for row in zip(*members, strict=True):
        there = [value for value in row if value is not None]
        column.append(reduce(there) if there else None)
    return column
