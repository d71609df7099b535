"""CPU and memory per pod: the median pod's use for display, its share of the limit for saturation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median
from typing import NamedTuple

from cockpit.base.clock import GRID_SECONDS
from cockpit.judge.saturation import TREND_SECONDS, Gauge, seconds_to_limit, update
from cockpit.metrics.answers import Row
from cockpit.metrics.counters import Pod
from cockpit.metrics.history import ROLES, History
from cockpit.metrics.presets import Preset
from cockpit.model.evidence import Saturation
from cockpit.model.rollout import Role
from cockpit.model.sli import CPU, MEMORY

LIMITED = {CPU: "cpu_limit", MEMORY: "memory_limit"}
"""Gauge -> the preset's section with its limit."""

_MEDIAN_FROM = 3  # pods; with fewer the fullest one speaks
_TREND_STEPS = round(TREND_SECONDS / GRID_SECONDS)


class Share(NamedTuple):
    """Use over limit of the pod that speaks for its arm, and that limit."""

    share: float
    limit: float


class Gauges:
    """Entry and exit of saturation, step by step on the grid."""

    def __init__(self) -> None:
        self._state: dict[tuple[str, Role], Gauge] = {}
        self._newest: dict[tuple[str, Role], tuple[int, Share]] = {}

    def read(
        self, rows: Mapping[str, list[tuple[Role, Row]]], preset: Preset, history: History
    ) -> tuple[dict[Role, dict[str, dict[int, float]]], dict[Role, dict[str, dict[int, Share]]]]:
        """(median use by step, share of the limit by step) of a batch. Changes nothing."""
        values: dict[Role, dict[str, dict[int, float]]] = {role: {} for role in ROLES}
        shares: dict[Role, dict[str, dict[int, Share]]] = {role: {} for role in ROLES}
        for name, limit_name in LIMITED.items():
            limits = _by_pod(rows.get(limit_name, ()), getattr(preset, limit_name), history)
            for (role, index), used in _by_pod(rows.get(name, ()), getattr(preset, name), history).items():
                values[role].setdefault(name, {})[index] = median(used.values())
                ceilings = limits.get((role, index), {})
                full = sorted(
                    Share(use / ceilings[pod], ceilings[pod])
                    for pod, use in used.items()
                    if ceilings.get(pod, 0.0) > 0.0
                )
                if full:
                    speaks = full[len(full) // 2] if len(full) >= _MEDIAN_FROM else full[-1]
                    shares[role].setdefault(name, {})[index] = speaks
        return values, shares

    def take(self, shares: Mapping[Role, dict[str, dict[int, Share]]], history: History) -> None:
        """Follow what was read, in the order of the grid."""
        for role in ROLES:
            for name, steps in shares[role].items():
                for index, share in sorted(steps.items()):
                    if index > history.origin:
                        at = (name, role)
                        self._state[at] = update(self._state.get(at, Gauge()), share.share)
                        self._newest[at] = (index, share)

    def saturation(self, history: History) -> tuple[Saturation, ...]:
        """How full both arms are; nothing for a resource without a limit."""
        found = []
        for name in LIMITED:
            canary, baseline = (self._share(name, role, history) for role in ROLES)
            if canary is None:
                continue
            found.append(
                Saturation(
                    name=name,
                    canary=canary.share,
                    baseline=baseline.share if baseline is not None else None,
                    canary_full=self._state.get((name, "canary"), Gauge()).saturated,
                    baseline_full=self._state.get((name, "baseline"), Gauge()).saturated,
                    limit=canary.limit,
                    full_in=_full_in(history, canary.limit) if name == MEMORY and canary.share > 0.5 else None,
                )
            )
        return tuple(found)

    def _share(self, name: str, role: Role, history: History) -> Share | None:
        index, share = self._newest.get((name, role), (-1, None))
        return share if index == history.steps else None


def _full_in(history: History, limit: float) -> float | None:
    end = history.steps
    points = [
        (history.time(index), value)
        for index in range(max(0, end - _TREND_STEPS), end + 1)
        if (value := history.gauge("canary", MEMORY, index)) is not None
    ]
    return seconds_to_limit(points, limit)


def _by_pod(
    rows: list[tuple[Role, Row]] | tuple[()], source: object, history: History
) -> dict[tuple[Role, int], dict[Pod, float]]:
    found: dict[tuple[Role, int], dict[Pod, float]] = {}
    if source is None:
        return found
    for role, row in rows:
        pod = source.where(row.labels)  # type: ignore[attr-defined]
        for at, value in row.points:
            if math.isfinite(value):
                found.setdefault((role, history.index(at)), {})[pod] = value
    return found
