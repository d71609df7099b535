"""Functions over instant vectors: arithmetic, clamping, dates, label rewriting, histograms."""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import isnan

from cockpit.world.prometheus.aggregate import Vector
from cockpit.world.prometheus.ast import Node, Selector
from cockpit.world.prometheus.labels import LABEL_NAME, NAME, Labels, RegexError, compile_anchored, drop_name, labels_of
from cockpit.world.prometheus.numbers import NAN, atanh, larger, logarithm, rounded, sign, smaller, total
from cockpit.world.prometheus.over_time import BadArgument, bucket_quantile

ELEMENTWISE: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "ceil": rounded(math.ceil),
    "floor": rounded(math.floor),
    "exp": total(lambda value: math.exp(value) if value < 710 or isnan(value) else math.inf),
    "ln": logarithm(math.log),
    "log2": logarithm(math.log2),
    "log10": logarithm(math.log10),
    "sqrt": total(math.sqrt),
    "sgn": sign,
    "deg": lambda value: value * 180 / math.pi,
    "rad": lambda value: value * math.pi / 180,
    "sin": total(math.sin),
    "cos": total(math.cos),
    "tan": total(math.tan),
    "asin": total(math.asin),
    "acos": total(math.acos),
    "atan": math.atan,
    "sinh": total(math.sinh),
    "cosh": total(math.cosh),
    "tanh": math.tanh,
    "asinh": math.asinh,
    "acosh": total(math.acosh),
    "atanh": atanh,
}
"""Functions of one value; the metric name is dropped."""


_CYCLE = 400 * 31_556_952
"""Seconds after which the Gregorian calendar repeats, weekdays included."""
_ABSOLUTE = 9_223_372_028_715_321_600
"""Go counts seconds, unsigned, from this long before 1970; what does not fit wraps around."""


def _date(read: Callable[[datetime, int], int]) -> Callable[[float], float]:
    """``read`` gets a date of the years 1970 to 2369 and the years to add to it."""

    def wrapped(value: float) -> float:
        seconds = int(value) if -(2.0**63) <= value < 2.0**63 else -(2**63)
        seconds = (seconds + _ABSOLUTE) % 2**64 - _ABSOLUTE
        cycles, rest = divmod(seconds, _CYCLE)
        return float(read(datetime.fromtimestamp(rest, UTC), 400 * cycles))

    return wrapped


DATES: dict[str, Callable[[float], float]] = {
    "day_of_month": _date(lambda moment, years: moment.day),
    "day_of_week": _date(lambda moment, years: moment.isoweekday() % 7),
    "day_of_year": _date(lambda moment, years: moment.timetuple().tm_yday),
    "days_in_month": _date(lambda moment, years: calendar.monthrange(moment.year, moment.month)[1]),
    "hour": _date(lambda moment, years: moment.hour),
    "minute": _date(lambda moment, years: moment.minute),
    "month": _date(lambda moment, years: moment.month),
    "year": _date(lambda moment, years: moment.year + years),
}
"""Functions of unix seconds in UTC; without an argument they read the evaluation time."""


def mapped(vector: Vector, function: Callable[[float], float]) -> Vector:
    return [(drop_name(labels), function(value)) for labels, value in vector]


def clamp(vector: Vector, low: float, high: float) -> Vector:
    if high < low:
        return []
    return mapped(vector, lambda value: larger(low, smaller(high, value)))


def round_to(vector: Vector, nearest: float) -> Vector:
    """Ties up; the inverse is what Prometheus multiplies by, so that 0.1 is exact."""
    if nearest == 0:
        return mapped(vector, lambda value: NAN)
    inverse = 1 / nearest
    floor = rounded(math.floor)
    return mapped(vector, lambda value: floor(value * inverse + 0.5) / inverse)


