"""What a dialog was drawn from against what is true now: which guards a verb has, and which of them moved, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cockpit.base.clock import parse_time
from cockpit.base.text import clean
from cockpit.model.plan import Verb
from cockpit.model.verdict import State, Verdict

UID = "/metadata/uid"
GENERATION = "/metadata/generation"
HASH = "/status/currentPodHash"
STABLE = "/status/stableRS"
STEP = "/status/currentStepIndex"
PAUSES = "/status/pauseConditions"
CONTROLLER_PAUSE = "/status/controllerPause"
PAUSED = "/spec/paused"
ABORT = "/status/abort"
FULL = "/status/promoteFull"
ARM = "cockpit/canary"
"""Not a pointer of the object: the hash of the newest ReplicaSet, where the object itself does not carry it."""
TEMPLATE = "/spec/template"
WORKLOAD = "workload:"
"""Prefix of pointers into the object that a workloadRef names."""

SUSPEND = "/spec/suspend"
SYNC = "/spec/syncPolicy/automated"
"""Of the GitOps owner: whether Flux is suspended, and what Argo CD does by itself."""

_WORDS = {
    UID: "the object itself (it was deleted and made anew)",
    GENERATION: "the specification",
    HASH: "the version being rolled out",
    STABLE: "the stable version",
    STEP: "the step",
    PAUSES: "the pause",
    CONTROLLER_PAUSE: "the controller's pause",
    PAUSED: "paused by hand",
    ABORT: "aborted",
    FULL: "full promotion",
    ARM: "the version being rolled out",
    TEMPLATE: "the version being rolled out",
    SUSPEND: "suspended",
    SYNC: "the sync policy",
    WORKLOAD + UID: "the referenced workload (it was deleted and made anew)",
    WORKLOAD + GENERATION: "the referenced workload's specification",
}
_FEWEST = frozenset({UID, HASH, ARM})  # abort is the least conditional verb: never inert because a timed step passed

_SUPPORT: dict[State, int] = {"ready": 0, "unjudged": 0, "wait": 1, "watch": 2, "blind": 2, "outage": 2, "abort": 2}
"""How little a state supports moving traffic toward the canary; the steps are those of the confirmation tiers."""


def guarded(verb: Verb, seen: Mapping[str, Any]) -> dict[str, Any]:
    """The part of ``seen`` that a verb is guarded by: uid and hash only for an abort, all of it otherwise."""
    return {pointer: value for pointer, value in seen.items() if verb != "abort" or pointer in _FEWEST}


def moved(verb: Verb, seen: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """One sentence per guard of ``verb`` whose value differs, safe to draw; empty when a dialog is still true."""
    pairs = ((pointer, value, now.get(pointer)) for pointer, value in guarded(verb, seen).items())
    return describe(pair for pair in pairs if pair[1] != pair[2])


def worsened(seen: Verdict | None, now: Verdict | None) -> str:
    """One sentence when the evidence for going forward became weaker than it was drawn; empty otherwise."""
    if seen is None or now is None or _SUPPORT[now.state] <= _SUPPORT[seen.state]:
        return ""
    return f"the verdict moved: {seen.state.upper()} -> {now.state.upper()}, {now.reason}"


def describe(pairs: Iterable[tuple[str, Any, Any]]) -> tuple[str, ...]:
    """One sentence per (pointer, seen, now); the caller passes those that differ."""
    return tuple(
        f"{_WORDS.get(pointer, clean(pointer, 120))} moved" + _change(pointer, seen, now)
        for pointer, seen, now in pairs
    )


def _change(pointer: str, seen: Any, now: Any) -> str:
    before, after = shown(pointer, seen), shown(pointer, now)
    return f": {before} -> {after}" if before != after else ""


def shown(pointer: str, value: Any) -> str:
    """A guarded value in words: ``step 3``, ``yes``, ``none``, ``CanaryPauseStep since 03:04:11``."""
    if pointer in (PAUSED, CONTROLLER_PAUSE, ABORT, FULL, SUSPEND):
        return "yes" if value is True else "no"
    if pointer == TEMPLATE:
        return "absent" if value is None else "a template"
    if value is None or value in ([], ""):
        return "none"
    if pointer == PAUSES and isinstance(value, list):
        return ", ".join(_pause(item) for item in value)
    return clean(str(value), 60)


def _pause(condition: Any) -> str:
    if not isinstance(condition, dict):
        return "unreadable"
    start = condition.get("startTime")
    since = f" since {start[11:19]}" if isinstance(start, str) and parse_time(start) is not None else ""
    return clean(f"{condition.get('reason') or 'paused'}{since}", 60)
