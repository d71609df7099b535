"""What a rollback to one version would change: the difference of the templates, the checks, and the plan, in lines."""

from __future__ import annotations

from cockpit.model.plan import Plan, Refusal
from cockpit.model.revision import Revision
from cockpit.model.rollout import Rollout
from screens.draw import glyphs
from screens.draw.line import Line, wrapped
from screens.parts.preflight import checks_line, own_warnings, owner_told, trouble_lines


def diff_lines(diff: tuple[str, ...] | str | None, item: Revision, width: int, rows: int) -> list[Line]:
    """The template's differences; a long list says how much it hides."""
    if item.current and not diff:
        return [Line("   this is the version being rolled out", "dim")]
    if diff is None:
        return [Line("   reading both templates…", "info")]
    if isinstance(diff, str):
        return [Line("   ").extend(part) for part in wrapped(diff, max(10, width - 4), "bad")][:rows]
    if not diff:
        return [Line("   the templates are the same", "dim")]
    lines = [Line(f"   {text}", "text").cut(width) for text in diff]
    note = Line("   ConfigMaps and Secrets are not part of a version: they stay as they are", "dim").cut(width)
    if len(lines) > rows:
        hidden = len(lines) - rows + 1
        return [*lines[: rows - 1], Line(f"   … {hidden} more {_differences(hidden)} (d shows all)", "warn")]
    return [*lines, note][:rows]


def _differences(number: int) -> str:
    return "difference" if number == 1 else "differences"


def plan_lines(
    plan: Plan | Refusal | str | None, rollout: Rollout | None, width: int, rows: int, *, opens: str
) -> list[Line]:
    """The checks, what is not ok worst first, then what the plan would do; ``opens`` is the key that shows all checks.

    A long list of findings leaves room for the first lines of the plan: both have to be read.
    """
    if plan is None:
        return [Line("   drawing up the plan…", "info")][:rows]
    if isinstance(plan, str):
        return [Line("   ").extend(part) for part in wrapped(plan, max(10, width - 4), "bad")][:rows]
    if isinstance(plan, Refusal):
        text = f"{plan.result}: {plan.reason}"
        return [Line("   ").extend(part) for part in wrapped(text, max(10, width - 4), "warn")][:rows]
    body = _body(plan, rollout, width)
    lines: list[Line] = []
    if (found := plan.preflight) is not None:
        lines.append(Line("   ").extend(checks_line(found.findings, width - 3, complete=found.complete)).cut(width))
        room = max(1, rows - 1 - min(len(body), max(2, rows // 3)))
        lines += [Line("   ").extend(part) for part in trouble_lines(found.findings, width - 4, room, opens)]
    if len(lines) + len(body) > rows:
        hidden = len(lines) + len(body) - rows + 1
        body = [*body[: rows - len(lines) - 1], Line(f"   … {hidden} more lines of the plan; Enter shows all", "dim")]
    return [*lines, *body][:rows]


def _body(plan: Plan, rollout: Rollout | None, width: int) -> list[Line]:
    lines: list[Line] = []
    owner = rollout.owner if rollout else None
    for warning in own_warnings(plan, owner):
        for index, part in enumerate(wrapped(warning, max(10, width - 6), "warn")):
            lines.append(Line(f"   {glyphs.WARN} " if index == 0 else "     ", "warn").extend(part))
    if owner is not None and not owner_told(plan) and not any(owner.name in warning for warning in plan.warnings):
        lines.append(Line(f"   {glyphs.WARN} {owner.warning}", "warn").cut(width))
    for label, text in plan.lines:
        if plan.preflight is not None and label == "pre-flight":
            continue  # told check by check
        for index, part in enumerate(wrapped(text, max(10, width - 14), "text")):
            lines.append(Line("   ").add(label if index == 0 else "", "dim", 10).add(" ").extend(part))
    for number, stage in enumerate(plan.sequence if len(plan.sequence) > 1 else (), 1):
        lines.append(
            Line("   ").add("in turn" if number == 1 else "", "dim", 10).add(f" {number}. {stage}", "text").cut(width)
        )
    return lines
