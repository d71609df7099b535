"""Watches: resuming from history, selector transitions, bookmarks, initial events, expiry in the stream."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable, Mapping

import msgspec

from cockpit.world import status
from cockpit.world.api import present
from cockpit.world.api.call import Call
from cockpit.world.api.lists import Row, parse_version, snapshot
from cockpit.world.api.routes import truthy
from cockpit.world.api.selectors import Selector
from cockpit.world.api.streams import Stream
from cockpit.world.history import Event
from cockpit.world.store import Store, decode

BOOKMARK_SECONDS = 60.0
_BACKLOG = 50_000  # a client so far behind is cut off, as the real server does
_encode = msgspec.json.Encoder().encode


class Watch:
    """One watch request, prepared: raises what is refused before the stream begins."""

    def __init__(self, call: Call, store: Store, selector: Selector, now: Callable[[], float]) -> None:
        query = call.query
        self._call, self._store, self._selector, self._now = call, store, selector, now
        self._bookmarks = truthy(query, "allowWatchBookmarks")
        self._initial = truthy(query, "sendInitialEvents")
        _check_initial(query)
        asked = query.get("resourceVersion", "")
        self._from = parse_version(asked)
        self._synthetic = self._initial or (self._from == 0 and "sendInitialEvents" not in query)
        if not self._from:
            self._from = store.version
        self._timeout = _timeout(query.get("timeoutSeconds", ""))
        self._headed = True
        self.sent = store.version

    def initial(self) -> tuple[list[bytes], bool]:
        """What is sent at once, and whether the stream goes on after it."""
        plural, namespace = self._call.kind.plural, self._call.namespace
        if not self._synthetic:
            missed = self._store.history(plural).since(self._from)
            if missed is None:
                floor = self._store.history(plural).floor
                error = status.expired(f"too old resource version: {self._from} ({floor})")
                return [present.line("ERROR", _encode(error.body()))], False
            return [line for event in missed for line in self.lines(event)], True
        lines = [
            self._line("ADDED", row.data) for row in snapshot(self._store, plural, namespace, None) if self._picks(row)
        ]
        if self._initial and self._bookmarks:
            lines.append(present.bookmark(self._call, self._store.version, initial_end=True))
        return lines, True

    def lines(self, event: Event) -> list[bytes]:
        """The line an event makes for this watch: selectors turn changes into ADDED and DELETED."""
        if self._call.namespace is not None and event.namespace != self._call.namespace:
            return []
        was = event.old is not None and self._matches(event, event.old_labels, event.old)
        is_ = event.type != "DELETED" and self._matches(event, event.labels, event.data)
        if is_:
            return [self._line("MODIFIED" if was else "ADDED", event.data)]
        if not was:
            return []
        if event.type == "DELETED":
            return [self._line("DELETED", event.data)]
        gone = decode(event.old or b"{}")  # left the selection: as it last was in it, with the event's version
        gone["metadata"]["resourceVersion"] = str(event.version)
        return [self._line("DELETED", _encode(gone))]

    async def run(self, stream: Stream) -> None:
        """Serve until the time is over, the client is gone, or somebody ends the stream."""
        loop = asyncio.get_running_loop()
        queue: deque[Event] = deque()

        def enqueue(event: Event) -> None:
            queue.append(event)
            stream.wake.set()

        with contextlib.ExitStack() as stack:
            stack.callback(self._store.watch(self._call.kind.plural, enqueue))
            lines, goes_on = self.initial()
            if lines:
                await stream.write(b"".join(lines))
            deadline = loop.time() + self._timeout
            marked = loop.time()
            while goes_on and not stream.closing:
                now = loop.time()
                due = min(deadline, marked + BOOKMARK_SECONDS) if self._bookmarks else deadline
                if not queue and now < due:
                    await stream.wait(due - now)
                await stream.flush_injected()
                if len(queue) > _BACKLOG:
                    stream.abort()
                    break
                batch = []
                while queue:
                    batch.extend(self.lines(queue.popleft()))
                if batch:
                    await stream.write(b"".join(batch))
                now = loop.time()
                if self._bookmarks and not queue and now >= min(deadline, marked + BOOKMARK_SECONDS):
                    marked = now
                    await stream.write(present.bookmark(self._call, self._store.version))
                goes_on = now < deadline

    def _line(self, kind: str, data: bytes) -> bytes:
        headed, self._headed = self._headed, False
        return present.event(self._call, kind, data, self._now(), headed=headed)

    def _picks(self, row: Row) -> bool:
        return self._selector.matches(row.namespace, row.name, row.labels, row.data)

    def _matches(self, event: Event, labels: Mapping[str, str], data: bytes) -> bool:
        return self._selector.matches(event.namespace, event.name, labels, data)


def _check_initial(query: Mapping[str, str]) -> None:
    match = query.get("resourceVersionMatch", "")
    problem = ""
    if "sendInitialEvents" in query and match != "NotOlderThan":
        problem = 'sendInitialEvents requires setting resourceVersionMatch to "NotOlderThan"'
    elif match and "sendInitialEvents" not in query:
        problem = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
    if problem:
        cause = status.Cause("FieldValueForbidden", f"Forbidden: {problem}", "resourceVersionMatch")
        raise status.invalid("ListOptions", "meta.k8s.io", "", [cause])


def _timeout(text: str) -> float:
    """Seconds of wall time; the server's own choice is 30 to 60 minutes."""
    if not text:
        return random.uniform(1800, 3600)
    try:
        return max(float(int(text)), 0.0) or random.uniform(1800, 3600)
    except ValueError:
        raise status.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
