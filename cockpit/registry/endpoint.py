"""Where a registry is asked, how its TLS is checked, and to which addresses a request may go on from there."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from cockpit.base.errors import ConfigError
from cockpit.config import RegistryOverride
from cockpit.net.client import is_loopback
from cockpit.net.tls import tls_context
from cockpit.registry.credentials import Credential, most_specific
from cockpit.registry.reference import HUB, Reference

_HUB_ENDPOINT = "https://registry-1.docker.io"


class Endpoint(msgspec.Struct, frozen=True):
    """The origin (or mirror) of a registry. ``url`` has no trailing slash."""

    url: str
    server: str  # as sentences name it
    ca_file: Path | None = None
    mirror: bool = False
    plain: bool = False  # plain HTTP was allowed by hand
    override: RegistryOverride | None = None

    def may_go(self, url: str) -> bool:
        """Whether a redirect or realm may be followed: never from TLS to plain text, nor by that out of loopback."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port  # reading the port checks it
        except ValueError:
            return False
        if parts.scheme == "https":
            return bool(host)
        if parts.scheme != "http" or self.url.startswith("https://"):
            return False
        return self.plain or is_loopback(host)


def endpoint_of(place: Reference, overrides: Sequence[RegistryOverride]) -> Endpoint:
    """The endpoint of a repository. Raises ConfigError where plain HTTP would leave this machine without permission."""
    found: list[RegistryOverride] = most_specific(place, ((each.match, each) for each in overrides))
    override = found[0] if found else None
    url = override.endpoint if override else None
    plain = override is not None and override.plain_http
    if url is None:
        if place.registry == HUB:
            url = _HUB_ENDPOINT
        else:
            host = urlsplit(f"//{place.registry}").hostname or ""
            url = f"{'http' if plain or is_loopback(host) else 'https'}://{place.registry}"
    url = url.rstrip("/")
    if url.startswith("http://") and not plain and not is_loopback(urlsplit(url).hostname or ""):
        raise ConfigError(
            f"registry {place.registry} would be asked by plain HTTP at {url}; "
            "use https://, or allow it with plain_http = true under [[registries]]"
        )
    return Endpoint(
        url,
        place.registry,
        override.ca_file if override else None,
        override is not None and override.mirror,
        plain,
        override,
    )


def own_credentials(endpoint: Endpoint) -> list[Credential]:
    """The login that the settings name for this registry. Blocking; raises ConfigError for an unreadable file."""
    override = endpoint.override
    if override is None:
        return []
    if override.token_file is not None:
        return [Credential("config", bearer=_secret(override.token_file))]
    if override.username is not None and override.password_file is not None:
        return [Credential("config", override.username, _secret(override.password_file))]
    return []


def trust(endpoint: Endpoint) -> ssl.SSLContext:
    """A TLS context: the system's authorities, and the endpoint's own besides them. Blocking."""
    context = tls_context(ca_file=endpoint.ca_file)
    if endpoint.ca_file is not None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)  # token servers and blob stores stand elsewhere
    return context


def _secret(file: Path) -> str:
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigError(f"registry credentials {file} cannot be read: {why}") from None
    if not secret.isprintable():
        raise ConfigError(f"registry credentials {file} hold more than one line; leave only the secret in it")
    return secret
