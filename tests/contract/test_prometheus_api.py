"""The HTTP API of the world's Prometheus: shapes, errors and codes of 2.42, metadata, scraping, fault switches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from cockpit.world import prometheus
from cockpit.world.contract import Profile
from cockpit.world.traffic import install
from tests.unit.traffic_kit import EPOCH, Kit

Client = TestClient[web.Request, web.Application]


class Control:
    """The control endpoint's ``add_route``, without a token."""

    def __init__(self) -> None:
        self.app = web.Application()

    def add_route(self, method: str, path: str, handler: Callable[[web.Request], Awaitable[Any]]) -> None:
        self.app.router.add_route(method, path, handler)


class ControlledKit(Kit):
    def __init__(self) -> None:
        self.control = Control()
        super().__init__()


@pytest.fixture
def kit() -> ControlledKit:
    made = ControlledKit()
    made.canary(profile=Profile(error_rate=0.1))
    made.deployment("mute", pods=1, profile=Profile(metrics=False))
    made.clock.advance(600)
    return made


@pytest.fixture
async def api(kit: ControlledKit) -> AsyncIterator[Client]:
    async with TestClient(TestServer(prometheus.install(kit))) as client:
        yield client


@pytest.fixture
async def control(kit: ControlledKit, api: Client) -> AsyncIterator[Client]:
    async with TestClient(TestServer(kit.control.app)) as client:
        yield client


async def get(client: Client, path: str, **params: str) -> tuple[int, dict[str, Any]]:
    async with client.get(path, params=params) as answer:
        assert answer.content_type == "application/json"
        return answer.status, await answer.json()


async def test_an_instant_vector(api: Client, kit: Kit) -> None:
    status, body = await get(api, "/api/v1/query", query='up{job="pods"} == 0', time=f"{EPOCH + 300.05:.3f}")
    assert status == 200
    assert body["status"] == "success"
    assert body["data"]["resultType"] == "vector"
    (row,) = body["data"]["result"]
    assert row["metric"]["pod"] == "mute-aaaa-00000"
    assert row["value"] == [EPOCH + 300.05, "0"]
    assert "warnings" not in body


async def test_shapes_of_scalar_string_matrix_and_nothing(api: Client) -> None:
    for query, kind, result in (
        ("vector(1) > 2", "vector", []),
        ("0 / 0", "scalar", [EPOCH, "NaN"]),
        ('"a\\"b"', "string", [EPOCH, 'a"b']),
    ):
        _, body = await get(api, "/api/v1/query", query=query, time=str(EPOCH))
        assert body["data"] == {"resultType": kind, "result": result}
    _, body = await get(api, "/api/v1/query", query='up{pod="mute-aaaa-00000"}[30s]', time=str(EPOCH + 300))
    assert [value for _, value in body["data"]["result"][0]["values"]] == ["0", "0"]


async def test_a_range_query_by_get_and_by_form_agree(api: Client) -> None:
    params = {
        "query": "sum by (pod) (rate(http_requests_total[1m]))",
        "start": str(EPOCH + 100),
        "end": str(EPOCH + 400),
        "step": "1m",
    }
    _, by_get = await get(api, "/api/v1/query_range", **params)
    async with api.post("/api/v1/query_range", data=params) as answer:
        by_form = await answer.json()
    assert by_get == by_form
    assert by_get["data"]["resultType"] == "matrix"
    assert len(by_get["data"]["result"]) == 6
    assert [stamp for stamp, _ in by_get["data"]["result"][0]["values"]] == [EPOCH + 100 + 60 * i for i in range(6)]


