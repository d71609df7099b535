"""A Prometheus in memory, for the query shapes the sampler uses: answers on an httpx transport, faults on demand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import parse_qs

import httpx

LOOKBACK = 300.0
_SELECTOR = re.compile(r'(?P<name>[a-z_:]*)\{(?P<inside>(?:[^"}]|"(?:[^"\\]|\\.)*")*)\}')
_MATCHER = re.compile(r'(\w+)(=~|!=|!~|=)"((?:[^"\\]|\\.)*)"')
_RANGE = re.compile(r"\[(\d+)s\]")


class FakePrometheus:
    """Samples by series; ``now`` is its clock. ``requests`` keeps every (path, form) that arrived."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.series: dict[tuple[tuple[str, str], ...], list[tuple[float, float | None]]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.fault: Callable[[httpx.Request, dict[str, str]], httpx.Response | None] | None = None
        self.warnings: list[str] = []

    def sample(self, at: float, value: float | None, **labels: str) -> None:
        """``value`` None is a staleness marker. ``name`` is the metric."""
        labels["__name__"] = labels.pop("name")
        self.series.setdefault(tuple(sorted(labels.items())), []).append((at, value))

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._serve)

    def queries(self) -> list[str]:
        return [form["query"] for _, form in self.requests]

    def _serve(self, request: httpx.Request) -> httpx.Response:
        form = {key: values[0] for key, values in parse_qs(request.content.decode()).items()}
        self.requests.append((request.url.path, form))
        if self.fault is not None and (answer := self.fault(request, form)) is not None:
            return answer
        query = form["query"]
        if query == "time()":
            return self._json("scalar", [self.now, str(self.now)])
        if request.url.path.endswith("query_range"):
            start, end, step = (float(form[name]) for name in ("start", "end", "step"))
            times = [start + step * index for index in range(int((end - start) / step + 1e-9) + 1)]
            rows: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
            for at in times:
                for labels, value in self._evaluate(query, at).items():
                    rows.setdefault(labels, []).append((at, value))
            return self._json(
                "matrix",
                [
                    {"metric": dict(labels), "values": [[at, repr(value)] for at, value in points]}
                    for labels, points in rows.items()
                ],
            )
        at = float(form.get("time", self.now))
        found = self._evaluate(query, at).items()
        return self._json("vector", [{"metric": dict(labels), "value": [at, repr(value)]} for labels, value in found])

    def _json(self, kind: str, result: object) -> httpx.Response:
        body: dict[str, object] = {"status": "success", "data": {"resultType": kind, "result": result}}
        if self.warnings:
            body["warnings"] = self.warnings
        return httpx.Response(200, json=body)

    def _evaluate(self, query: str, at: float) -> dict[tuple[tuple[str, str], ...], float]:
        found = _SELECTOR.search(query)
        assert found is not None, query
        span = _RANGE.search(query)
        values: dict[tuple[tuple[str, str], ...], float] = {}
        if query.startswith(
            "min by ("
        ):  # since when there are samples: (min_over_time(timestamp(selector)[range:step]))
            seconds = float(query.rpartition("[")[2].partition("s:")[0])
            for labels, samples in self.series.items():
                held = [time for time, _ in samples if at - seconds < time <= at]
                if held and _matches(dict(labels), found["name"], found["inside"]):
                    values[labels] = min(held)
            return values
        for labels, samples in self.series.items():
            if not _matches(dict(labels), found["name"], found["inside"]):
                continue
            if span is not None:
                seconds = float(span.group(1))
                inside = [value for time, value in samples if at - seconds < time <= at and value is not None]
                if len(inside) < 2:
                    continue
                grown = sum(max(0.0, after - before) for before, after in pairwise(inside))
                value = grown / seconds if "rate(" in query else grown
            else:
                latest = next(((t, v) for t, v in reversed(samples) if at - LOOKBACK < t <= at), None)
                if latest is None or latest[1] is None:
                    continue
                value = latest[0] if query.startswith("timestamp(") else latest[1]
            values[labels] = value
        if query.startswith("sum by ("):
            by = [name.strip() for name in query[len("sum by (") : query.index(")")].split(",")]
            summed: dict[tuple[tuple[str, str], ...], float] = {}
            for labels, value in values.items():
                group = tuple(sorted((key, text) for key, text in labels if key in by))
                summed[group] = summed.get(group, 0.0) + value
            return summed
        if query.startswith("timestamp("):
            return {tuple(pair for pair in labels if pair[0] != "__name__"): v for labels, v in values.items()}
        return values


def _matches(labels: dict[str, str], name: str, inside: str) -> bool:
    if name and labels.get("__name__") != name:
        return False
    for label, operator, text in _MATCHER.findall(inside):
        value, wanted = labels.get(label, ""), json.loads(f'"{text}"')
        hit = re.fullmatch(wanted, value) is not None if "~" in operator else value == wanted
        if hit == operator.startswith("!"):
            return False
    return True
