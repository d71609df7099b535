"""Plans that move an update on: advance, skip, full promotion, retry (facts 1.1-1.3)."""

from __future__ import annotations

from cockpit.model.guards import PAUSES
from cockpit.model.plan import Direction, Intent, Plan, Refusal
from cockpit.strategies.argo import requests
from cockpit.strategies.argo.common import BY_HAND, goal, not_in_flight, who
from cockpit.strategies.argo.steps import CHECKS
from cockpit.strategies.contract import Reader
from cockpit.strategies.drafts import (
    draft,
    last_gate,
    named,
    next_gate,
    pictured,
    refuse,
    run,
    share,
    uneven,
    what_runs,
)
from cockpit.strategies.values import plural


async def advance(intent: Intent, reader: Reader) -> Plan | Refusal:
    """Releases the controller's pause and nothing else."""
    rollout = intent.rollout
    refused = not_in_flight(intent)
    if refused is not None:
        return refused
    if rollout.paused_by == "human":
        return refuse(intent, BY_HAND.format(await who(intent, reader)))
    if rollout.aborted:
        return refuse(intent, "aborted: the controller stays on the stable version; T tries again, R goes elsewhere")
    step, index = rollout.step, rollout.step_index
    if rollout.paused_by == "inconclusive":
        return _inconclusive(intent)
    if not rollout.seen.get(PAUSES):
        if step is not None and step.kind in CHECKS:
            return refuse(intent, f"step {step.index + 1} ({step.label}) is running; wait for it, or S skips it")
        gate = next_gate(rollout, index - 1) if index is not None else None
        onward = f"to step {gate.index + 1} ({gate.label})" if gate is not None else "to 100 %"
        return refuse(intent, f"nothing to release: the rollout runs on by itself {onward}", "nothing-to-do")
    if rollout.strategy == "bluegreen":
        lines = [
            ("traffic", f"cutover: {named(rollout.baseline)} → {pictured(rollout.canary)} takes 100 %"),
            ("effect", "the active Service selects the new version once its pods are up and its checks passed"),
            ("undo", "X before the old pods are scaled down, R afterwards"),
        ]
    else:
        lines = [
            ("traffic", f"{share(rollout)} on {pictured(rollout.canary)}"),
            ("effect", f"leaves step {(index or 0) + 1} of {len(rollout.steps)} ({step.label if step else 'pause'})"),
            *what_runs(rollout, index if index is not None else len(rollout.steps)),
        ]
    return draft(
        intent,
        "toward",
        [requests.release(intent)],
        lines,
        goal(rollout, "released"),
        warnings=uneven(rollout),
        to_hash=rollout.canary.hash if rollout.canary else None,
    )


def _inconclusive(intent: Intent) -> Plan | Refusal:
    rollout, index = intent.rollout, intent.rollout.step_index
    check = next((each for each in reversed(rollout.checks) if each.phase == "Inconclusive"), None)
    what = f"check {check.name}" if check is not None else "the check"
    of_step = rollout.step is not None and rollout.step.kind in CHECKS and index is not None
    if intent.accept or intent.choice == "accept":
        if not of_step or index is None:
            return refuse(intent, f"{what} runs in the background, so no step can be passed over; > runs it again")
        lines = [
            ("skips", f"{what}: its result is inconclusive and is accepted as it is"),
            ("traffic", f"{share(rollout)} on {pictured(rollout.canary)}"),
            *what_runs(rollout, index),
        ]
        request = requests.accept(intent, min(index + 1, len(rollout.steps)))
        return draft(intent, "toward", [request], lines, goal(rollout, "released"), skips_check=True)
    if of_step and intent.choice != "again":
        return refuse(
            intent,
            f"{what} is inconclusive: run it again, or accept it without a result",
            choices=(("again", "run the check again"), ("accept", "accept without it (typed)")),
        )
    lines = [
        ("effect", f"{what} is run again; it may pause the rollout again"),
        ("traffic", f"stays at {share(rollout)} on {pictured(rollout.canary)} meanwhile"),
    ]
    # Without a step of its own the check does not hold the steps back: the rollout runs on beside it.
    direction: Direction = "hold" if of_step else "toward"
    return draft(intent, direction, [requests.release(intent)], lines, goal(rollout, "released"))


