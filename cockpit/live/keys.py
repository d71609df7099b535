"""Which rollouts a changed object touches: up the owner chain, and along references."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cockpit.cluster.store import Stores, Target
from cockpit.model.resource import Key, Resource
from cockpit.strategies.contract import Strategy

_LONGEST_CHAIN = 8  # owner references may form a ring by mistake


class Keys:
    """Maps objects to the rollouts they belong to, from what the stores hold now."""

    def __init__(self, stores: Stores, strategies: Sequence[Strategy]) -> None:
        self._stores = stores
        self._strategies = {strategy.resource: strategy for strategy in strategies}

    def changed(self, resource: Resource, old: Any, new: Any) -> set[Key]:
        """Rollouts whose picture may differ after this change. Keeps the reference index up to date."""
        touched: set[Key] = set()
        strategy = self._strategies.get(resource)
        meta = (new if new is not None else old).meta
        if strategy is not None:
            touched.add(Key(resource.kind, meta.namespace, meta.name))
            targets = tuple(strategy.references(new)) if new is not None else ()
            before = self._stores.refer((resource, meta.namespace, meta.name), targets)
            # Two workloads may be one rollout (workloadRef): the one named looks different once it is named.
            touched.update(self._workloads((*before, *targets)))
        touched.update(self.above(new))
        if old is not None and old.meta.owner_references != (new.meta.owner_references if new is not None else None):
            touched.update(self.above(old))
        touched.update(self._naming(resource, meta.namespace, meta.name))
        return touched

    def above(self, row: Any) -> Iterable[Key]:
        """Rollouts up the chain of controlling owners."""
        for _ in range(_LONGEST_CHAIN):
            owner = row.meta.controller if row is not None else None
            found = self._stores.find(owner.uid) if owner is not None else None
            if found is None:
                return
            resource, row = found
            if resource in self._strategies:
                yield Key(resource.kind, row.meta.namespace, row.meta.name)
            yield from self._naming(resource, row.meta.namespace, row.meta.name)

    def of_object(self, uid: str, rollouts: dict[Key, Any]) -> Key | None:
        """The shown rollout that the object of this uid belongs to."""
        found = self._stores.find(uid) if uid else None
        if found is None:
            return None
        resource, row = found
        candidates = [Key(resource.kind, row.meta.namespace, row.meta.name), *self.above(row)]
        candidates.extend(self._naming(resource, row.meta.namespace, row.meta.name))
        return next((key for key in candidates if key in rollouts), None)

    def _naming(self, resource: Resource, namespace: str, name: str) -> Iterable[Key]:
        for row in self._stores.referrers(resource, namespace, name):
            for of in self._strategies:
                if self._stores.of(of).by_uid(row.meta.uid) is not None:
                    yield Key(of.kind, row.meta.namespace, row.meta.name)

    def _workloads(self, targets: Iterable[Target]) -> Iterable[Key]:
        for resource, namespace, name in targets:
            if resource in self._strategies:
                yield Key(resource.kind, namespace, name)
