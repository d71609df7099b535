"""The world's Prometheus: scrapes the traffic in virtual time and answers PromQL with the semantics of 2.42."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

    from cockpit.world.contract import World

SD_PATH = "/sd"
"""Path of the http_sd document on the application's port: the ready line's ``scrape``."""


def install(world: World) -> web.Application:
    """The aiohttp application serving the API, ``SD_PATH`` and the scrape endpoints; needs (and starts) the traffic."""
    from cockpit.world import traffic
    from cockpit.world.prometheus.api import PrometheusApi
    from cockpit.world.prometheus.control import add_routes

    api = PrometheusApi(world, traffic.install(world))
    control = getattr(world, "control", None)
    if control is not None:
        add_routes(control, api)
    return api.application()
