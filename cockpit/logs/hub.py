"""The log streams of the open rollout: which to follow, one feed per arm, nothing left running when it closes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import msgspec

from cockpit.base.clock import Clock
from cockpit.cluster.logstream import RawLine
from cockpit.cluster.podlogs import LogSource, PodLog
from cockpit.cluster.store import Store
from cockpit.logs.feed import Feed
from cockpit.model.resource import Key
from cockpit.model.rollout import Arm, Pod, Role, Rollout

MOST_STREAMS = 50
"""Each is a connection through the API server to a kubelet."""

_OPENED_AT_ONCE = 10
_TICK = 0.1
_CLOSE_SECONDS = 2.0


class LogOptions(msgspec.Struct, frozen=True):
    """What to read. ``since``: seconds back, None for the tail; ``container`` None picks by itself."""

    since: float | None = None
    follow: bool = True
    previous: bool = False
    container: str | None = None


class _Sink:
    """Where one stream's lines go."""

    def __init__(self, feed: Feed, pod: str, container: str, several: bool) -> None:
        self._feed, self._pod, self._container = feed, pod, container
        self._name = f"{pod}/{container}" if several else pod

    def lines(self, lines: list[RawLine], previous: bool) -> None:
        self._feed.add(self._pod, self._container, lines, previous)

    def note(self, text: str, at: float | None = None) -> None:
        self._feed.note(self._pod, self._container, text, at)

    def state(self, text: str) -> None:
        if not text:
            self._feed.opened()
        self._feed.state(self._name, text)

    def over(self) -> None:
        self._feed.forget(self._name)


