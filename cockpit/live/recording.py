"""What must be written down while it can be seen: images that pods run, templates, verdicts, how versions left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import get_args

from cockpit.base.clock import Clock
from cockpit.base.errors import CockpitError
from cockpit.cluster.rows import ReplicaSetRow
from cockpit.journal import Archive, JournalError
from cockpit.journal.observed import Observation, Transition, Workload
from cockpit.live.live import Live
from cockpit.model.resource import REPLICASETS, Key
from cockpit.model.revision import Left, Then
from cockpit.model.rollout import Arm, Rollout
from cockpit.model.snapshot import Snapshot
from cockpit.model.verdict import Assessment
from cockpit.strategies import templates
from cockpit.strategies.argo.names import EPHEMERAL
from cockpit.strategies.contract import Reader

_EVERY = 3.0
"""Wall seconds between two looks at the picture: what runs changes in seconds, and nobody waits for a record."""
_AGAIN = 300.0
"""Wall seconds after which what still runs is told again, so that "last seen" moves on."""
_TEMPLATES_AT_ONCE = 5
"""Pod templates read per look: a large fleet must not be read in a burst."""


class Recorder:
    """Follows the live picture. Trouble with the journal is told once by ``notify`` and stops nothing."""

    def __init__(
        self, live: Live, archive: Archive, reader: Reader, clock: Clock, notify: Callable[[str], None], cluster: str
    ) -> None:
        self._live = live
        self._archive = archive
        self._reader = reader
        self._clock = clock
        self._notify = notify
        self._cluster = cluster
        self._seen: dict[Key, tuple[Rollout, float]] = {}
        self._kept: set[str] = set()  # uids of ReplicaSets whose template is written down
        self._states: dict[tuple[str, str], str] = {}
        self._left: set[tuple[str, str, Left]] = set()
        self._arms: dict[str, tuple[Arm | None, Arm | None]] = {}  # uid -> canary and stable arm as last seen
        self._told = False

    async def follow(self) -> None:
        """Until cancelled."""
        while True:
            await self.look(self._live.snapshot())
            await asyncio.sleep(_EVERY)

    async def look(self, snapshot: Snapshot) -> None:
        """Write down what is new in one picture. Never raises for an expected failure."""
        now = self._clock.wall()
        fresh = [
            rollout
            for key, rollout in snapshot.rollouts.items()
            if (before := self._seen.get(key)) is None or before[0] is not rollout or now - before[1] >= _AGAIN
        ]
        try:
            if fresh:
                await self._archive.observe(
                    [each for rollout in fresh for each in self._running(rollout, snapshot.now)]
                )
            for transition in (*self._turned(snapshot), *self._ended(fresh, snapshot)):
                await self._archive.transition(transition)
            for rollout in fresh:
                self._seen[rollout.key] = (rollout, now)
            await self._templates(snapshot)
            self._told = False
        except JournalError as error:
            if not self._told:
                self._told = True
                self._notify(f"what pods run is not recorded: {error}")
        for key in self._seen.keys() - snapshot.rollouts.keys():
            del self._seen[key]

    # -- what runs -----------------------------------------------------------------------------------------------------

    def _workload(self, rollout: Rollout) -> Workload:
        key = rollout.key
        return Workload(self._cluster, key.kind, key.namespace, key.name, rollout.uid)

    def _replicaset(self, rollout: Rollout, arm: Arm) -> ReplicaSetRow | None:
        if arm.replicaset is None:
            return None
        found: ReplicaSetRow | None = self._live.stores.get(REPLICASETS, rollout.key.namespace, arm.replicaset)
        return found

    def _running(self, rollout: Rollout, at: float) -> Iterator[Observation]:
        for arm in _arms(rollout):
            row = self._replicaset(rollout, arm)
            if row is None or not arm.pods:
                continue
            for image in arm.images:
                if image.digest is not None:
                    yield Observation(
                        workload=self._workload(rollout),
                        replicaset=row.meta.uid,
                        hash=arm.hash,
                        revision=arm.revision,
                        container=image.container,
                        image=image.image,
                        image_id=image.digest,
                        digest=image.digest,
                        at=at,
                    )

    async def _templates(self, snapshot: Snapshot) -> None:
        """Read and keep the templates of versions that run and are not kept yet, a few at a time."""
        budget = _TEMPLATES_AT_ONCE
        for rollout in snapshot.rollouts.values():
            for arm in _arms(rollout):
                row = self._replicaset(rollout, arm)
                if row is None or row.meta.uid in self._kept:
                    continue
                if budget == 0:
                    return
                budget -= 1
                try:
                    whole = await self._reader.get(REPLICASETS, rollout.key.namespace, row.meta.name)
                except CockpitError:
                    continue  # it is asked for again at the next look
                strategy = self._live.strategy(rollout.key)
                # As its author wrote it: what a controller injected, it will inject again.
                template = templates.restored(whole, strategy.hash_label, EPHEMERAL) if strategy is not None else {}
                if template:
                    workload = self._workload(rollout)
                    await self._archive.keep_template(workload, arm.hash, arm.revision, template, snapshot.now)
                self._kept.add(row.meta.uid)

    # -- what is said of versions --------------------------------------------------------------------------------------

    def _turned(self, snapshot: Snapshot) -> Iterator[Transition]:
        """Verdicts that changed, with the numbers of that moment."""
        for key, assessment in snapshot.assessments.items():
            rollout = snapshot.rollouts.get(key)
            arm = (rollout.canary or rollout.baseline) if rollout is not None else None
            if rollout is None or arm is None or assessment.verdict.state == "unjudged":
                continue
            version = (rollout.uid, arm.hash)
            if self._states.get(version) != assessment.verdict.state:
                self._states[version] = assessment.verdict.state
                yield Transition(
                    self._workload(rollout),
                    arm.hash,
                    assessment.as_of or snapshot.now,
                    assessment.verdict.state,
                    assessment.verdict.reason,
                    slis_of(assessment, "canary" if rollout.canary is not None else "baseline"),
                )

    def _ended(self, fresh: list[Rollout], snapshot: Snapshot) -> Iterator[Transition]:
        """Versions that were promoted over, aborted or rolled back, as this process saw it happen."""
        for rollout in fresh:
            canary, stable = rollout.canary, rollout.baseline
            was_canary, was_stable = self._arms.get(rollout.uid, (None, None))
            self._arms[rollout.uid] = (canary, stable or was_stable)
            if rollout.aborted and canary is not None:
                yield from self._leaving(rollout, canary, "aborted", snapshot)
            in_force = canary or stable
            here = {arm.hash for arm in (canary, stable) if arm is not None}
            if not rollout.aborted:  # what is here again can leave again
                self._left -= {(rollout.uid, hash_, left) for hash_ in here for left in get_args(Left)}
            gone = was_canary if was_canary is not None and was_canary.hash not in here else None
            # What was aborted before it was left stays aborted: its traffic went then.
            if gone is not None and _older(in_force, gone) and (rollout.uid, gone.hash, "aborted") not in self._left:
                yield from self._leaving(rollout, gone, "rolled-back", snapshot)
            if was_stable is not None and stable is not None and was_stable.hash != stable.hash:
                left: Left = "rolled-back" if _older(stable, was_stable) else "promoted-over"
                yield from self._leaving(rollout, was_stable, left, snapshot)

    def _leaving(self, rollout: Rollout, arm: Arm, left: Left, snapshot: Snapshot) -> Iterator[Transition]:
        mark = (rollout.uid, arm.hash, left)
        if mark in self._left:
            return
        self._left.add(mark)
        assessment = snapshot.assessments.get(rollout.key)
        # Numbers of a canary that is gone already are another version's; its last verdict keeps its own.
        role = "baseline" if left == "promoted-over" else "canary" if left == "aborted" else None
        slis = slis_of(assessment, role) if assessment is not None and role is not None else ()
        yield Transition(self._workload(rollout), arm.hash, snapshot.now, "", slis=slis, left=left)


def _older(target: Arm | None, left: Arm) -> bool:
    """Whether what came into force was made before what was left: a return to it, no newer version."""
    if target is None or target.created_at is None or left.created_at is None:
        return False
    return target.created_at < left.created_at


def slis_of(assessment: Assessment, role: str) -> tuple[Then, ...]:
    """The values of one arm in an SLI table."""
    at = assessment.as_of or 0.0
    return tuple(
        Then(row.name, row.canary if role == "canary" else row.baseline, row.unit, at)
        for row in assessment.slis
        if (row.canary if role == "canary" else row.baseline) is not None
    )


def _arms(rollout: Rollout) -> Iterator[Arm]:
    for arm in (rollout.canary, rollout.baseline, rollout.before):
        if arm is not None:
            yield arm
