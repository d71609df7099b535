"""How failures slow the questions down: a burst counts once, and whoever asks meanwhile is told why."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from cockpit.registry.pace import Pace
from tests.unit.registry_fake import NAME, FakeRegistry, Time

HOST = "https://registry.example:443"


def test_what_was_under_way_together_counts_once() -> None:
    time = Time()
    pace = Pace(time.clock)
    for burst in range(3):
        begun = [pace.begin(HOST) for _ in range(8)]
        for each in begun:
            pace.failed(HOST, each, "it cannot be reached")
        assert (pace.wait(HOST, urgent=False) > 0) == (burst == 2)
    assert pace.wait(HOST, urgent=False) == pytest.approx(1.0)
    assert pace.wait(HOST, urgent=True) == 0.0
    pace.answered(HOST)
    pace.failed(HOST, begun[0], "it cannot be reached")  # begun before the answer
    assert pace.wait(HOST, urgent=False) == 0.0


@pytest.mark.parametrize(
    ("failing", "said"),
    [
        (httpx.Response(500), "answered 500"),
        (httpx.Response(429, headers={"retry-after": "40"}), "asks to slow down (429)"),
        (httpx.Response(503, headers={"retry-after": "40"}), "asks to slow down (503)"),
    ],
)
async def test_who_asks_during_the_rest_is_told_what_is_wrong(failing: httpx.Response, said: str) -> None:
    server, time = FakeRegistry(), Time()
    images = [server.image(f"v{number}") for number in range(4)]
    client = server.client(time)
    server.handler = lambda _: failing
    for image in images:
        found = await client.retention(NAME, image)
    assert found.state == "unknown"
    assert "registry.example" in found.reason
    assert said in found.reason
    assert "asked again in" in found.reason
    await client.aclose()


async def test_a_list_of_versions_does_not_run_into_a_dead_registry_one_by_one() -> None:
    """What waits for a slot while the first failures come in is not sent after them."""
    server, time = FakeRegistry(), Time()
    images = [server.image(f"v{number}") for number in range(60)]
    client = server.client(time)
    server.handler = lambda _: httpx.Response(502)
    found = await asyncio.gather(*(client.retention(NAME, image) for image in images))
    assert {each.state for each in found} == {"unknown"}
    assert all("answered 502" in each.reason for each in found)
    assert len(server.requests) < len(images)
    await client.aclose()
