"""The object store: encoded objects, one resourceVersion, history, writes by the server's rules, deletion."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from cockpit.base.clock import rfc3339
from cockpit.world import defaults, rules, status, validation
from cockpit.world.clock import WorldClock
from cockpit.world.collector import DELAY, FOREGROUND, Collector
from cockpit.world.contract import Change, Object
from cockpit.world.history import Event, History
from cockpit.world.kinds import Registry
from cockpit.world.tables import Entry, Key, Tables

_encode = msgspec.json.Encoder().encode
decode: Callable[[bytes], Object] = msgspec.json.Decoder(dict[str, Any]).decode

# Events kept for resuming watches: how many, and how many bytes of objects.
_WINDOWS = {"pods": (20_000, 24 << 20)}
_WINDOW = (10_000, 8 << 20)
_STAMP_EVERY = 60.0  # seconds between remembered (time, resourceVersion) pairs

Propagation = Literal["Background", "Foreground", "Orphan"]


class Store:
    """Implements ``contract.Objects``; the HTTP layer adds paging, watching and user input on top of it.

    ``seed`` makes uids and generated names reproducible. Writes raise ``status.Rejected`` where the real server
    answers 4xx. Namespaces need not exist here; that is checked for users only.
    """

    def __init__(self, clock: WorldClock, seed: int = 0) -> None:
        self.clock = clock
        self.kinds = Registry()
        self.version = 1000
        self.tables = Tables(kind.plural for kind in self.kinds.all)
        self.collector = Collector(self)
        self.admission: list[Callable[[Object], None]] = []
        """Webhooks: called with every pod about to be created, and may change it."""
        self.validating: list[Callable[[Object], None]] = []
        """Each may refuse a well-formed pod that is about to be created: raises ``status.Rejected``."""
        self._seed = seed
        self._serial = 0
        self._histories = {
            kind.plural: History(*_WINDOWS.get(kind.plural, _WINDOW), floor=self.version) for kind in self.kinds.all
        }
        self._stamps: list[tuple[int, float]] = [(self.version, clock.now())]
        self._listeners: list[Callable[[Change], None]] = []
        self._watchers: dict[str, list[Callable[[Event], None]]] = {}

    # -- reading ------------------------------------------------------------------------------------------------

    def get(self, plural: str, namespace: str | None, name: str) -> Object | None:
        entry = self.tables.get(plural, namespace or "", name)
        return None if entry is None else decode(entry.data)

    def select(
        self, plural: str, namespace: str | None = None, selector: Mapping[str, str] | None = None
    ) -> list[Object]:
        wanted = tuple((selector or {}).items())
        return [
            decode(entry.data)
            for _, _, entry in self.tables.entries(plural, namespace)
            if all(entry.labels.get(key) == value for key, value in wanted)
        ]

    def owned(self, plural: str, uid: str) -> list[Object]:
        return [decode(entry.data) for entry in self.tables.controlled(plural, uid)]

    def history(self, plural: str) -> History:
        return self._histories[plural]

    def written_at(self, version: int) -> float:
        """Virtual time before which ``version`` was surely not written, to within a minute."""
        return self._stamps[max(bisect_right(self._stamps, (version, float("inf"))) - 1, 0)][1]

    # -- writing ------------------------------------------------------------------------------------------------

    def create(self, obj: Object, *, manager: str = "controller", dry_run: bool = False) -> Object:
        kind = self.kinds.of(str(obj.get("apiVersion", "")), str(obj.get("kind", "")))
        if kind is None:
            raise status.bad_request(f'no kind "{obj.get("kind")}" is registered for version "{obj.get("apiVersion")}"')
        self._serial += 1
        now = rfc3339(self.clock.now())
        new = rules.prepare(kind, obj, rules.make_uid(self._seed, self._serial), now)
        metadata = new["metadata"]
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"][:58] + rules.make_suffix(self._seed, self._serial)
        for admit in self.admission if kind.plural == "pods" else ():
            admit(new)
        defaults.apply(kind, new)
        causes = validation.check(kind, new, None)
        name = str(metadata.get("name", ""))
        if causes:
            raise status.invalid(kind.kind, kind.group, name, causes)
        for check in self.validating if kind.plural == "pods" else ():
            check(new)
        space = str(metadata.get("namespace", ""))
        if self.tables.get(kind.plural, space, name) is not None:
            raise status.already_exists(kind.plural, kind.group, name)
        rules.record_manager(new, None, manager, now, None)
        if dry_run:
            return new
        return self._commit("ADDED", (kind.plural, space, name), new)

    def mutate(
        self,
        plural: str,
        namespace: str | None,
        name: str,
        change: Callable[[Object], None],
        *,
        subresource: str | None = None,
        manager: str = "controller",
    ) -> Object | None:
        new = self.get(plural, namespace, name)
        if new is None:
            return None
        change(new)
        return self.replace(plural, namespace, name, new, subresource=subresource, manager=manager)

    def replace(
        self,
        plural: str,
        namespace: str | None,
        name: str,
        new: Object,
        *,
        subresource: str | None = None,
        manager: str = "controller",
        dry_run: bool = False,
    ) -> Object:
        """Write ``new`` over the stored object as far as ``subresource`` allows. Preconditions are the caller's."""
        kind = self.kinds[plural]
        old = self.get(plural, namespace, name)
        if old is None:
            raise status.not_found(plural, kind.group, name)
        merged = rules.settle(kind, old, new, subresource)
        defaults.apply(kind, merged)
        if rules.same(old, merged):
            return old
        causes = validation.check(kind, merged, old)
        if causes:
            raise status.invalid(kind.kind, kind.group, name, causes)
        metadata = merged["metadata"]
        if rules.bumps_generation(kind, old, merged):
            metadata["generation"] = int(metadata.get("generation", 0)) + 1
        rules.record_manager(merged, old, manager, rfc3339(self.clock.now()), subresource)
        if dry_run:
            return merged
        key = (plural, namespace or "", name)
        held = metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds")
        if "deletionTimestamp" in metadata and not held and plural != "namespaces":
            return self._remove(key, merged)
        return self._commit("MODIFIED", key, merged, old)

    def delete(
        self,
        plural: str,
        namespace: str | None,
        name: str,
        *,
        grace: int | None = None,
        propagation: Propagation = "Background",
    ) -> bool:
        """Delete, or mark as being deleted; False when there was nothing.

        A scheduled pod gets ``deletionTimestamp`` and its grace period; the kubelet then deletes it with ``grace=0``.
        Finalizers hold any object back. ``propagation`` says what becomes of dependents.
        """
        key = (plural, namespace or "", name)
        obj = self.get(*key)
        if obj is None:
            return False
        metadata = obj["metadata"]
        uid: str = metadata["uid"]
        finalizers: list[str] = list(metadata.get("finalizers", ()))
        if propagation == "Orphan":
            self.collector.orphan(uid)
        elif propagation == "Foreground" and self.tables.dependents(uid) and FOREGROUND not in finalizers:
            finalizers.append(FOREGROUND)
        seconds = rules.grace_seconds(plural, obj, grace)
        if "deletionTimestamp" in metadata:
            seconds = min(seconds, metadata.get("deletionGracePeriodSeconds", 0))
        if not seconds and not finalizers and plural != "namespaces":
            self._remove(key, obj)
            return True
        marked = {**metadata, "deletionGracePeriodSeconds": seconds}
        if finalizers:
            marked["finalizers"] = finalizers
        if "deletionTimestamp" in metadata and marked == metadata:
            return True
        marked["deletionTimestamp"] = rfc3339(self.clock.now() + seconds)
        if self.kinds[plural].generation and "deletionTimestamp" not in metadata:
            marked["generation"] = int(metadata.get("generation", 0)) + 1
        obj["metadata"] = marked
        if plural == "namespaces":
            obj["status"] = {**obj.get("status", {}), "phase": "Terminating"}
            self.clock.call_later(DELAY, lambda: self.collector.empty_namespace(name))
        self._commit("MODIFIED", key, obj)
        if FOREGROUND in finalizers:
            self.collector.later(uid)
        return True

    def finish(self, plural: str, namespace: str | None, name: str) -> None:
        """Remove at once, past grace and finalizers: for the part of the server that waited for them."""
        obj = self.get(plural, namespace, name)
        if obj is not None:
            self._remove((plural, namespace or "", name), obj)

    # -- listening ----------------------------------------------------------------------------------------------

    def subscribe(self, listener: Callable[[Change], None]) -> None:
        self._listeners.append(listener)

    def watch(self, plural: str, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``listener`` with every encoded event of one resource; returns what ends it."""
        watchers = self._watchers.setdefault(plural, [])
        watchers.append(listener)
        return lambda: watchers.remove(listener)

    # -- inside -------------------------------------------------------------------------------------------------

    def _commit(
        self, change: Literal["ADDED", "MODIFIED"], key: Key, obj: Object, before: Object | None = None
    ) -> Object:
        """Store and announce; ``before`` is the object before the write where the caller has it decoded already."""
        data = self._stamp(obj)
        old = self.tables.get(*key)
        entry = self.tables.put(key, data, self.version, obj["metadata"])
        if change == "ADDED":
            if key[0] == "events":
                self.collector.watch_events()
            for uid in entry.owners:
                if self.tables.alive(uid) is None:
                    self.collector.later(uid)
        self._announce(change, key, entry, old, obj, before)
        return decode(data)

    def _remove(self, key: Key, obj: Object) -> Object:
        data = self._stamp(obj)
        old = self.tables.drop(key)
        final = Entry(data, self.version, obj["metadata"], old.labels)
        self._announce("DELETED", key, final, old, obj)
        self.collector.later(old.uid)
        for uid in old.owners:
            self.collector.release(uid)
        return obj

    def _stamp(self, obj: Object) -> bytes:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        if abs(self.clock.now() - self._stamps[-1][1]) >= _STAMP_EVERY:  # a scenario's history is played from the past
            self._stamps.append((self.version, self.clock.now()))
        return _encode(obj)

    def _announce(
        self,
        change: Literal["ADDED", "MODIFIED", "DELETED"],
        key: Key,
        new: Entry,
        old: Entry | None,
        obj: Object,
        before: Object | None = None,
    ) -> None:
        plural, space, name = key
        past = (old.data, old.labels) if old else (None, {})
        event = Event(new.version, change, space, name, new.data, new.labels, *past)
        self._histories[plural].append(event)
        for watcher in tuple(self._watchers.get(plural, ())):
            watcher(event)
        if self._listeners:
            if before is None and old is not None:
                before = decode(old.data)
            told = Change(change, plural, obj, before)
            for listener in self._listeners:
                listener(told)