@pytest.mark.parametrize(
    ("path", "params", "code", "kind", "message"),
    [
        ("query", {"query": "sum("}, 400, "bad_data", 'invalid parameter "query": parse error'),
        ("query", {}, 400, "bad_data", "no expression found"),
        ("query", {"query": "up", "time": "noon"}, 400, "bad_data", 'cannot parse "noon" to a valid timestamp'),
        ("query", {"query": "up", "timeout": "1ns"}, 400, "bad_data", 'cannot parse "1ns" to a valid duration'),
        ("query_range", {"query": "up", "start": "2", "end": "1", "step": "1"}, 400, "bad_data", "must not be before"),
        ("query_range", {"query": "up", "start": "1", "end": "2", "step": "0"}, 400, "bad_data", "zero or negative"),
        ("query_range", {"query": "up", "start": "0", "end": "11001", "step": "1"}, 400, "bad_data", "11,000 points"),
        ("query_range", {"query": "up[5m]", "start": "0", "end": "1", "step": "1"}, 400, "bad_data", "range vector"),
        ("query_range", {"query": '"x"', "start": "0", "end": "1", "step": "1"}, 400, "bad_data", '"string"'),
        (
            "query",
            {"query": 'count_values("0", up)'},
            422,
            "execution",
            "invalid label name",
        ),
        ("query", {"query": "info(up)"}, 400, "bad_data", 'unknown function with name "info"'),
        ("series", {}, 400, "bad_data", "no match[] parameter provided"),
        ("series", {"match[]": "sum(up)"}, 400, "bad_data", "match[]"),
        ("label/0a/values", {}, 400, "bad_data", "invalid label name"),
    ],
)
async def test_errors(api: Client, path: str, params: dict[str, str], code: int, kind: str, message: str) -> None:
    status, body = await get(api, f"/api/v1/{path}", **params)
    assert (status, body["status"], body["errorType"]) == (code, "error", kind)
    assert message in body["error"]


async def test_eleven_thousand_points_are_allowed(api: Client) -> None:
    status, body = await get(api, "/api/v1/query_range", query="1", start="0", end="11000", step="1")
    assert status == 200
    assert len(body["data"]["result"][0]["values"]) == 11_001


async def test_a_query_that_takes_too_long_says_so(api: Client) -> None:
    params = {"query": "sum(rate(http_requests_total[5m]))", "start": "0", "end": "11000", "step": "1"}
    status, body = await get(api, "/api/v1/query_range", timeout="1ms", **params)
    assert (status, body["errorType"]) == (503, "timeout")


async def test_unknown_paths_are_plain_text(api: Client) -> None:
    async with api.get("/api/v1/parse_query") as answer:
        assert (answer.status, answer.content_type) == (404, "text/plain")
        assert await answer.text() == "404 page not found\n"


async def test_ready_and_build(api: Client) -> None:
    async with api.get("/-/ready") as answer:
        assert await answer.text() == "Prometheus Server is Ready.\n"
    _, body = await get(api, "/api/v1/status/buildinfo")
    assert body["data"]["version"].startswith("2.42.0")
    assert (await get(api, "/api/v1/rules"))[1]["data"] == {"groups": []}
    assert (await get(api, "/api/v1/alerts"))[1]["data"] == {"alerts": []}


async def test_labels_values_and_series(api: Client) -> None:
    _, body = await get(api, "/api/v1/labels")
    assert {"__name__", "pod", "namespace", "code", "le", "job", "instance"} <= set(body["data"])
    _, body = await get(api, "/api/v1/label/code/values", **{"match[]": "http_requests_total"})
    assert body["data"] == ["200", "404", "500", "503"]
    _, body = await get(api, "/api/v1/label/__name__/values")
    assert {"http_requests_total", "http_request_duration_seconds_bucket", "up", "kube_pod_status_ready"} <= set(
        body["data"]
    )
    _, body = await get(api, "/api/v1/series", **{"match[]": 'orders_total{pod=~"pay-canary2-.*"}'})
    assert len(body["data"]) == 4
    assert all(row["__name__"] == "orders_total" for row in body["data"])


async def test_targets_tell_what_is_down_and_why(api: Client, kit: Kit) -> None:
    kit.crash("shop", "pay-canary2-00001")
    _, body = await get(api, "/api/v1/targets", state="active")
    targets = {row["labels"].get("pod"): row for row in body["data"]["activeTargets"] if row["scrapePool"] == "pods"}
    assert targets["pay-stable1-00000"]["health"] == "up"
    assert targets["mute-aaaa-00000"]["lastError"] == "server returned HTTP status 404 Not Found"
    assert "connection refused" in targets["pay-canary2-00001"]["lastError"]
    assert targets["pay-canary2-00001"]["health"] == "down"


async def test_metadata(api: Client) -> None:
    _, body = await get(api, "/api/v1/metadata", metric="http_requests_total")
    assert body["data"]["http_requests_total"][0]["type"] == "counter"


async def test_the_date_is_the_worlds(api: Client, kit: Kit) -> None:
    from email.utils import parsedate_to_datetime

    async with api.get("/-/ready") as answer:
        assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == int(kit.clock.now())