async def skip(intent: Intent, reader: Reader) -> Plan | Refusal:
    """Leaves the running step for the next one."""
    rollout = intent.rollout
    refused = not_in_flight(intent)
    if refused is not None:
        return refused
    if rollout.strategy == "bluegreen":
        return refuse(intent, "a blue-green rollout has no steps; > makes the cutover, F promotes fully")
    if rollout.paused_by == "human":
        return refuse(intent, BY_HAND.format(await who(intent, reader)))
    if rollout.aborted:
        return refuse(intent, "aborted: no step is running; T tries again")
    step, index = rollout.step, rollout.step_index
    if step is None or index is None:
        return refuse(intent, "no step is running: the rollout is on its way to 100 %", "nothing-to-do")
    if rollout.paused_by is not None:
        return refuse(intent, f"step {index + 1} ({step.label}) is paused, not running; > releases it")
    check = step.kind in CHECKS
    lines = [
        ("skips", f"step {index + 1} of {len(rollout.steps)} ({step.label}), which is running"),
        ("traffic", f"{share(rollout)} on {pictured(rollout.canary)}"),
        *what_runs(rollout, index),
    ]
    patch = requests.jump(intent, index + 1)
    return draft(intent, "toward", [patch], lines, goal(rollout, "released"), skips_check=check)


async def full(intent: Intent, reader: Reader) -> Plan | Refusal:
    """Promotes without any further pause or check."""
    rollout = intent.rollout
    refused = not_in_flight(intent)
    if refused is not None:
        return refused
    if rollout.paused_by == "human":
        return refuse(intent, BY_HAND.format(await who(intent, reader)))
    if rollout.full:
        return refuse(intent, "full promotion is already under way", "nothing-to-do")
    index = rollout.step_index if rollout.step_index is not None else 0
    left = rollout.steps[index:]
    checks = [step for step in left if step.kind in CHECKS]
    running = [check for check in rollout.checks if check.phase in ("Running", "Pending")]
    pauses = sum(step.kind == "pause" for step in left)
    skipped = [
        plural(number, noun)
        for number, noun in (
            (len(checks), "check"),
            (pauses, "pause"),
            (len(left) - len(checks) - pauses, "other step"),
        )
        if number
    ]
    warnings = []
    if rollout.aborted:
        warnings.append(f"this un-aborts: {named(rollout.canary)} was aborted and goes to 100 %")
    lines = [
        ("traffic", f"{share(rollout)} → 100 % on {pictured(rollout.canary)}"),
        (
            "skips",
            ", ".join(skipped)
            or ("every pause and the check before cutover" if rollout.strategy == "bluegreen" else ""),
        ),
        ("takes", f"as long as {plural(rollout.replicas.desired, 'new pod')} need to become available"),
        ("undo", f"R back to {named(rollout.baseline)}"),
    ]
    return draft(
        intent,
        "toward",
        [requests.promote_full(intent)],
        lines,
        goal(rollout, "promoted"),
        skips_check=bool(checks or running),
        warnings=tuple(warnings),
        to_hash=rollout.canary.hash if rollout.canary else None,
        deadline=600.0,
    )


async def retry(intent: Intent, reader: Reader) -> Plan | Refusal:
    """Starts an aborted update again at its first step."""
    rollout = intent.rollout
    if not rollout.aborted:
        return refuse(intent, "not aborted: there is nothing to try again", "nothing-to-do")
    if rollout.paused_by == "human":
        return refuse(intent, BY_HAND.format(await who(intent, reader)))
    gate, last = next_gate(rollout, -1), last_gate(rollout)
    lines = [
        ("effect", f"{pictured(rollout.canary)} starts again at step 1; checks are made anew"),
        ("runs", run(rollout.steps[: gate.index + 1]) if gate is not None else "to 100 % with no further stop"),
    ]
    if gate is not None and last is not None and last.index != gate.index:
        lines.append(("gates", f"last gate before 100 % is step {last.index + 1} ({last.label})"))
    warnings = (f"{named(rollout.canary)} was aborted: traffic goes toward it again",)
    return draft(intent, "toward", [requests.retry(intent)], lines, goal(rollout, "retried"), warnings=warnings)
