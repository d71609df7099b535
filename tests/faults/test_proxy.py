"""The proxy itself: it records what passed, and each fault does what it says and nothing else."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.faults.proxy import Proxy


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    arrived: list[tuple[str, bytes]]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        type(self).arrived.append((f"{self.command} {self.path}", body))
        text = b"0123456789" * 10
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PATCH = _answer

    def log_message(self, *args: object) -> None:
        """Quiet."""


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *args: object) -> None:
        """A broken connection is what these tests make."""


class Upstream:
    def __init__(self) -> None:
        self.arrived: list[tuple[str, bytes]] = []
        handler = type("Handler", (_Echo,), {"arrived": self.arrived})
        self.server = _Quiet(("127.0.0.1", 0), handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def proxy(upstream: Upstream, tmp_path: Path) -> Iterator[Proxy]:
    with Proxy(upstream.url, tmp_path / "proxy", server_ca=None) as made:
        yield made


def ask(proxy: Proxy, method: str, path: str, body: bytes | None = None) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    try:
        connection.request(method, path, body)
        return connection.getresponse().read()
    finally:
        connection.close()


def test_it_records_every_request_of_a_kept_connection(proxy: Proxy, upstream: Upstream) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    for number in range(3):
        connection.request("PATCH", f"/x/{number}?a=b", f"body {number}".encode())
        assert len(connection.getresponse().read()) == 100
    connection.close()
    assert [(each.method, each.path, each.body) for each in proxy.requests] == [
        ("PATCH", f"/x/{number}", f"body {number}".encode()) for number in range(3)
    ]
    assert proxy.requests[0].query == {"a": ["b"]}
    assert [body for _, body in upstream.arrived] == [b"body 0", b"body 1", b"body 2"]


def test_refuse_reaches_nobody_and_hits_only_the_nth_match(proxy: Proxy, upstream: Upstream) -> None:
    fault = proxy.fault("refuse", method="PATCH", path="/x", skip=1)
    assert ask(proxy, "PATCH", "/x", b"1")
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(proxy, "PATCH", "/x", b"2")
    assert ask(proxy, "PATCH", "/x", b"3")
    assert fault.hit.is_set()
    assert [body for _, body in upstream.arrived] == [b"1", b"3"]
    assert [each.forwarded for each in proxy.requests] == [True, False, True]


def test_swallow_carries_it_out_and_loses_the_answer(proxy: Proxy, upstream: Upstream) -> None:
    fault = proxy.fault("swallow", method="PATCH")
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(proxy, "PATCH", "/x", b"1")
    assert fault.hit.wait(30)
    assert [body for _, body in upstream.arrived] == [b"1"]


def test_truncate_cuts_the_answer(proxy: Proxy) -> None:
    proxy.fault("truncate", count=120)
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(proxy, "GET", "/x")
    assert len(ask(proxy, "GET", "/x")) == 100


def test_cut_sends_half(proxy: Proxy, upstream: Upstream) -> None:
    fault = proxy.fault("cut", method="PATCH")
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(proxy, "PATCH", "/x", b"0123456789")
    assert fault.hit.wait(30)
    assert all(body != b"0123456789" for _, body in upstream.arrived)


def test_down_closes_at_once_and_comes_back(proxy: Proxy) -> None:
    proxy.go_down()
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(proxy, "GET", "/x")
    proxy.go_down(False)
    assert ask(proxy, "GET", "/x")
