"""What a confirmation asks for: one table from direction and evidence to a tier (Safety rule 7)."""

from __future__ import annotations

import msgspec

from cockpit.model.plan import OWNER_VERBS, Intent, Plan, Tier
from cockpit.model.verdict import State

YES, YES_WARNED, NAME = Tier.YES, Tier.YES_WARNED, Tier.NAME

Evidence = State | None
"""A verdict's state; None when nobody judged, which is not the same as ``unjudged``."""


class Case(msgspec.Struct, frozen=True):
    """All that a tier depends on."""

    direction: str
    evidence: Evidence
    skips_check: bool = False  # a check that would have decided is passed over
    full: bool = False  # no further stop before 100 %
    promotes: bool = False  # the verb is full promotion
    returning: bool = False  # the canary is the version a rollback goes back to
    restores_bad: bool = False  # traffic goes to a version left before by an abort or a rollback
    steps_over: bool = False  # leaves a running step before it is complete
    owner: str | None = None  # "suspend" or "unsuspend": done to the GitOps owner, not to the rollout


_TOWARD: dict[Evidence, tuple[Tier, str]] = {
    "ready": (YES, "the evidence supports it"),
    "unjudged": (YES, "nothing is judged here"),
    "wait": (YES_WARNED, "there is not enough evidence yet"),
    "watch": (NAME, "the canary looks worse"),
    "blind": (NAME, "the data to judge by is missing"),
    "outage": (NAME, "both versions are failing"),
    "abort": (NAME, "the evidence is against it"),
    None: (NAME, "no verdict is known"),
}
"""Moving traffic toward the canary."""

_RETURNING: dict[Evidence, tuple[Tier, str]] = {
    **dict.fromkeys(_TOWARD, (YES, "it leaves the version that is being rolled back from")),
    "watch": (YES_WARNED, "the returning version looks worse"),
    "abort": (NAME, "the evidence is against the returning version"),
}
"""Moving traffic toward a canary that is the return to an earlier version: away from what the operator held bad."""

_OWNER: dict[str, tuple[Tier, str]] = {
    "suspend": (NAME, "Git is not put into force any more, until somebody resumes it"),
    "unsuspend": (YES, "it puts Git into force again"),
}
"""Suspending the owner's auto-sync takes a guard away that others rely on; resuming gives it back."""


def decide(case: Case) -> tuple[Tier, str]:
    """The tier and, for the dialog, why. The strictest applicable row of the table wins."""
    if case.owner is not None:
        return _OWNER[case.owner]
    if case.restores_bad:
        return NAME, "traffic goes to a version that was left before by an abort or a rollback"
    if case.direction == "hold":
        return YES, "no traffic moves"
    if case.direction == "away":
        # Away from the canary is the safe direction, except while the canary is the way back.
        if case.returning:
            return NAME, "it restores the version that is being rolled back from"
        return YES, "it moves traffic away from the newer version"
    rows = [(_RETURNING if case.returning else _TOWARD)[case.evidence]]
    if case.skips_check:
        rows.append((NAME, "it skips a check"))
    if case.promotes and not case.returning and case.evidence != "ready":
        rows.append((NAME, "it is full promotion without evidence"))
    if case.promotes or case.full:
        rows.append((YES_WARNED, "no further stop comes before 100 %"))
    if case.steps_over:
        rows.append((YES_WARNED, "it leaves a step before it is complete"))
    return max(rows, key=lambda row: row[0])


def case_of(intent: Intent, plan: Plan, rolled_back_from: str | None = None, rolled_back_to: str | None = None) -> Case:
    """Reads a case off an intent and its plan.

    ``rolled_back_from``: the version that the newest journaled act on this rollout left by a rollback. While that is
    still the stable one, the rollback is in flight, even where the objects do not show it (images pinned anew).
    ``rolled_back_to``: where it went. When that is the canary, and it left another one than the stable version, then
    nobody holds the stable version bad, though it is newer than what returns.
    """
    rollout = intent.rollout
    gains: str | None = None
    if plan.direction == "toward":
        gains = rollout.canary.hash if rollout.canary else None
    elif plan.verb == "rollback":
        gains = plan.to_hash
    stable = rollout.baseline.hash if rollout.baseline is not None else None
    leaving_stable = stable is not None and stable == rolled_back_from
    ours = rollout.canary is not None and rolled_back_to is not None and rollout.canary.hash == rolled_back_to
    left_another = ours and stable is not None and not leaving_stable and stable not in intent.held_bad
    return Case(
        direction=plan.direction,
        evidence=intent.verdict.state if intent.verdict is not None else None,
        skips_check=plan.skips_check,
        full=plan.verb == "resume" and rollout.strategy == "rolling",
        promotes=plan.verb == "full",
        # A rollback chooses its own target; whether the canary of the moment is on its way back does not matter to it.
        returning=(leaving_stable or (rollout.returning and not left_another)) and plan.verb != "rollback",
        restores_bad=gains is not None and gains in intent.held_bad,
        steps_over=plan.verb in ("skip", "retry"),
        owner=plan.verb if plan.verb in OWNER_VERBS else None,
    )
