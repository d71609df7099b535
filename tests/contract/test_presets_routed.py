"""Presets of routers, whose series name a Service and no pod, against their real label sets: exact counts of both arms.

Every such preset that ships is run here, and none may ship without (``test_presets`` counts them). Budget: 10 s.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from aiohttp import web

from cockpit.base.clock import Clock
from cockpit.config import Settings
from cockpit.metrics import Sampler
from cockpit.metrics.presets import known
from cockpit.model.resource import Key
from cockpit.model.sli import ERRORS
from cockpit.world.prometheus.api import PrometheusApi
from cockpit.world.serve import World
from cockpit.world.traffic import traffic_of
from tests.harness.inprocess import Cluster
from tests.harness.routers import NAMESPACE, ROUTERS, STABLE, Routed, Router

KEY = Key("Rollout", NAMESPACE, STABLE)
EPOCH = 1_795_000_010.0
SECONDS = 900.0

SHIPPED = [router for router in ROUTERS if router.preset in known()]

SCENARIO = """
title = "A Rollout behind a router"
history = "80m"
[[workload]]
namespace = "shop"
name = "web"
replicas = 4
rps = 40.0
routing = "nginx"
version = [{ tag = "v1", age = "78m" }, { tag = "v2", age = "30s" }]
[workload.strategy.canary]
steps = [{ setWeight = 25 }, { pause = {} }]
"""


@pytest.mark.parametrize("router", SHIPPED, ids=lambda router: router.preset)
async def test_a_routers_preset_yields_the_exact_counts_of_both_arms(tmp_path: Path, router: Router) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(SCENARIO)
    world = World.build(str(file), speed=0.0, epoch=EPOCH)
    cluster = Cluster(world=world)
    world.clock.advance(60)
    rollout = cluster.rollout(KEY)
    api = PrometheusApi(world, traffic_of(world))
    exporter = Routed(router, EPOCH - 4800, 4800 + SECONDS)
    api.source = exporter
    runner = web.AppRunner(api.application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    settings = Settings.model_validate({"prometheus": {"url": f"http://{host}:{port}", "preset": router.preset}})
    sampler = Sampler(settings, Clock(0.0))
    world.clock.advance(SECONDS - 60)
    try:
        sampler.set_targets({KEY: rollout})
        while not sampler._settled.is_set():
            await sampler.refresh()
            assert sampler.source().state == "ok", sampler.source()
        observed = sampler.observed(KEY)
        assert observed is not None
        evidence = next(item for item in observed.evidence if item.sli.name == ERRORS)
        assert evidence.blind is None
        assert evidence.as_of is not None
        assert rollout.started_at is not None
        begin = math.floor(rollout.started_at / 15.0) * 15.0
        assert evidence.canary == exporter.truth("canary", begin, evidence.as_of)
        assert evidence.baseline == exporter.truth("baseline", begin, evidence.as_of)
        assert evidence.canary.bad > 50
    finally:
        await sampler.stop()
        await runner.cleanup()
