"""A bare HTTPS client of a world in this process: what the API says, word for word."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from cockpit.world.bootstrap import bootstrap
from cockpit.world.serve import Ready, World

EPOCH = 1_800_000_000.0
ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/trial/rollouts"
DEPLOYMENTS = "/apis/apps/v1/namespaces/trial/deployments"
PODS = "/api/v1/namespaces/trial/pods"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


class Said(NamedTuple):
    """An answer: status, decoded body (text when it is no JSON), headers."""

    status: int
    body: Any
    headers: Any


class Client:
    """Requests as ``admin`` unless ``token`` says otherwise (None: no credentials)."""

    def __init__(self, world: World, ready: Ready, session: aiohttp.ClientSession) -> None:
        self.world, self.ready, self.session = world, ready, session

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        token: str | None = "admin",
        headers: dict[str, str] | None = None,
    ) -> Said:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        url = self.ready.kubernetes + path
        async with self.session.request(
            method, url, data=data, headers=self._headers(token, content_type, headers)
        ) as r:
            raw = await r.read()
            try:
                return Said(r.status, json.loads(raw), r.headers)
            except ValueError:
                return Said(r.status, raw.decode("utf-8", "replace"), r.headers)

    async def get(self, path: str, **options: Any) -> Said:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any, **options: Any) -> Said:
        return await self.call("POST", path, body, **options)

    async def patch(self, path: str, body: Any, content_type: str = JSON_PATCH, **options: Any) -> Said:
        return await self.call("PATCH", path, body, content_type=content_type, **options)

    @asynccontextmanager
    async def stream(self, path: str, **options: Any) -> AsyncIterator[aiohttp.StreamReader]:
        headers = self._headers(options.pop("token", "admin"), None, options.pop("headers", None))
        async with self.session.get(self.ready.kubernetes + path, headers=headers) as response:
            assert response.status == 200, await response.text()
            yield response.content

    async def control(self, method: str, path: str, body: Any = None, /, **query: str) -> Said:
        base, _, token = self.ready.control.partition("/?token=")
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.request(method, base + path, json=body, params=query, headers=headers) as response:
            return Said(response.status, await response.json(), response.headers)

    def _headers(self, token: str | None, content_type: str | None, more: dict[str, str] | None) -> dict[str, str]:
        token = self.world.admin_token if token == "admin" else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if content_type:
            headers["Content-Type"] = content_type
        return headers | {"User-Agent": "tester/1.0"} | (more or {})


async def event(stream: aiohttp.StreamReader) -> dict[str, Any]:
    """The next line of a watch, decoded; a deadline turns a hang into a failure."""
    async with asyncio.timeout(20):
        line = await stream.readline()
    assert line, "the stream ended"
    found: dict[str, Any] = json.loads(line)
    return found


@asynccontextmanager
async def serving(directory: Path, *, parts: bool = True, scenario: str = "empty") -> AsyncIterator[Client]:
    """A world standing still at ``EPOCH``, with the namespace ``trial``, and without workloads but for ``scenario``.

    Without ``parts`` it has no controllers and no traffic: nothing happens but what the test does.
    """
    if parts:
        world = World.build(scenario, seed=3, speed=0.0, epoch=EPOCH)
    else:
        world = World(seed=3, speed=0.0, epoch=EPOCH)
        bootstrap(world.store)
    world.store.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "trial"}})
    async with world.serving(directory) as ready:
        context = ssl.create_default_context(cadata=world.authority.pem.decode())
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # what Python 3.13 asks of everyone
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            yield Client(world, ready, session)


def container(image: str = "shop/app:1") -> dict[str, Any]:
    return {"name": "app", "image": image, "ports": [{"containerPort": 80}]}


def deployment(name: str = "web", **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container()]}}
    body = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": body}


def rollout(name: str = "pay", **spec: Any) -> dict[str, Any]:
    spec.setdefault("strategy", {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}})
    obj = deployment(name, **spec)
    return {**obj, "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}


def pod(name: str = "p", **metadata: Any) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, **metadata},
        "spec": {"containers": [container()]},
    }
