"""Text to tree: promql-parser's reading of PromQL, limited to the language of Prometheus 2.42."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import promql_parser

from cockpit.world.prometheus.ast import (
    Aggregate,
    At,
    Binary,
    Call,
    Kind,
    Negate,
    Node,
    Number,
    Selector,
    Subquery,
    Text,
)
from cockpit.world.prometheus.labels import NAME, Matcher


class ParseError(ValueError):
    """Not an expression of Prometheus 2.42; the message says what is wrong with it."""


AGGREGATIONS = frozenset(
    "sum avg min max count group stddev stdvar topk bottomk quantile count_values".split()  # noqa: SIM905
)
FUNCTIONS = frozenset(
    (  # noqa: SIM905
        "abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp clamp_max "
        "clamp_min cos cosh count_over_time day_of_month day_of_week day_of_year days_in_month deg delta deriv exp "
        "floor histogram_count histogram_fraction histogram_quantile histogram_sum holt_winters hour idelta increase "
        "irate label_join label_replace last_over_time ln log10 log2 max_over_time min_over_time minute month pi "
        "predict_linear present_over_time quantile_over_time rad rate resets round scalar sgn sin sinh sort sort_desc "
        "sqrt stddev_over_time stdvar_over_time sum_over_time tan tanh time timestamp vector year"
    ).split()
)
"""Every function of Prometheus 2.42, and nothing newer."""

_CARDS: dict[str, Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"]] = {
    "OneToOne": "one-to-one",
    "ManyToOne": "many-to-one",
    "OneToMany": "one-to-many",
    "ManyToMany": "many-to-many",
}
_OPS: dict[str, Literal["=", "!=", "=~", "!~"]] = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
_SET_OPS = frozenset(("and", "or", "unless"))
_MAX_MS = 2**63 // 1_000_000

promql_parser.clear_extra_functions()
promql_parser.register_extra_functions(
    [  # the parser knows only its 3.x name
        promql_parser.Function(
            "holt_winters",
            [promql_parser.ValueType.Matrix, promql_parser.ValueType.Scalar, promql_parser.ValueType.Scalar],
            promql_parser.ValueType.Vector,
        )
    ]
)


def parse(text: str) -> Node:
    """Parse and check one expression. Raises ParseError; also for what only 3.x understands."""
    _refuse_newer_spelling(text)
    try:
        tree = promql_parser.parse(text)
        return _convert(tree)
    except ParseError:
        raise
    except (ValueError, OverflowError, RecursionError) as error:
        raise ParseError(str(error)) from None
    except BaseException as error:  # a panic of the Rust side derives from BaseException
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise ParseError(f"the parser could not read it: {error}") from None


_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+|\#[^\n]*)|(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)"""
    r"""|(?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)|(?P<number>\d[\da-zA-Z_.]*)|(?P<mark>.)""",
    re.DOTALL,
)
_BARE_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:[eE]\d+)?|0[xX][0-9a-fA-F]+")


def _refuse_newer_spelling(text: str) -> None:
    """Quoted names and durations without a unit are 3.x; the parser takes them, 2.42 does not."""
    before, depth = "", ""
    for found in _TOKEN.finditer(text):
        word, kind = found.group(), found.lastgroup
        if kind == "space":
            continue
        if kind == "string" and depth.endswith("{") and before in "{,":
            raise ParseError(f"unexpected string {word} inside braces, expected label name or closing brace")
        if kind == "string" and depth.endswith("g") and before in "g,":
            raise ParseError(f"unexpected string {word} in grouping opts, expected label")
        length = _BARE_NUMBER.fullmatch(word.lstrip(":")) is not None
        if length and (
            (depth.endswith("[") and (before == "[" or word[0] == ":" or before == ":")) or before in _OFFSET
        ):
            raise ParseError(f'bad duration syntax: missing unit character in duration "{word.lstrip(":")}"')
        if word in "{[(":
            grouping = word == "(" and before.lower() in _GROUPING
            depth += "g" if grouping else word
            before = "g" if grouping else word
            continue
        if word in "}])" and depth:
            depth = depth[:-1]
        before = "offset-" if word == "-" and before == "offset" else word.lower() if kind == "word" else word


_OFFSET = ("offset", "offset-")
_GROUPING = frozenset(("by", "without", "on", "ignoring", "group_left", "group_right"))


