"""One round of questions for a group of rollouts: few queries however many there are, answers handed out by pod."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cockpit.base.clock import GRID_SECONDS
from cockpit.metrics.answers import Answer, Row
from cockpit.metrics.blind import Up
from cockpit.metrics.burn import past_query
from cockpit.metrics.client import AUTH, DOWN, OVERLOAD, QUERY, TIMEOUT, Prometheus, PrometheusError
from cockpit.metrics.counters import Pod
from cockpit.metrics.counting import Batch, Tally
from cockpit.metrics.follow import Follow
from cockpit.metrics.natives import classic
from cockpit.metrics.own import OwnSli
from cockpit.metrics.presets import ErrorMatcher, Preset, RoutedSource, Target
from cockpit.metrics.promql import any_of, duration, fill, pods_of, word
from cockpit.metrics.readings import WINDOW_STEPS
from cockpit.metrics.routes import Routes, services_of
from cockpit.model.evidence import Blind
from cockpit.model.rollout import Role

PODS_PER_QUERY = 2_000
_OFF_LOOP = 4_000  # points; counting more than this would be felt by the screen
_SUFFIX = 5
_PARTIAL = "PARTIAL"
_OWN = "own/"
GAUGES = ("cpu", "memory", "cpu_limit", "memory_limit")
"""Sections of a preset with one value per pod."""


class Scope(NamedTuple):
    """The alternations that templates take."""

    namespaces: str
    pods: str
    services: str
    names: str
    namespace_words: str = ""


class Index:
    """Which rollout and arm a series belongs to: by exact pod name, else by the ReplicaSet its name begins with."""

    def __init__(self, group: Sequence[Follow]) -> None:
        self._exact: dict[Pod, tuple[Follow, Role]] = {}
        self._bases: dict[Pod, tuple[Follow, Role] | None] = {}
        self.learned: list[tuple[Follow, Pod, Role]] = []
        """Pods that only the metrics know."""
        for follow in group:
            for base, role, _ in follow.bases():
                at = (follow.key.namespace, base)
                # Long names are cut: two ReplicaSets may share a base, and then only exact names tell them apart.
                self._bases[at] = None if at in self._bases else (follow, role)
            for pod in follow.pods():
                if (role_ := follow.role(pod)) is not None:
                    self._exact[pod] = (follow, role_)

    def find(self, pod: Pod) -> tuple[Follow, Role] | None:
        found = self._exact.get(pod)
        if found is None and len(pod[1]) > _SUFFIX:
            found = self._bases.get((pod[0], pod[1][:-_SUFFIX]))
            if found is not None:
                self.learned.append((found[0], pod, found[1]))
                self._exact[pod] = found
        return found


def scope(group: Iterable[Follow], *, gone: bool) -> Scope:
    """Exact names of the group's pods; with ``gone`` also the pattern of those that ended before anyone looked."""
    namespaces: set[str] = set()
    names: set[str] = set()
    patterns: set[str] = set()
    workloads: set[str] = set()
    services: set[str] = set()
    for follow in group:
        namespaces.add(follow.key.namespace)
        workloads.add(follow.key.name)
        services.update(services_of(follow.rollout))
        names.update(name for _, name in follow.pods())
        if gone:
            patterns.update(pods_of(replicaset) for _, _, replicaset in follow.bases())
    words = {word(namespace) for namespace in namespaces}
    return Scope(any_of(namespaces), any_of(names, patterns), any_of(services), any_of(workloads), any_of(words))


def groups(follows: Iterable[Follow], limit: int = PODS_PER_QUERY) -> Iterator[list[Follow]]:
    """Split so that no query names more than ``limit`` pods."""
    group: list[Follow] = []
    held = 0
    for follow in follows:
        size = len(follow.pods())
        if group and held + size > limit:
            yield group
            group, held = [], 0
        group.append(follow)
        held += size
    if group:
        yield group


