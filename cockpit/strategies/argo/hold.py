"""Plans that hold or end an update: pause, resume, abort, restart (facts 1.3, 1.5 and corrections 2-4)."""

from __future__ import annotations

from cockpit.base.clock import rfc3339
from cockpit.model.guards import PAUSES
from cockpit.model.plan import Direction, Intent, Plan, Refusal
from cockpit.strategies.argo import requests
from cockpit.strategies.argo.common import goal, unknown_versions
from cockpit.strategies.contract import Reader
from cockpit.strategies.drafts import (
    capacity,
    draft,
    images_of,
    named,
    pictured,
    refuse,
    share,
    what_runs,
)


async def pause(intent: Intent, _reader: Reader) -> Plan | Refusal:
    """Sets ``spec.paused`` and nothing else."""
    rollout = intent.rollout
    if rollout.paused_by == "human":
        return refuse(intent, "already paused by hand; P resumes", "nothing-to-do")
    warnings = []
    step = rollout.step
    if step is not None and step.duration is not None and rollout.paused_by == "step":
        warnings.append(f"the {step.label} of step {step.index + 1} keeps counting; resuming later may run on at once")
    if rollout.aborted:
        warnings.append("the rollout is aborted: while paused the abort does not take effect; X finishes it")
    lines = [
        (
            "traffic",
            f"stays at {share(rollout)} on {pictured(rollout.canary)}" if rollout.canary else "nothing is in flight",
        ),
        ("effect", "no step ends and no pod is scaled until it is resumed; checks go on and may still abort"),
        ("undo", "P resumes"),
    ]
    return draft(
        intent, "hold", [requests.pause(intent, True)], lines, goal(rollout, "paused"), warnings=tuple(warnings)
    )


async def resume(intent: Intent, _reader: Reader) -> Plan | Refusal:
    """Clears ``spec.paused`` and nothing else: the step index and the controller's pause stay as they are."""
    rollout = intent.rollout
    if rollout.paused_by != "human":
        if rollout.paused_by is None:
            return refuse(intent, "not paused by hand: there is nothing to resume", "nothing-to-do")
        return refuse(intent, "paused by its own step, not by hand; > releases it")
    step, index = rollout.step, rollout.step_index
    held = bool(rollout.seen.get(PAUSES))
    direction: Direction = "toward"
    warnings = []
    if rollout.canary is None:
        direction = "hold"
        lines = [("effect", "nothing is in flight; the next update starts by itself again")]
    elif rollout.aborted:
        direction = "away"
        lines = [("effect", f"the abort takes effect: traffic goes back to {named(rollout.baseline)}")]
    elif held and step is not None and step.duration is not None:
        lines = [
            ("effect", f"{step.label} of step {step.index + 1} kept counting and may be over"),
            *what_runs(rollout, step.index),
        ]
        warnings.append("a timed pause kept counting while the rollout was held: it may run on at once")
    elif held:
        direction = "hold"
        what = f"step {step.index + 1} ({step.label})" if step is not None else "the pause before cutover"
        lines = [("effect", f"the rollout stays at {what}; > releases that")]
    elif index is not None and index < len(rollout.steps):
        lines = [("effect", f"goes on with step {index + 1} of {len(rollout.steps)}"), *what_runs(rollout, index - 1)]
    else:
        lines = [("effect", "the rollout goes on to 100 % with no further stop")]
    if rollout.canary is not None:
        lines.insert(0, ("traffic", f"{share(rollout)} on {pictured(rollout.canary)}"))
    return draft(
        intent, direction, [requests.pause(intent, False)], lines, goal(rollout, "resumed"), warnings=tuple(warnings)
    )


async def abort(intent: Intent, _reader: Reader) -> Plan | Refusal:
    """Traffic back to the stable version. Reads nothing: the least conditional verb, guarded by uid and hash only."""
    rollout = intent.rollout
    by_hand = rollout.paused_by == "human"
    if rollout.canary is None and not unknown_versions(rollout):
        return refuse(
            intent, f"nothing is in flight: {named(rollout.baseline)} serves everything; R goes to an older version"
        )
    if not rollout.controller_seen:
        return refuse(intent, "no controller has looked at this rollout yet, so there is nothing to abort")
    if rollout.aborted and not by_hand:
        return refuse(
            intent, f"already aborted: traffic belongs to {named(rollout.baseline)}; T tries again", "nothing-to-do"
        )
    stable, warning = capacity(rollout)
    warnings = [warning] if warning else []
    if rollout.returning:
        warnings.append(f"the canary is the return to an earlier version; this restores {named(rollout.baseline)}")
    lines = [
        ("traffic", f"{share(rollout)} {pictured(rollout.canary)} → 0 %, {named(rollout.baseline)} → 100 %"),
        ("stable", stable),
        ("effect", "the canary's pods are scaled down; the rollout reads Degraded until T or R"),
    ]
    stages = [] if rollout.aborted else [requests.abort(rollout)]
    sequence: tuple[str, ...] = ()
    if by_hand:
        stages.append(requests.resume_aborted(rollout))
        lines.append(("then", "resumes the rollout, as an abort takes no effect on one paused by hand"))
        sequence = tuple(patch.why for patch in stages)
    if rollout.strategy == "bluegreen":
        lines.append(("takes", "the switch needs all stable pods available"))
    elif rollout.traffic is not None:
        lines.append(("takes", f"seconds: the weight is written to {rollout.traffic}"))
    else:
        lines.append(("takes", "a rolling update back, as traffic follows the pods"))
    return draft(
        intent,
        "away",
        stages,
        lines,
        goal(rollout, "aborted"),
        sequence=sequence,
        warnings=tuple(warnings),
        to_hash=rollout.baseline.hash if rollout.baseline else None,
        to_images=images_of(rollout.baseline),
    )


async def restart(intent: Intent, _reader: Reader) -> Plan | Refusal:
    """Restarts the pods of the versions that run, in place."""
    rollout = intent.rollout
    if intent.at is None:
        return refuse(intent, "the cluster's time is not known yet; try again")
    stamp = rfc3339(intent.at)
    lines = [
        ("effect", f"pods older than {stamp} are evicted a few at a time, stable ones first; versions stay"),
        ("traffic", "does not move"),
    ]
    return draft(
        intent, "hold", [requests.restart(intent, stamp)], lines, {**goal(rollout, "restarted"), "at": intent.at}
    )