def _convert(raw: Any) -> Node:
    kind = type(raw).__name__
    if kind == "ParenExpr":
        return _convert(raw.expr)
    if kind == "NumberLiteral":
        return Number(float(raw.val))
    if kind == "StringLiteral":
        return Text(raw.val)
    if kind == "VectorSelector":
        return _selector(raw, None)
    if kind == "MatrixSelector":
        return _selector(raw.vector_selector, _milliseconds(raw.range))
    if kind == "SubqueryExpr":
        step = None if raw.step is None else _milliseconds(raw.step)
        inner = _convert(raw.expr)
        if inner.kind not in ("vector", "scalar"):
            raise ParseError(f"subquery is only allowed on instant vector, got {inner.kind} instead")
        return Subquery(inner, _milliseconds(raw.range), step, _milliseconds(raw.offset), _at(raw.at))
    if kind == "UnaryExpr":
        inner = _convert(raw.expr)
        return Negate(inner, inner.kind)
    if kind == "Call":
        return _call(raw)
    if kind == "AggregateExpr":
        return _aggregate(raw)
    if kind == "BinaryExpr":
        return _binary(raw)
    raise ParseError(f"{kind} is not part of Prometheus 2.42")


def _selector(raw: Any, range_ms: int | None) -> Selector:
    if raw.matchers.or_matchers:
        raise ParseError('unexpected identifier "or" inside braces, expected "," or "}"')
    matchers = [Matcher(m.name, _OPS[str(m.op).rsplit(".", 1)[-1]], m.value) for m in raw.matchers.matchers]
    if raw.name is not None:
        matchers.insert(0, Matcher(NAME, "=", raw.name))
    kind: Kind = "vector" if range_ms is None else "matrix"
    return Selector(tuple(matchers), _milliseconds(raw.offset), _at(raw.at), range_ms, kind)


def _call(raw: Any) -> Call:
    name = raw.func.name
    if name not in FUNCTIONS:
        raise ParseError(f'unknown function with name "{name}"')
    kind = str(raw.func.return_type).rsplit(".", 1)[-1].lower()
    return Call(name, tuple(_convert(arg) for arg in raw.args), "scalar" if kind == "scalar" else "vector")


def _aggregate(raw: Any) -> Aggregate:
    op = str(raw.op)
    if op not in AGGREGATIONS:
        raise ParseError(f'unknown function with name "{op}"')
    modifier = raw.modifier
    labels = () if modifier is None else tuple(modifier.labels)
    without = modifier is not None and str(modifier.type).endswith("Without")
    param = None if raw.param is None else _convert(raw.param)
    return Aggregate(op, _convert(raw.expr), param, labels, without)


def _binary(raw: Any) -> Binary:
    op = str(raw.op)
    left, right = _convert(raw.lhs), _convert(raw.rhs)
    modifier = raw.modifier
    vectors = left.kind == "vector" and right.kind == "vector"
    card: Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"] | None = None
    on, labels, include, returns_bool = False, (), (), False
    if vectors:
        card = "many-to-many" if op in _SET_OPS else "one-to-one"
    if modifier is not None:
        fill = modifier.fill_values
        if fill is not None and (fill.lhs is not None or fill.rhs is not None):
            raise ParseError('unexpected identifier "fill"')
        returns_bool = bool(modifier.return_bool)
        if vectors and modifier.card is not None:
            card = _CARDS[str(modifier.card).rsplit(".", 1)[-1]]
        if modifier.matching is not None:
            on = str(modifier.matching.type).endswith("Include")
            labels = tuple(modifier.matching.labels)
        include = tuple(modifier.group_labels or ())
    kind: Kind = "scalar" if left.kind == "scalar" and right.kind == "scalar" else "vector"
    return Binary(op, left, right, returns_bool, card, on, labels, include, kind)


def _milliseconds(delta: timedelta | None) -> int:
    return 0 if delta is None else delta // timedelta(milliseconds=1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _at(raw: Any) -> At:
    if raw is None:
        return None
    kind = str(raw.type).rsplit(".", 1)[-1]
    if kind == "Start":
        return "start"
    if kind == "End":
        return "end"
    try:
        moment = raw.at
        if moment is None:
            raise ParseError("timestamp out of bounds for @ modifier")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return round((moment - _EPOCH) / timedelta(milliseconds=1))
    except (OverflowError, ValueError, OSError):
        raise ParseError("timestamp out of bounds for @ modifier") from None
