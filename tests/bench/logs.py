"""logs-loss, logs-cpu, log-memory: fifty followed containers that write a hundred lines a second each."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.row import Row, pairs, row

STREAMS, PER_SECOND = 50, 100

# Lines come one to a chunk and on a clock, as those of a kubelet do; each stream then stays open and silent.
_SERVER = """
import asyncio, sys
from datetime import UTC, datetime
from aiohttp import web

per_second, lines = int(sys.argv[1]), int(sys.argv[2])

async def follow(request):
    answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await answer.prepare(request)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(lines):
        if (early := began + number / per_second - loop.time()) > 0:
            await asyncio.sleep(early)
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
        text = f"{stamp} I GET /api/items/{number} 200 37ms trace=8f2c1d7e9a6b4350 user=4711 region=eu-1 cache=miss\\n"
        await answer.write(text.encode())
    await asyncio.Event().wait()

async def main():
    app = web.Application()
    app.router.add_get("/api/v1/namespaces/{namespace}/pods/{pod}/log", follow)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""

_OURS = """
import asyncio, json, sys, time
from pathlib import Path
from cockpit.base.clock import Clock
from cockpit.cluster.api import Api
from cockpit.cluster.credentials import load
from cockpit.cluster.rows import ContainerState, ContainerStatus, PodMeta, PodRow, PodStatus, Running
from cockpit.cluster.store import Store
from cockpit.cluster.transport import Transport
from cockpit.config import ClusterSettings
from cockpit.logs.hub import LogHub
from cockpit.model.resource import PODS, Key
from cockpit.model.rollout import Arm, Pod, Replicas, Rollout, Weight

def pod(number):
    return Pod(f"web-{number}", "bench", f"uid-{number}", "h", "Running", True, 0, None, containers=("app",))

async def main():
    clock, streams, total = Clock(), int(sys.argv[2]), int(sys.argv[3])
    api = Api(Transport(await load(ClusterSettings(kubeconfig=sys.argv[1]), clock), clock))
    store = Store(PODS)
    for number in range(streams):
        running = ContainerStatus(name="app", ready=True, container_id="c1", state=ContainerState(running=Running()))
        store.upsert(PodRow(PodMeta(name=f"web-{number}", namespace="bench", uid=f"uid-{number}", resource_version="1"),
                            status=PodStatus(phase="Running", container_statuses=(running,))))
    pods = tuple(pod(number) for number in range(streams))
    half = streams // 2
    key = Key("Deployment", "bench", "web")
    def arm(role, some):
        return Arm(role, "h", 1, None, (), some, len(some), len(some), len(some))
    rollout = Rollout(key, "u", "1", 1, "rolling", "Progressing", "", Replicas(streams, 0, 0, 0),
                      Weight(None, None), {}, canary=arm("canary", pods[:half]), baseline=arm("baseline", pods[half:]))
    hub = LogHub(api, store, clock)
    hub.focus(rollout)
    feeds = [hub.feed(key, role) for role in ("canary", "baseline")]
    def resident():
        return int(next(x for x in open("/proc/self/status") if x.startswith("VmRSS")).split()[1]) / 1024
    deadline, early = time.monotonic() + float(sys.argv[4]), None
    while sum(feed.newest for feed in feeds) < total and time.monotonic() < deadline:
        await asyncio.sleep(0.25)
        if early is None and sum(feed.newest for feed in feeds) > min(total / 10, 60 * 4000):
            early = resident()
    print(json.dumps({"lines": sum(feed.newest for feed in feeds), "cpu": time.process_time(),
                      "mib": resident(), "early": early}), flush=True)
    await hub.aclose()
    await api.aclose()
asyncio.run(main())
"""

_THEIRS = """
import asyncio, json, sys, time
import httpx

async def main():
    base, streams, total = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    seen = 0
    full = asyncio.Event()
    async with httpx.AsyncClient(timeout=None, limits=httpx.Limits(max_connections=None)) as client:
        async def read(number):
            nonlocal seen
            async with client.stream("GET", f"{base}/api/v1/namespaces/bench/pods/web-{number}/log") as answer:
                async for chunk in answer.aiter_raw():
                    seen += chunk.count(b"\\n")
                    if seen >= total:
                        full.set()
        tasks = [asyncio.create_task(read(number)) for number in range(streams)]
        async with asyncio.timeout(float(sys.argv[4])):
            await full.wait()
        print(json.dumps({"lines": seen, "cpu": time.process_time()}), flush=True)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
asyncio.run(main())
"""


@contextlib.contextmanager
def _streaming(per_second: int, lines: int) -> Iterator[tuple[str, Path]]:
    """(address, kubeconfig) of a server that writes so many lines to each stream."""
    with (
        tempfile.TemporaryDirectory(prefix="cockpit-bench-logs-") as scratch,
        subprocess.Popen(
            [sys.executable, "-c", _SERVER, str(per_second), str(lines)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as server,
    ):
        assert server.stdout is not None
        address = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        kubeconfig = Path(scratch) / "kubeconfig"
        kubeconfig.write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: bench\n"
            f"clusters: [{{name: bench, cluster: {{server: '{address}'}}}}]\n"
            "contexts: [{name: bench, context: {cluster: bench, user: bench}}]\n"
            "users: [{name: bench, user: {}}]\n"
        )
        try:
            yield address, kubeconfig
        finally:
            server.terminate()


def _run(code: str, *arguments: object, most: float) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments), str(most)],
        capture_output=True,
        text=True,
        timeout=most + 60,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def followed(quick: bool) -> Iterator[Row]:
    """The same streams read by the cockpit's hub and by httpx alone, in turn."""
    seconds = 5 if quick else 20
    total, lost = STREAMS * PER_SECOND * seconds, []

    def ours() -> float:
        with _streaming(PER_SECOND, PER_SECOND * seconds) as (_, kubeconfig):
            answer = _run(_OURS, kubeconfig, STREAMS, total, most=seconds + 20)
        lost.append(total - answer["lines"])
        return answer["cpu"]

    def theirs() -> float:
        with _streaming(PER_SECOND, PER_SECOND * seconds) as (address, _):
            return _run(_THEIRS, address, STREAMS, total, most=seconds + 20)["cpu"]

    ratios = pairs(ours, theirs, 3 if quick else 7)
    how = f"{STREAMS} streams of {PER_SECOND} lines/s for {seconds} s, a line per chunk, plain HTTP"
    yield row("logs-loss", lost, "lines", 0.0, f"worst of all runs, {how}", max)
    yield row("logs-cpu", ratios, "x", 1.6, f"CPU of the whole process against a bare httpx reader, {how}")


def memory(quick: bool) -> Iterator[Row]:
    """Resident memory after ten minutes of 4,000 lines a second; flat since the first one."""
    per_second, seconds = 80, 60 if quick else 600
    total = STREAMS * per_second * seconds
    with _streaming(per_second, per_second * seconds) as (_, kubeconfig):
        answer = _run(_OURS, kubeconfig, STREAMS, total, most=seconds * 1.5 + 30)
    grown = answer["mib"] - (answer["early"] or 0.0)
    how = f"after {seconds} s of {STREAMS * per_second} lines/s, {grown:+.0f} MiB since the first part"
    yield row("log-memory", [answer["mib"]], "MiB", 250.0, how)
