"""What a registry that lies, stalls, redirects or refuses leads to: never "retained", "missing" only with proof."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cockpit.model.artifact import Retention
from cockpit.registry import media
from cockpit.registry.answers import Reply, judge, retry_after
from cockpit.registry.registries import Registries
from tests.unit.registry_fake import HOST, NAME, UNKNOWN, FakeRegistry, Handler, Time, compact, digest_of

ABSENT = f"sha256:{'0' * 64}"


async def ask(server: FakeRegistry, digest: str, **options: Any) -> Retention:
    client = server.client(**options.pop("settings", {}))
    found = await client.retention(NAME, digest, **options)
    await client.aclose()
    return found


async def test_every_question_for_a_manifest_accepts_all_four_types() -> None:
    server = FakeRegistry()
    image = server.image(tag="v1")
    client = server.client()
    await client.retention(NAME, image, deep=True)
    await client.retention(NAME, ABSENT)
    await client.tag(f"{NAME}:v1", image)
    await client.signatures(NAME, image)
    await client.aclose()
    asked = server.asked(path="/manifests/")
    assert len(asked) > 6
    for request in asked:
        accepted = [each.strip() for each in request.headers["accept"].split(",")]
        assert set(accepted) == media.INDEXES | media.MANIFESTS
        assert not any("prettyjws" in each or each == "*/*" for each in accepted)


def only(path: str, answer: httpx.Response, method: str = "") -> Handler:
    def handler(request: httpx.Request) -> httpx.Response | None:
        return answer if path in request.url.path and request.method.startswith(method) else None

    return handler


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (httpx.Response(404, json=UNKNOWN), "missing"),
        (httpx.Response(404, json={"errors": [{"code": "NAME_UNKNOWN"}]}), "missing"),
        (httpx.Response(404, json={"errors": [{"code": "BLOB_UNKNOWN"}]}), "unknown"),
        (httpx.Response(404, json={"errors": [{"code": "UNAUTHORIZED"}]}), "unknown"),
        (httpx.Response(404, json={"errors": "MANIFEST_UNKNOWN"}), "unknown"),
        (httpx.Response(404, json=["MANIFEST_UNKNOWN"]), "unknown"),
        (httpx.Response(404, text="404 page not found"), "unknown"),
        (httpx.Response(404, html="<html>MANIFEST_UNKNOWN</html>"), "unknown"),
        (httpx.Response(404), "unknown"),
        (
            httpx.Response(
                404,
                json={
                    "errors": [
                        {
                            "code": "MANIFEST_UNKNOWN",
                            "message": "OCI index found, but accept header does not support OCI indexes",
                        }
                    ]
                },
            ),
            "unknown",
        ),
        (httpx.Response(500, json=UNKNOWN), "unknown"),
        (httpx.Response(502), "unknown"),
        (httpx.Response(400, json=UNKNOWN), "unknown"),
        (httpx.Response(410, json=UNKNOWN), "unknown"),
        (httpx.Response(401), "denied"),
        (httpx.Response(403, json={"errors": [{"code": "DENIED", "message": "no"}]}), "denied"),
        (httpx.Response(200, html="<html>please log in</html>"), "unknown"),
        (httpx.Response(200, headers={"content-type": media.OCI_MANIFEST}, content=b"{}"), "unknown"),
        (httpx.Response(204), "unknown"),
        (httpx.Response(304), "unknown"),
        (httpx.Response(302), "unknown"),
    ],
    ids=lambda value: f"{value.status_code}-{value.text[:40]}" if isinstance(value, httpx.Response) else value,
)
async def test_answers_for_a_manifest(answer: httpx.Response, state: str) -> None:
    server = FakeRegistry()
    image = server.image()
    server.handler = only("/manifests/", answer)
    found = await ask(server, image)
    assert found.state == state
    assert found.reason.startswith(HOST)
    assert found.last_retained is None


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
async def test_a_registry_without_head_is_asked_by_get(status: int) -> None:
    server = FakeRegistry()
    image = server.image()
    server.handler = lambda request: httpx.Response(status) if request.method == "HEAD" else None
    found = await ask(server, image, deep=True)
    assert (found.state, found.reason) == ("retained", "")


async def test_a_head_without_digest_is_proven_by_the_bytes() -> None:
    server = FakeRegistry()
    image = server.image()

    def silent(request: httpx.Request) -> httpx.Response:
        answer = server.serve(request)
        answer.headers.pop("docker-content-digest", None)
        return answer

    server.handler = silent
    assert (await ask(server, image)).state == "retained"
    server.manifests[image] = (media.OCI_MANIFEST, b'{"schemaVersion":2}')
    found = await ask(server, image)
    assert (found.state, found.altered) == ("unknown", True)


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_another_digest_than_asked_for_is_an_alarm(method: str) -> None:
    server = FakeRegistry()
    image, other = server.image(), server.image("other")
    kind, body = server.manifests[other]
    headers = {"content-type": kind, "docker-content-digest": other}
    answer = httpx.Response(200, headers=headers, content=b"" if method == "HEAD" else body)
    server.handler = only(image, answer, method)
    found = await ask(server, image)
    assert (found.state, found.altered) == ("unknown", True)
    assert "other bytes" in found.reason


async def test_a_tag_whose_body_is_not_what_its_header_says() -> None:
    server = FakeRegistry()
    image = server.image(tag="v1")
    kind, body = server.manifests[image]
    lying = {"content-type": kind, "docker-content-digest": ABSENT}
    server.handler = lambda request: (
        httpx.Response(405) if request.method == "HEAD" else httpx.Response(200, headers=lying, content=body)
    )
    client = server.client()
    found = await client.tag(f"{NAME}:v1", image)
    await client.aclose()
    assert (found.moved, found.digest) == ("unknown", None)


async def test_layers_are_measured_and_foreign_ones_left_alone() -> None:
    server = FakeRegistry()
    foreign = {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar", "digest": ABSENT, "size": 9}
    elsewhere = {"mediaType": "layer", "digest": f"sha256:{'1' * 64}", "size": 9, "urls": ["https://else.example/x"]}
    image = server.image(layers=[foreign, elsewhere])
    assert (await ask(server, image, deep=True)).state == "retained"
    layer = next(digest for digest, body in server.blobs.items() if body.startswith(b"layer"))
    server.handler = only(layer, httpx.Response(200, headers={"content-length": "3"}), "HEAD")
    found = await ask(server, image, deep=True)
    assert (found.state, found.altered) == ("unknown", True)
    server.handler = only(layer, httpx.Response(404, text="nginx: not found"))
    assert (await ask(server, image, deep=True)).state == "unknown"
    server.handler = only(layer, httpx.Response(403))
    assert (await ask(server, image, deep=True)).state == "denied"
    server.handler = lambda _: None
    del server.blobs[layer]
    assert (await ask(server, image, deep=True)).state == "partial"
    assert (await ask(server, image)).state == "retained"
    assert not any(each.url.path.endswith(ABSENT) for each in server.requests)


async def test_a_compressed_config_is_hashed_as_content() -> None:
    server = FakeRegistry()
    image = server.image()
    config = next(digest for digest, body in server.blobs.items() if body.startswith(b"{"))
    packed = httpx.Response(200, headers={"content-encoding": "gzip"}, content=gzip.compress(server.blobs[config]))
    server.handler = only(config, packed)
    assert (await ask(server, image, deep=True, needed=["linux/amd64"])).covers is True
    assert all(each.headers["accept-encoding"] == "identity" for each in server.asked(path="/blobs/"))


async def test_redirects_to_ever_new_addresses_keep_few_connections_and_break_none() -> None:
    server = FakeRegistry()
    image = server.image()
    opened: set[tuple[str, str]] = set()
    number = 0

    def moving(request: httpx.Request) -> httpx.Response | None:
        nonlocal number
        if request.url.host != HOST:
            return httpx.Response(200, content=b"" if request.method == "HEAD" else server.blobs[request.url.path[1:]])
        if "/blobs/" not in request.url.path:
            return None
        number += 1
        name = request.url.path.rpartition("/")[2]
        return httpx.Response(307, headers={"location": f"https://s{number}.store.example/{name}"})

    server.handler = moving
    client = server.client()
    wire = client._client._access._wire
    for _ in range(50):
        found = await asyncio.gather(*(client.retention(NAME, image, deep=True, max_age=0) for _ in range(3)))
        assert {each.state for each in found} == {"retained"}
        opened |= set(wire._clients)
        assert len(wire._clients) <= 64
    assert len(opened) > 64
    await client.aclose()


@pytest.mark.parametrize(
    ("encoding", "times"), [("gzip", 1), ("gzip, gzip", 2), ("gzip,gzip,gzip", 3), ("deflate", 0), ("br", 0)]
)
async def test_a_small_answer_does_not_unpack_to_a_large_one(encoding: str, times: int) -> None:
    body = b" " * (64 << 20)
    for _ in range(times):
        body = gzip.compress(body, 1)

    async def stream() -> AsyncIterator[bytes]:  # httpx unpacks what it is given whole
        for at in range(0, len(body), 1 << 16):
            yield body[at : at + (1 << 16)]

    server = FakeRegistry()
    server.handler = lambda _: httpx.Response(200, headers={"content-encoding": encoding}, content=stream())
    tracemalloc.start()
    found = await ask(server, ABSENT, deep=True)
    assert tracemalloc.get_traced_memory()[1] < 32 << 20
    tracemalloc.stop()
    assert found.state == "unknown"


async def test_a_changed_config_is_an_alarm() -> None:
    server = FakeRegistry()
    image = server.image()
    config = next(digest for digest, body in server.blobs.items() if body.startswith(b"{"))
    server.blobs[config] = server.blobs[config].replace(b"amd64", b"arm64")
    found = await ask(server, image, deep=True, needed=["linux/arm64"])
    assert (found.state, found.altered, found.covers) == ("unknown", True, None)


async def test_platforms_against_nodes() -> None:
    server = FakeRegistry()
    amd, arm = server.image(), server.image(architecture="arm64")
    index = server.index((amd, "linux/amd64"), (arm, "linux/arm64"), (ABSENT, "unknown/unknown"))
    found = await ask(server, index, needed=["linux/amd64", "linux/s390x"])
    assert (found.state, found.covers, found.uncovered) == ("retained", False, ("linux/s390x",))
    assert [each.needed for each in found.platforms] == [True, False]
    assert (await ask(server, index)).covers is None  # the nodes are not known
    server.handler = only(arm, httpx.Response(500))
    found = await ask(server, index, needed=["linux/amd64", "linux/arm64"])
    assert (found.state, found.covers, found.uncovered) == ("unknown", None, ())
    server.handler = only(arm, httpx.Response(403))
    assert (await ask(server, index)).state == "denied"
    server.handler = only(arm, httpx.Response(404, json=UNKNOWN))
    found = await ask(server, index, needed=["linux/amd64"])
    assert (found.state, found.covers, found.gone) == ("partial", True, (arm,))
    empty = server.index()
    assert (await ask(server, empty, needed=["linux/amd64"])).uncovered == ("linux/amd64",)
    assert (await ask(server, empty)).state == "partial"
    within = server.index((empty, "linux/amd64"), (amd, "linux/amd64"))
    assert (await ask(server, within)).state == "partial"  # one of two for the same nodes has nothing to run


async def test_indexes_in_indexes_are_followed_so_far() -> None:
    server = FakeRegistry()
    lost = f"sha256:{'2' * 64}"
    digest = server.index((lost, "linux/amd64"))
    for _ in range(2):
        digest = server.index((digest, "linux/amd64"))
    assert (await ask(server, digest)).state == "partial"
    for _ in range(3):
        digest = server.index((digest, "linux/amd64"))
    found = await ask(server, digest)
    assert (found.state, "nested" in found.reason) == ("unknown", True)


async def test_lists_that_no_image_has_are_not_walked() -> None:
    server = FakeRegistry()
    digest = server.index(*[(server.image(), "linux/amd64")] * 257)
    found = await ask(server, digest)
    assert (found.state, found.covers, "more than any image" in found.reason) == ("unknown", None, True)
    digest = server.image()
    for _ in range(3):  # 100 to the third ways to one image
        digest = server.index(*[(digest, "linux/amd64")] * 100)
    assert (await ask(server, digest, deep=True)).state == "unknown"
    client = server.client()
    assert not await client.learn(NAME, digest)
    await client.aclose()
    layer = {"mediaType": "layer", "digest": ABSENT, "size": 1}
    assert (await ask(server, server.image("many", layers=[layer] * 300), deep=True)).state == "unknown"
    assert len(server.requests) < 2000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"schemaVersion":1}',
        b'{"schemaVersion":2,"layers":[],"manifests":[]}',
        b'{"schemaVersion":2,"mediaType":"' + media.OCI_INDEX.encode() + b'","manifests":[7]}',
        b'{"schemaVersion":2,"config":{"digest":"' + ABSENT.encode() + b'"},"layers":[7]}',
        b'{"schemaVersion":2,"manifests":[{"digest":"sha256:short"}]}',
        b'{"schemaVersion":2,"config":{"digest":"' + ABSENT.encode() + b'"},"layers":[{"digest":"md5:x"}]}',
        b"[" * 100_000,
    ],
    ids=range(10),
)
async def test_what_cannot_be_read_is_not_retained(body: bytes) -> None:
    server = FakeRegistry()
    digest = server.push(body)
    found = await ask(server, digest)
    assert found.state == "unknown"
    assert found.covers is None


async def test_a_manifest_without_end_is_cut() -> None:
    server = FakeRegistry()
    digest = server.push(b" " * (5 << 20))
    found = await ask(server, digest)
    assert (found.state, "more bytes" in found.reason) == ("unknown", True)


async def test_slow_down_is_kept_and_then_asked_again() -> None:
    server, time = FakeRegistry(), Time()
    image = server.image()
    client = server.client(time)
    server.handler = lambda _: httpx.Response(429, headers={"retry-after": "40"}, json={"errors": []})
    found = await client.retention(NAME, image)
    assert (found.state, found.retry_after) == ("unknown", 40)
    count = len(server.requests)
    server.handler = lambda _: None
    time.at += 39
    for urgent in (False, True):
        found = await client.retention(NAME, image, urgent=urgent)
        assert found.state == "unknown"
        assert found.retry_after == pytest.approx(1)
    assert len(server.requests) == count
    time.at += 1
    assert (await client.retention(NAME, image)).state == "retained"
    await client.aclose()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "999999"}, 3600.0),
        ({"retry-after": "Fri, 20 Nov 2026 23:00:30 GMT", "date": "Fri, 20 Nov 2026 23:00:00 GMT"}, 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 22:00:30 GMT", "date": "Fri, 20 Nov 2026 23:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


async def test_rest_after_failures_grows_and_gives_way_to_an_operator() -> None:
    server, time = FakeRegistry(), Time()
    image = server.image()
    client = server.client(time)
    server.handler = lambda _: httpx.Response(503)

    async def asked(*, urgent: bool = False) -> bool:
        before = len(server.requests)
        assert (await client.retention(NAME, image, urgent=urgent)).state == "unknown"
        return len(server.requests) > before

    assert [await asked() for _ in range(3)] == [True, True, True]  # a hiccup is no reason to rest
    for rest in (1, 2, 4, 8, 16, 32, 60, 60):
        assert not await asked()
        time.at += rest - 0.01
        assert not await asked()
        time.at += 0.01
        assert await asked()
    assert not await asked()
    assert await asked(urgent=True)
    server.handler = lambda _: None
    assert (await client.retention(NAME, image, urgent=True)).state == "retained"
    server.handler = lambda _: httpx.Response(500)
    assert (await client.retention(NAME, image)).state == "retained"  # what was just seen is kept
    assert (await client.retention(NAME, image, max_age=0)).state == "unknown"
    assert (await client.retention(NAME, image, max_age=0)).retry_after is None  # counted from the beginning again
    await client.aclose()


async def test_one_address_that_always_fails_silences_no_other() -> None:
    server = FakeRegistry()
    image = server.image()
    server.handler = only("/referrers/", httpx.Response(500))
    client = server.client()
    for _ in range(5):
        found = await client.signatures(NAME, image)
        assert (found.signature, len(found.gaps)) == ("unknown", 1)
        assert (await client.retention(NAME, image, max_age=0, deep=True)).state == "retained"
    await client.aclose()


async def test_an_answer_is_kept_for_looking_and_asked_anew_for_acting() -> None:
    server, time = FakeRegistry(), Time()
    image = server.image()
    client = server.client(time)
    first = await client.retention(NAME, image)
    count = len(server.requests)
    time.at += 599
    assert await client.retention(NAME, image) is first
    assert len(server.requests) == count
    del server.manifests[image]
    assert (await client.retention(NAME, image, max_age=30)).state == "missing"
    assert (await client.retention(NAME, image)).state == "missing"
    await client.aclose()


async def test_a_deep_answer_serves_a_shallow_question_and_not_the_other_way() -> None:
    server, time = FakeRegistry(), Time()
    image = server.image()
    client = server.client(time)
    await client.retention(NAME, image)
    assert (await client.retention(NAME, image, deep=True)).deep
    count = len(server.requests)
    time.at += 1
    assert (await client.retention(NAME, image)).deep
    assert len(server.requests) == count
    await client.aclose()


async def test_a_stalled_answer_is_unknown_in_time() -> None:
    server = FakeRegistry()
    image = server.image()

    class Stalled(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

    server.transport = lambda _: Stalled()  # type: ignore[method-assign]
    found = await ask(server, image, settings={"registry": {"timeout": 0.05}})
    assert (found.state, "does not answer" in found.reason) == ("unknown", True)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), httpx.ReadError("reset"), httpx.RemoteProtocolError("gone")]
)
async def test_broken_connections_are_unknown(error: httpx.TransportError) -> None:
    server = FakeRegistry()
    image = server.image()

    def broken(_: httpx.Request) -> httpx.Response:
        raise error

    server.handler = broken
    assert (await ask(server, image)).state == "unknown"


async def test_a_kept_connection_that_was_closed_is_tried_once_more() -> None:
    server = FakeRegistry()
    image = server.image()
    failed: list[str] = []

    def dropped(request: httpx.Request) -> httpx.Response | None:
        if not failed:
            failed.append(request.method)
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return None

    server.handler = dropped
    assert (await ask(server, image)).state == "retained"


async def test_so_many_questions_at_a_time_and_no_more() -> None:
    server = FakeRegistry()
    images = [server.image(str(number)) for number in range(20)]
    here, most = 0, 0

    class Counting(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal here, most
            here += 1
            most = max(most, here)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            here -= 1
            return server.serve(request)

    server.transport = lambda _: Counting()  # type: ignore[method-assign]
    client = server.client(registry={"concurrency": 3})
    found = await asyncio.gather(*(client.retention(NAME, image) for image in images))
    await client.aclose()
    assert {each.state for each in found} == {"retained"}
    assert most == 3


async def test_the_same_question_twice_at_once_is_asked_once() -> None:
    server = FakeRegistry()
    image = server.image()
    client = server.client()
    await asyncio.gather(*(client.retention(NAME, image) for _ in range(5)))
    await client.aclose()
    assert len(server.asked("HEAD", image)) == 1


async def test_hostile_words_of_a_registry_are_harmless() -> None:
    server = FakeRegistry()
    image = server.image()
    nasty = "\x1b]0;owned\x07[bold]\u202e token=abcdef123456" + "x" * 5000
    server.handler = lambda _: httpx.Response(403, json={"errors": [{"code": "DENIED", "message": nasty}]})
    found = await ask(server, image)
    assert found.state == "denied"
    assert "\x1b" not in found.reason
    assert "\u202e" not in found.reason
    assert "abcdef123456" not in found.reason
    assert len(found.reason) < 400


@pytest.mark.parametrize(
    "image",
    [
        "",
        "UPPER/case",
        "registry.example/a//b",
        "registry.example/x:bad tag",
        "\x1b[31mred",
        "registry.example/x@sha1:1",
    ],
)
async def test_names_that_no_runtime_would_pull_are_unknown(image: str) -> None:
    client = FakeRegistry().client()
    found = await client.retention(image, ABSENT)
    tag = await client.tag(image, ABSENT)
    signatures = await client.signatures(image, ABSENT)
    await client.aclose()
    assert (tag.moved, signatures.signature) == ("unknown", "unknown")
    if "@" not in image and "tag" not in image:
        assert found.state == "unknown"
    assert "\x1b" not in found.reason + found.image + tag.image + signatures.image


async def test_plain_http_leaves_this_machine_only_by_permission() -> None:
    server = FakeRegistry()
    image = server.image()
    found = await ask(server, image, settings={"registries": [{"match": HOST, "endpoint": "http://10.0.0.7:5000"}]})
    assert (found.state, server.requests) == ("unknown", [])
    assert "plain_http" in found.reason
    allowed = {"match": HOST, "endpoint": "http://10.0.0.7:5000", "plain_http": True}
    assert (await ask(server, image, settings={"registries": [allowed]})).state == "retained"
    assert {each.url.host for each in server.requests} == {"10.0.0.7"}


def test_a_mirrors_word_is_judged_like_any_other_before_it_is_disbelieved() -> None:
    body = compact({"schemaVersion": 2})
    reply = Reply(200, {"content-type": media.OCI_MANIFEST}, body)
    assert judge(reply, "manifest", digest_of(body), "x").kind == "found"
    assert judge(reply, "manifest", ABSENT, "x").kind == "altered"


async def test_what_opens_the_origin_is_not_shown_to_a_mirror(tmp_path: Path) -> None:
    server = FakeRegistry()
    image = server.image()
    (tmp_path / "config.json").write_text('{"auths": {"registry.example": {"username": "a", "password": "origins"}}}')
    server.handler = lambda request: (
        None
        if "authorization" in request.headers
        else httpx.Response(401, headers={"www-authenticate": 'Basic realm="cache"'})
    )
    override = {"match": HOST, "endpoint": "https://cache.example", "mirror": True}
    for mirror in (True, False):
        settings = {"registries": [{**override, "mirror": mirror}]}
        client = server.client(environ={"DOCKER_CONFIG": str(tmp_path)}, **settings)
        assert (await client.retention(NAME, image)).state == ("denied" if mirror else "retained")
        await client.aclose()
        assert any("authorization" in each.headers for each in server.requests) is not mirror


async def test_a_mirror_proves_nothing_and_still_gives_genuine_bytes() -> None:
    server = FakeRegistry()
    image, child = server.image(), server.image("child")
    index = server.index((child, "linux/amd64"))
    client: Registries = server.client(
        registries=[{"match": HOST, "endpoint": "https://cache.example", "mirror": True}]
    )
    for digest in (image, ABSENT):
        found = await client.retention(NAME, digest)
        assert (found.state, "mirror" in found.reason) == ("unknown", True)
    assert await client.learn(NAME, index)
    assert client.compare(index, f"x@{child}") == "match"
    assert (await client.signatures(NAME, image)).signature == "unknown"  # it may lack what the origin has
    await client.aclose()
