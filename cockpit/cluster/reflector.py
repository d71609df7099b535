"""A reflector: list, then watch, for ever, so that a sink holds what the API server holds.

The algorithm is client-go's (tools/cache/reflector.go), with consistent paged lists (``resourceVersion`` unset).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Literal, Protocol

import msgspec

from cockpit.base.clock import Clock
from cockpit.base.errors import ApiError, CockpitError, CredentialsError, Unreachable
from cockpit.base.text import clean
from cockpit.cluster.backoff import Backoff
from cockpit.cluster.decode import Page, WatchEvent
from cockpit.cluster.store import Sink
from cockpit.model.resource import Resource

State = Literal["LISTING", "SYNCED", "STALE", "BACKOFF", "DENIED", "ABSENT"]

_WATCH_SECONDS = 300  # asked of the server, times 1 to 2: bounds how long a revoked right lingers
_OPEN_SECONDS = 90.0  # a proxy may hold the headers back until the first bookmark
_IDLE_WITH_BOOKMARKS = 120.0  # they come about once a minute
_SHORT_WATCH = 1.0
_SLOW_RETRY = 30.0  # for what a human has to change: rights, a missing CRD
_STALE_REWATCH = 60.0  # an internal error that lasts longer than this is answered by a list


class ListWatch(Protocol):
    """What a reflector asks of the API (``api.Api``). Error answers are ApiError, lost connections Unreachable."""

    async def list_page(
        self, resource: Resource, namespace: str | None, row: type[Any], *, limit: int = ..., continue_: str = ...
    ) -> Page: ...

    def watch(
        self, resource: Resource, namespace: str | None, row: type[Any], *, resource_version: str, seconds: int
    ) -> AsyncIterator[list[WatchEvent]]: ...


class Status(msgspec.Struct, frozen=True):
    """Where a reflector stands. ``since``: cluster time the state began; ``at``: of the newest word of the server."""

    state: State
    since: float
    at: float | None = None
    message: str = ""
    code: int | None = None  # HTTP status behind DENIED and BACKOFF
    resource_version: str = ""
    listed: bool = False  # a complete list was held at some time


class Counters:
    """For doctor's self-observation."""

    __slots__ = ("events", "lists", "odd", "relists", "watches")

    def __init__(self) -> None:
        self.lists = self.relists = self.watches = self.events = self.odd = 0


