"""Logins: challenges answered, tokens shared and renewed, helpers bounded, and no secret where it could be read."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from cockpit.base.clock import Clock
from cockpit.registry.challenge import Challenge, challenge, token
from cockpit.registry.credentials import (
    Credential,
    PullSecret,
    covers,
    docker_config,
    helper_answer,
    of_secrets,
    pull_secret,
)
from cockpit.registry.logins import Logins
from cockpit.registry.reference import Reference, parse
from tests.unit.registry_fake import HOST, NAME, UNKNOWN, FakeRegistry, Time

ABSENT = f"sha256:{'0' * 64}"
SECRET = "hunter2hunter2"


def basic(username: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def config(host: str, **entry: str) -> str:
    return json.dumps({"auths": {host: entry}})


def home(folder: Path, text: str) -> dict[str, str]:
    (folder / "config.json").write_text(text)
    return {"DOCKER_CONFIG": str(folder)}


class Guarded(FakeRegistry):
    """Asks for a bearer token of ``realm``; knows one user. ``tokens`` counts what was given."""

    def __init__(self, realm: str = "https://auth.example/token?x=1") -> None:
        super().__init__()
        self.realm = realm
        self.tokens = 0
        self.valid: set[str] = set()
        self.anonymous = False
        self.token_status = 200
        self.lifetime: Any = 300
        self.forms: list[dict[str, str]] = []
        self.handler = self._guard

    def _guard(self, request: httpx.Request) -> httpx.Response | None:
        if request.url.host == "auth.example":
            return self._token(request)
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if given in self.valid:
            return None
        scope = "repository:team/web:pull,push" if "team/web" in request.url.path else "registry:catalog:*"
        asked = f'Bearer realm="{self.realm}",service="reg.test",scope="{scope}"'
        return httpx.Response(401, headers={"www-authenticate": asked}, json={"errors": [{"code": "UNAUTHORIZED"}]})

    def _token(self, request: httpx.Request) -> httpx.Response:
        if self.token_status != 200:
            return httpx.Response(self.token_status)
        form = {key: values[0] for key, values in parse_qs(request.content.decode()).items()}
        known = request.headers.get("authorization") == basic("sre1", SECRET) or form.get("refresh_token") == SECRET
        if not known and not (self.anonymous and "authorization" not in request.headers and not form):
            return httpx.Response(401)
        self.forms.append(form or dict(request.url.params.items()))
        self.tokens += 1
        value = f"given{self.tokens}"
        self.valid.add(value)
        return httpx.Response(200, json={"token": value, "expires_in": self.lifetime})


async def test_a_token_is_fetched_once_and_shared_until_it_ends(tmp_path: Path) -> None:
    server, time = Guarded(), Time()
    images = [server.image(str(number)) for number in range(6)]
    client = server.client(
        time, home(tmp_path, config(HOST, auth=base64.b64encode(f"sre1:{SECRET}".encode()).decode()))
    )
    found = await asyncio.gather(*(client.retention(NAME, image, deep=True) for image in images))
    assert {each.state for each in found} == {"retained"}
    assert {each.asked_as for each in found} == {"docker config"}
    assert server.tokens == 1
    assert server.forms[0] == {"x": "1", "service": "reg.test", "scope": "repository:team/web:pull,push"}
    time.at += 294
    await client.retention(NAME, images[0], max_age=0)
    assert server.tokens == 1
    time.at += 2
    await client.retention(NAME, images[0], max_age=0)
    assert server.tokens == 2
    server.valid.clear()  # revoked before its end
    found = await asyncio.gather(*(client.retention(NAME, image, max_age=0) for image in images))
    assert {each.state for each in found} == {"retained"}
    assert server.tokens == 3
    # The password went to the token server alone.
    assert all(basic("sre1", SECRET) not in each.headers.values() for each in server.requests if each.url.host == HOST)
    await client.aclose()


@pytest.mark.parametrize("rest", ["\nrest-of-it", "\x00rest-of-it", "rest-of-it\u2028"])
async def test_a_secret_that_no_header_carries_is_not_shown_either(tmp_path: Path, rest: str) -> None:
    server = Guarded()
    image = server.image()
    client = server.client(environ=home(tmp_path, config(HOST, registrytoken=f"sekrit{rest}")))
    found = await client.retention(NAME, image)
    await client.aclose()
    assert (found.state, "docker config" in found.reason) == ("denied", True)
    (file := tmp_path / "token").write_text(f"sekrit{rest}-")
    client = server.client(registries=[{"match": HOST, "token_file": str(file)}])
    again = await client.retention(NAME, image)
    await client.aclose()
    assert (again.state, "more than one line" in again.reason) == ("unknown", True)
    assert "rest-of-it" not in repr((found, again))


async def test_a_token_server_rests_unless_someone_waits(tmp_path: Path) -> None:
    server, time = Guarded(), Time()
    server.token_status = 500
    image = server.image()
    client = server.client(time, home(tmp_path, config(HOST, username="sre1", password=SECRET)))
    for _ in range(5):
        assert (await client.retention(NAME, image)).state == "unknown"
    assert len([each for each in server.requests if each.url.host == "auth.example"]) == 3
    server.token_status = 200
    assert (await client.retention(NAME, image)).state == "unknown"
    assert (await client.retention(NAME, image, urgent=True)).state == "retained"
    await client.aclose()


async def test_an_identity_token_is_traded_and_a_ready_one_is_shown(tmp_path: Path) -> None:
    server = Guarded()
    image = server.image()
    client = server.client(environ=home(tmp_path, config(HOST, identitytoken=SECRET)))
    assert (await client.retention(NAME, image)).state == "retained"
    await client.aclose()
    assert server.forms[0]["grant_type"] == "refresh_token"
    assert server.forms[0]["scope"] == "repository:team/web:pull,push"
    server.valid.add("ready")
    client = server.client(environ=home(tmp_path, config(HOST, registrytoken="ready")))
    assert (await client.retention(NAME, image)).state == "retained"
    await client.aclose()
    assert server.tokens == 1


@pytest.mark.parametrize(
    ("status", "state"), [(500, "unknown"), (503, "unknown"), (404, "unknown"), (401, "denied"), (403, "denied")]
)
async def test_a_token_server_that_fails(tmp_path: Path, status: int, state: str) -> None:
    server = Guarded()
    server.token_status = status
    image = server.image()
    client = server.client(environ=home(tmp_path, config(HOST, username="sre1", password=SECRET)))
    for digest in (image, ABSENT):
        found = await client.retention(NAME, digest)
        assert found.state == state
        assert "auth.example" in found.reason
        assert SECRET not in repr(found)
    await client.aclose()


@pytest.mark.parametrize(
    ("life", "seconds"),
    [(b"300", 300.0), (b"1", 60.0), (b"-1", 60.0), (b"true", 60.0), (b'"x"', 60.0), (b"1" + b"0" * 400, 86_400.0)],
)
def test_a_token_lives_neither_less_nor_much_longer_than_any(life: bytes, seconds: float) -> None:
    found = token(b'{"token":"t","expires_in":' + life + b"}")
    assert found is not None
    assert found.lifetime == seconds


@pytest.mark.parametrize("body", [b"", b"[]", b'{"token":""}', b'{"token":7}', b'{"token":"a\\nb"}', b"\xff"])
async def test_a_token_server_that_talks_nonsense(body: bytes) -> None:
    assert token(body) is None
    server = Guarded()
    server.handler = lambda request: (
        httpx.Response(200, content=body) if request.url.host == "auth.example" else server._guard(request)
    )
    client = server.client()
    assert (await client.retention(NAME, server.image())).state == "unknown"
    await client.aclose()


async def test_credentials_are_not_sent_to_a_plain_realm(tmp_path: Path) -> None:
    for realm in (
        "http://auth.example/token",
        "http://127.0.0.1:9/token",
        "ftp://auth.example/",
        "nonsense",
        "https://[x/t",
    ):
        server = Guarded(realm)
        client = server.client(environ=home(tmp_path, config(HOST, username="sre1", password=SECRET)))
        assert (await client.retention(NAME, server.image())).state == "unknown"
        await client.aclose()
        assert all("authorization" not in each.headers for each in server.requests)
        assert {each.url.host for each in server.requests} == {HOST}


async def test_a_stranger_is_not_told_what_is_missing() -> None:
    """An anonymous token proves no absence by itself; seeing what runs now does."""
    server = Guarded()
    server.anonymous = True
    image = server.image()
    client = server.client()
    found = await client.retention(NAME, image)
    assert (found.state, found.asked_as) == ("retained", "anonymous")
    found = await client.retention(NAME, ABSENT)
    assert (found.state, "log in" in found.reason) == ("unknown", True)
    assert (await client.retention(NAME, ABSENT, control=image)).state == "missing"
    assert (await client.retention(NAME, ABSENT, control=f"sha256:{'1' * 64}")).state == "unknown"
    # A signature's absence is believed where the image itself is shown.
    assert (await client.signatures(NAME, image)).signature == "none"
    assert (await client.signatures(NAME, ABSENT)).signature == "unknown"
    assert (await client.tag(f"{NAME}:v1", image)).moved == "unknown"
    await client.aclose()


async def test_a_registry_that_hides_from_strangers_is_asked_by_name(tmp_path: Path) -> None:
    """It answers 404 to strangers for what it has; only its API root asks for a login."""
    server = FakeRegistry()
    image = server.image()

    def hiding(request: httpx.Request) -> httpx.Response | None:
        if request.headers.get("authorization") == basic("sre1", SECRET):
            return None
        if request.url.path == "/v2/":
            return httpx.Response(401, headers={"www-authenticate": 'Basic realm="r"'})
        return httpx.Response(404, json={"errors": [{"code": "NAME_UNKNOWN"}]})

    server.handler = hiding
    client = server.client(environ=home(tmp_path, config(HOST, username="sre1", password=SECRET)))
    assert (await client.retention(NAME, image)).state == "retained"
    assert (await client.retention(NAME, ABSENT)).state == "missing"
    await client.aclose()
    client = server.client()
    assert (await client.retention(NAME, image)).state != "missing"
    await client.aclose()


async def test_a_404_is_not_believed_while_the_root_cannot_be_asked() -> None:
    server = FakeRegistry()
    server.handler = lambda request: httpx.Response(503) if request.url.path == "/v2/" else None
    client = server.client()
    assert (await client.retention(NAME, ABSENT)).state == "unknown"
    server.handler = lambda _: None
    assert (await client.retention(NAME, ABSENT)).state == "missing"
    await client.aclose()


async def test_redirects_lose_the_login_and_never_the_encryption(tmp_path: Path) -> None:
    server = Guarded()
    image = server.image()
    stored = dict(server.blobs)
    target = ["https://store.example/bucket"]

    def moved(request: httpx.Request) -> httpx.Response | None:
        if request.url.host == "store.example":
            body = stored[request.url.params["d"]]
            return httpx.Response(200, content=b"" if request.method == "HEAD" else body)
        if (answer := server._guard(request)) is not None:
            return answer
        if "/blobs/" in request.url.path and target[0]:
            return httpx.Response(307, headers={"location": f"{target[0]}?d={request.url.path.rpartition('/')[2]}"})
        return None

    server.handler = moved
    client = server.client(environ=home(tmp_path, config(HOST, username="sre1", password=SECRET)))
    assert (await client.retention(NAME, image, deep=True)).state == "retained"
    away = [each for each in server.requests if each.url.host == "store.example"]
    assert away
    assert all("authorization" not in each.headers for each in away)
    unsafe = ("http://store.example/x", "file:///etc/passwd", "http://127.0.0.1/x", "https://[x/", "https://a:99999/")
    for target[0] in unsafe:
        found = await client.retention(NAME, image, deep=True, max_age=0)
        assert (found.state, "not safe" in found.reason) == ("unknown", True)
    target[0] = f"https://{HOST}/v2/team/web/blobs/x"
    found = await client.retention(NAME, image, deep=True, max_age=0)
    assert (found.state, "too often" in found.reason) == ("unknown", True)
    await client.aclose()


@pytest.mark.parametrize("path", ["/manifests/", "/v2/"])
async def test_the_server_behind_a_redirect_does_not_say_where_passwords_go(tmp_path: Path, path: str) -> None:
    server = FakeRegistry()
    image = server.image()

    def moved(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/token":
            return httpx.Response(200, json={"token": "t"})
        if request.url.host == "store.example":
            asked = 'Bearer realm="https://store.example/token",scope="repository:team/web:pull"'
            return httpx.Response(401, headers={"www-authenticate": asked})
        if request.url.path == "/v2/" or path in request.url.path:
            return httpx.Response(307, headers={"location": "https://store.example/x"})
        return httpx.Response(404, json=UNKNOWN)

    server.handler = moved
    client = server.client(environ=home(tmp_path, config(HOST, username="sre1", password=SECRET)))
    found = await client.retention(NAME, image)
    await client.aclose()
    assert (found.state, "none is sent there" in found.reason) == ("denied", True)
    assert all("authorization" not in each.headers for each in server.requests)
    assert not server.asked(path="/token")


async def test_referrers_are_not_followed_to_a_web_page() -> None:
    server = FakeRegistry()
    image = server.image()
    gone = httpx.Response(303, headers={"location": "https://web.example/packages"})
    server.handler = lambda request: gone if "/referrers/" in request.url.path else None
    client = server.client()
    found = await client.signatures(NAME, image)
    await client.aclose()
    assert (found.signature, found.gaps) == ("none", ())
    assert {each.url.host for each in server.requests} == {HOST}
    assert server.asked(path=f"/manifests/{image.replace(':', '-')}")  # the fallback tag


async def test_no_cookie_carries_one_login_into_another() -> None:
    server = FakeRegistry()
    image = server.image()

    def baking(request: httpx.Request) -> httpx.Response:
        answer = server.serve(request)
        answer.headers["set-cookie"] = "sid=abc; Path=/"
        return answer

    server.handler = baking
    client = server.client()
    await client.retention(NAME, image, deep=True)
    await client.aclose()
    assert all("cookie" not in each.headers for each in server.requests)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (['Bearer realm="https://a/t",service="s",scope="repository:x:pull,push"'], ("bearer", "https://a/t", "s")),
        (['bearer realm=https://a/t, service=s, error="invalid_token"'], ("bearer", "https://a/t", "s")),
        (['Basic realm="r"', 'Bearer realm="https://a/t",service="s"'], ("bearer", "https://a/t", "s")),
        (['Basic realm="r", Bearer realm="https://a/t",service="s"'], ("bearer", "https://a/t", "s")),
        (['Basic realm="a \\"b\\""'], ("basic", 'a "b"', "")),
        (["Basic"], ("basic", "", "")),
        (['Bearer service="s"'], None),
        (["Negotiate abc=="], None),
        ([""], None),
        ([], None),
    ],
)
def test_challenges(headers: list[str], expected: tuple[str, str, str] | None) -> None:
    found = challenge(headers)
    assert (None if found is None else (found.scheme, found.realm, found.service)) == expected


def test_a_scope_with_a_comma_stays_whole() -> None:
    found = challenge(['Bearer realm="https://a/t",scope="repository:x:pull,push",service="s"'])
    assert found == Challenge("bearer", "https://a/t", "s", "repository:x:pull,push")


@pytest.mark.parametrize(
    ("key", "image", "fits"),
    [
        ("registry.example", "registry.example/team/web", True),
        ("https://registry.example/v2/", "registry.example/team/web", True),
        ("registry.example:5000", "registry.example/team/web", False),
        ("registry.example", "registry.example:5000/team/web", False),
        ("registry.example/team", "registry.example/team/web", True),
        ("registry.example/tea", "registry.example/team/web", False),
        ("*.example", "registry.example/x", True),
        ("*.example", "a.registry.example/x", False),
        ("*.dkr.ecr.*.amazonaws.com", "123.dkr.ecr.eu-west-1.amazonaws.com/x", True),
        ("https://index.docker.io/v1/", "nginx", True),
        ("docker.io", "nginx:1.2", True),
        ("registry-1.docker.io", "docker.io/team/web", True),
        ("docker.io/library", "team/web", False),
        ("example", "registry.example/x", False),
        ("re*st*y.example", "registry.example/x", True),
        ("reg*gistry.example", "registry.example/x", False),
        ("*a*.example", "registry.example/x", False),
        ("[::1]:5000", "[::1]:5000/x", True),
    ],
)
def test_which_key_covers_which_image(key: str, image: str, fits: bool) -> None:
    assert (covers(key, parse(image)) is not None) is fits


def test_the_most_specific_login_comes_first() -> None:
    found = docker_config(
        json.dumps(
            {
                "auths": {
                    "*.example": {"username": "glob", "password": "p"},
                    "registry.example": {"username": "host", "password": "p"},
                    "registry.example/team/web": {"username": "path", "password": "p"},
                    "registry.example/team": {"auth": "not base64 !"},
                    "other.example": {"username": "other", "password": "p"},
                }
            }
        ),
        "test",
    )
    assert found is not None
    assert [each.username for each in found.matching(parse(NAME))] == ["path", "host", "glob"]


def test_pull_secrets_of_both_types_and_of_none() -> None:
    entry = {HOST: {"auth": base64.b64encode(b"robot:a:b").decode()}}
    new = {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": encoded({"auths": entry})}}
    old = {"type": "kubernetes.io/dockercfg", "data": {".dockercfg": encoded(entry)}}
    for raw in (new, old):
        secret = pull_secret({**raw, "metadata": {"namespace": "shop", "name": "regcred"}})
        assert secret is not None
        assert "robot" not in repr(secret)
        assert of_secrets([secret], parse(NAME)) == [Credential("pull secret shop/regcred", "robot", "a:b")]
    assert pull_secret({"type": "Opaque", "data": {".dockerconfigjson": "e30="}}) is None
    assert pull_secret({"type": "kubernetes.io/dockercfg", "data": None}) is None
    for value in ("%%%", base64.b64encode(b"[]").decode(), base64.b64encode(b'{"auths":[]}').decode()):
        assert of_secrets([PullSecret("a", "b", "kubernetes.io/dockerconfigjson", value)], parse(NAME)) == []


def encoded(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def test_secrets_do_not_show() -> None:
    login = Credential("docker config", "sre1", SECRET, "identity", "bearer")
    for text in (repr(login), str(login), f"{login!r}", repr([login])):
        assert not any(each in text for each in (SECRET, "identity", "bearer"))
    assert SECRET not in repr(token(b'{"token":"' + SECRET.encode() + b'"}'))


HELPER = """#!/bin/sh
echo run >> "$LOG"
read host
case "$host" in
  registry.example) echo '{"ServerURL":"x","Username":"sre1","Secret":"hunter2hunter2"}' ;;
  https://index.docker.io/v1/) echo '{"Username":"<token>","Secret":"identity"}' ;;
  silent.example) sleep 600 ;;
  loud.example) head -c 300000 /dev/zero ;;
  *) echo "credentials not found, token=abcdef99"; exit 1 ;;
