"""The Job controller, in short: a Job runs for a moment, then is complete or failed, and goes when its time is up.

No pods are made for it: what matters here is that Jobs exist, when they ran, and that they vanish.
"""

from __future__ import annotations

import copy
from typing import Any

from cockpit.base.clock import parse_time, rfc3339
from cockpit.world.contract import Change, Object, World
from cockpit.world.controllers.events import Recorder
from cockpit.world.controllers.kit import Key, Queue, integer, key_of, status_of

_MANAGER = "kube-controller-manager"
_RUNS = 8.0  # seconds that a Job takes


class Jobs:
    """Reconciles Jobs. One whose image crashes (its fault profile) fails."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._recorder = recorder
        self._queue = Queue(world.clock, self._reconcile, 0.2)
        self.failures = self._queue.failures

    def notice(self, change: Change) -> None:
        if change.type != "DELETED":
            self._queue.add(key_of(change.object))

    def _reconcile(self, key: Key) -> None:
        job = self._world.objects.get("jobs", *key)
        if job is None or "deletionTimestamp" in job["metadata"] or job["spec"].get("suspend"):
            return
        now = self._world.clock.now()
        status = copy.deepcopy(status_of(job))
        finished = next((c for c in status.get("conditions") or () if c["type"] in ("Complete", "Failed")), None)
        if finished is not None:
            self._expire(key, job, parse_time(finished["lastTransitionTime"]) or now)
            return
        started = parse_time(status.get("startTime"))
        if started is None:
            status |= {"startTime": rfc3339(now), "active": 1, "ready": 1}
            self._queue.wake(key, now + _RUNS)
        elif now < started + _RUNS:
            return
        else:
            status = self._finished(job, status, now)

        def write(found: Object) -> None:
            found["status"] = status

        self._world.objects.mutate("jobs", *key, write, subresource="status", manager=_MANAGER)

    def _finished(self, job: Object, status: dict[str, Any], now: float) -> dict[str, Any]:
        images = [each["image"] for each in job["spec"]["template"]["spec"]["containers"]]
        failed = any(self._world.profiles.of(image).crash_after is not None for image in images)
        stamp = rfc3339(now)
        if failed:
            kind, reason, message = "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
            status |= {"failed": integer(job["spec"].get("backoffLimit"), 6) + 1}
        else:
            kind, reason, message = "Complete", "CompletionsReached", "Reached expected number of succeeded pods"
            status |= {"succeeded": integer(job["spec"].get("completions"), 1), "completionTime": stamp}
        condition = {"type": kind, "status": "True", "reason": reason, "message": message}
        status["conditions"] = [{**condition, "lastProbeTime": stamp, "lastTransitionTime": stamp}]
        del status["active"]
        status["ready"] = 0
        said, level = ("Job has reached the specified backoff limit", "Warning") if failed else ("Job completed", "")
        if level:
            self._recorder.event(job, reason, said, kind="Warning", component="job-controller")
        else:
            self._recorder.event(job, "Completed", said, component="job-controller")
        return status

    def _expire(self, key: Key, job: Object, finished: float) -> None:
        lives = job["spec"].get("ttlSecondsAfterFinished")
        if lives is None:
            return
        if self._world.clock.now() >= finished + float(lives):
            self._world.objects.delete("jobs", *key)
        else:
            self._queue.wake(key, finished + float(lives))
