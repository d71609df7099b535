"""How fresh the picture of the cluster is: reflector states and a heartbeat become one Source and the list of gaps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from cockpit.base.clock import Clock
from cockpit.base.errors import ApiError, CockpitError, Denied, NotFound
from cockpit.cluster.reflector import Status
from cockpit.live.coverage import Coverage
from cockpit.model.snapshot import Source

PULSE_SECONDS = 10.0
_RETRY_SECONDS = 2.0
_STILL_SECONDS = 0.5  # where cluster time does not move by itself, only an answer can tell that it moved


class Versioned(Protocol):
    """Answers GET /version (``api.Api``)."""

    @property
    def server(self) -> str: ...

    async def version(self) -> dict[str, Any]: ...


class Pulse:
    """A small request now and then: finds a dead path before the watches' deadlines do, and keeps cluster time.

    ``on_beat`` is called after each with True when the server answers again after it had not.
    """

    def __init__(self, api: Versioned, clock: Clock, on_beat: Callable[[bool], None]) -> None:
        self._api = api
        self._clock = clock
        self._on_beat = on_beat
        self._now = asyncio.Event()
        self.at: float | None = None
        self.lost_since: float | None = None
        self.message = ""

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await self._beat()
            pause = _RETRY_SECONDS if self.lost_since is not None else PULSE_SECONDS
            if self._clock.time_scale == 0:
                pause = _STILL_SECONDS
            self._now.clear()
            try:
                async with asyncio.timeout(pause):
                    await self._now.wait()
            except TimeoutError:
                continue

    def beat_now(self) -> None:
        self._now.set()

    async def _beat(self) -> None:
        try:
            await self._api.version()
        except (ApiError, Denied, NotFound):
            self._alive()  # it answers; what it denies is said by the reflectors
        except CockpitError as error:
            self.message = str(error)
            if self.lost_since is None:
                self.lost_since = self._clock.cluster()
            self._on_beat(False)
        else:
            self._alive()

    def _alive(self) -> None:
        self.at = self._clock.cluster()
        again = self.lost_since is not None
        self.lost_since, self.message = None, ""
        self._on_beat(again)


def kubernetes_source(coverages: Sequence[Coverage], pulse: Pulse, main: Coverage | None) -> Source:
    """One state for the header. ``main``: whose resource version stands for the picture's."""
    statuses = [status for coverage in coverages for status in coverage.statuses]
    at = max((moment for moment in [*(status.at for status in statuses), pulse.at] if moment is not None), default=None)
    version = main.statuses[0].resource_version or None if main is not None and main.statuses else None
    served = [status for status in statuses if status.state != "ABSENT"]
    failing = [status for status in served if status.state == "BACKOFF"]
    stale = [status for status in served if status.state == "STALE"]
    denied = [status for status in served if status.state == "DENIED"]
    listing = [status for status in served if status.state == "LISTING"]
    if failing and (len(failing) == len(served) - len(denied) or pulse.lost_since is not None):
        since = min(status.since for status in failing)
        return Source("lost", at, since, version, failing[0].message)
    if pulse.lost_since is not None:
        return Source("stale", at, pulse.lost_since, version, pulse.message)
    if failing or stale:
        worst = (failing or stale)[0]
        return Source("stale", at, worst.since, version, worst.message)
    if listing:
        return Source("syncing", at, min(status.since for status in listing), version, None)
    if served and len(denied) == len(served):
        return Source("denied", at, _since(denied), version, denied[0].message)
    if not served:
        return Source("absent", at, _since(statuses), version, "none of the kinds this program knows are served")
    return Source("ok", at, max(status.since for status in served), version)


def all_gaps(coverages: Sequence[Coverage]) -> tuple[str, ...]:
    """Everything that rights or absence hide, each one sentence."""
    gaps: list[str] = []
    narrowed = [coverage for coverage in coverages if coverage.narrowed]
    if narrowed:
        scope = ", ".join(narrowed[0].scope or ())
        kinds = "" if len(narrowed) == len(coverages) else " of " + ", ".join(c.resource.plural for c in narrowed)
        gaps.append(f"only namespace {scope}{kinds} is shown: you may not list all namespaces (see cockpit rbac)")
    for coverage in coverages:
        gaps.extend(coverage.gaps())
    return tuple(gaps)


def _since(statuses: Sequence[Status]) -> float | None:
    return min((status.since for status in statuses), default=None)
