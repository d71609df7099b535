"""The Prometheus HTTP client of the live path: POST forms, bounded time, and every failure by its name."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Protocol

import httpx

from cockpit.base.errors import CockpitError, ConfigError
from cockpit.base.text import clean
from cockpit.config import PrometheusSettings
from cockpit.metrics.answers import Answer, Failure, Undecodable, decode
from cockpit.net.client import http_client
from cockpit.net.failure import failure
from cockpit.net.redact import redact
from cockpit.net.tls import tls_context

DOWN = "PROM_DOWN"
AUTH = "PROM_AUTH"
QUERY = "QUERY_ERR"
TIMEOUT = "PROM_TIMEOUT"
OVERLOAD = "PROM_OVERLOAD"
JUNK = "PROM_NOT_JSON"

_CONCURRENCY = 4
_GRACE = 10.0  # seconds beyond Prometheus' own time-out, for a large answer on a slow link
_LARGEST_ANSWER = 256 << 20
_MESSAGE = 300  # characters of a server's own words that are worth a line


class PrometheusError(CockpitError):
    """Prometheus could not be asked. ``code`` is one of the names above; ``str()`` says it in one sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Proxied(Protocol):
    """What came back through a proxy (``cluster.serviceproxy.Proxied``)."""

    @property
    def status(self) -> int: ...

    @property
    def content(self) -> bytes: ...

    @property
    def own(self) -> bool:
        """False: the proxy itself speaks, in ``message``."""

    @property
    def message(self) -> str: ...


class Via(Protocol):
    """Another way to a server than its URL (``cluster.serviceproxy.ServiceProxy``)."""

    @property
    def name(self) -> str: ...

    async def get(self, path: str, query: Mapping[str, str]) -> Proxied:
        """Raises CockpitError when there is no answer."""


