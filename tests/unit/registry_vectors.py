"""The vectors of the real cosign, served from memory. Their README says how they were made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from cockpit.base.clock import Clock
from cockpit.config import RegistrySettings, Settings, SignatureSettings
from cockpit.registry.registries import Registries

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "cosign"
CASES: list[dict[str, Any]] = json.loads((FOLDER / "cases.json").read_text())
HOST = "registry.example"
_UNKNOWN = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}


def served() -> dict[str, tuple[int, dict[str, str], bytes]]:
    """Path -> status, headers, body, as the registry that cosign pushed to answered."""
    found = {}
    for each in json.loads((FOLDER / "served.json").read_text()):
        body = (FOLDER / each["file"]).read_bytes() if "file" in each else (each.get("body") or "").encode()
        headers = {"content-type": each.get("content_type") or "application/json"}
        if digest := each.get("docker_content_digest"):
            headers["docker-content-digest"] = digest
        found[each["path"]] = (each["status"], headers, body)
    return found


class Served:
    """A registry that answers what it is given; ``paths`` may be changed by a test, ``asked`` keeps what was asked."""

    def __init__(self) -> None:
        self.paths = served()
        self.asked: list[str] = []

    def transport(self, origin: str) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        if path == "/v2/":
            return httpx.Response(200, json={})
        if path not in self.paths:
            return httpx.Response(404, json=_UNKNOWN)
        status, headers, body = self.paths[path]
        return httpx.Response(status, headers=headers, content=b"" if request.method == "HEAD" else body)


def registries(server: Served, keys: list[str]) -> Registries:
    """A client of the served vectors that trusts these key files."""
    settings = Settings(
        registry=RegistrySettings(docker_config=False),
        signatures=SignatureSettings(keys=tuple(FOLDER / key for key in keys)),
    )
    return Registries(settings, Clock(), environ={}, transport=server.transport)
