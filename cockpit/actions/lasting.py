"""At a start: whether the rollbacks of the last minutes still stand, for whoever did not stay to watch over them."""

from __future__ import annotations

from cockpit.actions.flipback import GUARD_SECONDS, Guards
from cockpit.actions.ledger import Ledger, read_plan
from cockpit.actions.ports import Picture
from cockpit.base.clock import Clock
from cockpit.journal import Journal, JournalError, OutcomeRecord
from cockpit.model.act import FLIPPED
from cockpit.model.plan import Pending, Plan
from cockpit.model.rollout import Rollout
from cockpit.strategies.image import short
from cockpit.strategies.values import spell


async def look_back(
    journal: Journal, ledger: Ledger, picture: Picture, clock: Clock, guards: Guards
) -> tuple[str, ...]:
    """One sentence for each rollback of this journal whose version was left again for the one before.

    Commands end with their act, so nobody sees an owner put its own back seconds later; the next start says so, puts it
    on the row and, once, into the journal. What a later act of this journal followed is that act's business. ``guards``
    go on watching over those that stand.
    """
    try:
        recent = await journal.rollbacks(clock.local() - GUARD_SECONDS)
    except JournalError:
        return ()  # settling has said what is wrong with it
    said = []
    for past in recent:
        here = (ledger.who.context, ledger.who.cluster)
        plan = read_plan(past.intent.body) if (past.intent.context, past.intent.cluster) == here else None
        rollout = picture.snapshot().rollouts.get(plan.key) if plan is not None else None
        if plan is None or rollout is None or rollout.uid != past.intent.uid:
            continue
        ago = max(clock.local() - past.intent.at, 0.0)
        if not _left(plan, rollout):
            guards.take_up(past.intent, plan, past.verified_at, ago * clock.time_scale)
            continue
        text = _said(plan, rollout, ago)
        if not past.flipped:
            row = OutcomeRecord(past.intent.op_id, clock.local(), "done", text, FLIPPED, past.verified_at, settled=True)
            await ledger.end(past.intent, row)
        picture.set_pending(plan.key, Pending(past.intent.op_id, plan.verb, "failed", text, clock.cluster()))
        said.append(f"{plan.key}: {text}")
    return tuple(said)


def _left(plan: Plan, rollout: Rollout) -> bool:
    """Whether the version that the rollback left is in force again. An abort leaves the template as it is."""
    arm = rollout.canary or rollout.baseline
    return arm is not None and not rollout.aborted and plan.from_hash is not None and arm.hash == plan.from_hash


def _said(plan: Plan, rollout: Rollout, seconds: float) -> str:
    arm = rollout.canary or rollout.baseline
    to = ", ".join(short(image) for image in plan.to_images) or plan.to_hash or "another version"
    back = "what it left" if arm is None or arm.revision is None else f"rev {arm.revision}"
    whose = f"; {rollout.owner.tool} {rollout.owner.name} owns it" if rollout.owner is not None else ""
    return f"rolled back to {to} {spell(seconds)} ago, flipped back to {back}{whose}"
