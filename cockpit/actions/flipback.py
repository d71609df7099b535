"""After a rollback: whether somebody, mostly a GitOps controller, puts back what was left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from cockpit.actions.conditions import standing
from cockpit.actions.ledger import Ledger
from cockpit.actions.ports import Picture
from cockpit.actions.watching import Deadline, next_picture
from cockpit.base.clock import Clock, parse_time
from cockpit.base.errors import CockpitError
from cockpit.journal import IntentRecord, OpenIntent, OutcomeRecord
from cockpit.model.act import FLIPPED
from cockpit.model.plan import Outcome, Pending, Plan
from cockpit.model.resource import Key
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import SeatAct, Snapshot
from cockpit.strategies.contract import Reader, Strategy
from cockpit.strategies.values import mapping, objects, spell, text

GUARD_SECONDS = 900.0
"""Cluster seconds that the version put back is watched for: GitOps controllers look again every few minutes."""
_OURS = "rollout-cockpit"
_TOOLS = {"argocd": "Argo CD", "flux": "Flux", "helm": "Helm"}


class Flipback:
    """Watches one rollback from the moment its request was taken. ``flipped`` says what was seen, "" until then."""

    def __init__(
        self,
        op_id: str,
        plan: Plan,
        picture: Picture,
        reader: Reader,
        clock: Clock,
        strategy_of: Callable[[str], Strategy],
        ago: float = 0.0,
    ) -> None:
        """``ago``: cluster seconds since the request was taken, where an earlier run sent it."""
        self.flipped = ""
        self.over = False  # a cancellation that meets the end of a ``wait_for`` is lost before Python 3.12
        self._op_id = op_id
        self._plan = plan
        self._picture = picture
        self._reader = reader
        self._clock = clock
        self._strategy_of = strategy_of
        self._began = clock.cluster() - ago
        self._target: tuple[str, str] | None = None  # hash and name of the version put back, once it is in force

    @property
    def in_force(self) -> bool:
        """Whether the version put back has been seen in force."""
        return self._target is not None

    async def undone(self) -> str:
        """That the request was undone before anything came of it, as a fresh read shows; "" where it does not."""
        patch = self._plan.patches[0]
        rollout = self._picture.snapshot().rollouts.get(self._plan.key)
        try:
            raw = await self._reader.get(patch.resource, patch.namespace, patch.name)
        except CockpitError:
            return ""
        if rollout is None or standing(patch.ops, raw) != "untouched":
            return ""
        who = await self._manager(rollout) or _owner(rollout) or "somebody"
        self.flipped = f"rolled back, but {who} put back what was left before it took effect"
        return self.flipped

    async def watch(self, seconds: float) -> str:
        """Until it is flipped back or the time has passed; the sentence, "" for none. Never raises for a failure."""
        deadline = Deadline(self._clock, seconds)
        snapshot = self._picture.snapshot()
        while deadline.left > 0 and not self.over:
            rollout = snapshot.rollouts.get(self._plan.key)
            if rollout is None or rollout.uid != self._plan.uid:
                return ""
            if self._left(rollout):
                self.flipped = await self._said(rollout, self._by_seat(snapshot))
                return self.flipped
            snapshot = await next_picture(self._picture, snapshot, deadline)
        return ""

    def _left(self, rollout: Rollout) -> bool:
        """Whether the version put back was in force and is so no longer."""
        arm = rollout.canary or rollout.baseline
        if arm is None or rollout.aborted:  # an abort leaves the template as it is
            return False
        if self._target is None:
            asked = self._plan.goal.get("hash")
            if arm.hash == asked or (asked is None and arm.hash != self._plan.from_hash):
                self._target = (arm.hash, f"rev {arm.revision}" if arm.revision is not None else arm.hash)
            return False
        return arm.hash != self._target[0]

    def _by_seat(self, snapshot: Snapshot) -> SeatAct | None:
        """Another cockpit's act, which is no surprise to whoever reads the row, but a change all the same."""
        act = snapshot.acts.get(self._plan.key)
        told = act is not None and act.op_id != self._op_id and act.at >= self._began
        return act if told and act is not None and act.verb in ("rollback", "abort") else None

    async def _said(self, rollout: Rollout, act: SeatAct | None) -> str:
        arm = rollout.canary or rollout.baseline
        assert arm is not None
        assert self._target is not None
        # The server's record first: an Event is the word of whoever may write one.
        seat = f"{act.actor} (as its Event says)" if act is not None else ""
        who = await self._manager(rollout) or seat or _owner(rollout)
        after = spell(max(self._clock.cluster() - self._began, 0.0))
        name = f"rev {arm.revision}" if arm.revision is not None else arm.hash
        back = "flipped back" if arm.hash == self._plan.from_hash else f"changed to {name}"
        return f"rolled back to {self._target[1]}, {back} by {who or 'somebody'} {after} later"

    async def _manager(self, rollout: Rollout) -> str:
        """Who wrote the template last, by the server's own record; "" when it cannot be read or was us."""
        key = rollout.workload or rollout.key
        try:
            resource = self._strategy_of(key.kind).resource
            raw = await self._reader.get(resource, key.namespace, key.name)
        except (CockpitError, KeyError):
            return ""
        wrote = [
            (parse_time(text(each.get("time"), 40)) or 0.0, text(each.get("manager"), 80))
            for each in objects(mapping(raw.get("metadata")).get("managedFields"))
            if _writes_template(each)
        ]
        manager = max(wrote, default=(0.0, ""))[1]
        return "" if manager == _OURS else manager


