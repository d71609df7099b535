"""The samples that the world's Prometheus has scraped, made when a query asks: the engine's source of series."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from math import nan

from cockpit.world.prometheus.labels import NAME, Labels, Selection, labels_of
from cockpit.world.prometheus.series import Series
from cockpit.world.prometheus.state import memory, state_rows
from cockpit.world.prometheus.targets import KSM_INSTANCE, KSM_JOB, node_labels, pod_labels
from cockpit.world.traffic import exposition as text
from cockpit.world.traffic.counters import Track, cell_number, cell_time, runs
from cockpit.world.traffic.draw import spread
from cockpit.world.traffic.fleet import RETENTION_MS
from cockpit.world.traffic.ledger import Traffic
from cockpit.world.traffic.pods import CELL_MS, Pod
from cockpit.world.traffic.scrapes import answering, exposed, targeted
from cockpit.world.traffic.shape import EDGE_TEXT, ORDERS_FAILED, ORDERS_OK

_PAUSE_EVERY = 4  # pods evaluated between two pauses
_LOOKED_INTO = 400  # pods whose counters a question for names alone evaluates
_BUCKET, _SUM, _COUNT = (f"{text.LATENCY.name}_{part}" for part in ("bucket", "sum", "count"))

POD_NAMES = (text.REQUESTS.name, _BUCKET, _SUM, _COUNT, text.ORDERS.name)
NODE_NAMES = (text.CPU.name, text.MEMORY.name)
STATE_NAMES = (
    text.LIMITS.name,
    text.READY.name,
    text.RESTARTS.name,
    text.TERMINATED.name,
    text.POD_LABELS.name,
)
SCRAPE_NAMES = ("up", "scrape_duration_seconds", "scrape_samples_scraped")
NAMES = (*POD_NAMES, *NODE_NAMES, *STATE_NAMES, *SCRAPE_NAMES)


class Samples:
    """Implements ``engine.Source``. Every target is scraped each 15 s, at an offset of its own.

    Counters come from the pods' tracks, everything else is a function of the pod's timeline. A series ends with a stale
    marker at the scrape that no longer finds it, also when its target is gone.
    """

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        now = traffic.now_ms()
        self._born = min((pod.created for pod in traffic.fleet.pods.values()), default=now)

    def select(self, selection: Selection, start: int, end: int) -> Iterator[Series | None]:
        """Matching series with their samples in [start, end] (ms); None now and then as a pause."""
        now = self._traffic.now_ms()
        window = _Window(max(start, now - RETENTION_MS), min(end, now), now)
        names = [name for name in NAMES if selection.may({NAME: name})]
        if not names or window.end < window.start:
            return
        for index, pod in enumerate(list(self._traffic.fleet.pods.values())):
            if index % _PAUSE_EVERY == 0:
                yield None
            if pod.removed is not None and pod.removed + 2 * CELL_MS < window.start:
                continue
            for name in names:
                yield from self._of_pod(pod, name, selection, window)
        if any(name in names for name in SCRAPE_NAMES):
            yield from self._of_infrastructure(names, selection, window)

    def label_sets(self, selection: Selection, start: int, end: int) -> Iterator[Labels | None]:
        """Label sets of matching series, without their samples; None now and then as a pause.

        Only which status codes occurred takes counting; in a large fleet all of them count as having occurred.
        """
        now = self._traffic.now_ms()
        window = _Window(max(start, now - RETENTION_MS), min(end, now), now)
        small = len(self._traffic.fleet.pods) <= _LOOKED_INTO
        for index, pod in enumerate(list(self._traffic.fleet.pods.values())):
            if index % _PAUSE_EVERY == 0:
                yield None
            first, last = window.numbers(pod, 0)
            if any(run.first <= last and run.last > first for run in runs(pod, now)):
                yield from filter(selection.test, _node_labels(pod))
            if any(run.first <= last and run.last > first for run in exposed(pod, now)):
                yield from filter(selection.test, _application_labels(pod, skip=text.REQUESTS.name if small else ""))
        for name in (*STATE_NAMES, *SCRAPE_NAMES, *((text.REQUESTS.name,) if small else ())):
            for series in self.select(selection.narrowed(name), start, end):
                yield None if series is None else series.labels

    def _of_pod(self, pod: Pod, name: str, selection: Selection, window: _Window) -> Iterator[Series]:
        if name in POD_NAMES or name in SCRAPE_NAMES:
            target = pod_labels(pod)
            if selection.may({NAME: name, **target}):
                if name in SCRAPE_NAMES:
                    yield from _keep(self._scrape(pod, name, target, window), selection)
                else:
                    yield from self._application(pod, name, target, selection, window)
        elif name in NODE_NAMES:
            target = {**node_labels(pod.node), **_identity(pod)}
            if selection.may({NAME: name, **target}):
                yield from _keep(self._node(pod, name, target, window), selection)
        else:
            target = {"job": KSM_JOB, "instance": KSM_INSTANCE, "namespace": pod.namespace, "pod": pod.name}
            if selection.may({NAME: name, **target}):
                yield from _keep(self._state(pod, name, target, window), selection)

    # -- a pod's own metrics

    def _application(
        self, pod: Pod, name: str, target: dict[str, str], selection: Selection, window: _Window
    ) -> Iterator[Series]:
        service = text.service_label(pod)
        found = exposed(pod, window.now)
        first, last = window.numbers(pod, 0)
        if not found or found[-1].last < first:
            return
        track: Track | None = None
        latency = name not in (text.REQUESTS.name, text.ORDERS.name)
        for index, pairs in _columns(name, pod):
            labels = labels_of({NAME: name, "service": service, **target, **dict(pairs)})
            if not selection.test(labels):
                continue
            if track is None:
                track = self._traffic.track(pod, latency=latency)
                track.advance(window.now)
            born = name == text.REQUESTS.name and index not in text.PRESENT_AT_ZERO
            parts: list[_Part] = []
            for run in found:
                low, high = max(run.first, first, track.first), min(run.last, last + 1)
                if low > high or (low == high and run.last < first):
                    continue
                values: Sequence[float] = (
                    track.float_column(low, high) if name == _SUM else track.column(index, low, high)
                )
                if born:  # a label value appears with its first increment
                    skipped = bisect_left(values, 1)
                    low, values = low + skipped, values[skipped:]
                parts.append((low, values, run.last if run.marked else _UNMARKED))
            series = _assemble(labels, parts, pod, 0, first, last)
            if series is not None:
                yield series

    def _scrape(self, pod: Pod, name: str, target: dict[str, str], window: _Window) -> Iterator[Series]:
        """up and its like: from the first start of the container until the pod is gone."""
        if not pod.instances:
            return
        begin = cell_number(pod, pod.instances[0].started) + 1
        end = cell_number(pod, window.now if pod.removed is None else min(pod.removed, window.now)) + 1
        first, last = window.numbers(pod, 0)
        alive = answering(pod, window.now)
        level = {"up": 1.0, "scrape_duration_seconds": 0.0021, "scrape_samples_scraped": 19.0}[name]
        parts: list[_Part] = []
        for stretch in targeted(pod, begin, end):
            low, high = max(stretch.first, first), min(stretch.last, last + 1)
            values = array("d", bytes(8 * max(0, high - low)))
            for run in alive:
                for number in range(max(run.first, low), min(run.last, high)):
                    values[number - low] = level
            parts.append((low, values, stretch.last if stretch.marked else _UNMARKED))
        series = _assemble(labels_of({NAME: name, **target}), parts, pod, 0, first, last)
        if series is not None:
            yield series

    # -- what nodes tell

    def _node(self, pod: Pod, name: str, target: dict[str, str], window: _Window) -> Iterator[Series]:
        shift = (spread(f"node/{pod.node}", CELL_MS) - pod.grid) % CELL_MS
        first, last = window.numbers(pod, shift)
        found = runs(pod, window.now - shift)
        if not found or found[-1].last < first:
            return
        parts: list[_Part] = []
        track = self._traffic.track(pod)
        if name == text.CPU.name:
            track.advance(window.now)
        for run in found:
            low, high = max(run.first, first), min(run.last, last + 1)
            if name == text.CPU.name:
                low = max(low, track.first)
            if low > high:
                continue
            if name == text.CPU.name:
                parts.append((low, track.float_column(low, high), run.last))
            else:
                values = array("d", (memory(pod, cell_time(pod, n)) for n in range(low, high)))
                parts.append((low, values, run.last))
        series = _assemble(labels_of({NAME: name, **target}), parts, pod, shift, first, last)
        if series is not None:
            yield series

    # -- what the state of the cluster tells

    def _state(self, pod: Pod, name: str, target: dict[str, str], window: _Window) -> Iterator[Series]:
        shift = (spread(KSM_JOB, CELL_MS) - pod.grid) % CELL_MS
        begin = cell_number(pod, pod.created - shift) + 1
        until = window.now if pod.removed is None else min(pod.removed, window.now)
        end = cell_number(pod, until - shift) + 1
        first, last = window.numbers(pod, shift)
        low, high = max(begin, first), min(end, last + 1)
        if low > high:
            return
        moments = [cell_time(pod, number) + shift for number in range(low, high)]
        for pairs, value in state_rows(pod, name):
            values = array("d", map(value, moments))
            labels = labels_of({NAME: name, **target, **pairs})
            series = _assemble(labels, [(low, values, end)], pod, shift, first, last)
            if series is not None:
                yield series

    def _of_infrastructure(self, names: list[str], selection: Selection, window: _Window) -> Iterator[Series]:
        nodes = sorted({pod.node for pod in self._traffic.fleet.pods.values() if pod.node})
        targets = [(node_labels(node), spread(f"node/{node}", CELL_MS)) for node in nodes]
        targets.append(({"job": KSM_JOB, "instance": KSM_INSTANCE}, spread(KSM_JOB, CELL_MS)))
        for target, offset in targets:
            low = -(-(max(window.start, self._born) - offset) // CELL_MS)
            stamps = range(offset + low * CELL_MS, window.end + 1, CELL_MS)
            for name in SCRAPE_NAMES:
                labels = labels_of({NAME: name, **target})
                if name in names and stamps and selection.test(labels):
                    level = {"up": 1.0, "scrape_duration_seconds": 0.0068, "scrape_samples_scraped": 200.0}[name]
                    yield Series(labels, stamps, [level] * len(stamps))


_Part = tuple[int, Sequence[float], int]
"""(number of the first sample, values, number after the last sample this part ever has)"""

_UNMARKED = -1  # instead of that number: the part ends without a stale marker


class _Window:
    __slots__ = ("end", "now", "start")

    def __init__(self, start: int, end: int, now: int) -> None:
        self.start, self.end, self.now = start, end, now

    def numbers(self, pod: Pod, shift: int) -> tuple[int, int]:
        """First and last sample number inside the window for a target scraped ``shift`` after the pod's grid."""
        first = -(-(self.start - shift - pod.grid) // CELL_MS)
        return first, cell_number(pod, self.end - shift)


def _application_labels(pod: Pod, skip: str) -> Iterator[Labels]:
    """Every series that the pod itself can expose."""
    target, service = pod_labels(pod), text.service_label(pod)
    for name in POD_NAMES:
        if name != skip:
            for _, pairs in _columns(name, pod):
                yield labels_of({NAME: name, "service": service, **target, **dict(pairs)})


def _node_labels(pod: Pod) -> Iterator[Labels]:
    for name in NODE_NAMES:
        yield labels_of({NAME: name, **node_labels(pod.node), **_identity(pod)})


def _columns(name: str, pod: Pod) -> list[tuple[int, text.Pairs]]:
    if name == text.REQUESTS.name:
        return list(enumerate(text.CELL_LABELS))
    if name == text.ORDERS.name:
        return [(ORDERS_OK, (("result", "ok"),)), (ORDERS_FAILED, (("result", "failed"),))]
    if name == _BUCKET:
        shown = text.edges_of(pod)
        return [(index, (("le", edge),)) for index, edge in enumerate(EDGE_TEXT) if edge in shown]
    return [(len(EDGE_TEXT) - 1, ())]  # the count is the last bucket; the sum is the float column


def _assemble(labels: Labels, parts: list[_Part], pod: Pod, shift: int, first: int, last: int) -> Series | None:
    """One series from its parts, with a stale marker at each scrape that misses it after having had it."""
    if len(parts) == 1:
        low, values, end = parts[0]
        if values and low + len(values) > last:
            base = cell_time(pod, low) + shift
            return Series(labels, range(base, base + len(values) * CELL_MS, CELL_MS), values)
    stamps: list[int] = []
    merged: list[float] = []
    for index, (low, values, end) in enumerate(parts):
        base = cell_time(pod, low) + shift
        stamps.extend(range(base, base + len(values) * CELL_MS, CELL_MS))
        merged.extend(values)
        following = parts[index + 1] if index + 1 < len(parts) else None
        continued = following is not None and following[0] == end and len(following[1]) > 0
        if values and first <= end <= last and not continued:
            stamps.append(cell_time(pod, end) + shift)
            merged.append(nan)
    return Series(labels, stamps, merged) if stamps else None


def _keep(found: Iterator[Series], selection: Selection) -> Iterator[Series]:
    return (series for series in found if selection.test(series.labels))


def _identity(pod: Pod) -> dict[str, str]:
    return {"namespace": pod.namespace, "pod": pod.name, "container": pod.container}
