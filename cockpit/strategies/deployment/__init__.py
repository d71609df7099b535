"""Native Deployments: a rolling update as a canary by pod ratio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from cockpit.cluster.rows import PodRow, ReplicaSetRow
from cockpit.model.guards import ARM
from cockpit.model.plan import Intent, Patch, Plan, Refusal, Verb
from cockpit.model.resource import DEPLOYMENTS, PODS, REPLICASETS, Resource
from cockpit.model.right import Right
from cockpit.model.rollout import Rollout
from cockpit.strategies import arms
from cockpit.strategies.contract import Observation, Reader, Shelf, Watch
from cockpit.strategies.deployment import plan as plans
from cockpit.strategies.deployment.build import HASH_LABEL, REVISION, build
from cockpit.strategies.deployment.rows import DeploymentRow
from cockpit.strategies.goals import restarted, rolled_back, settled

_MAIN = Right("patch", DEPLOYMENTS)
_DRAFTERS: dict[Verb, Callable[[Intent, Reader], Awaitable[Plan | Refusal]]] = {
    "pause": plans.pause,
    "resume": plans.resume,
    "restart": plans.restart,
    "abort": plans.abort,
    "rollback": plans.rollback,
}


class Deployments:
    """Implements ``strategies.contract.Strategy`` for ``apps/v1`` Deployments."""

    resource = DEPLOYMENTS
    hash_label = HASH_LABEL
    revision_key = REVISION
    watches: tuple[Watch, ...] = (
        Watch(DEPLOYMENTS, DeploymentRow),
        Watch(REPLICASETS, ReplicaSetRow),
        Watch(PODS, PodRow),
    )

    def references(self, row: DeploymentRow) -> Iterable[tuple[Resource, str, str]]:
        return ()

    def build(self, row: DeploymentRow, shelf: Shelf) -> Rollout | None:
        if shelf.referrers(DEPLOYMENTS, row.meta.namespace, row.meta.name):
            return None  # a Rollout runs its template; scaled to 0 it would look like an outage
        return build(row, shelf)

    def rights(self) -> Mapping[Verb, Sequence[Right]]:
        return dict.fromkeys(_DRAFTERS, (_MAIN,))

    async def plan(self, intent: Intent, reader: Reader) -> Plan | Refusal:
        return await _DRAFTERS[intent.verb](intent, reader)

    def next_patch(self, plan: Plan, stage: int, rollout: Rollout) -> Patch | Refusal | None:
        return None  # every verb of a Deployment is one request

    def observe(self, plan: Plan, rollout: Rollout | None) -> Observation:
        if rollout is None or rollout.uid != plan.uid:
            return Observation("superseded", "the Deployment is gone")
        kind = plan.goal.get("kind")
        if kind == "paused":
            return settled(rollout.paused_by == "human", "paused by hand", rollout)
        if kind == "resumed":
            return settled(rollout.paused_by != "human", "no longer paused", rollout)
        if kind == "restarted":
            return restarted(plan.goal, rollout)
        return rolled_back(plan.goal, rollout, rollout.seen.get(ARM))

    def candidates(self, row: DeploymentRow, shelf: Shelf) -> Sequence[ReplicaSetRow]:
        return arms.newest_first(shelf.owned(REPLICASETS, row.meta.uid), REVISION)


__all__ = ["Deployments"]
