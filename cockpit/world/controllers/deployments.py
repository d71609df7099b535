"""The Deployment controller: revisions, rolling update and Recreate, pause, proportional scaling, clean-up."""

from __future__ import annotations

from typing import Any

from cockpit.world.contract import Change, Object, World
from cockpit.world.controllers import deployment_status
from cockpit.world.controllers.events import Recorder
from cockpit.world.controllers.kit import (
    Key,
    Queue,
    annotation,
    controller_of,
    integer,
    key_of,
    notes_of,
    replicas,
    status_of,
)
from cockpit.world.controllers.revisions import (
    DEPLOYMENT,
    Sets,
    actual,
    available,
    fallback_hash,
    make,
    newest_revision,
    total,
)
from cockpit.world.controllers.templates import meaning, revision_of, scaled

_SCALED = "Scaled {way} replica set {name} from {old} to {new}"
_MAX = "deployment.kubernetes.io/max-replicas"


def limits(deployment: Object) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods; never both 0."""
    strategy = deployment["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return 0, 0
    rolling = strategy.get("rollingUpdate") or {}
    count = replicas(deployment)
    surge = scaled(rolling.get("maxSurge"), count, "25%", up=True)
    unavailable = scaled(rolling.get("maxUnavailable"), count, "25%", up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


class Deployments:
    """Reconciles Deployments as kube-controller-manager does."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._recorder = recorder
        self._sets = Sets(world, recorder, DEPLOYMENT)
        self.queue = Queue(world.clock, self._reconcile, 0.15)
        self.failures = self.queue.failures

    def notice(self, change: Change) -> None:
        if change.plural == "deployments":
            if change.type != "DELETED":
                self.queue.add(key_of(change.object))
            return
        owner = controller_of(change.object)
        if owner is not None and owner["kind"] == "Deployment":
            self.queue.add((change.object["metadata"]["namespace"], owner["name"]))

    def _reconcile(self, key: Key) -> None:
        deployment = self._world.objects.get("deployments", *key)
        if deployment is None or "deletionTimestamp" in deployment["metadata"]:
            return
        sets = self._sets.owned(deployment)
        wanted = meaning(deployment["spec"]["template"])
        new = next((rs for rs in sets if meaning(rs["spec"]["template"]) == wanted), None)
        old = [rs for rs in sets if new is None or rs["metadata"]["name"] != new["metadata"]["name"]]
        paused = bool(deployment["spec"].get("paused"))
        reason: deployment_status.Milestone | None = None
        if paused or self._is_scaling_event(deployment, sets):
            if new is not None:
                new = self._sync_revision(key, deployment, new, old)
            self._scale_proportionally(deployment, new, old)
            if paused:
                self._clean_up(deployment, old)
        else:
            if new is None:
                new, reason = self._create(key, deployment, old), "created"
            else:
                reason = "found"
                new = self._sync_revision(key, deployment, new, old)
            if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
                self._recreate(deployment, new, old)
            else:
                self._roll(deployment, new, old)
            if deployment_status.is_complete(deployment, status_of(deployment)):
                self._clean_up(deployment, old)
        self._report(key, deployment, new, old, reason)

    # -- revisions ----------------------------------------------------------------------------------------------

    def _create(self, key: Key, deployment: Object, old: list[Object]) -> Object:
        template = deployment["spec"]["template"]
        found, _ = fallback_hash(template, old, DEPLOYMENT)
        surge, _ = limits(deployment)
        recreate = (deployment["spec"].get("strategy") or {}).get("type") == "Recreate"
        count = 0 if recreate and old else self._room(deployment, old, 0, surge)
        rs = make(deployment, template, found, deployment["spec"]["selector"], DEPLOYMENT, count)
        revision = newest_revision(old, DEPLOYMENT) + 1
        notes_of(rs)[DEPLOYMENT.revision] = str(revision)
        notes_of(rs)[_MAX] = str(replicas(deployment) + surge)
        made = self._world.objects.create(rs, manager=DEPLOYMENT.manager)
        if count:
            text = _SCALED.format(way="up", name=rs["metadata"]["name"], old=0, new=count)
            self._recorder.event(deployment, "ScalingReplicaSet", text, component=DEPLOYMENT.component)
        self._stamp(key, deployment, revision)
        return made

    def _sync_revision(self, key: Key, deployment: Object, new: Object, old: list[Object]) -> Object:
        revision = max(newest_revision(old, DEPLOYMENT) + 1, revision_of(new, DEPLOYMENT.revision))
        new = self._sets.adopt(deployment, new, revision)
        self._stamp(key, deployment, revision_of(new, DEPLOYMENT.revision))
        return new

    def _stamp(self, key: Key, deployment: Object, revision: int) -> None:
        if annotation(deployment, DEPLOYMENT.revision) == str(revision):
            return

        def write(found: Object) -> None:
            notes_of(found)[DEPLOYMENT.revision] = str(revision)

        self._world.objects.mutate("deployments", *key, write, manager=DEPLOYMENT.manager)

    def _clean_up(self, deployment: Object, old: list[Object]) -> None:
        self._sets.prune(old, integer(deployment["spec"].get("revisionHistoryLimit"), 10))

    # -- rolling ------------------------------------------------------------------------------------------------

    @staticmethod
    def _room(deployment: Object, old: list[Object], new_count: int, surge: int) -> int:
        """How many replicas the new ReplicaSet may have now."""
        allowed = replicas(deployment) + surge - total(old) - new_count
        return new_count + min(max(allowed, 0), max(replicas(deployment) - new_count, 0))

    def _roll(self, deployment: Object, new: Object, old: list[Object]) -> None:
        surge, unavailable = limits(deployment)
        wanted = replicas(deployment)
        count = replicas(new)
        goal = wanted if count > wanted else self._room(deployment, old, count, surge)
        if self._scale(deployment, new, goal):
            return
        running = total(old)
        if not running:
            return
        minimum = wanted - unavailable
        new_unavailable = replicas(new) - available(new)
        surplus = running + replicas(new) - minimum - new_unavailable
        if surplus <= 0:
            return
        for rs in old:  # unhealthy pods serve nobody: they go first
            gone = min(surplus, replicas(rs) - available(rs))
            if gone > 0 and self._scale(deployment, rs, replicas(rs) - gone):
                surplus -= gone
        # a ReplicaSet just told to shrink still counts pods that are about to go
        ready = sum(min(available(rs), replicas(rs)) for rs in (*old, new))
        surplus = ready - minimum
        for rs in old:
            gone = min(max(surplus, 0), replicas(rs))
            if gone > 0 and self._scale(deployment, rs, replicas(rs) - gone):
                surplus -= gone

    def _recreate(self, deployment: Object, new: Object, old: list[Object]) -> None:
        scaled_down = [self._scale(deployment, rs, 0) for rs in old if replicas(rs)]
        remaining = any(self._world.objects.owned("pods", rs["metadata"]["uid"]) for rs in old)
        if any(scaled_down) or remaining:
            self.queue.wake(key_of(deployment), self._world.clock.now() + 0.5)  # pods that end are not ours to hear of
        else:
            self._scale(deployment, new, replicas(deployment))

    def _scale(self, deployment: Object, rs: Object, count: int) -> bool:
        return self._sets.scale(deployment, rs, count, replicas(deployment), _SCALED)

    # -- scaling ------------------------------------------------------------------------------------------------

    def _is_scaling_event(self, deployment: Object, sets: list[Object]) -> bool:
        wanted = str(replicas(deployment))
        return any(replicas(rs) and annotation(rs, DEPLOYMENT.desired, wanted) != wanted for rs in sets)

    def _scale_proportionally(self, deployment: Object, new: Object | None, old: list[Object]) -> None:
        """``spec.replicas`` changed: one active ReplicaSet takes it all, several share it by their size."""
        every = [*old, *([new] if new is not None else [])]
        active = [rs for rs in every if replicas(rs)]
        wanted = replicas(deployment)
        if len(active) <= 1:
            only = active[0] if active else new
            if only is not None:
                self._scale(deployment, only, wanted)
            return
        if new is not None and replicas(new) == wanted == available(new):
            for rs in old:
                self._scale(deployment, rs, 0)
            return
        surge, _ = limits(deployment)
        allowed = wanted + surge if wanted else 0
        missing = allowed - total(active)
        sizes = {rs["metadata"]["name"]: replicas(rs) for rs in active}
        ranked = sorted(active, key=lambda rs: (-replicas(rs), -revision_of(rs, DEPLOYMENT.revision)))
        before = integer(annotation(ranked[0], DEPLOYMENT.desired) or None, wanted)
        for rs in ranked:
            base = annotation(rs, _MAX)
            share_of = int(base) if base.isdigit() and int(base) else before + surge
            share = round(replicas(rs) * allowed / share_of) - replicas(rs) if share_of else 0
            added = min(share, missing) if missing > 0 else max(share, missing)
            if added * missing > 0:
                sizes[rs["metadata"]["name"]] += added
                missing -= added
        if missing and ranked:
            name = ranked[0]["metadata"]["name"]
            sizes[name] = max(sizes[name] + missing, 0)
        for rs in ranked:
            self._scale(deployment, rs, sizes[rs["metadata"]["name"]])
            self._sets.change(rs, lambda found: notes_of(found).__setitem__(_MAX, str(allowed)))

    # -- status -------------------------------------------------------------------------------------------------

    def _report(
        self,
        key: Key,
        deployment: Object,
        new: Object | None,
        old: list[Object],
        reason: deployment_status.Milestone | None,
    ) -> None:
        every = [*old, *([new] if new is not None else [])]
        now = self._world.clock.now()
        counts = {
            "replicas": actual(every),
            "updatedReplicas": actual([new]) if new is not None else 0,
            "readyReplicas": actual(every, "readyReplicas"),
            "availableReplicas": actual(every, "availableReplicas"),
        }
        failure = next((item for rs in reversed(every) for item in status_of(rs).get("conditions") or ()), None)
        wake: list[float] = []

        def write(found: Object) -> None:
            old_status = status_of(found)
            status: dict[str, Any] = deployment_status.compute(
                found, old_status, counts, limits(found)[1], new, failure, reason, now
            )
            found["status"] = status
            deadline = deployment_status.deadline(found, status)
            if deadline is not None:
                wake.append(deadline)

        self._world.objects.mutate("deployments", *key, write, subresource="status", manager=DEPLOYMENT.manager)
        for at in wake:
            self.queue.wake(key, at)
