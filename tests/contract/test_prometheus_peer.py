"""The world's PromQL against Debian's Prometheus 2.42: the same samples, the same questions, the same answers."""

from __future__ import annotations

import asyncio
import json
import math
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from cockpit.world import prometheus
from cockpit.world.contract import Profile
from cockpit.world.prometheus import answers
from cockpit.world.prometheus.dump import openmetrics
from cockpit.world.prometheus.engine import Query
from cockpit.world.prometheus.labels import Labels, Selection
from cockpit.world.prometheus.parser import ParseError
from cockpit.world.prometheus.samples import Samples
from cockpit.world.prometheus.series import ExecutionError, Series, Source
from cockpit.world.traffic.exposition import pod_text
from tests import peers
from tests.unit.promql_grammar import Grammar
from tests.unit.traffic_kit import EPOCH, Kit

EXPRESSIONS = int(os.environ.get("COCKPIT_PROMQL_EXPRESSIONS", "400"))
MINUTES = 35


class NoStale:
    """The text format cannot carry stale markers, so this comparison leaves them out on both sides."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def select(self, selection: Selection, start: int, end: int) -> Iterator[Series | None]:
        for series in self._source.select(selection, start, end):
            if series is not None:
                pairs = [(s, v) for s, v in zip(series.stamps, series.values, strict=True) if not math.isnan(v)]
                if pairs:
                    yield Series(series.labels, *map(list, zip(*pairs, strict=True)))

    def label_sets(self, selection: Selection, start: int, end: int) -> Iterator[Labels | None]:
        return self._source.label_sets(selection, start, end)  # type: ignore[return-value]


def busy_world() -> Kit:
    """A canary with errors, a deployment whose pods crash and go, and one that exports nothing."""
    kit = Kit(seed=11)
    kit.canary(profile=Profile(error_rate=0.06, latency_median=0.2, bursts=0.7, onset=240))
    pods = kit.deployment("web", pods=3, profile=Profile(memory_growth=5e4))
    kit.deployment("mute", pods=1, profile=Profile(metrics=False))
    kit.clock.advance(600)
    kit.crash("shop", pods[0], reason="OOMKilled", code=137)
    kit.clock.advance(73)
    kit.run("shop", pods[0], restarts=1)
    kit.clock.advance(120)
    kit.weights("shop", "pay", ("canary2", 50), ("stable1", 50))
    kit.clock.advance(200)
    kit.delete_pod("shop", pods[2])
    kit.clock.advance(MINUTES * 60 - 993)
    return kit


class Peer:
    """A Prometheus process answering queries over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, **params: str) -> dict[str, Any]:
        data = urllib.parse.urlencode(params).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}", data, timeout=30) as answer:
                return json.load(answer)  # type: ignore[no-any-return]
        except urllib.error.HTTPError as error:
            return {**json.load(error), "code": error.code}


def start(directory: Path, config: str, *flags: str) -> tuple[subprocess.Popen[bytes], Peer]:
    binary = peers.need("prometheus")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (directory / "prometheus.yml").write_text(config)
    process = subprocess.Popen(
        [
            str(binary),
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
            *flags,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=directory,
    )
    peer = Peer(f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(peer.url + "/-/ready", timeout=5):
                return process, peer
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    process.kill()
    raise RuntimeError("Debian's Prometheus did not become ready")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kit, Source, Peer]]:
    """A world, and a Prometheus that holds exactly its raw samples."""
    promtool = peers.need("promtool")
    directory = tmp_path_factory.mktemp("prometheus")
    kit = busy_world()
    source = Samples(kit.traffic)
    dump = openmetrics(source, 0, int(kit.clock.now() * 1000))
    (directory / "samples.txt").write_text(dump)
    subprocess.run(
        [str(promtool), "tsdb", "create-blocks-from", "openmetrics", "samples.txt", "data"],
        cwd=directory,
        check=True,
        capture_output=True,
        timeout=120,
    )
    process, peer = start(directory, "global: {evaluation_interval: 1m}\n")
    try:
        yield kit, NoStale(source), peer
    finally:
        process.kill()
        process.wait()


def ours(source: Source, text: str, start: int, end: int, step: int, *, ranged: bool) -> dict[str, Any]:
    try:
        running = Query(source, text, start, end, step).run(ranged=ranged)
        while True:
            next(running)
    except StopIteration as stop:
        return {"status": "success", "data": json.loads(answers.query_data(stop.value, end))}
    except ParseError as error:
        return {"status": "error", "errorType": "bad_data", "error": str(error)}
    except ExecutionError as error:
        return {"status": "error", "errorType": "execution", "error": str(error)}


def same(left: str, right: str) -> bool:
    a, b = float(left), float(right)
    return a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def differences(theirs: dict[str, Any], mine: dict[str, Any]) -> str | None:
    """What sets the answers apart, None when nothing does."""
    if theirs["status"] != mine["status"]:
        return f"theirs {theirs.get('error', 'success')!r}, ours {mine.get('error', 'success')!r}"
    if theirs["status"] == "error":
        return None if theirs["errorType"] == mine["errorType"] else f"{theirs['error']!r} against {mine['error']!r}"
    if theirs["data"]["resultType"] != mine["data"]["resultType"]:
        return f"{theirs['data']['resultType']} against {mine['data']['resultType']}"
    if theirs["data"]["resultType"] in ("scalar", "string"):
        return None if same(theirs["data"]["result"][1], mine["data"]["result"][1]) else "scalar differs"
    sides = [
        {
            json.dumps(row["metric"], sort_keys=True): row.get("values") or [row["value"]]
            for row in one["data"]["result"]
        }
        for one in (theirs, mine)
    ]
    if sides[0].keys() != sides[1].keys():
        return f"label sets differ: {sorted(sides[0].keys() ^ sides[1].keys())[:4]}"
    for metric, points in sides[0].items():
        others = sides[1][metric]
        if [p[0] for p in points] != [p[0] for p in others]:
            return f"{metric}: stamps differ"
        for (stamp, a), (_, b) in zip(points, others, strict=True):
            if not same(a, b):
                return f"{metric} at {stamp}: {a} against {b}"
    return None


