"""Control routes of the traffic: the ledger, conservation, counts per arm, request rates, rates of log lines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from aiohttp import web

from cockpit.world.traffic.ledger import Traffic

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control(Protocol):
    """The control endpoint, as far as it is needed here."""

    def add_route(self, method: str, path: str, handler: Handler) -> Any: ...


class _Rate(msgspec.Struct, forbid_unknown_fields=True):
    namespace: str
    name: str
    value: float | None = None


def add_routes(control: Control, traffic: Traffic) -> None:
    """GET /ledger/traffic, /ledger/arms and /conservation; POST /traffic/rps and /traffic/log-lines."""

    async def ledger(request: web.Request) -> web.StreamResponse:
        namespace = request.query.get("namespace")
        rows = [row for row in traffic.ledger() if namespace in (None, row["namespace"])]
        return _json({"at": traffic.world.clock.now(), "pods": rows})

    async def arms(request: web.Request) -> web.StreamResponse:
        try:
            namespace, name = request.query["namespace"], request.query["name"]
            start = float(request.query.get("start", 0))
            end = float(request.query.get("end", traffic.world.clock.now()))
        except (KeyError, ValueError):
            return _json({"error": "give namespace, name and (in unix seconds) start and end"}, 400)
        counts = traffic.counts(namespace, name, start, end)
        return _json({hash_: counted._asdict() for hash_, counted in counts.items()})

    async def conservation(request: web.Request) -> web.StreamResponse:
        rows = traffic.conservation()
        holds = all(row["lines"] == row["ledger"] and row["metrics"] in (None, row["ledger"]) for row in rows)
        return _json({"at": traffic.world.clock.now(), "holds": holds, "pods": rows})

    def setter(apply: Callable[[str, str, float | None], bool]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                rate = msgspec.json.decode(await request.read(), type=_Rate)
            except msgspec.MsgspecError as error:
                return _json({"error": f"send {{namespace, name, value}}: {error}"}, 400)
            if rate.value is not None and not 0 <= rate.value < 1e6:
                return _json({"error": "value must be at least 0 and below a million"}, 400)
            if not apply(rate.namespace, rate.name, rate.value):
                return _json({"error": f"no workload {rate.namespace}/{rate.name}"}, 404)
            return _json({"set": rate.value})

        return handle

    control.add_route("GET", "/ledger/traffic", ledger)
    control.add_route("GET", "/ledger/arms", arms)
    control.add_route("GET", "/conservation", conservation)
    control.add_route("POST", "/traffic/rps", setter(traffic.set_rps))
    control.add_route("POST", "/traffic/log-lines", setter(traffic.set_log_rate))


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
