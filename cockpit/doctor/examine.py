"""All checks in the order a person reads them, each bounded in time."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys

from cockpit.base.clock import Clock
from cockpit.base.errors import CockpitError
from cockpit.config import Settings
from cockpit.doctor import local
from cockpit.doctor.cluster import check_cluster
from cockpit.doctor.finding import Finding
from cockpit.doctor.prometheus import check_prometheus

CLUSTER_SECONDS = 45.0
FITTING_SECONDS = 30.0
_SERIES = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)\{")


def wanted_series(settings: Settings) -> list[str]:
    """Names of the series that the preset in force reads. Raises ConfigError for an unknown preset."""
    from cockpit.metrics.presets import load_preset

    preset = load_preset(settings.prometheus.preset, settings.source.parent / "presets" if settings.source else None)
    parts = [preset.requests.selector]
    parts += [preset.latency.selector] if preset.latency else []
    parts += [gauge.query for gauge in (preset.cpu, preset.memory) if gauge]
    names = [name for part in parts for name in _SERIES.findall(part)]
    return list(dict.fromkeys(names))


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything; never raises for what it finds."""
    clock = Clock(settings.world.time_scale)
    cluster, prometheus = await asyncio.gather(_cluster(settings, clock), _prometheus(settings))
    reached = all(each.state in ("ok", "warn") for each in cluster if each.name in ("kubeconfig", "api"))
    presets = await _fitting(settings) if reached else []
    size = shutil.get_terminal_size((0, 0))
    terminal = local.check_terminal(
        os.environ, is_tty=sys.stdout.isatty(), size=(size.columns, size.lines), encoding=local.encoding_here()
    )
    return [
        *local.check_settings(settings),
        *cluster,
        *prometheus,
        *presets,
        local.check_journal(settings.journal_path),
        *terminal,
    ]


async def _cluster(settings: Settings, clock: Clock) -> list[Finding]:
    try:
        return await asyncio.wait_for(check_cluster(settings, clock), CLUSTER_SECONDS)
    except TimeoutError:
        hint = "check the network path to the API server"
        return [Finding("api", "unreachable", f"no complete answer in {CLUSTER_SECONDS:g} s", hint)]


async def _fitting(settings: Settings) -> list[Finding]:
    """Which preset fits each workload; nothing where there is no Prometheus to ask."""
    from cockpit.session import open_session

    if not settings.prometheus.configured:
        return []
    try:
        session = await open_session(settings)
    except CockpitError as error:
        return [Finding("presets", "unknown", str(error))]
    try:
        return await session.fitting(FITTING_SECONDS)
    except CockpitError as error:
        return [Finding("presets", "unknown", str(error))]
    except TimeoutError:
        return [Finding("presets", "unreachable", f"no answer within {FITTING_SECONDS:g} s")]
    finally:
        await session.close()


async def _prometheus(settings: Settings) -> list[Finding]:
    try:
        wanted = wanted_series(settings)
    except CockpitError as error:
        return [
            Finding("preset", "bad", str(error), "see [prometheus] preset"),
            *await check_prometheus(settings.prometheus, ()),
        ]
    return await check_prometheus(settings.prometheus, wanted)
