"""What makes a Rollout's spec invalid (condition InvalidSpec), in the controller's words."""

from __future__ import annotations

from typing import Any

from cockpit.world.contract import Object
from cockpit.world.controllers.kit import matches
from cockpit.world.controllers.rollouts import analysis, spec
from cockpit.world.controllers.rollouts.context import Context


def problem(rollout: Object, template: dict[str, Any] | None, selector: dict[str, Any] | None) -> str:
    """The first fault that the object alone shows; "" for none."""
    strategy = rollout["spec"].get("strategy") or {}
    if ("canary" in strategy) == ("blueGreen" in strategy):
        if strategy.get("canary") is not None and strategy.get("blueGreen") is not None:
            return _say(rollout, "spec.strategy", "Invalid value", "Multiple Strategies can not be listed")
        text = "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'"
        return _say(rollout, "spec.strategy.strategy", "Required value", text)
    if not selector:
        return _say(rollout, "spec.selector", "Required value", "Rollout has missing field '.spec.selector'")
    if not template or not (template.get("spec") or {}).get("containers"):
        return _say(rollout, "spec.template", "Required value", "Rollout has missing field '.spec.template'")
    if not matches(selector, (template.get("metadata") or {}).get("labels") or {}):
        text = "`selector` does not match template `labels`"
        return _say(rollout, "spec.template.metadata.labels", "Invalid value", text)
    blue_green = spec.blue_green(rollout)
    if blue_green is not None and not blue_green.get("activeService"):
        text = "activeService is required"
        return _say(rollout, "spec.strategy.blueGreen.activeService", "Required value", text)
    for index, step in enumerate(spec.steps_of(rollout)):
        fault = _step_problem(rollout, index, step)
        if fault:
            return fault
    return ""


def _step_problem(rollout: Object, index: int, step: dict[str, Any]) -> str:
    field = f"spec.strategy.canary.steps[{index}]"
    kinds = [kind for kind in spec.STEP_KINDS if kind in step]
    if len(kinds) != 1:
        text = "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause"
        return _say(rollout, field, "Invalid value", text)
    if kinds[0] == "setWeight":
        weight = step["setWeight"]
        top = spec.max_weight(rollout)
        if not isinstance(weight, int) or not 0 <= weight <= top:
            return _say(rollout, f"{field}.setWeight", "Invalid value", f"SetWeight needs to be between 0 and {top}")
    if kinds[0] in ("setCanaryScale", "setHeaderRoute", "setMirrorRoute") and not spec.routed(rollout):
        text = f"{kinds[0][0].upper()}{kinds[0][1:]} requires TrafficRouting to be set"
        return _say(rollout, f"{field}.{kinds[0]}", "Invalid value", text)
    if kinds[0] == "pause":
        duration = (step["pause"] or {}).get("duration")
        if duration is not None and spec.seconds(duration) is None:
            return _say(rollout, f"{field}.pause.duration", "Invalid value", "Duration must be a valid time")
    return ""


def missing(ctx: Context) -> str:
    """The first thing the Rollout refers to that does not exist; "" for none."""
    strategy = spec.strategy_of(ctx.rollout)
    kind = "canary" if spec.canary(ctx.rollout) is not None else "blueGreen"
    for field in ("stableService", "canaryService", "activeService", "previewService"):
        name = strategy.get(field)
        if name and ctx.world.objects.get("services", ctx.key[0], name) is None:
            where = f"spec.strategy.{kind}.{field}"
            return _say(ctx.rollout, where, f'Invalid value: "{name}"', f'service "{name}" not found')
    for field, wanted in _analyses(ctx.rollout):
        for name, template in analysis.templates(ctx, wanted):
            if template is None:
                text = f"AnalysisTemplate '{name}' not found"
                return _say(ctx.rollout, f"{field}.templates", f'Invalid value: "{name}"', text)
    return ""


def _analyses(rollout: Object) -> list[tuple[str, dict[str, Any]]]:
    strategy = spec.strategy_of(rollout)
    kind = "canary" if spec.canary(rollout) is not None else "blueGreen"
    keys = ("analysis", "prePromotionAnalysis", "postPromotionAnalysis")
    rows = [(f"spec.strategy.{kind}.{key}", strategy[key]) for key in keys if strategy.get(key)]
    for index, step in enumerate(spec.steps_of(rollout)):
        if step.get("analysis"):
            rows.append((f"spec.strategy.canary.steps[{index}].analysis", step["analysis"]))
    return rows


def _say(rollout: Object, field: str, what: str, text: str) -> str:
    return f'The Rollout "{rollout["metadata"]["name"]}" is invalid: {field}: {what}: {text}'
