"""What is kept of a rollout when X or R is confirmed: logs of both arms, pods, events, SLIs, verdict, templates."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

import msgspec

from cockpit.base.clock import Clock, rfc3339
from cockpit.base.errors import CockpitError
from cockpit.base.secrets import hide
from cockpit.base.text import clean
from cockpit.cluster.podlogs import LogSource
from cockpit.journal.observed import Piece
from cockpit.live.masking import Mask, quiet
from cockpit.model.log import LogLine
from cockpit.model.plan import Plan
from cockpit.model.resource import REPLICASETS, Key
from cockpit.model.rollout import Arm, Pod, Role, Rollout
from cockpit.model.snapshot import Snapshot
from cockpit.ports import LogFeed, Series
from cockpit.strategies.contract import Reader

LOG_BYTES = 4 << 20
"""Bytes of one arm's log, and of one container's: the newest, as the end is where it broke."""
TOTAL_BYTES = 32 << 20
_LINES = 10_000
_TAIL = 1_000  # lines of a container that no feed follows
_MOST_CONTAINERS = 12  # read for an arm whose logs were not open: each is a request to a kubelet
_AT_ONCE = 8

Job = tuple[str, Callable[[], Coroutine[Any, Any, list[Piece]]]]


class Picture(Protocol):
    def snapshot(self) -> Snapshot: ...


class Witness:
    """Implements ``actions.evidence.Witness`` over what a session has open."""

    def __init__(
        self,
        picture: Picture,
        feed: Callable[[Key, Role], LogFeed],
        series: Callable[[Key], Series],
        logs: LogSource,
        reader: Reader,
        clock: Clock,
    ) -> None:
        self._picture = picture
        self._feed = feed
        self._series = series
        self._logs = logs
        self._reader = reader
        self._clock = clock

    def begin(self, plan: Plan) -> Capture:
        rings: dict[Role, tuple[Sequence[LogLine], int]] = {}
        for role in _ROLES:
            feed = self._feed(plan.key, role)
            rings[role] = (feed.after(0, _LINES), feed.dropped)
        series = self._series(plan.key)
        points = {
            name: {role: list(series.points(name, role)) for role in _ROLES}  # the next sample would push some out
            for name in series.names()
        }
        return Capture(plan, self._picture.snapshot(), rings, points, self._logs, self._reader, self._clock)


class Capture:
    """Implements ``actions.evidence.Capture``. What it holds was taken when it was made, and is only encoded later."""

    def __init__(
        self,
        plan: Plan,
        snapshot: Snapshot,
        rings: dict[Role, tuple[Sequence[LogLine], int]],
        points: dict[str, dict[Role, list[tuple[float, float | None]]]],
        logs: LogSource,
        reader: Reader,
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._snapshot = snapshot
        self._rings = rings
        self._points = points
        self._logs = logs
        self._reader = reader
        self._clock = clock
        self._rollout = snapshot.rollouts.get(plan.key)
        self._missing: list[str] = []
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def finish(self, seconds: float) -> Sequence[Piece]:
        """Reads what only the cluster has, for ``seconds`` of wall time, and puts all of it in pieces."""
        deadline = self._clock.wall() + seconds
        jobs = self._jobs()
        tasks = {asyncio.create_task(work()): what for what, work in jobs}
        read: list[Piece] = []
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=max(deadline - self._clock.wall(), 0.0))
            for task, what in tasks.items():
                if not task.done():
                    self._missing.append(f"{what}: not read within {seconds:.0f} s")
                elif (error := task.exception()) is None:
                    read += task.result()
                elif isinstance(error, CockpitError):
                    self._missing.append(f"{what}: {clean(str(error), 300)}")
                else:
                    self._missing.append(f"{what}: {type(error).__name__}")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        # Masking and encoding megabytes must not hold up the frames of the screen.
        return await asyncio.to_thread(self._assembled, read)

    # -- what only the cluster has -------------------------------------------------------------------------------------

    def _jobs(self) -> list[Job]:
        """(what, how) of every read, the previous logs of crash-looping canary pods first."""
        rollout = self._rollout
        if rollout is None:
            return []
        arms: dict[Role, Arm | None] = {"canary": rollout.canary, "baseline": rollout.baseline or rollout.before}
        jobs = [self._previous(pod, each) for pod in _pods(rollout.canary) for each in _restarted(pod)]
        jobs = jobs[:_MOST_CONTAINERS]
        jobs += [self._template(rollout, arm) for arm in arms.values() if arm is not None and arm.replicaset]
        for role, arm in arms.items():
            if not self._rings[role][0]:
                pods = sorted(_pods(arm), key=lambda pod: (pod.reason is None, pod.name))
                containers = [(pod, name) for pod in pods for name in pod.containers[:1]]
                if len(containers) > _MOST_CONTAINERS:
                    self._missing.append(
                        f"logs of {role}: {_MOST_CONTAINERS} of {len(containers)} pods, as its logs were not open"
                    )
                jobs += [self._tail(role, pod, name) for pod, name in containers[:_MOST_CONTAINERS]]
        return jobs

    def _previous(self, pod: Pod, container: str) -> Job:
        name = f"logs/previous/{_safe(pod.name)}-{_safe(container)}.log"
        what = f"previous log of {pod.name} {container}"
        return what, lambda: self._stream(what, name, pod, container, previous=True)

    def _tail(self, role: Role, pod: Pod, container: str) -> Job:
        name = f"logs/{role}/{_safe(pod.name)}-{_safe(container)}.log"
        what = f"log of {pod.name} {container}"
        return what, lambda: self._stream(what, name, pod, container, previous=False)

    async def _stream(self, what: str, name: str, pod: Pod, container: str, *, previous: bool) -> list[Piece]:
        """A cut stream is worth what came of it."""
        taken = bytearray()
        async with self._gate:
            stream = self._logs.log_stream(
                pod.namespace,
                pod.name,
                container=container,
                follow=False,
                tail_lines=_TAIL,
                previous=previous,
                limit_bytes=LOG_BYTES,
            )
            try:
                async with contextlib.aclosing(stream) as chunks:  # type: ignore[type-var]
                    async for chunk in chunks:
                        taken += chunk
                        if len(taken) > LOG_BYTES:
                            break
            except CockpitError as error:
                if not taken:
                    raise
                self._missing.append(f"{what}: cut off, {clean(str(error), 200)}")
        return [Piece(name, "log", bytes(taken[:LOG_BYTES]))]

    def _template(self, rollout: Rollout, arm: Arm) -> Job:
        async def read() -> list[Piece]:
            whole = await self._reader.get(REPLICASETS, rollout.key.namespace, arm.replicaset or "")
            spec = whole.get("spec")
            template = spec.get("template") if isinstance(spec, dict) else None
            return [Piece(f"templates/{_safe(arm.hash)}.json", "template", _json(hide(template)))]

        return f"template of {arm.hash}", read

    # -- putting it together -------------------------------------------------------------------------------------------

    def _assembled(self, read: list[Piece]) -> list[Piece]:
        now, rollout = self._snapshot, self._rollout
        pieces: list[Piece] = []
        if rollout is None:
            self._missing.append(f"{self._plan.key} was not in the picture: nothing of it could be kept")
        else:
            pieces.append(Piece("pods.json", "pods", _json(quiet(_states(rollout)))))
            pieces.append(Piece("rollout.json", "rollout", _json(quiet(msgspec.to_builtins(rollout)))))
        events = [event for event in now.events if event.rollout == self._plan.key]
        pieces.append(Piece("events.json", "events", _json(quiet(msgspec.to_builtins(events)))))
        assessment = now.assessments.get(self._plan.key)
        if assessment is None:
            self._missing.append("verdict: there was none")
        else:
            pieces.append(Piece("verdict.json", "verdict", _json(hide(msgspec.to_builtins(assessment)))))
        if self._points:
            pieces.append(Piece("series.json", "series", _json(self._points)))
        else:
            self._missing.append("SLI series: none was kept")
        for role, (lines, dropped) in self._rings.items():
            if lines:
                pieces.append(Piece(f"logs/{role}.log", "log", _log(lines)))
            if dropped:
                self._missing.append(f"logs of {role}: {dropped} older lines had left the ring")
        pieces += [
            msgspec.structs.replace(each, content=_masked(each.content)) if each.kind == "log" else each
            for each in read
        ]
        kept, total = [], 0
        for piece in pieces:
            total += len(piece.content)
            if total > TOTAL_BYTES:
                total -= len(piece.content)
                self._missing.append(f"{piece.name}: more than {TOTAL_BYTES >> 20} MiB in all")
                continue
            kept.append(piece)
        at = rfc3339(now.now)
        about = [f"Evidence of {self._plan.verb} {self._plan.key}, taken at {at} (cluster time).", *self._missing]
        return [*kept, Piece("about.txt", "about", "\n".join((*about, "")).encode("utf-8", "replace"))]


_ROLES: tuple[Role, ...] = ("canary", "baseline")


def _pods(arm: Arm | None) -> tuple[Pod, ...]:
    return arm.pods if arm is not None else ()


def _restarted(pod: Pod) -> list[str]:
    """Containers with an instance before this one."""
    return [name for name in pod.containers if pod.restarts_by_container.get(name)]


def _states(rollout: Rollout) -> dict[str, Any]:
    arms = {"canary": rollout.canary, "baseline": rollout.baseline, "before": rollout.before}
    return {role: msgspec.to_builtins(arm.pods) for role, arm in arms.items() if arm is not None}


def _log(lines: Sequence[LogLine]) -> bytes:
    """The newest lines that fit, oldest first, each with its stamp, pod and container."""
    masks: dict[tuple[str, str], Mask] = {}
    texts = [masks.setdefault((line.pod, line.container), Mask()).line(line.text) for line in lines]
    taken: list[bytes] = []
    size = 0
    for line, masked in zip(reversed(lines), reversed(texts), strict=True):
        stamp = rfc3339(line.at) if line.at is not None else "-"
        marks = " (previous)" * line.previous + " #" * line.note
        text = f"{stamp} {line.pod}/{line.container}{marks} {masked}\n".encode("utf-8", "replace")
        size += len(text)
        if size > LOG_BYTES:
            break
        taken.append(text)
    return b"".join(reversed(taken))


def _masked(content: bytes) -> bytes:
    mask = Mask()
    lines = content.decode("utf-8", "replace").splitlines()
    return "".join(f"{mask.line(clean(line, 4096))}\n" for line in lines).encode("utf-8", "replace")


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1)


def _safe(name: str) -> str:
    """A name as one segment of a path."""
    return "".join(each if each.isalnum() or each in "-_." else "_" for each in name).strip(".")[:120] or "_"
