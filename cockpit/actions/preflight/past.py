"""When the version to return to last served: what happened since is what a rollback meets."""

from __future__ import annotations

import msgspec

from cockpit.actions.preflight.contract import Context
from cockpit.base.clock import rfc3339


class Active(msgspec.Struct, frozen=True):
    """``now``: its pods run. ``at``: cluster unix seconds of when it last served, None when not known."""

    now: bool = False
    at: float | None = None

    @property
    def said(self) -> str:
        return f"({rfc3339(self.at)})" if self.at is not None else ""


async def last_active(ctx: Context) -> Active:
    """By the journal's record, else by its making: earlier than the truth, so that more counts as changed since."""
    target = await ctx.subject.target()
    if target is None:
        return Active()
    if target.replicas > 0:
        return Active(now=True)
    until = [each.until for each in target.served if each.until is not None]
    return Active(at=max(until) if until else target.created_at)
