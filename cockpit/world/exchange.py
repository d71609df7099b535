"""What the control endpoint's handlers share: JSON bodies in and out, and looking at a value in an object."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from cockpit.world.api.cells import dig
from cockpit.world.contract import Object


class BadRequest(Exception):
    """A control request that makes no sense; the text says what to send."""


def answer(value: Any, code: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=code, content_type="application/json")


async def body_of(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise BadRequest(f"send a JSON object: {error}") from None


def number_of(body: dict[str, Any], key: str) -> float:
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f"{key} must be a number")
    return float(value)


def shows(obj: Object, path: str, value: str | None) -> bool:
    parts: list[str | int] = [int(part) if part.isdigit() else part for part in path.split(".") if part]
    found = dig(obj, *parts)
    if value is None:
        return found is not None
    if found is None or isinstance(found, bool):
        return {None: "null", True: "true", False: "false"}[found] == value
    return str(found) == value
