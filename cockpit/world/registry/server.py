"""The registry's HTTP API, read only, with the answers of Debian's docker-registry 2.8 (facts, section 6)."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from aiohttp import web

from cockpit.world.contract import World
from cockpit.world.profiles import ProfileBook
from cockpit.world.registry.artifacts import INDEX, Artifact, Blob, artifact
from cockpit.world.registry.signing import Signer, tag_of

_NAME = r"[a-z0-9]+(?:[._/-][a-z0-9]+)*"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
_MESSAGES = {
    "MANIFEST_UNKNOWN": "manifest unknown",
    "BLOB_UNKNOWN": "blob unknown to registry",
    "NAME_UNKNOWN": "repository name not known to registry",
    "UNSUPPORTED": "The operation is unsupported.",
    "UNKNOWN": "unknown error",
}


class Registry:
    """Serves every image that the world's objects name. ``lost`` are digests it no longer has."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self.signer, self._stranger = Signer(seed, "team"), Signer(seed, "stranger")
        self.lost: set[str] = set()
        self.unsigned: set[str] = set()  # digests of indexes
        self.wrong_key: set[str] = set()
        self.fault: dict[str, Any] | None = None  # {"status", "text"} for every request, or {"down": true}
        self.requests: list[dict[str, Any]] = []
        self._signatures: dict[str, tuple[Blob, tuple[Blob, ...]]] = {}

    # -- what there is -------------------------------------------------------------------------------------------------

    def collect(self, digest: str) -> None:
        """Garbage collection took an image, or one part of one."""
        found = self._book.artifact(digest)
        self.lost.add(digest)
        if found is not None:
            self.lost.update(each.digest for each in found.platforms.values())

    def lose_platform(self, digest: str, architecture: str) -> None:
        """One platform of a multi-arch image is gone; the index still answers."""
        found = self._book.artifact(digest)
        if found is not None:
            self.lost.add(found.platforms[architecture].digest)

    @property
    def _book(self) -> ProfileBook:
        book = self._world.profiles
        assert isinstance(book, ProfileBook)
        return book

    def _images(self, name: str) -> dict[str, Artifact]:
        """Tag -> image of a repository, as far as anything in the world ever named it."""
        return {tag: artifact(repository, tag) for repository, tag in self._book.named() if _path(repository) == name}

    def _manifest(self, name: str, reference: str) -> Blob | None:
        images = self._images(name)
        if not _DIGEST.fullmatch(reference):
            if reference.endswith(".sig"):
                return self._signature(name, images, reference)
            digest = self._book.tag(name, reference)
            return self._manifest(name, digest) if digest is not None else None
        if reference in self.lost:
            return None
        for image in images.values():
            for each in (image.root, *image.platforms.values()):
                if each.digest == reference:
                    return each
        return next((each for each, _ in self._signatures.values() if each.digest == reference), None)

    def _signature(self, name: str, images: dict[str, Artifact], reference: str) -> Blob | None:
        for image in images.values():
            digest = image.root.digest
            if tag_of(digest) == reference and digest not in self.unsigned:
                return self._signed(name, digest)[0]
        return None

    def _signed(self, name: str, digest: str) -> tuple[Blob, tuple[Blob, ...]]:
        if digest not in self._signatures:
            signer = self._stranger if digest in self.wrong_key else self.signer
            self._signatures[digest] = signer.sign(name, digest)
        return self._signatures[digest]

    def _blob(self, name: str, digest: str) -> Blob | None:
        if digest in self.lost:
            return None
        held = [each for image in self._images(name).values() for each in image.blobs]
        held += [each for _, blobs in self._signatures.values() for each in blobs]
        return next((each for each in held if each.digest == digest), None)

    # -- HTTP ----------------------------------------------------------------------------------------------------------

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
        self.requests.append({"method": request.method, "path": request.path})
        del self.requests[:-10_000]
        if self.fault is not None:
            if self.fault.get("down"):
                if request.transport is not None:
                    request.transport.close()
                await asyncio.Event().wait()
            return web.Response(status=int(self.fault["status"]), text=str(self.fault.get("text", "")))
        if request.method not in ("GET", "HEAD"):
            return _error("UNSUPPORTED", 405)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _base(self, _: web.Request) -> web.Response:
        return web.Response(body=b"{}", content_type="application/json", headers=_VERSION)

    async def _tags(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        tags = self._images(name)
        if not tags:
            return _error("NAME_UNKNOWN", 404, {"name": name})
        body = json.dumps({"name": name, "tags": list(tags)}).encode()
        return web.Response(body=body, content_type="application/json", headers=_VERSION)

    async def _get_manifest(self, request: web.Request) -> web.Response:
        name, reference = request.match_info["name"], request.match_info["reference"]
        if reference.startswith("sha256:") and not _DIGEST.fullmatch(reference):
            return _error("UNKNOWN", 500)
        found = self._manifest(name, reference)
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
        found = self._blob(request.match_info["name"], digest)
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


def _path(repository: str) -> str:
    """A repository as its registry calls it: without the host."""
    return repository.partition("/")[2]
