"""net: redaction, the taxonomy of failures, lines out of chunks, clients."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.base.errors import AnswerLost, ConfigError, NotSent
from cockpit.net.client import USER_AGENT, environment_proxy, http_client
from cockpit.net.failure import failure
from cockpit.net.lines import LineSplitter
from cockpit.net.redact import MARK, redact
from cockpit.net.tls import tls_context

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        f"token {JWT} is expired",
        "Authorization: Bearer abcdef0123456789",
        "authorization: basic dXNlcjpwYXNzd29yZA==",
        "GET https://admin:hunter22@proxy:3128/ failed",
        "password=hunter22 rejected",
        '{"client_secret": "hunter22"}',
        "refresh_token: hunter22",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter22\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_secret_is_not_shown(text: str) -> None:
    shown = redact(text)
    assert MARK in shown
    for secret in (JWT, "abcdef0123456789", "dXNlcjpwYXNzd29yZA", "hunter22"):
        assert secret not in shown


def test_known_secrets_go_and_plain_words_stay() -> None:
    assert redact("the word s3cr3t-value here", ["s3cr3t-value"]) == f"the word {MARK} here"
    plain = 'pods is forbidden: User "dev" cannot list resource "pods" (image web@sha256:' + "ab" * 32 + ")"
    assert redact(plain) == plain


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (httpx.ConnectTimeout("x"), NotSent, "no connection in time"),
        (httpx.PoolTimeout("x"), NotSent, "connections are busy"),
        (httpx.ConnectError("[Errno 111] nope"), NotSent, "cannot be reached"),
        (httpx.ProxyError("403 Forbidden"), NotSent, "proxy"),
        (httpx.UnsupportedProtocol("x"), NotSent, "cannot be asked"),
        (httpx.LocalProtocolError("Illegal header value b'Bearer a\\nhunter22'"), NotSent, "look at its credentials"),
        (httpx.ReadTimeout("x"), AnswerLost, "timed out after the request was sent"),
        (httpx.WriteTimeout("x"), AnswerLost, "timed out after the request was sent"),
        (httpx.ReadError("x"), AnswerLost, "broke the connection"),
        (httpx.WriteError("x"), AnswerLost, "broke the connection"),
        (httpx.RemoteProtocolError("x"), AnswerLost, "middle of an answer"),
        (httpx.DecodingError("x"), AnswerLost, "cannot be asked"),
    ],
)
def test_a_failure_says_whether_the_request_left(error: Exception, kind: type[Exception], says: str) -> None:
    told = failure(error, "API server prod:6443")
    assert type(told) is kind
    assert says in str(told)
    assert "hunter22" not in str(told)
    assert str(told).startswith("API server prod:6443 ")


def test_causes_are_named_in_words() -> None:
    refused = httpx.ConnectError("All connection attempts failed")
    attempts = OSError("All connection attempts failed")
    attempts.__cause__ = ExceptionGroup("attempts", [ConnectionRefusedError(111, "Connection refused"), OSError("x")])
    refused.__cause__ = attempts
    assert str(failure(refused, "s")) == "s cannot be reached: connection refused"
    nowhere = httpx.ConnectError("x")
    nowhere.__cause__ = socket.gaierror(-2, "Name or service not known")
    assert str(failure(nowhere, "s")) == "s cannot be reached: name or service not known"
    tls = httpx.ConnectError("x")
    tls.__cause__ = ssl.SSLCertVerificationError(1, "bad")
    tls.__cause__.verify_message = "self-signed certificate"
    assert str(failure(tls, "s")) == "s shows a certificate that is not trusted: self-signed certificate"


def naive(data: bytes, limit: int) -> list[tuple[bytes, int]]:
    *lines, rest = data.split(b"\n")
    return [cut(line, limit) for line in lines] + ([cut(rest, limit)] if rest else [])


def cut(line: bytes, limit: int) -> tuple[bytes, int]:
    if len(line) > limit:
        return line[:limit], len(line) - limit
    return line.removesuffix(b"\r"), 0


@given(
    st.lists(st.sampled_from([b"a", b"bc\r", b"\n", b"\n\n", b"x" * 9, b"\r\n", "é".encode()[:1]]), max_size=40),
    st.lists(st.integers(1, 7), min_size=1, max_size=60),
)
def test_lines_do_not_depend_on_where_chunks_are_cut(parts: list[bytes], sizes: list[int]) -> None:
    data = b"".join(parts)
    splitter = LineSplitter(8)
    lines: list[tuple[bytes, int]] = []
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        lines += splitter.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    lines += splitter.flush()
    assert lines == naive(data, 8)


def test_an_endless_line_is_counted_not_held() -> None:
    splitter = LineSplitter(100)
    for _ in range(1000):
        assert splitter.feed(b"y" * 10_000) == []
    assert sum(len(part) for part in splitter._parts) == 100
    assert splitter.feed(b"\nnext\n") == [(b"y" * 100, 10_000_000 - 100), (b"next", 0)]


async def test_a_client_names_itself_feeds_the_clock_and_follows_no_redirect() -> None:
    dates: list[str | None] = []
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(302, headers={"Date": "Fri, 20 Nov 2026 03:00:00 GMT", "Location": "http://evil/"})

    async with http_client("http://api/prefix", on_date=dates.append, transport=httpx.MockTransport(answer)) as client:
        response = await client.get("/version", headers={"Authorization": "Bearer x"})
    assert response.status_code == 302
    assert len(seen) == 1
    assert seen[0].url == "http://api/prefix/version"
    assert seen[0].headers["user-agent"] == USER_AGENT
    assert USER_AGENT.startswith("rollout-cockpit/")
    assert dates == ["Fri, 20 Nov 2026 03:00:00 GMT"]


def test_the_environments_proxy_is_used_unless_exempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "localhost,.internal")
    assert environment_proxy("https://api.example.com:6443") == "http://proxy:3128"
    assert environment_proxy("https://api.internal:6443") is None
    assert environment_proxy("https://localhost:6443") is None
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "")
    assert environment_proxy("http://plain.example:5000") == "http://proxy:3128"
    for here in ("127.0.0.1", "127.9.9.9", "[::1]", "localhost", "kind.localhost"):  # plain HTTP stays on this machine
        assert environment_proxy(f"http://{here}:5000") is None
        assert environment_proxy(f"https://{here}:5000") is None
    assert environment_proxy("http://127.0.0.1.example:5000") == "http://proxy:3128"


def test_a_proxy_of_a_kind_nobody_speaks_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="use an http:// proxy"):
        http_client("https://api", proxy="socks5://user:hunter22@proxy:1080")


def test_strictness_is_cleared_for_api_servers_only() -> None:
    assert not tls_context(strict=False).verify_flags & ssl.VERIFY_X509_STRICT
    assert tls_context().verify_mode is ssl.CERT_REQUIRED
    assert tls_context(verify=False).verify_mode is ssl.CERT_NONE


def test_a_bad_ca_or_certificate_names_its_file(tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("not a certificate")
    with pytest.raises(ConfigError, match=r"CA file .*junk\.pem holds no usable PEM"):
        tls_context(ca_file=junk)
    with pytest.raises(ConfigError, match=r"CA file .*absent\.pem does not exist"):
        tls_context(ca_file=tmp_path / "absent.pem")
    with pytest.raises(ConfigError, match=r"client certificate .*absent\.pem"):
        tls_context(cert_file=tmp_path / "absent.pem")
    with pytest.raises(ConfigError, match=r"client certificate .*junk\.pem or its key cannot be used"):
        tls_context(cert_file=junk, key_file=junk)
