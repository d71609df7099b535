"""Conservation through the served world: per pod, errors by /metrics = ERROR lines by the log endpoint = the ledger."""

from __future__ import annotations

import ssl
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from cockpit.world.serve import Ready, World


class Served:
    """A world on its ports, with a client for each of them."""

    def __init__(self, world: World, ready: Ready, http: aiohttp.ClientSession, tls: ssl.SSLContext) -> None:
        self.world, self.ready, self._http, self._tls = world, ready, http, tls
        control = urlsplit(ready.control)
        self._control, self._token = f"{control.scheme}://{control.netloc}", control.query.removeprefix("token=")

    async def control(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        async with self._http.request(method, self._control + path, json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def log(self, namespace: str, pod: str, container: str) -> bytes:
        url = f"{self.ready.kubernetes}/api/v1/namespaces/{namespace}/pods/{pod}/log"
        headers = {"Authorization": f"Bearer {self.world.admin_token}"}
        async with self._http.get(url, params={"container": container}, headers=headers, ssl=self._tls) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()

    async def targets(self) -> list[dict[str, str]]:
        async with self._http.get(self.ready.scrape or "") as answer:
            return [{**group["labels"], "address": group["targets"][0]} for group in await answer.json()]

    async def metrics(self, target: dict[str, str]) -> str | None:
        try:
            async with self._http.get(f"http://{target['address']}{target['__metrics_path__']}") as answer:
                return await answer.text() if answer.status == 200 else None
        except aiohttp.ServerDisconnectedError:
            return None


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    world = World.build(seed=31, speed=0, epoch=1_790_000_000.0)
    async with world.serving(tmp_path) as ready, aiohttp.ClientSession() as http:
        tls = ssl.create_default_context(cadata=world.authority.pem.decode())
        yield Served(world, ready, http, tls)


def errors_of(text: str) -> int:
    lines = [line for line in text.splitlines() if line.startswith("http_requests_total{") and 'code="5' in line]
    return sum(int(line.rsplit(" ", 1)[1]) for line in lines)


async def test_metrics_logs_and_ledger_agree_on_every_pod(served: Served) -> None:
    """A third of the pods, each with its whole log, at an instant that lies on no grid."""
    await served.control("POST", "/clock/advance", {"seconds": 187.3137})
    ledger = {
        (row["namespace"], row["pod"]): row["instances"][-1]["errors"]
        for row in (await served.control("GET", "/ledger/traffic"))["pods"]
        if row["instances"] and not row["gone"]
    }
    compared = errors = 0
    for target in [target for target in await served.targets() if target["job"] == "pods"][::3]:
        key = (target["namespace"], target["pod"])
        text = await served.metrics(target)
        log = await served.log(*key, target["container"])
        assert sum(line.startswith(b"ERROR") for line in log.splitlines()) == ledger[key], key
        if text is not None:
            assert errors_of(text) == ledger[key], key
            compared += 1
            errors += ledger[key]
    assert compared > 30
    assert errors > 300


async def test_the_ready_line_and_the_config_lead_to_prometheus(served: Served) -> None:
    config = tomllib.loads(Path(served.ready.config).read_text())
    assert config["prometheus"]["url"] == served.ready.prometheus
    async with aiohttp.ClientSession() as http:
        params = {"query": 'count(up{job="pods"})'}
        async with http.get(f"{served.ready.prometheus}/api/v1/query", params=params) as answer:
            assert int((await answer.json())["data"]["result"][0]["value"][1]) > 50
