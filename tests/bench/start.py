"""first-frame, fleet-start-time, fleet-start-memory: from exec to a frame, and to the whole fleet."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.bench.row import Row, pairs, row
from tests.bench.stagehand import screens, world

_OURS = """
import asyncio, json, sys
from pathlib import Path
from cockpit.config import load_settings
from cockpit.session import open_session

async def main():
    session = await open_session(load_settings(Path(sys.argv[1])))
    snapshot = session.snapshot()
    while len(snapshot.rollouts) < int(sys.argv[2]) or snapshot.sources["kubernetes"].state != "ok":
        snapshot = await session.changed(snapshot.version)
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(json.dumps({"rollouts": len(snapshot.rollouts), "mib": int(peak.split()[1]) / 1024}), flush=True)
    await session.close()
asyncio.run(main())
"""

_THEIRS = """
import json, sys
from kubernetes import client, config
config.load_kube_config(sys.argv[1])
core, apps, custom = client.CoreV1Api(), client.AppsV1Api(), client.CustomObjectsApi()
kept = []

def pages(call, **more):
    token = None
    while True:
        page = call(limit=500, _continue=token, **more)
        kept.append(page)
        token = page["metadata"].get("continue") if isinstance(page, dict) else page.metadata._continue
        if not token:
            return

for call in (core.list_pod_for_all_namespaces, apps.list_replica_set_for_all_namespaces,
             apps.list_deployment_for_all_namespaces, core.list_event_for_all_namespaces):
    pages(call)
for plural in ("rollouts", "analysisruns"):
    pages(custom.list_cluster_custom_object, group="argoproj.io", version="v1alpha1", plural=plural)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"mib": int(peak.split()[1]) / 1024}), flush=True)
"""


def first_frame(quick: bool) -> Iterator[Row]:
    """Process start to the first frame that shows the title."""
    samples = []
    with world(scenario="single", speed=1.0) as small:
        for _ in range(3 if quick else 9):
            began = time.perf_counter()
            with screens(small) as recorder:
                recorder.wait_for(r"cockpit")
                samples.append(time.perf_counter() - began)
    # The first start of a fresh install also writes byte code; it is not what a person meets each day.
    yield row("first-frame", samples[1:], "s", 1.0, "median, exec to a screen with the title")


def fleet(quick: bool) -> Iterator[Row]:
    """The whole fleet against the official client listing the same, fresh processes in turn."""
    rollouts = 300 if quick else 1000
    count = 3 if quick else 7
    memory: dict[str, list[float]] = {"ours": [], "theirs": []}
    with world(rollouts=rollouts, speed=0.0) as large:

        def run(name: str, code: str, *arguments: str) -> float:
            began = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=600, check=False
            )
            took = time.perf_counter() - began
            if done.returncode != 0:
                raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
            memory[name].append(json.loads(done.stdout)["mib"])
            return took

        ratios = pairs(
            lambda: run("ours", _OURS, str(large.config), str(rollouts)),
            lambda: run("theirs", _THEIRS, str(large.kubeconfig)),
            count,
        )
    against = f"official client, pages of 500, {rollouts} rollouts"
    yield row("fleet-start-time", ratios, "x", 0.25, against)
    shares = [ours / theirs for ours, theirs in zip(memory["ours"], memory["theirs"], strict=True)]
    yield row("fleet-start-memory", shares, "x", 0.25, f"peak resident, {against}")
