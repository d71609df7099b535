"""What happens to the rest when an object goes: dependents, foreground owners, namespaces, old events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cockpit.world.contract import Object

if TYPE_CHECKING:
    from cockpit.world.store import Store

DELAY = 0.05  # seconds of virtual time between a deletion and the collector's reaction
_EVENT_TTL = 3600.0
_SWEEP_PERIOD = 60.0
FOREGROUND = "foregroundDeletion"


class Collector:
    """The garbage collector, the namespace controller and the event reaper of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sweeping = False

    def later(self, uid: str) -> None:
        """Look at the dependents of ``uid`` soon."""
        if self._store.tables.dependents(uid):
            self._store.clock.call_later(DELAY, lambda: self.collect(uid))

    def collect(self, uid: str) -> None:
        """Delete dependents that no owner keeps alive (background), or whose owner waits for them (foreground)."""
        store = self._store
        for plural, space, name in store.tables.dependents(uid):
            entry = store.tables.get(plural, space, name)
            if entry is None:
                continue
            if any(self._keeps(owner) for owner in entry.owners):
                continue
            store.delete(plural, space, name)
        self.release(uid)

    def orphan(self, uid: str) -> None:
        """Cut the ties of all dependents, so that they outlive their owner."""

        def cut(obj: Object) -> None:
            references = obj["metadata"].get("ownerReferences", [])
            obj["metadata"]["ownerReferences"] = [r for r in references if r["uid"] != uid]

        for plural, space, name in self._store.tables.dependents(uid):
            self._store.mutate(plural, space, name, cut, manager="kube-controller-manager")

    def release(self, uid: str) -> None:
        """Let a foreground-deleted owner go once nothing that blocks it is left."""
        key = self._store.tables.alive(uid)
        if key is None:
            return
        owner = self._store.get(*key)
        if owner is None or FOREGROUND not in owner["metadata"].get("finalizers", ()):
            return
        if any(self._blocks(dependent, uid) for dependent in self._store.tables.dependents(uid)):
            return

        def unhold(obj: Object) -> None:
            obj["metadata"]["finalizers"] = [f for f in obj["metadata"].get("finalizers", []) if f != FOREGROUND]

        self._store.mutate(*key, unhold, manager="kube-controller-manager")

    def empty_namespace(self, name: str) -> None:
        """Delete what a terminating namespace holds; remove it when nothing is left, else look again."""
        store = self._store
        left = 0
        for kind in store.kinds.all:
            if not kind.namespaced:
                continue
            for space, object_name, _ in list(store.tables.entries(kind.plural, name)):
                store.delete(kind.plural, space, object_name)
            left += len(list(store.tables.entries(kind.plural, name)))
        if left:
            store.clock.call_later(1.0, lambda: self.empty_namespace(name))
        elif store.tables.get("namespaces", "", name) is not None:
            store.finish("namespaces", "", name)

    def watch_events(self) -> None:
        """Start reaping events older than their time to live; stops by itself when none is left."""
        if not self._sweeping:
            self._sweeping = True
            self._store.clock.call_later(_SWEEP_PERIOD, self._sweep)

    def _sweep(self) -> None:
        store = self._store
        limit = store.clock.now() - _EVENT_TTL
        for space, name, entry in list(store.tables.entries("events")):
            if store.written_at(entry.version) < limit:
                store.delete("events", space, name)
        self._sweeping = False
        if store.tables.count("events"):
            self.watch_events()

    def _keeps(self, uid: str) -> bool:
        key = self._store.tables.alive(uid)
        if key is None:
            return False
        owner = self._store.get(*key)
        return owner is not None and FOREGROUND not in owner["metadata"].get("finalizers", ())

    def _blocks(self, key: tuple[str, str, str], uid: str) -> bool:
        obj = self._store.get(*key)
        references: list[dict[str, Any]] = obj["metadata"].get("ownerReferences", []) if obj else []
        return any(r["uid"] == uid and r.get("blockOwnerDeletion") for r in references)
