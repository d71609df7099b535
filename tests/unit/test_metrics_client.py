"""The Prometheus client: what it sends, what it keeps of an answer, and every failure by its name."""

from __future__ import annotations

import asyncio
import base64
import json
import math
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from cockpit.config import PrometheusSettings
from cockpit.metrics import client as client_module
from cockpit.metrics.answers import Undecodable, decode_now
from cockpit.metrics.client import AUTH, DOWN, JUNK, OVERLOAD, QUERY, TIMEOUT, Prometheus, PrometheusError

URL = "http://prometheus.test:9090"


def client_of(handler: object, **settings: object) -> Prometheus:
    return Prometheus(
        PrometheusSettings(url=settings.pop("url", URL), **settings),  # type: ignore[arg-type]
        transport=httpx.MockTransport(handler),  # type: ignore[arg-type]
    )


def vector(*rows: tuple[dict[str, str], str]) -> dict[str, object]:
    result = [{"metric": labels, "value": [1795210066.05, value]} for labels, value in rows]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


async def test_query_is_a_post_form_under_the_path_prefix() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=vector(({"pod": "a"}, "5")))

    client = client_of(answer, url=f"{URL}/prometheus/", tenant="team-a")
    found = await client.query('up{pod="a"}', 1795210066.0)
    await client.aclose()
    assert seen[0].method == "POST"
    assert str(seen[0].url) == f"{URL}/prometheus/api/v1/query"
    assert seen[0].headers["X-Scope-OrgID"] == "team-a"
    assert seen[0].headers["User-Agent"].startswith("rollout-cockpit/")
    assert b"time=1795210066.000" in seen[0].content
    assert b"timeout=5000ms" in seen[0].content
    assert found.rows[0].labels == {"pod": "a"}
    assert found.rows[0].points == ((1795210066.05, 5.0),)


def test_all_result_types_decode() -> None:
    special = decode_now(json.dumps(vector(({}, "NaN"), ({}, "+Inf"), ({}, "-Inf"))).encode())
    values = [row.points[0][1] for row in special.rows]  # type: ignore[union-attr]
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf]
    scalar = decode_now(b'{"status":"success","data":{"resultType":"scalar","result":[1.5,"5"]}}')
    assert scalar.rows[0].points == ((1.5, 5.0),)  # type: ignore[union-attr]
    matrix = decode_now(
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"5"],[2,"6"]]}]}}'
    )
    assert matrix.rows[0].points == ((1.0, 5.0), (2.0, 6.0))  # type: ignore[union-attr]
    assert decode_now(b'{"status":"success","data":{"resultType":"vector","result":[]}}').rows == ()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"404 page not found\n",
        b"<html></html>",
        b"[]",
        b'{"status":"success","data":{"resultType":"blob"}}',
        b'{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"x"]}]}}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_answer_is_undecodable(body: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_now(body)


async def test_warnings_and_error_bodies_are_kept() -> None:
    bodies = iter(
        [
            httpx.Response(200, json=vector() | {"warnings": ["store gateway timed out"]}),
            httpx.Response(400, json={"status": "error", "errorType": "bad_data", "error": "1:6: parse error: x"}),
        ]
    )
    client = client_of(lambda _: next(bodies))
    assert (await client.query("up")).warnings == ("store gateway timed out",)
    with pytest.raises(PrometheusError, match=r"cannot evaluate a query: 1:6: parse error: x"):
        await client.query("up{")
    await client.aclose()