class Prometheus:
    """One Prometheus (or what speaks its API: Thanos, Mimir, VictoriaMetrics, ...).

    Never retried here: the poll that comes next is the retry. At most four requests are in flight. Every method raises
    PrometheusError and nothing else (ConfigError from ``start`` when a file that the settings name is unusable).
    """

    def __init__(
        self,
        settings: PrometheusSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        via: Via | None = None,
    ) -> None:
        """``via``: how to reach a Service through the Kubernetes API, where the settings name one."""
        self.settings = settings
        self.name = f"Prometheus at {via.name if via is not None else redact(settings.url or '')}"
        self._via = via
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._slots = asyncio.Semaphore(_CONCURRENCY)

    async def start(self) -> None:
        """Build the client (certificates are read in a thread). Called by the first request when left out."""
        if self._client is not None:
            return
        settings = self.settings
        verify: ssl.SSLContext | bool = True
        if self._transport is None and (settings.url or "").startswith("https://"):
            verify = await asyncio.to_thread(
                tls_context, ca_file=settings.ca_file, cert_file=settings.cert_file, key_file=settings.key_file
            )
        headers = {}
        if settings.tenant is not None:
            headers[settings.tenant_header or "X-Scope-OrgID"] = settings.tenant
        self._client = http_client(
            (settings.url or "").rstrip("/"),
            verify=verify,
            headers=headers,
            # One second more than Prometheus is given, so that its own words about a time-out still arrive.
            timeout=httpx.Timeout(settings.timeout + 1.0, connect=min(2.0, settings.timeout), pool=settings.timeout),
            connections=_CONCURRENCY,
            keepalive=_CONCURRENCY,
            auth=_Credentials(settings) if settings.auth != "none" else None,
            transport=self._transport,
        )

    async def query(self, expression: str, at: float | None = None) -> Answer:
        """Instant query at ``at`` (evidence time; None: Prometheus' own now)."""
        form = {"query": expression, "timeout": _seconds(self.settings.timeout)}
        if at is not None:
            form["time"] = _stamp(at)
        return await self._ask("/api/v1/query", form)

    async def query_range(self, expression: str, start: float, end: float, step: float) -> Answer:
        """Values at ``start``, ``start + step``, ... ``end`` (11,000 points at most: Prometheus' own limit)."""
        form = {
            "query": expression,
            "start": _stamp(start),
            "end": _stamp(end),
            "step": _stamp(step),
            "timeout": _seconds(self.settings.timeout),
        }
        return await self._ask("/api/v1/query_range", form)

    async def now(self) -> float:
        """Prometheus' own time: evidence is cut by its clock, not by ours."""
        answer = await self.query("time()")
        if answer.kind != "scalar" or not answer.rows:
            raise PrometheusError(JUNK, f"{self.name} does not answer time() with a number; check prometheus.url")
        return answer.rows[0].points[0][1]

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _ask(self, path: str, form: Mapping[str, str]) -> Answer:
        if self._via is not None:
            return await self._ask_through(self._via, path, form)
        try:
            await self.start()
        except ConfigError as error:
            raise PrometheusError(AUTH, str(error)) from None
        assert self._client is not None
        try:
            # The client's time-outs are per read: what drips or never ends would hold a slot for ever.
            async with self._slots, asyncio.timeout(self.settings.timeout + _GRACE):
                response = await self._whole(self._client, path, form)
        except TimeoutError:
            raise PrometheusError(TIMEOUT, f"{self.name} did not finish its answer in time") from None
        except httpx.TimeoutException as error:
            code = DOWN if isinstance(error, httpx.ConnectTimeout) else TIMEOUT
            raise PrometheusError(code, str(failure(error, self.name))) from None
        except ConfigError as error:
            raise PrometheusError(AUTH, str(error)) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise PrometheusError(DOWN, str(failure(error, self.name))) from None
        return await self._read(response)

    async def _whole(self, client: httpx.AsyncClient, path: str, form: Mapping[str, str]) -> httpx.Response:
        parts: list[bytes] = []
        size = 0
        async with client.stream("POST", path, data=dict(form)) as answer:
            async for chunk in answer.aiter_bytes():
                size += len(chunk)
                if size > _LARGEST_ANSWER:
                    raise PrometheusError(OVERLOAD, f"{self.name} sent more than {_LARGEST_ANSWER >> 20} MiB at once")
                parts.append(chunk)
            where = {"location": answer.headers["location"]} if "location" in answer.headers else {}
            return httpx.Response(answer.status_code, content=b"".join(parts), headers=where)

    async def _ask_through(self, via: Via, path: str, form: Mapping[str, str]) -> Answer:
        try:
            async with self._slots, asyncio.timeout(self.settings.timeout + 1.0):
                found = await via.get(path, form)
        except TimeoutError:
            raise PrometheusError(TIMEOUT, f"{self.name} did not answer in {self.settings.timeout:g} s") from None
        except CockpitError as error:
            raise PrometheusError(DOWN, str(error)) from None
        if found.own:
            return await self._read(httpx.Response(found.status, content=found.content))
        said = clean(redact(found.message), _MESSAGE)
        if found.status in (401, 403):
            raise PrometheusError(AUTH, f"{self.name}: {said}; it needs the right to get services/proxy there")
        raise PrometheusError(DOWN, f"{self.name}: {said}; check prometheus.service")

    async def _read(self, response: httpx.Response) -> Answer:
        status = response.status_code
        if status in (401, 403):
            said = _words(response)
            raise PrometheusError(AUTH, f"{self.name} refuses us ({status}{said}); check prometheus.auth")
        if 300 <= status < 400:
            where = clean(redact(response.headers.get("location", "elsewhere")), _MESSAGE)
            raise PrometheusError(JUNK, f"{self.name} redirects to {where}; set prometheus.url to the final address")
        try:
            decoded = await decode(response.content)
        except Undecodable:
            raise self._unreadable(response) from None
        if isinstance(decoded, Failure):
            raise self._refused(status, decoded)
        return decoded

    def _unreadable(self, response: httpx.Response) -> PrometheusError:
        status, said = response.status_code, _words(response)
        if status in (429, 502, 503, 504):
            return PrometheusError(OVERLOAD if status == 429 else DOWN, f"{self.name} answers {status}{said}")
        if status == 404:
            return PrometheusError(JUNK, f"{self.name} has no query API there (404); check the path in prometheus.url")
        return PrometheusError(JUNK, f"{self.name} answers {status}, but not as a Prometheus would{said}")

    def _refused(self, status: int, said: Failure) -> PrometheusError:
        text = clean(redact(said.text), _MESSAGE)
        if said.type == "timeout":
            return PrometheusError(TIMEOUT, f"{self.name} gave up on a query: {text}")
        if "too many samples" in said.text or status == 429:
            return PrometheusError(OVERLOAD, f"{self.name} is asked for too much at once: {text}")
        if said.type in ("bad_data", "execution"):
            return PrometheusError(QUERY, f"{self.name} cannot evaluate a query: {text}")
        return PrometheusError(DOWN, f"{self.name} reports {clean(said.type, 40)}: {text}")


class _Credentials(httpx.Auth):
    """Basic or bearer; the files are read for each request, since tokens rotate under a running process."""

    def __init__(self, settings: PrometheusSettings) -> None:
        self._settings = settings

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        settings = self._settings
        if settings.auth == "bearer":
            token = await _secret(settings.token_file, "prometheus.token_file")
            if not (token.isascii() and token.isprintable()):  # the library would refuse it as well, and quote it
                raise ConfigError(f"prometheus.token_file {settings.token_file} holds line breaks or odd characters")
            request.headers["Authorization"] = f"Bearer {token}"
            yield request
            return
        password = await _secret(settings.password_file, "prometheus.password_file")
        basic = httpx.BasicAuth(settings.username or "", password)
        yield next(basic.sync_auth_flow(request))


async def _secret(file: Path | None, setting: str) -> str:
    if file is None:
        raise ConfigError(f"{setting} is not set, but prometheus.auth needs it")
    try:
        return (await asyncio.to_thread(file.read_text, encoding="utf-8")).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text"
        raise ConfigError(f"{setting} {file} cannot be read: {why}") from None


def _words(response: httpx.Response) -> str:
    """What an error page says, when it is short text; markup of a proxy's page helps nobody."""
    text = response.text.strip()
    if not text or text.startswith("<"):
        return ""
    return ": " + clean(redact(text), _MESSAGE)


def _stamp(seconds: float) -> str:
    return f"{seconds:.3f}"


def _seconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"