esac
"""


@pytest.fixture
def helper(tmp_path: Path) -> dict[str, str]:
    """An environment with a helper on PATH that all hosts use."""
    program = tmp_path / "docker-credential-test"
    program.write_text(HELPER)
    program.chmod(0o755)
    environ = home(tmp_path, json.dumps({"credsStore": "test", "credHelpers": {"lost.example": "gone"}}))
    return {**environ, "PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(tmp_path / "log")}


def place(host: str) -> Reference:
    return parse(f"{host}/team/web")


async def test_a_helper_is_asked_for_the_host_and_rarely(helper: dict[str, str]) -> None:
    time = Time()
    logins = Logins(time.clock, 10, helper)
    found = await asyncio.gather(*(logins.matching(place(HOST)) for _ in range(3)))
    assert found == [[Credential("credential helper test", "sre1", SECRET)]] * 3
    assert (await logins.matching(parse("nginx")))[0].identity == "identity"
    assert Path(helper["LOG"]).read_text().count("run") == 2
    time.at += 301
    await logins.matching(place(HOST))
    assert Path(helper["LOG"]).read_text().count("run") == 3
    assert logins.warnings == {}


async def test_a_helper_that_fails_is_named_and_skipped(helper: dict[str, str]) -> None:
    logins = Logins(Clock(), 10, helper)
    for host, says in (
        ("lost.example", "not installed"),
        ("unknown.example", "no login"),
        ("loud.example", "no login"),
    ):
        assert await logins.matching(place(host)) == []
        text = " ".join(logins.warnings.values())
        assert says in text
        assert "abcdef99" not in text
    Path(helper["DOCKER_CONFIG"], "config.json").write_text("{")
    assert await logins.matching(place(HOST)) == []
    assert any("not JSON" in each for each in logins.warnings.values())


async def test_a_helper_that_hangs_is_ended(helper: dict[str, str]) -> None:
    logins = Logins(Clock(), 0.2, helper)
    assert await logins.matching(place("silent.example")) == []
    assert "did not answer within 0.2 s" in logins.warnings["docker-credential-test"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"Username":"a"}', b'{"Username":"a","Secret":""}', b"\xff"])
def test_helper_answers_that_are_none(body: bytes) -> None:
    assert helper_answer(body, "x") is None


def test_a_helper_is_named_like_a_program() -> None:
    for name in ("../evil", "a/b", "", "-x", 7, "a b"):
        found = docker_config(json.dumps({"credsStore": name, "credHelpers": {HOST: name}}), "x")
        assert found is not None
        assert (found.store, found.helpers) == ("", ())
