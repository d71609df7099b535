"""Native histograms, scraped and answered by Debian's real Prometheus: exact counts on fixed edges. Budget: 15 s."""

from __future__ import annotations

import asyncio
import math
import struct
from bisect import bisect_right
from pathlib import Path

import pytest
from aiohttp import web

from cockpit.config import Settings
from cockpit.metrics.answers import Row
from cockpit.metrics.client import Prometheus
from cockpit.metrics.natives import EDGES, classic
from cockpit.metrics.presets import load_preset
from tests.contract.test_prometheus_peer import start

SCHEMA = 3
"""Buckets grow by the eighth root of two: what client libraries choose for a factor of 1.1."""
LATENCIES = (0.0031, 0.02, 0.0201, 0.05, 0.05, 0.11, 0.26, 0.26, 0.26, 0.9, 1.0, 3.7)
POD = "web-5d8c7b9f44-x2x9k"
_PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def field(number: int, value: int | float | bytes, *, signed: bool = False) -> bytes:
    """One member of a protobuf message: a double, bytes or text, or an integer (zigzag when ``signed``)."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    return varint(number << 3) + varint((value << 1) ^ (value >> 63) if signed else value)


def exposition(observed: tuple[float, ...]) -> bytes:
    """A native histogram of ``observed`` as a client library exposes it (client_model's metrics.proto)."""
    counts: dict[int, int] = {}
    for seconds in observed:
        index = math.ceil(math.log2(seconds) * 2**SCHEMA - 1e-9)
        counts[index] = counts.get(index, 0) + 1
    histogram = field(1, len(observed)) + field(2, float(sum(observed)))
    histogram += field(5, SCHEMA, signed=True) + field(6, 2.0**-128) + field(7, 0)
    at, before, spans, deltas = 0, 0, b"", b""
    for index in sorted(counts):
        spans += field(12, field(1, index - at, signed=True) + field(2, 1))
        deltas += field(13, counts[index] - before, signed=True)
        at, before = index + 1, counts[index]
    metric = field(7, histogram + spans + deltas)
    family = field(1, b"http_request_duration_seconds") + field(2, b"x") + field(3, 4) + field(4, metric)
    return varint(len(family)) + family


async def test_a_real_prometheus_answers_and_the_counts_are_exact(tmp_path: Path) -> None:
    scraped = 0

    async def metrics(request: web.Request) -> web.Response:
        nonlocal scraped
        assert "application/vnd.google.protobuf" in request.headers["Accept"]
        scraped += 1
        seen = LATENCIES[: 2 * scraped]  # two more requests at each scrape
        return web.Response(body=exposition(seen), headers={"Content-Type": _PROTOBUF})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    target = f"{{targets: ['127.0.0.1:{port}'], labels: {{namespace: shop, pod: {POD}}}}}"
    job = f"{{job_name: web, static_configs: [{target}]}}"
    config = f"global: {{scrape_interval: 250ms, scrape_timeout: 250ms}}\nscrape_configs: [{job}]\n"
    process, peer = await asyncio.to_thread(start, tmp_path, config, "--enable-feature=native-histograms")
    client = Prometheus(Settings.model_validate({"prometheus": {"url": peer.url}}).prometheus)
    latency = load_preset("http_requests_native").latency
    assert latency is not None
    query = latency.query({"namespaces": "shop", "pods": "web-.*", "services": "-", "names": "web"}, "test")
    try:
        async with asyncio.timeout(60):
            rows: dict[str, Row] = {}
            while not rows or rows["+Inf"].points[-1][1] < len(LATENCIES):
                await asyncio.sleep(0.1)
                now = await client.now()
                answer = await client.query_range(query, now - 5, now, 1.0)
                rows = {row.labels["le"]: row for row in classic(answer.rows, latency.scale)}
    finally:
        await client.aclose()
        process.kill()
        process.wait()
        await runner.cleanup()
    assert {row.labels["pod"] for row in rows.values()} == {POD}
    found = {le: row.points[-1][1] for le, row in rows.items()}
    assert found.pop("+Inf") == len(LATENCIES)
    assert {float(le): count for le, count in found.items()} == {
        edge: float(bisect_right(LATENCIES, edge)) for edge in EDGES
    }
    assert all(a[1] <= b[1] for row in rows.values() for a, b in zip(row.points, row.points[1:], strict=False))


def test_edges_that_split_a_bucket_of_a_coarse_schema_are_left_out() -> None:
    coarse = [[0, {"count": "3", "sum": "1", "buckets": [[0, "0.5", "1", "2"], [0, "1", "2", "1"]]}]]
    found = {float(row.labels["le"]): row.points[0][1] for row in classic([Row({}, (), coarse)], 1.0)}
    assert found[0.5] == 0.0
    assert found[1.0] == 2.0
    assert found[2.0] == found[math.inf] == 3.0
    assert not any(0.5 < edge < 1.0 or 1.0 < edge < 2.0 for edge in found)


def test_an_odd_histogram_is_an_error_of_its_own() -> None:
    with pytest.raises(ValueError, match="not a native histogram"):
        list(classic([Row({}, (), [[0, {"count": "x"}]])], 1.0))
