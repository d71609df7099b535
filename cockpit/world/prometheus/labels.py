"""Label sets and matchers with Prometheus' rules: an absent label is the empty string, regexes are anchored RE2."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

Labels = tuple[tuple[str, str], ...]
"""A label set: (name, value) pairs sorted by name, no empty values. The metric name is ``__name__``."""

NAME = "__name__"
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)

_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": "\\x00-\\x7f",
    "blank": "\\t ",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\t\\n\\v\\f\\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}


class RegexError(ValueError):
    """A regular expression that RE2 or this engine does not take; the message names it."""


def labels_of(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """A normalised label set: sorted, empty values dropped."""
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    return tuple(sorted((name, value) for name, value in items if value != ""))


def drop_name(labels: Labels) -> Labels:
    """The label set without the metric name."""
    # ``__name__`` sorts after capitals but before lower case, so it is nearly always first.
    if labels and labels[0][0] == NAME:
        return labels[1:]
    return tuple(pair for pair in labels if pair[0] != NAME)


def render(labels: Labels) -> str:
    """``{a="b", c="d"}``, as error messages of Prometheus show a label set."""
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in labels) + "}"


def quote(text: str) -> str:
    """A double-quoted string with the escapes that PromQL and the exposition formats share."""
    return '"' + text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"') + '"'


def compile_anchored(pattern: str) -> re.Pattern[str]:
    """An RE2 expression, anchored at both ends, as a Python pattern to be used with ``fullmatch``.

    Translates the spellings that Python lacks: POSIX classes, ``\\z``, ``\\Q…\\E``. Raises RegexError for the rest.
    """
    try:
        return re.compile(_translate(pattern))
    except (re.error, RecursionError, OverflowError) as error:
        raise RegexError(f"error parsing regexp: {error}: `{pattern}`") from None


def _translate(pattern: str) -> str:
    pattern = re.sub(r"\\Q(.*?)(?:\\E|$)", lambda found: re.escape(found[1]), pattern, flags=re.DOTALL)
    pattern = re.sub(r"\[:(\w+):\]", lambda found: _POSIX.get(found[1], found[0]), pattern)
    return re.sub(r"\\z", r"\\Z", pattern)


class Matcher(NamedTuple):
    """One ``name op value`` of a selector."""

    name: str
    op: Literal["=", "!=", "=~", "!~"]
    value: str

    def __str__(self) -> str:
        return f"{self.name}{self.op}{quote(self.value)}"

    def test(self) -> Callable[[str], bool]:
        """A predicate over the label's value ("" when absent)."""
        value = self.value
        if self.op == "=":
            return lambda text: text == value
        if self.op == "!=":
            return lambda text: text != value
        full = compile_anchored(value).fullmatch
        if self.op == "=~":
            return lambda text: full(text) is not None
        return lambda text: full(text) is None


class Selection:
    """The matchers of one selector, compiled. ``test`` decides for a whole label set."""

    def __init__(self, matchers: Iterable[Matcher]) -> None:
        self.matchers = tuple(matchers)
        self._tests = tuple((matcher.name, matcher.test()) for matcher in self.matchers)

    def test(self, labels: Labels) -> bool:
        have = dict(labels)
        return all(check(have.get(name, "")) for name, check in self._tests)

    def narrowed(self, name: str) -> Selection:
        """These matchers, and the metric name as well."""
        return Selection((*self.matchers, Matcher(NAME, "=", name)))

    def may(self, known: Mapping[str, str]) -> bool:
        """False when a matcher on one of the ``known`` labels rules everything out that carries them."""
        return all(check(known[name]) for name, check in self._tests if name in known)
