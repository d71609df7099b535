"""Encoded objects by resource, namespace and name, with the indices over them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Key = tuple[str, str, str]
"""Plural, namespace ("" for cluster scope), name."""


class Entry:
    """One stored object: its JSON, and beside it only what indices and selectors need."""

    __slots__ = ("controller", "data", "labels", "owners", "uid", "version")

    def __init__(self, data: bytes, version: int, metadata: dict[str, Any], labels: Mapping[str, str]) -> None:
        references: list[dict[str, Any]] = metadata.get("ownerReferences") or []
        self.data = data
        self.version = version
        self.uid: str = metadata["uid"]
        self.labels = labels
        self.owners: tuple[str, ...] = tuple(reference["uid"] for reference in references)
        self.controller: str | None = next((r["uid"] for r in references if r.get("controller")), None)


class Tables:
    """The tables and three indices: uid to key, controller to objects, owner to dependents."""

    def __init__(self, plurals: Iterable[str]) -> None:
        self._tables: dict[str, dict[str, dict[str, Entry]]] = {plural: {} for plural in plurals}
        self._uids: dict[str, Key] = {}
        self._controlled: dict[tuple[str, str], dict[tuple[str, str], None]] = {}
        self._dependents: dict[str, dict[Key, None]] = {}
        self._label_sets: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}

    def get(self, plural: str, namespace: str, name: str) -> Entry | None:
        return self._tables[plural].get(namespace, {}).get(name)

    def entries(self, plural: str, namespace: str | None = None) -> Iterator[tuple[str, str, Entry]]:
        """(namespace, name, entry) in key order; ``namespace`` None means all."""
        table = self._tables[plural]
        for space in sorted(table) if namespace is None else (namespace,):
            rows = table.get(space, {})
            for name in sorted(rows):
                yield space, name, rows[name]

    def count(self, plural: str) -> int:
        return sum(len(rows) for rows in self._tables[plural].values())

    def put(self, key: Key, data: bytes, version: int, metadata: dict[str, Any]) -> Entry:
        plural, space, name = key
        old = self.get(plural, space, name)
        entry = Entry(data, version, metadata, self._intern(metadata.get("labels") or {}))
        if old is None or (old.owners, old.controller) != (entry.owners, entry.controller):
            if old is not None:
                self._unlink(key, old)
            for uid in entry.owners:
                self._dependents.setdefault(uid, {})[key] = None
            if entry.controller is not None:
                self._controlled.setdefault((plural, entry.controller), {})[space, name] = None
        self._tables[plural].setdefault(space, {})[name] = entry
        self._uids[entry.uid] = key
        return entry

    def drop(self, key: Key) -> Entry:
        plural, space, name = key
        rows = self._tables[plural][space]
        entry = rows.pop(name)
        if not rows:
            del self._tables[plural][space]
        self._unlink(key, entry)
        del self._uids[entry.uid]
        return entry

    def alive(self, uid: str) -> Key | None:
        return self._uids.get(uid)

    def controlled(self, plural: str, uid: str) -> list[Entry]:
        """What ``uid`` controls, by namespace and name."""
        return [self._tables[plural][space][name] for space, name in sorted(self._controlled.get((plural, uid), ()))]

    def dependents(self, uid: str) -> list[Key]:
        return list(self._dependents.get(uid, ()))

    def _intern(self, labels: Mapping[str, str]) -> Mapping[str, str]:
        """Pods of one ReplicaSet share one dict of labels."""
        if len(self._label_sets) > 50_000:
            self._label_sets.clear()
        return self._label_sets.setdefault(tuple(labels.items()), dict(labels))

    def _unlink(self, key: Key, entry: Entry) -> None:
        for uid in entry.owners:
            rest = self._dependents.get(uid)
            if rest is not None:
                rest.pop(key, None)
                if not rest:
                    del self._dependents[uid]
        if entry.controller is not None:
            controlled = self._controlled.get((key[0], entry.controller))
            if controlled is not None:
                controlled.pop(key[1:], None)
                if not controlled:
                    del self._controlled[key[0], entry.controller]