def ordered(vector: Vector, *, descending: bool) -> Vector:
    """By value; NaN at the end either way."""
    numbers = [sample for sample in vector if sample[1] == sample[1]]
    numbers.sort(key=lambda sample: sample[1], reverse=descending)
    return numbers + [sample for sample in vector if sample[1] != sample[1]]


def absent_labels(argument: Node) -> Labels:
    """What absent() can say of the missing series: the labels its selector asks for by ``=``, once each."""
    if not isinstance(argument, Selector):
        return ()
    known: dict[str, str] = {}
    seen: set[str] = set()
    for name, op, value in argument.matchers:
        if name == NAME:
            continue
        if op == "=" and name not in seen:
            known[name] = value
            seen.add(name)
        else:
            known.pop(name, None)
    return labels_of(known)


def histogram_quantile(q: float, vector: Vector) -> Vector:
    groups: dict[Labels, list[tuple[float, float]]] = {}
    for labels, value in vector:
        bound = next((text for name, text in labels if name == "le"), None)
        if bound is None or (edge := _bound(bound)) is None:
            continue
        key = tuple(pair for pair in labels if pair[0] not in ("le", NAME))
        groups.setdefault(key, []).append((edge, value))
    return [(labels, bucket_quantile(q, buckets)) for labels, buckets in groups.items()]


def _bound(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def label_replace(vector: Vector, target: str, template: str, source: str, pattern: str) -> Vector:
    """Go's ``Expand`` on an anchored match; an empty result removes the label."""
    try:
        full = compile_anchored(pattern).fullmatch
    except RegexError:
        raise BadArgument(f"invalid regular expression in label_replace(): {pattern}") from None
    if LABEL_NAME.fullmatch(target) is None:
        raise BadArgument(f"invalid destination label name in label_replace(): {target}")
    result: Vector = []
    for labels, value in vector:
        have = dict(labels)
        found = full(have.get(source, ""))
        if found is None:
            result.append((labels, value))
            continue
        have[target] = _expand(template, found)
        result.append((labels_of(have), value))
    return result


_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+)|)", re.ASCII)


def _expand(template: str, found: re.Match[str]) -> str:
    def one(reference: re.Match[str]) -> str:
        if reference[1]:
            return "$"
        name = reference[2] or reference[3]
        if not name:
            return "$"
        try:
            return found[int(name)] or "" if name.isdigit() else found[name] or ""
        except IndexError:
            return ""

    return _REFERENCE.sub(one, template)


def label_join(vector: Vector, target: str, separator: str, sources: list[str]) -> Vector:
    for source in sources:
        if LABEL_NAME.fullmatch(source) is None:
            raise BadArgument(f"invalid source label name in label_join(): {source}")
    if LABEL_NAME.fullmatch(target) is None:
        raise BadArgument(f"invalid destination label name in label_join(): {target}")
    result: Vector = []
    for labels, value in vector:
        have = dict(labels)
        have[target] = separator.join(have.get(source, "") for source in sources)
        result.append((labels_of(have), value))
    return result


WITH_SCALARS: dict[str, Callable[[Vector, Sequence[float]], Vector]] = {
    "clamp": lambda vector, bounds: clamp(vector, bounds[0], bounds[1]),
    "clamp_min": lambda vector, bounds: clamp(vector, bounds[0], math.inf),
    "clamp_max": lambda vector, bounds: clamp(vector, -math.inf, bounds[0]),
    "round": lambda vector, nearest: round_to(vector, nearest[0] if nearest else 1.0),
    "sort": lambda vector, _: ordered(vector, descending=False),
    "sort_desc": lambda vector, _: ordered(vector, descending=True),
    "histogram_quantile": lambda vector, q: histogram_quantile(q[0], vector),
    # These read native histograms, of which the world has none.
    "histogram_count": lambda vector, _: [],
    "histogram_sum": lambda vector, _: [],
    "histogram_fraction": lambda vector, _: [],
}
"""Functions of an instant vector and the scalars of their call, in the order of the call."""
