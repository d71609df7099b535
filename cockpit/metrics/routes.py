"""Series of a router name a Service and no pod: which rollout and arm they belong to, by the patterns of the preset."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cockpit.metrics.answers import Labels
from cockpit.metrics.follow import Follow
from cockpit.metrics.presets import RoutedSource
from cockpit.metrics.promql import fill, word
from cockpit.model.rollout import Role, Rollout


class Services(NamedTuple):
    """Names of the two Services of a rollout; by custom ``web`` and ``web-canary`` where the spec names none."""

    stable: str
    canary: str


def services_of(rollout: Rollout) -> Services:
    name = rollout.key.name
    return Services(rollout.stable_service or name, rollout.canary_service or f"{name}-canary")


class _Rule(NamedTuple):
    follow: Follow
    role: Role
    patterns: tuple[re.Pattern[str], ...]


class Routes:
    """Rules of a group of rollouts for one source of a preset; what was found is remembered per set of label values."""

    def __init__(self, group: Iterable[Follow], source: RoutedSource, where: str) -> None:
        self._labels = source.route_labels
        self._known: dict[tuple[str, ...], tuple[Follow, Role] | None] = {}
        self._rules: list[_Rule] = []
        for follow in group:
            services = services_of(follow.rollout)
            names = {
                "namespace": follow.key.namespace,
                "name": follow.key.name,
                "stable": services.stable,
                "canary": services.canary,
            }
            values = {key: re.escape(name) for key, name in names.items()}
            values |= {f"{key}_word": word(name) for key, name in names.items()}
            sides: tuple[tuple[Role, dict[str, str]], ...] = (
                ("canary", source.canary or {}),
                ("baseline", source.baseline or {}),
            )
            for role, patterns in sides:
                compiled = tuple(re.compile(fill(patterns.get(label, ".*"), values, where)) for label in self._labels)
                self._rules.append(_Rule(follow, role, compiled))

    def find(self, labels: Labels) -> tuple[Follow, Role] | None:
        values = tuple(labels.get(label, "") for label in self._labels)
        if values not in self._known:
            self._known[values] = next(
                ((rule.follow, rule.role) for rule in self._rules if _fits(rule.patterns, values)), None
            )
        return self._known[values]


def _fits(patterns: Sequence[re.Pattern[str]], values: Sequence[str]) -> bool:
    return all(pattern.fullmatch(value) for pattern, value in zip(patterns, values, strict=True))
