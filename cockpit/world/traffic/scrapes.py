"""What scrapes of a pod find: the application's metrics, a target that answers without them, or no target at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from cockpit.world.contract import Profile
from cockpit.world.traffic.counters import Run, runs
from cockpit.world.traffic.pods import CELL_MS, Pod


class Stretch(NamedTuple):
    """Scrapes [first, last) of a pod's target. ``marked``: what was there is known to be gone after them."""

    first: int
    last: int
    marked: bool


def exposed(pod: Pod, now: int) -> list[Run]:
    """Runs of scrapes up to ``now`` that bring the application's metrics."""
    return _where(pod, now, _seen)


def answering(pod: Pod, now: int) -> list[Run]:
    """Runs of scrapes that succeed, whatever they bring."""
    return _where(pod, now, _answers)


def targeted(pod: Pod, first: int, last: int) -> list[Stretch]:
    """Of the scrapes [first, last) those that take place: a target that is not discovered or stalled has none."""
    found: list[Stretch] = []
    for part in _kept(pod, first, last, _scraped):
        joined = found.pop().first if found and found[-1].last == part.first else part.first
        found.append(part._replace(first=joined))
    return found


def _where(pod: Pod, now: int, wanted: Callable[[Profile], bool]) -> list[Run]:
    found = runs(pod, now)
    if all(wanted(profile) for _, profile in pod.profiles):
        return found
    kept: list[Run] = []
    for run in found:
        for part in _kept(pod, run.first, run.last, wanted):
            first = part.first
            if kept and kept[-1].instance is run.instance and kept[-1].last == first:
                first = kept.pop().first
            kept.append(Run(run.instance, first, part.last, part.marked))
    return kept


def _kept(pod: Pod, first: int, last: int, wanted: Callable[[Profile], bool]) -> Iterator[Stretch]:
    """The parts of [first, last) under profiles that are wanted; neighbours are not merged."""
    for index, (at, profile) in enumerate(pod.profiles):
        begin = first if index == 0 else max(first, _from(pod, at))
        following = pod.profiles[index + 1] if index + 1 < len(pod.profiles) else None
        until = last if following is None else min(last, _from(pod, following[0]))
        if begin < until and wanted(profile):
            stops = following is not None and until < last and following[1].scrape == "stalled"
            yield Stretch(begin, until, not stops)


def _from(pod: Pod, at: int) -> int:
    """Number of the first sample that a change at ``at`` (ms) can be seen in."""
    return -(-(at - pod.grid) // CELL_MS)


def _seen(profile: Profile) -> bool:
    return profile.seen


def _answers(profile: Profile) -> bool:
    return profile.metrics and profile.scrape in ("ok", "silent")


def _scraped(profile: Profile) -> bool:
    return profile.scrape not in ("undiscovered", "stalled")
