"""The Experiment controller: its templates run side by side for a while, then it succeeds."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import parse_time, rfc3339
from cockpit.world.contract import Change, Object, World
from cockpit.world.controllers.kit import Key, Queue, controller_of, integer, key_of, label, replicas, status_of
from cockpit.world.controllers.revisions import ROLLOUT, actual, available, make
from cockpit.world.controllers.rollouts.spec import seconds
from cockpit.world.controllers.templates import ROLLOUT_HASH, template_hash

_DONE = ("Successful", "Failed", "Error", "Inconclusive")


class Experiments:
    """Reconciles Experiments: scale up, run for ``spec.duration`` (without one: until terminated), scale down."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._queue = Queue(world.clock, self._reconcile, 0.2)
        self.failures = self._queue.failures

    def notice(self, change: Change) -> None:
        if change.plural == "experiments":
            if change.type != "DELETED":
                self._queue.add(key_of(change.object))
            return
        owner = controller_of(change.object)
        if owner is not None and owner["kind"] == "Experiment":
            self._queue.add((change.object["metadata"]["namespace"], owner["name"]))

    def _reconcile(self, key: Key) -> None:
        experiment = self._world.objects.get("experiments", *key)
        if experiment is None:
            return
        now = self._world.clock.now()
        status: dict[str, Any] = dict(status_of(experiment))
        done = status.get("phase") in _DONE
        rows: list[dict[str, Any]] = []
        for template in experiment["spec"].get("templates") or ():
            rs = self._replica_set(key, experiment, template)
            wanted = 0 if done else integer(template.get("replicas"), 1)
            if replicas(rs) != wanted:
                self._scale(key, rs["metadata"]["name"], wanted)
            rows.append(
                {
                    "name": template["name"],
                    "podTemplateHash": label(rs, ROLLOUT_HASH),
                    "replicas": actual([rs]),
                    "readyReplicas": actual([rs], "readyReplicas"),
                    "availableReplicas": available(rs),
                    "updatedReplicas": actual([rs]),
                    "status": "Successful" if done else "Running" if available(rs) >= wanted else "Progressing",
                }
            )
        status["templateStatuses"] = rows
        if not done:
            self._advance(key, experiment, status, rows, now)

        def write(found: Object) -> None:
            found["status"] = status

        self._world.objects.mutate("experiments", *key, write, manager=ROLLOUT.manager)

    def _advance(
        self, key: Key, experiment: Object, status: dict[str, Any], rows: list[dict[str, Any]], now: float
    ) -> None:
        status.setdefault("phase", "Pending")
        if all(row["status"] == "Running" for row in rows) and "availableAt" not in status:
            status["availableAt"] = rfc3339(now)
        if "availableAt" in status:
            status["phase"] = "Running"
        duration = seconds(experiment["spec"].get("duration"))
        end: float | None = None
        if "availableAt" in status and duration is not None:
            end = (parse_time(status["availableAt"]) or now) + duration
            self._queue.wake(key, end)
        if experiment["spec"].get("terminate") or (end is not None and now >= end):
            status["phase"] = "Successful"

    def _replica_set(self, key: Key, experiment: Object, template: dict[str, Any]) -> Object:
        name = f"{key[1]}-{template['name']}"
        found = self._world.objects.get("replicasets", key[0], name)
        if found is not None:
            return found
        hashed = template_hash(template["template"])
        selector = template.get("selector") or {"matchLabels": template["template"]["metadata"].get("labels") or {}}
        rs = make(experiment, template["template"], hashed, selector, ROLLOUT, 0)
        rs["metadata"]["name"] = name
        rs["metadata"]["annotations"] |= {
            "experiment.argoproj.io/name": key[1],
            "experiment.argoproj.io/template-name": template["name"],
        }
        return self._world.objects.create(rs, manager=ROLLOUT.manager)

    def _scale(self, key: Key, name: str, count: int) -> None:
        def write(found: Object) -> None:
            found["spec"]["replicas"] = count

        self._world.objects.mutate("replicasets", key[0], name, write, manager=ROLLOUT.manager)
