"""Building blocks of plans: refusals, titles, and how arms, weights and steps are put into the words of a dialog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cockpit.base.text import clean
from cockpit.model.plan import Direction, Intent, Patch, Plan, Refusal, Result, Verb
from cockpit.model.rollout import Arm, Rollout, Step
from cockpit.strategies.image import short
from cockpit.strategies.values import mapping, objects, percent, plural

TITLES: dict[Verb, str] = {
    "advance": "ADVANCE",
    "skip": "SKIP STEP",
    "full": "FULL PROMOTE",
    "pause": "PAUSE",
    "resume": "RESUME",
    "abort": "ABORT",
    "retry": "RETRY",
    "restart": "RESTART",
    "rollback": "ROLL BACK",
}
Lines = tuple[tuple[str, str], ...]
_LONGEST_RUN = 8
_NOTABLE = 0.05


def refuse(
    intent: Intent, reason: str, result: Result = "refused", choices: tuple[tuple[str, str], ...] = ()
) -> Refusal:
    """A refusal: one sentence that names the key or the command that helps."""
    return Refusal(intent.verb, intent.key, reason, result, choices)


def draft(
    intent: Intent,
    direction: Direction,
    patches: Sequence[Patch],
    lines: Sequence[tuple[str, str]],
    goal: Mapping[str, Any],
    **more: Any,
) -> Plan:
    """A plan without a tier. ``more`` are members of Plan; from and to default to the arms as drawn."""
    rollout = intent.rollout
    defaults: dict[str, Any] = {
        "title": TITLES[intent.verb],
        "from_hash": rollout.canary.hash if rollout.canary else (rollout.baseline.hash if rollout.baseline else None),
        "from_images": images_of(rollout.canary or rollout.baseline),
    }
    defaults.update(more)
    # A server takes nearly any text for an image's name: in a line of its own it would pass for one of ours.
    for member in ("from_images", "to_images", "warnings"):
        defaults[member] = tuple(clean(each) for each in defaults.get(member, ()))
    return Plan(
        verb=intent.verb,
        key=intent.key,
        uid=rollout.uid,
        direction=direction,
        patches=tuple(patches),
        lines=tuple((label, clean(text)) for label, text in lines if text),
        goal=dict(goal),
        **defaults,
    )


def images_of(arm: Arm | None) -> tuple[str, ...]:
    """``repository@digest`` where the digest is known, else the reference as written."""
    if arm is None:
        return ()
    return tuple(f"{i.image.partition('@')[0]}@{i.digest}" if i.digest else i.image for i in arm.images)


def named(arm: Arm | None) -> str:
    """``rev 42``, or the hash where no revision is known."""
    if arm is None:
        return "unknown version"
    return f"rev {arm.revision}" if arm.revision is not None else arm.hash


def pictured(arm: Arm | None) -> str:
    """``rev 42 (web@sha256:9f3c…)``."""
    if arm is None or not arm.images:
        return named(arm)
    shown = ", ".join(short(image) for image in images_of(arm)[:2])
    return f"{named(arm)} ({shown})"


def share(rollout: Rollout) -> str:
    """The canary's share in words: actual where known, else set, else unknown."""
    for value, suffix in ((rollout.weight.actual, ""), (rollout.weight.set, " set")):
        if value is not None:
            return percent(value) + suffix
    return "unknown share"


def uneven(rollout: Rollout) -> tuple[str, ...]:
    """A warning where few pods, or a router that lags, make the share another one than was set."""
    wanted, actual = rollout.weight.set, rollout.weight.actual
    if wanted is None or actual is None or abs(actual - wanted) < _NOTABLE:
        return ()
    return (f"canary at {percent(actual)}, though {percent(wanted)} is set",)


def run(steps: Sequence[Step]) -> str:
    """``50% → pause 10m → check``, cut after eight."""
    labels = [step.label for step in steps[:_LONGEST_RUN]]
    more = len(steps) - len(labels)
    return " → ".join(labels) + (f" → {more} more" if more > 0 else "")


def next_gate(rollout: Rollout, after: int) -> Step | None:
    """The first gate behind step ``after``."""
    return next((step for step in rollout.steps[after + 1 :] if step.gate), None)


def last_gate(rollout: Rollout) -> Step | None:
    """The last gate before 100 %."""
    return next((step for step in reversed(rollout.steps) if step.gate), None)


def what_runs(rollout: Rollout, index: int) -> list[tuple[str, str]]:
    """What happens once step ``index`` is left: the steps up to the next gate, and the last gate before 100 %."""
    gate, last = next_gate(rollout, index), last_gate(rollout)
    if gate is None:
        rest = run(rollout.steps[index + 1 :])
        return [("runs", f"{rest} → 100 %" if rest else "100 %"), ("gates", "none is left: it runs on to 100 %")]
    lines = [("runs", run(rollout.steps[index + 1 : gate.index + 1]))]
    stop = f"step {gate.index + 1} of {len(rollout.steps)} ({gate.label})"
    if last is None or last.index == gate.index:
        lines.append(("gates", f"stops at {stop}, the last gate before 100 %"))
    else:
        lines.append(("gates", f"stops at {stop}; last gate before 100 % is step {last.index + 1} ({last.label})"))
    return lines


def capacity(rollout: Rollout) -> tuple[str, str | None]:
    """(line, warning) on whether the stable arm is healthy and can carry all traffic."""
    stable = rollout.baseline
    if stable is None:
        return (
            "unknown: the stable ReplicaSet is not in sight",
            "whether the stable version can take the traffic is unknown",
        )
    desired = rollout.replicas.desired
    line = f"{named(stable)}: {stable.available} of {desired} pods available"
    if stable.available >= desired:
        return f"{line}, healthy and enough for all traffic", None
    if stable.available == 0 and desired > 0:
        return line, f"{named(stable)} has no available pod: traffic returns only as its pods start"
    return line, f"{named(stable)} lacks {plural(desired - stable.available, 'pod')} to carry all traffic at once"


def holder(managed: Any) -> str | None:
    """Which field manager set ``spec.paused``, from managedFields; objects do not record the user."""
    fields = objects(mapping(mapping(managed).get("metadata")).get("managedFields"))
    for entry in fields:
        if "f:paused" in mapping(mapping(entry.get("fieldsV1")).get("f:spec")):
            return clean(str(entry.get("manager") or ""), 60) or None
    return None
