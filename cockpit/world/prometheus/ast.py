"""The tree of a PromQL expression, in nodes of our own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cockpit.world.prometheus.labels import Matcher

Kind = Literal["scalar", "vector", "matrix", "string"]
At = int | Literal["start", "end"] | None


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    value: float
    kind: Kind = "scalar"


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    value: str
    kind: Kind = "string"


@dataclass(frozen=True, slots=True, eq=False)
class Selector:
    """An instant selector, or a range selector when ``range_ms`` is set. Times in milliseconds."""

    matchers: tuple[Matcher, ...]
    offset_ms: int
    at: At
    range_ms: int | None
    kind: Kind


@dataclass(frozen=True, slots=True, eq=False)
class Subquery:
    expr: Node
    range_ms: int
    step_ms: int | None
    offset_ms: int
    at: At
    kind: Kind = "matrix"


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    name: str
    args: tuple[Node, ...]
    kind: Kind


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    op: str
    expr: Node
    param: Node | None
    labels: tuple[str, ...]
    without: bool
    kind: Kind = "vector"


@dataclass(frozen=True, slots=True, eq=False)
class Binary:
    """``card`` is None unless both sides are vectors. ``on`` False with no labels matches on all of them."""

    op: str
    left: Node
    right: Node
    returns_bool: bool
    card: Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"] | None
    on: bool
    labels: tuple[str, ...]
    include: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True, slots=True, eq=False)
class Negate:
    expr: Node
    kind: Kind


Node = Number | Text | Selector | Subquery | Call | Aggregate | Binary | Negate


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case Subquery() | Negate():
            return (node.expr,)
        case Call():
            return node.args
        case Aggregate():
            return (node.expr,) if node.param is None else (node.param, node.expr)
        case Binary():
            return (node.left, node.right)
        case _:
            return ()
