"""The Rollout's side of analysis: which AnalysisRuns exist, and what their results do to it (facts 1.1, 1.3, 3.5)."""

from __future__ import annotations

import copy
from typing import Any, Literal

from cockpit.world.contract import Object
from cockpit.world.controllers.kit import created, integer, label, own, status_of
from cockpit.world.controllers.revisions import ROLLOUT
from cockpit.world.controllers.rollouts import spec
from cockpit.world.controllers.rollouts.context import DEADLINE, Context
from cockpit.world.controllers.templates import ROLLOUT_HASH

INCONCLUSIVE = "InconclusiveAnalysisRun"
DONE = ("Successful", "Failed", "Error", "Inconclusive")

Origin = Literal["Step", "Background", "PrePromotion", "PostPromotion"]

_STATUS = {
    "Step": ("canary", "currentStepAnalysisRunStatus"),
    "Background": ("canary", "currentBackgroundAnalysisRunStatus"),
    "PrePromotion": ("blueGreen", "prePromotionAnalysisRunStatus"),
    "PostPromotion": ("blueGreen", "postPromotionAnalysisRunStatus"),
}
_WORDS = {
    "Step": "Step-based analysis",
    "Background": "Background analysis",
    "PrePromotion": "Pre-promotion analysis",
    "PostPromotion": "Post-promotion analysis",
}


def reconcile_canary(ctx: Context) -> None:
    """Step and background runs: started, cancelled, and their verdicts taken."""
    if _none_wanted(ctx):
        _cancel(ctx, keep=())
        return
    strategy = spec.canary(ctx.rollout) or {}
    index = spec.current_index(ctx.rollout)
    step = spec.current_step(ctx.rollout) or {}
    keep: list[str] = []
    background = strategy.get("analysis")
    if background and ctx.other_stable is not None and (index or 0) >= integer(background.get("startingStep"), 0):
        keep += _ensure(ctx, "Background", background, None)
    else:
        _forget(ctx, "Background")
    if "analysis" in step:
        keep += _ensure(ctx, "Step", step["analysis"] or {}, index)
    _cancel(ctx, keep=tuple(keep))


def reconcile_blue_green(ctx: Context, *, before: bool, after: bool) -> None:
    """Pre-promotion run once the new pods are all there (``before``), post-promotion once active (``after``)."""
    if _none_wanted(ctx):
        _cancel(ctx, keep=())
        return
    strategy = spec.blue_green(ctx.rollout) or {}
    keep: list[str] = []
    for origin, key, due in (
        ("PrePromotion", "prePromotionAnalysis", before),
        ("PostPromotion", "postPromotionAnalysis", after),
    ):
        section, field = _STATUS[origin]
        known = ctx.out[section].get(field)
        if strategy.get(key) and (due or known):
            keep += _ensure(ctx, origin, strategy[key], None)  # type: ignore[arg-type]
    _cancel(ctx, keep=tuple(keep))


def step_succeeded(ctx: Context) -> bool:
    return (ctx.out["canary"].get("currentStepAnalysisRunStatus") or {}).get("status") == "Successful"


def succeeded(ctx: Context, origin: Origin) -> bool:
    section, field = _STATUS[origin]
    return (ctx.out[section].get(field) or {}).get("status") == "Successful"


def _none_wanted(ctx: Context) -> bool:
    """Aborted, promoted in full, going back, or nothing to compare with: no analysis runs."""
    fast = ctx.new is not None and DEADLINE in (ctx.new["metadata"].get("annotations") or {})
    full = bool(ctx.status.get("promoteFull"))
    return ctx.pauses.aborted or full or fast or ctx.in_rollback_window or ctx.stable is None


def _runs(ctx: Context) -> list[Object]:
    return ctx.world.objects.owned("analysisruns", ctx.rollout["metadata"]["uid"])


def _forget(ctx: Context, origin: Origin) -> None:
    section, field = _STATUS[origin]
    if ctx.fully_promoted:
        return  # the last result stays readable
    ctx.out[section].pop(field, None)


def _ensure(ctx: Context, origin: Origin, wanted: dict[str, Any], index: int | None) -> list[str]:
    """Keep one run going; the names to keep. Applies its verdict to the pauses of this pass."""
    section, field = _STATUS[origin]
    if ctx.fully_promoted and origin != "PostPromotion":
        return []
    known: dict[str, Any] = dict(ctx.out[section].get(field) or {})
    run = ctx.world.objects.get("analysisruns", ctx.key[0], known["name"]) if known.get("name") else None
    # an inconclusive pause that a human cleared asks for the check to be run again
    again = ctx.pauses.controller_pause and ctx.pauses.find(INCONCLUSIVE) is None
    if run is None or (status_of(run).get("phase") == "Inconclusive" and again):
        run = _start(ctx, origin, wanted, index)
        if run is None:
            return []
    state = status_of(run)
    now: dict[str, Any] = {"name": run["metadata"]["name"], "status": state.get("phase", "")}
    if state.get("message"):
        now["message"] = state["message"]
    if now["status"] != known.get("status", "") and now["status"]:
        word = {"Step": "Step", "Background": "Background", "PrePromotion": "Pre-Promotion"}.get(
            origin, "Post-Promotion"
        )
        text = (
            f"{word} Analysis Run '{now['name']}' Status New: '{now['status']}' Previous: '{known.get('status', '')}'"
        )
        bad = now["status"] in ("Failed", "Error", "Inconclusive")
        ctx.event(f"AnalysisRun{now['status']}", text, "Warning" if bad else "Normal")
    ctx.out[section][field] = now
    match now["status"]:
        case "Failed" | "Error":
            reason = f": {now['message']}" if now.get("message") else ""
            ctx.pauses.abort(f"{_WORDS[origin]} phase error/failed{reason}")
        case "Inconclusive":
            ctx.pauses.add(INCONCLUSIVE)
        case "Successful":
            ctx.pauses.remove(INCONCLUSIVE)
    return [run["metadata"]["name"]]


