"""confirm-to-wire, api-cost, prom-cost: what is sent, when, and how often."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.row import Row, percentile, row
from tests.bench.stagehand import drain, screens, world
from tests.faults.proxy import Proxy, ca_of, server_of
from tests.harness.recorder import Recorder
from tests.harness.world import WorldProcess

_CHANGES = "^(?!.*dryRun=)"
_GUARD = 0.5  # keys of the first 250 ms after a dialog's first paint are ignored by design
_MANY = """
title = "Many canaries at their first gate"
history = "10m"
"""
_ONE = """
[[workload]]
namespace = "default"
name = "web-{number:02d}"
replicas = 4
rps = 50.0
version = [{{ tag = "v1", age = "9m" }}, {{ tag = "v2", age = "7m" }}, {{ tag = "v3", age = "3m" }}]
[workload.strategy.canary]
steps = [{{ setWeight = 25 }}, {{ pause = {{}} }}, {{ setWeight = 60 }}, {{ pause = {{ duration = "60s" }} }}]
"""
_LINES = 1000.0
"""Log lines a second of one rollout, so that there is much to keep at X and R."""


@contextlib.contextmanager
def _proxied(on: WorldProcess, *arguments: str) -> Iterator[tuple[Proxy, Recorder]]:
    """The screens on a world through a proxy that knows when a request came."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        Proxy(server_of(on.kubeconfig), Path(scratch), server_ca=ca_of(on.kubeconfig)) as proxy,
        screens(on, "--kubeconfig", str(proxy.kubeconfig(on.kubeconfig)), *arguments) as recorder,
    ):
        yield proxy, recorder


def _sent(proxy: Proxy, recorder: Recorder, key: bytes) -> float | None:
    """Milliseconds from a key to the first change on the wire; None when none came."""
    before, began = len(proxy.sent("PATCH", _CHANGES)), time.perf_counter()
    recorder.send(key)
    while len(proxy.sent("PATCH", _CHANGES)) == before:
        if time.perf_counter() - began > 10:
            return None
        recorder.pump(0.001)
    return (time.perf_counter() - began) * 1000


def confirm(quick: bool) -> Iterator[Row]:
    """``y`` in the dialog to the patch on the wire, taken by a proxy: pause and resume; then X and R with evidence."""
    count = 5 if quick else 20
    samples: list[float] = []
    with world(scenario="single", speed=1.0) as small:
        found = small.control.call("GET", "/truth/rollouts")[0]["metadata"]
        with _proxied(small, f"{found['namespace']}/{found['name']}") as (proxy, recorder):
            recorder.wait_for(found["name"])
            drain(recorder, 3.0)
            for _ in range(count):
                recorder.send(b"P")
                recorder.wait_for(r"PAUSE|RESUME")
                drain(recorder, _GUARD)
                took = _sent(proxy, recorder, b"y")
                samples += [took] if took is not None else []
                drain(recorder, 2.0)
    how = "p95, y to the request at a proxy, with its checks"
    yield row("confirm-to-wire", samples, "ms", 100.0, f"{how}: P", percentile(0.95))
    with tempfile.TemporaryDirectory() as scratch:
        many = Path(scratch) / "many.toml"
        many.write_text(_MANY + "".join(_ONE.format(number=number) for number in range(2 * count)))
        with world(scenario=str(many), speed=1.0) as crowd:
            for each in range(2 * count):
                where = {"namespace": "default", "name": f"web-{each:02d}", "value": _LINES / 4}
                crowd.control.call("POST", "/traffic/log-lines", where)
            taken: dict[str, list[float]] = {"X": [], "R": []}
            for number in range(2 * count):
                verb = "XR"[number % 2]
                took = _left(crowd, f"default/web-{number:02d}", verb)
                taken[verb] += [took] if took is not None else []
    held = f"evidence kept of logs at {_LINES:.0f} lines/s"
    yield row("confirm-to-wire-abort", taken["X"], "ms", 100.0, f"{how}: X, {held}", percentile(0.95))
    again = "the whole pre-flight and a dry run asked again in between"
    yield row("confirm-to-wire-rollback", taken["R"], "ms", 100.0, f"{how}: R, {held}, {again}", percentile(0.95))


def _left(on: WorldProcess, target: str, verb: str) -> float | None:
    """One abort, or one rollback to the version that the picker's cursor stands on."""
    with _proxied(on, target) as (proxy, recorder):
        recorder.wait_for(r"\d/s · err")
        drain(recorder, 5.0)
        recorder.send(verb.encode())
        if verb == "R":
            recorder.wait_for(r"retained")
            drain(recorder, _GUARD)
            recorder.send(b"\r")
        recorder.wait_for(r"\by  |arm:  ")
        drain(recorder, _GUARD)
        if "arm:  " not in recorder.screen:
            return _sent(proxy, recorder, b"y")
        recorder.send(target.rpartition("/")[2].encode())
        drain(recorder, _GUARD)
        return _sent(proxy, recorder, b"\x13")


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
