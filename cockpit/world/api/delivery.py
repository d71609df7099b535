"""How an answer leaves: headers, the world's date, and the faults that break it on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Literal

import msgspec
from aiohttp import web

from cockpit.world import status
from cockpit.world.api.call import JSON, Answer, refusal
from cockpit.world.api.faults import HTML, Fault
from cockpit.world.api.ledger import Served
from cockpit.world.api.streams import Cut, Stream

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class Delivery:
    """One answer under way. ``fault``: the rule that applies to this request."""

    def __init__(self, request: web.BaseRequest, date: str) -> None:
        self.fault: Fault | None = None
        self.served = Served(0, 0, "", "", "", "", "")
        self._request = request
        self._date = date

    async def before(self) -> web.StreamResponse | None:
        """Delay, hang, drop or answer instead of the server; None when the request goes on."""
        fault = self.fault
        if fault is None:
            return None
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.hang:
            await asyncio.Event().wait()  # until the client gives up: its going away cancels this handler
        if fault.drop == "before":
            return self._break()
        if fault.answer:
            return await self.send(_canned(fault))
        return None

    async def send(self, answer: Answer) -> web.StreamResponse:
        """Send a complete answer, as far as the fault lets it."""
        if self.fault is not None and self.fault.drop == "after":
            return self._break()
        self.served.status = answer.status
        headers = {"Date": self._date, "Content-Type": answer.content_type, "Cache-Control": "no-cache, private"}
        headers.update(answer.headers)
        if self.fault is None or self.fault.cut is None or self.fault.cut >= len(answer.body):
            return web.Response(status=answer.status, body=answer.body, headers=headers)
        response = web.StreamResponse(status=answer.status, headers=headers)
        response.content_length = len(answer.body)
        await response.prepare(self._request)
        await response.write(answer.body[: self.fault.cut])
        self._abort()
        return response

    async def open(self, kind: Literal["watch", "log"], plural: str, user: str, content_type: str) -> Stream:
        """Begin a stream of chunks."""
        headers = {"Date": self._date, "Content-Type": content_type, "Cache-Control": "no-cache, private"}
        response = web.StreamResponse(headers=headers)
        response.enable_chunked_encoding()
        await response.prepare(self._request)
        self.served.status = 200
        stream = Stream(kind, plural, user, response, self._abort)
        if self.fault is not None:
            stream.cut_after = self.fault.cut
            if self.fault.drop == "after":
                stream.cut_after = 0
        return stream

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Serve a stream; a client that went away or a cut on purpose just ends it."""
        try:
            await work
        except (Cut, ConnectionError):
            return

    def _break(self) -> web.StreamResponse:
        self._abort()
        return web.Response()

    def _abort(self) -> None:
        transport = self._request.transport
        if transport is not None:
            transport.abort()


def _canned(fault: Fault) -> Answer:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    code = fault.answer
    if fault.html:
        return Answer(code, HTML.encode(), "text/html; charset=utf-8", headers)
    if fault.body is None:
        message = f"the server is made to answer {code}"
        error = status.Rejected(code, _REASONS.get(code, ""), message, retry_after=fault.retry_after)
        return refusal(error)
    if isinstance(fault.body, str):
        return Answer(code, fault.body.encode(), fault.content_type or "text/plain; charset=utf-8", headers)
    return Answer(code, msgspec.json.encode(fault.body), fault.content_type or JSON, headers)
