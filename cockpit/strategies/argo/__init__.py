"""Argo Rollouts: canary and blue-green, with or without a workloadRef."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from cockpit.cluster.rows import PodRow, ReplicaSetRow
from cockpit.model.guards import HASH, PAUSED
from cockpit.model.plan import Intent, Patch, Plan, Refusal, Verb
from cockpit.model.resource import ANALYSISRUNS, DEPLOYMENTS, PODS, REPLICASETS, ROLLOUTS, Resource
from cockpit.model.right import Right
from cockpit.model.rollout import Rollout
from cockpit.strategies import arms
from cockpit.strategies.argo import forward, hold, requests
from cockpit.strategies.argo.build import build, workload_reference
from cockpit.strategies.argo.names import HASH_LABEL, REVISION
from cockpit.strategies.argo.observe import observe
from cockpit.strategies.argo.rollback import next_stage, rollback
from cockpit.strategies.argo.rows import AnalysisRunRow, RolloutRow
from cockpit.strategies.contract import Observation, Reader, Shelf, Watch
from cockpit.strategies.deployment.rows import DeploymentRow

Drafter = Callable[[Intent, Reader], Awaitable[Plan | Refusal]]

_STATUS = Right("patch", ROLLOUTS, "status")
_MAIN = Right("patch", ROLLOUTS)
_WORKLOAD = Right("patch", DEPLOYMENTS)

_DRAFTERS: dict[Verb, Drafter] = {
    "advance": forward.advance,
    "skip": forward.skip,
    "full": forward.full,
    "retry": forward.retry,
    "pause": hold.pause,
    "resume": hold.resume,
    "abort": hold.abort,
    "restart": hold.restart,
    "rollback": rollback,
}


class ArgoRollouts:
    """Implements ``strategies.contract.Strategy`` for ``argoproj.io/v1alpha1`` Rollouts."""

    resource = ROLLOUTS
    hash_label = HASH_LABEL
    revision_key = REVISION
    watches: tuple[Watch, ...] = (
        Watch(ROLLOUTS, RolloutRow, optional=True),
        Watch(ANALYSISRUNS, AnalysisRunRow, optional=True),
        Watch(REPLICASETS, ReplicaSetRow),
        Watch(PODS, PodRow),
        Watch(DEPLOYMENTS, DeploymentRow),
    )

    def references(self, row: RolloutRow) -> Iterable[tuple[Resource, str, str]]:
        reference = workload_reference(row.spec) if row.spec else None
        if reference is not None and reference[0] == "Deployment":
            yield DEPLOYMENTS, row.meta.namespace, reference[1]

    def build(self, row: RolloutRow, shelf: Shelf) -> Rollout | None:
        return build(row, shelf)

    def rights(self) -> Mapping[Verb, Sequence[Right]]:
        return {
            "advance": (_STATUS,),
            "skip": (_STATUS,),
            "full": (_STATUS,),
            "abort": (_STATUS,),
            "retry": (_STATUS,),
            "pause": (_MAIN,),
            "resume": (_MAIN,),
            "restart": (_MAIN,),
            "rollback": (_MAIN,),
        }

    async def plan(self, intent: Intent, reader: Reader) -> Plan | Refusal:
        return await _DRAFTERS[intent.verb](intent, reader)

    def next_patch(self, plan: Plan, stage: int, rollout: Rollout) -> Patch | Refusal | None:
        if rollout.uid != plan.uid:
            return Refusal(plan.verb, plan.key, "the rollout was deleted and made anew meanwhile", "moved")
        if plan.goal.get("kind") == "rolled-back":
            return next_stage(plan.goal, stage, rollout)
        if rollout.seen.get(HASH) != plan.goal.get("hash"):
            return Refusal(plan.verb, plan.key, "another version is being rolled out now", "moved")
        if not rollout.aborted:
            return None
        if stage < len(plan.patches):
            return plan.patches[stage]
        held = rollout.seen.get(PAUSED) is True and plan.patches[-1].subresource == "status"
        return requests.resume_aborted(rollout) if held else None

    def observe(self, plan: Plan, rollout: Rollout | None) -> Observation:
        if rollout is None or rollout.uid != plan.uid:
            return Observation("superseded", "the rollout is gone")
        return observe(plan.verb, plan.goal, rollout)

    def candidates(self, row: RolloutRow, shelf: Shelf) -> Sequence[ReplicaSetRow]:
        return arms.newest_first(shelf.owned(REPLICASETS, row.meta.uid), REVISION)


__all__ = ["ArgoRollouts"]
