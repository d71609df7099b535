"""Doctor tries every preset on the workloads that are there: what fits is said with the line to paste. Budget: 10 s."""

from __future__ import annotations

import pytest

from cockpit.config import Settings
from cockpit.doctor.finding import Finding
from cockpit.doctor.fitting import fitting
from tests.contract.test_presets import BORN, EPOCH, KEY, SECONDS, rollout, sampling
from tests.harness.exporters import SYSTEMS, Exporter, System


async def tried(system: System, in_force: str) -> list[Finding]:
    exporter = Exporter(system, EPOCH - 600, 600 + SECONDS, born=600 + BORN)
    async with sampling(exporter, preset=system.preset) as sampler:
        settings = Settings.model_validate({"prometheus": {"url": "http://p.test", "preset": in_force}})
        return await fitting({KEY: rollout()}, sampler.client, settings)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: f"{system.preset}-{len(system.cells)}")
async def test_the_preset_of_a_system_fits_its_workload(system: System) -> None:
    (found,) = await tried(system, system.preset)
    assert (found.name, found.state) == ("preset", "ok")
    assert repr(system.preset) in found.detail
    assert str(KEY) in found.detail


async def test_another_preset_is_proposed_with_the_line_to_paste() -> None:
    istio = next(system for system in SYSTEMS if system.preset == "istio")
    (found,) = await tried(istio, "linkerd")
    assert found.state == "warn"
    assert "response_total is not there" in found.detail
    assert found.hint == 'to use it: [prometheus] preset = "istio"'


async def test_what_fits_nothing_says_what_is_there() -> None:
    plain = next(system for system in SYSTEMS if system.preset == "http_requests_total")
    exporter = Exporter(plain, EPOCH - 600, 600 + SECONDS, born=600 + BORN)
    item = rollout()
    from msgspec.structs import replace

    strange = tuple(replace(pod, name=f"other-{pod.name}") for pod in item.canary.pods)  # type: ignore[union-attr]
    other = replace(
        item,
        canary=replace(item.canary, replicaset="other-x", pods=strange),  # type: ignore[type-var]
        baseline=None,
    )
    async with sampling(exporter) as sampler:
        settings = Settings.model_validate({"prometheus": {"url": "http://p.test"}})
        (found,) = await fitting({KEY: other}, sampler.client, settings)
    assert found.state == "warn"
    assert "http_requests_total exists, but not for its pods" in found.detail
    assert "presets/" in found.hint
    assert (await fitting({}, sampler.client, settings))[0].state == "unknown"
