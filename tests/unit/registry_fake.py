"""A registry in memory that can do what a real one will not: lie, stall, redirect, refuse, ask for odd logins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import httpx

from cockpit.base.clock import Clock
from cockpit.config import Settings
from cockpit.registry import media
from cockpit.registry.registries import Registries

HOST = "registry.example"
NAME = f"{HOST}/team/web"
UNKNOWN = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
Handler = Callable[[httpx.Request], httpx.Response | None]


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.clock = Clock(monotonic=lambda: self.at, unix=lambda: 1_763_683_200.0 + self.at)


class FakeRegistry:
    """Answers by path; ``handler`` may answer first. ``requests`` keeps what arrived, of every host."""

    def __init__(self) -> None:
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.blobs: dict[str, bytes] = {}
        self.handler: Handler = lambda _: None
        self.requests: list[httpx.Request] = []

    def transport(self, origin: str) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(self._answer)

    def push(self, body: bytes, media_type: str = media.OCI_MANIFEST, tag: str | None = None) -> str:
        for name in (digest_of(body), *([tag] if tag else [])):
            self.manifests[name] = (media_type, body)
        return digest_of(body)

    def image(self, seed: str = "one", *, architecture: str = "amd64", tag: str | None = None, **extra: Any) -> str:
        config = compact({"os": "linux", "architecture": architecture, "seed": seed})
        layer = f"layer {seed} {architecture}".encode()
        self.blobs |= {digest_of(config): config, digest_of(layer): layer}
        layers = [{"mediaType": "layer", "digest": digest_of(layer), "size": len(layer)}, *extra.pop("layers", [])]
        body = {
            "schemaVersion": 2,
            "mediaType": media.OCI_MANIFEST,
            "config": {"mediaType": "config", "digest": digest_of(config), "size": len(config)},
            "layers": layers,
            **extra,
        }
        return self.push(compact(body), tag=tag)

    def index(self, *children: tuple[str, str], tag: str | None = None, **extra: Any) -> str:
        """``children``: (digest, ``os/architecture``)."""
        entries = [
            {
                "mediaType": media.OCI_MANIFEST,
                "digest": digest,
                "size": 1,
                "platform": dict(zip(("os", "architecture"), platform.split("/"), strict=True)),
            }
            for digest, platform in children
        ]
        body = {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": entries, **extra}
        return self.push(compact(body), media.OCI_INDEX, tag)

    def client(self, time: Time | None = None, environ: dict[str, str] | None = None, **settings: Any) -> Registries:
        clock = time.clock if time is not None else Clock()
        return Registries(Settings.model_validate(settings), clock, environ=environ or {}, transport=self.transport)

    def asked(self, method: str = "", path: str = "") -> list[httpx.Request]:
        return [each for each in self.requests if each.method.startswith(method) and path in each.url.path]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if (answer := self.handler(request)) is not None:
            return answer
        return self.serve(request)

    def serve(self, request: httpx.Request) -> httpx.Response:
        """The honest answer."""
        path = request.url.path
        what, _, name = path.removeprefix("/v2/team/web/").partition("/")
        if path == "/v2/":
            return httpx.Response(200, json={})
        if what == "manifests" and name in self.manifests:
            kind, body = self.manifests[name]
            if kind not in request.headers.get("accept", ""):
                return httpx.Response(404, json=UNKNOWN)
            headers = {"content-type": kind, "docker-content-digest": digest_of(body), "content-length": str(len(body))}
            return httpx.Response(200, headers=headers, content=b"" if request.method == "HEAD" else body)
        if what == "blobs" and name in self.blobs:
            body = self.blobs[name]
            headers = {"docker-content-digest": name, "content-length": str(len(body))}
            return httpx.Response(200, headers=headers, content=b"" if request.method == "HEAD" else body)
        if what == "referrers":
            return httpx.Response(404, text="404 page not found")
        code = "BLOB_UNKNOWN" if what == "blobs" else "MANIFEST_UNKNOWN"
        return httpx.Response(404, json={"errors": [{"code": code, "message": "unknown"}]})
