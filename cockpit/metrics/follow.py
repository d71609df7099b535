"""One rollout under observation: which pods are its arms, since when, and how far its evidence reaches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from cockpit.base.clock import GRID_SECONDS
from cockpit.metrics.calibration import BEFORE_STEPS
from cockpit.metrics.counters import Pod
from cockpit.metrics.counting import Batch, Counting, Tally
from cockpit.metrics.history import RING, ROLES, History
from cockpit.metrics.own import OwnSli
from cockpit.metrics.presets import ErrorMatcher, Preset
from cockpit.metrics.promql import pod_base
from cockpit.metrics.slis import Judged
from cockpit.model.evidence import Evidence
from cockpit.model.resource import Key
from cockpit.model.rollout import Arm, Role, Rollout
from cockpit.model.urgency import RECENT_SECONDS

LIFE = 3 * 86_400.0
"""How far back evidence is rebuilt; the longest burn window."""

_LINGER = 600.0  # seconds a pod is still asked for after the cluster forgot it: its last scrape may come late


def arms_of(rollout: Rollout, now: float) -> dict[Role, Arm | None]:
    """Which ReplicaSets are compared. For an hour after the end the new version stands against what served before."""
    if rollout.canary is None and compared_with_before(rollout, now):
        return {"canary": rollout.baseline, "baseline": rollout.before}
    return {"canary": rollout.canary, "baseline": rollout.baseline}


def compared_with_before(rollout: Rollout, now: float) -> bool:
    if rollout.canary is not None or rollout.before is None or rollout.finished_at is None:
        return False
    return now - rollout.finished_at <= RECENT_SECONDS


def begin_of(rollout: Rollout, canary: Arm | None, head: float, epoch: float | None = None) -> float:
    """Grid time at which evidence begins: the stratum its canary started in; without a canary what charts show.

    ``epoch``: when this attempt began (a retry, a reset by hand), where that was later.
    """
    started = rollout.started_at or (canary.created_at if canary is not None else None)
    if started is None or canary is None:
        started = head - RING * GRID_SECONDS
    elif epoch is not None:
        started = max(started, epoch)
    started = min(max(started, head - LIFE), head)
    return math.floor(started / GRID_SECONDS) * GRID_SECONDS


class Follow:
    """One rollout's pods, history and evidence. ``count`` may run in a thread, all else on the event loop."""

    def __init__(
        self,
        rollout: Rollout,
        judged: Judged,
        head: float,
        now: float,
        *,
        own: Mapping[str, OwnSli] | None = None,
        epoch: float | None = None,
    ) -> None:
        self.rollout = rollout
        self.arms = arms_of(rollout, now)
        self.epoch = epoch
        self.begin = begin_of(rollout, self.arms["canary"], head, epoch)
        """Grid time from which on there is evidence."""
        before = BEFORE_STEPS * GRID_SECONDS if self.arms["canary"] is not None else 0.0
        self.history = History(self.begin - before, self.begin)
        self.cursor = self.history.begin - GRID_SECONDS
        """Newest grid time that was asked for; one step before the history until the reference is known."""
        self.counting = Counting(self.history, self.begin, judged, own or {})
        self._started = rollout.started_at
        self._names: dict[Pod, tuple[Role, float]] = {}  # -> (arm, when the cluster last listed it)
        self._listed_at = now
        self.update(rollout, now)

    @property
    def key(self) -> Key:
        return self.rollout.key

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The errors' first, then latency, then the user's own."""
        return self.counting.evidence

    @property
    def with_before(self) -> bool:
        """The rollout is over: its baseline is what served before it, and gone."""
        return self.rollout.canary is None and self.arms["canary"] is not None

    def continues(self, rollout: Rollout, now: float, epoch: float | None = None) -> bool:
        """Whether this evidence is still about ``rollout``: another canary, baseline or attempt begins anew."""
        if self._since(epoch) != self._since(self.epoch):
            return False
        if rollout.uid != self.rollout.uid or _hashes(arms_of(rollout, now)) != _hashes(self.arms):
            return False
        # A rollout that has ended no longer says when it began.
        return rollout.started_at is None or self._started is None or rollout.started_at == self._started

    def _since(self, epoch: float | None) -> float | None:
        """The stratum an epoch begins with; None when the canary began after it."""
        canary = self.arms["canary"]
        started = self._started or (canary.created_at if canary is not None else None) or 0.0
        return math.floor(epoch / GRID_SECONDS) if epoch is not None and epoch > started else None

    def update(self, rollout: Rollout, now: float) -> None:
        """Take the newest picture of the cluster; pods that left stay known for a while."""
        self.rollout = rollout
        self._listed_at = max(now, self._listed_at)
        self.arms = arms_of(rollout, now)
        for role, arm in self.arms.items():
            self.counting.serving[role] = max(1, arm.ready if arm is not None else 0)
            for pod in arm.pods if arm is not None else ():
                name = (pod.namespace, pod.name)
                self._names[name] = (role, self._listed_at)
                if pod.created_at is not None:
                    self.counting.born(name, pod.created_at)

    def learn(self, pod: Pod, role: Role) -> None:
        """A pod that only the metrics know (it ended before this process began)."""
        self._names.setdefault(pod, (role, self._listed_at))

    def pods(self) -> list[Pod]:
        """Exact names to ask for: those listed, and those that left a short while ago."""
        oldest = self._listed_at - _LINGER
        return [pod for pod, (_, listed) in self._names.items() if listed >= oldest]

    def role(self, pod: Pod) -> Role | None:
        known = self._names.get(pod)
        return known[0] if known is not None else None

    def bases(self) -> Iterable[tuple[str, Role, str]]:
        """(name base of its pods, arm, ReplicaSet) for arms that have a ReplicaSet."""
        for role, arm in self.arms.items():
            if arm is not None and arm.replicaset:
                yield pod_base(arm.replicaset), role, arm.replicaset

    def count(self, batch: Batch, preset: Preset, errors: ErrorMatcher, end: float) -> Tally:
        """Count what was asked for from ``cursor`` on; may run in a thread."""
        return self.counting.count(batch, preset, errors, self.cursor, end)

    def apply(self, tally: Tally, end: float) -> None:
        """Make a tally part of the history."""
        self.counting.apply(tally)
        self.cursor = end


def _hashes(arms: Mapping[Role, Arm | None]) -> tuple[str | None, ...]:
    return tuple(arm.hash if (arm := arms[role]) is not None else None for role in ROLES)