def _start(ctx: Context, origin: Origin, wanted: dict[str, Any], index: int | None) -> Object | None:
    built = _collect(ctx, wanted)
    if built is None or ctx.new is None:
        return None
    metrics, dry_run, retention = built
    found = label(ctx.new, ROLLOUT_HASH)
    suffix = {"Step": f"-{index}", "PrePromotion": "-pre", "PostPromotion": "-post"}.get(origin, "")
    base = f"{ctx.key[1]}-{found}-{ctx.revision}{suffix}"
    name, number = base, 0
    while ctx.world.objects.get("analysisruns", ctx.key[0], name) is not None:
        number += 1
        name = f"{base}.{number}"
    extra = wanted.get("analysisRunMetadata") or {}
    labels = {
        **(extra.get("labels") or {}),
        **((ctx.selector or {}).get("matchLabels") or {}),
        ROLLOUT_HASH: found,
        "rollout-type": origin,
    }
    if origin == "Step":
        labels["step-index"] = str(index)
    run: Object = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {
            "name": name,
            "namespace": ctx.key[0],
            "labels": labels,
            "annotations": {**(extra.get("annotations") or {}), ROLLOUT.revision: str(ctx.revision)},
            "ownerReferences": own(ctx.rollout),
        },
        "spec": {"metrics": metrics, "args": _arguments(ctx, wanted)},
    }
    if dry_run:
        run["spec"]["dryRun"] = dry_run
    if retention:
        run["spec"]["measurementRetention"] = retention
    return ctx.world.objects.create(run, manager=ROLLOUT.manager)


def templates(ctx: Context, wanted: dict[str, Any]) -> list[tuple[str, Object | None]]:
    """(name, template) of every AnalysisTemplate an analysis names; None where it does not exist."""
    rows: list[tuple[str, Object | None]] = []
    for reference in wanted.get("templates") or ():
        name = str(reference.get("templateName", ""))
        if reference.get("clusterScope"):
            rows.append((name, ctx.world.objects.get("clusteranalysistemplates", None, name)))
        else:
            rows.append((name, ctx.world.objects.get("analysistemplates", ctx.key[0], name)))
    return rows


def _collect(
    ctx: Context, wanted: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]] | None:
    """(metrics, dryRun, measurementRetention) of all templates together; None when one is missing."""
    metrics: list[dict[str, Any]] = []
    dry_run = list(wanted.get("dryRun") or ())
    retention = list(wanted.get("measurementRetention") or ())
    for _, template in templates(ctx, wanted):
        if template is None:
            return None
        metrics += copy.deepcopy(template["spec"].get("metrics") or [])
        dry_run += template["spec"].get("dryRun") or ()
        retention += template["spec"].get("measurementRetention") or ()
    return metrics, dry_run, retention


def _arguments(ctx: Context, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Template defaults, overridden by the Rollout's arguments, their references resolved."""
    values: dict[str, Any] = {}
    for _, template in templates(ctx, wanted):
        for item in (template or {"spec": {}})["spec"].get("args") or ():
            values[item["name"]] = item.get("value")
    for item in wanted.get("args") or ():
        source = item.get("valueFrom") or {}
        value = item.get("value")
        if source.get("podTemplateHashValue"):
            rs = ctx.stable if source["podTemplateHashValue"] == "Stable" else ctx.new
            value = "" if rs is None else label(rs, ROLLOUT_HASH)
        elif source.get("fieldRef"):
            value = _field(ctx.rollout, str(source["fieldRef"].get("fieldPath", "")))
        values[item["name"]] = value
    return [{"name": name, "value": value} if value is not None else {"name": name} for name, value in values.items()]


def _field(obj: Object, path: str) -> str | None:
    """``metadata.labels['team']`` or a dotted path."""
    head, bracket, rest = path.partition("['")
    found: Any = obj
    for part in [part for part in head.split(".") if part]:
        found = found.get(part) if isinstance(found, dict) else None
    if bracket:
        found = found.get(rest.removesuffix("']")) if isinstance(found, dict) else None
    return None if found is None else str(found)


def _cancel(ctx: Context, keep: tuple[str, ...]) -> None:
    """Terminate running runs that are no longer wanted, and forget old ones beyond the history limits."""
    rows = _runs(ctx)
    for run in rows:
        if run["metadata"]["name"] in keep or status_of(run).get("phase") in DONE or run["spec"].get("terminate"):
            continue

        def write(found: Object) -> None:
            found["spec"]["terminate"] = True

        ctx.world.objects.mutate("analysisruns", ctx.key[0], run["metadata"]["name"], write, manager=ROLLOUT.manager)
    limits = ctx.rollout["spec"].get("analysis") or {}
    named = {status.get("name") for section, field in _STATUS.values() if (status := ctx.out[section].get(field))}
    for good, key in ((True, "successfulRunHistoryLimit"), (False, "unsuccessfulRunHistoryLimit")):
        old = [
            run
            for run in sorted(rows, key=created)
            if status_of(run).get("phase") in DONE
            and (status_of(run)["phase"] == "Successful") == good
            and run["metadata"]["name"] not in named
            and label(run, ROLLOUT_HASH) != ctx.wanted_hash
        ]
        for run in old[: max(len(old) - integer(limits.get(key), 5), 0)]:
            ctx.world.objects.delete("analysisruns", ctx.key[0], run["metadata"]["name"])
