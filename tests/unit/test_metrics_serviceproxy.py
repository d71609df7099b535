"""Prometheus behind the Kubernetes service proxy: only the kubeconfig's credentials, by GET, answers told apart."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

import httpx
import pytest

from cockpit.base.clock import Clock
from cockpit.base.errors import ConfigError
from cockpit.cluster.credentials import Credentials
from cockpit.cluster.kubeconfig import Loaded
from cockpit.cluster.serviceproxy import ServiceProxy
from cockpit.cluster.transport import Transport
from cockpit.config import ClusterSettings, PrometheusSettings, Settings
from cockpit.metrics import Sampler
from cockpit.metrics.client import AUTH, DOWN, QUERY, TIMEOUT, Prometheus, PrometheusError
from cockpit.model.evidence import Counts
from tests.harness.fake_prometheus import FakePrometheus
from tests.unit.test_metrics_sampler import KEY, T0, Bench, usual

SERVICE = "monitoring/prometheus:9090"
PREFIX = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy"
Answer = Callable[[httpx.Request], httpx.Response]


def prometheus(answer: Answer, seen: list[httpx.Request] | None = None) -> tuple[Prometheus, Transport]:
    def serve(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return answer(request)

    loaded = Loaded("prod", "eu", "https://api.test:6443", "default", "sre", None, "kubeconfig", "Bearer t0ken")
    credentials = Credentials(loaded, ClusterSettings(), Clock())
    transport = Transport(credentials, Clock(), network=lambda: httpx.MockTransport(serve))
    settings = PrometheusSettings(service=SERVICE)
    return Prometheus(settings, via=ServiceProxy(transport, SERVICE)), transport


def behind(fake: FakePrometheus) -> Answer:
    """The API server in front of ``fake``: GET becomes what Prometheus would be asked."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        path = request.url.path
        assert path.startswith(PREFIX)
        form = {key: values[0] for key, values in parse_qs(request.url.query.decode()).items()}
        return fake._serve(httpx.Request("POST", f"http://p{path[len(PREFIX) :]}", data=form))

    return answer


async def test_evidence_through_the_proxy_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.traffic(600)
    seen: list[httpx.Request] = []
    client, transport = prometheus(behind(bench.prometheus), seen)
    settings = Settings.model_validate({"prometheus": {"service": SERVICE}})
    sampler = Sampler(settings, Clock(monotonic=lambda: 603.5, unix=lambda: T0), client=client)
    bench.prometheus.now = T0 + 603.5
    sampler.set_targets({KEY: usual()})
    await sampler.refresh()
    assert sampler.source().state == "ok", sampler.source()
    observed = sampler.observed(KEY)
    assert observed is not None
    assert observed.evidence[0].canary == Counts(39, 390)
    assert {request.headers["authorization"] for request in seen} == {"Bearer t0ken"}
    assert {request.method for request in seen} == {"GET"}
    await sampler.stop()
    await transport.aclose()


def status(code: int, message: str) -> httpx.Response:
    return httpx.Response(code, json={"kind": "Status", "code": code, "message": message}, headers={"x": "y"})


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (lambda _: status(403, 'services "prometheus:9090" is forbidden'), AUTH, "the right to get services/proxy"),
        (lambda _: status(404, 'services "prometheus" not found'), DOWN, "check prometheus.service"),
        (lambda _: status(503, "no endpoints available for service"), DOWN, "no endpoints available"),
        (
            lambda _: httpx.Response(400, json={"status": "error", "errorType": "bad_data", "error": "parse error"}),
            QUERY,
            "parse error",
        ),
        (
            lambda _: httpx.Response(503, json={"status": "error", "errorType": "timeout", "error": "timed out"}),
            TIMEOUT,
            "timed out",
        ),
    ],
)
async def test_who_speaks_is_told_apart(answer: Answer, code: str, words: str) -> None:
    client, transport = prometheus(answer)
    with pytest.raises(PrometheusError, match=words) as raised:
        await client.query("up")
    assert raised.value.code == code
    await transport.aclose()


async def test_an_api_server_that_is_gone_is_a_prometheus_that_is_down() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    client, transport = prometheus(refuse)
    with pytest.raises(PrometheusError) as raised:
        await client.query("up")
    assert raised.value.code == DOWN
    await transport.aclose()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('service = "prometheus:9090"', "NAMESPACE/NAME:PORT"),
        ('service = "a/b:9090"\nurl = "http://x"', "neither url nor auth"),
        ('service = "a/b:9090"\nauth = "bearer"', "neither url nor auth"),
    ],
)
def test_what_does_not_go_together_is_said(tmp_path: object, table: str, words: str) -> None:
    from pathlib import Path

    from cockpit.config import load_settings

    file = Path(str(tmp_path)) / "config.toml"
    file.write_text(f"[prometheus]\n{table}\n")
    with pytest.raises(ConfigError, match=words):
        load_settings(file)
