"""The embedded world inside the test's own process, stepped by hand: shelf, reader, writer and picture without HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from cockpit.base.clock import Clock
from cockpit.base.errors import ApiError, CockpitError, NotFound
from cockpit.cluster.decode import decode_row
from cockpit.model.plan import Patch, Pending, Plan
from cockpit.model.resource import Key, Resource
from cockpit.model.right import Answer, Right
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Snapshot
from cockpit.model.verdict import Assessment, Verdict
from cockpit.strategies import REGISTRY, for_kind
from cockpit.strategies.contract import Strategy
from cockpit.world import status
from cockpit.world.api.patch import PatchError, apply_json_patch
from cockpit.world.serve import World

EPOCH = 1_795_000_000.0


class Answered(msgspec.Struct, frozen=True):
    """A write's answer, shaped like ``cluster.api.WriteAnswer``."""

    status: int
    body: dict[str, Any]
    audit_id: str | None = None
    warnings: tuple[str, ...] = ()


class Cluster:
    """Implements Shelf, Reader, Writer, Rights and Picture over the store of a world whose clock a test moves.

    ``before_write`` and ``after_write`` are called around each write and may raise what a broken connection raises.
    ``sent`` keeps every patch that reached the server, dry runs apart in ``dry``.
    """

    def __init__(self, scenario: str = "single", *, world: World | None = None) -> None:
        self.world = world or World.build(scenario, seed=7, speed=0.0, epoch=EPOCH)
        self.sent: list[Patch] = []
        self.dry: list[Patch] = []
        self.reads: list[tuple[str, str, str]] = []
        self.denied: dict[str, str] = {}
        self.before_write: Callable[[Patch], None] | None = None
        self.after_write: Callable[[Patch], None] | None = None
        self.before_read: Callable[[str, str, str], None] | None = None
        self.verdicts: dict[Key, Verdict] = {}
        self.pending: dict[Key, Pending] = {}
        self.stages: list[str] = []
        self.step = 1.0
        self._version = 0
        self.wall = 1000.0

    # -- clock ---------------------------------------------------------------------------------------------------

    def clock(self) -> Clock:
        """Cluster time is the world's; wall time is virtual and moves by the same steps."""
        clock = Clock(1.0, monotonic=lambda: self.wall, unix=lambda: EPOCH + self.wall)
        clock._anchor_cluster = self.world.clock.now()
        clock._anchor_wall = self.wall
        return clock

    def advance(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        self.wall += seconds

    # -- Shelf ---------------------------------------------------------------------------------------------------

    def get_row(self, resource: Resource, namespace: str, name: str) -> Any | None:
        raw = self.world.store.get(resource.plural, namespace, name)
        return self._row(resource, raw) if raw is not None else None

    def owned_rows(self, resource: Resource, uid: str) -> Sequence[Any]:
        return [self._row(resource, raw) for raw in self.world.store.owned(resource.plural, uid)]

    def _row(self, resource: Resource, raw: Mapping[str, Any]) -> Any:
        row = next(w.row for s in REGISTRY for w in s.watches if w.resource == resource)
        return decode_row(msgspec.json.encode(raw), row)[0]

    @property
    def shelf(self) -> InProcessShelf:
        return InProcessShelf(self)

    def rollout(self, key: Key) -> Rollout:
        """The picture of one rollout now; fails the test when there is none."""
        found = self.find(key)
        assert found is not None, f"{key} is no rollout"
        return found

    def find(self, key: Key) -> Rollout | None:
        strategy: Strategy = for_kind(key.kind)
        row = self.get_row(strategy.resource, key.namespace, key.name)
        return strategy.build(row, self.shelf) if row is not None else None

    # -- Reader --------------------------------------------------------------------------------------------------

    async def get(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        self.reads.append((resource.plural, namespace, name))
        if self.before_read is not None:
            self.before_read(resource.plural, namespace, name)
        raw = self.world.store.get(resource.plural, namespace, name)
        if raw is None:
            raise NotFound(f"{resource.plural} {name} not found")
        return raw

    async def owned(self, resource: Resource, namespace: str, uid: str) -> Sequence[dict[str, Any]]:
        return self.world.store.owned(resource.plural, uid)

    # -- Writer --------------------------------------------------------------------------------------------------

    async def patch(self, patch: Patch, dry_run: bool = False) -> Answered:
        if not dry_run and self.before_write is not None:
            self.before_write(patch)
        (self.dry if dry_run else self.sent).append(patch)
        body = self.apply(patch, dry_run=dry_run)
        if not dry_run and self.after_write is not None:
            self.after_write(patch)
        return Answered(200, body, f"audit-{len(self.sent)}")

    def apply(self, patch: Patch, *, dry_run: bool = False) -> dict[str, Any]:
        """Apply as the API server would: guards first, then what the subresource lets through."""
        store, plural = self.world.store, patch.resource.plural
        current = store.get(plural, patch.namespace, patch.name)
        if current is None:
            raise NotFound(f"{plural} {patch.name} not found")
        try:
            wanted = apply_json_patch(current, list(patch.ops))
        except PatchError as error:
            raise ApiError(
                f"the server rejected our request due to an error in our request: {error}", status=422
            ) from None
        if dry_run:
            return wanted  # type: ignore[no-any-return]
        try:
            done = store.replace(
                plural, patch.namespace, patch.name, wanted, subresource=patch.subresource, manager="rollout-cockpit"
            )
        except status.Rejected as error:
            raise ApiError(f"{patch.resource.kind} is invalid: {error}", status=422, reason="Invalid") from None
        assert done is not None
        return done

    def human(self, key: Key, change: Callable[[dict[str, Any]], None], subresource: str | None = None) -> None:
        """Somebody else's write, as kubectl would do it."""
        plural = for_kind(key.kind).resource.plural
        self.world.store.mutate(
            plural, key.namespace, key.name, change, subresource=subresource, manager="kubectl-edit"
        )

    # -- Rights --------------------------------------------------------------------------------------------------

    def can(self, right: Right, namespace: str) -> tuple[Answer, str]:
        reason = self.denied.get(str(right))
        return ("denied", reason) if reason else ("allowed", "")

    async def check(self, right: Right, namespace: str) -> tuple[Answer, str]:
        return self.can(right, namespace)

    def forget(self) -> None:
        self.denied = dict(self.denied)

    # -- Picture -------------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        rollouts: dict[Key, Rollout] = {}
        for strategy in REGISTRY:
            for raw in self.world.store.select(strategy.resource.plural):
                row = self._row(strategy.resource, raw)
                built = strategy.build(row, self.shelf)
                if built is not None:
                    rollouts[built.key] = built
        return Snapshot(
            version=self._version,
            now=self.world.clock.now(),
            rollouts=rollouts,
            assessments={key: Assessment(verdict) for key, verdict in self.verdicts.items()},
            pending=dict(self.pending),
        )

    async def changed(self, version: int) -> Snapshot:
        """The next picture is one step of virtual time away."""
        await asyncio.sleep(0)
        self.advance(self.step)
        self._version += 1
        return self.snapshot()

    def set_pending(self, key: Key, pending: Pending | None) -> None:
        if pending is None:
            self.pending.pop(key, None)
        else:
            self.stages.append(pending.stage)
            self.pending[key] = pending


class InProcessShelf:
    """Implements ``strategies.contract.Shelf``."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def get(self, resource: Resource, namespace: str, name: str) -> Any | None:
        return self._cluster.get_row(resource, namespace, name)

    def owned(self, resource: Resource, uid: str) -> Sequence[Any]:
        return self._cluster.owned_rows(resource, uid)

    def known(self, resource: Resource) -> bool:
        return True

    def referrers(self, resource: Resource, namespace: str, name: str) -> Sequence[Any]:
        found = []
        for strategy in REGISTRY:
            for raw in self._cluster.world.store.select(strategy.resource.plural, namespace):
                row = self._cluster._row(strategy.resource, raw)
                if (resource, namespace, name) in strategy.references(row):
                    found.append(row)
        return found


def broken(error: CockpitError, *, times: int = 1) -> Callable[[Any], None]:
    """A hook that raises ``error`` for the first ``times`` calls."""
    left = [times]

    def hook(*_: Any) -> None:
        if left[0] > 0:
            left[0] -= 1
            raise error

    return hook


def ops(plan: Plan, stage: int = 0) -> list[dict[str, Any]]:
    """The changes of a request, without its guards."""
    return [op for op in plan.patches[stage].ops if op["op"] != "test"]


def guards_of(plan: Plan, stage: int = 0) -> dict[str, Any]:
    """The guards of a request: pointer -> value."""
    return {op["path"]: op["value"] for op in plan.patches[stage].ops if op["op"] == "test"}
