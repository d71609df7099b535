"""Pod logs: which container instance is meant, which of its lines, and following it to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from cockpit.base.clock import parse_time
from cockpit.world import status
from cockpit.world.api.cells import dig
from cockpit.world.api.routes import truthy
from cockpit.world.api.streams import Stream
from cockpit.world.contract import Object, Telemetry
from cockpit.world.history import Event
from cockpit.world.store import Store, decode

_STEP = 0.1  # wall seconds between looks at a followed log
_COARSE = 1.0  # virtual seconds between them while time is stepped by hand
_SLICE = 120.0  # virtual seconds of a log made in one go
_REACH = 30.0  # virtual seconds first looked back for the last lines
Line = tuple[float, bytes]


class LogRequest:
    """A validated ``GET …/pods/NAME/log``. ``empty``: the pod is not on a node yet, there is nothing to read."""

    def __init__(self, pod: Object, query: Mapping[str, str], now: float) -> None:
        self.pod = pod
        self.follow = truthy(query, "follow")
        self.previous = truthy(query, "previous")
        self.stamped = truthy(query, "timestamps")
        self.tail = _number(query, "tailLines", 0)
        self.limit = _number(query, "limitBytes", 1)
        self.since = _since(query, now)
        self.container = choose_container(pod, query.get("container", ""))
        self.empty = not dig(pod, "spec", "nodeName")
        self.instance: dict[str, Any] = {} if self.empty else self._instance()

    def _instance(self) -> dict[str, Any]:
        """The running or terminated state that is read (kubelet, validateContainerLogStatus); raises 400."""
        found = container_status(self.pod, self.container)
        last: dict[str, Any] = dig(found, "lastState", "terminated") or {}
        state = found.get("state") or {}
        where = f'container "{self.container}" in pod "{self.pod["metadata"]["name"]}"'
        if self.previous:
            if not last:
                raise status.bad_request(f"previous terminated {where} not found")
            return last
        instance: dict[str, Any] = state.get("running") or state.get("terminated") or last
        if instance:
            return instance
        reason = dig(state, "waiting", "reason") or "ContainerCreating"
        if reason == "ErrImagePull":
            reason = "image can't be pulled"
        elif reason == "ImagePullBackOff":
            reason = "trying and failing to pull image"
        raise status.bad_request(f"{where} is waiting to start: {reason}")

    @property
    def started(self) -> float:
        """Unix seconds before which the instance wrote nothing."""
        stamp = self.instance.get("startedAt") or self.pod["metadata"].get("creationTimestamp")
        return parse_time(stamp) or 0.0

    @property
    def complete(self) -> bool:
        """Nothing comes after the backlog: it is not followed, or the instance has ended already."""
        return not self.follow or "finishedAt" in self.instance


def container_status(pod: Object, container: str) -> dict[str, Any]:
    every = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    listed: list[dict[str, Any]] = [s for group in every for s in dig(pod, "status", group) or ()]
    return next((s for s in listed if s.get("name") == container), {})


def choose_container(pod: Object, asked: str) -> str:
    """The container meant; raises 400 as the real server words it."""
    name = pod["metadata"]["name"]
    main = [c["name"] for c in dig(pod, "spec", "containers") or ()]
    init = [c["name"] for c in dig(pod, "spec", "initContainers") or ()]
    if asked:
        if asked not in (*main, *init, *(c["name"] for c in dig(pod, "spec", "ephemeralContainers") or ())):
            raise status.bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    if len(main) == 1:
        return str(main[0])
    choice = f"a container name must be specified for pod {name}, choose one of: [{' '.join(main)}]"
    if init:
        choice += f" or one of the init containers: [{' '.join(init)}]"
    raise status.bad_request(choice)


def stamp(at: float) -> bytes:
    """RFC3339Nano, as far as a float goes (whole microseconds); trailing zeros of the fraction are not written."""
    seconds, fraction = divmod(round(at * 1e6), 1_000_000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f"{fraction:06d}".rstrip("0")
    return f"{text}.{digits}Z".encode() if digits else f"{text}Z".encode()


class LogReader:
    """Reads the lines of one request from telemetry, and follows them along virtual time."""

    def __init__(self, request: LogRequest, telemetry: Telemetry | None, store: Store) -> None:
        self._request, self._telemetry, self._store = request, telemetry, store
        self._left = request.limit
        self._until = store.clock.now()
        self._tail: list[bytes] | None = None

    async def backlog(self) -> AsyncIterator[bytes]:
        """Everything up to now that was asked for, in blocks; others get their turn between them."""
        request = self._request
        start = max(request.since or 0.0, request.started)
        if request.tail is not None:
            for block in self._format(self._last(request.tail, start)):
                yield block
            return
        while start < self._until and self._left != 0:
            end = min(start + _SLICE, self._until)
            lines = self._format(self._lines(start, end, previous=request.previous))
            if lines:
                yield b"".join(lines)
            start = end
            await asyncio.sleep(0)

    def _last(self, count: int, start: float) -> list[Line]:
        """The last ``count`` lines, found by looking back further and further."""
        reach, lines = _REACH, list[Line]()
        while count and len(lines) < count:
            since = max(self._until - reach, start)
            lines = list(self._lines(since, self._until, previous=self._request.previous))
            if since <= start:
                break
            reach *= 4
        return lines[max(len(lines) - count, 0) :]

    async def run(self, stream: Stream, speed: Callable[[], float], line_per_chunk: Callable[[], bool]) -> None:
        """Backlog, then new lines as virtual time passes, until the container instance ended."""
        clock = self._store.clock

        def observe(event: Event) -> None:
            self._observe(event, stream)

        unwatch = self._store.watch("pods", observe)
        try:
            async for block in self.backlog():
                await stream.write(block)
            while not (stream.closing or self._left == 0 or self._request.complete):
                await stream.flush_injected()
                if self._tail is not None:
                    await _write(stream, self._tail, line_per_chunk())
                    return
                since, self._until = self._until, clock.now()
                if self._until > since:
                    lines = self._lines(since, self._until, previous=self._request.previous)
                    await _write(stream, self._format(lines), line_per_chunk())
                timer = clock.call_later(_STEP * speed() if speed() > 0 else _COARSE, stream.wake.set)
                try:
                    await stream.wait(None)
                finally:
                    timer.cancel()
        finally:
            unwatch()

    def _observe(self, event: Event, stream: Stream) -> None:
        """Read the rest as soon as the instance ended, however far time is moved at once."""
        pod = self._request.pod["metadata"]
        if (event.name, event.namespace) != (pod["name"], pod["namespace"]) or self._tail is not None:
            return
        successor = False
        if event.type != "DELETED":
            found = container_status(decode(event.data), self._request.container)
            running = dig(found, "state", "running")
            if running is not None and running.get("startedAt") == self._request.instance.get("startedAt"):
                return
            successor = running is not None
        clock = self._store.clock
        self._tail = []

        def read() -> None:
            self._tail = self._format(self._lines(self._until, clock.now(), previous=successor))
            stream.wake.set()

        clock.call_at(clock.now(), read)

    def _lines(self, since: float | None, until: float, *, previous: bool) -> Iterator[Line]:
        if self._telemetry is None or self._request.empty:
            return iter(())
        request = self._request
        return self._telemetry.log_lines(request.pod, request.container, previous=previous, since=since, until=until)

    def _format(self, lines: Iterable[Line]) -> list[bytes]:
        out = []
        for at, text in lines:
            line = (stamp(at) + b" " + text if self._request.stamped else text) + b"\n"
            if self._left is not None:
                line = line[: self._left]
                self._left -= len(line)
                if not line:
                    break
            out.append(line)
        return out


async def _write(stream: Stream, lines: list[bytes], line_per_chunk: bool) -> None:
    if line_per_chunk:
        for line in lines:
            await stream.write(line)
    elif lines:
        await stream.write(b"".join(lines))


def _number(query: Mapping[str, str], name: str, least: int) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        value = int(text)
    except ValueError:
        raise status.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
    if value < least:
        bound = "greater than or equal to 0" if least == 0 else "greater than 0"
        cause = status.Cause("FieldValueInvalid", f"Invalid value: {value}: must be {bound}", name)
        raise status.invalid("PodLogOptions", "", "", [cause])
    return value


def _since(query: Mapping[str, str], now: float) -> float | None:
    """Unix seconds; sinceTime is cut to whole seconds as metav1.Time is."""
    seconds, moment = _number(query, "sinceSeconds", 1), query.get("sinceTime", "")
    if seconds is not None and moment:
        message = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        raise status.invalid("PodLogOptions", "", "", [status.Cause("FieldValueForbidden", message, "")])
    if seconds is not None:
        return now - seconds
    if not moment:
        return None
    at = parse_time(moment)
    if at is None:
        raise status.bad_request(f'parsing time "{moment}" as "2006-01-02T15:04:05Z07:00": cannot parse it')
    return float(int(at))
