"""The ReplicaSet controller: as many pods as asked for, which of them to delete first, and truthful status counts."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import parse_time, rfc3339
from cockpit.world.contract import Change, Object, World
from cockpit.world.controllers.admission import Admission
from cockpit.world.controllers.events import Recorder
from cockpit.world.controllers.kit import Key, Queue, controller_of, created, integer, key_of, own, replicas, status_of

_COMPONENT = "replicaset-controller"
_MANAGER = "kube-controller-manager"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def ready_since(pod: Object) -> float | None:
    """When the pod became ready; None while it is not (or is being deleted)."""
    if "deletionTimestamp" in pod["metadata"]:
        return None
    for condition in status_of(pod).get("conditions") or ():
        if condition["type"] == "Ready" and condition["status"] == "True":
            return parse_time(condition["lastTransitionTime"])
    return None


class ReplicaSets:
    """Reconciles ReplicaSets, whoever owns them."""

    def __init__(self, world: World, recorder: Recorder, admission: Admission) -> None:
        self._world = world
        self._recorder = recorder
        self._admission = admission
        self._queue = Queue(world.clock, self._reconcile, 0.1)
        self.failures = self._queue.failures

    def notice(self, change: Change) -> None:
        if change.plural == "replicasets":
            # our own status writes need no second look
            old = change.old
            if old is None or old["metadata"].get("generation") != change.object["metadata"].get("generation"):
                self._queue.add(key_of(change.object))
            return
        owner = controller_of(change.object)
        if owner is not None and owner["kind"] == "ReplicaSet":
            self._queue.add((change.object["metadata"]["namespace"], owner["name"]))

    def _reconcile(self, key: Key) -> None:
        rs = self._world.objects.get("replicasets", *key)
        if rs is None:
            return
        pods = [
            pod
            for pod in self._world.objects.owned("pods", rs["metadata"]["uid"])
            if "deletionTimestamp" not in pod["metadata"] and status_of(pod).get("phase") not in ("Succeeded", "Failed")
        ]
        failure: str | None = None
        if "deletionTimestamp" not in rs["metadata"]:
            wanted = replicas(rs)
            if len(pods) < wanted:
                failure = self._grow(rs, wanted - len(pods))
            elif len(pods) > wanted:
                self._shrink(rs, pods, len(pods) - wanted)
        self._report(key, rs, pods, failure)

    def _grow(self, rs: Object, missing: int) -> str | None:
        """Create pods; the API server's refusal when it would not have more."""
        metadata = rs["metadata"]
        template = rs["spec"]["template"]
        for _ in range(missing):
            pod: Object = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    **(template.get("metadata") or {}),
                    "generateName": f"{metadata['name']}-",
                    "namespace": metadata["namespace"],
                    "ownerReferences": own(rs),
                },
                "spec": template["spec"],
            }
            why = self._admission.refusal(metadata["namespace"], pod)
            if why is not None:
                name = f"{metadata['name']}-{self._world.rng('refused', metadata['uid']).randrange(16**5):05x}"
                message = f'pods "{name}" is forbidden: {why}'
                self._recorder.event(
                    rs, "FailedCreate", f"Error creating: {message}", kind="Warning", component=_COMPONENT
                )
                self._queue.wake((metadata["namespace"], metadata["name"]), self._world.clock.now() + 15.0)
                return message
            made = self._world.objects.create(pod, manager=_MANAGER)
            self._recorder.event(
                rs, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}", component=_COMPONENT
            )
        return None

    def _shrink(self, rs: Object, pods: list[Object], surplus: int) -> None:
        for pod in sorted(pods, key=_deletion_rank)[:surplus]:
            name = pod["metadata"]["name"]
            self._world.objects.delete("pods", pod["metadata"]["namespace"], name)
            self._recorder.event(rs, "SuccessfulDelete", f"Deleted pod: {name}", component=_COMPONENT)

    def _report(self, key: Key, rs: Object, pods: list[Object], failure: str | None) -> None:
        now = self._world.clock.now()
        minimum = integer(rs["spec"].get("minReadySeconds"), 0)
        labels = (rs["spec"]["template"].get("metadata") or {}).get("labels") or {}
        since = [moment for pod in pods if (moment := ready_since(pod)) is not None]
        for moment in since:
            if moment + minimum > now:
                self._queue.wake(key, moment + minimum)
        full = sum(
            1 for pod in pods if all((pod["metadata"].get("labels") or {}).get(k) == v for k, v in labels.items())
        )
        counts = {
            "replicas": len(pods),
            "fullyLabeledReplicas": full,
            "readyReplicas": len(since),
            "availableReplicas": sum(1 for moment in since if moment + minimum <= now),
        }

        def write(found: Object) -> None:
            old = status_of(found)
            status: dict[str, Any] = {name: count for name, count in counts.items() if count or name == "replicas"}
            status["observedGeneration"] = rs["metadata"].get("generation", 1)
            if failure is not None:
                known = next(iter(old.get("conditions") or ()), None)
                status["conditions"] = [
                    {
                        "type": "ReplicaFailure",
                        "status": "True",
                        "lastTransitionTime": known["lastTransitionTime"] if known else rfc3339(now),
                        "reason": "FailedCreate",
                        "message": failure,
                    }
                ]
            found["status"] = status

        self._world.objects.mutate("replicasets", *key, write, subresource="status", manager=_MANAGER)


def _deletion_rank(pod: Object) -> tuple[object, ...]:
    """Sort key of what to delete first: unbound, pending, unready, cheap, restarted, young."""
    status = status_of(pod)
    since = ready_since(pod)
    restarts = max((item.get("restartCount", 0) for item in status.get("containerStatuses") or ()), default=0)
    cost = (pod["metadata"].get("annotations") or {}).get("controller.kubernetes.io/pod-deletion-cost", "0")
    return (
        bool(pod["spec"].get("nodeName")),
        _PHASES.get(status.get("phase", "Pending"), 0),
        since is not None,
        int(cost) if cost.lstrip("-").isdigit() else 0,
        -(since or 0.0),
        -restarts,
        -created(pod),
        pod["metadata"]["name"],
    )
