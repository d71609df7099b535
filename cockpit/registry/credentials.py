"""Whose credentials fit a repository: settings, image pull secrets, docker's config; the most specific first.

Source: Kubernetes' image documentation on config.json (globs per host label, port must match, path is a prefix) and
docker's config file format.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from cockpit.registry.reference import HUB, Reference
from cockpit.strategies.values import mapping

_HUB_KEYS = ("docker.io", "index.docker.io", "registry-1.docker.io")
_VERSION_PATH = re.compile(r"/v[12](?:/.*)?$")

T = TypeVar("T")


class Credential(msgspec.Struct, frozen=True):
    """One way to log in: ``username`` and ``password``, an ``identity`` token to trade, or a ready ``bearer`` token."""

    source: str  # for sentences: "docker config", "pull secret shop/regcred"
    username: str = ""
    password: str = ""
    identity: str = ""
    bearer: str = ""

    def __repr__(self) -> str:
        return f"Credential({self.source})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return tuple(each for each in (self.password, self.identity, self.bearer) if each)


class PullSecret(msgspec.Struct, frozen=True):
    """An image pull secret as the API gives it: its type and its one interesting value, base64."""

    namespace: str
    name: str
    type: Literal["kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"]
    value: str

    def __repr__(self) -> str:
        return f"PullSecret({self.namespace}/{self.name})"


def pull_secret(raw: Mapping[str, Any]) -> PullSecret | None:
    """A Secret of the API as a value; None when it is no image pull secret."""
    kinds: dict[str, Literal["kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"]] = {
        "kubernetes.io/dockerconfigjson": "kubernetes.io/dockerconfigjson",
        "kubernetes.io/dockercfg": "kubernetes.io/dockercfg",
    }
    kind = kinds.get(str(raw.get("type")))
    if kind is None:
        return None
    member = ".dockerconfigjson" if kind == "kubernetes.io/dockerconfigjson" else ".dockercfg"
    value, metadata = mapping(raw.get("data")).get(member), mapping(raw.get("metadata"))
    if not isinstance(value, str):
        return None
    return PullSecret(str(metadata.get("namespace", "")), str(metadata.get("name", "")), kind, value)


class DockerConfig(msgspec.Struct, frozen=True):
    """A docker config file, parsed: logins by key, and which helper to ask for which host."""

    source: str
    logins: tuple[tuple[str, Credential], ...] = ()
    helpers: tuple[tuple[str, str], ...] = ()  # key -> name of docker-credential-<name>
    store: str = ""  # the helper for all other hosts

    def matching(self, place: Reference) -> list[Credential]:
        """The logins for a repository, most specific first."""
        return most_specific(place, self.logins)

    def helper(self, place: Reference) -> tuple[str, str] | None:
        """(helper, the host to ask it for), None when no helper is named."""
        named = most_specific(place, ((key, (name, _stripped(key))) for key, name in self.helpers))
        if named:
            return named[0]
        if self.store:
            return self.store, "https://index.docker.io/v1/" if place.registry == HUB else place.registry
        return None


def docker_config(body: bytes | str, source: str) -> DockerConfig | None:
    """Parse a config.json; None when it is not one. Entries that make no sense are skipped, the others serve."""
    raw = _object(body)
    if raw is None:
        return None
    helpers = ((key, _helper_name(name)) for key, name in mapping(raw.get("credHelpers")).items())
    return DockerConfig(
        source,
        tuple(_logins(mapping(raw.get("auths")), source)),
        tuple((key, name) for key, name in helpers if name),
        _helper_name(raw.get("credsStore")),
    )


def of_secrets(secrets: Iterable[PullSecret], place: Reference) -> list[Credential]:
    """The logins for a repository in image pull secrets, most specific first, in the order given where equal."""
    logins: list[tuple[str, Credential]] = []
    for secret in secrets:
        try:
            raw = _object(base64.b64decode(secret.value))
        except (binascii.Error, ValueError):
            continue
        table = mapping(raw if secret.type == "kubernetes.io/dockercfg" else mapping(raw).get("auths"))
        logins += _logins(table, f"pull secret {secret.namespace}/{secret.name}")
    return most_specific(place, logins)


def helper_answer(body: bytes, source: str) -> Credential | None:
    """What ``docker-credential-<x> get`` printed; None when it is no login."""
    raw = _object(body)
    if raw is None:
        return None
    username, secret = raw.get("Username"), raw.get("Secret")
    if not isinstance(username, str) or not isinstance(secret, str) or not secret:
        return None
    return Credential(source, identity=secret) if username == "<token>" else Credential(source, username, secret)


def most_specific(place: Reference, table: Iterable[tuple[str, T]]) -> list[T]:
    """The values whose key (``host[:port][/path]``, host labels may hold ``*``) covers a repository."""
    scored = [(score, value) for key, value in table if (score := covers(key, place)) is not None]
    return [value for _, value in sorted(scored, key=lambda pair: pair[0], reverse=True)]


def covers(key: str, place: Reference) -> tuple[int, int] | None:
    """How specific a key is for a repository (longer path, then fewer globs); None when it does not cover it."""
    host, _, path = _stripped(key).partition("/")
    host = HUB if host in _HUB_KEYS else host
    path = path.strip("/")
    if not _same_host(host, place.registry) or not f"{place.repository}/".startswith(f"{path}/" if path else ""):
        return None
    return len(path), -host.count("*")


def _same_host(pattern: str, host: str) -> bool:
    wanted_name, wanted_port = _split_port(pattern)
    name, port = _split_port(host)
    globs, labels = wanted_name.lower().split("."), name.split(".")  # a star never reaches into the next label
    return wanted_port == port and len(globs) == len(labels) and all(map(_fits, globs, labels))


def _fits(glob: str, label: str) -> bool:
    """Pull secrets choose the pattern and pods the host: as a regular expression some pairs would take for ever."""
    first, *rest = glob.split("*")
    if not rest:
        return label == glob
    last = rest.pop()
    if len(label) < len(first) + len(last) or not label.startswith(first) or not label.endswith(last):
        return False
    at, end = len(first), len(label) - len(last)
    for part in rest:
        if (found := label.find(part, at, end)) < 0:
            return False
        at = found + len(part)
    return True


def _split_port(host: str) -> tuple[str, str]:
    name, colon, port = host.rpartition(":")
    return (name, port) if colon and port.isdigit() else (host, "")


def _stripped(key: str) -> str:
    key = key.partition("://")[2] or key
    return _VERSION_PATH.sub("", key).rstrip("/")


def _logins(table: Mapping[str, Any], source: str) -> list[tuple[str, Credential]]:
    found = []
    for key, raw in table.items():
        entry = mapping(raw)
        values = {name: value for name, value in entry.items() if isinstance(value, str) and value}
        username, password = values.get("username", ""), values.get("password", "")
        if "auth" in values:
            try:
                decoded = base64.b64decode(values["auth"]).decode()
            except (binascii.Error, ValueError):
                continue
            username, _, password = decoded.partition(":")
            password = password.rstrip("\0")
        login = Credential(source, username, password, values.get("identitytoken", ""), values.get("registrytoken", ""))
        if login.secrets:
            found.append((key, login))
    return found


def _helper_name(name: object) -> str:
    # It becomes part of a program's name: nothing that could leave the folder or carry options.
    return name if isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) else ""


def _object(body: bytes | str) -> dict[str, Any] | None:
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return raw if isinstance(raw, dict) else None


def in_turn(*groups: Sequence[Credential]) -> list[Credential]:
    """All candidates in order, each login once."""
    seen: set[tuple[str, ...]] = set()
    ordered = []
    for candidate in (each for group in groups for each in group):
        identity = (candidate.username, *candidate.secrets)
        if identity not in seen:
            seen.add(identity)
            ordered.append(candidate)
    return ordered
