"""The API server: one handler for every request; authentication, authorization, faults, dispatch, ledger."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from cockpit.world import status
from cockpit.world.api import logs, negotiation, protobuf, reviews
from cockpit.world.api.call import JSON, Answer, Call, json_answer, read_object, refusal
from cockpit.world.api.delivery import Delivery
from cockpit.world.api.discovery import Discovery
from cockpit.world.api.faults import Faults
from cockpit.world.api.ledger import Ledger
from cockpit.world.api.openapi import V2_PROTOBUF, OpenApi
from cockpit.world.api.rbac import Question, Rbac
from cockpit.world.api.routes import Target, parse
from cockpit.world.api.selectors import Selector
from cockpit.world.api.streams import Streams
from cockpit.world.api.users import User, Users
from cockpit.world.api.verbs import Verbs
from cockpit.world.api.watch import Watch
from cockpit.world.clock import WorldClock
from cockpit.world.contract import Object, Telemetry
from cockpit.world.kinds import Kind
from cockpit.world.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER_VERSION = "1.32.4"
_log = logging.getLogger(__name__)
_HEALTH = ("/healthz", "/livez", "/readyz")


class ApiServer:
    """Serves ``store``. ``telemetry`` is asked for at each log request, since it is installed later."""

    def __init__(
        self,
        store: Store,
        clock: WorldClock,
        telemetry: Callable[[], Telemetry | None],
        version: str = SERVER_VERSION,
    ) -> None:
        self.users = Users()
        self.faults = Faults()
        self.ledger = Ledger()
        self.streams = Streams()
        self.rbac = Rbac(store)
        self.line_per_chunk = False
        """Whether a followed log sends each line as a chunk of its own, as a container runtime does."""
        self._store, self._clock, self._telemetry = store, clock, telemetry
        self._verbs = Verbs(store)
        self._discovery = Discovery(store.kinds, version)
        self._openapi = OpenApi(store.kinds, version)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one request; whatever goes wrong is a Status object."""
        self._clock.catch_up()
        date = formatdate(self._clock.now(), usegmt=True)
        delivery = Delivery(request, date)
        query: Mapping[str, str] = request.query
        agent = request.headers.get("User-Agent", "")
        served = self.ledger.open(self._clock.now(), request.method, request.path, request.query_string, "", agent)
        served.accept = request.headers.get("Accept", "")
        served.dry_run = bool(query.get("dryRun"))  # also of one whose client left before it was looked at
        delivery.served = served
        try:
            user = self._authenticate(request)
            served.user = user.name
            delivery.fault = self.faults.take(request.method, request.path, request.query_string, user.name)
            body = await request.read()
            if body:
                served.content_type = request.headers.get("Content-Type", "")
                served.body = _readable(body, served.content_type)
            fault = delivery.fault
            if fault is not None:
                served.fault = fault.id
                early = await delivery.before()
                if early is not None:
                    return early
            target = parse(request.method, request.path, query)
            answer = await self._serve(request, target, user, body, delivery)
            if not isinstance(answer, Answer):
                return answer
        except status.Rejected as error:
            answer = refusal(error)
        except web.HTTPRequestEntityTooLarge:
            answer = refusal(status.Rejected(413, "RequestEntityTooLarge", "the request is too large"))
        except (ConnectionError, OSError):
            raise
        except Exception as error:
            _log.exception("%s %s", request.method, request.path)
            answer = refusal(status.Rejected(500, "InternalError", f"Internal error occurred: {error}"))
        return await delivery.send(answer)

    # -- who ----------------------------------------------------------------------------------------------------

    def _authenticate(self, request: web.BaseRequest) -> User:
        certificate = request.get_extra_info("peercert")
        user = self.users.authenticate(request.headers.get("Authorization"), certificate)
        name = request.headers.get("Impersonate-User")
        if not name:
            return user
        groups = tuple(request.headers.getall("Impersonate-Group", ()))
        for resource, value in (("users", name), *(("groups", group) for group in groups)):
            if not self.rbac.allows(user, Question("impersonate", "", resource, name=value)):
                raise _forbidden(user, Target("impersonate", "", plural=resource, name=value))
        return User(name, (*groups, "system:authenticated"))

    def _authorize(self, user: User, target: Target) -> None:
        if target.plural:
            question = Question(
                target.verb, target.group, target.plural, target.subresource, target.namespace, target.name
            )
        else:
            question = Question(target.verb, path=target.path)
        if not self.rbac.allows(user, question):
            raise _forbidden(user, target)

    # -- what ---------------------------------------------------------------------------------------------------

    async def _serve(
        self, request: web.BaseRequest, target: Target, user: User, body: bytes, delivery: Delivery
    ) -> Answer | web.StreamResponse:
        if not target.plural:
            self._authorize(user, target)
            return self._document(request, target.path)
        review = reviews.REVIEWS.get((target.group, target.plural))
        if review is not None and target.version == "v1":
            return self._review(target, user, read_object(body, request.headers.get("Content-Type", "")))
        kind = self._store.kinds.served(target.group, target.version, target.plural)
        if kind is None:
            raise status.Rejected(404, "NotFound", "the server could not find the requested resource")
        if target.verb in ("list", "watch", "deletecollection") and not target.name:
            named = Selector(kind, "", request.query.get("fieldSelector", "")).only_name()
            target = target._replace(name=named) if named else target
        self._authorize(user, target)
        if target.verb in ("list", "watch", "deletecollection"):
            target = target._replace(name="")
        call = Call(
            target,
            kind,
            request.query,
            user,
            request.headers.get("User-Agent", ""),
            request.headers.get("Accept", JSON),
            request.headers.get("Content-Type", ""),
            body,
            delivery.served,
        )
        _check_subresource(kind, target)
        if target.verb == "watch":
            return await self._watch(call, delivery)
        if target.subresource == "log":
            return await self._log(call, delivery)
        verbs = {
            "get": self._verbs.get,
            "list": self._verbs.list,
            "create": self._verbs.create,
            "update": self._verbs.update,
            "patch": self._verbs.patch,
            "delete": self._verbs.delete,
            "deletecollection": self._verbs.delete_collection,
        }
        handler = verbs.get(target.verb)
        if handler is None:
            raise _not_allowed()
        return handler(call)

    def _document(self, request: web.BaseRequest, path: str) -> Answer:
        accept = negotiation.accepted(request.headers.get("Accept", JSON))
        if path in _HEALTH or path.rsplit("/", 1)[0] in _HEALTH:
            return Answer(200, b"ok", "text/plain; charset=utf-8")
        if path == "/swagger-2.0.0.pb-v1":
            return Answer(200, self._openapi.v2_protobuf(), V2_PROTOBUF)
        if path == "/openapi/v2":
            if any("protobuf" in media.type for media in accept):
                return Answer(200, self._openapi.v2_protobuf(), V2_PROTOBUF)
            return Answer(200, self._openapi.v2_json())
        if path == "/openapi/v3":
            return Answer(200, self._openapi.v3_index())
        if path.startswith("/openapi/v3/"):
            document = self._openapi.v3(path.removeprefix("/openapi/v3/"))
            if document is not None:
                return Answer(200, document)
        name = request.get_extra_info("sockname") or ("127.0.0.1", 0)
        found = self._discovery.document(path, accept, f"{name[0]}:{name[1]}")
        if found is not None:
            return Answer(200, msgspec.json.encode(found[0]), found[1])
        if path in ("", "/"):
            return json_answer({"paths": ["/api", "/apis", "/healthz", "/openapi/v2", "/openapi/v3", "/version"]})
        raise status.Rejected(404, "NotFound", "the server could not find the requested resource")

    def _review(self, target: Target, user: User, body: Object) -> Answer:
        if target.verb != "create":
            raise _not_allowed()
        self._authorize(user, target)
        self._verbs.shapes.check_type("AccessReview", body)
        return json_answer(reviews.answer(target.plural, body, user, self.rbac, self._clock.now()), 201)

    async def _watch(self, call: Call, delivery: Delivery) -> web.StreamResponse:
        selector = Selector(call.kind, call.query.get("labelSelector", ""), call.query.get("fieldSelector", ""))
        watch = Watch(call, self._store, selector, self._clock.now)
        form = "application/json;stream=watch" if not call.media.as_ else JSON
        stream = await delivery.open("watch", call.kind.plural, call.user.name, form)
        self.streams.add(stream)
        try:
            await delivery.run(watch.run(stream))
        finally:
            self.streams.discard(stream)
        return stream.response

    async def _log(self, call: Call, delivery: Delivery) -> Answer | web.StreamResponse:
        pod = self._store.get(*call.key)
        if pod is None:
            raise status.not_found("pods", "", call.target.name)
        request = logs.LogRequest(pod, call.query, self._clock.now())
        reader = logs.LogReader(request, self._telemetry(), self._store)
        if request.empty:
            return Answer(200, b"", "text/plain")
        stream = await delivery.open("log", "pods", call.user.name, "text/plain")
        self.streams.add(stream)
        try:
            await delivery.run(reader.run(stream, lambda: self._clock.speed, lambda: self.line_per_chunk))
        finally:
            self.streams.discard(stream)
        return stream.response


