"""The control endpoint: clock, ledger, truth, faults, users and profiles of the world, over plain HTTP with a token."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from cockpit.world.api.faults import Fault
from cockpit.world.contract import Profile
from cockpit.world.exchange import BadRequest, answer, body_of, number_of, shows
from cockpit.world.status import Rejected

if TYPE_CHECKING:
    from cockpit.world.serve import World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_AWAIT_SECONDS = 30.0


class Control:
    """Routes of the control endpoint; other parts add theirs with ``add_route`` before it is served.

    The token travels in the ``Authorization: Bearer`` header or as ``?token=``. Errors are ``{"error": "…"}``.
    """

    def __init__(self, world: World) -> None:
        self.token = secrets.token_urlsafe(16)
        self._world = world
        self.app = web.Application(middlewares=[self._guard], client_max_size=16 << 20)
        for method, path, handler in (
            ("GET", "/clock", self._clock),
            ("POST", "/clock/advance", self._advance),
            ("POST", "/clock/speed", self._speed),
            ("GET", "/ledger", self._ledger),
            ("GET", "/truth/{plural}", self._truths),
            ("GET", "/truth/{plural}/{namespace}/{name}", self._truth),
            ("GET", "/await", self._await),
            ("GET", "/faults", self._list_faults),
            ("POST", "/faults", self._add_faults),
            ("DELETE", "/faults", self._clear_faults),
            ("DELETE", "/faults/{id}", self._clear_faults),
            ("GET", "/streams", self._streams),
            ("POST", "/streams/close", self._close_streams),
            ("POST", "/streams/inject", self._inject),
            ("POST", "/streams/chunks", self._chunks),
            ("POST", "/compact", self._compact),
            ("POST", "/users", self._add_user),
            ("POST", "/users/expire", self._expire),
            ("POST", "/users/deny", self._deny),
            ("POST", "/profiles", self._profile),
            ("POST", "/tags", self._move_tag),
        ):
            self.add_route(method, path, handler)

    def add_route(self, method: str, path: str, handler: Handler) -> None:
        """Serve ``handler`` at ``path`` (aiohttp's pattern), behind the token."""
        self.app.router.add_route(method, path, handler)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.query.get("token") or request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not secrets.compare_digest(given.encode(), self.token.encode()):
            return answer({"error": "the token of the control URL is missing or wrong"}, 401)
        self._world.clock.catch_up()
        try:
            return await handler(request)
        except BadRequest as error:
            return answer({"error": str(error)}, 400)
        except Rejected as error:
            return answer({"error": error.message}, error.code)
        except web.HTTPException as error:
            return answer({"error": f"{request.method} {request.path}: {error.reason}"}, error.status)

    # -- time ---------------------------------------------------------------------------------------------------

    async def _clock(self, request: web.Request) -> web.StreamResponse:
        clock = self._world.clock
        return answer({"now": clock.now(), "speed": clock.speed, "epoch": self._world.epoch, "seed": self._world.seed})

    async def _advance(self, request: web.Request) -> web.StreamResponse:
        """{seconds}, or {until} in unix seconds."""
        body = await body_of(request)
        clock = self._world.clock
        if "until" in body:
            clock.run_until(number_of(body, "until"))
        else:
            seconds = number_of(body, "seconds")
            if seconds < 0:
                raise BadRequest("seconds must not be negative: time runs forward")
            clock.advance(seconds)
        await asyncio.sleep(0)  # open watches get to send what happened
        return await self._clock(request)

    async def _speed(self, request: web.Request) -> web.StreamResponse:
        speed = number_of(await body_of(request), "speed")
        if not 0 <= speed <= 10_000:
            raise BadRequest("speed must lie in 0..10000")
        self._world.clock.set_speed(speed)
        return await self._clock(request)

    # -- what happened ------------------------------------------------------------------------------------------

    async def _ledger(self, request: web.Request) -> web.StreamResponse:
        """?since= virtual time (inclusive), ?after= sequence number, ?method=PATCH,PUT, ?path= substring."""
        query = request.query
        try:
            since, after = float(query.get("since", "-inf")), int(query.get("after", 0))
        except ValueError:
            raise BadRequest("since is virtual unix seconds, after a sequence number") from None
        entries = self._world.api.ledger.select(after, query.get("method", ""), query.get("path", ""))
        return answer([entry for entry in entries if entry.time >= since])

    async def _truth(self, request: web.Request) -> web.StreamResponse:
        plural, namespace, name = (request.match_info[key] for key in ("plural", "namespace", "name"))
        self._known(plural)
        obj = self._world.store.get(plural, "" if namespace == "-" else namespace, name)
        if obj is None:
            return answer({"error": f"there is no {plural} {namespace}/{name} in the world"}, 404)
        return answer(obj)

    async def _truths(self, request: web.Request) -> web.StreamResponse:
        """All objects of a resource, of ?namespace= when given."""
        self._known(request.match_info["plural"])
        return answer(self._world.store.select(request.match_info["plural"], request.query.get("namespace")))

    async def _await(self, request: web.Request) -> web.StreamResponse:
        """Answer with the object once ?path= (dotted, list indices as numbers) shows ?value=; 408 when it does not.

        Without ``value`` any value will do; ?gone=true awaits the object's absence; ?timeout= is wall seconds. Moving
        virtual time is the caller's job.
        """
        query = request.query
        try:
            plural, name = query["plural"], query["name"]
            timeout = float(query.get("timeout", _AWAIT_SECONDS))
        except (KeyError, ValueError):
            raise BadRequest("give plural, namespace, name, path and value; timeout is seconds") from None
        self._known(plural)
        namespace, path, value = query.get("namespace", ""), query.get("path", ""), query.get("value")
        gone = query.get("gone") == "true"
        changed = asyncio.Event()
        unwatch = self._world.store.watch(plural, lambda _: changed.set())
        try:
            async with asyncio.timeout(timeout):
                while True:
                    obj = self._world.store.get(plural, namespace, name)
                    if (obj is None) if gone else (obj is not None and shows(obj, path, value)):
                        return answer(obj)
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            obj = self._world.store.get(plural, namespace, name)
            return answer({"error": f"not reached within {timeout:g} s", "object": obj}, 408)
        finally:
            unwatch()

    # -- what goes wrong ----------------------------------------------------------------------------------------

    async def _list_faults(self, request: web.Request) -> web.StreamResponse:
        return answer(self._world.api.faults.rules)

    async def _add_faults(self, request: web.Request) -> web.StreamResponse:
        """One rule or a list of them (api.faults.Fault); answers their ids."""
        body = await request.read()
        try:
            rules = msgspec.json.decode(body, type=list[Fault] | Fault)
            listed = rules if isinstance(rules, list) else [rules]
            ids = [self._world.api.faults.add(rule) for rule in listed]
        except (msgspec.MsgspecError, re.error) as error:
            raise BadRequest(f"no fault rule: {error}") from None
        return answer({"ids": ids})

    async def _clear_faults(self, request: web.Request) -> web.StreamResponse:
        rule = request.match_info.get("id")
        if rule is not None and not rule.isdigit():
            raise BadRequest("a fault rule's id is a number")
        self._world.api.faults.clear(int(rule) if rule is not None else None)
        return answer({})

    async def _streams(self, request: web.Request) -> web.StreamResponse:
        """Open watches and followed logs, filtered by ?kind=, ?plural=, ?user=."""
        found = self._world.api.streams.select(*(request.query.get(key, "") for key in ("kind", "plural", "user")))
        return answer([{"kind": s.kind, "plural": s.plural, "user": s.user, "written": s.written} for s in found])

    async def _close_streams(self, request: web.Request) -> web.StreamResponse:
        """{kind, plural, user, abort}: end streams, cleanly or by breaking their connections."""
        body = await body_of(request)
        found = self._world.api.streams.select(*(str(body.get(key, "")) for key in ("kind", "plural", "user")))
        for stream in found:
            if body.get("abort"):
                stream.abort()
            else:
                stream.close()
        return answer({"closed": len(found)})

    async def _inject(self, request: web.Request) -> web.StreamResponse:
        """{kind, plural, user} and {error: Status} (an ERROR event) or {text} (sent as it is)."""
        body = await body_of(request)
        found = self._world.api.streams.select(*(str(body.get(key, "")) for key in ("kind", "plural", "user")))
        if "error" in body:
            data = msgspec.json.encode({"type": "ERROR", "object": body["error"]}) + b"\n"
        else:
            data = str(body.get("text", "")).encode()
        for stream in found:
            stream.inject(data)
        return answer({"injected": len(found)})

    async def _chunks(self, request: web.Request) -> web.StreamResponse:
        """{line_per_chunk}: whether followed logs send every line as a chunk of its own."""
        self._world.api.line_per_chunk = bool((await body_of(request)).get("line_per_chunk"))
        return answer({})

    async def _compact(self, request: web.Request) -> web.StreamResponse:
        """{plural} or all: forget the past, so that resuming a watch or a list answers 410."""
        store = self._world.store
        plural = (await body_of(request)).get("plural")
        if plural is not None:
            self._known(str(plural))
        for kind in store.kinds.all:
            if plural in (None, kind.plural):
                store.history(kind.plural).compact(store.version)
        return answer({"version": store.version})

    # -- who and what -------------------------------------------------------------------------------------------

    async def _add_user(self, request: web.Request) -> web.StreamResponse:
        """{name, groups, token, rules, namespace, certificate}: a user, with RBAC rules there or everywhere."""
        body = await body_of(request)
        name = body.get("name")
        if not isinstance(name, str) or not name:
            raise BadRequest("a user needs a name")
        groups = tuple(body.get("groups") or ())
        made = {"token": self._world.api.users.add(name, groups, body.get("token"))}
        self._world.grant(name, body.get("rules") or [], body.get("namespace"))
        if body.get("certificate"):
            certificate, key = self._world.authority.client(name, groups)
            made |= {"certificate": certificate.decode(), "key": key.decode()}
        return answer(made)

    async def _expire(self, request: web.Request) -> web.StreamResponse:
        """{token} or {name}: from now on 401."""
        body = await body_of(request)
        return answer({"expired": self._world.api.users.expire(str(body.get("token") or body.get("name") or ""))})

    async def _deny(self, request: web.Request) -> web.StreamResponse:
        """{name, denied}: refuse everything of a user with 401 although the token is known."""
        body = await body_of(request)
        denied = self._world.api.users.denied
        (denied.add if body.get("denied", True) else denied.discard)(str(body.get("name", "")))
        return answer({"denied": sorted(denied)})

    async def _profile(self, request: web.Request) -> web.StreamResponse:
        """{image, profile}: change how a version behaves; fields that are not given keep their value."""
        body = await body_of(request)
        try:
            image = body["image"]
            current = msgspec.structs.asdict(self._world.book.of(image))
            unknown = sorted(set(body["profile"]) - set(current))
            if unknown:
                raise BadRequest(f"a profile has no {', '.join(unknown)}; it has {', '.join(current)}")
            self._world.book.set(image, msgspec.convert(current | body["profile"], Profile))
        except (KeyError, TypeError, msgspec.ValidationError) as error:
            raise BadRequest(f"give image and profile (fields of contract.Profile): {error}") from None
        return answer(self._world.book.of(image))

    async def _move_tag(self, request: web.Request) -> web.StreamResponse:
        """{image, target}: the tag pulls from now on what target pulls; {image} alone: it is built and pushed again."""
        body = await body_of(request)
        try:
            image = str(body["image"])
            if "target" in body:
                self._world.book.move_tag(image, str(body["target"]))
            else:
                self._world.book.push(image)
        except (KeyError, ValueError) as error:
            raise BadRequest(f"give image (by tag), and target: {error}") from None
        return answer({"digest": self._world.book.digest(image)})

    def _known(self, plural: str) -> None:
        if plural not in self._world.store.kinds:
            raise BadRequest(f"the world has no resource {plural!r}; name it by plural, as in pods or rollouts")
