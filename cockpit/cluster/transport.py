"""HTTP to the API server: five pools, one identity, and an error for every answer that is not a success."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import httpx

from cockpit.base.clock import Clock
from cockpit.base.errors import AnswerLost, ApiError, CredentialsError
from cockpit.base.text import clean
from cockpit.cluster.credentials import Credentials
from cockpit.cluster.decode import decode_status
from cockpit.net.client import CONNECT_SECONDS, http_client
from cockpit.net.failure import failure
from cockpit.net.redact import redact

Pool = Literal["lists", "watches", "logs", "writes", "metrics"]

_ENDLESS = httpx.Timeout(None, connect=CONNECT_SECONDS, write=30.0)
_POOLS: dict[Pool, dict[str, Any]] = {
    "lists": {"connections": 8, "keepalive": 4, "timeout": httpx.Timeout(30.0, connect=CONNECT_SECONDS)},
    # The reflector and the log follower have deadlines of their own, which know about bookmarks and silence.
    "watches": {"connections": None, "keepalive": 0, "timeout": _ENDLESS},
    "logs": {"connections": 100, "keepalive": 0, "timeout": _ENDLESS},
    # Queries of a Prometheus behind the service proxy: a slow one must not hold lists up.
    "metrics": {"connections": 4, "keepalive": 4, "timeout": httpx.Timeout(61.0, connect=CONNECT_SECONDS)},
    # No kept connections: one that died unnoticed would make a write's answer look lost.
    "writes": {"connections": 4, "keepalive": 0, "timeout": httpx.Timeout(30.0, connect=CONNECT_SECONDS)},
}
_LARGEST_ERROR_BODY = 1 << 16
_LARGEST_BODY = 512 << 20  # a list in one piece of the largest clusters; beyond it somebody fills our memory
_WHOLE_SECONDS: dict[Pool, float] = {"lists": 180.0, "writes": 60.0, "metrics": 90.0}
"""For a whole answer: httpx bounds each read, so a server that drips a byte at a time would be waited for for ever."""

Query = Mapping[str, str | int | bool | None]


class Whole(NamedTuple):
    """An answer that was read to its end."""

    status_code: int
    headers: httpx.Headers
    content: bytes


class Transport:
    """Sends requests as the session's identity. A 401 is answered by one refresh and one repetition."""

    def __init__(
        self,
        credentials: Credentials,
        clock: Clock,
        *,
        network: Callable[[], httpx.AsyncBaseTransport] | None = None,
    ) -> None:
        self._credentials = credentials
        self._clock = clock
        self._network = network
        self._generation = credentials.certificate_generation
        self._retired: list[httpx.AsyncClient] = []
        self._clients = {name: self._client(name) for name in _POOLS}
        self.server = urlsplit(credentials.server).netloc
        """Host and port, for messages."""

    async def request(
        self,
        pool: Pool,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Whole:
        """A whole answer of status < 300. Raises NotSent, AnswerLost, ApiError, CredentialsError."""
        seconds = _WHOLE_SECONDS.get(pool)
        try:
            async with (
                asyncio.timeout(seconds),
                self.stream(pool, method, path, query=query, content=content, headers=headers) as response,
            ):
                return Whole(response.status_code, response.headers, await self._body(response))
        except TimeoutError:
            raise AnswerLost(f"{self._named()} did not finish its answer within {seconds:g} s") from None

    async def _body(self, response: httpx.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > _LARGEST_BODY:
                    raise AnswerLost(f"{self._named()} sent an answer of more than {_LARGEST_BODY >> 20} MiB")
                parts.append(chunk)
        except httpx.HTTPError as error:
            raise failure(error, self._named()) from None
        return b"".join(parts)

    @contextlib.asynccontextmanager
    async def stream(
        self,
        pool: Pool,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """An answer of status < 400 whose body is still to be read; closed on leaving. Errors as ``request``."""
        response = await self._send(pool, method, path, query, content, headers)
        try:
            yield response
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        for client in (*self._retired, *self._clients.values()):
            await client.aclose()
        self._retired.clear()

    async def _send(
        self,
        pool: Pool,
        method: str,
        path: str,
        query: Query | None,
        content: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> httpx.Response:
        used = await self._credentials.authorization()
        response = await self._once(pool, method, path, query, content, headers, used)
        if response.status_code == 401:
            # Refused before anything was looked at: repeating it with another credential cannot do anything twice.
            refused = await self._error(response, method, path)
            try:
                await self._credentials.refresh(used)
            except CredentialsError as error:
                raise ApiError(str(error), status=401, reason="Unauthorized") from None
            used = await self._credentials.authorization()
            response = await self._once(pool, method, path, query, content, headers, used)
            if response.status_code == 401:
                await response.aclose()
                raise refused
        if response.status_code >= 300:
            raise await self._error(response, method, path)
        return response

    async def _once(
        self,
        pool: Pool,
        method: str,
        path: str,
        query: Query | None,
        content: bytes | None,
        headers: Mapping[str, str] | None,
        authorization: str | None,
    ) -> httpx.Response:
        client = self._current(pool)
        sent = {"Accept": "application/json", **(headers or {})}
        if authorization is not None:
            sent["Authorization"] = authorization
        if pool in ("watches", "logs"):
            sent["Accept-Encoding"] = "identity"  # a compressor between us and the server would hold events back
        name = self._credentials.loaded.tls_server_name
        if authorization is not None and not (authorization.isascii() and authorization.isprintable()):
            # The library would refuse it as well, and quote it in its error.
            raise CredentialsError(
                f"the token of {self._credentials.loaded.source} holds line breaks or odd characters"
            )
        try:
            request = client.build_request(
                method,
                path,
                params={key: _text(value) for key, value in (query or {}).items() if value is not None},
                content=content,
                headers=sent,
                extensions={"sni_hostname": name} if name else None,
            )
            return await client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise failure(error, self._named()) from None

    async def _error(self, response: httpx.Response, method: str, path: str) -> ApiError:
        body = b""
        try:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST_ERROR_BODY:
                    break
        except httpx.HTTPError:
            pass  # the status line is answer enough
        finally:
            await response.aclose()
        code = response.status_code
        status = decode_status(body)
        text = clean(redact(status.message), 500)
        if code == 401:
            text = f"{self._named()} does not accept the credentials of {self._credentials.loaded.source}; log in again"
        elif not text:
            text = f"{self._named()} answered {method} {path} with HTTP {code}"
        return ApiError(text, status=code, reason=status.reason, retry_after=_retry_after(response, status), body=body)

    def _named(self) -> str:
        return f"API server {self.server}"

    def _current(self, pool: Pool) -> httpx.AsyncClient:
        if self._generation != self._credentials.certificate_generation:
            self._generation = self._credentials.certificate_generation
            # What is under way on the old connections may end by itself; nothing new starts there.
            self._retired.extend(self._clients.values())
            self._clients = {name: self._client(name) for name in _POOLS}
        return self._clients[pool]

    def _client(self, pool: Pool) -> httpx.AsyncClient:
        loaded = self._credentials.loaded
        return http_client(
            loaded.server,
            verify=loaded.ssl_context or False,
            proxy=loaded.proxy,
            on_date=self._clock.observe_date,
            transport=self._network() if self._network else None,
            **_POOLS[pool],
        )


def _text(value: str | int | bool | None) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _retry_after(response: httpx.Response, status: Any) -> float | None:
    header = response.headers.get("retry-after", "")
    if header.isascii() and header.isdigit():  # the HTTP-date form is not used by API servers
        return float(header[:9])
    return status.details.retry_after_seconds if status.details else None
