"""The registry's HTTP API, read only, with the answers of Debian's docker-registry 2.8 (facts, section 6)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any, cast

from aiohttp import web

from cockpit.world.contract import World
from cockpit.world.registry.artifacts import INDEX, Blob
from cockpit.world.registry.door import Door
from cockpit.world.registry.faults import Fault
from cockpit.world.registry.holdings import Book, Holdings

_NAME = r"(?P<name>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)"
_ANY_DIGEST = r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+"
_TAG = r"\w[\w.-]{0,127}"
_PARSED = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
_RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))")
_VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
_JSON, _HTML = "application/json; charset=utf-8", "text/html; charset=utf-8"
_MESSAGES = {
    "MANIFEST_UNKNOWN": "manifest unknown",
    "BLOB_UNKNOWN": "blob unknown to registry",
    "NAME_UNKNOWN": "repository name not known to registry",
    "DIGEST_INVALID": "provided digest did not match uploaded content",
    "BLOB_UPLOAD_UNKNOWN": "blob upload unknown to registry",
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
        reads = ("GET", "HEAD")
        self._routes: tuple[tuple[re.Pattern[str], tuple[str, ...], Callable[..., web.Response]], ...] = (
            (re.compile(r"/v2/"), (), self._base),
            (re.compile(rf"/v2/{_NAME}/tags/list", re.ASCII), ("GET",), self._tags),
            (
                re.compile(rf"/v2/{_NAME}/manifests/(?P<reference>{_ANY_DIGEST}|{_TAG})", re.ASCII),
                reads,
                self._manifest,
            ),
            (re.compile(rf"/v2/{_NAME}/blobs/(?P<digest>{_ANY_DIGEST})", re.ASCII), reads, self._blob),
            (re.compile(rf"/v2/{_NAME}/blobs/uploads/", re.ASCII), reads, self._upload),
        )

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
        app.router.add_route("*", "/{rest:.*}", self._dispatch)
        return app

    async def _dispatch(self, request: web.Request) -> web.Response:
        """The first route that fits, as of a registry in read-only mode: what writes is not there."""
        for pattern, methods, handler in self._routes:
            found = pattern.fullmatch(request.path)
            if found is not None:
                if methods and request.method not in methods:
                    return _refused(request.method, methods)
                return handler(request, **found.groupdict())
        if request.path == "/":
            return web.Response(headers={"Cache-Control": "no-cache"})
        if request.path == "/v2":
            return _moved("/v2/", request.method)
        return _text(404, "404 page not found")

    @web.middleware
    async def _watched(self, request: web.Request, handler: Any) -> web.StreamResponse:
        # status None: the client did not wait for the answer
        agent = request.headers.get("User-Agent")
        entry: dict[str, Any] = {"method": request.method, "path": request.path, "agent": agent, "status": None}
        self.requests.append(entry)
        del self.requests[:-_LEDGER]
        fault = self.fault
        if fault is not None and fault.concerns(request.path):
            await asyncio.sleep(fault.delay)
            if fault.status is not None:
                entry["status"] = fault.status
                headers = {"Content-Type": fault.content_type, **fault.headers}
                return web.Response(status=fault.status, body=fault.text.encode(), headers=headers)
        answer: web.StreamResponse = await handler(request)
        entry["status"] = answer.status
        return answer

    def _base(self, _: web.Request) -> web.Response:
        return web.Response(body=b"{}", headers={**_VERSION, "Content-Type": _JSON})

    def _tags(self, _: web.Request, name: str) -> web.Response:
        tags = self.holdings.tags(name)
        if not tags:
            return _error("NAME_UNKNOWN", 404, {"name": name})
        return _json({"name": name, "tags": tags})

    def _manifest(self, request: web.Request, name: str, reference: str) -> web.Response:
        if ":" in reference and not _PARSED.fullmatch(reference):
            # Not understood as a digest, it is looked up as a tag, and the storage does not take the path.
            path = f"/docker/registry/v2/repositories/{name}/_manifests/tags/{reference}/current/link"
            return _error("UNKNOWN", 500, {"Path": path, "DriverName": "filesystem"})
        found = self.holdings.manifest(name, reference)
        if found is None:
            detail = {"Name": name, "Revision": reference} if ":" in reference else {"Tag": reference}
            return _error("MANIFEST_UNKNOWN", 404, detail)
        if _has_already(request, found):
            return web.Response(status=304, headers=_VERSION)
        if found.kind not in _accepted(request):
            kind, plural = ("index", "indexes") if found.kind == INDEX else ("manifest", "manifests")
            said = f"OCI {kind} found, but accept header does not support OCI {plural}"
            return _error("MANIFEST_UNKNOWN", 404, message=said)
        return web.Response(body=found.content, headers={**_facts(found), "Content-Type": found.kind})

    def _blob(self, request: web.Request, name: str, digest: str) -> web.Response:
        if not _PARSED.fullmatch(digest):
            return _error("DIGEST_INVALID", 400, {})
        found = self.holdings.blob(name, digest)
        if found is None:
            return _error("BLOB_UNKNOWN", 404, digest)
        headers = {**_facts(found), "Content-Type": "application/octet-stream", "Cache-Control": "max-age=31536000"}
        if _has_already(request, found):
            return web.Response(status=304, headers={k: v for k, v in headers.items() if k != "Content-Type"})
        part = _part(request, len(found.content))
        if part is None:
            return web.Response(body=found.content, headers=headers)
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(found.content)}"
        return web.Response(status=206, body=found.content[part.start : part.stop], headers=headers)

    def _upload(self, _: web.Request, name: str) -> web.Response:
        return _error("BLOB_UPLOAD_UNKNOWN", 404)


def _accepted(request: web.Request) -> set[str]:
    """Media types of all Accept lines, without their parameters."""
    every = ",".join(request.headers.getall("Accept", [])).split(",")
    return {each.partition(";")[0].strip() for each in every}


def _part(request: web.Request, size: int) -> range | None:
    """Which bytes a Range asks for; None: all of them, also where it makes no sense."""
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    if asked is None:
        return None
    first, last, newest = asked.groups()
    if newest is not None:
        return range(max(size - int(newest), 0), size)
    found = range(int(first), min(int(last or size), size - 1) + 1)
    return found or None


def _facts(found: Blob) -> dict[str, str]:
    return {**_VERSION, "Docker-Content-Digest": found.digest, "Etag": f'"{found.digest}"'}


def _has_already(request: web.Request, found: Blob) -> bool:
    return request.headers.get("If-None-Match") in (f'"{found.digest}"', found.digest)


def _json(value: object, status: int = 200) -> web.Response:
    body = json.dumps(value, separators=(",", ":")).encode() + b"\n"
    return web.Response(status=status, body=body, headers={**_VERSION, "Content-Type": _JSON})


def _error(code: str, status: int, detail: Any = None, message: str | None = None) -> web.Response:
    error = {"code": code, "message": message or _MESSAGES[code], **({"detail": detail} if detail is not None else {})}
    return _json({"errors": [error]}, status)


def _text(status: int, text: str, **headers: str) -> web.Response:
    """What Go's library answers by itself."""
    plain = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=status, body=f"{text}\n".encode(), headers={**_VERSION, **plain, **headers})


def _refused(method: str, methods: tuple[str, ...]) -> web.Response:
    allow = ", ".join(methods)
    if method == "OPTIONS":
        return web.Response(headers={**_VERSION, "Allow": allow})
    return _text(405, "Method not allowed", Allow=allow)


def _moved(where: str, method: str) -> web.Response:
    body = f'<a href="{where}">Moved Permanently</a>.\n\n'.encode() if method == "GET" else b""
    return web.Response(status=301, body=body, headers={**_VERSION, "Location": where, "Content-Type": _HTML})
