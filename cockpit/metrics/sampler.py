"""The sampler: polls Prometheus for the rollouts that matter, keeps their evidence, and says what it cannot know."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

from cockpit.base.clock import GRID_SECONDS, Clock
from cockpit.base.errors import CockpitError
from cockpit.base.text import clean
from cockpit.config import Settings
from cockpit.metrics.blind import Up
from cockpit.metrics.budgets import Budgets
from cockpit.metrics.catchup import CatchUp
from cockpit.metrics.client import AUTH, OVERLOAD, QUERY, TIMEOUT, Prometheus, PrometheusError
from cockpit.metrics.counters import Pod
from cockpit.metrics.follow import Follow
from cockpit.metrics.inforce import InForce
from cockpit.metrics.observe import observe, unseen
from cockpit.metrics.own import own_slis
from cockpit.metrics.pasts import Pasts
from cockpit.metrics.poll import Poll, groups
from cockpit.metrics.presets import Preset, load_preset
from cockpit.metrics.readings import Chart, NoChart
from cockpit.model.case import Observed
from cockpit.model.evidence import Blind, Evidence
from cockpit.model.resource import Key
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Source, SourceHealth
from cockpit.model.urgency import RECENT_SECONDS
from cockpit.ports import Series

_SETTLE = 3.0  # seconds until a sample that belongs to a grid point can be expected to be stored
_FROZEN_POLL = 1.0  # wall seconds between looks at a world whose time stands still
_LEAST_WAIT = 0.2  # wall seconds between polls, however fast the world runs
_LONGEST_BACKOFF = 120.0
_KNOWN_STALE = 40.0
_AT_ONCE = 16  # rollouts looked at between two turns of the event loop


class Sampler:
    """Implements what ``live`` and the session ask of Prometheus. Nothing it does raises out after ``__init__``.

    Raises ConfigError when the settings name a preset that cannot be used. All methods belong to one event loop.
    """

    def __init__(
        self, settings: Settings, clock: Clock, *, client: Prometheus | None = None, preset: Preset | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._enabled = settings.prometheus.configured or client is not None
        folder = settings.source.parent / "presets" if settings.source is not None else None
        self._preset = preset or load_preset(settings.prometheus.preset, folder)
        self._client = client or Prometheus(settings.prometheus)
        own = own_slis(settings.sli, settings.judge, str(settings.source or "settings"))
        self._in_force = InForce(settings, self._preset, own)
        self._poll = Poll(self._client, self._preset, own)
        self._metric = self._preset.requests.selector.split("{", 1)[0] or self._preset.name
        self._rollouts: Mapping[Key, Rollout] = {}
        self._targets: dict[Key, Rollout] = {}
        self._epochs: dict[Key, float] = {}
        self._focus: Key | None = None
        self._follows: dict[Key, Follow] = {}
        self._charts: dict[Key, tuple[Follow, Chart]] = {}
        self._pasts = Pasts()
        self._budgets = Budgets()
        self._observed: dict[Key, Observed] = {}
        self._callbacks: list[Callable[[Collection[Key]], None]] = []
        off = "no Prometheus configured; set prometheus.url or prometheus.service in the config file"
        self._source = Source("syncing") if self._enabled else Source("off", message=off)
        self._head: float | None = None
        self._failures = 0
        self._backoff = 0
        self._catch_up = CatchUp(self._poll, clock)
        self._anchor = (0.0, 0.0)  # Prometheus' time, and the wall time it was read at
        self._wake = asyncio.Event()
        self._whole = False  # every history was read once: until then there are verdicts still to come
        self._settled = asyncio.Event()
        self._asked = 0  # grows with new targets: a poll that began before them does not settle them
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def client(self) -> Prometheus:
        """What it asks; for questions of others."""
        return self._client

    async def start(self) -> None:
        """Poll until ``stop``."""
        if self._enabled and self._task is None:
            self._task = asyncio.create_task(self._run(), name="metrics-sampler")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._client.aclose()

    def set_epochs(self, epochs: Mapping[Key, float]) -> None:
        """When the attempt in flight began, where it is not the first one or was reset by hand; cluster seconds."""
        if epochs != self._epochs:
            self._epochs = dict(epochs)
            self.set_targets(self._rollouts)

    def set_targets(self, rollouts: Mapping[Key, Rollout]) -> None:
        """The newest picture of all rollouts; those in flight or just finished, and the open one, are followed."""
        self._rollouts = rollouts
        now = self._clock.cluster()
        wanted = {key: rollout for key, rollout in rollouts.items() if self._wants(key, rollout, now)}
        fresh = False
        for key, rollout in wanted.items():
            follow, epoch = self._follows.get(key), self._epochs.get(key)
            if self._targets.get(key) is rollout and (follow is None or follow.epoch == epoch):
                continue
            if follow is not None and follow.continues(rollout, now, epoch):
                follow.update(rollout, now)
            else:
                fresh = True
        self._targets = wanted
        if fresh and self._enabled:
            self._asked += 1
            self._settled.clear()
            if not self._whole and self._source.state == "ok":  # it answered before there was anything to ask for
                self._source = Source("syncing", at=self._head, since=now)
            self._wake.set()

    def focus(self, key: Key | None) -> None:
        """The rollout that is open is followed whatever its state, and its history is read first."""
        if key != self._focus:
            self._focus = key
            self.set_targets(self._rollouts)

    def refetch(self) -> None:
        """Poll now."""
        self._backoff = 0
        self._wake.set()

    def observed(self, key: Key) -> Observed | None:
        return self._observed.get(key)

    def source(self) -> Source:
        return self._source

    def series(self, key: Key) -> Series:
        """History for charts; empty while the rollout is not followed. Ask again after each change."""
        follow = self._follows.get(key)
        if follow is None or key not in self._observed:
            return NoChart()
        held = self._charts.get(key)
        if held is None or held[0] is not follow:
            held = self._charts[key] = (follow, Chart(follow.history))
        return held[1]

    def on_change(self, callback: Callable[[Collection[Key]], None]) -> None:
        """Call with the keys whose ``observed`` is a new object; empty when only ``source`` changed."""
        self._callbacks.append(callback)

    async def caught_up(self, seconds: float) -> bool:
        """Wait until all targets are observed, or Prometheus is known not to answer; False after wall ``seconds``."""
        if not self._enabled:
            return True
        try:
            async with asyncio.timeout(seconds):
                await self._settled.wait()
        except TimeoutError:
            return False
        return True

    async def refresh(self) -> None:
        """One poll: bring every target's evidence to the newest grid point. Never raises for an expected failure."""
        async with self._lock:
            try:
                now = await self._client.now()
                asked = self._asked
                self._anchor = (now, self._clock.wall())
                await self._in_force.declared.refresh(self._client, now)
                head = math.floor((now - _SETTLE) / GRID_SECONDS) * GRID_SECONDS
                self._sync(head)
                period = self._settings.prometheus.period
                complete = await self._catch_up.run(self._follows.values(), head, self._focus, period)
                if not complete:
                    self._wake.set()
                ups = await self._ups(head)
                with_slo = [f for f in self._follows.values() if self._in_force.slo(f.rollout) is not None]
                await self._pasts.refresh(self._poll, with_slo, head)
                await self._budgets.refresh(self._poll, self._in_force.periods(with_slo), with_slo, head)
            except PrometheusError as error:
                self._failed(error.code, str(error))
                return
            await self._succeeded(head, ups)
            if complete and asked == self._asked:
                self._settled.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.refresh()
            except CockpitError as error:
                self._failed(QUERY, str(error))
            except Exception as error:
                # A defect of ours must look like one lost source, not end the session.
                said = clean(f"{type(error).__name__}: {error}", 200)
                self._failed(QUERY, f"metrics cannot be read because of a defect in the cockpit ({said})")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._delay()):
                    await self._wake.wait()

    def _delay(self) -> float:
        """Wall seconds until the next poll."""
        scale = self._clock.time_scale
        if scale <= 0:
            return _FROZEN_POLL
        period = max(GRID_SECONDS, self._settings.prometheus.period)
        if self._failures or self._head is None:
            return max(1.0, min(_LONGEST_BACKOFF, period * 2.0**self._backoff) / scale)
        then, wall = self._anchor
        now = then + (self._clock.wall() - wall) * scale
        return max(_LEAST_WAIT, (self._head + period + _SETTLE - now) / scale)

    def _wants(self, key: Key, rollout: Rollout, now: float) -> bool:
        if rollout.in_flight or key == self._focus:
            return True
        return rollout.finished_at is not None and now - rollout.finished_at <= RECENT_SECONDS

    def _sync(self, head: float) -> None:
        for key in self._follows.keys() - self._targets.keys():
            del self._follows[key]
            self._charts.pop(key, None)
            self._pasts.forget(key)
            self._budgets.forget(key)
            self._observed.pop(key, None)
        now = self._clock.cluster()
        for key, rollout in self._targets.items():
            follow, epoch = self._follows.get(key), self._epochs.get(key)
            if follow is not None and follow.continues(rollout, now, epoch):
                follow.update(rollout, now)
                continue
            own = self._in_force.own(key)
            self._follows[key] = Follow(rollout, self._in_force.judged(rollout), head, now, own=own, epoch=epoch)
            self._pasts.forget(key)
            self._observed.pop(key, None)  # it spoke of another canary, baseline or attempt

    async def _ups(self, head: float) -> dict[Pod, Up] | None:
        found: dict[Pod, Up] = {}
        for group in groups(self._follows.values()):
            part = await self._poll.ups(group, head)
            if part is None:
                return None
            found |= part
        return found

    async def _succeeded(self, head: float, ups: dict[Pod, Up] | None) -> None:
        self._failures = self._backoff = 0
        trouble = self._poll.missing.get("requests")
        before = self._source
        self._head = head
        behind = sum(f.cursor < head and key not in self._observed for key, f in self._follows.items())
        self._whole = self._whole or (bool(self._follows) and not behind)
        state: SourceHealth = "syncing" if behind and not self._whole and trouble is None else "ok"
        message = f"reading the history of {behind} of {len(self._follows)} rollouts" if state == "syncing" else None
        since = self._source.since if self._source.state == state else self._clock.cluster()
        self._source = Source(state, at=head, since=since, message=trouble.reason if trouble is not None else message)
        changed: set[Key] = set()
        for number, (key, follow) in enumerate(self._follows.items(), start=1):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)  # a large fleet must not hold a key press back
            if follow.cursor < head and key not in self._observed and trouble is None:
                continue  # its history is still being rebuilt; half of it would be a wrong picture
            observed = observe(
                follow,
                self._metric,
                self._poll.missing,
                ups,
                self._in_force.slo(follow.rollout),
                self._pasts.of(key),
                self._in_force.objective(follow.rollout),
                self._budgets.of(key),
                self._in_force.fault(follow.rollout),
            )
            if observed != self._observed.get(key):
                self._observed[key] = observed
                changed.add(key)
        if changed or self._source != before:
            self._tell(changed)

    def _failed(self, code: str, message: str) -> None:
        self._failures += 1
        if code in (OVERLOAD, TIMEOUT):
            self._backoff = min(self._backoff + 1, 3)
        now = self._clock.cluster()
        state: SourceHealth = "denied" if code == AUTH else "lost"
        since = self._source.since if self._source.state == state else now
        self._source = Source(state, at=self._head, since=since, message=message)
        changed: set[Key] = set()
        # One lost poll leaves the last values standing (their age is shown); then they are unknown, not old news.
        if self._failures >= 2 or self._head is None or now - self._head > _KNOWN_STALE:
            blind = Blind(code if code.startswith("PROM_") else f"PROM_{code}", message, since)
            for key, rollout in self._targets.items():
                follow = self._follows.get(key)
                evidence = (
                    follow.evidence if follow is not None else (Evidence(sli=self._in_force.judged(rollout).errors),)
                )
                self._observed[key] = unseen(evidence, blind)
                changed.add(key)
        self._settled.set()
        self._tell(changed)

    def _tell(self, changed: Collection[Key]) -> None:
        for callback in self._callbacks:
            callback(changed)
