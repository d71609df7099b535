"""The steps of a rollout as one line that keeps the current one in view, and the weight beneath it."""

from __future__ import annotations

from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import SeatAct
from screens.draw import glyphs
from screens.draw.format import age, percent
from screens.draw.line import Line
from screens.draw.spark import bar
from screens.parts.seats import holder
from screens.parts.status import check_progress, next_cell, running_check


def pieces(rollout: Rollout, *, short: bool = False) -> list[Line]:
    """One short line per step: glyph and label, the current one marked. ``short``: ``5m`` for ``pause 5m``."""
    current = rollout.step_index
    result = []
    for step in rollout.steps:
        line = Line()
        label = step.label.removeprefix("pause ") if short else step.label
        if current is None:
            line.add(f"{glyphs.UNKNOWN} {label}", "unknown")
        elif rollout.full and rollout.in_flight and step.index >= current:
            line.add(f"{glyphs.TODO} {label}", "faint")
        elif step.index < current:
            line.add(f"{glyphs.OK} ", "ok").add(label, "dim")
        elif step.index == current:
            if step.kind in {"analysis", "experiment"} and (done := check_progress(running_check(rollout))):
                label = f"{label} {done}"
            mark, role = (glyphs.BAD, "bad") if rollout.aborted else (glyphs.CURRENT, "canary-strong")
            line.add(f"{mark} {label}", role)
        else:
            line.add(f"{glyphs.TODO} ", "dim").add(label, "text" if step.gate else "dim")
        result.append(line)
    return result


def timeline(rollout: Rollout, width: int, offset: int | None = None) -> Line:
    """All steps in ``width`` cells; what does not fit is counted at the ends (``‹ 4``, ``12 ›``).

    ``offset`` is the first step to show; None keeps the current step in view with one before it.
    """
    parts = pieces(rollout)
    if not parts:
        return Line(_no_steps(rollout), "text").cut(width)
    joint = " ─ " if width < 100 else " ── "
    if _total(parts, joint) > width:
        parts = pieces(rollout, short=True)
    if _total(parts, joint) <= width:
        first, last = 0, len(parts)
    else:
        current = min(rollout.step_index or 0, len(parts) - 1)
        first = min(max(0, current - 1 if offset is None else offset), len(parts) - 1)
        last = _reach(parts, first, width, len(joint))
        if offset is None and last <= current:  # no room for the one before it
            first, last = current, _reach(parts, current, width, len(joint))
        while offset is None and last == len(parts) and first > 0:  # the end is in view: fill up from the left
            if _reach(parts, first - 1, width, len(joint)) < len(parts):
                break
            first -= 1
    line = Line()
    if first:
        line.add(f"{first} ‹ ", "dim")
    for index in range(first, last):
        if index > first:
            line.add(joint, "faint")
        line.extend(parts[index])
    if last < len(parts):
        line.add(f" › {len(parts) - last}", "dim")
    return line.cut(width)


def _total(parts: list[Line], joint: str) -> int:
    return sum(part.width for part in parts) + len(joint) * (len(parts) - 1)


def _reach(parts: list[Line], first: int, width: int, joint: int) -> int:
    """One past the last step that fits when ``first`` leads."""
    room = width - (len(f"{first} ‹ ") if first else 0)
    used, last = 0, first
    while last < len(parts):
        need = parts[last].width + (joint if last > first else 0)
        tail = 0 if last + 1 == len(parts) else len(f" › {len(parts) - last - 1}")
        if used + need + tail > room and last > first:
            break
        used += need
        last += 1
    return last


def _no_steps(rollout: Rollout) -> str:
    replicas = rollout.replicas
    if rollout.strategy == "bluegreen":
        where = "the preview serves no users yet" if rollout.in_flight else "one version serves"
        return f"blue-green: {where}; {replicas.updated}/{replicas.desired} new pods, {replicas.available} available"
    kind = "rolling update" if rollout.strategy == "rolling" else "no steps: straight to 100%"
    if not rollout.in_flight:
        return f"{kind}; done, {replicas.available}/{replicas.desired} available"
    return f"{kind}; {replicas.updated}/{replicas.desired} pods are new, {replicas.available} available"


def weight(rollout: Rollout, now: float, width: int, act: SeatAct | None = None) -> Line:
    """``▕██████░░░░▏ set 25% actual 25%   18m   next …``; ``act``: the newest on it, for who holds it and why."""
    wide = width >= 100
    cells = max(8, min(40, width // 5))
    shown = rollout.weight.actual if rollout.weight.actual is not None else rollout.weight.set
    role = "unknown" if shown is None else "canary"
    line = Line("weight " if wide else "", "dim").add("▕", "faint").add(bar(shown, cells), role).add("▏ ", "faint")
    wanted, actual = rollout.weight.set, rollout.weight.actual
    differs = wanted is not None and actual is not None and round(wanted, 3) != round(actual, 3)
    if rollout.strategy == "rolling" and wanted is None:  # nobody sets a weight: traffic follows the pods
        line.add("actual " if wide else "", "dim").add(percent(actual), "unknown" if actual is None else "text")
    elif wide:
        line.add("set ", "dim").add(percent(wanted), "unknown" if wanted is None else "text")
        line.add("  actual ", "dim")
        line.add(percent(actual), "unknown" if actual is None else "warn" if differs else "text")
    else:
        line.add(f"{percent(wanted)}/{percent(actual)}", "warn" if differs else "text")
    if rollout.started_at is not None and rollout.in_flight:
        line.add(f"   {age(now - rollout.started_at)}", "text")
        if rollout.step_since is not None:
            line.add(f" (step {age(now - rollout.step_since)})", "dim")
    if rollout.full and rollout.in_flight:
        line.add("   full promotion under way", "warn")
    if held := holder(rollout, act, now):
        return line.then(Line(held, "strong"), width)
    right = Line("next ", "dim").add(_next(rollout, now), "strong") if rollout.in_flight or rollout.aborted else Line()
    return line.then(right, width) if right.width else line.cut(width)


def _next(rollout: Rollout, now: float) -> str:
    check = running_check(rollout)
    if check is not None:
        used = [(m.failed, m.limit) for m in check.metrics if m.limit is not None and m.failed]
        if used:
            failed, limit = max(used, key=lambda pair: pair[0])
            left = max(0, limit - failed) + 1
            return f"{left} more failed → auto-abort"
    index = rollout.step_index
    following = rollout.steps[index + 1].label if index is not None and index + 1 < len(rollout.steps) else "100%"
    text = next_cell(rollout, now)
    if text.startswith("in "):
        return f"{following} {text}"
    if text.startswith("needs"):
        return f"{following} {text}"
    if text.startswith("held"):
        return f"paused by hand {text.removeprefix('held').strip()}".rstrip()
    return following if rollout.steps and not rollout.aborted else text
