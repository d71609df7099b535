"""Reading a Rollout: strategy, steps, durations, weights. Pure functions over the object."""

from __future__ import annotations

import re
from typing import Any

from cockpit.world.contract import Object
from cockpit.world.controllers.kit import integer, replicas, status_of
from cockpit.world.controllers.templates import scaled

STEP_KINDS = (
    "setWeight",
    "pause",
    "setCanaryScale",
    "analysis",
    "experiment",
    "setHeaderRoute",
    "setMirrorRoute",
    "plugin",
)
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def seconds(value: object) -> float | None:
    """A pause duration: whole seconds, digits, or a Go duration (``1h30m``). None when absent or not readable."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str) or not value:
        return None
    if value.isdigit():
        return float(value)
    parts = _DURATION.findall(value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def canary(rollout: Object) -> dict[str, Any] | None:
    """``spec.strategy.canary``; None for blue-green."""
    strategy = rollout["spec"].get("strategy") or {}
    found = strategy.get("canary")
    return found if isinstance(found, dict) else None


def blue_green(rollout: Object) -> dict[str, Any] | None:
    found = (rollout["spec"].get("strategy") or {}).get("blueGreen")
    return found if isinstance(found, dict) else None


def strategy_of(rollout: Object) -> dict[str, Any]:
    """Whichever strategy is set."""
    return canary(rollout) or blue_green(rollout) or {}


def routed(rollout: Object) -> bool:
    """Whether a traffic router splits requests (else pod counts do)."""
    return "trafficRouting" in (canary(rollout) or {})


def steps_of(rollout: Object) -> list[dict[str, Any]]:
    return list((canary(rollout) or {}).get("steps") or ())


def step_kind(step: dict[str, Any]) -> str | None:
    return next((kind for kind in STEP_KINDS if kind in step), None)


def step_text(step: dict[str, Any]) -> str:
    """A step as events name it: ``setWeight: 20``, ``pause: 30s``."""
    kind = step_kind(step)
    match kind:
        case "setWeight":
            return f"setWeight: {step['setWeight']}"
        case "pause":
            duration = (step["pause"] or {}).get("duration")
            if duration is None:
                return "pause"
            return f"pause: {duration}" + ("s" if isinstance(duration, int) else "")
        case "setCanaryScale":
            scale = step["setCanaryScale"] or {}
            return "setCanaryScale{" + ", ".join(f"{key}: {value}" for key, value in scale.items()) + "}"
        case "plugin":
            return f"plugin: {step['plugin'].get('name', '')}"
        case _:
            return str(kind)


def current_index(rollout: Object) -> int | None:
    """The current step; equal to the number of steps when done, None without steps."""
    steps = steps_of(rollout)
    if not steps:
        return None
    return max(0, min(integer(status_of(rollout).get("currentStepIndex"), 0), len(steps)))


def current_step(rollout: Object) -> dict[str, Any] | None:
    index, steps = current_index(rollout), steps_of(rollout)
    return steps[index] if index is not None and index < len(steps) else None


def max_weight(rollout: Object) -> int:
    return integer(((canary(rollout) or {}).get("trafficRouting") or {}).get("maxTrafficWeight"), 100)


def set_weight(rollout: Object) -> int:
    """The weight the steps ask for now."""
    if status_of(rollout).get("abort"):
        return 0
    index, steps = current_index(rollout), steps_of(rollout)
    if index is None or index >= len(steps):
        return max_weight(rollout)
    return last_weight(rollout, index)


def last_weight(rollout: Object, index: int) -> int:
    """The last ``setWeight`` at or before step ``index``, else 0."""
    for step in reversed(steps_of(rollout)[: index + 1]):
        if "setWeight" in step:
            return int(step["setWeight"])
    return 0


def canary_scale(rollout: Object) -> dict[str, Any] | None:
    """The ``setCanaryScale`` in force; only with traffic routing, until ``matchTrafficWeight``."""
    index = current_index(rollout)
    if index is None or not routed(rollout) or current_step(rollout) is None:
        return None
    for step in reversed(steps_of(rollout)[: index + 1]):
        if "setCanaryScale" in step:
            scale: dict[str, Any] = step["setCanaryScale"] or {}
            return None if scale.get("matchTrafficWeight") else scale
    return None


def max_surge(rollout: Object) -> int:
    return scaled((canary(rollout) or {}).get("maxSurge"), replicas(rollout), "25%", up=True)


def max_unavailable(rollout: Object) -> int:
    """Pods that may be missing; 1 when surge and unavailability both come to 0."""
    count = replicas(rollout)
    found = scaled(strategy_of(rollout).get("maxUnavailable"), count, "25%", up=False)
    if found == 0 and canary(rollout) is not None and max_surge(rollout) == 0:
        found = 1
    return min(found, count)


def scale_down_delay(rollout: Object) -> float:
    """Seconds an old ReplicaSet is kept after it stopped serving: 30 by default, 0 for the basic canary."""
    if canary(rollout) is not None and not routed(rollout):
        return 0.0
    return float(integer(strategy_of(rollout).get("scaleDownDelaySeconds"), 30))


def abort_delay(rollout: Object) -> float | None:
    """Seconds the aborted ReplicaSet is kept; None: forever (an explicit 0)."""
    found = integer(strategy_of(rollout).get("abortScaleDownDelaySeconds"), 30)
    return float(found) if found else None


def fully_promoted(rollout: Object) -> bool:
    status = status_of(rollout)
    return bool(status.get("stableRS")) and status.get("stableRS") == status.get("currentPodHash")
