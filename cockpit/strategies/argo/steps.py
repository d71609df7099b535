"""The steps of a canary: kind, short label, weight, gates, and the weight in force at an index (facts 3.1, 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cockpit.base.text import clean
from cockpit.model.rollout import Step
from cockpit.strategies.values import duration, integer, mapping, objects, spell

_KINDS = (
    "setWeight",
    "pause",
    "analysis",
    "experiment",
    "setCanaryScale",
    "setHeaderRoute",
    "setMirrorRoute",
    "plugin",
    "replicaProgressThreshold",
)
CHECKS = ("analysis", "experiment")
"""Steps whose result decides whether the rollout goes on."""


def steps(canary: Any) -> tuple[Step, ...]:
    """The steps of ``spec.strategy.canary``. An unknown kind keeps its key as label and is taken as a gate."""
    whole = max_weight(canary)
    return tuple(_step(index, raw, whole) for index, raw in enumerate(_raw_steps(canary)))


def _raw_steps(canary: Any) -> list[dict[str, Any]]:
    # A step that is no object still has a place: dropping it would shift every index after it.
    raw = mapping(canary).get("steps")
    return [mapping(step) for step in raw] if isinstance(raw, list) else []


def max_weight(canary: Any) -> float:
    """What counts as 100 %: ``trafficRouting.maxTrafficWeight``, 100 unless set."""
    value = integer(mapping(mapping(canary).get("trafficRouting")).get("maxTrafficWeight"))
    return float(value) if value is not None and value > 0 else 100.0


def _step(index: int, raw: dict[str, Any], whole: float) -> Step:
    kind = next((kind for kind in _KINDS if kind in raw), None) or next(iter(raw), "unknown")
    body = raw.get(kind)
    if kind == "setWeight":
        weight = integer(body)
        if weight is None:
            return Step(index, kind, "weight ?")
        ratio = min(max(weight / whole, 0.0), 1.0)
        return Step(index, kind, f"{ratio * 100:.3g}%", weight=ratio)
    if kind == "pause":
        given = mapping(body).get("duration")
        if given is None:
            return Step(index, kind, "pause ∞", gate=True)
        seconds = duration(given)
        label = f"pause {spell(seconds)}" if seconds is not None else "pause ?"
        return Step(index, kind, label, duration=seconds, gate=True)
    if kind == "analysis":
        return Step(index, kind, "check", gate=True)
    if kind == "experiment":
        return Step(index, kind, "experiment", duration=duration(mapping(body).get("duration")), gate=True)
    if kind == "setCanaryScale":
        return Step(index, kind, _scale_label(mapping(body)))
    if kind in ("setHeaderRoute", "setMirrorRoute"):
        return Step(index, kind, "header route" if kind == "setHeaderRoute" else "mirror")
    if kind == "plugin":
        return Step(index, kind, clean(str(mapping(body).get("name") or "plugin"), 24), gate=True)
    return Step(index, clean(kind, 32), clean(kind, 24), gate=True)


def _scale_label(body: dict[str, Any]) -> str:
    replicas, weight = integer(body.get("replicas")), integer(body.get("weight"))
    if replicas is not None:
        return f"scale {replicas}"
    return f"scale {weight}%" if weight is not None else "scale = weight"


def set_weight(all_steps: Sequence[Step], index: int | None, *, aborted: bool) -> float | None:
    """The weight asked for at ``index``: 0 when aborted, 1 past the last step, else the last setWeight up to it."""
    if aborted:
        return 0.0
    if not all_steps:
        return 1.0
    if index is None:
        return None
    if index >= len(all_steps):
        return 1.0
    weights = [step for step in all_steps[: index + 1] if step.kind == "setWeight"]
    return weights[-1].weight if weights else 0.0


def traffic_router(canary: Any) -> str | None:
    """The name of the traffic router, None on a basic canary."""
    routing = mapping(mapping(canary).get("trafficRouting"))
    for name in ("istio", "nginx", "alb", "smi", "ambassador", "appMesh", "traefik", "apisix"):
        if routing.get(name) is not None:
            return name
    for name in mapping(routing.get("plugins")):
        return clean(name.rpartition("/")[2], 40)
    return "router" if routing and set(routing) - {"managedRoutes", "maxTrafficWeight"} else None


def has_background_check(canary: Any) -> bool:
    return bool(objects(mapping(mapping(canary).get("analysis")).get("templates")))
