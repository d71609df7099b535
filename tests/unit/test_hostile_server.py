"""A server that means harm, or is broken: each answer ends as data, an error in words, or a wait that is bounded."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from cockpit.base.clock import Clock, parse_time, rfc3339
from cockpit.base.errors import AnswerLost, ApiError, CockpitError, Denied, Unreachable
from cockpit.cluster import transport as transport_module
from cockpit.cluster.api import Api
from cockpit.cluster.backoff import LONGEST_ASKED, Backoff
from cockpit.cluster.decode import decode_event, decode_list, decode_row, decode_status
from cockpit.cluster.rows import PodRow
from cockpit.cluster.transport import Transport
from cockpit.metrics.answers import Undecodable, decode_now
from cockpit.model.plan import Patch
from cockpit.model.resource import PODS, REPLICASETS, ROLLOUTS, SECRETS

DEEP = b"[" * 200_000 + b"]" * 200_000
PATCH = Patch(ROLLOUTS, "default", "web", None, ({"op": "add", "path": "/spec/paused", "value": True},), "pause")


class Identity:
    """Credentials without a file; ``token`` is the Authorization header."""

    server = "https://cluster.test:6443"
    certificate_generation = 0

    def __init__(self, token: str | None = "Bearer abc") -> None:
        self.token = token
        self.loaded = SimpleNamespace(
            server=self.server, ssl_context=None, proxy=None, tls_server_name=None, source="kubeconfig test"
        )

    async def authorization(self) -> str | None:
        return self.token

    async def refresh(self, used: str | None) -> bool:
        return True


def api(answer: Callable[[httpx.Request], httpx.Response], token: str | None = "Bearer abc") -> Api:
    identity: Any = Identity(token)
    return Api(Transport(identity, Clock(), network=lambda: httpx.MockTransport(answer)))


@pytest.mark.parametrize(
    "shape", [b"%s", b'{"items":[{"metadata":{"name":"a","annotations":%s}}]}', b'{"items":[{"unknown":%s}]}']
)
async def test_json_nested_without_end_is_no_kubernetes_json(shape: bytes) -> None:
    body = shape % DEEP
    with pytest.raises(Unreachable):
        decode_list(body, PodRow)
    with pytest.raises(Unreachable):
        decode_event(b'{"type":"ADDED","object":' + body + b"}", PodRow)
    assert decode_row(body, PodRow) == (None, True)
    assert decode_status(b'{"message":"m","x":' + body + b"}").message == ""
    with pytest.raises(Undecodable):
        decode_now(b'{"status":"success","x":' + body + b"}")
    with pytest.raises(Unreachable):
        await api(lambda _: httpx.Response(200, content=body)).get(PODS, "default", "a")


@pytest.mark.parametrize(
    "asked", ["\u00b2".encode("latin-1"), b"9" * 400, b"-1", b"NaN", b"Fri, 31 Dec 1999 23:59:59 GMT"]
)
async def test_a_wait_that_the_server_asks_for_is_bounded(asked: bytes) -> None:
    body = b'{"message":"slow down","details":{"retryAfterSeconds":1e300}}'
    with pytest.raises(ApiError) as caught:
        await api(lambda _: httpx.Response(429, headers=[(b"retry-after", asked)], content=body)).list_page(
            PODS, None, PodRow
        )
    assert Backoff(lambda: 0.0, random.Random(1)).next(caught.value.retry_after) <= LONGEST_ASKED


@pytest.mark.parametrize(
    "page",
    [
        {"metadata": {}, "items": None},
        {"metadata": [], "items": [{"metadata": "x"}]},
        {"metadata": {"continue": 7}, "items": [{"metadata": {"ownerReferences": {"uid": "u"}}}]},
        {"metadata": {}, "items": [{"metadata": {"ownerReferences": [None, "u", {"uid": "u"}]}}]},
    ],
)
async def test_a_list_of_what_is_no_object_owns_nothing(page: dict[str, Any]) -> None:
    assert await api(lambda _: httpx.Response(200, json=page)).owned(REPLICASETS, "default", "u") == []


@pytest.mark.parametrize("items", [{"a": 1}, "x", ["x", {}], [None]])
async def test_what_is_no_list_is_unknown_and_not_empty(items: Any) -> None:
    with pytest.raises(Unreachable, match="something else"):
        await api(lambda _: httpx.Response(200, json={"items": items})).owned(REPLICASETS, "default", "u")
    with pytest.raises(Unreachable, match="something else"):
        await api(lambda _: httpx.Response(200, json={"kind": "List"})).objects(REPLICASETS)


async def test_metadata_alone_is_asked_for_and_nothing_else_is_taken_for_it() -> None:
    asked: list[str] = []

    def whole(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["accept"])
        return httpx.Response(200, json={"kind": "Secret", "metadata": {"name": "db"}, "data": {"password": "x"}})

    with pytest.raises(Unreachable, match="metadata alone"):
        await api(whole).metadata(SECRETS, "default", "db")
    assert asked == ["application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"]
    with pytest.raises(Unreachable):
        await api(lambda _: httpx.Response(200, json={"kind": "SecretList", "items": []})).metadatas(SECRETS)


@pytest.mark.parametrize("name", ["..", ".", "../../../../api/v1/secrets", "a?dryRun=All", "a#b", "%2e%2e"])
async def test_a_name_in_a_template_leads_to_no_other_address(name: str) -> None:
    """Names of pull secrets and volumes are whatever somebody wrote into a pod template."""
    asked: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path)
        return httpx.Response(404, json={"kind": "Status", "message": "not found"})

    with pytest.raises(CockpitError):
        await api(answer).get(SECRETS, "shop", name)
    (path,) = set(asked)
    head, _, last = path.rpartition(b"/")
    assert head == b"/api/v1/namespaces/shop/secrets"
    assert last not in (b"", b".", b"..")
    assert b"?" not in last


async def test_pages_that_go_in_a_circle_are_left() -> None:
    body = {"metadata": {"continue": "again"}, "items": []}
    with pytest.raises(Unreachable, match="again and again"):
        await api(lambda _: httpx.Response(200, json=body)).owned(REPLICASETS, "default", "u")


@pytest.mark.parametrize("body", [b"", b"<html>logged in</html>", b"[]", b"null", b'{"kind":"Status"}', DEEP])
async def test_a_success_without_the_object_is_no_proof_of_a_write(body: bytes) -> None:
    with pytest.raises(AnswerLost):
        await api(lambda _: httpx.Response(200, content=body)).patch(PATCH)


async def test_an_answer_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(transport_module._WHOLE_SECONDS, "writes", 0.05)

    async def drip() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    with pytest.raises(AnswerLost, match="did not finish its answer"):
        await api(lambda _: httpx.Response(200, content=drip())).patch(PATCH)


async def test_an_answer_larger_than_any_list_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "_LARGEST_BODY", 1 << 20)
    sent = 0

    async def flood() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * (1 << 16)

    with pytest.raises(AnswerLost, match="more than 1 MiB"):
        await api(lambda _: httpx.Response(200, content=flood())).get(PODS, "default", "a")
    assert sent < 40  # a read is asked for once more


@pytest.mark.parametrize("code", [200, 302, 401, 403, 404, 409, 422, 500, 503])
async def test_no_error_body_reaches_a_terminal_raw_or_gives_a_secret_away(code: int) -> None:
    said = "\x1b]52;c;aGk=\x07[bold]\x1b[2Jno\x00 \u202e token=hunter2hunter2 https://u:s3cret@h/ \x9b31m"
    answer = httpx.Response(code, json={"message": said, "reason": said}, headers={"location": "https://u:s3cret@h/"})
    with pytest.raises(CockpitError) as caught:
        await api(lambda _: answer).patch(PATCH)
    text = str(caught.value)
    assert re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", text) is None
    assert "hunter2" not in text
    assert "s3cret" not in text


@pytest.mark.parametrize(
    "token", ["Bearer abc\nsecret-part-two", "Bearer sécret-part-two", "Bearer a\x00secret-part-two"]
)
async def test_a_token_that_cannot_be_sent_is_not_quoted(token: str) -> None:
    client = api(lambda _: httpx.Response(200, json={"metadata": {}}), token)
    with pytest.raises(Denied, match="the token of kubeconfig test") as caught:
        await client.patch(PATCH)
    assert "part-two" not in str(caught.value)
    with pytest.raises(CockpitError, match="the token of"):
        await client.get(PODS, "default", "a")


@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 1900 00:00:00 GMT", "x" * 100_000, "", "Fri, 99 Foo 2020"]
)
def test_a_date_from_nowhere_does_not_move_the_clock(date: str) -> None:
    clock = Clock(monotonic=lambda: 5.0, unix=lambda: 1_795_000_000.0)
    clock.observe_date(date)
    assert rfc3339(clock.cluster() + 1e6)
    assert clock.cluster() == 1_795_000_000.0


@pytest.mark.parametrize("stamp", [5, 1.5, True, {"a": 1}, ["x"], "later"])
def test_a_time_of_any_type_is_unknown(stamp: Any) -> None:
    assert parse_time(stamp) is None
