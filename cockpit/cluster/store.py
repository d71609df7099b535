"""The reflected objects: rows by name, indexed by uid and by controlling owner; the read side strategies build from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from cockpit.model.resource import Resource

Name = tuple[str, str]
"""(namespace, name)"""

Target = tuple[Resource, str, str]
"""(resource, namespace, name)"""

OnChange = Callable[[Resource, Any | None, Any | None], None]
"""Called with (resource, old row, new row); None for what did not or does not exist."""


class Replacement(Protocol):
    """A list in progress: nothing shows until ``commit``."""

    def add(self, rows: Iterable[Any]) -> None: ...

    def commit(self) -> None: ...


class Sink(Protocol):
    """Where a reflector puts what it learns."""

    def replacement(self, namespace: str | None) -> Replacement:
        """Begin to replace everything of ``namespace`` (None: all namespaces)."""

    def upsert(self, row: Any) -> None: ...

    def delete(self, row: Any) -> None: ...


class Store:
    """Rows of one resource. A row's identity is its (namespace, name); another uid is another object."""

    def __init__(self, resource: Resource, on_change: OnChange | None = None) -> None:
        self.resource = resource
        self._on_change = on_change
        self._rows: dict[Name, Any] = {}
        self._by_uid: dict[str, Any] = {}
        self._by_owner: dict[str, dict[Name, Any]] = {}
        self._waiters: dict[Name, list[asyncio.Future[None]]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(tuple(self._rows.values()))

    def get(self, namespace: str, name: str) -> Any | None:
        return self._rows.get((namespace, name))

    def by_uid(self, uid: str) -> Any | None:
        return self._by_uid.get(uid)

    def owned(self, uid: str) -> Sequence[Any]:
        return tuple(self._by_owner.get(uid, {}).values())

    def upsert(self, row: Any) -> None:
        meta = row.meta
        name = (meta.namespace, meta.name)
        old = self._rows.get(name)
        if old is not None:
            if old.meta.uid != meta.uid:
                self._drop(name, old)
                old = None
            elif old.meta.resource_version == meta.resource_version != "":
                return  # a list right after a watch, or a repeated ADDED
            else:
                self._unindex(name, old)
        self._rows[name] = row
        self._by_uid[meta.uid] = row
        if (owner := meta.controller) is not None:
            self._by_owner.setdefault(owner.uid, {})[name] = row
        self._tell(name, old, row)

    def delete(self, row: Any) -> None:
        name = (row.meta.namespace, row.meta.name)
        old = self._rows.get(name)
        if old is not None and old.meta.uid == row.meta.uid:
            self._drop(name, old)

    def replacement(self, namespace: str | None) -> Replacement:
        return _StoreReplacement(self, namespace)

    async def wait(self, namespace: str, name: str, seen: Any | None) -> Any | None:
        """Wait until the row of this name is not ``seen`` (by identity); returns it, None when it is gone."""
        while (row := self.get(namespace, name)) is seen:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.setdefault((namespace, name), []).append(waiter)
            try:
                await waiter
            finally:
                if not waiter.done() or waiter.cancelled():
                    self._forget(namespace, name, waiter)
        return row

    def replace(self, namespace: str | None, rows: dict[Name, Any]) -> None:
        """Make the rows of ``namespace`` exactly ``rows``, telling of what differs; deletions first."""
        gone = [
            (name, row)
            for name, row in self._rows.items()
            if name not in rows and (namespace is None or name[0] == namespace)
        ]
        for name, row in gone:
            self._drop(name, row)
        for row in rows.values():
            self.upsert(row)

    def _drop(self, name: Name, row: Any) -> None:
        self._unindex(name, row)
        del self._rows[name]
        self._tell(name, row, None)

    def _unindex(self, name: Name, row: Any) -> None:
        self._by_uid.pop(row.meta.uid, None)
        if (owner := row.meta.controller) is not None and (owned := self._by_owner.get(owner.uid)) is not None:
            owned.pop(name, None)
            if not owned:
                del self._by_owner[owner.uid]

    def _tell(self, name: Name, old: Any | None, new: Any | None) -> None:
        for waiter in self._waiters.pop(name, ()):
            if not waiter.done():
                waiter.set_result(None)
        if self._on_change is not None:
            self._on_change(self.resource, old, new)

    def _forget(self, namespace: str, name: str, waiter: asyncio.Future[None]) -> None:
        waiters = self._waiters.get((namespace, name), [])
        if waiter in waiters:
            waiters.remove(waiter)
        if not waiters:
            self._waiters.pop((namespace, name), None)


class _StoreReplacement:
    def __init__(self, store: Store, namespace: str | None) -> None:
        self._store = store
        self._namespace = namespace
        self._rows: dict[Name, Any] = {}

    def add(self, rows: Iterable[Any]) -> None:
        for row in rows:
            self._rows[row.meta.namespace, row.meta.name] = row

    def commit(self) -> None:
        self._store.replace(self._namespace, self._rows)


class Stores:
    """All stores of a session; implements ``strategies.contract.Shelf``. ``synced`` holds what may be relied on."""

    def __init__(self, on_change: OnChange | None = None) -> None:
        self._on_change = on_change
        self._stores: dict[Resource, Store] = {}
        self._referring: dict[Target, dict[Target, None]] = {}  # object -> who names it, in order of arrival
        self._referred: dict[Target, tuple[Target, ...]] = {}
        self.synced: set[Resource] = set()

    def of(self, resource: Resource) -> Store:
        store = self._stores.get(resource)
        if store is None:
            store = self._stores[resource] = Store(resource, self._on_change)
        return store

    def all(self) -> Sequence[Store]:
        return tuple(self._stores.values())

    def get(self, resource: Resource, namespace: str, name: str) -> Any | None:
        store = self._stores.get(resource)
        return store.get(namespace, name) if store is not None else None

    def owned(self, resource: Resource, uid: str) -> Sequence[Any]:
        store = self._stores.get(resource)
        return store.owned(uid) if store is not None else ()

    def known(self, resource: Resource) -> bool:
        return resource in self.synced

    def referrers(self, resource: Resource, namespace: str, name: str) -> Sequence[Any]:
        found = (self.get(*source) for source in self._referring.get((resource, namespace, name), ()))
        return tuple(row for row in found if row is not None)

    def refer(self, source: Target, targets: Iterable[Target]) -> tuple[Target, ...]:
        """Note what ``source`` names now; returns what it named before."""
        old, new = self._referred.pop(source, ()), tuple(targets)
        for target in old:
            sources = self._referring[target]
            sources.pop(source, None)
            if not sources:
                del self._referring[target]
        for target in new:
            self._referring.setdefault(target, {})[source] = None
        if new:
            self._referred[source] = new
        return old

    def find(self, uid: str) -> tuple[Resource, Any] | None:
        """The object of this uid, whatever it is."""
        for resource, store in self._stores.items():
            if (row := store.by_uid(uid)) is not None:
                return resource, row
        return None
