"""Fault switches of the world's Prometheus: down, slow, unavailable, refusals, partial answers, garbage."""

from __future__ import annotations

import asyncio
import re
from typing import Literal

import msgspec
from aiohttp import web

from cockpit.world.prometheus import answers

Mode = Literal[
    "down",
    "slow",
    "unavailable",
    "timeout",
    "warnings",
    "garbage",
    "unauthorized",
    "forbidden",
    "overload",
    "execution",
    "hang",
]
_HELD = "prometheus_faults"
PARTIAL = "some series may be missing: one of two stores did not answer (partial response)"


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """One rule. ``match`` is searched in the path and, decoded, the query; ``times`` None means until it is removed."""

    mode: Mode
    match: str = ""
    seconds: float = 5.0  # of wall time: slow
    times: int | None = None


class Faults:
    """The rules in force; the first that matches a request is applied."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []

    def take(self, subject: str) -> Fault | None:
        for rule in self.rules:
            if re.search(rule.match, subject):
                if rule.times is not None:
                    rule.times -= 1
                    if rule.times <= 0:
                        self.rules.remove(rule)
                return rule
        return None


def faults_of(world: object) -> Faults:
    """The switches of a world, which exist before its Prometheus does: a scenario sets them."""
    held = getattr(world, _HELD, None)
    if isinstance(held, Faults):
        return held
    made = Faults()
    setattr(world, _HELD, made)
    return made


async def apply(fault: Fault, request: web.Request) -> web.StreamResponse | None:
    """The faulty answer; None when the request goes on (after a delay, or to be marked as partial)."""
    match fault.mode:
        case "slow":
            await asyncio.sleep(fault.seconds)
            return None
        case "hang":
            await asyncio.sleep(3600)
            return None
        case "down":
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        case "unavailable":
            return web.Response(status=503, text="Service Unavailable\n")
        case "timeout":
            body = answers.failure("timeout", "query timed out in expression evaluation")
            return web.Response(status=503, body=body, content_type="application/json")
        case "garbage":
            return web.Response(text="<html><body><h1>502 Bad Gateway</h1></body></html>", content_type="text/html")
        case "unauthorized":
            return web.Response(status=401, text="Unauthorized\n", headers={"WWW-Authenticate": "Basic"})
        case "forbidden":
            return web.Response(status=403, text="Forbidden (user=rollout-cockpit, resource=prometheus/api)\n")
        case "overload":
            text = "query processing would load too many samples into memory in query execution"
            return _refused(text)
        case "execution":
            return _refused("found duplicate series for the match group {} on the right hand-side of the operation")
        case "warnings":
            return None


def _refused(text: str) -> web.Response:
    return web.Response(status=422, body=answers.failure("execution", text), content_type="application/json")
