"""Blind spots: data that should be there and is not, each told apart by name (facts 3.4)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cockpit.base.clock import GRID_SECONDS
from cockpit.metrics.calibration import needed
from cockpit.metrics.counters import Pod
from cockpit.metrics.follow import Follow
from cockpit.metrics.history import ROLES
from cockpit.model.evidence import Blind, Counts, Evidence, Sli
from cockpit.model.rollout import Arm, Role, Rollout

UNMEASURED = "NOT_MEASURED"
MISCONFIGURED = "MISCONFIGURED"

_TOO_NEW = 2 * GRID_SECONDS + 15.0  # two scrapes and the way there
_STALE = 75.0  # 2.5 scrapes at the slowest interval in common use (30 s)
_QUIET_STEPS = 4  # 60 s without a request
_EXPECTED = 7.0  # requests: seeing none of them by chance has a probability below 0.1 %


class Up(NamedTuple):
    """The ``up`` series of one pod: the best of its targets."""

    value: float
    at: float  # time of the sample


def blind_spot(
    follow: Follow, role: Role, metric: str, ups: Mapping[Pod, Up] | None, trouble: Blind | None
) -> Blind | None:
    """Why the requests of one arm are not known at the newest step; None when they are.

    ``ups`` None: the preset names no target series. ``trouble``: what the query itself ran into (partial data, say).
    """
    if trouble is not None:
        return trouble
    rollout, head = follow.rollout, follow.history.end
    arm = follow.arms[role]
    ready = [pod for pod in arm.pods if pod.ready and not pod.terminating] if arm is not None else []
    who = "the canary" if role == "canary" else "the baseline"
    if not ready:
        return Blind("NO_PODS", f"no pod of {who} is ready{_why_down(arm)}")
    names = {(pod.namespace, pod.name) for pod in ready}
    born = [pod.created_at for pod in ready if pod.created_at is not None]
    seen = [up for name, up in ups.items() if name in names] if ups is not None else None
    if role in follow.counting.junk:
        return Blind("NOT_A_NUMBER", f"{metric} of {who} is no number (NaN or Inf)")
    present = follow.history.arms[role].pods[-1] > 0
    if seen and all(up.value == 0 for up in seen):
        return Blind("TARGET_DOWN", f"Prometheus cannot scrape {who}: its targets are down")
    if present:
        if seen and (age := head - max(up.at for up in seen)) > _STALE:
            return Blind("STALE", f"the newest sample of {who} is {age:.0f} s old", since=head - age)
        return _quiet(follow, role, who, head - max(up.at for up in seen) if seen else 0.0, born)
    if born and head - min(born) < _TOO_NEW:
        return Blind("TOO_NEW", f"{who}'s pods are {max(0.0, head - min(born)):.0f} s old; first samples are due")
    last = follow.history.last_seen(role)
    if last is not None and (not born or last > min(born)):
        return Blind("STALE", f"the newest sample of {who} is {head - last:.0f} s old", since=last)
    if seen is not None and not seen:
        return Blind("NO_TARGET", f"Prometheus has no scrape target for {who}'s pods")
    if role == "canary" and _weight(rollout) == 0:
        return Blind("NO_TRAFFIC_EXPECTED", "the canary gets no traffic yet (weight 0)")
    other: Role = "baseline" if role == "canary" else "canary"
    if follow.history.arms[other].pods[-1] > 0:
        where = "baseline" if role == "canary" else "canary"
        return Blind("LABEL_MISMATCH", f"{metric} exists for the {where}, not for {who}")
    return Blind("METRIC_ABSENT", f"no series {metric} for these pods")


def latency_spot(follow: Follow, sli: Sli, trouble: Blind | None) -> Blind | None:
    """Why slow requests cannot be counted, by SLI; ``NOT_MEASURED`` when nobody exposes buckets at all."""
    if trouble is not None:
        return trouble
    canary, baseline = (follow.history.arms[role].edges for role in ROLES)
    if not canary and not baseline:
        return Blind(UNMEASURED, "no latency buckets")
    calibration = follow.counting.calibration
    threshold = calibration.thresholds.get(sli.name)
    if threshold is not None and threshold.seconds is None:
        return Blind(UNMEASURED, f"no bucket edge of its own for {sli.name}")
    for who, edges in (("the canary", canary), ("the baseline", baseline)):
        if edges and not math.isinf(edges[-1]):
            return Blind("NO_INF", f"the histogram of {who} has no +Inf bucket; {sli.name} cannot be counted")
    if threshold is None or threshold.seconds is None:
        if calibration.done and not baseline:
            return Blind(UNMEASURED, "the baseline has no latency buckets")
        return Blind(
            "TOO_NEW",
            f"{calibration.observed} of {needed(sli.name)} requests of the baseline to tell from when on one is slow",
        )
    if follow.history.arms["canary"].pods[-1] and not canary:
        return Blind("LABEL_MISMATCH", f"the baseline has latency buckets, the canary has none: no {sli.name}")
    if canary and threshold.seconds not in canary:
        return Blind(
            "BUCKETS_CHANGED",
            f"the canary's buckets have no edge at {threshold.seconds:g} s, where {sli.name} of the baseline is held; "
            "give both versions the same buckets",
        )
    return None


def own_spot(follow: Follow, item: Evidence) -> Blind | None:
    """A counter of the user's own that the baseline moves and the canary's pods do not expose, or that none can be."""
    source = follow.counting.own(item.sli.name)
    if source.fault is not None:
        return Blind(MISCONFIGURED, source.fault)
    seen = follow.counting.exposed(item.sli.name)
    if not any(seen.values()):
        return Blind("METRIC_ABSENT", f"{source.setting}: no series for these pods")
    if seen["baseline"] and not seen["canary"] and follow.history.arms["canary"].pods[-1]:
        if item.sli.kind == "volume":
            return None  # a counter that was never touched need not be exposed; that there are none is the finding
        return Blind("LABEL_MISMATCH", f"{source.setting}: exists for the baseline, not for the canary")
    return None


def _quiet(follow: Follow, role: Role, who: str, age: float, born: Sequence[float]) -> Blind | None:
    """Series are there; are requests? Low traffic is no blind spot: only silence where requests were due is.

    ``born``: when the ready pods were made. A version that returns has series of its earlier pods, from before it left.
    """
    history, end = follow.history, follow.history.steps
    lived = int((history.end - min(born)) // GRID_SECONDS) if born else end
    first = max(history.arms[role].first or 0, end - lived)
    if role != "canary" or end - first < _QUIET_STEPS:
        return None
    if history.counts(role, end, _QUIET_STEPS).total > 0:
        return None
    weight = _weight(follow.rollout)
    if weight == 0:
        return Blind("NO_TRAFFIC_EXPECTED", "the canary gets no traffic yet (weight 0)")
    last = history.last_traffic(role)
    silent = end - max(last or 0, first)
    if silent * GRID_SECONDS - age < _QUIET_STEPS * GRID_SECONDS:
        return None  # the samples may be late, not the requests
    beside: Counts = history.counts("baseline", end, silent)
    if weight is None or weight >= 1.0 or beside.total * weight / (1.0 - weight) < _EXPECTED:
        return None
    since = history.time(end - silent)
    return Blind("NO_TRAFFIC", f"no request reached {who} for {silent * GRID_SECONDS:.0f} s at {weight:.0%}", since)


def _weight(rollout: Rollout) -> float | None:
    return rollout.weight.actual if rollout.weight.actual is not None else rollout.weight.set


def _why_down(arm: Arm | None) -> str:
    reasons = sorted({pod.reason for pod in arm.pods if pod.reason}) if arm is not None else []
    return f" ({', '.join(reasons)})" if reasons else ""
