"""confirm-to-wire, api-cost, prom-cost: what is sent, when, and how often."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.row import Row, percentile, row
from tests.bench.stagehand import drain, screens, world
from tests.faults.proxy import Proxy, ca_of, server_of


def confirm(quick: bool) -> Iterator[Row]:
    """``y`` in the dialog to the patch on the wire, taken by a proxy: pause and resume of one rollout in turn."""
    samples: list[float] = []
    with world(scenario="single", speed=1.0) as small, tempfile.TemporaryDirectory() as scratch:
        found = small.control.call("GET", "/truth/rollouts")[0]["metadata"]
        with Proxy(server_of(small.kubeconfig), Path(scratch), server_ca=ca_of(small.kubeconfig)) as proxy:
            through = str(proxy.kubeconfig(small.kubeconfig))
            target = f"{found['namespace']}/{found['name']}"
            with screens(small, "--kubeconfig", through, target) as recorder:
                recorder.wait_for(found["name"])
                drain(recorder, 3.0)
                for _ in range(5 if quick else 20):
                    before = len(proxy.sent("PATCH"))
                    recorder.send(b"P")
                    recorder.wait_for(r"PAUSE|RESUME")
                    drain(recorder, 0.5)  # keys of the first 250 ms are ignored by design
                    began = time.perf_counter()
                    recorder.send(b"y")
                    while len(proxy.sent("PATCH")) == before and time.perf_counter() - began < 10:
                        recorder.pump(0.001)
                    if len(proxy.sent("PATCH")) > before:
                        samples.append((time.perf_counter() - began) * 1000)
                    drain(recorder, 2.0)
    yield row(
        "confirm-to-wire", samples, "ms", 100.0, "p95, y to the request at a proxy, with its checks", percentile(0.95)
    )


def api_cost(quick: bool) -> Iterator[Row]:
    """Lists per minute once the fleet stands: there should be none."""
    minutes = 0.25 if quick else 2.0
    with world(speed=1.0) as moving, screens(moving) as recorder:
        recorder.wait_for(r"checkout-api")
        drain(recorder, 5.0)
        last = max(entry["seq"] for entry in moving.control.ledger())
        drain(recorder, minutes * 60)
        lists = [
            entry
            for entry in moving.control.ledger(last, "GET")
            if "watch=" not in str(entry["query"]) and entry["path"].rsplit("/", 1)[-1] in _COLLECTIONS
        ]
    yield row("api-cost", [len(lists) / minutes], "lists/min", 0.0, f"the world's ledger over {minutes:g} min")


_COLLECTIONS = {"pods", "replicasets", "deployments", "rollouts", "analysisruns", "events", "services", "namespaces"}


def prom_cost(quick: bool) -> Iterator[Row]:
    """Queries per refresh on a fleet ten times as large, minus those on the small one."""
    counts = []
    for rollouts in (10, 100):
        with (
            world(rollouts=rollouts, speed=1.0) as fleet,
            tempfile.TemporaryDirectory() as scratch,
            Proxy(fleet.ready["prometheus"], Path(scratch), server_ca=None) as proxy,
        ):
            fleet.config.write_text(fleet.config.read_text().replace(fleet.ready["prometheus"], proxy.url))
            with screens(fleet) as recorder:
                recorder.wait_for(r"rollouts")
                drain(recorder, 20.0)
                before = len(proxy.sent())
                drain(recorder, 30.0 if quick else 60.0)
                counts.append((len(proxy.sent()) - before) / (2 if quick else 4))
    growth = counts[1] - counts[0]
    yield row("prom-cost", [growth], "queries", 0.5, f"per refresh: {counts[0]:g} at 10 rollouts, {counts[1]:g} at 100")
