"""One reconciliation of one Rollout: what was read, what is decided, and the status that will be written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from cockpit.base.clock import rfc3339
from cockpit.world.contract import Object, World
from cockpit.world.controllers.events import Recorder
from cockpit.world.controllers.kit import Key, Queue, created, key_of, label, replicas, status_of
from cockpit.world.controllers.revisions import ROLLOUT, Sets
from cockpit.world.controllers.rollouts import spec
from cockpit.world.controllers.templates import ROLLOUT_HASH, revision_of

DEADLINE = "scale-down-deadline"
_encode = msgspec.json.Encoder().encode
_decode: Callable[[bytes], dict[str, Any]] = msgspec.json.Decoder(dict[str, Any]).decode
_SCALED = "Scaled {way} ReplicaSet {name} (revision {revision}) from {old} to {new}"


def _copy(status: Mapping[str, Any]) -> dict[str, Any]:
    return _decode(_encode(status))


class Pauses:
    """What this pass decided about pausing and aborting; ``apply`` turns it into status (the controllerPause protocol).

    ``controllerPause`` stays true while ``pauseConditions`` were cleared by somebody else: that is how a resume is told
    from a pause not yet made.
    """

    def __init__(self, rollout: Object) -> None:
        status = status_of(rollout)
        self._abort = bool(status.get("abort"))
        self.conditions: list[dict[str, Any]] = list(status.get("pauseConditions") or ())
        self.controller_pause = bool(status.get("controllerPause"))
        self.added: list[str] = []
        self._removed: set[str] = set()
        self._cleared = False
        self._unaborted = False
        self.aborting = False
        self.abort_message = ""

    def add(self, reason: str) -> None:
        self.added.append(reason)

    def remove(self, reason: str) -> None:
        self._removed.add(reason)

    def clear(self) -> None:
        self._cleared = True

    def abort(self, message: str) -> None:
        self.aborting = True
        self.abort_message = message

    def unabort(self) -> None:
        self._unaborted = True

    @property
    def aborted(self) -> bool:
        return not self._unaborted and (self.aborting or self._abort)

    def find(self, reason: str) -> dict[str, Any] | None:
        return next((item for item in self.conditions if item["reason"] == reason), None)

    @property
    def resumed(self) -> bool:
        """Somebody cleared the pause that the controller had made."""
        return self.controller_pause and not self.conditions

    def apply(self, status: dict[str, Any], now: float) -> None:
        for field in ("abort", "pauseConditions", "controllerPause"):
            status.pop(field, None)
        if self.aborted:
            status["abort"] = True
            status.setdefault("abortedAt", rfc3339(now))
            return
        status.pop("abortedAt", None)
        if self._cleared:
            return
        kept = [item for item in self.conditions if item["reason"] not in self._removed]
        known = {item["reason"] for item in self.conditions}
        fresh = [reason for reason in dict.fromkeys(self.added) if reason not in known]
        kept += [{"reason": reason, "startTime": rfc3339(now)} for reason in fresh]
        if kept:
            status["pauseConditions"] = kept
            if self.controller_pause or fresh:
                status["controllerPause"] = True


class Context:
    """The Rollout, its ReplicaSets by role, and the new status under construction.

    ``new`` is what the template asks for (None until created), ``stable`` what ``status.stableRS`` names, ``others``
    the rest, oldest first. ``out`` starts as a copy of the old status.
    """

    def __init__(
        self,
        world: World,
        recorder: Recorder,
        queue: Queue,
        rollout: Object,
        template: dict[str, Any],
        selector: dict[str, Any],
    ) -> None:
        self.world = world
        self.recorder = recorder
        self.queue = queue
        self.rollout = rollout
        self.template = template
        self.selector = selector
        self.sets = Sets(world, recorder, ROLLOUT)
        self.key: Key = key_of(rollout)
        self.now = world.clock.now()
        self.status: Mapping[str, Any] = status_of(rollout)
        self.out: dict[str, Any] = _copy(self.status)
        self.out.setdefault("blueGreen", {})
        self.out.setdefault("canary", {})
        self.pauses = Pauses(rollout)
        self.all: list[Object] = self.sets.owned(rollout)
        self.new: Object | None = None
        self.stable: Object | None = None
        self.others: list[Object] = []
        self.wanted_hash = ""

    def sort_sets(self, found: str) -> None:
        """Assign roles, ``found`` being the hash of the template wanted."""
        self.wanted_hash = found
        stable = self.status.get("stableRS")
        self.new = self.by_hash(found)
        self.stable = self.by_hash(stable) if stable else None
        roles = {found, stable}
        self.others = [rs for rs in self.all if label(rs, ROLLOUT_HASH) not in roles]

    def by_hash(self, found: str | None) -> Object | None:
        return next((rs for rs in self.all if label(rs, ROLLOUT_HASH) == found), None) if found else None

    @property
    def desired(self) -> int:
        return replicas(self.rollout)

    @property
    def other_stable(self) -> Object | None:
        """The stable ReplicaSet where it is not the new one."""
        if self.stable is None or self.new is None:
            return self.stable
        return None if self.stable["metadata"]["name"] == self.new["metadata"]["name"] else self.stable

    @property
    def fully_promoted(self) -> bool:
        return spec.fully_promoted(self.rollout)

    @property
    def revision(self) -> int:
        return 0 if self.new is None else revision_of(self.new, ROLLOUT.revision)

    @property
    def halted(self) -> bool:
        """``spec.paused``: no step completes, no canary ReplicaSet is scaled, no active Service switched."""
        return bool(self.rollout["spec"].get("paused"))

    @property
    def in_rollback_window(self) -> bool:
        """Going back to a ReplicaSet older than stable, with fewer than N revisions between them."""
        window = (self.rollout["spec"].get("rollbackWindow") or {}).get("revisions") or 0
        if not window or self.new is None or self.other_stable is None:
            return False
        low, high = created(self.new), created(self.other_stable)
        if low >= high:
            return False
        between = [rs for rs in self.all if low < created(rs) < high and not self._of_experiment(rs)]
        return len(between) < window

    @staticmethod
    def _of_experiment(rs: Object) -> bool:
        return "experiment.argoproj.io/name" in (rs["metadata"].get("annotations") or {})

    def weights(self) -> dict[str, int] | None:
        """{canary, stable} weights as (about to be) written; None without any."""
        found = self.out["canary"].get("weights")
        if not found:
            return None
        return {"canary": found["canary"].get("weight", 0), "stable": found["stable"].get("weight", 0)}

    def scale(self, rs: Object, count: int) -> bool:
        return self.sets.scale(self.rollout, rs, count, self.desired, _SCALED)

    def event(self, reason: str, message: str, kind: Literal["Normal", "Warning"] = "Normal") -> None:
        self.recorder.event(self.rollout, reason, message, kind=kind, component=ROLLOUT.component)

    def wake(self, at: float) -> None:
        if at > self.now:
            self.queue.wake(self.key, at)
