"""The live picture: reflected stores, dirty keys, and an immutable Snapshot made when somebody looks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from cockpit.base.clock import Clock
from cockpit.base.text import clean
from cockpit.cluster.reflector import ListWatch
from cockpit.cluster.rows import EventRow
from cockpit.cluster.store import Sink, Stores
from cockpit.live.acts import Acts
from cockpit.live.coverage import Coverage
from cockpit.live.drifting import Drifting
from cockpit.live.events import EventRing
from cockpit.live.health import Pulse, Versioned, all_gaps, kubernetes_source
from cockpit.live.judging import Judge, Judging, Observer, condition
from cockpit.live.keys import Keys
from cockpit.live.watches import watched
from cockpit.model.case import Policy
from cockpit.model.event import Event
from cockpit.model.plan import Pending
from cockpit.model.resource import EVENTS, Key, Resource
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Snapshot, Source, SourceName
from cockpit.strategies.contract import Strategy

_LISTS_AT_ONCE = 4
_DATE_SECONDS = 5.0  # a source that only grew newer is worth a new picture this often


class ClusterApi(ListWatch, Versioned, Protocol):
    """What the live picture asks of the API (``cluster.api.Api``)."""


class Live:
    """Owns the reflectors of all strategies' watches. Losing the server changes ``sources``, and raises nothing."""

    def __init__(
        self,
        api: ClusterApi,
        clock: Clock,
        strategies: Sequence[Strategy],
        judge: Judge,
        policy: Policy,
        *,
        namespaces: tuple[str, ...] = (),
        home: str = "default",
        rng: random.Random | None = None,
    ) -> None:
        self._clock = clock
        self._judging = Judging(judge, policy)
        self._strategies = {strategy.resource.kind: strategy for strategy in strategies}
        self.stores = Stores(self._row_changed)
        """Everything reflected; also the Shelf that strategies build from."""
        self._keys = Keys(self.stores, strategies)
        self.drifting = Drifting(self.stores, self._touch)
        """What runs against what is said to run; told more by ``live.driftwatch``."""
        kinds = frozenset(watch.resource.kind for strategy in strategies for watch in strategy.watches)
        self.acts = Acts()
        """What cockpits did, as their Events tell; ``acts.seat`` is to be told who this one is."""
        self._ring = EventRing(self._events_changed, kinds, seen=self.acts.see)
        self._pulse = Pulse(api, clock, self._beat)
        gate = asyncio.Semaphore(_LISTS_AT_ONCE)

        def cover(resource: Resource, row: type[Any], sink: Sink, *, optional: bool) -> Coverage:
            return Coverage(
                api,
                resource,
                row,
                sink,
                clock,
                declared=namespaces,
                home=home,
                optional=optional,
                rng=rng,
                gate=gate,
                on_status=self._coverage_changed,
            )

        self._coverages: dict[Resource, Coverage] = {}
        for resource, (row, optional) in watched(strategies).items():
            self._coverages[resource] = cover(resource, row, self.stores.of(resource), optional=optional)
        self._events = cover(EVENTS, EventRow, self._ring, optional=True)
        self._cover = cover
        self._beside = [self._events]
        self._tasks: list[asyncio.Task[None]] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._listeners: list[Callable[[Mapping[Key, Rollout]], None]] = []
        self._event_listeners: list[Callable[[Sequence[Event]], None]] = []
        self._dirty: set[Key] = set()
        self._faults: dict[Key, str] = {}
        self._others: dict[str, Source] = {}
        self._dated = clock.wall()
        self._events_dirty = self._stale = True
        self._snapshot = Snapshot(version=0, now=clock.cluster(), sources={"kubernetes": Source("syncing")})

    def beside(self, resource: Resource, row: type[Any], sink: Sink) -> None:
        """Reflect one more resource for somebody else; to be said before ``start``. What it lacks is a gap as well."""
        self._beside.append(self._cover(resource, row, sink, optional=True))

    async def start(self) -> None:
        """Begin to reflect; returns at once."""
        coverages = [*self._coverages.values(), *self._beside]
        self._tasks = [asyncio.create_task(coverage.run()) for coverage in coverages]
        self._tasks.append(asyncio.create_task(self._pulse.run()))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    @property
    def scope(self) -> tuple[str, ...] | None:
        """The namespaces read, None for all."""
        scopes = [coverage.scope for coverage in self._coverages.values()]
        return None if not scopes or None in scopes else scopes[0]

    @property
    def synced(self) -> bool:
        """Whether every resource has been listed, or is known to be denied or absent: nothing more will come soon."""
        return all(
            status.listed or status.state in ("DENIED", "ABSENT")
            for coverage in self._coverages.values()
            for status in coverage.statuses
        )

    def snapshot(self) -> Snapshot:
        """The newest picture; costs what changed. The same object when nothing did."""
        if self._stale:
            self._stale = False
            self._refresh()
        return self._snapshot

    async def changed(self, version: int) -> Snapshot:
        """Wait for a picture newer than ``version``."""
        while (snapshot := self.snapshot()).version <= version:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                if not self._stale:
                    await waiter
            finally:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        return snapshot

    def current(self, key: Key) -> Rollout | None:
        """One rollout of the newest picture."""
        return self.snapshot().rollouts.get(key)

    def row(self, key: Key) -> Any | None:
        """The reflected object behind a key."""
        strategy = self._strategies.get(key.kind)
        return self.stores.get(strategy.resource, key.namespace, key.name) if strategy is not None else None

    def strategy(self, key: Key) -> Strategy | None:
        return self._strategies.get(key.kind)

    def attach(self, observer: Observer) -> None:
        """Judge by what ``observer`` sees from now on."""
        self._judging.observer = observer
        observer.on_change(self._observed_changed)
        self._observed_changed(self._snapshot.rollouts)

    def on_rollouts(self, listener: Callable[[Mapping[Key, Rollout]], None]) -> None:
        """Call ``listener`` with all rollouts whenever a picture with other rollouts was made."""
        self._listeners.append(listener)

    def on_events(self, listener: Callable[[Sequence[Event]], None]) -> None:
        """Call ``listener`` with all events held whenever they changed."""
        self._event_listeners.append(listener)

    async def events_read(self) -> None:
        """Wait until events have been listed, or are known not to be."""
        while not all(status.listed or status.state in ("DENIED", "ABSENT") for status in self._events.statuses):
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def focus(self, key: Key | None) -> None:
        """This rollout is open: the intervals of its ratios are wanted too. None: of no rollout."""
        self._judging.focus(key)
        self._touch()

    def set_pending(self, key: Key, pending: Pending | None) -> None:
        """Show a verb under way on a rollout; None takes it away."""
        entries = dict(self._snapshot.pending)
        if pending is None:
            entries.pop(key, None)
        else:
            entries[key] = pending
        self._publish(pending=entries)

    def set_source(self, name: SourceName, source: Source) -> None:
        """Say how another source (registry, logs) fares."""
        if self._others.get(name) != source:
            self._others[name] = source
            self._touch()

    def refetch(self) -> None:
        """List everything again now."""
        for coverage in (*self._coverages.values(), *self._beside):
            coverage.refetch()
        self._pulse.beat_now()

    # -- what changed ------------------------------------------------------------------------------------------------

    def _row_changed(self, resource: Resource, old: Any | None, new: Any | None) -> None:
        self._dirty.update(self._keys.changed(resource, old, new))
        if old is None:
            self._events_dirty = True  # an event may have come before the object it is about
        self._touch()

    def _events_changed(self) -> None:
        self._events_dirty = True
        self._touch()

    def _coverage_changed(self, coverage: Coverage) -> None:
        resource = coverage.resource
        if resource in self._coverages and coverage.synced != (resource in self.stores.synced):
            (self.stores.synced.add if coverage.synced else self.stores.synced.discard)(resource)
            for strategy in self._strategies.values():
                if any(watch.resource == resource for watch in strategy.watches) or strategy.resource == resource:
                    rows = self.stores.of(strategy.resource)
                    self._dirty.update(Key(strategy.resource.kind, row.meta.namespace, row.meta.name) for row in rows)
        self._touch()

    def _beat(self, again: bool) -> None:
        if again:
            for coverage in (*self._coverages.values(), *self._beside):
                coverage.kick(rewatch=True)
        self._touch()

    def _observed_changed(self, keys: Iterable[Key]) -> None:
        self._judging.again(keys)
        self._touch()

    def _touch(self) -> None:
        self._stale = True
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # -- making the picture --------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        old, changes = self._snapshot, dict[str, Any]()
        rollouts, now = self._rebuilt(old.rollouts), self._clock.cluster()
        if rollouts is not old.rollouts:
            changes["rollouts"] = rollouts
            self._events_dirty = True
        drifts = self.drifting.found(rollouts, old.drifts, now)
        if drifts is not old.drifts:
            changes["drifts"] = drifts
        sources = self._sources(old.sources)
        assessments = self._judging.judged(rollouts, old.assessments, sources["prometheus"], now)
        if assessments is not old.assessments:
            changes["assessments"] = assessments
        if self._events_dirty:
            self._events_dirty = False
            events = self._ring.events(lambda row: self._keys.of_object(row.involved_object.uid, rollouts))
            if events != old.events:
                changes["events"] = events
            acts = self.acts.of(rollouts, old.acts)
            if acts is not old.acts:
                changes["acts"] = acts
        gaps = (*all_gaps((*self._coverages.values(), *self._beside)), *self._faults.values())
        if gaps != old.gaps:
            changes["gaps"] = gaps
        if sources is not old.sources and (changes or self._worth_it(sources, old.sources)):
            changes["sources"] = sources
            self._dated = self._clock.wall()
        if changes:
            self._publish(**changes)
            if "rollouts" in changes:
                for listener in self._listeners:
                    listener(rollouts)
            if "events" in changes:
                for tell in self._event_listeners:
                    tell(changes["events"])
        if self._judging.waiting:
            self._touch()

    def _publish(self, **changes: Any) -> None:
        self._snapshot = msgspec.structs.replace(
            self._snapshot, version=self._snapshot.version + 1, now=self._clock.cluster(), **changes
        )
        stale = self._stale
        self._touch()  # for whoever waits; the picture itself is as fresh as it was
        self._stale = stale

    def _rebuilt(self, old: dict[Key, Rollout]) -> dict[Key, Rollout]:
        """``old`` with the dirty rollouts built anew; the same object when none of them differs."""
        dirty, self._dirty = self._dirty, set()
        self.drifting.again(dirty)
        changed: dict[Key, Rollout | None] = {}
        for key in dirty:
            before = old.get(key)
            after = self._build(key, before)
            if after != before:
                changed[key] = after
        if not changed:
            return old
        self._judging.again(changed)
        new = {**old, **changed}
        return {key: rollout for key, rollout in new.items() if rollout is not None}

    def _build(self, key: Key, before: Rollout | None) -> Rollout | None:
        strategy, row = self._strategies[key.kind], self.row(key)
        self._faults.pop(key, None)
        if row is None:
            return None
        try:
            return strategy.build(row, self.stores)
        except Exception as error:
            # Odd input is a strategy's business; should one of them fail all the same, only this row goes unsaid.
            self._faults[key] = f"{key} could not be understood: {clean(f'{type(error).__name__}: {error}', 200)}"
            return before

    def _sources(self, old: dict[str, Source]) -> dict[str, Source]:
        """All sources, the old object wherever nothing changed: consumers compare by identity."""
        coverages = tuple(self._coverages.values())
        new: dict[str, Source] = {
            "kubernetes": kubernetes_source(coverages, self._pulse, coverages[0] if coverages else None),
            "prometheus": self._judging.source(),
            **self._others,
        }
        if new == old:
            return old
        return {name: old[name] if old.get(name) == source else source for name, source in new.items()}

    def _worth_it(self, new: dict[str, Source], old: dict[str, Source]) -> bool:
        """Whether sources changed in more than their date, or the date shown is getting old."""
        if self._clock.wall() - self._dated >= _DATE_SECONDS or new.keys() != old.keys():
            return True
        return any(condition(source) != condition(old[name]) for name, source in new.items())
