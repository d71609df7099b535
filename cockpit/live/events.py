"""Kubernetes events: a bounded ring of the newest, each given to the rollout whose story it tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cockpit.base.clock import parse_time
from cockpit.base.text import clean
from cockpit.cluster.rows import EventRow
from cockpit.cluster.store import Replacement
from cockpit.model.event import Event
from cockpit.model.resource import Key

RING = 500
_SLACK = 250  # rows held above the ring before it is cut, so that not every event sorts it


class EventRing:
    """A reflector's sink for events about objects of ``kinds``. ``on_change`` is called when the ring differs."""

    def __init__(
        self,
        on_change: Callable[[], None],
        kinds: frozenset[str],
        size: int = RING,
        seen: Callable[[EventRow], None] = lambda _: None,
    ) -> None:
        self._seen = seen  # told of every row of these kinds, whether or not the ring keeps it
        self._on_change = on_change
        self._kinds = kinds  # others (jobs, nodes, volumes) would push out what is of use here
        self._size = size
        self._rows: dict[str, EventRow] = {}
        self._made: dict[str, tuple[EventRow, Event]] = {}

    def upsert(self, row: EventRow) -> None:
        if row.involved_object.kind not in self._kinds:
            return
        self._seen(row)
        self._rows[row.meta.uid] = row
        if len(self._rows) > self._size + _SLACK:
            self._cut()
        self._on_change()

    def delete(self, row: EventRow) -> None:
        if self._rows.pop(row.meta.uid, None) is not None:
            self._on_change()

    def replacement(self, namespace: str | None) -> Replacement:
        return _RingReplacement(self, namespace)

    def replace(self, namespace: str | None, rows: dict[str, EventRow]) -> None:
        kept = {} if namespace is None else {u: r for u, r in self._rows.items() if r.meta.namespace != namespace}
        self._rows = {**kept, **rows}
        self._cut()
        self._on_change()

    def newest(self, rows: Iterable[EventRow]) -> dict[str, EventRow]:
        """At most the ring's size of ``rows``, by uid, the newest last."""
        ordered = sorted((row for row in rows if row.involved_object.kind in self._kinds), key=event_time)
        for row in ordered:
            self._seen(row)
        return {row.meta.uid: row for row in ordered[-self._size :]}

    def events(self, owner: Callable[[EventRow], Key | None]) -> tuple[Event, ...]:
        """The ring, newest first. An event keeps the rollout it was once given: its pod may be gone by now."""
        self._cut()
        made: dict[str, tuple[EventRow, Event]] = {}
        for uid, row in self._rows.items():
            known = self._made.get(uid)
            if known is not None and known[0] is row and known[1].rollout is not None:
                made[uid] = known
                continue
            rollout = owner(row) or (known[1].rollout if known is not None else None)
            event = _event(row, rollout)
            made[uid] = (row, known[1] if known is not None and known[1] == event else event)
        self._made = made
        return tuple(event for _, event in sorted(made.values(), key=lambda pair: pair[1].at, reverse=True))

    def _cut(self) -> None:
        if len(self._rows) > self._size:
            self._rows = self.newest(self._rows.values())


class _RingReplacement:
    def __init__(self, ring: EventRing, namespace: str | None) -> None:
        self._ring = ring
        self._namespace = namespace
        self._rows: dict[str, EventRow] = {}

    def add(self, rows: Iterable[EventRow]) -> None:
        # A busy cluster holds an hour of events; only what the ring will keep is held between pages.
        self._rows = self._ring.newest([*self._rows.values(), *rows])

    def commit(self) -> None:
        self._ring.replace(self._namespace, self._rows)


def event_time(row: EventRow) -> float:
    """When it was last seen; reporters of different age fill different members."""
    candidates = (
        row.series.last_observed_time if row.series is not None else None,
        row.last_timestamp,
        row.event_time,
        row.first_timestamp,
        row.meta.creation_timestamp,
    )
    return next((at for text in candidates if (at := parse_time(text)) is not None), 0.0)


def _event(row: EventRow, rollout: Key | None) -> Event:
    about = row.involved_object
    return Event(
        uid=row.meta.uid,
        at=event_time(row),
        type=clean(row.type, 20),
        reason=clean(row.reason, 128),
        message=clean(row.message, 1024),
        kind=clean(about.kind, 80),
        namespace=clean(about.namespace or row.meta.namespace, 253),
        name=clean(about.name, 253),
        count=max(row.series.count if row.series is not None else row.count, 1),
        rollout=rollout,
        reporter=clean(row.reporting_component or row.source.component, 128),
    )
