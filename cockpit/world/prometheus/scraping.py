"""The endpoints that any Prometheus scrapes: http_sd, and the texts of pods, nodes and kube-state-metrics."""

from __future__ import annotations

from aiohttp import web

from cockpit.world.prometheus import answers
from cockpit.world.prometheus import targets as discovery
from cockpit.world.traffic import Traffic, exposition


class Scraping:
    """Stands for all the pods and nodes of the cluster behind one port; faults of Prometheus do not concern it."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(discovery.SD_PATH, self._discovery)
        app.router.add_get(discovery.SCRAPE_PATH + "/pods/{namespace}/{pod}", self._scrape_pod)
        app.router.add_get(discovery.SCRAPE_PATH + "/nodes/{node}", self._scrape_node)
        app.router.add_get(discovery.SCRAPE_PATH + "/state", self._scrape_state)

    async def _discovery(self, request: web.Request) -> web.StreamResponse:
        self._traffic.now_ms()
        rows = discovery.discovery(self._traffic, request.host)
        return web.Response(text=answers.data(rows), content_type="application/json")

    async def _scrape_pod(self, request: web.Request) -> web.StreamResponse:
        pod = self._traffic.fleet.by_name.get((request.match_info["namespace"], request.match_info["pod"]))
        if pod is None or pod.removed is not None:
            raise web.HTTPNotFound
        openmetrics = _wants_openmetrics(request)
        text = exposition.pod_text(self._traffic, pod, openmetrics=openmetrics)
        if text is None and request.transport is not None:
            request.transport.abort()  # the nearest that a shared port comes to a refused connection
        if text is None or not exposition.exports(pod):
            raise web.HTTPNotFound
        return _text(text, openmetrics=openmetrics)

    async def _scrape_node(self, request: web.Request) -> web.StreamResponse:
        openmetrics = _wants_openmetrics(request)
        text = discovery.node_text(self._traffic, request.match_info["node"], openmetrics=openmetrics)
        if text is None:
            raise web.HTTPNotFound
        return _text(text, openmetrics=openmetrics)

    async def _scrape_state(self, request: web.Request) -> web.StreamResponse:
        openmetrics = _wants_openmetrics(request)
        return _text(discovery.state_text(self._traffic, openmetrics=openmetrics), openmetrics=openmetrics)


def _wants_openmetrics(request: web.Request) -> bool:
    return "application/openmetrics-text" in request.headers.get("Accept", "")


def _text(text: str, *, openmetrics: bool) -> web.Response:
    kind = exposition.OPENMETRICS if openmetrics else exposition.TEXT
    return web.Response(body=text.encode(), headers={"Content-Type": kind})
