"""Evaluation of a PromQL tree over a source of series: instant and range queries with the semantics of 2.42."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Sequence
from functools import partial
from math import isnan

from cockpit.world.prometheus import aggregate, binary, columns, functions, over_time
from cockpit.world.prometheus.aggregate import Vector
from cockpit.world.prometheus.ast import (
    Aggregate,
    At,
    Binary,
    Call,
    Negate,
    Node,
    Number,
    Selector,
    Subquery,
    Text,
    children,
)
from cockpit.world.prometheus.labels import Labels, RegexError, Selection, drop_name
from cockpit.world.prometheus.over_time import Window
from cockpit.world.prometheus.parser import parse
from cockpit.world.prometheus.series import ExecutionError, Result, Series, Source, without_stale

LOOKBACK_MS = 5 * 60 * 1000
SUBQUERY_STEP_MS = 60 * 1000  # the default evaluation interval
MAX_SAMPLES = 50_000_000


Matrix = list[tuple[Labels, Sequence[int], Sequence[float]]]
_NAME_KEPT = frozenset(("last_over_time",))


class Query:
    """One query over [start, end] (ms) every ``step``; an instant query has start == end.

    ``run`` is a generator that yields now and then, so that a caller can give way, and returns the Result.
    """

    def __init__(self, source: Source, text: str | Node, start: int, end: int, step: int = 1) -> None:
        self.tree = parse(text) if isinstance(text, str) else text
        self._source = source
        self._start, self._end, self._step = start, end, max(1, step)
        self._raw: dict[Selector, list[Series]] = {}
        self._memo: dict[tuple[Node, int], Vector] = {}

    def run(self, *, ranged: bool) -> Generator[None, None, Result]:
        """Evaluate. Raises ExecutionError. ``ranged`` answers a matrix, whatever the expression's own kind."""
        try:
            yield from self._fetch(self.tree, self._start, self._end)
            if ranged:
                return (yield from self._range())
            return self._instant()
        except (over_time.BadArgument, binary.MatchError, RegexError) as error:
            raise ExecutionError(str(error)) from None
        except RecursionError:
            raise ExecutionError("expression nested too deeply") from None

    def _instant(self) -> Result:
        tree, now = self.tree, self._start
        if tree.kind == "scalar":
            return Result("scalar", self._scalar(tree, now))
        if isinstance(tree, Text):
            return Result("string", tree.value)
        if tree.kind == "matrix":
            rows, _, _ = self._matrix(tree, now)
            return Result("matrix", sorted(Series(*row) for row in rows if row[1]))
        return Result("vector", self._vector(tree, now))

    def _range(self) -> Generator[None, None, Result]:
        steps = range(self._start, self._end + 1, self._step)
        if columns.columnar(self.tree):
            rows = yield from columns.evaluate(self.tree, self._raw.__getitem__, steps, LOOKBACK_MS)
            if len(rows) * len(steps) > MAX_SAMPLES:
                raise ExecutionError(_TOO_MANY)
            return Result("matrix", sorted(columns.series_of(rows, steps)))
        found: dict[Labels, tuple[list[int], list[float]]] = {}
        samples = 0
        for now in steps:
            vector: Vector = (
                [((), self._scalar(self.tree, now))] if self.tree.kind == "scalar" else self._vector(self.tree, now)
            )
            for labels, value in vector:
                stamps, values = found.setdefault(labels, ([], []))
                stamps.append(now)
                values.append(value)
            samples += len(vector)
            if samples > MAX_SAMPLES:
                raise ExecutionError(_TOO_MANY)
            yield
        return Result("matrix", sorted(Series(labels, *points) for labels, points in found.items()))

    # -- reading ahead: every selector is asked once, for all the time it can be needed

    def _fetch(self, node: Node, start: int, end: int) -> Generator[None, None, None]:
        if isinstance(node, Selector):
            first, last = self._moment(node.at, start, node.offset_ms), self._moment(node.at, end, node.offset_ms)
            back = LOOKBACK_MS if node.range_ms is None else node.range_ms
            series: list[Series] = []
            samples = 0
            for item in self._source.select(Selection(node.matchers), first - back, last):
                if item is None:
                    yield
                    continue
                if node.range_ms is not None:
                    item = without_stale(item)  # noqa: PLW2901
                samples += len(item.stamps)
                if samples > MAX_SAMPLES:
                    raise ExecutionError(_TOO_MANY)
                series.append(item)
            self._raw[node] = series
            return
        if isinstance(node, Subquery):
            first, last = self._moment(node.at, start, node.offset_ms), self._moment(node.at, end, node.offset_ms)
            yield from self._fetch(node.expr, first - node.range_ms, last)
            return
        for child in children(node):
            yield from self._fetch(child, start, end)

    def _moment(self, at: At, now: int, offset: int) -> int:
        if at == "start":
            now = self._start
        elif at == "end":
            now = self._end
        elif at is not None:
            now = at
        return now - offset

    # -- scalars

    def _scalar(self, node: Node, now: int) -> float:
        match node:
            case Number():
                return node.value
            case Negate():
                return -self._scalar(node.expr, now)
            case Binary():
                return binary.scalars(node.op, self._scalar(node.left, now), self._scalar(node.right, now))
            case Call(name="time"):
                return now / 1000
            case Call(name="pi"):
                return 3.141592653589793
            case Call(name="scalar"):
                vector = self._vector(node.args[0], now)
                return float(vector[0][1]) if len(vector) == 1 else float("nan")
        raise ExecutionError(f"{type(node).__name__} is not a scalar")

    # -- instant vectors

    def _vector(self, node: Node, now: int) -> Vector:
        match node:
            case Selector():
                return [(labels, value) for labels, _, value in self._instants(node, now)]
            case Number():
                return [((), node.value)]
            case Aggregate():
                result = self._aggregate(node, now)
            case Binary():
                result = self._binary(node, now)
            case Negate():
                if node.kind == "scalar":
                    return [((), self._scalar(node, now))]
                result = [(drop_name(labels), -value) for labels, value in self._vector(node.expr, now)]
            case Call():
                if node.kind == "scalar":
                    return [((), self._scalar(node, now))]
                result = self._call(node, now)
            case _:
                raise ExecutionError(f"{type(node).__name__} is not an instant vector")
        if len(result) > 1 and len({labels for labels, _ in result}) != len(result):
            raise ExecutionError("vector cannot contain metrics with the same labelset")
        return result

    def _instants(self, node: Selector, now: int, *, plain_at: bool = False) -> list[tuple[Labels, int, float]]:
        """(labels, sample's own stamp, value) of each series with a sample that is neither stale nor too old."""
        moment = self._moment(node.at, now, 0 if plain_at else node.offset_ms)
        oldest = moment - LOOKBACK_MS
        found = []
        for labels, stamps, values in self._raw[node]:
            index = bisect_right(stamps, moment) - 1
            if index >= 0 and stamps[index] >= oldest:
                value = values[index]
                if not isnan(value):
                    found.append((labels, stamps[index], float(value)))
        return found

    def _aggregate(self, node: Aggregate, now: int) -> Vector:
        param: float | str | None = None
        if isinstance(node.param, Text):
            param = node.param.value
        elif node.param is not None:
            param = self._scalar(node.param, now)
        return aggregate.aggregate(node.op, self._vector(node.expr, now), node.labels, node.without, param)

    def _binary(self, node: Binary, now: int) -> Vector:
        if node.kind == "scalar":
            return [((), self._scalar(node, now))]
        if node.left.kind == "scalar":
            scalar = self._scalar(node.left, now)
            return binary.vector_scalar(node, self._vector(node.right, now), scalar, swapped=True)
        if node.right.kind == "scalar":
            scalar = self._scalar(node.right, now)
            return binary.vector_scalar(node, self._vector(node.left, now), scalar, swapped=False)
        return binary.vectors(node, self._vector(node.left, now), self._vector(node.right, now))

    def _call(self, node: Call, now: int) -> Vector:
        name, args = node.name, node.args
        ranged = next((index for index, arg in enumerate(args) if arg.kind == "matrix"), None)
        if ranged is not None:
            return self._over_time(node, ranged, now)
        if (each := functions.ELEMENTWISE.get(name)) is not None:
            return functions.mapped(self._vector(args[0], now), each)
        if (date := functions.DATES.get(name)) is not None:
            return functions.mapped(self._vector(args[0], now), date) if args else [((), date(now / 1000))]
        if (function := functions.WITH_SCALARS.get(name)) is not None:
            vector = next(self._vector(arg, now) for arg in args if arg.kind == "vector")
            return function(vector, [self._scalar(arg, now) for arg in args if arg.kind == "scalar"])
        match name:
            case "vector":
                return [((), self._scalar(args[0], now))]
            case "absent":
                return [] if self._vector(args[0], now) else [(functions.absent_labels(args[0]), 1.0)]
            case "timestamp":
                if isinstance(args[0], Selector):
                    # 2.42 forgets the offset of a selector that also has an @ here, and so do we
                    forgets = args[0].at is not None
                    return [
                        (drop_name(labels), at / 1000)
                        for labels, at, _ in self._instants(args[0], now, plain_at=forgets)
                    ]
                return [(drop_name(labels), now / 1000) for labels, _ in self._vector(args[0], now)]
            case "label_replace":
                return functions.label_replace(self._vector(args[0], now), *(_text(arg) for arg in args[1:5]))
            case "label_join":
                words = [_text(arg) for arg in args[1:]]
                return functions.label_join(self._vector(args[0], now), words[0], words[1], words[2:])
        raise ExecutionError(f"the world cannot evaluate {name}()")

    # -- range vectors

    def _over_time(self, node: Call, ranged: int, now: int) -> Vector:
        rows, start, end = self._matrix(node.args[ranged], now)
        if node.name == "absent_over_time":
            if any(stamps for _, stamps, _ in rows):
                return []
            return [(functions.absent_labels(node.args[ranged]), 1.0)]
        function: Callable[[Window], float | None]
        if (argued := over_time.ARGUED.get(node.name)) is not None:
            params = [self._scalar(arg, now) for index, arg in enumerate(node.args) if index != ranged]
            function = partial(argued, params=params)
        elif (simple := over_time.SIMPLE.get(node.name)) is not None:
            function = simple
        else:
            raise ExecutionError(f"the world cannot evaluate {node.name}()")
        result: Vector = []
        for labels, stamps, values in rows:
            if not stamps:
                continue
            value = function(Window(stamps, values, start, end, now))
            if value is not None:
                result.append((labels if node.name in _NAME_KEPT else drop_name(labels), value))
        return result

    def _matrix(self, node: Node, now: int) -> tuple[Matrix, int, int]:
        """Rows of a range vector with the edges of its window, both inclusive."""
        if isinstance(node, Subquery):
            return self._subquery(node, now)
        if not isinstance(node, Selector) or node.range_ms is None:
            raise ExecutionError("not a range vector")
        end = self._moment(node.at, now, node.offset_ms)
        start = end - node.range_ms
        rows: Matrix = []
        for labels, stamps, values in self._raw[node]:
            first, last = bisect_left(stamps, start), bisect_right(stamps, end)
            if first < last:
                rows.append((labels, stamps[first:last], values[first:last]))
        return rows, start, end

    def _subquery(self, node: Subquery, now: int) -> tuple[Matrix, int, int]:
        """The inner expression on absolute multiples of the step, which windows that overlap share."""
        end = self._moment(node.at, now, node.offset_ms)
        start = end - node.range_ms
        step = node.step_ms or SUBQUERY_STEP_MS
        first = -(-start // step) * step
        rows: dict[Labels, tuple[list[int], list[float]]] = {}
        for moment in range(first, end + 1, step):
            key = (node.expr, moment)
            vector = self._memo.get(key)
            if vector is None:
                vector = self._memo[key] = self._vector(node.expr, moment)
            for labels, value in vector:
                stamps, values = rows.setdefault(labels, ([], []))
                stamps.append(moment)
                values.append(value)
        return [(labels, stamps, values) for labels, (stamps, values) in rows.items()], start, end


_TOO_MANY = "query processing would load too many samples into memory in query execution"


def _text(node: Node) -> str:
    if isinstance(node, Text):
        return node.value
    raise ExecutionError("expected a string")
