"""A proxy between two sockets: records every request byte by byte, and cuts, hangs, delays or swallows by rule.

It ends TLS with a certificate of its own (clients trust it through a rewritten kubeconfig) and opens a second TLS
connection to the real server for each connection it accepts. Requests are parsed as they pass, answers are not: what
comes back is moved as bytes, so no HTTP library of ours stands between the cockpit and the world.
"""

from __future__ import annotations

import asyncio
import base64
import datetime
import ipaddress
import re
import ssl
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Action = Literal["refuse", "cut", "hang", "delay", "swallow", "mute", "truncate"]


@dataclass
class Request:
    """One request as it was on the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    forwarded: bool = True
    answered: bool = False

    @property
    def path(self) -> str:
        return self.target.split("?", 1)[0]

    @property
    def query(self) -> dict[str, list[str]]:
        return urllib.parse.parse_qs(self.target.partition("?")[2])


@dataclass
class Fault:
    """What to do to requests that match. ``skip`` lets that many pass first; ``times`` None is for ever.

    ``refuse``: close at once, nothing reaches the server. ``cut``: forward half of the body, then close both sides.
    ``hang``: keep the request and never answer. ``delay``: forward after ``seconds``. ``swallow``: forward it, wait
    for the server's answer and close without passing it on. ``mute``: the same, but stay silent
    instead of closing. ``truncate``: pass ``count`` bytes of the answer, then close.
    """

    action: Action
    method: str = ".*"
    path: str = ".*"
    skip: int = 0
    times: int | None = 1
    seconds: float = 0.0
    count: int = 0
    hit: threading.Event = field(default_factory=threading.Event)
    """Set when the fault was applied (for ``swallow``: when the server had answered)."""

    def wants(self, request: Request) -> bool:
        """Whether this request is the one; counts it."""
        if not re.fullmatch(self.method, request.method) or not re.search(self.path, request.target):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            if self.times <= 0:
                return False
            self.times -= 1
        return True


class Proxy:
    """Listens on loopback in a thread of its own; use as a context manager."""

    def __init__(self, upstream: str, directory: Path, *, server_ca: bytes | None) -> None:
        parts = urllib.parse.urlsplit(upstream)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = parts.scheme == "https"
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.down = False
        """While set, connections are closed as soon as they are accepted, and standing ones are cut."""
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.ca, chain = _certificate(directory)
        self._server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server_context.load_cert_chain(chain)
        self._client_context = ssl.create_default_context(cadata=server_ca.decode() if server_ca else None)
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._server = self._run(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *exc: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def fault(self, action: Action, **details: Any) -> Fault:
        """Add a fault and return it, so that a test can wait for ``hit``."""
        made = Fault(action, **details)
        self.faults.append(made)
        return made

    def cut_all(self) -> None:
        """Break every standing connection."""
        self._loop.call_soon_threadsafe(self._abort)

    def go_down(self, down: bool = True) -> None:
        self.down = down
        if down:
            self.cut_all()

    def sent(self, method: str = ".*", path: str = ".*") -> list[Request]:
        """The requests seen so far that match."""
        with self._changed:
            return [
                each for each in self.requests if re.fullmatch(method, each.method) and re.search(path, each.target)
            ]

    def wait_for(self, method: str, path: str, count: int = 1, deadline: float = 60.0) -> list[Request]:
        """Wait until ``count`` matching requests were seen."""
        with self._changed:
            reached = self._changed.wait_for(
                lambda: (
                    len([r for r in self.requests if re.fullmatch(method, r.method) and re.search(path, r.target)])
                    >= count
                ),
                timeout=deadline,
            )
        if not reached:
            raise AssertionError(f"{count}x {method} {path} was not sent in {deadline:g} s")
        return self.sent(method, path)

    def kubeconfig(self, original: Path, name: str = "proxied.kubeconfig") -> Path:
        """A copy of a kubeconfig that goes through this proxy."""
        document = yaml.safe_load(original.read_text())
        for entry in document["clusters"]:
            cluster = entry["cluster"]
            cluster.pop("certificate-authority", None)
            cluster.pop("tls-server-name", None)
            cluster["server"] = self.url
            cluster["certificate-authority-data"] = base64.b64encode(self.ca).decode()
        copy = self._directory / name
        copy.write_text(yaml.safe_dump(document))
        return copy

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=30)

    async def _listen(self) -> asyncio.Server:
        context = self._server_context if self._tls else None
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)

    async def _stop(self) -> None:
        self._server.close()
        self._abort()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.down:
            writer.transport.abort()
            return
        self._writers.add(writer)
        upstream: asyncio.StreamWriter | None = None
        try:
            context = self._client_context if self._tls else None
            back, upstream = await asyncio.open_connection(
                self._host, self._port, ssl=context, server_hostname="localhost" if context else None
            )
            await _Connection(self, reader, writer, back, upstream).run()
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self._writers.discard(writer)
            for side in (writer, upstream):
                if side is not None:
                    side.transport.abort()

    def _note(self, request: Request) -> None:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()


class _Connection:
    """One accepted connection with its partner to the server."""

    def __init__(
        self,
        proxy: Proxy,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        self._proxy, self._reader, self._writer, self._back, self._upstream = proxy, reader, writer, back, upstream
        self._on_answer: Callable[[bytes], tuple[bytes, bool]] | None = None
        """Chunk of the answer -> (what to pass on, whether to close after it)."""
        self._latest: Request | None = None

    async def run(self) -> None:
        forth, back = asyncio.create_task(self._requests()), asyncio.create_task(self._answers())
        _, running = await asyncio.wait({forth, back}, return_when=asyncio.FIRST_COMPLETED)
        for task in running:
            task.cancel()
        await asyncio.gather(forth, back, return_exceptions=True)

    async def _answers(self) -> None:
        while chunk := await self._back.read(1 << 16):
            if self._latest is not None:
                self._latest.answered = True
            last = False
            if self._on_answer is not None:
                chunk, last = self._on_answer(chunk)
            self._writer.write(chunk)
            await self._writer.drain()
            if last:
                return

    async def _requests(self) -> None:
        while True:
            try:
                head = await self._reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            request = _parse(head)
            request.body, raw_body = await self._body(request.headers)
            self._latest = request
            fault = next((each for each in self._proxy.faults if each.wants(request)), None)
            if fault is not None and fault.action in ("refuse", "hang", "cut"):
                request.forwarded = False
            self._proxy._note(request)
            if fault is not None and not await self._apply(fault, head, raw_body):
                return
            self._upstream.write(head + raw_body)
            await self._upstream.drain()

    async def _apply(self, fault: Fault, head: bytes, body: bytes) -> bool:
        """Do what the fault says; False ends the connection."""
        match fault.action:
            case "refuse":
                fault.hit.set()
                return False
            case "hang":
                fault.hit.set()
                await asyncio.Event().wait()
            case "cut":
                self._upstream.write((head + body)[: len(head) + len(body) // 2])
                await self._upstream.drain()
                fault.hit.set()
                return False
            case "delay":
                fault.hit.set()
                await asyncio.sleep(fault.seconds)
            case "swallow":

                def swallow(_: bytes) -> tuple[bytes, bool]:
                    fault.hit.set()
                    return b"", True

                self._on_answer = swallow
            case "mute":

                def mute(_: bytes) -> tuple[bytes, bool]:
                    fault.hit.set()
                    return b"", False

                self._on_answer = mute
            case "truncate":
                self._on_answer = self._truncating(fault)
        return True

    def _truncating(self, fault: Fault) -> Callable[[bytes], tuple[bytes, bool]]:
        left = fault.count

        def truncate(chunk: bytes) -> tuple[bytes, bool]:
            nonlocal left
            part, left = chunk[:left], left - len(chunk)
            if left <= 0:
                fault.hit.set()
            return part, left <= 0

        return truncate

    async def _body(self, headers: dict[str, str]) -> tuple[bytes, bytes]:
        """(decoded body, the bytes as they were sent)."""
        if "chunked" in headers.get("transfer-encoding", ""):
            decoded, raw = b"", b""
            while True:
                line = await self._reader.readuntil(b"\r\n")
                size = int(line.split(b";")[0], 16)
                data = await self._reader.readexactly(size + 2)
                raw += line + data
                decoded += data[:-2]
                if size == 0:
                    return decoded, raw
        length = int(headers.get("content-length", "0"))
        body = await self._reader.readexactly(length) if length else b""
        return body, body


def _parse(head: bytes) -> Request:
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return Request(method, target, headers)


def _certificate(directory: Path) -> tuple[bytes, Path]:
    """A self-signed certificate for loopback; (PEM of the certificate, file with certificate and key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cockpit test proxy")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    chain = directory / "proxy.pem"
    chain.write_bytes(
        pem
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, chain


def ca_of(kubeconfig: Path) -> bytes:
    """The PEM of the authority that a kubeconfig's first cluster names."""
    cluster = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
    if data := cluster.get("certificate-authority-data"):
        return base64.b64decode(data)
    return Path(cluster["certificate-authority"]).read_bytes()


def server_of(kubeconfig: Path) -> str:
    """The server URL of a kubeconfig's first cluster."""
    return str(yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"])
