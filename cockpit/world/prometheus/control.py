"""Control routes of the world's Prometheus: its fault switches and the dump of its raw samples."""

from __future__ import annotations

import re

import msgspec
from aiohttp import web

from cockpit.world.prometheus.api import PrometheusApi
from cockpit.world.prometheus.dump import openmetrics
from cockpit.world.prometheus.faults import Fault
from cockpit.world.traffic.control import Control
from cockpit.world.traffic.exposition import OPENMETRICS


def add_routes(control: Control, api: PrometheusApi) -> None:
    """GET, POST and DELETE /prometheus/faults; GET /prometheus/samples?start=&end= (unix seconds)."""

    async def show(request: web.Request) -> web.StreamResponse:
        return _json({"faults": api.faults.rules})

    async def add(request: web.Request) -> web.StreamResponse:
        try:
            fault = msgspec.json.decode(await request.read(), type=Fault)
            re.compile(fault.match)
        except (msgspec.MsgspecError, re.error) as error:
            return _json({"error": f"send {{mode, match, seconds, times}}: {error}"}, 400)
        api.faults.rules.append(fault)
        return await show(request)

    async def clear(request: web.Request) -> web.StreamResponse:
        api.faults.rules.clear()
        return await show(request)

    async def samples(request: web.Request) -> web.StreamResponse:
        try:
            start, end = float(request.query.get("start", 0)), float(request.query.get("end", 1e11))
        except ValueError:
            return _json({"error": "start and end are unix seconds"}, 400)
        text = openmetrics(api.source, round(start * 1000), round(end * 1000))
        return web.Response(body=text.encode(), headers={"Content-Type": OPENMETRICS})

    control.add_route("GET", "/prometheus/faults", show)
    control.add_route("POST", "/prometheus/faults", add)
    control.add_route("DELETE", "/prometheus/faults", clear)
    control.add_route("GET", "/prometheus/samples", samples)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
