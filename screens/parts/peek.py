"""The peek under the fleet: the rollout of the cursor in two to six lines."""

from __future__ import annotations

from cockpit.model import sli
from cockpit.model.rollout import Arm, Rollout
from cockpit.model.snapshot import SeatAct
from cockpit.model.verdict import Assessment
from cockpit.ports import Series
from screens.draw import glyphs
from screens.draw.format import UNIT, age, image_name, rev, short_digest, value
from screens.draw.line import Line
from screens.draw.spark import blocks, scale, window
from screens.parts.pods import LETTER, brief, why
from screens.parts.seats import act_said, news
from screens.parts.sli_lines import CHART_SECONDS
from screens.parts.status import VERDICT_ROLE, pick, pod_trouble
from screens.parts.steps import timeline

_PEEKED = (sli.ERRORS, sli.P99, sli.CPU)


def peek_lines(
    rollout: Rollout, assessment: Assessment | None, series: Series, now: float, width: int, rows: int,
    act: SeatAct | None = None,
) -> list[Line]:  # fmt: skip
    """At most ``rows`` lines; two say the verdict and the arms, six also steps, charts and images.

    ``act``: the newest on it; another seat's is told whole beside the verdict, which gives way to it.
    """
    verdict = _verdict(rollout, assessment)
    if (fresh := news(act, now)) is not None:
        told = Line(f"{glyphs.LIVE} ", "key").add(act_said(fresh, now), "strong")
        verdict = verdict.with_right(told.cut(max(width // 2, width - verdict.width - 3)), width)
    pods = brief(rollout)
    trouble = pod_trouble(rollout.canary) or pod_trouble(rollout.baseline)
    if trouble:
        pods.add("   ").add(trouble, "bad").add(_first_why(rollout), "text")
    numbers = _numbers(assessment)
    if rows <= 2:
        return [verdict.cut(width), pods.add("   ").extend(numbers).cut(width)][:rows]
    if rows <= 4:
        return [verdict.cut(width), timeline(rollout, width), numbers.cut(width), pods.cut(width)][:rows]
    steps = timeline(rollout, width)
    if rollout.started_at is not None and rollout.in_flight:
        steps = steps.with_right(Line(f"for {age(now - rollout.started_at)}", "dim"), width)
    canary, baseline = _charts(assessment, series, now, width)
    owner = Line()
    if rollout.owner is not None:
        owner.add(f"{glyphs.WARN} {rollout.owner.tool} {rollout.owner.name}: {rollout.owner.warning}", "warn")
    lines = [verdict, steps, canary, baseline, _images(rollout), pods]
    if owner.width and rows > 6:
        lines.append(owner)
    return [line.cut(width) for line in lines[:rows]]


def _verdict(rollout: Rollout, assessment: Assessment | None) -> Line:
    if assessment is None:
        return Line("not judged yet", "dim")
    state = assessment.verdict.state
    line = Line(state.upper(), VERDICT_ROLE[state]).add("  ").add(assessment.verdict.reason, "text")
    if rollout.message and rollout.phase == "Degraded":
        line.add(f"  {rollout.message}", "dim")
    return line


def _numbers(assessment: Assessment | None) -> Line:
    line = Line()
    for name in _PEEKED:
        row = pick(assessment, name)
        if row is None:
            continue
        line.add(f"{name} {UNIT.get(row.unit, '')} ", "dim").add("C ", "canary")
        line.add(value(row.canary, row.unit), "unknown" if row.canary is None else "strong").add(" B ", "baseline")
        line.add(value(row.baseline, row.unit), "unknown" if row.baseline is None else "text").add("   ")
    return line


def _charts(assessment: Assessment | None, series: Series, now: float, width: int) -> tuple[Line, Line]:
    """C and B of the SLIs side by side, each pair on one scale."""
    canary, baseline = Line(), Line()
    rows = [row for name in _PEEKED if (row := pick(assessment, name)) is not None]
    if not rows:
        return Line("no SLI is known", "unknown"), Line()
    share = max(24, width // len(rows))
    cells = max(6, share - 24)
    known = set(series.names())
    for index, row in enumerate(rows):
        canary.to(index * share).add(f"{row.name} {UNIT.get(row.unit, '')}", "dim", 11)
        baseline.to(index * share + 11)
        arms = {}
        for role in ("canary", "baseline"):
            points = series.points(row.name, role) if row.name in known else ()
            arms[role] = window(points, now, CHART_SECONDS, cells)
        low, high = scale(arms["canary"], arms["baseline"], limit=row.limit)
        for line, role, number in ((canary, "canary", row.canary), (baseline, "baseline", row.baseline)):
            line.add(f"{LETTER[role]} ", role).add(blocks(arms[role], low, high), role)
            line.add(
                f" {value(number, row.unit)}", "unknown" if number is None else "strong" if role == "canary" else "text"
            )
    return canary, baseline


def _images(rollout: Rollout) -> Line:
    line = Line()
    for role, arm in (("canary", rollout.canary), ("baseline", rollout.baseline or rollout.before)):
        if arm is None:
            continue
        line.add("     " if line.width else "").add(f"{LETTER[role]} {rev(arm.revision)}  ", f"{role}-strong")
        line.add(_image(arm), "text")
    return line


def _image(arm: Arm) -> str:
    if not arm.images:
        return "no image is known"
    first = arm.images[0]
    return (
        f"{image_name(first.image)} @{short_digest(first.digest)}"
        if first.digest
        else f"{image_name(first.image)} (digest ?)"
    )


def _first_why(rollout: Rollout) -> str:
    for arm in (rollout.canary, rollout.baseline):
        for pod in arm.pods if arm else ():
            if pod.reason and not pod.ready:
                return why(pod)
    return ""