def _writes_template(entry: dict[str, Any]) -> bool:
    return "f:template" in mapping(mapping(entry.get("fieldsV1")).get("f:spec"))


def _owner(rollout: Rollout) -> str:
    """The GitOps owner, where nothing says who it was: named as a guess."""
    return f"{_TOOLS.get(rollout.owner.tool, rollout.owner.tool)} (its owner)" if rollout.owner is not None else ""


class Guard:
    """The watch over one rollback, or, for another verb or where none is wanted, nothing."""

    def __init__(self, flipback: Flipback | None, guards: Guards, plan: Plan, ago: float = 0.0) -> None:
        self._flipback = flipback
        self._guards = guards
        self._plan = plan
        self._watch: asyncio.Task[str] | None = None
        self._end: asyncio.Task[None] | None = None
        if flipback is not None:
            self._watch = asyncio.create_task(flipback.watch(guards.seconds - ago))

    def said(self) -> str:
        """That it was flipped back, "" while it was not."""
        return self._flipback.flipped if self._flipback is not None else ""

    def go_on(self, record: IntentRecord | OpenIntent | None, outcome: Outcome, verified_at: float | None) -> None:
        """The operation has ended; what was sent is watched further."""
        if self._watch is None:
            return
        if record is None or outcome.result not in ("done", "accepted", "moved", "unknown"):
            self.stop()
            return
        again = OutcomeRecord(record.op_id, 0.0, outcome.result, "", FLIPPED, verified_at, settled=True)
        # Seen while the operation ran, its own outcome says it already.
        self._end = asyncio.create_task(self._tell(self._watch, record, again if not self.said() else None))

    def stop(self) -> None:
        if self._flipback is not None:
            self._flipback.over = True
        for task in (self._watch, self._end):
            if task is not None:
                task.cancel()

    async def wait(self) -> None:
        tasks = [task for task in (self._watch, self._end) if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(
        self, watch: asyncio.Task[str], record: IntentRecord | OpenIntent, again: OutcomeRecord | None
    ) -> None:
        """Puts it on the row, and into the journal: the act stays what it was, a second outcome says more."""
        assert self._flipback is not None
        undone = await self._flipback.undone() if not self._flipback.in_force else ""
        flipped = undone or await watch
        if not flipped:
            return
        guards = self._guards
        pending = Pending(record.op_id, self._plan.verb, "failed", flipped, guards.clock.cluster())
        guards.picture.set_pending(self._plan.key, pending)
        guards.notify(f"{self._plan.key}: {flipped}")
        if again is not None:
            row = msgspec.structs.replace(again, at=guards.clock.local(), reason=flipped)
            await guards.ledger.end(record, row)


class Guards:
    """The watches over all rollbacks of a session, one a rollout. ``seconds``: cluster time, 0 for none."""

    def __init__(
        self,
        seconds: float,
        picture: Picture,
        reader: Reader,
        clock: Clock,
        ledger: Ledger,
        notify: Callable[[str], None],
        strategy_of: Callable[[str], Strategy],
    ) -> None:
        self.seconds = seconds
        self.picture = picture
        self.clock = clock
        self.ledger = ledger
        self.notify = notify
        self._reader = reader
        self._strategy_of = strategy_of
        self._held: dict[Key, Guard] = {}

    def begin(self, op_id: str, plan: Plan) -> Guard:
        """Watches over ``plan`` if it is a rollback; what its author does next on purpose ends the watch before."""
        if plan.verb in ("rollback", "abort") and (before := self._held.pop(plan.key, None)) is not None:
            before.stop()
        if plan.verb != "rollback" or self.seconds <= 0:
            return Guard(None, self, plan)
        guard = Guard(Flipback(op_id, plan, self.picture, self._reader, self.clock, self._strategy_of), self, plan)
        self._held[plan.key] = guard
        return guard

    def take_up(self, past: OpenIntent, plan: Plan, verified_at: float | None, ago: float) -> None:
        """Watches over a rollback that an earlier run did, for what is left of its time. ``ago``: cluster seconds."""
        if ago >= self.seconds or plan.key in self._held:
            return
        strategy_of = self._strategy_of
        flipback = Flipback(past.op_id, plan, self.picture, self._reader, self.clock, strategy_of, ago)
        guard = self._held[plan.key] = Guard(flipback, self, plan, ago)
        done = Outcome(plan.verb, plan.key.namespace, plan.key.name, "done", (), None, past.op_id, "")
        guard.go_on(past, done, verified_at)

    async def aclose(self) -> None:
        for guard in self._held.values():
            guard.stop()
        await asyncio.gather(*(guard.wait() for guard in self._held.values()))
        self._held.clear()
