"""Fault rules of the API server: what goes wrong, for which requests, and how often."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """A rule: requests whose method, path and user match suffer what the other fields say, ``times`` times.

    ``method`` and ``path`` are regular expressions (searched; empty matches all), ``user`` an exact name.
    """

    method: str = ""
    path: str = ""
    query: str = ""
    user: str = ""
    times: int | None = None
    """None: until the rule is removed."""
    skip: int = 0
    """Let so many matching requests pass first."""

    delay: float = 0.0
    """Wall seconds before anything else happens."""
    hang: bool = False
    """Never answer."""
    drop: Literal["", "before", "after"] = ""
    """Break the connection instead of answering: before the request is carried out, or after it."""
    status: int = 0
    """Answer with this code and ``body`` instead of carrying the request out."""
    body: Any = None
    """A string is sent as it is; anything else as JSON. Default: a Status object that fits the code."""
    content_type: str = ""
    html: bool = False
    """The page a load balancer sends; ``status`` defaults to 502."""
    retry_after: int | None = None
    """Retry-After header in seconds; ``status`` defaults to 429."""
    cut: int | None = None
    """Break the connection after so many bytes of the body."""
    id: int = 0
    used: int = 0

    def applies(self, method: str, path: str, query: str, user: str) -> bool:
        return (
            (self.times is None or self.used < self.times)
            and (not self.user or self.user == user)
            and re.search(self.method, method) is not None
            and re.search(self.path, path) is not None
            and re.search(self.query, query) is not None
        )

    @property
    def answer(self) -> int:
        """The code to answer with; 0 when the request is to be carried out."""
        return self.status or (502 if self.html else 0) or (429 if self.retry_after is not None else 0)


class Faults:
    """The active rules, in the order they were added; the first that applies wins."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []
        self._next = 1

    def add(self, rule: Fault) -> int:
        """Raises ``re.error`` for a pattern that is none."""
        re.compile(rule.method), re.compile(rule.path), re.compile(rule.query)
        rule.id, self._next = self._next, self._next + 1
        self.rules.append(rule)
        return rule.id

    def clear(self, rule_id: int | None = None) -> None:
        self.rules = [] if rule_id is None else [rule for rule in self.rules if rule.id != rule_id]

    def take(self, method: str, path: str, query: str, user: str) -> Fault | None:
        """The rule for this request, counted as used."""
        for rule in self.rules:
            if rule.applies(method, path, query, user):
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                rule.used += 1
                return rule
        return None
