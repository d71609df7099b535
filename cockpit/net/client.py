"""httpx clients as every part uses them: User-Agent, time-outs, keep-alive probes, proxy, and the server's Date."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from cockpit import __version__
from cockpit.base.errors import ConfigError
from cockpit.net.redact import redact

USER_AGENT = f"rollout-cockpit/{__version__}"

CONNECT_SECONDS = 8.0
DEFAULT_TIMEOUT = httpx.Timeout(30.0, connect=CONNECT_SECONDS, pool=10.0)


def _keepalive() -> list[tuple[int, int, int]]:
    # A path that was black-holed sends no FIN; without probes a read on it waits for ever.
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    wanted = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 60_000}
    options += [
        (socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in wanted.items() if hasattr(socket, name)
    ]
    return options


def http_client(
    base_url: str,
    *,
    verify: ssl.SSLContext | bool = True,
    headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout = DEFAULT_TIMEOUT,
    connections: int | None = 8,
    keepalive: int = 4,
    proxy: str | None = None,
    on_date: Callable[[str | None], None] | None = None,
    auth: httpx.Auth | tuple[str, str] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """A client for one server and one purpose: its pool is its own, so that no purpose starves another.

    ``connections`` None is unbounded; ``keepalive`` 0 opens a connection per request. ``proxy`` None honours the
    ``*_PROXY`` and ``NO_PROXY`` variables. ``on_date`` is fed every answer's Date header (``clock.observe_date``).
    Redirects are not followed: a token would travel with them. ``transport`` replaces the network in tests.
    """
    proxy = proxy or environment_proxy(base_url)
    if transport is None:
        try:
            transport = httpx.AsyncHTTPTransport(
                verify=verify,
                limits=httpx.Limits(max_connections=connections, max_keepalive_connections=keepalive),
                proxy=proxy,
                socket_options=_keepalive(),
                trust_env=False,
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            text = "SOCKS is not supported" if isinstance(error, ImportError) else str(error)
            raise ConfigError(f"proxy {redact(proxy or '')} cannot be used: {text}; use an http:// proxy") from None

    async def observe(response: httpx.Response) -> None:
        if on_date is not None:
            on_date(response.headers.get("date"))

    return httpx.AsyncClient(
        base_url=base_url,
        headers={"User-Agent": USER_AGENT, **(headers or {})},
        timeout=timeout,
        transport=transport,
        auth=auth,
        follow_redirects=False,
        trust_env=False,  # no .netrc: credentials come from the settings alone
        event_hooks={"response": [observe]},
    )


def environment_proxy(url: str) -> str | None:
    """The proxy that the environment names for this URL, None when it is exempt.

    This machine itself always is, as in Go's clients: what is plain HTTP because it stays here must not go out to a
    proxy, and another machine's loopback is not what was meant.
    """
    parts = urlsplit(url)
    if not parts.hostname or is_loopback(parts.hostname) or proxy_bypass(parts.hostname):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