def _readable(body: bytes, content_type: str) -> Any:
    """A body for the ledger: decoded where it can be, text otherwise."""
    try:
        if content_type.startswith(protobuf.MEDIA_TYPE):
            return protobuf.decode(body)
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, status.Rejected):
        return body.decode("utf-8", "replace")


def _check_subresource(kind: Kind, target: Target) -> None:
    """Raises 404 for a subresource that the kind does not have, 405 for a verb that it does not take."""
    verbs: tuple[str, ...] = kind.verbs
    if target.subresource:
        known = {
            "status": ("get", "patch", "update") if kind.status else (),
            "scale": ("get", "patch", "update") if kind.scale else (),
            "log": ("get",) if kind.plural == "pods" else (),
            "eviction": ("create",) if kind.plural == "pods" else (),
        }
        verbs = known.get(target.subresource, ())
        if not verbs:
            raise status.Rejected(404, "NotFound", "the server could not find the requested resource")
    named = bool(target.name) and not (target.subresource and target.verb == "create")
    if target.verb not in verbs or named != (target.verb in ("get", "update", "patch", "delete")):
        raise _not_allowed()
    if kind.namespaced and not target.namespace and target.verb not in ("list", "watch", "deletecollection"):
        raise status.Rejected(404, "NotFound", "the server could not find the requested resource")


def _not_allowed() -> status.Rejected:
    message = "the server does not allow this method on the requested resource"
    return status.Rejected(405, "MethodNotAllowed", message)


def _forbidden(user: User, target: Target) -> status.Rejected:
    """403 in the words of the RBAC authorizer."""
    if not target.plural:
        message = f'forbidden: User "{user.name}" cannot {target.verb} path "{target.path}"'
        return status.Rejected(403, "Forbidden", message)
    where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    why = f'User "{user.name}" cannot {target.verb} resource "{target.resource}" in API group "{target.group}" {where}'
    return status.forbidden(target.plural, target.group, target.name, why)
