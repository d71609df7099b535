"""The Rollout controller's loop: template, revisions, reset on change, the strategy, and the status written."""

from __future__ import annotations

from typing import Any

from cockpit.world.contract import Change, Object, World
from cockpit.world.controllers.events import Recorder
from cockpit.world.controllers.kit import (
    Key,
    Queue,
    annotation,
    controller_of,
    drop_condition,
    integer,
    key_of,
    notes_of,
    replicas,
    set_condition,
    status_of,
)
from cockpit.world.controllers.revisions import ROLLOUT, available, fallback_hash, make, newest_revision
from cockpit.world.controllers.rollouts import bluegreen, canary, conditions, metadata, restart, spec, validate
from cockpit.world.controllers.rollouts.context import Context
from cockpit.world.controllers.rollouts.phase import phase_of
from cockpit.world.controllers.templates import json_hash

_WORKLOAD_GENERATION = "rollout.argoproj.io/workload-generation"
_INVALID_RETRY = 20.0
_ANALYSES = (
    "prePromotionAnalysisRunStatus",
    "postPromotionAnalysisRunStatus",
    "currentStepAnalysisRunStatus",
    "currentBackgroundAnalysisRunStatus",
)


class Rollouts:
    """Reconciles Rollouts as the Argo Rollouts controller does."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._recorder = recorder
        self.queue = Queue(world.clock, self._reconcile, 0.2)
        self.failures = self.queue.failures
        self._by_workload: dict[Key, set[Key]] = {}

    def notice(self, change: Change) -> None:
        """Hear of Rollouts and what belongs to them; only enqueues."""
        obj = change.object
        if change.plural == "rollouts":
            key = key_of(obj)
            reference = obj["spec"].get("workloadRef")
            if reference:
                self._by_workload.setdefault((key[0], str(reference.get("name"))), set()).add(key)
            if change.type != "DELETED":
                self.queue.add(key)
            return
        if change.plural == "deployments":
            for key in sorted(self._by_workload.get(key_of(obj), ())):
                self.queue.add(key)
            return
        owner = controller_of(obj)
        if owner is not None and owner["kind"] == "Rollout":
            self.queue.add((obj["metadata"]["namespace"], owner["name"]))

    def _reconcile(self, key: Key) -> None:
        rollout = self._world.objects.get("rollouts", *key)
        if rollout is None or "deletionTimestamp" in rollout["metadata"]:
            return
        template, selector, workload = self._resolve(rollout)
        fault = ""
        if rollout["spec"].get("workloadRef") and workload is None:
            name = rollout["spec"]["workloadRef"].get("name")
            fault = f'The Rollout "{key[1]}" is invalid: spec.workloadRef.name: Not found: "{name}"'
        fault = fault or validate.problem(rollout, template, selector)
        if fault or template is None or selector is None:
            self._refuse(key, rollout, fault)
            return
        if workload is not None:
            self._stamp(key, rollout, _WORKLOAD_GENERATION, str(workload["metadata"].get("generation", 1)))
        ctx = Context(self._world, self._recorder, self.queue, rollout, template, selector)
        ctx.sort_sets(self._hash(ctx))
        fault = validate.missing(ctx)
        if fault:
            self._refuse(key, rollout, fault)
            return
        drop_condition(ctx.out, "InvalidSpec")
        conditions.note_pauses(ctx)
        if self._changed(ctx):
            self._reset(ctx)
        else:
            self._sync_revision(ctx)
            restart.reconcile(ctx)
            metadata.reconcile(ctx)
            limit = integer(rollout["spec"].get("revisionHistoryLimit"), 10)
            gone = {rs["metadata"]["name"] for rs in ctx.sets.prune(ctx.others, limit)}
            ctx.others = [rs for rs in ctx.others if rs["metadata"]["name"] not in gone]
            ctx.all = [rs for rs in ctx.all if rs["metadata"]["name"] not in gone]
            if spec.canary(rollout) is not None:
                canary.reconcile(ctx)
            else:
                bluegreen.reconcile(ctx)
        self._write(ctx, workload)
        if workload is not None:
            self._scale_workload(ctx, workload)

    # -- template and revisions ---------------------------------------------------------------------------------

    def _resolve(self, rollout: Object) -> tuple[dict[str, Any] | None, dict[str, Any] | None, Object | None]:
        """(template, selector, referenced Deployment): inline, or of ``workloadRef``."""
        reference = rollout["spec"].get("workloadRef")
        if not reference:
            return rollout["spec"].get("template"), rollout["spec"].get("selector"), None
        found = self._world.objects.get("deployments", rollout["metadata"]["namespace"], str(reference.get("name")))
        if found is None:
            return None, None, None
        return found["spec"]["template"], rollout["spec"].get("selector") or found["spec"]["selector"], found

    def _hash(self, ctx: Context) -> str:
        found, collisions = fallback_hash(ctx.template, ctx.all, ROLLOUT)
        if collisions:
            ctx.out["collisionCount"] = collisions
        return found

    @staticmethod
    def _changed(ctx: Context) -> bool:
        """Another template, or other steps, than the status speaks of."""
        current = ctx.status.get("currentPodHash")
        if not current:
            return False
        steps = ctx.status.get("currentStepHash")
        moved = bool(steps) and spec.canary(ctx.rollout) is not None and steps != _steps_hash(ctx.rollout)
        return current != ctx.wanted_hash or moved

    def _reset(self, ctx: Context) -> None:
        """Begin an update: pauses, abort, full promotion and analysis results of the last one are gone."""
        ctx.pauses.clear()
        ctx.pauses.unabort()
        ctx.out.pop("promoteFull", None)
        ctx.out["restartedAt"] = ctx.rollout["spec"].get("restartAt")
        ctx.out["blueGreen"].pop("scaleUpPreviewCheckPoint", None)
        for field in _ANALYSES:
            ctx.out["canary"].pop(field, None)
            ctx.out["blueGreen"].pop(field, None)
        ctx.out["currentPodHash"] = ctx.wanted_hash
        steps = len(spec.steps_of(ctx.rollout))
        ctx.out.pop("currentStepIndex", None)
        if steps:
            back = ctx.status.get("stableRS") == ctx.wanted_hash
            ctx.out["currentStepIndex"] = steps if back else 0
            if back:
                ctx.event("SkipSteps", "Rollback to stable ReplicaSets")
        if spec.canary(ctx.rollout) is not None:
            canary.count_status(ctx)
        conditions.compute(ctx)

    def _sync_revision(self, ctx: Context) -> None:
        """Create the ReplicaSet the template asks for, or make the one that exists the newest revision again."""
        rest = [rs for rs in ctx.all if ctx.new is None or rs["metadata"]["name"] != ctx.new["metadata"]["name"]]
        revision = newest_revision(rest, ROLLOUT) + 1
        if ctx.new is None:
            rs = make(ctx.rollout, ctx.template, ctx.wanted_hash, ctx.selector, ROLLOUT, 0)
            notes_of(rs)[ROLLOUT.revision] = str(revision)
            made = self._world.objects.create(rs, manager=ROLLOUT.manager)
            ctx.all.append(made)
            ctx.sort_sets(ctx.wanted_hash)
            name = made["metadata"]["name"]
            text = f'Created new replica set "{name}"'
            set_condition(ctx.out, "Progressing", "True", "NewReplicaSetCreated", text, ctx.now)
            ctx.event("NewReplicaSetCreated", f"Created ReplicaSet {name} (revision {revision})")
        else:
            ctx.new["metadata"] = ctx.sets.adopt(ctx.rollout, ctx.new, revision)["metadata"]
        revision = ctx.revision
        if annotation(ctx.rollout, ROLLOUT.revision) != str(revision):
            self._stamp(ctx.key, ctx.rollout, ROLLOUT.revision, str(revision))
            ctx.event("RolloutUpdated", f"Rollout updated to revision {revision}")

    def _stamp(self, key: Key, rollout: Object, name: str, value: str) -> None:
        if annotation(rollout, name) == value:
            return

        def write(found: Object) -> None:
            notes_of(found)[name] = value

        self._world.objects.mutate("rollouts", *key, write, manager=ROLLOUT.manager)
        notes_of(rollout)[name] = value

    # -- status -------------------------------------------------------------------------------------------------

    def _write(self, ctx: Context, workload: Object | None) -> None:
        out = ctx.out
        before = {"paused": bool(ctx.status.get("pauseConditions")), "aborted": "abortedAt" in ctx.status}
        ctx.pauses.apply(out, ctx.now)
        if spec.canary(ctx.rollout) is not None:
            out["currentStepHash"] = _steps_hash(ctx.rollout)
        if out.get("stableRS") == out.get("currentPodHash"):
            out.pop("promoteFull", None)
        out["observedGeneration"] = str(ctx.rollout["metadata"].get("generation", 1))
        if workload is not None:
            out["workloadObservedGeneration"] = str(workload["metadata"].get("generation", 1))
        out["phase"], out["message"] = phase_of(ctx.rollout, out)
        for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "HPAReplicas", "message"):
            if not out.get(name):
                out.pop(name, None)

        def write(found: Object) -> None:
            found["status"] = out

        self._world.objects.mutate("rollouts", *ctx.key, write, subresource="status", manager=ROLLOUT.manager)
        paused = out.get("pauseConditions") or ()
        if paused and not before["paused"]:
            ctx.event("RolloutPaused", f"Rollout is paused ({paused[0]['reason']})")
        elif before["paused"] and not paused and not out.get("abortedAt"):
            ctx.event("RolloutResumed", "Rollout is resumed")
        conditions.timed_out(ctx)  # comes back when the deadline passes

    def _refuse(self, key: Key, rollout: Object, fault: str) -> None:
        now = self._world.clock.now()

        def write(found: Object) -> None:
            status: dict[str, Any] = dict(status_of(found))
            status["conditions"] = list(status.get("conditions") or ())
            drop_condition(status, "InvalidSpec")
            known = next((c for c in status_of(rollout).get("conditions") or () if c["type"] == "InvalidSpec"), None)
            if known is not None and known["message"] == fault:
                status["conditions"].append(known)
            else:
                set_condition(status, "InvalidSpec", "True", "InvalidSpec", fault, now)
            status["observedGeneration"] = str(found["metadata"].get("generation", 1))
            status["phase"], status["message"] = phase_of(found, status)
            status.setdefault("blueGreen", {})
            status.setdefault("canary", {})
            found["status"] = status

        self._world.objects.mutate("rollouts", *key, write, subresource="status", manager=ROLLOUT.manager)
        self.queue.wake(key, now + _INVALID_RETRY)

    def _scale_workload(self, ctx: Context, workload: Object) -> None:
        """``workloadRef.scaleDown``: the Deployment's own pods go when (or as) the Rollout's pods serve."""
        mode = str(ctx.rollout["spec"]["workloadRef"].get("scaleDown", "never"))
        have = replicas(workload)
        if mode == "never" or not have or ctx.new is None:
            return
        ready = available(ctx.new if ctx.other_stable is None else ctx.other_stable)
        goal = (
            max(ctx.desired - ready, 0) if mode == "progressively" else 0 if ctx.out.get("phase") == "Healthy" else have
        )
        if goal >= have:
            return

        def write(found: Object) -> None:
            found["spec"]["replicas"] = goal

        self._world.objects.mutate("deployments", *key_of(workload), write, manager=ROLLOUT.manager)


def _steps_hash(rollout: Object) -> str:
    return json_hash(spec.steps_of(rollout))