class LogHub:
    """Feeds for one rollout at a time."""

    def __init__(self, source: LogSource, pods: Store, clock: Clock, *, rng: random.Random | None = None) -> None:
        self._source = source
        self._pods = pods
        self._clock = clock
        self._rng = rng or random.Random()
        self._gate = asyncio.Semaphore(_OPENED_AT_ONCE)
        self._rollout: Rollout | None = None
        self._options = LogOptions()
        self._feeds: dict[Role, Feed] = {}
        self._streams: dict[tuple[Role, str, str], asyncio.Task[None]] = {}
        self._finished: set[tuple[Role, str, str]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.Task[None] | None = None

    def focus(self, rollout: Rollout | None, options: LogOptions | None = None) -> None:
        """Follow the pods of this rollout's arms; again with each new picture, for streams come and go with pods."""
        if rollout is None:
            self._close()
            return
        if self._rollout is None or self._rollout.key != rollout.key or (options and options != self._options):
            self._close()
            self._options = options or LogOptions()
        if not self._feeds:
            self._feeds = {role: self._feed() for role in ("canary", "baseline")}
            self._ticker = asyncio.create_task(self._tick())
        if rollout is not self._rollout:
            self._rollout = rollout
            self._align(rollout)

    def feed(self, key: Key, role: Role) -> Feed:
        """One arm's feed; an empty one when this rollout is not open."""
        if self._rollout is not None and self._rollout.key == key and role in self._feeds:
            return self._feeds[role]
        closed = self._feed()
        closed.empty_reason = "this rollout is not open"
        return closed

    def set_window(self, key: Key, since: float | None) -> None:
        """Start the feeds of the open rollout afresh, with the last ``since`` seconds (None: the tail)."""
        rollout = self._rollout
        if rollout is not None and rollout.key == key:
            self.focus(rollout, msgspec.structs.replace(self._options, since=since))

    async def drained(self) -> None:
        """Wait until every stream has ended (without ``follow`` they do), and let go of what is held back."""
        while running := [task for task in self._streams.values() if not task.done()]:
            await asyncio.wait(running)
        for feed in self._feeds.values():
            feed.release(all_=True)

    async def aclose(self) -> None:
        """Close all streams; returns within two seconds."""
        self._close()
        if self._closing:
            await asyncio.wait(self._closing, timeout=_CLOSE_SECONDS)

    def _feed(self) -> Feed:
        return Feed(self._clock.wall, self._clock.cluster)

    def _align(self, rollout: Rollout) -> None:
        arms: dict[Role, Arm | None] = {"canary": rollout.canary, "baseline": rollout.baseline or rollout.before}
        wanted: dict[tuple[Role, str, str], Pod] = {}
        for role, limit in _shares({role: _pairs(arm, self._options.container) for role, arm in arms.items()}).items():
            pairs = _pairs(arms[role], self._options.container)
            for pod, container in pairs[:limit]:
                wanted[role, pod.uid, container] = pod
            feed, arm = self._feeds[role], arms[role]
            feed.streams = min(limit, len(pairs))
            feed.empty_reason = "no such arm" if arm is None else "no pods" if not arm.pods else "no such container"
            if limit < len(pairs):
                feed.state("streams", f"{limit} of {len(pairs)} containers are followed")
            else:
                feed.forget("streams")
        here = {pod.uid for arm in arms.values() if arm is not None for pod in arm.pods}
        for stream in self._streams.keys() - wanted.keys():
            # A pod that is going is left to finish: what it still says belongs to the story. One that changed sides
            # (its arm was promoted) or fell out of the bound is not.
            if stream[1] in here:
                self._streams.pop(stream).cancel()
        self._finished &= wanted.keys()
        for stream, pod in wanted.items():
            if stream not in self._streams and stream not in self._finished:
                self._streams[stream] = self._open(stream, pod)

    def _open(self, stream: tuple[Role, str, str], pod: Pod) -> asyncio.Task[None]:
        role, uid, container = stream
        sink = _Sink(self._feeds[role], pod.name, container, len(pod.containers) > 1)
        options = self._options
        follower = PodLog(
            self._source,
            self._pods,
            self._clock,
            sink,
            namespace=pod.namespace,
            pod=pod.name,
            uid=uid,
            container=container,
            since=self._clock.cluster() - options.since if options.since is not None else None,
            follow=options.follow,
            previous_only=options.previous,
            rng=self._rng,
            gate=self._gate,
        )
        task = asyncio.create_task(self._run(stream, follower, sink))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task

    async def _run(self, stream: tuple[Role, str, str], follower: PodLog, sink: _Sink) -> None:
        try:
            await follower.run()
        except Exception as error:  # a fault of ours must not look like silence
            sink.note(f"this log stopped on an internal error: {type(error).__name__}")
        finally:
            sink.over()
        self._finished.add(stream)
        self._streams.pop(stream, None)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            for feed in self._feeds.values():
                if feed.waiting:
                    feed.release()

    def _close(self) -> None:
        for task in self._streams.values():
            task.cancel()
        self._streams.clear()
        self._finished.clear()
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
        self._feeds = {}
        self._rollout = None


def _pairs(arm: Arm | None, container: str | None) -> list[tuple[Pod, str]]:
    """(pod, container) to follow: those in trouble first, then the newest pods."""
    if arm is None:
        return []
    pods = sorted(arm.pods, key=lambda pod: (pod.reason is None, -(pod.created_at or 0.0), pod.name))
    return [(pod, name) for pod in pods for name in _containers(pod, container)]


def _containers(pod: Pod, asked: str | None) -> Sequence[str]:
    if asked is not None:
        return [asked] if asked in pod.containers else []
    # The first is the application; a sidecar's chatter is worth a stream only once it fails.
    restarting = [name for name in pod.containers[1:] if pod.restarts_by_container.get(name)]
    return [*pod.containers[:1], *restarting]


def _shares(pairs: dict[Role, list[tuple[Pod, str]]]) -> dict[Role, int]:
    """How many streams each arm gets of the 50: half, and what the other leaves."""
    half = MOST_STREAMS // 2
    canary, baseline = len(pairs["canary"]), len(pairs["baseline"])
    first = min(canary, max(half, MOST_STREAMS - baseline))
    return {"canary": first, "baseline": min(baseline, MOST_STREAMS - first)}
