"""Conditions of analysis metrics (``result[0] < 0.95 && !isNaN(result[0])``): the subset of expr-lang they use."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<string>'[^']*'|\"[^\"]*\")|(?P<mark>&&|\|\||==|!=|<=|>=|\*\*|[-+*/%<>!?:()\[\]{},.#]))"
)
_WORDS = {"and": "&&", "or": "||", "not": "!"}
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("==", "!=", "<", "<=", ">", ">=", "in"),
    ("+", "-"),
    ("*", "/", "%"),
)
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "nil": None}

Thunk = Callable[[dict[str, Any]], Any]


class ExpressionError(ValueError):
    """The condition cannot be parsed, or not be applied to this result."""


def evaluate(text: str, result: Any) -> bool:
    """Whether the condition holds for ``result``. Raises ExpressionError."""
    try:
        value = _Parser(text).parse()({"result": result})
    except (TypeError, IndexError, KeyError, ArithmeticError, ValueError) as error:
        raise ExpressionError(f"{text!r}: {error}") from error
    if not isinstance(value, bool):
        raise ExpressionError(f"{text!r}: expected bool, but got {type(value).__name__}")
    return value


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        text = text.rstrip()
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None or found.lastgroup is None:
                raise ExpressionError(f"unexpected character at {position} in {text!r}")
            kind, value = found.lastgroup, found[found.lastgroup]
            if kind == "name" and value in _WORDS:
                kind, value = "mark", _WORDS[value]
            elif kind == "name" and value == "in":
                kind = "mark"
            self._tokens.append((kind, value))
            position = found.end()
        self._next = 0

    def parse(self) -> Thunk:
        thunk = self._ternary()
        if self._next != len(self._tokens):
            raise ExpressionError(f"unexpected {self._tokens[self._next][1]!r}")
        return thunk

    def _peek(self) -> str:
        return self._tokens[self._next][1] if self._is_mark() else ""

    def _is_mark(self) -> bool:
        return self._next < len(self._tokens) and self._tokens[self._next][0] == "mark"

    def _take(self, mark: str) -> bool:
        if self._peek() != mark:
            return False
        self._next += 1
        return True

    def _expect(self, mark: str) -> None:
        if not self._take(mark):
            raise ExpressionError(f"expected {mark!r}")

    def _ternary(self) -> Thunk:
        test = self._binary(0)
        if not self._take("?"):
            return test
        yes = self._ternary()
        self._expect(":")
        no = self._ternary()
        return lambda scope: yes(scope) if test(scope) else no(scope)

    def _binary(self, level: int) -> Thunk:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while (mark := self._peek()) in _LEVELS[level]:
            self._next += 1
            left = _combine(mark, left, self._binary(level + 1))
        return left

    def _unary(self) -> Thunk:
        if self._take("!"):
            inner = self._unary()
            return lambda scope: not inner(scope)
        if self._take("-"):
            negated = self._unary()
            return lambda scope: -negated(scope)
        return self._postfix()

    def _postfix(self) -> Thunk:
        base = self._primary()
        while True:
            if self._take("["):
                index = self._ternary()
                self._expect("]")
                base = _index(base, index)
            elif self._take("."):
                _, name = self._tokens[self._next]
                self._next += 1
                base = _index(base, lambda _, name=name: name)  # type: ignore[misc]
            else:
                return base

    def _primary(self) -> Thunk:
        if self._take("("):
            inner = self._ternary()
            self._expect(")")
            return inner
        if self._take("#"):
            return lambda scope: scope["#"]
        if self._take("{"):
            body = self._ternary()
            self._expect("}")
            return lambda scope: lambda item: body({**scope, "#": item})
        if self._take("["):
            return self._list()
        if self._next >= len(self._tokens) or self._is_mark():
            raise ExpressionError("the expression ends too early")
        kind, text = self._tokens[self._next]
        self._next += 1
        if kind == "number":
            number = float(text) if any(mark in text for mark in ".eE") else int(text)
            return lambda _: number
        if kind == "string":
            return lambda _: text[1:-1]
        if self._take("("):
            return self._call(text)
        if text in _CONSTANTS:
            return lambda _: _CONSTANTS[text]
        return lambda scope: scope[text]

    def _list(self) -> Thunk:
        items = self._arguments("]")
        return lambda scope: [item(scope) for item in items]

    def _call(self, name: str) -> Thunk:
        arguments = self._arguments(")")
        function = _FUNCTIONS.get(name)
        if function is None:
            raise ExpressionError(f"unknown function {name}")
        return lambda scope: function(*[argument(scope) for argument in arguments])

    def _arguments(self, end: str) -> list[Thunk]:
        items: list[Thunk] = []
        while not self._take(end):
            if items:
                self._expect(",")
            items.append(self._ternary())
        return items


def _index(base: Thunk, index: Thunk) -> Thunk:
    return lambda scope: base(scope)[index(scope)]


def _combine(mark: str, left: Thunk, right: Thunk) -> Thunk:
    match mark:
        case "||":
            return lambda scope: bool(left(scope)) or bool(right(scope))
        case "&&":
            return lambda scope: bool(left(scope)) and bool(right(scope))
        case _:
            operation = _OPERATIONS[mark]
            return lambda scope: operation(left(scope), right(scope))


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "in": lambda a, b: a in b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "asInt": int,
    "asFloat": float,
    "float": float,
    "int": int,
    "isNaN": lambda value: math.isnan(float(value)),
    "isInf": lambda value: math.isinf(float(value)),
    "isNil": lambda value: value is None,
    "default": lambda value, other: other if value is None else value,
    "len": len,
    "abs": abs,
    "min": min,
    "max": max,
    "all": lambda items, test: all(test(item) for item in items),
    "any": lambda items, test: any(test(item) for item in items),
    "none": lambda items, test: not any(test(item) for item in items),
    "count": lambda items, test: sum(1 for item in items if test(item)),
    "filter": lambda items, test: [item for item in items if test(item)],
}
