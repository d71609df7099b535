"""One HTTP exchange with a registry or what it points to: slots, pace, redirects, time-outs, bounded bodies."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterable, Callable
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from cockpit.base.clock import Clock
from cockpit.base.errors import Unreachable
from cockpit.net.client import http_client
from cockpit.net.failure import failure
from cockpit.registry.answers import Reply, retry_after
from cockpit.registry.endpoint import Endpoint, trust
from cockpit.registry.pace import Pace

MakeTransport = Callable[[str], httpx.AsyncBaseTransport]
ERROR_BODY = 1 << 16
_ENCODING = {"Accept-Encoding": "gzip"}  # what _Unpacking understands
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOPS = 5
_MOST_CLIENTS = 64
_DROPPED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)  # a kept connection that the server closed


class Resting(Unreachable):
    """Not asked, because the host wished so or failed just now. ``seconds`` until it will be."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Wire:
    """Connections by origin. ``timeout``: seconds for one exchange, its body included."""

    def __init__(self, clock: Clock, timeout: float, concurrency: int, transport: MakeTransport | None = None) -> None:
        self._pace = Pace(clock)
        self._timeout = timeout
        self._concurrency = concurrency
        self._transport = transport
        self._clients: dict[tuple[str, str], _Client] = {}
        self._trusted: dict[Path | None, ssl.SSLContext] = {}
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._opening = asyncio.Lock()

    async def exchange(
        self,
        endpoint: Endpoint,
        method: str,
        url: str,
        headers: dict[str, str],
        *,
        content: bytes | None = None,
        limit: int | None = ERROR_BODY,
        follow: bool = True,
        urgent: bool = False,
    ) -> Reply:
        """Ask and follow. ``limit`` None: only the headers of a success are read. Raises Unreachable, ConfigError.

        Authorization is dropped at the first step to another origin, and a redirect from TLS to plain text is refused.
        """
        start = origin(url)
        self._rested(start, urgent)
        async with self._slots.setdefault(start, asyncio.Semaphore(self._concurrency)):
            self._rested(start, urgent)  # what waited for a slot must not run on into what failed meanwhile
            return await self._follow(endpoint, start, method, url, headers, content, limit, follow)

    def _rested(self, start: str, urgent: bool) -> None:
        if seconds := self._pace.wait(start, urgent=urgent):
            raise Resting(f"{self._pace.why(start)}; asked again in {seconds:.0f} s", seconds)

    async def _follow(
        self,
        endpoint: Endpoint,
        start: str,
        method: str,
        url: str,
        headers: dict[str, str],
        content: bytes | None,
        limit: int | None,
        follow: bool,
    ) -> Reply:
        begun = self._pace.begin(start)
        for _ in range(_HOPS + 1):
            try:
                reply = await self._once(endpoint, method, url, headers, content, limit)
            except Unreachable as error:
                self._pace.failed(start, begun, str(error))
                raise
            location = reply.headers.get("location", "")
            if not follow or reply.status not in _REDIRECTS or not location:
                self._note(endpoint, start, begun, reply)
                return msgspec.structs.replace(reply, moved=origin(url) != start)
            try:
                url = urljoin(url, location)
            except ValueError:
                url = ""
            if not endpoint.may_go(url):
                raise Unreachable(f"{endpoint.server} redirects to an address that is not safe to follow")
            if origin(url) != start:
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            if reply.status == 303 and method != "HEAD":
                method, content = "GET", None
        raise Unreachable(f"{endpoint.server} redirects too often")

    async def _once(
        self,
        endpoint: Endpoint,
        method: str,
        url: str,
        headers: dict[str, str],
        content: bytes | None,
        limit: int | None,
    ) -> Reply:
        try:
            held = await self._client(endpoint, origin(url))
            held.users += 1
            try:
                request = held.client.build_request(method, url, headers=_ENCODING | headers, content=content)
                async with asyncio.timeout(self._timeout):
                    try:
                        response = await held.client.send(request, stream=True)
                    except _DROPPED:
                        response = await held.client.send(request, stream=True)
                    try:
                        return await _read(response, method, limit)
                    finally:
                        await response.aclose()
            finally:
                held.users -= 1
        except TimeoutError:
            raise Unreachable(f"{endpoint.server} does not answer within {self._timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            raise failure(error, endpoint.server) from None

    def _note(self, endpoint: Endpoint, start: str, begun: int, reply: Reply) -> None:
        if reply.status == 429 or (reply.status == 503 and "retry-after" in reply.headers):
            self._pace.told(start, retry_after(reply.headers), f"{endpoint.server} asks to slow down ({reply.status})")
        elif reply.status >= 500 and reply.status != 501:
            self._pace.failed(start, begun, f"{endpoint.server} answered {reply.status}")
        else:
            self._pace.answered(start)

    async def _client(self, endpoint: Endpoint, where: str) -> _Client:
        key = (endpoint.url, where)
        async with self._opening:
            held = self._clients.get(key)
            if held is None:
                await self._make_room()
                # No TLS is spoken by a client of a plain origin (each has its own).
                secure = where.startswith("https://") and self._transport is None
                client = http_client(
                    where,
                    verify=await self._trust(endpoint) if secure else False,
                    timeout=httpx.Timeout(self._timeout),
                    connections=self._concurrency,
                    transport=self._transport(where) if self._transport else None,
                )
                # A session cookie would let one login's rights answer for another's.
                client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
                held = self._clients[key] = _Client(client)
        return held

    async def _trust(self, endpoint: Endpoint) -> ssl.SSLContext:
        """Authorities take long to load, and are the same wherever a registry redirects to."""
        if endpoint.ca_file not in self._trusted:
            self._trusted[endpoint.ca_file] = await asyncio.to_thread(trust, endpoint)
        return self._trusted[endpoint.ca_file]

    async def _make_room(self) -> None:
        """Closes the oldest that nobody uses: a registry may redirect to another address each time."""
        idle = [key for key, held in self._clients.items() if not held.users]
        for key in idle[: max(len(self._clients) + 1 - _MOST_CLIENTS, 0)]:
            await self._clients.pop(key).client.aclose()

    async def aclose(self) -> None:
        clients, self._clients = list(self._clients.values()), {}
        for held in clients:
            await held.client.aclose()


class _Client:
    """A pool of connections to one origin, and how many use it now."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.users = 0


class _Unpacking:
    """The content of a body as it arrives, never more than was asked for: 12 KiB may unpack to gigabytes."""

    def __init__(self, encoding: str) -> None:
        """Raises httpx.DecodingError for encodings that nobody asked for, such as one within another."""
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise httpx.DecodingError("its answer is packed in a way that was not asked for")
        self._packed = zlib.decompressobj(wbits=31) if encoding not in ("", "identity") else None

    def take(self, chunk: bytes, most: int) -> bytes:
        """At most ``most`` bytes of what has come so far; less than ``most`` is all of it."""
        if self._packed is None:
            return chunk
        try:
            return self._packed.decompress(chunk, most)
        except zlib.error:
            raise httpx.DecodingError("its answer is packed, and damaged") from None


async def _read(response: httpx.Response, method: str, limit: int | None) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    challenges = response.headers.get_list("www-authenticate")
    if challenges:
        headers["www-authenticate"] = ", ".join(challenges)
    held = response.status_code in (200, 206)
    if method == "HEAD" or (held and limit is None):
        return Reply(response.status_code, headers)
    allowed = ERROR_BODY if limit is None or not held else limit
    parts, size = [], 0
    content = _Unpacking(headers.get("content-encoding", ""))
    assert isinstance(response.stream, AsyncIterable)
    async for packed in response.stream:
        chunk = content.take(packed, allowed - size + 1)
        parts.append(chunk)
        size += len(chunk)
        if size > allowed:
            return Reply(response.status_code, headers, b"".join(parts)[:allowed], cut=True)
    return Reply(response.status_code, headers, b"".join(parts))


def origin(url: str) -> str:
    """``scheme://host:port``, with the port always said."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"
