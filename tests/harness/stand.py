"""A world in this process, served on loopback, and seats on it that read it through HTTP: time moves by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cockpit.config import load_settings
from cockpit.model.case import Observed
from cockpit.model.evidence import Counts
from cockpit.model.resource import Key
from cockpit.model.rollout import Rollout
from cockpit.model.sli import ERRORS
from cockpit.model.verdict import Assessment, SliRow, Verdict
from cockpit.session import Session, open_session
from cockpit.world.serve import Ready, World
from cockpit.world.traffic import Traffic, traffic_of
from cockpit.world.traffic.counters import cell_number
from cockpit.world.traffic.scrapes import exposed
from cockpit.world.traffic.shape import FIRST_ERROR, ORDERS_OK
from tests.harness.inprocess import Cluster

EPOCH = 1_795_000_010.0
"""Five seconds past a point of the evidence grid: a tick is when its last samples have arrived."""
TICK = 15.0
_PATIENCE = 30.0  # wall seconds until a hung connection is called one; nothing waits for it


class Chair:
    """One cockpit on the world: the installed engine, polled when the test says so."""

    def __init__(self, stand: Stand, session: Session) -> None:
        self._stand = stand
        self.session = session
        self._live, self._sampler = session._live, session._sampler

    async def look(self) -> None:
        """See the cluster as it is now, and bring all evidence to the newest grid point."""
        async with asyncio.timeout(_PATIENCE):
            while not self._agrees():
                await self._live.changed(self._live.snapshot().version)
            self._sampler.set_targets(self._live.snapshot().rollouts)
            await self._sampler.refresh()
            while not self._sampler._settled.is_set():
                await self._sampler.refresh()

    def _agrees(self) -> bool:
        shown = self._live.snapshot().rollouts
        return all(shown.get(key) == built for key, built in self._stand.rollouts().items())

    def assessment(self, key: Key) -> Assessment:
        return self._live.snapshot().assessments[key]

    def verdict(self, key: Key) -> Verdict:
        return self.assessment(key).verdict

    def row(self, key: Key, name: str = ERRORS) -> SliRow:
        """A line of the SLI table, with its interval."""
        slis = self.session.examine(key).assessments[key].slis
        return next(row for row in slis if row.name == name)

    def rollout(self, key: Key) -> Rollout:
        return self._live.snapshot().rollouts[key]

    def observed(self, key: Key) -> Observed:
        found = self._sampler.observed(key)
        assert found is not None, f"{key} is not observed"
        return found

    @property
    def head(self) -> float:
        """Evidence time of the newest poll."""
        assert self._sampler._head is not None
        return self._sampler._head


class Stand:
    """The world, its clock, its truth, and whoever looks at it."""

    def __init__(self, world: World, ready: Ready, directory: Path) -> None:
        self.world, self.ready = world, ready
        self.traffic: Traffic = traffic_of(world)
        self.start = world.clock.now()
        self._directory = directory
        self._cluster = Cluster(world=world)

    @property
    def now(self) -> float:
        return self.world.clock.now()

    @property
    def elapsed(self) -> float:
        """Virtual seconds since the scenario's present."""
        return self.now - self.start

    def rollouts(self) -> dict[Key, Rollout]:
        """What strategies make of the store itself."""
        return self._cluster.snapshot().rollouts

    @asynccontextmanager
    async def chair(self, *, screens: bool = False, **overrides: Any) -> AsyncIterator[Chair]:
        """Open a cockpit now; ``overrides`` are settings (``prometheus__timeout``). ``screens``: one that stays."""
        dotted = {name.replace("__", "."): value for name, value in overrides.items()}
        session = await open_session(load_settings(Path(self.ready.config), dotted), screens=screens)
        chair = Chair(self, session)
        try:
            await session.ready(_PATIENCE)
            yield chair
        finally:
            await session.close()

    async def tick(self, *chairs: Chair, seconds: float = TICK) -> None:
        """Move time, let everybody look."""
        self.world.clock.advance(seconds)
        for chair in chairs:
            await chair.look()

    async def run(self, seconds: float, *chairs: Chair) -> None:
        """That long, a tick at a time."""
        end = self.now + seconds
        while self.now < end:
            await self.tick(*chairs)

    # -- the truth

    def scraped(self, key: Key, hash_: str, at: float) -> Counts:
        """What scrapes up to ``at`` brought of a version: each instance as it stood at its last scrape."""
        bad = total = 0
        workload = self.traffic.fleet.workload(key.namespace, key.name)
        assert workload is not None
        for pod in workload.pods.values():
            if pod.hash != hash_:
                continue
            track = self.traffic.track(pod)
            track.advance(self.traffic.now_ms())
            newest: dict[int, int] = {}  # instance -> number of its last sample
            for run in exposed(pod, self.traffic.now_ms()):
                last = min(run.last - 1, cell_number(pod, round(at * 1000)))
                if last >= run.first:
                    newest[run.instance.number] = last
            for number in newest.values():
                cells = [track.column(index, number, number + 1)[0] for index in range(ORDERS_OK)]
                total += sum(cells)
                bad += sum(cells[FIRST_ERROR:])
        return Counts(bad, total)


@asynccontextmanager
async def standing(directory: Path, scenario: str, *, seed: int = 1) -> AsyncIterator[Stand]:
    """Serve ``scenario``, standing still at its present."""
    world = World.build(scenario, seed=seed, speed=0.0, epoch=EPOCH)
    directory.mkdir(parents=True, exist_ok=True)
    async with world.serving(directory) as ready:
        yield Stand(world, ready, directory)
