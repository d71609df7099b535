"""Routes of the control endpoint for the registry: what it loses, how it fails, what it was asked."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from cockpit.world.control import Control
from cockpit.world.registry.server import Registry


def add_routes(control: Control, registry: Registry) -> None:
    """``POST /registry/lose`` {digest}, ``POST /registry/fault`` {status, text} or {down} or {}, ``GET /registry``."""

    async def lose(request: web.Request) -> web.Response:
        digest = (await _body(request)).get("digest")
        if not isinstance(digest, str):
            return _json({"error": "give a digest"}, 400)
        registry.lost.add(digest)
        return _json({"lost": sorted(registry.lost)})

    async def fault(request: web.Request) -> web.Response:
        asked = await _body(request)
        if asked and not (asked.get("down") is True or isinstance(asked.get("status"), int)):
            return _json({"error": "give status (and text), or down, or nothing"}, 400)
        registry.fault = asked or None
        return _json({"fault": registry.fault})

    async def look(_: web.Request) -> web.Response:
        return _json({"lost": sorted(registry.lost), "fault": registry.fault, "requests": registry.requests})

    control.add_route("POST", "/registry/lose", lose)
    control.add_route("POST", "/registry/fault", fault)
    control.add_route("GET", "/registry", look)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.read() or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(value).encode(), status=status, content_type="application/json")
