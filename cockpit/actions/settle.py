"""Settling operations that an earlier run left open: what the cluster shows, told truthfully, and never sent again."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable
from typing import Any

import msgspec

from cockpit import __version__
from cockpit.actions.conditions import resolve, standing
from cockpit.actions.ledger import Ledger, read_plan
from cockpit.actions.ports import Picture
from cockpit.actions.proof import Compare, Proof, by_digest, prove
from cockpit.actions.suspension import settled as owner_settled
from cockpit.actions.watching import Deadline, watch
from cockpit.base.clock import Clock
from cockpit.base.errors import CockpitError, NotFound
from cockpit.journal import OpenIntent, OutcomeRecord, Who
from cockpit.model.guards import GENERATION, UID
from cockpit.model.plan import OWNER_VERBS, Patch, Plan, Result
from cockpit.strategies.contract import Observation, Reader, Strategy

_PATIENCE = 10.0
"""Cluster seconds that an effect under way is waited for: a command starts only after this."""


class Settlement(msgspec.Struct, frozen=True):
    """What was found out about one operation; ``text`` is for the person."""

    op_id: str
    result: Result
    text: str


async def settle(
    open_intent: OpenIntent,
    ledger: Ledger,
    reader: Reader,
    picture: Picture,
    clock: Clock,
    strategy_of: Callable[[str], Strategy],
    compare: Compare = by_digest,
) -> Settlement | None:
    """Journals the outcome of one open operation. None: not to be settled here (another cluster, alive, no answer)."""
    here = ledger.who
    if (open_intent.context, open_intent.cluster) != (here.context, here.cluster):
        return None
    if still_running(open_intent, here):
        return None
    plan = read_plan(open_intent.body)
    if plan is None or not plan.patches:
        return await _close(open_intent, ledger, clock, "unknown", "the journal does not hold its plan")
    try:
        strategy = strategy_of(open_intent.kind)
    except KeyError:
        return await _close(open_intent, ledger, clock, "unknown", f"nothing here handles a {open_intent.kind}")
    patch = _last_request(open_intent, plan)
    try:
        fresh = await reader.get(patch.resource, patch.namespace, patch.name)
    except NotFound:
        return await _close(open_intent, ledger, clock, "unknown", "the object is gone")
    except CockpitError:
        return None  # not readable now: it stays open for a later start
    result, reason = await _found(open_intent, plan, patch, fresh, strategy, picture, clock)
    if result == "done" and plan.verb == "rollback":
        rollout = picture.snapshot().rollouts.get(plan.key)
        proof = Proof("unresolved", "it is not in sight any more")
        if rollout is not None:
            proof = await prove(plan, rollout, reader, picture, compare, Deadline(clock, _PATIENCE))
        if proof.state == "proven":
            reason = f"{reason}, {proof.text}"
        else:
            result, reason = "accepted", f"it was carried out, but not verified: {proof.text}"
    return await _close(open_intent, ledger, clock, result, reason)


def still_running(open_intent: OpenIntent, who: Who) -> bool:
    """Whether the process that wrote an intent may still be at it. Another machine's cannot be looked at: no."""
    if open_intent.host != who.host or open_intent.pid <= 0:
        return False
    if open_intent.pid == who.pid:
        return open_intent.process == who.process
    return bool(open_intent.process) and process_mark(open_intent.pid) == open_intent.process


def this_process(user: str, context: str, cluster: str) -> Who:
    """The actor of this process, for the journal."""
    try:
        os_user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        os_user = str(os.getuid())
    pid = os.getpid()
    return Who(user, os_user, socket.gethostname(), context, cluster, __version__, pid, process_mark(pid))


def process_mark(pid: int) -> str:
    """Tells a process from a later one with the same number: its start time where /proc has it, "" when it is gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            state, *fields = file.read().rpartition(")")[2].split()
            return "" if state in "ZX" else fields[18]  # a zombie does nothing any more
    except (OSError, IndexError):
        return "alive"


def _last_request(open_intent: OpenIntent, plan: Plan) -> Patch:
    """The newest request that may have left; of a later stage only the first is known when it was made on the way."""
    return plan.patches[min(open_intent.stages, len(plan.patches)) - 1]


async def _found(
    open_intent: OpenIntent,
    plan: Plan,
    patch: Patch,
    fresh: dict[str, Any],
    strategy: Strategy,
    picture: Picture,
    clock: Clock,
) -> tuple[Result, str]:
    if resolve(fresh, UID) != _guard(patch, UID):
        return "unknown", "the object was deleted and made anew since"
    if plan.verb in OWNER_VERBS:
        return owner_settled(open_intent, plan, fresh)
    stages = max(len(plan.sequence), len(plan.patches), 1)
    observation, _ = await _look(picture, strategy, plan, clock, 0.0)
    if observation.state == "done":
        return "done", observation.text
    stands = standing(patch.ops, fresh)
    if stands == "applied":
        if open_intent.stages < stages:
            rest = "; ".join(plan.sequence[open_intent.stages :])
            return "accepted", f"{open_intent.stages} of {stages} requests were carried out; never sent: {rest}"
        observation, _ = await _look(picture, strategy, plan, clock, min(plan.deadline, _PATIENCE))
        if observation.state == "done":
            return "done", observation.text
        return "accepted", f"it was carried out, its effect is not there yet: {observation.text}"
    if stands == "untouched" and _same_generation(open_intent, patch, fresh) and open_intent.stages == 1:
        return "failed", "it was never carried out: everything is as it was before"
    if stands == "untouched" and open_intent.stages > 1:
        rest = "; ".join(plan.sequence[open_intent.stages - 1 :])
        return "accepted", f"{open_intent.stages - 1} of {stages} requests were carried out; not carried out: {rest}"
    return "unknown", f"whether it was carried out cannot be told any more; now: {observation.text}"


async def _look(
    picture: Picture, strategy: Strategy, plan: Plan, clock: Clock, seconds: float
) -> tuple[Observation, Any]:
    return await watch(picture, strategy, plan, Deadline(clock, seconds), lambda _o, _r: False)


def _guard(patch: Patch, pointer: str) -> Any:
    return next((op.get("value") for op in patch.ops if op["op"] == "test" and op["path"] == pointer), None)


def _same_generation(open_intent: OpenIntent, patch: Patch, fresh: dict[str, Any]) -> bool:
    """A change of the specification that was made and undone again leaves a trace: the generation."""
    if patch.subresource is not None:
        return True  # a status write does not count there; its guards (a pause's start) cannot come back by chance
    seen = open_intent.body.get("generation") if patch.name == open_intent.name else _guard(patch, GENERATION)
    return seen is None or resolve(fresh, GENERATION) == seen


async def _close(open_intent: OpenIntent, ledger: Ledger, clock: Clock, result: Result, reason: str) -> Settlement:
    now = clock.local()
    record = OutcomeRecord(
        op_id=open_intent.op_id,
        at=now,
        result=result,
        reason=reason,
        verified_at=now if result == "done" else None,
        settled=True,
    )
    await ledger.end(open_intent, record)
    what = f"{open_intent.verb} of {open_intent.namespace}/{open_intent.name}, left open by an earlier run"
    return Settlement(open_intent.op_id, result, f"{what}: {result}, {reason}")
