"""Binary operators: between scalars, between a vector and a scalar, and between vectors with matching."""

from __future__ import annotations

import math
from collections.abc import Callable

from cockpit.world.prometheus.aggregate import Vector
from cockpit.world.prometheus.ast import Binary
from cockpit.world.prometheus.labels import NAME, Labels, drop_name, labels_of, render
from cockpit.world.prometheus.numbers import divide, modulo, power

ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": divide,
    "%": modulo,
    "^": power,
    "atan2": math.atan2,
}
COMPARISON: dict[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}
_NAME_LOST = frozenset("+-*/%^")  # atan2 keeps it in 2.42


class MatchError(ValueError):
    """Series that cannot be matched one to one; the message is Prometheus'."""


def scalars(op: str, left: float, right: float) -> float:
    if op in ARITHMETIC:
        return ARITHMETIC[op](left, right)
    return 1.0 if COMPARISON[op](left, right) else 0.0


def vector_scalar(node: Binary, vector: Vector, scalar: float, *, swapped: bool) -> Vector:
    """``swapped``: the scalar stands on the left. A filter keeps the vector's value on either side."""
    if (arithmetic := ARITHMETIC.get(node.op)) is not None:
        result = [
            (labels, arithmetic(scalar, value) if swapped else arithmetic(value, scalar)) for labels, value in vector
        ]
        return [(drop_name(labels), value) for labels, value in result] if node.op in _NAME_LOST else result
    compare = COMPARISON[node.op]
    held = [compare(scalar, value) if swapped else compare(value, scalar) for _, value in vector]
    if node.returns_bool:
        return [(drop_name(labels), float(kept)) for (labels, _), kept in zip(vector, held, strict=True)]
    return [sample for sample, kept in zip(vector, held, strict=True) if kept]


def vectors(node: Binary, left: Vector, right: Vector) -> Vector:
    """Set operators and matched operators. Raises MatchError on ambiguous matches."""
    signature = _signature(node)
    if node.op == "and":
        have = {signature(labels) for labels, _ in right}
        return [sample for sample in left if signature(sample[0]) in have]
    if node.op == "unless":
        have = {signature(labels) for labels, _ in right}
        return [sample for sample in left if signature(sample[0]) not in have]
    if node.op == "or":
        have = {signature(labels) for labels, _ in left}
        return left + [sample for sample in right if signature(sample[0]) not in have]
    if not left or not right:
        return []
    return _matched(node, left, right, signature)


def _signature(node: Binary) -> Callable[[Labels], Labels]:
    names = frozenset(node.labels)
    if node.on:
        return lambda labels: tuple(pair for pair in labels if pair[0] in names)
    dropped = names | {NAME}
    return lambda labels: tuple(pair for pair in labels if pair[0] not in dropped)


def _matched(node: Binary, left: Vector, right: Vector, signature: Callable[[Labels], Labels]) -> Vector:
    swapped = node.card == "one-to-many"
    many, one = (right, left) if swapped else (left, right)
    side = "left" if swapped else "right"
    ones: dict[Labels, tuple[Labels, float]] = {}
    for sample in one:
        key = signature(sample[0])
        if key in ones:
            raise MatchError(
                f"found duplicate series for the match group {render(key)} on the {side} hand-side of the operation: "
                f"[{render(ones[key][0])}, {render(sample[0])}];many-to-many matching not allowed: "
                "matching labels must be unique on one side"
            )
        ones[key] = sample
    arithmetic, compare = ARITHMETIC.get(node.op), COMPARISON.get(node.op)
    seen: dict[Labels, set[Labels]] = {}
    result: Vector = []
    for labels, value in many:
        key = signature(labels)
        partner = ones.get(key)
        if partner is None:
            continue
        a, b = (partner[1], value) if swapped else (value, partner[1])
        if arithmetic is not None:
            outcome = arithmetic(a, b)
        elif compare is not None:
            holds = compare(a, b)
            if node.returns_bool:
                outcome = float(holds)
            elif holds:
                outcome = a
            else:
                continue
        metric = _result_labels(node, labels, partner[0], keep_name=node.op not in _NAME_LOST and not node.returns_bool)
        known = seen.get(key)
        if node.card == "one-to-one":
            if known is not None:
                raise MatchError(
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
                )
            seen[key] = set()
        elif known is None:
            seen[key] = {metric}
        elif metric in known:
            raise MatchError("multiple matches for labels: grouping labels must ensure unique matches")
        else:
            known.add(metric)
        result.append((metric, outcome))
    return result


def _result_labels(node: Binary, many: Labels, one: Labels, *, keep_name: bool) -> Labels:
    base = many if keep_name else drop_name(many)
    if node.card == "one-to-one":
        names = frozenset(node.labels)
        return tuple(pair for pair in base if (pair[0] in names) == node.on)
    if not node.include:
        return base
    merged, partner = dict(base), dict(one)
    for name in node.include:
        merged[name] = partner.get(name, "")
    return labels_of(merged)
