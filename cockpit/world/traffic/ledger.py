"""The truth of the traffic: totals per pod and code, counts per arm at any instant, and the control routes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, NamedTuple

from cockpit.world.contract import World
from cockpit.world.traffic.counters import Totals, Track, cell_start
from cockpit.world.traffic.fleet import Fleet, Workload
from cockpit.world.traffic.logs import PodLogs
from cockpit.world.traffic.pods import Pod
from cockpit.world.traffic.segments import requests, segments
from cockpit.world.traffic.shape import CELLS, FIRST_ERROR, ORDERS_FAILED, ORDERS_OK

_TRACKS = 1500
"""Pods whose evaluated counters are kept; those of others are a function of seed and time and can be had again."""


class Counts(NamedTuple):
    """Requests of one arm: all of them, and those that failed (5xx)."""

    requests: int = 0
    errors: int = 0


class Traffic:
    """The world's traffic. ``install`` makes one; it is ``world.traffic`` and the source of all its telemetry."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fleet = Fleet(world)
        self.logs = PodLogs(self.fleet)
        self._tracks: OrderedDict[str, tuple[Track, Track]] = OrderedDict()

    def now_ms(self) -> int:
        """Virtual time in whole milliseconds, with the split of traffic brought up to date."""
        self.fleet.flush()
        return self.fleet.now_ms()

    def track(self, pod: Pod, *, latency: bool = False) -> Track:
        """The pod's counters, made on first use."""
        pair = self._tracks.get(pod.uid)
        if pair is None:
            pair = self._tracks[pod.uid] = (Track(pod, latency=False), Track(pod, latency=True))
            if len(self._tracks) > _TRACKS:
                self._tracks.popitem(last=False)
        else:
            self._tracks.move_to_end(pod.uid)
        return pair[latency]

    # -- direct mode

    def counts(self, namespace: str, name: str, start: float, end: float) -> dict[str, Counts]:
        """What each version (by pod template hash) of a workload served in [start, end), unix seconds.

        Exact at any two instants up to now, whatever a scrape would have seen; all instances of a pod count.
        """
        self.fleet.flush()
        workload = self.fleet.workload(namespace, name)
        result: dict[str, Counts] = {}
        for pod in workload.pods.values() if workload else ():
            served, failed = _between(pod, round(start * 1000), min(round(end * 1000), self.now_ms()))
            before = result.get(pod.hash, Counts())
            result[pod.hash] = Counts(before.requests + served, before.errors + failed)
        return {name: counts for name, counts in result.items() if counts.requests}

    def strata(
        self, namespace: str, name: str, start: float, end: float, step: float = 15.0
    ) -> Iterator[tuple[float, dict[str, Counts]]]:
        """``counts`` of every [t, t + step) from ``start`` up to ``end``, in order."""
        index = 0
        while start + (index + 1) * step <= end + 1e-9:
            at = start + index * step
            yield at, self.counts(namespace, name, at, at + step)
            index += 1

    # -- knobs

    def set_rps(self, namespace: str, name: str, rps: float | None) -> bool:
        """From now on ``rps`` requests a second reach the workload; None returns to the scenario's rate."""
        return self._set(namespace, name, "rps", rps)

    def set_log_rate(self, namespace: str, name: str, lines: float | None) -> bool:
        """Access lines a second and pod, for tests of log streams; None returns to the sampling."""
        return self._set(namespace, name, "log_rate", lines)

    def _set(self, namespace: str, name: str, field: str, value: float | None) -> bool:
        workload = self.fleet.workload(namespace, name)
        if workload is None:
            return False
        setattr(workload, field, value)
        self.fleet.touch(workload)
        return True

    # -- the ledger

    def ledger(self) -> list[dict[str, Any]]:
        """One entry per pod that ever served or still is there: totals by code over all its instances, and of each."""
        now = self.now_ms()
        return [self._entry(pod, now) for pod in self.fleet.pods.values()]

    def _entry(self, pod: Pod, now: int) -> dict[str, Any]:
        lives = self.track(pod).at(now)
        codes: dict[str, int] = {}
        for life in lives:
            for code, count in _codes(life).items():
                codes[code] = codes.get(code, 0) + count
        workload = pod.workload
        return {
            "namespace": pod.namespace,
            "pod": pod.name,
            "uid": pod.uid,
            "hash": pod.hash,
            "workload": None if workload is None else {"kind": workload.kind, "name": workload.name},
            "gone": pod.removed is not None,
            "rate": pod.rates[-1][1],
            "requests": sum(codes.values()),
            "errors": sum(life.errors for life in lives),
            "codes": codes,
            "orders": {
                "ok": sum(life.cells[ORDERS_OK] for life in lives),
                "failed": sum(life.cells[ORDERS_FAILED] for life in lives),
            },
            "instances": [_life(life) for life in lives],
        }

    def conservation(self) -> list[dict[str, Any]]:
        """Per pod that is there: errors of its newest instance as /metrics, log and ledger each tell them.

        ``metrics`` is None for a pod that exposes nothing at the moment.
        """
        from cockpit.world.traffic.exposition import error_count

        now = self.now_ms()
        rows = []
        for pod in self.fleet.alive():
            lives = self.track(pod).at(now)
            if not lives:
                continue
            lines = self.logs.log_lines(
                {"metadata": {"uid": pod.uid}}, pod.container, previous=False, since=None, until=self.world.clock.now()
            )
            rows.append(
                {
                    "namespace": pod.namespace,
                    "pod": pod.name,
                    "metrics": error_count(self, pod),
                    "lines": sum(1 for _, text in lines if text.startswith(b"ERROR")),
                    "ledger": lives[-1].errors,
                }
            )
        return rows

    def workload_of(self, pod: Pod) -> Workload | None:
        return self.fleet.workloads.get(pod.workload) if pod.workload else None


def _between(pod: Pod, start: int, end: int) -> tuple[int, int]:
    served = failed = 0
    for segment in segments(pod, cell_start(pod, max(start, pod.created)), end):
        if segment.end <= start:
            continue
        cells = requests(pod.stream, segment, end)
        served += sum(cells[:ORDERS_OK])
        failed += sum(cells[FIRST_ERROR:ORDERS_OK])
        if segment.start < start:
            cells = requests(pod.stream, segment, start)
            served -= sum(cells[:ORDERS_OK])
            failed -= sum(cells[FIRST_ERROR:ORDERS_OK])
    return served, failed


def _codes(life: Totals) -> dict[str, int]:
    codes: dict[str, int] = {}
    for (_, code), count in zip(CELLS, life.cells, strict=False):
        if count:
            codes[code] = codes.get(code, 0) + count
    return codes


def _life(life: Totals) -> dict[str, Any]:
    instance = life.instance
    return {
        "restart": None if instance is None else instance.number,
        "started": None if instance is None else instance.started / 1000,
        "ended": None if instance is None or instance.ended is None else instance.ended / 1000,
        "requests": life.served,
        "errors": life.errors,
        "codes": _codes(life),
    }