def _error(kind: str, text: str, status: int) -> httpx.Response:
    return httpx.Response(status, json={"status": "error", "errorType": kind, "error": text})


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (_error("bad_data", "parse error", 400), QUERY, "parse error"),
        (_error("execution", "found duplicate series for the match group", 422), QUERY, "duplicate series"),
        (_error("execution", "query processing would load too many samples into memory", 422), OVERLOAD, "too much"),
        (_error("timeout", "query timed out in expression evaluation", 503), TIMEOUT, "gave up"),
        (_error("unavailable", "TSDB not ready", 503), DOWN, "TSDB not ready"),
        (httpx.Response(401, text="Unauthorized"), AUTH, "401: Unauthorized"),
        (httpx.Response(403, text="Forbidden (user=x)"), AUTH, "check prometheus.auth"),
        (httpx.Response(404, text="404 page not found"), JUNK, "check the path in prometheus.url"),
        (httpx.Response(502, text="<html>bad gateway</html>"), DOWN, "answers 502"),
        (httpx.Response(429, text="slow down"), OVERLOAD, "slow down"),
        (httpx.Response(200, text="<html>login</html>"), JUNK, "not as a Prometheus would"),
        (httpx.Response(302, headers={"location": "/graph"}), JUNK, "redirects to /graph"),
    ],
)
async def test_every_failure_has_its_name(answer: httpx.Response, code: str, words: str) -> None:
    client = client_of(lambda _: answer)
    with pytest.raises(PrometheusError) as caught:
        await client.query("up")
    await client.aclose()
    assert caught.value.code == code
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (httpx.ConnectError("All connection attempts failed"), DOWN),
        (httpx.ConnectTimeout("x"), DOWN),
        (httpx.ReadTimeout("x"), TIMEOUT),
        (httpx.RemoteProtocolError("x"), DOWN),
        (httpx.ReadError("x"), DOWN),
    ],
)
async def test_transport_failures(error: Exception, code: str) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    client = client_of(fail)
    with pytest.raises(PrometheusError) as caught:
        await client.now()
    await client.aclose()
    assert caught.value.code == code


async def test_a_real_refused_connection_is_down() -> None:
    client = Prometheus(PrometheusSettings(url="http://127.0.0.1:1"))
    with pytest.raises(PrometheusError) as caught:
        await client.now()
    await client.aclose()
    assert caught.value.code == DOWN
    assert "connection refused" in str(caught.value)


async def test_bearer_is_read_again_for_each_request(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(200, json=vector())

    client = client_of(answer, auth="bearer", token_file=token)
    await client.query("up")
    token.write_text("second")
    await client.query("up")
    token.unlink()
    with pytest.raises(PrometheusError, match=r"token_file .* cannot be read") as caught:
        await client.query("up")
    await client.aclose()
    assert caught.value.code == AUTH
    assert seen == ["Bearer first", "Bearer second"]


async def test_basic_auth_and_no_secret_in_messages(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret-pass\n")
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(403, text="bad token=abcdef123456 \x1b[31mred")

    client = client_of(answer, auth="basic", username="me", password_file=tmp_path / "password")
    with pytest.raises(PrometheusError) as caught:
        await client.query("up")
    await client.aclose()
    assert base64.b64decode(seen[0].removeprefix("Basic ")) == b"me:s3cret-pass"
    assert "abcdef123456" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


async def test_password_in_the_address_is_not_shown() -> None:
    client = client_of(lambda _: httpx.Response(500, text="x"), url="http://me:hunter22@prometheus.test")
    with pytest.raises(PrometheusError) as caught:
        await client.query("up")
    await client.aclose()
    assert "hunter22" not in str(caught.value)


async def test_at_most_four_requests_in_flight() -> None:
    running = most = 0
    gate = asyncio.Event()

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if most == 4:
            gate.set()
        await gate.wait()
        running -= 1
        return httpx.Response(200, json=vector())

    client = client_of(answer)
    await asyncio.gather(*(client.query("up") for _ in range(12)))
    await client.aclose()
    assert most == 4


async def test_an_answer_that_drips_or_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_GRACE", -0.95)
    monkeypatch.setattr(client_module, "_LARGEST_ANSWER", 1 << 20)

    async def drip() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async def flood() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    for body, code in ((drip, TIMEOUT), (flood, OVERLOAD)):
        client = client_of(lambda _, body=body: httpx.Response(200, content=body()), timeout=1.0)
        with pytest.raises(PrometheusError) as caught:
            await client.query("up")
        assert caught.value.code == code
        await client.aclose()


@pytest.mark.parametrize("token", ["one\nsecret-part-two", "s\u00e9cret-part-two"])
async def test_a_token_that_cannot_be_sent_is_not_quoted(tmp_path: Path, token: str) -> None:
    (tmp_path / "token").write_text(token, encoding="utf-8")
    client = client_of(lambda _: httpx.Response(200), auth="bearer", token_file=tmp_path / "token")
    with pytest.raises(PrometheusError, match="odd characters") as caught:
        await client.query("up")
    assert "part-two" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://[::1", "http://", "http://h:99999", "http://h\x1b[31m/", "http://h/\n"])
def test_a_url_that_is_none_is_told_by_the_settings(url: str) -> None:
    with pytest.raises(ValueError, match="is no URL with a host"):
        PrometheusSettings(url=url)
