"""Sentences that actions answer with: what a kind does not have, where a rollout stands, what the verdict says."""

from __future__ import annotations

from collections.abc import Iterable

from cockpit.base.errors import CockpitError, Denied, Unreachable
from cockpit.model.plan import Intent, Plan, Refusal, Result, Verb
from cockpit.model.resource import Key

_INSTEAD: dict[Verb, str] = {
    "advance": "it has no gates; P resumes a paused one",
    "skip": "it has no steps",
    "full": "it has no gates; P resumes a paused one",
    "retry": "it cannot be aborted in place; R goes to a version",
}


def absent(verb: Verb, key: Key) -> str:
    return f"a {key.kind} has no {verb}: {_INSTEAD.get(verb, 'it does not exist for this kind')}"


def elsewhere(intent: Intent) -> Refusal | None:
    """``--at-step`` and ``--hash``: refuse unless the rollout still stands there."""
    rollout = intent.rollout
    current = rollout.canary or rollout.baseline
    if intent.at_hash is not None and (current is None or current.hash != intent.at_hash):
        stands = current.hash if current else "none"
        return Refusal(
            intent.verb, intent.key, f"the version is {stands}, not {intent.at_hash}; nothing was sent", "moved"
        )
    if intent.at_step is not None and rollout.step_index != intent.at_step:
        stands = "none" if rollout.step_index is None else str(rollout.step_index)
        return Refusal(
            intent.verb, intent.key, f"the step is {stands}, not {intent.at_step} (from 0); nothing was sent", "moved"
        )
    return None


def verdict_line(intent: Intent, plan: Plan) -> Iterable[tuple[str, str]]:
    verdict = intent.verdict
    if verdict is None:
        return [("verdict", "not known")]
    agrees = ""
    if plan.direction == "away" and verdict.state == "abort":
        agrees = f"; {plan.verb} agrees"
    elif plan.direction == "away" and verdict.state == "outage":
        agrees = f"; {plan.verb} may not help: both versions fail"
    elif plan.direction == "toward" and verdict.state in ("abort", "watch", "outage"):
        agrees = f"; {plan.verb} goes against it"
    return [("verdict", f"{verdict.state.upper()}  {verdict.reason}{agrees}")]


def result_of(error: CockpitError) -> Result:
    if isinstance(error, Denied):
        return "denied"
    return "failed" if isinstance(error, Unreachable) else "refused"


def warned(warnings: Iterable[str]) -> str:
    text = "; ".join(warnings)
    return f" (warning: {text})" if text else ""