def test_generated_expressions_agree(loaded: tuple[Kit, Source, Peer]) -> None:
    _, source, peer = loaded
    grammar = Grammar(2026, EPOCH)
    failures, answered = [], 0
    for index in range(EXPRESSIONS):
        text = grammar.expression()
        now = EPOCH + 400 + (index * 37.5) % (MINUTES * 60 - 300)
        if index % 2:
            stamp = f"{now:.3f}"
            theirs = peer.ask("query", query=text, time=stamp)
            mine = ours(source, text, round(now * 1000), round(now * 1000), 1, ranged=False)
        else:
            step = (15, 30, 47)[index % 3]
            params = {"start": f"{now:.3f}", "end": f"{now + 300:.3f}", "step": str(step)}
            theirs = peer.ask("query_range", query=text, **params)
            mine = ours(source, text, round(now * 1000), round((now + 300) * 1000), step * 1000, ranged=True)
        if (said := differences(theirs, mine)) is not None:
            failures.append(f"{text}\n    at {now}: {said}")
        answered += theirs["status"] == "success" and bool(theirs["data"]["result"])
    assert not failures, f"{len(failures)} of {EXPRESSIONS} differ:\n" + "\n".join(failures[:8])
    assert answered > EXPRESSIONS / 2, "the grammar hardly ever hits any series"


LIVE = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: world
    http_sd_configs:
      - {{url: "{url}/sd", refresh_interval: 1s}}
"""


async def until(peer: Peer, query: str, wanted: float) -> None:
    """Wait until ``query`` answers one sample of ``wanted``."""
    deadline = time.monotonic() + 60
    answer: dict[str, Any] = {}
    while time.monotonic() < deadline:
        answer = await asyncio.to_thread(peer.ask, "query", query=query)
        rows = answer["data"]["result"] if answer["status"] == "success" else []
        if len(rows) == 1 and float(rows[0]["value"][1]) == wanted:
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"{query} never was {wanted}: {answer}")


async def test_a_real_prometheus_scrapes_the_world_live(tmp_path: Path) -> None:
    """At speed 1 by http_sd; then time stands still, and its counters are the ledger's, under the world's labels."""
    peers.need("prometheus")
    kit = Kit(seed=23, epoch=float(int(time.time())))
    kit.canary(profile=Profile(error_rate=0.3))
    kit.deployment("web", pods=2)
    kit.deployment("mute", pods=1, profile=Profile(metrics=False))
    kit.clock.advance(120)  # so that errors have been counted before the first scrape
    kit.traffic.set_rps("shop", "pay", 200)
    app = prometheus.install(kit)
    runner = web.AppRunner(app)
    await runner.setup()
    process = None
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = "http://{}:{}".format(*runner.addresses[0][:2])
        kit.clock.restart_wall()
        kit.clock.set_speed(1.0)
        process, peer = await asyncio.to_thread(start, tmp_path, LIVE.format(url=url))
        await until(peer, 'count(up{job="pods"} == 1)', 8)
        await until(peer, 'count(up{job="pods",pod=~"mute-.*"} == 0)', 1)
        kit.clock.set_speed(0)
        rows = [row for row in kit.traffic.ledger() if row["requests"] and not row["pod"].startswith("mute")]
        total = sum(row["requests"] for row in rows)
        await until(peer, "sum(http_requests_total)", total)
        answer = await asyncio.to_thread(peer.ask, "query", query="sum by (pod, code) (http_requests_total)")
        counted = {
            (row["metric"]["pod"], row["metric"]["code"]): float(row["value"][1]) for row in answer["data"]["result"]
        }
        expected = {(row["pod"], code): count for row in rows for code, count in row["codes"].items()}
        assert {key: value for key, value in counted.items() if value} == expected
        for metric in ("http_requests_total", "http_request_duration_seconds_bucket", "kube_pod_status_ready"):
            answer = await asyncio.to_thread(peer.ask, "query", query=metric)
            theirs = {frozenset(row["metric"].items()) for row in answer["data"]["result"]}
            kit.clock.advance(16)  # the world's own Prometheus has scraped everything once more by then
            mine = ours(Samples(kit.traffic), metric, *[round(kit.clock.now() * 1000)] * 2, 1, ranged=False)
            assert theirs <= {frozenset(row["metric"].items()) for row in mine["data"]["result"]}
            assert theirs
    finally:
        if process is not None:
            process.kill()
            process.wait()
        await runner.cleanup()


def test_the_texts_are_valid_for_promtool() -> None:
    promtool = peers.need("promtool")
    kit = busy_world()
    text = pod_text(kit.traffic, kit.traffic.fleet.by_name["shop", "pay-canary2-00000"], openmetrics=False)
    checked = subprocess.run(
        [str(promtool), "check", "metrics"], input=text, text=True, capture_output=True, timeout=30, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
