"""Paths of the API: what a URL and a method ask for, in the terms that authorization uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Target(NamedTuple):
    """A resource request; ``plural`` "" marks a path that is no resource (discovery, /version, /openapi)."""

    verb: str
    path: str
    group: str = ""
    version: str = ""
    plural: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def resource(self) -> str:
        """``pods`` or ``pods/log``, as RBAC names it."""
        return f"{self.plural}/{self.subresource}" if self.subresource else self.plural


def truthy(query: Mapping[str, str], key: str) -> bool:
    """Kubernetes reads an empty value of a boolean parameter as true (``?watch``)."""
    return key in query and query[key].lower() not in ("false", "0")


def parse(method: str, path: str, query: Mapping[str, str]) -> Target:
    """The rules of apiserver/pkg/endpoints/request/requestinfo.go for the paths served here."""
    verb = _VERBS.get(method, method.lower())
    parts = [part for part in path.split("/") if part]
    if len(parts) >= 2 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 3 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return Target(verb, path)
    if not rest:
        return Target(verb, path)
    if rest[0] == "watch" and len(rest) > 1:
        rest, verb = rest[1:], "watch"
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in ("status", "finalize"):
            rest = rest[2:]
    plural = rest[0]
    name = rest[1] if len(rest) > 1 else ""
    subresource = "/".join(rest[2:])
    if not name:
        if verb == "get":
            verb = "list"
        elif verb == "delete":
            verb = "deletecollection"
    if verb in ("get", "list") and not subresource and truthy(query, "watch"):
        verb = "watch"
    return Target(verb, path, group, version, plural, namespace, name, subresource)
