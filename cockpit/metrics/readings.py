"""Present values of all SLIs over the display window, and the same values through time for charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cockpit.base.clock import GRID_SECONDS
from cockpit.judge.histogram import needed
from cockpit.metrics.history import RING, ROLES, History
from cockpit.model.evidence import Blind, Reading
from cockpit.model.rollout import Role
from cockpit.model.sli import CPU, ERRORS, MEMORY, QUANTILES, RATE, RATE_PER_POD, STANDARD

WINDOW_STEPS = 20
"""The display window: 5 minutes."""

_OUTDATES = frozenset({"TARGET_DOWN", "STALE", "LABEL_MISMATCH", "NO_TARGET", "METRIC_ABSENT"})
_CHART_STEPS = 4  # a point of a chart shows one minute; quantiles need more requests and take the display window


def readings(
    history: History, blind: Mapping[Role, Blind | None], missing: Mapping[str, Blind], *, finished: bool
) -> dict[str, tuple[Reading, Reading]]:
    """Every SLI's (canary, baseline) value at the newest step. ``blind`` is each arm's gap, ``missing`` an SLI's.

    After a rollout has finished its baseline is gone: the last window in which it served stands for it.
    """
    ends = dict.fromkeys(ROLES, history.steps)
    if finished and (last := history.last_traffic("baseline")) is not None:
        ends["baseline"] = last
    found: dict[str, tuple[Reading, Reading]] = {}
    for name in STANDARD:
        canary, baseline = (_reading(history, name, role, ends[role], blind[role], missing.get(name)) for role in ROLES)
        found[name] = (canary, baseline)
    return found


def blank(names: Sequence[str], blind: Blind) -> dict[str, tuple[Reading, Reading]]:
    """Every SLI unknown for one reason."""
    nothing = Reading(None, blind=blind)
    return dict.fromkeys(names, (nothing, nothing))


def _reading(history: History, name: str, role: Role, end: int, blind: Blind | None, missing: Blind | None) -> Reading:
    at = history.time(end)
    if name in (CPU, MEMORY):
        # The kubelet's numbers do not depend on the application's own metrics.
        value = history.gauge(role, name, end)
        if value is not None:
            return Reading(value, at)
        return Reading(None, at, missing or Blind("NOT_MEASURED", "no sample of the pods"))
    if missing is not None:
        return Reading(None, at, missing)
    value = _value(history, name, role, end, WINDOW_STEPS)
    if value is not None and blind is not None and blind.code in _OUTDATES:
        return Reading(None, at, blind)  # what is left of the window is old
    if value is not None:
        return Reading(value, at)
    return Reading(None, at, blind or _why(history, name, role, end))


def _value(history: History, name: str, role: Role, end: int, span: int) -> float | None:
    if name == ERRORS:
        return history.error_ratio(role, end, span)
    if name == RATE:
        return history.rate(role, end, span)
    if name == RATE_PER_POD:
        rate, pods = history.rate(role, end, span), history.pods(role, end, span)
        return rate / pods if rate is not None and pods else None
    q = QUANTILES[name]
    found, count = history.quantile(role, q, end, span)
    return found.value if found is not None and count >= needed(q) else None


def _why(history: History, name: str, role: Role, end: int) -> Blind:
    if name in QUANTILES:
        if not history.arms[role].edges:
            return Blind("NOT_MEASURED", "no latency buckets")
        _, count = history.quantile(role, QUANTILES[name], end, WINDOW_STEPS)
        least = needed(QUANTILES[name])
        if 0 < count < least:
            return Blind("TOO_FEW", f"{name.upper()} needs {least} requests in 5 min, {count} came")
    return Blind("NO_REQUESTS", "no request in 5 min")


class Chart:
    """``ports.Series`` of one rollout: 360 points per SLI and arm; only new grid points cost anything."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._points: dict[tuple[str, Role], list[tuple[float, float | None]]] = {}
        self._upto: dict[tuple[str, Role], int] = {}

    @property
    def version(self) -> int:
        return self._history.steps

    def names(self) -> Sequence[str]:
        return tuple(STANDARD)

    def points(self, sli: str, role: Role) -> Sequence[tuple[float, float | None]]:
        if sli not in STANDARD:
            return ()
        history, at = self._history, (sli, role)
        points = self._points.setdefault(at, [])
        newest = history.steps
        for index in range(max(self._upto.get(at, 0), newest - RING) + 1, newest + 1):
            if sli in (CPU, MEMORY):
                value = history.gauge(role, sli, index)
            elif not history.arms[role].pods[index]:
                value = None  # nothing was seen of the arm: a gap, whatever the window before holds
            else:
                value = _value(history, sli, role, index, WINDOW_STEPS if sli in QUANTILES else _CHART_STEPS)
            points.append((history.time(index), value))
        self._upto[at] = newest
        del points[:-RING]
        return tuple(points)


class NoChart:
    """The series of a rollout that is not followed (yet)."""

    version = 0

    def names(self) -> Sequence[str]:
        return tuple(STANDARD)

    def points(self, sli: str, role: Role) -> Sequence[tuple[float, float | None]]:
        return ()


def covered_seconds(history: History, role: Role) -> float:
    """How long the arm has been seen, in evidence time."""
    first = history.arms[role].first
    if first is None:
        return 0.0
    if role == "canary":
        first = max(first, history.origin + 1)
    return max(0, history.steps - first + 1) * GRID_SECONDS
