"""One container's log, followed through cuts, rotations and restarts without losing or doubling a line.

The protocol (facts 3): lines carry stamps; after a cut ask from the last stamp's whole second, drop what was older and,
at the same stamp, as many lines as were seen. What an end means is decided from the pod in the store, never guessed.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple, Protocol

from cockpit.base.clock import Clock, parse_time
from cockpit.base.errors import ApiError, CockpitError
from cockpit.base.text import clean
from cockpit.cluster.backoff import Backoff
from cockpit.cluster.logstream import Position, RawLine, pump
from cockpit.cluster.rows import ContainerStatus, PodRow, Terminated
from cockpit.cluster.store import Store

TAIL_LINES = 500

_SILENCE = 60.0  # kubelets have stopped following at a rotation without saying so
_LONGEST_SILENCE = 300.0
_SLOW_RETRY = 60.0
_STORE_LAG = 5.0  # seconds the picture of a pod may be behind the end of its log


class LogSink(Protocol):
    """Takes what a follower reads."""

    def lines(self, lines: list[RawLine], previous: bool) -> None: ...

    def note(self, text: str, at: float | None = None) -> None:
        """Something a reader of the log must know, at its place in time (unix seconds; None: now)."""

    def state(self, text: str) -> None:
        """Empty while the stream flows, otherwise why it does not."""


class LogSource(Protocol):
    """Opens log streams (``api.Api``)."""

    def log_stream(
        self,
        namespace: str,
        pod: str,
        *,
        container: str,
        follow: bool = ...,
        since: float | None = ...,
        tail_lines: int | None = ...,
        previous: bool = ...,
        limit_bytes: int | None = ...,
    ) -> AsyncIterator[bytes]: ...


class Instance(NamedTuple):
    """One run of a container: what tells it from the one before, and how it ended (None while it runs)."""

    identity: str
    ended: Terminated | None


class PodLog:
    """Follows one container of one pod (a uid, not a name) through its instances. ``run`` returns when it is over."""

    def __init__(
        self,
        source: LogSource,
        pods: Store,
        clock: Clock,
        sink: LogSink,
        *,
        namespace: str,
        pod: str,
        uid: str,
        container: str,
        since: float | None = None,
        follow: bool = True,
        previous_only: bool = False,
        rng: random.Random | None = None,
        gate: asyncio.Semaphore | None = None,
    ) -> None:
        self._source = source
        self._pods = pods
        self._clock = clock
        self._sink = sink
        self._namespace, self._pod, self._uid, self._container = namespace, pod, uid, container
        self._since = since
        self._follow = follow
        self._previous_only = previous_only
        self._gate = gate or asyncio.Semaphore(1)
        self._backoff = Backoff(clock.wall, rng or random.Random())
        self._positions: dict[str, Position] = {}  # by instance
        self._read: set[str] = set()  # instances read to their end
        self._met: set[str] | None = None  # instances there at the beginning: only these are cut to the asked window
        self._silence = _SILENCE

    async def run(self) -> None:
        """Follow until the pod is gone (or, without ``follow``, until what exists was read)."""
        while True:
            row = self._row()
            if row is None:
                self._sink.state("")
                self._sink.note(f"pod {self._pod} is gone")
                return
            status = _status(row, self._container)
            delay: float | None
            try:
                delay = await self._step(status)
            except ApiError as error:
                delay = self._refused(error)
            except CockpitError as error:
                self._sink.state(str(error))
                delay = self._backoff.next()
            if delay is not None:
                await self._changed(row, delay)
            elif not self._follow:
                return

    async def _step(self, status: ContainerStatus | None) -> float | None:
        """Read what there is to read now. Seconds to wait for a change of the pod, None for none."""
        if status is None:
            self._sink.state("waiting for the pod to be scheduled")
            return None if not self._follow else _SLOW_RETRY
        last, current = _instances(status)
        self._remember(last, current)
        if last is not None and last.identity not in self._read:
            await self._finish(last, previous=True, restarts=status.restart_count)
        if self._previous_only:
            if last is None:
                self._sink.note(f"{self._pod} {self._container} has no instance before this one")
            self._follow = False
            return None
        if current is None:
            waiting = status.state.waiting
            self._sink.state(f"waiting: {clean(waiting.reason, 80) if waiting and waiting.reason else 'not started'}")
        elif current.ended is None:
            await self._stream(current, previous=False, follow=self._follow)
            # Ended, cut or rotated: the store will say, but it may be behind the log.
            return min(self._backoff.next(), _STORE_LAG) if self._follow else None
        else:
            if current.identity not in self._read:
                await self._finish(current, previous=False, restarts=status.restart_count)
            self._sink.state(f"container ended: {clean(current.ended.reason, 80) or 'terminated'}")
        return _SLOW_RETRY if self._follow else None

    def _remember(self, *instances: Instance | None) -> None:
        present = {instance.identity for instance in instances if instance is not None}
        if self._met is None:
            self._met = present
        self._read &= present
        self._positions = {identity: self._positions.get(identity, Position()) for identity in present}

    async def _finish(self, instance: Instance, *, previous: bool, restarts: int) -> None:
        """Read an ended instance to its end, once; only what is missing of it when it was followed."""
        try:
            await self._stream(instance, previous=previous, follow=False)
        except ApiError as error:
            if error.status != 400:  # 400: the node has collected it
                raise
        self._read.add(instance.identity)
        ended = instance.ended
        if ended is not None:
            why = f"exit code {ended.exit_code}" + (f", {clean(ended.reason, 80)}" if ended.reason else "")
            at = parse_time(ended.finished_at)
            # The kubelet's time is cut to the second; the note belongs behind what was written in it.
            text = f"{self._pod} {self._container} ended: {why}; {restarts} restarts so far"
            self._sink.note(text, at + 0.999 if at is not None else None)

    async def _stream(self, instance: Instance, *, previous: bool, follow: bool) -> None:
        """Read one stream to its end. Raises what opening or reading it raised."""
        position = self._positions[instance.identity]
        resumed = position.copy() if position.last is not None else None
        asked = instance.identity in (self._met or ())
        since = position.last // 1_000_000_000 if position.last is not None else self._since if asked else None
        stream = self._source.log_stream(
            self._namespace,
            self._pod,
            container=self._container,
            follow=follow,
            since=since,
            tail_lines=TAIL_LINES if asked and since is None else None,
            previous=previous,
        )
        await self._gate.acquire()
        opening = True

        def emit(batch: list[RawLine]) -> None:
            nonlocal opening
            if opening:
                opening = False
                self._gate.release()
                self._sink.state("")
            if fresh := position.fresh(batch, resumed):
                self._silence = _SILENCE
                self._sink.lines(fresh, previous)
            self._backoff.healthy()
            if not deadline.expired():
                deadline.reschedule(asyncio.get_running_loop().time() + self._silence)

        try:
            async with _closing(stream), asyncio.timeout(self._silence) as deadline:
                await pump(stream, emit, whole=not follow)
        except TimeoutError:
            self._silence = min(self._silence * 2, _LONGEST_SILENCE)
            self._backoff.reset()
        finally:
            if opening:
                self._gate.release()

    def _refused(self, error: ApiError) -> float | None:
        if error.status in (401, 403):
            self._sink.state(f"denied: {error}")
            return _SLOW_RETRY if self._follow else None
        if not self._follow:
            self._sink.state(str(error))
            return None
        if error.status == 400:  # waiting to start: the store will say when that changes
            self._sink.state(str(error))
            return _SLOW_RETRY
        if error.status == 404:
            return _STORE_LAG
        self._sink.state(str(error))
        return self._backoff.next(error.retry_after)

    async def _changed(self, row: PodRow, delay: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._pods.wait(self._namespace, self._pod, row)

    def _row(self) -> PodRow | None:
        row: PodRow | None = self._pods.get(self._namespace, self._pod)
        return row if row is not None and row.meta.uid == self._uid else None


def _status(row: PodRow, container: str) -> ContainerStatus | None:
    status = row.status
    every = (*status.container_statuses, *status.init_container_statuses, *status.ephemeral_container_statuses)
    return next((item for item in every if item.name == container), None)


def _instances(status: ContainerStatus) -> tuple[Instance | None, Instance | None]:
    """(the one before, the one there is). A container that waits to be restarted has none."""
    before, now, count = status.last_state.terminated, status.state, status.restart_count
    up = now.running is not None or now.terminated is not None
    last = Instance(before.container_id or f"#{count - up}", before) if before is not None else None
    if now.terminated is not None:
        return last, Instance(now.terminated.container_id or status.container_id or f"#{count}", now.terminated)
    return last, Instance(status.container_id or f"#{count}", None) if now.running is not None else None


@contextlib.asynccontextmanager
async def _closing(stream: AsyncIterator[bytes]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
