"""The sampler against the embedded world: its counts are the ledger's, whoever looks and whenever they came.

Budget: 60 s.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from cockpit.base.clock import Clock
from cockpit.cluster.api import Api
from cockpit.cluster.credentials import load
from cockpit.cluster.transport import Transport
from cockpit.config import Settings, load_settings
from cockpit.judge import judge
from cockpit.live.live import Live
from cockpit.metrics import Sampler
from cockpit.model.case import Policy
from cockpit.model.resource import Key
from cockpit.model.sli import CPU, ERRORS, MEMORY, P50, P95, RATE
from cockpit.strategies import REGISTRY
from tests.harness.world import WorldProcess

EXACT = (ERRORS, RATE, P50, P95)
CHECKOUT = Key("Rollout", "payments", "checkout-api")


class Seat:
    """The live picture of a world and a sampler on it, polled by hand."""

    def __init__(self, world: WorldProcess, live: Live, settings: Settings, clock: Clock) -> None:
        self.world, self.live, self.settings, self.clock = world, live, settings, clock
        self.sampler = self.another()
        live.on_rollouts(self.sampler.set_targets)
        live.attach(self.sampler)

    def another(self) -> Sampler:
        return Sampler(self.settings, self.clock)

    async def poll(self, sampler: Sampler | None = None) -> None:
        """One whole poll of what the cluster shows now."""
        who = sampler or self.sampler
        rollouts = self.live.snapshot().rollouts
        while True:
            who.set_targets(rollouts)
            await who.refresh()
            assert who.source().state in ("ok", "syncing"), who.source()  # a slow machine reads history in parts
            if who._settled.is_set():
                assert who.source().state == "ok", who.source()
                return

    async def moved(self, seconds: float, until: Callable[[], bool] = lambda: True) -> None:
        """Advance the world; wait until the cluster's picture agrees with ``until``."""
        await asyncio.to_thread(self.world.control.advance, seconds)
        async with asyncio.timeout(20):
            while not until():
                await self.live.changed(self.live.snapshot().version)


@contextlib.asynccontextmanager
async def seat_on(world: WorldProcess, **slo: Any) -> AsyncIterator[Seat]:
    settings = load_settings(world.config, {"slo": [{"objective": 0.99, **slo}]})
    clock = Clock(settings.world.time_scale)
    api = Api(Transport(await load(settings.cluster, clock), clock))
    live = Live(api, clock, REGISTRY, judge, Policy())
    seat = Seat(world, live, settings, clock)
    try:
        await live.start()
        async with asyncio.timeout(30):
            while not live.synced:
                await live.changed(live.snapshot().version)
        yield seat
    finally:
        await seat.sampler.stop()
        await live.stop()
        await api.aclose()


def totals(world: WorldProcess, key: Key, hash_: str) -> tuple[int, int]:
    """(errors, requests) of a version by the ledger of truth, pods that are gone included."""
    rows = world.control.call("GET", "/ledger/traffic", namespace=key.namespace)["pods"]
    mine = [row for row in rows if row["workload"]["name"] == key.name and row["hash"] == hash_]
    return sum(row["errors"] for row in mine), sum(row["requests"] for row in mine)


async def test_counts_are_the_ledgers_and_two_seats_agree(make_world: Callable[..., WorldProcess]) -> None:
    world = make_world(scenario="default", seed=3, speed=0)
    async with seat_on(world) as seat:
        await seat.poll()
        for _ in range(4):
            await seat.moved(15)
            await seat.poll()
        rollouts = seat.live.snapshot().rollouts
        judged = [key for key, item in rollouts.items() if item.in_flight and item.canary is not None]
        assert len(judged) >= 10
        for key in judged:
            world.control.call("POST", "/traffic/rps", {"namespace": key.namespace, "name": key.name, "value": 0})
        await seat.moved(90)
        await seat.poll()

        late = seat.another()
        await seat.poll(late)
        compared = 0
        for key in judged:
            item = seat.live.current(key)
            one, two = seat.sampler.observed(key), late.observed(key)
            assert one is not None
            assert two is not None
            assert one.evidence == two.evidence, key
            assert [one.readings[name] for name in EXACT] == [two.readings[name] for name in EXACT], key
            if item is None or item.canary is None or item.canary.created_at is None or one.evidence[0].blind:
                continue
            if any(pod.restarts for pod in item.canary.pods) or item.returning:
                continue  # what a container counted after its last scrape died with it
            errors, requests = await asyncio.to_thread(totals, world, key, item.canary.hash)
            counted = one.evidence[0].canary
            assert (counted.bad, counted.total) == (errors, requests), key
            compared += counted.total > 0
        assert compared >= 5
        await late.stop()