async def test_discovery_leads_to_every_text(api: Client) -> None:
    async with api.get(prometheus.SD_PATH) as answer:
        groups = await answer.json()
    pods = [group["labels"] for group in groups if group["labels"]["job"] == "pods"]
    assert len(pods) == 7
    assert {"__metrics_path__", "namespace", "pod", "instance", "job", "container"} <= pods[0].keys()
    for labels in (group["labels"] for group in groups):
        for accept, kind in (("application/openmetrics-text", "openmetrics"), ("text/plain", "text/plain")):
            async with api.get(labels["__metrics_path__"], headers={"Accept": accept}) as answer:
                if labels.get("pod") == "mute-aaaa-00000":
                    assert answer.status == 404
                    continue
                assert answer.status == 200
                text = await answer.text()
                assert kind in answer.headers["Content-Type"]
                assert text.endswith("# EOF\n") == (kind == "openmetrics")


async def test_a_crashed_pod_refuses_to_be_scraped(api: Client, kit: Kit) -> None:
    kit.crash("shop", "pay-canary2-00001")
    with pytest.raises(aiohttp.ClientError):
        await api.get("/scrape/pods/shop/pay-canary2-00001")


async def test_a_gone_pods_series_ends_at_its_next_scrape(api: Client, kit: Kit) -> None:
    query = 'count(up{pod="pay-canary2-00001"})'
    kit.delete_pod("shop", "pay-canary2-00001")
    kit.clock.advance(31)
    assert (await get(api, "/api/v1/query", query=query))[1]["data"]["result"] == []
    before = str(kit.clock.now() - 40)
    assert len((await get(api, "/api/v1/query", query=query, time=before))[1]["data"]["result"]) == 1


async def test_faults(api: Client, control: Client) -> None:
    async def fault(**rule: Any) -> None:
        async with control.post("/prometheus/faults", json=rule) as answer:
            assert answer.status == 200, await answer.text()

    await fault(mode="unavailable", times=1)
    async with api.get("/api/v1/query", params={"query": "1"}) as answer:
        assert answer.status == 503
    assert (await get(api, "/api/v1/query", query="1"))[0] == 200

    await fault(mode="warnings", match="query=up", times=1)
    assert "warnings" not in (await get(api, "/api/v1/query", query="1"))[1]
    assert "partial response" in (await get(api, "/api/v1/query", query="up"))[1]["warnings"][0]

    await fault(mode="garbage", times=1)
    async with api.get("/api/v1/query", params={"query": "1"}) as answer:
        assert "<html>" in await answer.text()

    await fault(mode="timeout", times=1)
    assert (await get(api, "/api/v1/query", query="1"))[1]["errorType"] == "timeout"

    await fault(mode="slow", seconds=0.01, times=1)
    assert (await get(api, "/api/v1/query", query="1"))[0] == 200

    await fault(mode="down")
    for _ in range(2):
        with pytest.raises(aiohttp.ClientError):
            await api.get("/api/v1/query", params={"query": "1"})
    async with api.get(prometheus.SD_PATH) as answer:
        assert answer.status == 200  # the pods are not down
    async with control.delete("/prometheus/faults") as answer:
        assert await answer.json() == {"faults": []}
    assert (await get(api, "/api/v1/query", query="1"))[0] == 200
    async with control.post("/prometheus/faults", json={"mode": "nonsense"}) as answer:
        assert answer.status == 400


async def test_the_ledger_and_the_knobs_by_control(kit: ControlledKit, control: Client) -> None:
    install(kit)
    async with control.get("/ledger/traffic") as answer:
        rows = (await answer.json())["pods"]
    assert {row["pod"] for row in rows} >= {"pay-canary2-00000", "mute-aaaa-00000"}
    assert all(row["requests"] == sum(row["codes"].values()) for row in rows)
    async with control.get("/conservation") as answer:
        assert (await answer.json())["holds"] is True
    async with control.get("/ledger/arms", params={"namespace": "shop", "name": "pay"}) as answer:
        assert set(await answer.json()) == {"canary2", "stable1"}
    for value, code in ((5, 200), (None, 200), (-1, 400)):
        body = {"namespace": "shop", "name": "pay", "value": value}
        async with control.post("/traffic/rps", json=body) as answer:
            assert answer.status == code
    async with control.post("/traffic/rps", json={"namespace": "shop", "name": "who", "value": 1}) as answer:
        assert answer.status == 404
