"""The drift of the fleet: worked out when a rollout's rows change, joined with what was asked of registries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec.structs import replace

from cockpit.live.drift import Compare, Side, drifts, ordered
from cockpit.model.drift import Drift
from cockpit.model.resource import PODS, REPLICASETS, Key
from cockpit.model.rollout import Rollout
from cockpit.strategies.contract import Shelf

Found = dict[Key, tuple[Drift, ...]]


class Drifting:
    """Holds what was found, so that a quiet fleet costs nothing. ``compare`` is set once registries can be asked."""

    def __init__(self, shelf: Shelf, on_change: Callable[[], None]) -> None:
        self.compare: Compare | None = None
        self._shelf = shelf
        self._on_change = on_change
        self._dirty: set[Key] = set()
        self._told: dict[Key, tuple[Drift, ...]] = {}

    def again(self, keys: Iterable[Key]) -> None:
        """Rows of these rollouts changed."""
        self._dirty.update(keys)

    def tell(self, key: Key, found: tuple[Drift, ...]) -> None:
        """What was asked about one rollout beyond its rows replaces what was told of it before."""
        self._told[key] = found
        self._dirty.add(key)  # digests may have been learned on the way, even where nothing was found
        self._on_change()

    def found(self, rollouts: Mapping[Key, Rollout], old: Found, now: float) -> Found:
        """Drift per rollout, absent where there is none; ``old`` itself when nothing differs. ``now``: cluster time."""
        dirty, self._dirty = self._dirty, set()
        changed: Found = {}
        for key in dirty:
            rollout, before = rollouts.get(key), old.get(key, ())
            if rollout is None:
                self._told.pop(key, None)
            after = self._of(rollout, before, now) if rollout is not None else ()
            if after != before:
                changed[key] = after
        if not changed:
            return old
        return {key: each for key, each in {**old, **changed}.items() if each}

    def _of(self, rollout: Rollout, before: tuple[Drift, ...], now: float) -> tuple[Drift, ...]:
        first = {_same(drift): drift.since for drift in before}
        found = ordered([*drifts(tuple(self._sides(rollout)), self.compare), *self._told.get(rollout.key, ())])
        return tuple(
            drift if drift.since is not None else replace(drift, since=first.get(_same(drift), now)) for drift in found
        )

    def _sides(self, rollout: Rollout) -> Iterator[Side]:
        """Arms with all their pods. While pods are not all known, siblings prove nothing and are left out."""
        for arm in (rollout.canary, rollout.baseline):
            if arm is None or arm.replicaset is None:
                continue
            row = self._shelf.get(REPLICASETS, rollout.key.namespace, arm.replicaset)
            if row is not None:
                yield Side(row, self._shelf.owned(PODS, row.meta.uid) if self._shelf.known(PODS) else ())


def _same(drift: Drift) -> tuple[str, str | None, str]:
    """By what a finding is the same one as before, though its pods or its severity changed."""
    return drift.kind, drift.container, drift.text if drift.kind in ("tag-moved", "template-hotfix") else ""
