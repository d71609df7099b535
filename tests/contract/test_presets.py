"""Each preset against an exporter with that system's real label set: the exact counts of both arms, and nothing else.

The world's PromQL engine and HTTP API stand between them. Budget: 20 s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from cockpit.base.clock import Clock
from cockpit.config import Settings
from cockpit.metrics import Sampler
from cockpit.metrics.presets import known
from cockpit.model.evidence import Evidence
from cockpit.model.resource import Key
from cockpit.model.rollout import Arm, Pod, Replicas, Role, Rollout, Weight
from cockpit.model.sli import ERRORS, P50, RATE
from cockpit.world.prometheus.api import PrometheusApi
from tests.contract.test_presets_routed import SHIPPED
from tests.harness.exporters import CANARY, NAMESPACE, STABLE, SYSTEMS, WORKLOAD, Exporter, System, pods
from tests.unit.traffic_kit import EPOCH, Kit

KEY = Key("Rollout", NAMESPACE, WORKLOAD)
BORN = 120.0
BEGIN = EPOCH - EPOCH % 15 + 105.0  # the stratum in which the canary starts
SECONDS = 900.0


def arm(role: Role, hash_: str, created: float) -> Arm:
    names = pods(hash_)
    listed = tuple(Pod(name, NAMESPACE, name, hash_, "Running", True, 0, None, created_at=created) for name in names)
    return Arm(role, hash_, None, f"{WORKLOAD}-{hash_}", (), listed, len(listed), len(listed), len(listed))


def rollout() -> Rollout:
    return Rollout(
        key=KEY,
        uid="u",
        resource_version="1",
        generation=1,
        strategy="canary",
        phase="Paused",
        message="",
        replicas=Replicas(4, 2, 4, 4),
        weight=Weight(0.5, 0.5),
        seen={},
        in_flight=True,
        canary=arm("canary", CANARY, EPOCH + BORN - 2),
        baseline=arm("baseline", STABLE, EPOCH - 3600),
        started_at=BEGIN + 5,
    )


@asynccontextmanager
async def sampling(exporter: Exporter, **prometheus: Any) -> AsyncIterator[Sampler]:
    """A sampler on the exporter's samples, through HTTP."""
    kit = Kit()
    api = PrometheusApi(kit, kit.traffic)
    api.source = exporter
    runner = web.AppRunner(api.application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    settings = {"url": f"http://{host}:{port}", **prometheus}
    sampler = Sampler(Settings.model_validate({"prometheus": settings}), Clock(0.0))
    kit.clock.advance(SECONDS)
    try:
        sampler.set_targets({KEY: rollout()})
        while not sampler._settled.is_set():
            await sampler.refresh()
            assert sampler.source().state == "ok", sampler.source()
        yield sampler
    finally:
        await sampler.stop()
        await runner.cleanup()


def errors(sampler: Sampler) -> Evidence:
    observed = sampler.observed(KEY)
    assert observed is not None
    return next(item for item in observed.evidence if item.sli.name == ERRORS)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: f"{system.preset}-{len(system.cells)}")
async def test_a_preset_yields_the_exact_counts_of_both_arms(system: System) -> None:
    exporter = Exporter(system, EPOCH - 600, 600 + SECONDS, born=600 + BORN)
    async with sampling(exporter, preset=system.preset) as sampler:
        evidence = errors(sampler)
        assert evidence.blind is None
        assert evidence.as_of is not None
        canary = exporter.truth(CANARY, 0, evidence.as_of)
        baseline = exporter.truth(STABLE, BEGIN, evidence.as_of)
        assert canary.bad > 30
        assert (evidence.canary, evidence.baseline) == (canary, baseline)
        observed = sampler.observed(KEY)
        assert observed is not None
        assert all(reading.value is not None for reading in observed.readings[RATE])


TIMED = [system for system in SYSTEMS if system.histogram]


@pytest.mark.parametrize("system", TIMED, ids=lambda system: f"{system.preset}-{len(system.cells)}")
async def test_a_preset_reads_latency_in_seconds(system: System) -> None:
    exporter = Exporter(system, EPOCH - 600, 600 + SECONDS, born=600 + BORN)
    async with sampling(exporter, preset=system.preset) as sampler:
        observed = sampler.observed(KEY)
        assert observed is not None
        for reading in observed.readings[P50]:
            assert reading.value == pytest.approx(0.05, abs=0.05)


async def test_a_preset_that_does_not_fit_is_blind_by_name() -> None:
    exporter = Exporter(SYSTEMS[0], EPOCH - 600, 600 + SECONDS, born=600 + BORN)
    async with sampling(exporter, preset="http_requests_total") as sampler:
        blind = errors(sampler).blind
        assert blind is not None
        assert blind.code == "METRIC_ABSENT"
        assert "http_requests_total" in blind.reason


def test_every_preset_that_ships_stands_against_an_exporter() -> None:
    assert set(known()) == {system.preset for system in SYSTEMS} | {router.preset for router in SHIPPED}