class Reflector:
    """Keeps ``sink`` equal to one resource in one scope (``namespace`` None: all). ``run`` never raises."""

    def __init__(
        self,
        source: ListWatch,
        resource: Resource,
        row: type[Any],
        sink: Sink,
        clock: Clock,
        *,
        namespace: str | None = None,
        rng: random.Random | None = None,
        gate: asyncio.Semaphore | None = None,
        on_status: Callable[[Reflector], None] | None = None,
        page: int = 500,
    ) -> None:
        self.resource = resource
        self.namespace = namespace
        self.counters = Counters()
        self._source = source
        self._row = row
        self._sink = sink
        self._clock = clock
        self._rng = rng or random.Random()
        self._gate = gate or asyncio.Semaphore(1)
        self._on_status = on_status
        self._page = page
        self._backoff = Backoff(clock.wall, self._rng)
        self._version = ""
        self._kick = asyncio.Event()
        self._scope: asyncio.Timeout | None = None
        self._failing_since: float | None = None  # wall; of in-stream internal errors
        self.status = Status("LISTING", clock.cluster())

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            try:
                if not self._version:
                    await self._list()
                delay = await self._watch()
            except ApiError as error:
                delay = self._refused(error)
            except CredentialsError as error:
                delay = self._backoff.next()
                self._move("DENIED", str(error), code=401)
            except CockpitError as error:
                # No answer, or none that makes sense. What is held stays valid from the version it has.
                delay = self._backoff.next()
                self._move("BACKOFF", str(error))
            except Exception as error:
                # A defect of ours. A reflector that ended in silence would show an old picture as a live one.
                self._version = ""
                delay = self._backoff.next()
                self._move("BACKOFF", f"a defect in the cockpit itself ({type(error).__name__}); please report it")
            if self._kick.is_set():
                self._kick.clear()
            elif delay:
                await self._pause(delay)

    def kick(self, *, rewatch: bool = False, relist: bool = False) -> None:
        """Try again now instead of after the pause.

        ``rewatch`` also leaves a running watch for a new one, as after an outage it may hang on a dead connection;
        ``relist`` lists afresh.
        """
        self._backoff.reset()
        if relist:
            self._version = ""
        if self._scope is None:
            if relist or self.status.state not in ("SYNCED", "LISTING"):
                self._kick.set()
        elif rewatch or relist:
            self._kick.set()
            with contextlib.suppress(RuntimeError):  # already expiring
                self._scope.reschedule(asyncio.get_running_loop().time())

    async def _list(self) -> None:
        async with self._gate:
            self._move("LISTING" if not self.status.listed else self.status.state, self.status.message)
            self.counters.lists += 1
            try:
                version = await self._fill(self._page)
            except ApiError as error:
                if error.status != 410:
                    raise
                # The pages' snapshot was compacted while we read it: once more, in one piece.
                version = await self._fill(0)
        self._version = version
        self._move("SYNCED", "", heard=True, listed=True)

    async def _fill(self, limit: int) -> str:
        replacement = self._sink.replacement(self.namespace)
        token = version = ""
        while True:
            page = await self._source.list_page(self.resource, self.namespace, self._row, limit=limit, continue_=token)
            replacement.add(page.rows)
            self.counters.odd += page.failures
            version = page.resource_version  # of the list, never of an item
            if not page.continue_:
                break
            if page.continue_ == token:
                raise Unreachable(f"the server gives the same page of {self.resource.plural} again and again")
            token = page.continue_
        replacement.commit()
        return version

    async def _watch(self) -> float:
        """One watch, to its end. Returns the seconds to wait before the next."""
        seconds = int(_WATCH_SECONDS * (1 + self._rng.random()))
        opened = self._clock.wall()
        events, bookmarks = 0, False
        self.counters.watches += 1
        loop = asyncio.get_running_loop()
        stream = self._source.watch(
            self.resource, self.namespace, self._row, resource_version=self._version, seconds=seconds
        )
        try:
            async with asyncio.timeout(_OPEN_SECONDS) as self._scope, _closing(stream):
                async for batch in stream:
                    for event in batch:
                        if event.type == "ERROR":
                            return self._in_stream(event, events)
                        self._apply(event)
                        bookmarks = bookmarks or event.type == "BOOKMARK"
                    events += len(batch)
                    self._backoff.healthy()
                    self._failing_since = None if events else self._failing_since
                    self._move("SYNCED", "", heard=True)
                    idle = _IDLE_WITH_BOOKMARKS if bookmarks else seconds + 30.0
                    self._scope.reschedule(loop.time() + idle)
        except TimeoutError:
            if not self._kick.is_set():
                self._move("STALE", f"the watch of {self.resource.plural} fell silent; asking again")
            return 0.0
        finally:
            self._scope = None
        if not events and self._clock.wall() - opened < _SHORT_WATCH:
            delay = self._backoff.next()
            self._move("BACKOFF", f"the server ends the watch of {self.resource.plural} at once")
            return delay
        return 0.0

    def _apply(self, event: WatchEvent) -> None:
        self.counters.odd += event.odd
        if event.type != "BOOKMARK":
            self.counters.events += 1
            if event.row is None:
                return
            if event.type == "DELETED":
                self._sink.delete(event.row)
            else:
                self._sink.upsert(event.row)
        if event.resource_version:
            self._version = event.resource_version

    def _in_stream(self, event: WatchEvent, events: int) -> float:
        """An ERROR event: HTTP said 200, the Status inside says otherwise."""
        text = clean(event.message or event.reason or "an error without a text", 300)
        if event.code == 410 or event.reason in ("Expired", "Gone"):
            return self._expired(progressed=events > 0)
        delay = self._backoff.next(event.retry_after)
        self._move("BACKOFF", f"the watch of {self.resource.plural} ended with: {text}", code=event.code or None)
        if event.code == 429:
            return delay
        if event.code == 500 or event.reason == "InternalError":
            now = self._clock.wall()
            self._failing_since = now if self._failing_since is None else self._failing_since
            if now - self._failing_since < _STALE_REWATCH:
                return delay
        self._version = ""
        return delay

    def _expired(self, *, progressed: bool) -> float:
        """Our version is older than what the server remembers: list again, at once when the last one had worked."""
        self._version = ""
        self.counters.relists += 1
        if progressed or self._backoff.failures == 0:
            self._backoff.failures = max(self._backoff.failures, 1)
            return 0.0
        delay = self._backoff.next()
        self._move("BACKOFF", f"the server forgets versions of {self.resource.plural} as soon as it gives them")
        return delay

    def _refused(self, error: ApiError) -> float:
        """An error answer to a list or to the opening of a watch."""
        slow = _SLOW_RETRY * (1 + self._rng.random())
        if error.status == 410:
            return self._expired(progressed=False)
        if error.status in (401, 403):
            if error.status == 403:
                self._version = ""  # some may list and not watch: then the list is asked for at each attempt
            self._move("DENIED", str(error), code=error.status)
            return slow if error.status == 403 else self._backoff.next()
        if error.status == 404:
            self._version = ""
            self._sink.replacement(self.namespace).commit()
            self._move("ABSENT", f"{self.resource.plural}.{self.resource.group or 'core'} is not served", code=404)
            return 2 * slow
        delay = self._backoff.next(error.retry_after)
        self._move("BACKOFF", str(error), code=error.status)
        if error.status < 500 and error.status != 429:
            self._version = ""  # 400 and its kind: the version itself may be what is not understood
        return delay

    async def _pause(self, delay: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._kick.wait()
        self._kick.clear()

    def _move(
        self, state: State, message: str, *, code: int | None = None, heard: bool = False, listed: bool = False
    ) -> None:
        old, now = self.status, self._clock.cluster()
        self.status = Status(
            state,
            since=old.since if old.state == state else now,
            at=now if heard else old.at,
            message=message,
            code=code,
            resource_version=self._version,
            listed=listed or old.listed,
        )
        if self._on_status is not None and (old.state, old.message, old.listed) != (
            state,
            message,
            self.status.listed,
        ):
            self._on_status(self)


@contextlib.asynccontextmanager
async def _closing(stream: AsyncIterator[Any]) -> AsyncIterator[None]:
    # The generator holds the connection; leaving its loop early must close it now, not when it is collected.
    try:
        yield
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
