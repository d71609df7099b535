"""Routes of the control endpoint for the registry: what it loses, how it fails, what it was asked."""

from __future__ import annotations

import msgspec
from aiohttp import web

from cockpit.world.control import Control
from cockpit.world.exchange import BadRequest, answer, body_of
from cockpit.world.registry.faults import Fault
from cockpit.world.registry.server import Registry


def add_routes(control: Control, registry: Registry) -> None:
    """``POST /registry/lose`` and ``/registry/restore`` {digest} of a manifest or blob, ``POST /registry/fault`` with
    the fields of ``faults.Fault`` or {}, ``GET /registry``."""
    lost = registry.holdings.lost

    async def lose(request: web.Request) -> web.Response:
        lost.add(await _digest(request))
        return answer({"lost": sorted(lost)})

    async def restore(request: web.Request) -> web.Response:
        lost.discard(await _digest(request))
        return answer({"lost": sorted(lost)})

    async def fault(request: web.Request) -> web.Response:
        body = await body_of(request)
        try:
            asked = msgspec.convert(body, Fault) if body else None
        except msgspec.ValidationError as error:
            raise BadRequest(f"no fault of a registry: {error}") from None
        if asked is not None and asked.down and asked.repository is not None:
            raise BadRequest("a port is closed for all repositories or for none")
        await registry.fail(asked)
        return answer({"fault": asked})

    async def look(_: web.Request) -> web.Response:
        return answer({"lost": sorted(lost), "fault": registry.fault, "requests": registry.requests})

    control.add_route("POST", "/registry/lose", lose)
    control.add_route("POST", "/registry/restore", restore)
    control.add_route("POST", "/registry/fault", fault)
    control.add_route("GET", "/registry", look)


async def _digest(request: web.Request) -> str:
    found = (await body_of(request)).get("digest")
    if not isinstance(found, str):
        raise BadRequest("give a digest")
    return found
