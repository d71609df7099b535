"""The registry's HTTP API, read only, with the answers of Debian's docker-registry 2.8 (facts, section 6)."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, cast

from aiohttp import web

from cockpit.world.contract import World
from cockpit.world.registry.artifacts import INDEX, Blob
from cockpit.world.registry.door import Door
from cockpit.world.registry.faults import Fault
from cockpit.world.registry.holdings import DIGEST, Book, Holdings

_NAME = r"[a-z0-9]+(?:[._/-][a-z0-9]+)*"
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
_MESSAGES = {
    "MANIFEST_UNKNOWN": "manifest unknown",
    "BLOB_UNKNOWN": "blob unknown to registry",
    "NAME_UNKNOWN": "repository name not known to registry",
    "UNSUPPORTED": "The operation is unsupported.",
    "UNKNOWN": "unknown error",
}
_LEDGER = 10_000


class Registry:
    """Serves every image that the world's objects name. ``requests``: the newest that were asked, oldest first."""

    def __init__(self, world: World, seed: int) -> None:
        self.holdings = Holdings(cast(Book, world.profiles), seed)
        self.fault: Fault | None = None
        self.requests: list[dict[str, Any]] = []
        self.door: Door | None = None

    def opened(self, host: str, patience: float) -> Door:
        """The port it is served on, not open yet."""
        self.door = Door(self.application, host, patience)
        return self.door

    async def fail(self, fault: Fault | None) -> None:
        """From now on ``fault``; None: no fault."""
        self.fault = fault
        if self.door is not None:
            await (self.door.shut() if fault is not None and fault.down else self.door.open())

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._watched])
        app.router.add_get("/v2/", self._base)
        app.router.add_get(f"/v2/{{name:{_NAME}}}/tags/list", self._tags)
        app.router.add_get(f"/v2/{{name:{_NAME}}}/manifests/{{reference}}", self._get_manifest)
        app.router.add_get(f"/v2/{{name:{_NAME}}}/blobs/{{reference}}", self._get_blob)
        app.router.add_route("*", "/{rest:.*}", self._nothing)
        return app

    @web.middleware
    async def _watched(self, request: web.Request, handler: Any) -> web.StreamResponse:
        entry: dict[str, Any] = {
            "method": request.method,
            "path": request.path,
            "agent": request.headers.get("User-Agent"),
        }
        self.requests.append(entry)
        del self.requests[:-_LEDGER]
        fault = self.fault
        if fault is not None and fault.concerns(request.path):
            await asyncio.sleep(fault.delay)
            if fault.status is not None:
                entry["status"] = fault.status
                headers = {"Content-Type": fault.content_type, **fault.headers}
                return web.Response(status=fault.status, body=fault.text.encode(), headers=headers)
        answer: web.StreamResponse
        answer = _error("UNSUPPORTED", 405) if request.method not in ("GET", "HEAD") else await handler(request)
        entry["status"] = answer.status
        return answer

    async def _base(self, _: web.Request) -> web.Response:
        return web.Response(body=b"{}", content_type="application/json", headers=_VERSION)

    async def _tags(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        tags = self.holdings.tags(name)
        if not tags:
            return _error("NAME_UNKNOWN", 404, {"name": name})
        body = json.dumps({"name": name, "tags": tags}).encode()
        return web.Response(body=body, content_type="application/json", headers=_VERSION)

    async def _get_manifest(self, request: web.Request) -> web.Response:
        name, reference = request.match_info["name"], request.match_info["reference"]
        if reference.startswith("sha256:") and not DIGEST.fullmatch(reference):
            return _error("UNKNOWN", 500)
        found = self.holdings.manifest(name, reference)
        if found is None:
            detail = {"Name": name, "Revision": reference} if ":" in reference else {"Tag": reference}
            return _error("MANIFEST_UNKNOWN", 404, detail)
        if found.kind not in ", ".join(request.headers.getall("Accept", [])):
            kind = "index" if found.kind == INDEX else "manifest"
            plural = "indexes" if kind == "index" else "manifests"
            said = f"OCI {kind} found, but accept header does not support OCI {plural}"
            return _error("MANIFEST_UNKNOWN", 404, message=said)
        return _served(request, found, found.kind)

    async def _get_blob(self, request: web.Request) -> web.Response:
        digest = request.match_info["reference"]
        found = self.holdings.blob(request.match_info["name"], digest)
        if found is None:
            return _error("BLOB_UNKNOWN", 404, digest)
        return _served(request, found, "application/octet-stream")

    async def _nothing(self, _: web.Request) -> web.Response:
        return web.Response(status=404, text="404 page not found\n", headers=_VERSION)


def _served(request: web.Request, found: Blob, kind: str) -> web.Response:
    headers = {**_VERSION, "Docker-Content-Digest": found.digest, "Etag": f'"{found.digest}"', "Content-Type": kind}
    if request.headers.get("If-None-Match") == headers["Etag"]:
        return web.Response(status=304, headers=_VERSION)
    return web.Response(body=found.content, headers=headers)


def _error(code: str, status: int, detail: Any = None, message: str | None = None) -> web.Response:
    error = {"code": code, "message": message or _MESSAGES[code], **({"detail": detail} if detail is not None else {})}
    body = json.dumps({"errors": [error]}).encode()
    return web.Response(status=status, body=body, content_type="application/json", headers=_VERSION)
