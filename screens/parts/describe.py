"""Everything known about one rollout as text (``d``), and its tree of revisions, pods and checks (``x``)."""

from __future__ import annotations

from typing import Any

from cockpit.model.rollout import Arm, Check, Rollout
from cockpit.model.verdict import Assessment
from screens.draw import glyphs
from screens.draw.format import NONE, age, count, percent, rev, short_digest, times, value
from screens.draw.line import Line, wrapped
from screens.parts.pods import arm_line, pod_piece, why
from screens.parts.sli_lines import label
from screens.parts.status import VERDICT_ROLE, next_cell, status, step_cell

_LABEL = 14


def describe(rollout: Rollout, assessment: Assessment | None, now: float, width: int) -> list[Line]:
    """Sections of label and text; long texts wrap, nothing is cut."""
    lines: list[Line] = []

    def put(name: str, text: Any, role: str = "text") -> None:
        shown = str(text) if text not in (None, "") else NONE
        for index, part in enumerate(wrapped(shown, max(20, width - _LABEL - 1), role)):
            lines.append(Line(name if index == 0 else "", "dim").to(_LABEL).extend(part))

    def section(name: str) -> None:
        if lines:
            lines.append(Line())
        lines.append(Line(name, "title"))

    section(f"{rollout.key.kind} {rollout.key}")
    found = status(rollout, assessment)
    put("status", f"{found.glyph} {found.word}", found.role)
    put("phase", rollout.phase + (f" (paused by {rollout.paused_by})" if rollout.paused_by else ""))
    put("message", rollout.message)
    put("strategy", rollout.strategy + (f", traffic by {rollout.traffic}" if rollout.traffic else ""))
    put("step", step_cell(rollout))
    put("next", next_cell(rollout, now))
    put("weight", f"set {percent(rollout.weight.set)}, actual {percent(rollout.weight.actual)}")
    replicas = rollout.replicas
    put(
        "replicas",
        f"{replicas.desired} desired, {replicas.updated} updated, {replicas.ready} ready, "
        f"{replicas.available} available",
    )
    if rollout.started_at is not None:
        put("started", f"{age(now - rollout.started_at)} ago")
    if rollout.workload is not None:
        put("template of", f"{rollout.workload.kind} {rollout.workload}")
    if rollout.owner is not None:
        put("owner", f"{rollout.owner.tool} {rollout.owner.name} ({rollout.owner.evidence})")
        put("", f"{glyphs.WARN} {rollout.owner.warning}", "warn")
    put("uid", f"{rollout.uid}  resourceVersion {rollout.resource_version}  generation {rollout.generation}", "dim")
    if rollout.labels:
        put("labels", ", ".join(f"{name}={text}" for name, text in sorted(rollout.labels.items())), "dim")
    if rollout.steps:
        section("Steps")
        for step in rollout.steps:
            here = step.index == rollout.step_index
            put(
                f"{'->' if here else '  '} {step.index + 1}", f"{step.kind}: {step.label}", "strong" if here else "text"
            )
    for name, role, arm in _arms(rollout):
        section(name)
        lines.append(arm_line(arm, role))
        for image in arm.images:
            put(image.container, f"{image.image}   runs {image.digest or 'digest not known from its pods'}")
        for pod in arm.pods:
            text = f"{pod.phase}{'' if pod.ready else ', not ready'}, restarts {pod.restarts}"
            if pod.reason:
                text += f", {pod.reason}{why(pod)}"
            put(f"{pod.name}", "", "dim") if len(pod.name) >= _LABEL else None
            put("" if len(pod.name) >= _LABEL else pod.name, text, "text" if pod.ready else "warn")
    if rollout.checks:
        section("Checks")
        for check in rollout.checks:
            put(check.origin, f"{check.name}: {check.phase}{_message(check)}", "bad" if check.phase in _BAD else "text")
            for metric in check.metrics:
                numbers = f"{metric.successful} ok, {metric.failed} failed, {metric.error} errors"
                if metric.inconclusive:
                    numbers += f", {metric.inconclusive} inconclusive"
                put(f"  {metric.name}"[: _LABEL - 1], f"{metric.phase}; {numbers}; newest {metric.value or NONE}")
                if metric.condition:
                    put("", f"wants {metric.condition}", "dim")
                if metric.query:
                    put("", metric.query, "dim")
    if assessment is not None:
        section("Verdict")
        put(assessment.verdict.state, assessment.verdict.reason, VERDICT_ROLE[assessment.verdict.state])
        for row in assessment.slis:
            text = f"C {value(row.canary, row.unit)}  B {value(row.baseline, row.unit)}"
            text += f"  {times(row.ratio)}" if row.ratio is not None else "  ?"
            if row.requests.canary is not None or row.requests.baseline is not None:
                text += f"  requests C {count(row.requests.canary)} B {count(row.requests.baseline)}"
            put(label(row)[: _LABEL - 1], f"{text}  {row.reason}")
    return lines