async def test_what_the_screen_shows_of_an_erring_canary(make_world: Callable[..., WorldProcess]) -> None:
    world = make_world(scenario="default", seed=3, speed=0)
    async with seat_on(world) as seat:
        await seat.poll()
        observed = seat.sampler.observed(CHECKOUT)
        assert observed is not None
        canary, baseline = observed.readings[ERRORS]
        assert canary.value == pytest.approx(0.041, abs=0.01)
        assert baseline.value == pytest.approx(0.003, abs=0.002)
        item = seat.live.current(CHECKOUT)
        assert item is not None
        assert item.weight.actual is not None
        rates = [reading.value or 0.0 for reading in observed.readings[RATE]]
        assert rates[0] / sum(rates) == pytest.approx(item.weight.actual, abs=0.02)
        assert sum(rates) == pytest.approx(120, rel=0.05)
        for name in (P50, P95, CPU, MEMORY):
            assert all(reading.value is not None and reading.value > 0 for reading in observed.readings[name]), name
        points = seat.sampler.series(CHECKOUT).points(ERRORS, "canary")
        assert len(points) > 40
        assert observed.burn is not None
        assert observed.burn.windows[0].canary == pytest.approx(4.1, abs=1.0)
        async with asyncio.timeout(20):
            while (
                CHECKOUT not in seat.live.snapshot().assessments or not seat.live.snapshot().assessments[CHECKOUT].slis
            ):
                await seat.live.changed(seat.live.snapshot().version)
        states = {row.verdict.state for row in seat.live.snapshot().assessments.values()}
        assert states >= {"abort", "blind", "wait"}
        assert seat.live.snapshot().assessments[CHECKOUT].verdict.state == "abort"
        assert seat.live.snapshot().assessments[Key("Rollout", "ml", "recs")].verdict.state == "blind"


async def test_the_budget_of_a_period_is_what_the_counters_of_all_versions_say(
    make_world: Callable[..., WorldProcess],
) -> None:
    world = make_world(scenario="errors", seed=1, speed=0)
    async with seat_on(world, period_days=0.005) as seat:  # seven minutes, all of which Prometheus remembers
        await seat.poll()
        (key,) = seat.live.snapshot().rollouts
        observed = seat.sampler.observed(key)
        assert observed is not None
        assert observed.burn is not None
        end = seat.sampler.source().at
        assert end is not None
        window = {"start": str(end - 0.005 * 86_400), "end": str(end)}
        arms = world.control.call("GET", "/ledger/arms", namespace=key.namespace, name=key.name, **window).values()
        whole = sum(arm["errors"] for arm in arms) / sum(arm["requests"] for arm in arms)
        assert observed.burn.budget_covered == pytest.approx(0.005 * 86_400, rel=0.02)
        assert observed.burn.budget_remaining is not None
        assert 1 - observed.burn.budget_remaining == pytest.approx(whole / 0.01, rel=0.15)  # increase extrapolates
    async with seat_on(world) as seat:  # thirty days, of which it remembers hours
        await seat.poll()
        observed = seat.sampler.observed(key)
        assert observed is not None
        assert observed.burn is not None
        assert observed.burn.budget_remaining is None
        assert observed.burn.budget_covered is not None
        assert observed.burn.budget_covered < 86_400


async def test_the_worlds_prometheus_lost_slow_or_partial(make_world: Callable[..., WorldProcess]) -> None:
    world = make_world(scenario="single", seed=1, speed=0)

    def fault(**rule: Any) -> None:
        world.control.call("POST", "/prometheus/faults", rule)

    async with seat_on(world) as seat:
        await seat.poll()
        (key,) = [key for key in seat.live.snapshot().rollouts if seat.sampler.observed(key) is not None]
        fault(mode="unavailable")
        await seat.sampler.refresh()
        await seat.sampler.refresh()
        assert seat.sampler.source().state == "lost"
        cut = seat.sampler.observed(key)
        assert cut is not None
        assert all(reading.value is None for pair in cut.readings.values() for reading in pair)
        world.control.call("DELETE", "/prometheus/faults")
        fault(mode="warnings")
        await seat.moved(15)
        await seat.poll()
        partial = seat.sampler.observed(key)
        assert partial is not None
        assert partial.evidence[0].blind is not None
        assert partial.evidence[0].blind.code == "PARTIAL"
        world.control.call("DELETE", "/prometheus/faults")
        await seat.moved(15)
        await seat.poll()
        healed = seat.sampler.observed(key)
        assert healed is not None
        assert healed.evidence[0].blind is None
        assert healed.readings[ERRORS][1].value is not None
