"""Discovery: /version, /api, /apis, resource lists, and the aggregated form that newer clients ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cockpit.world.api.negotiation import Media
from cockpit.world.api.reviews import REVIEWS
from cockpit.world.kinds import EVENTS_GROUP, Kind, Registry

# Core first, then as a real cluster orders them; what is not listed here comes behind.
_ORDER = ("apps", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch")


class Discovery:
    """Documents about ``registry``. ``version``: the server version told, such as ``1.32.4``."""

    def __init__(self, registry: Registry, version: str) -> None:
        major, minor, *_ = version.split(".")
        self.version = {
            "major": major,
            "minor": minor,
            "gitVersion": f"v{version}",
            "gitCommit": "0" * 40,
            "gitTreeState": "clean",
            "buildDate": "2026-01-01T00:00:00Z",
            "goVersion": "go1.23.0",
            "compiler": "gc",
            "platform": "linux/amd64",
        }
        self._groups: dict[str, dict[str, list[dict[str, Any]]]] = {"": {}}
        for name in _ORDER:
            self._groups[name] = {}
        for kind in registry.all:
            for served in kind.versions:
                self._groups.setdefault(kind.group, {}).setdefault(served, []).extend(_resources(kind))
        self._groups[EVENTS_GROUP]["v1"] = list(_resources(registry["events"]))
        for (group, plural), (name, namespaced) in REVIEWS.items():
            self._groups[group].setdefault("v1", []).append(_review(plural, name, namespaced))
        self._groups["policy"]["v1"].sort(key=lambda resource: str(resource["name"]))

    def document(self, path: str, accept: list[Media], address: str) -> tuple[dict[str, Any], str] | None:
        """(document, content type) at ``path``, None when there is none. ``address``: host:port of this server."""
        parts = [part for part in path.split("/") if part]
        plain = "application/json"
        if parts == ["version"]:
            return self.version, plain
        if parts in (["api"], ["apis"]):
            for media in accept:
                if media.as_ == "APIGroupDiscoveryList" and media.version in ("v2", "v2beta1"):
                    kind = f"application/json;g=apidiscovery.k8s.io;v={media.version};as=APIGroupDiscoveryList"
                    return self._aggregated(parts[0], media.version), kind
        if parts == ["api"]:
            server = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": server}, plain
        if parts == ["apis"]:
            groups = [self._group(name) for name in self._groups if name]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}, plain
        if len(parts) == 2 and parts[0] == "apis" and parts[1] in self._groups:
            return {"kind": "APIGroup", "apiVersion": "v1", **self._group(parts[1])}, plain
        group = "" if parts[:1] == ["api"] else ".".join(parts[1:2])
        version = parts[-1] if parts else ""
        if len(parts) == (3 if group else 2) and parts[0] in ("api", "apis") and version in self._groups.get(group, {}):
            name = f"{group}/{version}" if group else version
            resources = self._groups[group][version]
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": resources}, plain
        return None

    def group_versions(self) -> list[tuple[str, str]]:
        return [(group, version) for group, versions in self._groups.items() for version in versions]

    def _group(self, name: str) -> dict[str, Any]:
        versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in self._groups[name]]
        return {"name": name, "versions": versions, "preferredVersion": versions[0]}

    def _aggregated(self, root: str, version: str) -> dict[str, Any]:
        items = []
        for name, versions in self._groups.items():
            if (root == "api") != (name == ""):
                continue
            listed = [
                {"version": v, "resources": _nest(name, v, resources), "freshness": "Current"}
                for v, resources in versions.items()
            ]
            metadata = {"name": name, "creationTimestamp": None} if name else {"creationTimestamp": None}
            items.append({"metadata": metadata, "versions": listed})
        api_version = f"apidiscovery.k8s.io/{version}"
        return {"kind": "APIGroupDiscoveryList", "apiVersion": api_version, "metadata": {}, "items": items}


def _resources(kind: Kind) -> Iterator[dict[str, Any]]:
    main: dict[str, Any] = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short:
        main["shortNames"] = list(kind.short)
    if kind.categories:
        main["categories"] = list(kind.categories)
    yield main
    sub = {"singularName": "", "namespaced": kind.namespaced}
    if kind.plural == "pods":
        eviction = {"group": "policy", "version": "v1", "kind": "Eviction", "verbs": ["create"]}
        yield {"name": "pods/eviction", **sub, **eviction}
        yield {"name": "pods/log", **sub, "kind": "Pod", "verbs": ["get"]}
    if kind.scale:
        scale = {"group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": ["get", "patch", "update"]}
        yield {"name": f"{kind.plural}/scale", **sub, **scale}
    if kind.status:
        yield {"name": f"{kind.plural}/status", **sub, "kind": kind.kind, "verbs": ["get", "patch", "update"]}


def _review(plural: str, kind: str, namespaced: bool) -> dict[str, Any]:
    return {
        "name": plural,
        "singularName": kind.lower(),
        "namespaced": namespaced,
        "kind": kind,
        "verbs": ["create"],
    }


def _nest(group: str, version: str, resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """APIResourceDiscovery: subresources inside their resource, kinds as group, version and kind."""
    nested: dict[str, dict[str, Any]] = {}
    for resource in resources:
        name, _, subresource = str(resource["name"]).partition("/")
        response = {
            "group": resource.get("group", group),
            "version": resource.get("version", version),
            "kind": resource["kind"],
        }
        if subresource:
            entry = {"subresource": subresource, "responseKind": response, "verbs": resource["verbs"]}
            nested[name].setdefault("subresources", []).append(entry)
            continue
        nested[name] = {
            "resource": name,
            "responseKind": response,
            "scope": "Namespaced" if resource["namespaced"] else "Cluster",
            "singularResource": resource["singularName"],
            "verbs": resource["verbs"],
        }
        for key in ("shortNames", "categories"):
            if key in resource:
                nested[name][key] = resource[key]
    return list(nested.values())
