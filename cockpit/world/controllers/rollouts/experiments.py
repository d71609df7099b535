"""The Rollout's side of an experiment step: one Experiment, its result."""

from __future__ import annotations

import copy
from typing import Any

from cockpit.world.contract import Object
from cockpit.world.controllers.kit import integer, label, own, status_of
from cockpit.world.controllers.revisions import ROLLOUT
from cockpit.world.controllers.rollouts import spec
from cockpit.world.controllers.rollouts.context import Context
from cockpit.world.controllers.templates import ROLLOUT_HASH


def reconcile(ctx: Context) -> None:
    """Start the step's Experiment, take its verdict, end it when the step is left."""
    step = spec.current_step(ctx.rollout) or {}
    name = ctx.out["canary"].get("currentExperiment")
    wanted = "experiment" in step and ctx.other_stable is not None
    if not wanted or ctx.pauses.aborted or ctx.status.get("promoteFull"):
        if name:
            _terminate(ctx, name)
            ctx.out["canary"].pop("currentExperiment", None)
        return
    found = ctx.world.objects.get("experiments", ctx.key[0], name) if name else None
    if found is None:
        found = _start(ctx, step["experiment"] or {})
        if found is None:
            return
        ctx.out["canary"]["currentExperiment"] = found["metadata"]["name"]
    match status_of(found).get("phase"):
        case "Failed" | "Error" as phase:
            ctx.event(f"Experiment{phase}", f"Experiment '{found['metadata']['name']}' {phase}", "Warning")
            ctx.pauses.abort(f"Experiment '{found['metadata']['name']}' {phase.lower()}")
        case "Inconclusive":
            ctx.pauses.add("InconclusiveExperiment")


def step_succeeded(ctx: Context) -> bool:
    name = ctx.out["canary"].get("currentExperiment")
    found = ctx.world.objects.get("experiments", ctx.key[0], name) if name else None
    return found is not None and status_of(found).get("phase") == "Successful"


def _start(ctx: Context, wanted: dict[str, Any]) -> Object | None:
    if ctx.new is None:
        return None
    found = label(ctx.new, ROLLOUT_HASH)
    base = f"{ctx.key[1]}-{found}-{ctx.revision}-{spec.current_index(ctx.rollout)}"
    name, number = base, 0
    while ctx.world.objects.get("experiments", ctx.key[0], name) is not None:
        number += 1
        name = f"{base}.{number}"
    rows = []
    for item in wanted.get("templates") or ():
        source = ctx.stable if item.get("specRef") == "stable" else ctx.new
        if source is None:
            return None
        template = copy.deepcopy(source["spec"]["template"])
        template["metadata"].get("labels", {}).pop(ROLLOUT_HASH, None)
        row = {
            "name": item["name"],
            "replicas": integer(item.get("replicas"), 1),
            "template": template,
            "selector": {"matchLabels": dict(template["metadata"].get("labels") or {})},
        }
        rows.append(row)
    experiment: Object = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Experiment",
        "metadata": {
            "name": name,
            "namespace": ctx.key[0],
            "labels": {ROLLOUT_HASH: found},
            "annotations": {ROLLOUT.revision: str(ctx.revision)},
            "ownerReferences": own(ctx.rollout),
        },
        "spec": {"templates": rows},
    }
    for key in ("duration", "progressDeadlineSeconds", "scaleDownDelaySeconds"):
        if key in wanted:
            experiment["spec"][key] = wanted[key]
    return ctx.world.objects.create(experiment, manager=ROLLOUT.manager)


def _terminate(ctx: Context, name: str) -> None:
    def write(found: Object) -> None:
        if status_of(found).get("phase") not in ("Successful", "Failed", "Error", "Inconclusive"):
            found["spec"]["terminate"] = True

    ctx.world.objects.mutate("experiments", ctx.key[0], name, write, manager=ROLLOUT.manager)
