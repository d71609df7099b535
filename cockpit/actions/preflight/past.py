"""When the version to return to last served: what happened since is what a rollback meets."""

from __future__ import annotations

import msgspec

from cockpit.actions.preflight.contract import Context
from cockpit.base.clock import rfc3339
from cockpit.model.rollout import Arm


class Active(msgspec.Struct, frozen=True):
    """``now``: it serves now. ``at``: cluster unix seconds up to which it is known to have worked with what was there.

    For a version that serves now that is when the newest of its ready pods was made: pods take their environment as
    they start, so what was written later has been met by none of them. None: not known.
    """

    now: bool = False
    at: float | None = None

    @property
    def said(self) -> str:
        return f"({rfc3339(self.at)})" if self.at is not None else ""


async def last_active(ctx: Context) -> Active:
    """By what is seen of its pods, by the journal's record, else by its making: the latest of what is known.

    Each is at or before the truth, so that rather more counts as changed since. A version that still has pods but no
    traffic (kept for a while after a promotion) does not serve.
    """
    target, rollout = await ctx.subject.target(), ctx.intent.rollout
    if target is None:
        return Active()
    serving = next((arm for arm in (rollout.baseline, rollout.canary) if arm and arm.hash == target.hash), None)
    if serving is not None and (made := _ready_since(serving)):
        return Active(now=True, at=max(made))
    known = [target.created_at, *(each.until for each in target.served)]
    if rollout.before is not None and rollout.before.hash == target.hash and rollout.baseline is not None:
        known.append(rollout.baseline.created_at)  # it served until its successor was there
    return Active(at=max((at for at in known if at is not None), default=None))


def _ready_since(arm: Arm) -> list[float]:
    """When each pod that is ready was made; empty when none is, or of one of them it is not known."""
    ready = [pod for pod in arm.pods if pod.ready and not pod.terminating]
    made = [pod.created_at for pod in ready if pod.created_at is not None]
    return made if len(made) == len(ready) else []