_BAD = {"Failed", "Error"}


def _message(check: Check) -> str:
    return f" ({check.message})" if check.message else ""


def _arms(rollout: Rollout) -> list[tuple[str, str, Arm]]:
    pairs = [
        ("Canary", "canary", rollout.canary),
        ("Baseline", "baseline", rollout.baseline),
        ("Before", "baseline", rollout.before),
    ]
    return [(name, role, arm) for name, role, arm in pairs if arm is not None]


def tree(rollout: Rollout, assessment: Assessment | None, now: float) -> list[Line]:
    """rollout → revision → ReplicaSet → pods, and the analysis runs beside them."""
    found = status(rollout, assessment)
    root = Line("⟳ ", "info").add(str(rollout.key), "strong").add(f"  {rollout.key.kind}", "dim")
    lines = [root.add(f"  {found.glyph} {found.word}", found.role).add(f"  {step_cell(rollout)}", "text")]
    arms = _arms(rollout)
    branches = len(arms) + len(rollout.checks)
    for index, (name, role, arm) in enumerate(arms):
        last = index == branches - 1
        lines.append(
            Line(_JOINT[last], "faint").add(f"# {rev(arm.revision)}", "text").add(f"  {name.lower()}", f"{role}-strong")
        )
        lines += _replicaset(arm, now, _STEM[last])
    for number, check in enumerate(rollout.checks):
        line = Line(_JOINT[number == len(rollout.checks) - 1], "faint").add("α ", "dim").add(check.name, "text")
        role = "bad" if check.phase in _BAD else "ok" if check.phase == "Successful" else "info"
        line.add(f"  {check.origin}", "dim").add(f"  {check.phase}", role)
        lines.append(line.add(f"  {check.message}" if check.message else "", "text"))
    return lines


_JOINT = {False: "├──", True: "└──"}
_STEM = {False: "│  ", True: "   "}


def _replicaset(arm: Arm, now: float, stem: str) -> list[Line]:
    head = Line(f"{stem}└──", "faint").add("⧉ ", "dim").add(arm.replicaset or arm.hash, "text")
    head.add(f"  {arm.ready}/{arm.desired} up", "ok" if arm.ready >= arm.desired else "warn")
    lines = [head.add(f"  {age(now - arm.created_at)}" if arm.created_at is not None else "", "dim")]
    for image in arm.images:
        line = Line(f"{stem}   │  ", "faint").add(f"{image.container}: {image.image}", "dim")
        lines.append(line.add(f"  {short_digest(image.digest)}", "text" if image.digest else "unknown"))
    for number, pod in enumerate(arm.pods):
        line = Line(f"{stem}   {_JOINT[number == len(arm.pods) - 1]}", "faint").add("□ ", "dim")
        line.extend(pod_piece(pod, "")).add(f"  {pod.phase}", "dim")
        if pod.created_at is not None:
            line.add(f"  {age(now - pod.created_at)}", "dim")
        if pod.reason:
            line.add(f"  {pod.reason}", "bad" if not pod.ready else "warn").add(why(pod), "text")
        lines.append(line)
    return lines
