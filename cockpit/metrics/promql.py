"""Text of PromQL: names from the cluster become literals that can match nothing but themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from cockpit.base.errors import ConfigError

_META = re.compile(r"([\\.+*?()|\[\]{}^$])")  # as Go's regexp.QuoteMeta, so that Prometheus still sees a plain set
_HOLE = re.compile(r"\{\{\s*([a-z_]*)\s*\}\}")
_STRING = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}

RANDOM_SUFFIX = "[a-z0-9]{5}"
"""What the API server appends to a generateName (apiserver names.SimpleNameGenerator: five characters)."""

_GENERATED_BASE = 58  # characters of the base it keeps, so that the whole fits 63


def quote_regex(text: str) -> str:
    """``text`` as a regular expression (RE2) that matches it alone: ``a.b`` -> ``a\\.b``."""
    return _META.sub(r"\\\1", text)


def quote_string(text: str) -> str:
    """``text`` as the inside of a double-quoted PromQL string."""
    return "".join(_STRING.get(char, char) for char in text)


def any_of(names: Iterable[str], patterns: Iterable[str] = ()) -> str:
    """The inside of a ``=~`` matcher: one of ``names`` literally, or of ``patterns``; matches nothing when empty."""
    parts = sorted({quote_regex(name) for name in names}) + sorted(set(patterns))
    return quote_string("|".join(parts)) if parts else "-"  # no namespace, pod or ReplicaSet is called "-"


def word(name: str) -> str:
    """``name`` as systems write it that allow letters, digits and ``_`` only (Skipper's route ids)."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def pods_of(replicaset: str) -> str:
    """Pattern of the names that pods of a ReplicaSet get, those that are gone included."""
    return quote_regex(pod_base(replicaset)) + RANDOM_SUFFIX


def pod_base(replicaset: str) -> str:
    """What all pod names of a ReplicaSet begin with; cut as the API server cuts it."""
    return f"{replicaset}-"[:_GENERATED_BASE]


def fill(template: str, values: Mapping[str, str], where: str) -> str:
    """Replace ``{{name}}`` by values that are escaped already. Raises ConfigError naming an unknown placeholder."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            known = ", ".join(f"{{{{{key}}}}}" for key in values)
            raise ConfigError(f"{where}: placeholder {{{{{name}}}}} is not known; there are {known}")
        return values[name]

    return _HOLE.sub(value, template)


def duration(seconds: float) -> str:
    """A range in whole seconds as PromQL writes it: ``300s``."""
    return f"{max(1, round(seconds))}s"
