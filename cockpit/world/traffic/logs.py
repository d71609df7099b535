"""What the pods' containers write: access and error lines that tell exactly the story of the metrics."""

from __future__ import annotations

import heapq
import math
import re
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator

from cockpit.world.contract import Object
from cockpit.world.traffic.counters import cell_start
from cockpit.world.traffic.fleet import Fleet
from cockpit.world.traffic.pods import Instance, Pod
from cockpit.world.traffic.segments import Segment, failures, of_instance
from cockpit.world.traffic.shape import CELLS, ROUTES, latency_of

Line = tuple[int, bytes]
"""(unix microseconds, text)"""

_INFO, _SHAPE = 3, 4  # purposes of random numbers
_SHARE, _MOST = 0.2, 1.0  # access lines: one request in five, at most one a second
_HEARTBEAT_MS = 30_000
_STARTING = 240_000  # microseconds in which a container tells of its start
_CACHED, _CACHED_BYTES = 256, 1 << 20  # stretches, and bytes of one of them
_RAW = re.compile(rb"\\x([0-9a-fA-F]{2})")
_DEFAULT_ERRORS = (
    b"upstream connect error: connection reset by peer",
    b"database: could not serialize access due to concurrent update",
    b"context deadline exceeded while calling inventory",
)


class PodLogs:
    """Implements ``contract.Telemetry``. Lines are made when asked for; a stretch being followed stays cached."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._cache: OrderedDict[tuple[str, int, int, float, float], list[Line]] = OrderedDict()

    def log_lines(
        self, pod: Object, container: str, *, previous: bool, since: float | None, until: float
    ) -> Iterator[tuple[float, bytes]]:
        """Lines of one container instance in [since, until), stamps strictly ascending on whole microseconds.

        Both edges are cut to milliseconds, in which timelines are kept: windows that follow each other lose nothing.
        """
        self._fleet.flush()
        timeline = self._fleet.pods.get(pod["metadata"]["uid"])
        if timeline is None:
            return
        instance = _instance(timeline, previous=previous)
        if instance is None:
            return
        first = max(instance.started, int((since or 0.0) * 1000)) * 1000
        last = min(int(until * 1000), self._fleet.now_ms()) * 1000
        if instance.ended is not None:
            last = min(last, instance.ended * 1000)
        lines = self._serving if container == timeline.container else self._sidecar
        before = 0
        for stamp, text in lines(timeline, instance, first, last):
            if first <= stamp < last:
                before = max(stamp, before + 1)
                yield before / 1e6, text

    def _serving(self, pod: Pod, instance: Instance, first: int, last: int) -> Iterator[Line]:
        served = self._served(pod, instance, first, last)
        # Requests may come while the process still talks of its start.
        yield from heapq.merge(_start(pod, instance), served) if first < instance.started * 1000 + _STARTING else served
        yield from _end(pod, instance)

    def _served(self, pod: Pod, instance: Instance, first: int, last: int) -> Iterator[Line]:
        begin = max(instance.started, cell_start(pod, first // 1000))
        for segment in of_instance(pod, instance, begin, -(-last // 1000)):
            lines = self._lines(pod, segment)
            end = min(segment.end * 1000, last)
            for index in range(bisect_left(lines, (first,)), len(lines)):
                if lines[index][0] >= end:
                    break
                yield lines[index]

    def _sidecar(self, pod: Pod, instance: Instance, first: int, last: int) -> Iterator[Line]:
        yield instance.started * 1000 + 20_000, b"INFO  sidecar started"
        skipped = max(1, (first // 1000 - instance.started) // _HEARTBEAT_MS)
        for beat in range(instance.started + skipped * _HEARTBEAT_MS, -(-last // 1000), _HEARTBEAT_MS):
            yield beat * 1000, b"INFO  sidecar heartbeat for " + pod.name.encode()

    def _lines(self, pod: Pod, segment: Segment) -> list[Line]:
        """Everything that the planned stretch would write, in order."""
        wanted = self._info_rate(pod, segment.rate)
        key = (pod.uid, segment.start, segment.planned, segment.rate, wanted)
        lines = self._cache.get(key)
        if lines is None:
            lines = _settled([*_errors(pod, segment), *_accesses(pod, segment, wanted)])
            if sum(len(text) for _, text in lines) < _CACHED_BYTES:
                self._cache[key] = lines
            while len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        else:
            self._cache.move_to_end(key)
        return lines

    def _info_rate(self, pod: Pod, rate: float) -> float:
        workload = self._fleet.workloads.get(pod.workload) if pod.workload else None
        if workload is not None and workload.log_rate is not None:
            return workload.log_rate
        return min(_MOST, rate * _SHARE)


def _instance(pod: Pod, *, previous: bool) -> Instance | None:
    """As the kubelet chooses: of a waiting container the last life, which ``previous`` means as well."""
    if not pod.instances:
        return None
    newest = pod.instances[-1]
    if not previous or newest.ended is not None:
        return newest
    return pod.instances[-2] if len(pod.instances) > 1 else None


def _start(pod: Pod, instance: Instance) -> Iterator[Line]:
    at = instance.started * 1000
    yield at + 12_000, f"INFO  starting {pod.container} pod={pod.name} restarts={instance.number}".encode()
    yield at + 55_000, b"INFO  configuration loaded, connecting to dependencies"
    yield at + _STARTING, b"INFO  listening on :8080"


def _end(pod: Pod, instance: Instance) -> Iterator[Line]:
    if instance.ended is None:
        return
    at = instance.ended * 1000
    profile = pod.profile_at(instance.ended)
    if instance.reason == "OOMKilled":
        yield at - 2, b"WARN  heap 98% of the limit, garbage collection cannot keep up"
    elif instance.code:
        text = _raw(profile.log_line) if profile.log_line else b"unhandled exception in worker"
        yield at - 2, b"FATAL " + text.split(b"\n")[0]
        yield at - 1, f"FATAL exiting with code {instance.code}".encode()
    elif instance.code == 0 or pod.removed is not None or pod.terminating:
        yield at - 1, b"INFO  shutdown complete"


def _errors(pod: Pod, segment: Segment) -> Iterator[Line]:
    """Exactly one line with the word ERROR for each failed request, at the moment it failed."""
    planned = (segment.planned - segment.start) * 1000
    shape = latency_of(segment.profile.latency_median, segment.profile.latency_sigma)
    told = _raw(segment.profile.log_line) if segment.profile.log_line else None
    for failure in failures(pod.stream, segment):
        route, code = CELLS[failure.cell]
        method, path, _ = ROUTES[route]
        place = next(i for i, edge in enumerate(shape.cumulative) if failure.u <= edge)
        identity = int(failure.offset * 2**32)
        text = told or _DEFAULT_ERRORS[identity % len(_DEFAULT_ERRORS)]
        head = f"ERROR {method} {path} {code} {shape.means[place] * 1000:.0f}ms "
        at = segment.start * 1000 + int(failure.offset * planned)
        first, *others = text.split(b"\n")
        yield at, head.encode() + first + f" id={identity:08x}".encode()
        for index, other in enumerate(others, 1):  # a runtime knows nothing of messages: a line break ends a line
            yield at + index, other.replace(b"ERROR", b"Error")


def _accesses(pod: Pod, segment: Segment, rate: float) -> Iterator[Line]:
    planned = (segment.planned - segment.start) * 1000
    wanted = rate * planned / 1e6
    u = pod.stream.uniforms(segment.start, _INFO)
    count = math.floor(wanted + u[0])
    if count <= 0:
        return
    shape = latency_of(segment.profile.latency_median, segment.profile.latency_sigma)
    gap = planned / count
    random = pod.stream.generator(segment.start, _SHAPE).random
    for index in range(count):
        method, path, _ = ROUTES[(0, 0, 1, 0, 1, 2, 0)[int(random() * 7)]]
        number = random()
        place = next(i for i, edge in enumerate(shape.cumulative) if number <= edge)
        yield (
            segment.start * 1000 + int((index + random()) * gap),
            f"INFO  {method} {path} 200 {shape.means[place] * 1000:.0f}ms id={int(number * 2**32):08x}".encode(),
        )


def _settled(lines: list[Line]) -> list[Line]:
    lines.sort()
    before = 0
    for index, (stamp, text) in enumerate(lines):
        if stamp <= before:
            lines[index] = (before + 1, text)
        before = lines[index][0]
    return lines


def _raw(text: str) -> bytes:
    """A profile's text as bytes: ``\\xNN`` stands for any byte, so that a scenario can hold invalid UTF-8."""
    data = text.encode("utf-8", "surrogatepass")
    return _RAW.sub(lambda found: bytes((int(found[1], 16),)), data)