class Poll:
    """Asks one Prometheus in the words of one preset, and of the SLIs of the user's own."""

    def __init__(self, client: Prometheus, preset: Preset, own: Mapping[str, OwnSli] | None = None) -> None:
        self.client = client
        self.preset = preset
        self._own = own or {}
        self._errors: ErrorMatcher = preset.requests.matcher()
        self.missing: dict[str, Blind] = {}
        """Source ("requests", "latency", "cpu", an own SLI's name) -> why its last query gave nothing or not all."""

    async def counters(self, group: Sequence[Follow], end: float, *, gone: bool, strict: bool = False) -> None:
        """Bring every follow of the group from its cursor to ``end``.

        Raises PrometheusError when the requests cannot be had; what else cannot is named in ``missing`` and passed
        over. ``strict``: a time-out or overload of any query raises, because the caller will ask for less at once.
        """
        if not group:
            return
        asked = scope(group, gone=gone)
        values = {**asked._asdict(), "window": duration(WINDOW_STEPS * GRID_SECONDS)}
        start = min(follow.cursor for follow in group) + GRID_SECONDS
        preset, where = self.preset, f"preset {self.preset.name}"
        queries = {"requests": fill(preset.requests.selector, values, where)}
        if preset.latency is not None:
            queries["latency"] = preset.latency.query(values, where)
        for name in GAUGES:
            source = getattr(preset, name)
            if source is not None:
                queries[name] = fill(source.query, values, where)
        for name, own in self._own.items():
            if own.fault is None:
                queries[_OWN + name] = own.query(asked._asdict())
        asking = (self._range(name, text, start, end, strict=strict) for name, text in queries.items())
        answered = await asyncio.gather(*asking, return_exceptions=True)
        answers: dict[str, Answer] = {}
        for name, answer in zip(queries, answered, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            answers[name] = answer
        index = Index(group)
        points = sum(len(row.points) for answer in answers.values() for row in answer.rows)
        if points > _OFF_LOOP:
            tallies = await asyncio.to_thread(self._count, group, index, answers, end)
        else:
            tallies = self._count(group, index, answers, end)
        for follow, pod, role in index.learned:
            follow.learn(pod, role)
        for follow, tally in tallies:
            follow.apply(tally, end)

    async def _range(self, name: str, text: str, start: float, end: float, *, strict: bool) -> Answer:
        try:
            answer = await self.client.query_range(text, start, end, GRID_SECONDS)
        except PrometheusError as error:
            if name == "requests" or error.code in (DOWN, AUTH) or (strict and error.code in (OVERLOAD, TIMEOUT)):
                raise
            self.missing[name.removeprefix(_OWN)] = Blind(error.code, f"{self._place(name)}{error}")
            return Answer("matrix", ())
        if answer.warnings:
            said = f"{self._place(name)}Prometheus answers with a warning: {answer.warnings[0][:200]}"
            self.missing[name.removeprefix(_OWN)] = Blind(_PARTIAL, said)
        else:
            self.missing.pop(name.removeprefix(_OWN), None)
        return answer

    def _place(self, name: str) -> str:
        """Whose words a failing query is made of, so that its owner knows where to look."""
        if name.startswith(_OWN):
            return f"{self._own[name.removeprefix(_OWN)].setting}: "
        return "" if name == "requests" else f"preset {self.preset.name}: {name}: "

    def _count(
        self, group: Sequence[Follow], index: Index, answers: dict[str, Answer], end: float
    ) -> list[tuple[Follow, Tally]]:
        """Rows handed out by pod, then counted. May run in a thread: it changes nothing that others read."""
        batches = {
            id(follow): (follow, Batch([], [], {name: [] for name in GAUGES}, {name: [] for name in self._own}))
            for follow in group
        }
        for name, answer in answers.items():
            source = self._own[name.removeprefix(_OWN)] if name.startswith(_OWN) else getattr(self.preset, name)
            routes = self._routes(group, name, source)
            for row in self._rows(name, answer):
                found = index.find(source.where(row.labels)) if routes is None else routes.find(row.labels)
                if found is None:
                    continue
                follow, role = found
                if routes is not None and follow.with_before:
                    row = _while_it_served(row, follow)  # noqa: PLW2901
                _shelf(batches[id(follow)][1], name).append((role, row))
        return [(follow, follow.count(batch, self.preset, self._errors, end)) for follow, batch in batches.values()]

    def _rows(self, name: str, answer: Answer) -> Iterable[Row]:
        if name != "latency" or self.preset.latency is None or not self.preset.latency.native:
            return answer.rows
        try:
            return tuple(classic(answer.rows, self.preset.latency.scale))
        except ValueError as error:
            self.missing["latency"] = Blind(QUERY, f"preset {self.preset.name}: latency: {error}")
            return ()

    def _routes(self, group: Sequence[Follow], name: str, source: Any) -> Routes | None:
        if not isinstance(source, RoutedSource) or not source.routed:
            return None
        return Routes(group, source, f"preset {self.preset.name}: {name}")

    async def ups(self, group: Sequence[Follow], at: float) -> dict[Pod, Up] | None:
        """The state of the pods' scrape targets; None when the preset names none or the question failed."""
        target = self.preset.target
        if target is None:
            return None
        selector = fill(target.selector, scope(group, gone=False)._asdict(), f"preset {self.preset.name}")
        try:
            values, stamps = await asyncio.gather(
                self.client.query(selector, at), self.client.query(f"timestamp({selector})", at)
            )
        except PrometheusError as error:
            if error.code in (DOWN, AUTH):
                raise
            return None
        return _ups(target, values, stamps)

    async def past(self, group: Sequence[Follow], seconds: float, at: float) -> dict[int, tuple[float, float]]:
        """``id(follow)`` -> (errors, requests) of the baseline in the ``seconds`` before ``at``.

        Raises PrometheusError.
        """
        asked = scope(group, gone=True)
        requests = self.preset.requests
        labels = (*self._errors.labels, *requests.route_labels)
        text = past_query(requests, labels, seconds, asked._asdict())
        answer = await self.client.query(text, at)
        index, routes = Index(group), self._routes(group, "requests", requests)
        found = {id(follow): (0.0, 0.0) for follow in group}
        for row in answer.rows:
            owner = index.find(requests.where(row.labels)) if routes is None else routes.find(row.labels)
            if owner is None or owner[1] != "baseline" or not row.points:
                continue
            value = row.points[-1][1]
            if not value >= 0:  # NaN compares false
                continue
            bad, total = found[id(owner[0])]
            found[id(owner[0])] = (bad + value if self._errors(row.labels) else bad, total + value)
        return found


def _while_it_served(row: Row, follow: Follow) -> Row:
    """Once a rollout is over its stable Service leads to the new version: what it says then is of another arm."""
    end = follow.rollout.finished_at or 0.0
    return Row(row.labels, tuple(point for point in row.points if point[0] <= end))


def _shelf(batch: Batch, name: str) -> list[tuple[Role, Row]]:
    if name == "requests":
        return batch.requests
    if name.startswith(_OWN):
        return batch.own[name.removeprefix(_OWN)]
    return batch.latency if name == "latency" else batch.gauges[name]


def _ups(target: Target, values: Answer, stamps: Answer) -> dict[Pod, Up]:
    newest: dict[Pod, float] = {}
    for row in stamps.rows:
        pod = target.where(row.labels)
        newest[pod] = max(newest.get(pod, 0.0), row.points[-1][1])
    found: dict[Pod, Up] = {}
    for row in values.rows:
        pod = target.where(row.labels)
        value = max(row.points[-1][1], found[pod].value if pod in found else 0.0)
        found[pod] = Up(value, newest.get(pod, row.points[-1][0]))
    return found
