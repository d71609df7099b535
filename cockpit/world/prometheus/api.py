"""The HTTP API of Prometheus 2.42 over the world's samples, and the endpoints that any Prometheus scrapes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from email.utils import formatdate

from aiohttp import web
from multidict import MultiDict

from cockpit.world.contract import World
from cockpit.world.prometheus import answers, params
from cockpit.world.prometheus import targets as discovery
from cockpit.world.prometheus.ast import Selector
from cockpit.world.prometheus.engine import Query
from cockpit.world.prometheus.faults import PARTIAL, apply, faults_of
from cockpit.world.prometheus.labels import LABEL_NAME, Labels, RegexError, Selection
from cockpit.world.prometheus.params import ApiError
from cockpit.world.prometheus.parser import ParseError, parse
from cockpit.world.prometheus.samples import Samples
from cockpit.world.prometheus.scraping import Scraping
from cockpit.world.prometheus.series import ExecutionError, Result, Source
from cockpit.world.traffic import Traffic, exposition

MAX_POINTS = 11_000
DEFAULT_TIMEOUT_MS = 120_000
_SLICE = 0.01  # seconds of evaluation before others get a turn
_JSON = "application/json"
_PARTIAL = web.RequestKey("partial", bool)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PrometheusApi:
    """Serves ``/api/v1`` and the scrape endpoints. ``source`` may be replaced for tests."""

    def __init__(self, world: World, traffic: Traffic) -> None:
        self._world = world
        self._traffic = traffic
        self.source: Source = Samples(traffic)
        self.faults = faults_of(world)

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._middleware])
        api = "/api/v1"
        queries: tuple[tuple[str, Handler], ...] = (
            ("/query", self._query),
            ("/query_range", self._query_range),
            ("/labels", self._labels),
            ("/series", self._series),
        )
        for path, handler in queries:
            app.router.add_get(api + path, handler, allow_head=False)
            app.router.add_post(api + path, handler)
        reads: tuple[tuple[str, Handler], ...] = (
            (f"{api}/label/{{name}}/values", self._label_values),
            (f"{api}/targets", self._targets),
            (f"{api}/metadata", self._metadata),
            (f"{api}/rules", self._constant('{"groups":[]}')),
            (f"{api}/alerts", self._constant('{"alerts":[]}')),
            (f"{api}/status/buildinfo", self._constant(answers.data(_BUILD))),
            (f"{api}/status/flags", self._constant(answers.data(_FLAGS))),
            ("/-/ready", self._plain("Prometheus Server is Ready.\n")),
            ("/-/healthy", self._plain("Prometheus Server is Healthy.\n")),
        )
        for path, handler in reads:
            app.router.add_get(path, handler)
        Scraping(self._traffic).add_routes(app)
        app.on_response_prepare.append(self._stamp)
        return app

    # -- around every request

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._world.clock.catch_up()
        scraping = request.path.startswith((discovery.SCRAPE_PATH, discovery.SD_PATH))
        fault = None if scraping or not self.faults.rules else self.faults.take(await _subject(request))
        if fault is not None:
            spoilt = await apply(fault, request)
            if spoilt is not None:
                return spoilt
            self._world.clock.catch_up()
        request[_PARTIAL] = fault is not None and fault.mode == "warnings"
        try:
            return await handler(request)
        except ApiError as error:
            return _failed(error)
        except web.HTTPNotFound:
            return web.Response(status=404, text="404 page not found\n")

    async def _stamp(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(self._world.clock.now(), usegmt=True)  # the world's time, as everywhere

    def _answer(self, request: web.Request, data: str) -> web.Response:
        body = answers.success(data, [PARTIAL] if request[_PARTIAL] else None)
        return web.Response(body=body, content_type=_JSON)

    # -- queries

    async def _query(self, request: web.Request) -> web.StreamResponse:
        form = await _form(request)
        now = params.moment("time", form.get("time"), self._traffic.now_ms())
        query = self._parsed(form.get("query", ""), now, now, 1)
        result = await self._run(query, form, ranged=False)
        return self._answer(request, answers.query_data(result, now))

    async def _query_range(self, request: web.Request) -> web.StreamResponse:
        form = await _form(request)
        start = params.moment("start", form.get("start"), None)
        end = params.moment("end", form.get("end"), None)
        if end < start:
            raise params.bad("end", "end timestamp must not be before start time")
        step = params.duration("step", form.get("step"))
        if step <= 0:
            message = "zero or negative query resolution step widths are not accepted. Try a positive integer"
            raise params.bad("step", message)
        if (end - start) // step > MAX_POINTS:
            message = (
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )
            raise ApiError(400, "bad_data", message)
        query = self._parsed(form.get("query", ""), start, end, step)
        if query.tree.kind not in ("scalar", "vector"):
            kind = "range vector" if query.tree.kind == "matrix" else query.tree.kind
            message = f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector'
            raise params.bad("query", message)
        result = await self._run(query, form, ranged=True)
        return self._answer(request, answers.query_data(result, end))

    def _parsed(self, text: str, start: int, end: int, step: int) -> Query:
        try:
            return Query(self.source, text, start, end, step)
        except ParseError as error:
            raise params.bad("query", f"parse error: {error}") from None

    async def _run(self, query: Query, form: MultiDict[str], *, ranged: bool) -> Result:
        limit = params.duration("timeout", form["timeout"]) if form.get("timeout") else DEFAULT_TIMEOUT_MS
        deadline = time.monotonic() + min(limit, DEFAULT_TIMEOUT_MS) / 1000
        running = query.run(ranged=ranged)
        turn = time.monotonic()
        try:
            while True:
                next(running)
                now = time.monotonic()
                if now > deadline:
                    running.close()
                    raise ApiError(503, "timeout", "query timed out in expression evaluation")
                if now - turn > _SLICE:
                    await asyncio.sleep(0)
                    turn = time.monotonic()
        except StopIteration as stop:
            result: Result = stop.value
            return result
        except ExecutionError as error:
            raise ApiError(422, "execution", str(error)) from None

    # -- metadata

    async def _labels(self, request: web.Request) -> web.StreamResponse:
        found: set[str] = set()
        async for labels in self._matching(request, required=False):
            found.update(name for name, _ in labels)
        return self._answer(request, answers.data(sorted(found)))

    async def _label_values(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if LABEL_NAME.fullmatch(name) is None:
            raise ApiError(400, "bad_data", f'invalid label name: "{name}"')
        found: set[str] = set()
        async for labels in self._matching(request, required=False):
            found.update(value for key, value in labels if key == name)
        return self._answer(request, answers.data(sorted(found)))

    async def _series(self, request: web.Request) -> web.StreamResponse:
        found = {labels async for labels in self._matching(request, required=True)}
        return self._answer(request, answers.data([dict(labels) for labels in sorted(found)]))

    async def _matching(self, request: web.Request, *, required: bool) -> AsyncIterator[Labels]:
        form = await _form(request)
        start = params.moment("start", form.get("start"), 0)
        end = params.moment("end", form.get("end"), self._traffic.now_ms())
        wanted = form.getall("match[]", [])
        if required and not wanted:
            raise ApiError(400, "bad_data", "no match[] parameter provided")
        for selection in [_selection(text) for text in wanted] or [Selection(())]:
            for labels in self.source.label_sets(selection, start, end):
                if labels is None:
                    await asyncio.sleep(0)
                else:
                    yield labels

    async def _targets(self, request: web.Request) -> web.StreamResponse:
        state = request.query.get("state", "")
        rows = discovery.active(self._traffic, request.host) if state in ("", "any", "active") else []
        return self._answer(request, answers.data({"activeTargets": rows, "droppedTargets": []}))

    async def _metadata(self, request: web.Request) -> web.StreamResponse:
        wanted = request.query.get("metric")
        rows = {
            family.name: [{"type": family.type, "help": family.help, "unit": ""}]
            for family in exposition.FAMILIES
            if wanted in (None, "", family.name)
        }
        return self._answer(request, answers.data(rows))

    def _constant(self, data: str) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return self._answer(request, data)

        return handle

    def _plain(self, text: str) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return web.Response(text=text)

        return handle


_BUILD = {
    "version": "2.42.0+world",
    "revision": "rollout-cockpit",
    "branch": "HEAD",
    "buildUser": "",
    "buildDate": "",
    "goVersion": "",
}
_FLAGS = {"query.lookback-delta": "5m", "query.max-samples": "50000000", "query.timeout": "2m"}


async def _form(request: web.Request) -> MultiDict[str]:
    """Parameters of the URL, and of the body of a POST."""
    merged: MultiDict[str] = MultiDict(request.query)
    if request.method == "POST":
        for key, value in (await request.post()).items():
            if isinstance(value, str):
                merged.add(key, value)
    return merged


async def _subject(request: web.Request) -> str:
    form = await _form(request)
    return request.path + "?" + "&".join(f"{key}={value}" for key, value in form.items())


def _selection(text: str) -> Selection:
    try:
        tree = parse(text)
        if not isinstance(tree, Selector) or tree.range_ms is not None or tree.offset_ms or tree.at is not None:
            raise ParseError("expected a series selector")
        return Selection(tree.matchers)
    except (ParseError, RegexError) as error:
        raise params.bad("match[]", f"parse error: {error}") from None


def _failed(error: ApiError) -> web.Response:
    return web.Response(body=answers.failure(error.kind, error.message), status=error.status, content_type=_JSON)
