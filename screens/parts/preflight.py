"""The pre-flight in lines: one mark per check for the picker, and a page with evidence and remedies to copy."""

from __future__ import annotations

from collections.abc import Sequence

from cockpit.model.plan import Plan, Refusal
from cockpit.model.preflight import Finding
from screens.draw import glyphs
from screens.draw.format import clock
from screens.draw.line import Line, wrapped

_STATES = {
    "running": (glyphs.MOVING, "info", "running"),
    "ok": (glyphs.OK, "ok", "ok"),
    "unknown": (glyphs.UNKNOWN, "unknown", "UNKNOWN"),
    "skipped": ("–", "dim", "skipped"),
}
_SEVERITIES = {
    "block": (glyphs.BAD, "bad", "BLOCKS"),
    "confirm": (glyphs.WARN, "warn", "asks for the name"),
    "warn": (glyphs.WARN, "warn", "warning"),
    "info": ("·", "info", "info"),
}
_RANK = ("block", "confirm", "warn", "info")


def mark(found: Finding) -> tuple[str, str, str]:
    """(glyph, role, word) of a finding; an unknown that blocks says so."""
    if found.state == "finding":
        return _SEVERITIES[found.severity]
    glyph, role, word = _STATES[found.state]
    return glyph, role, f"{word}, BLOCKS" if found.blocks else word


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """What blocks, what asks, what warns, what is not known; then the rest in their order."""

    def rank(found: Finding) -> int:
        if found.state in ("finding", "unknown"):
            return _RANK.index(found.severity)
        return 4 if found.state == "running" else 5 if found.state == "ok" else 6

    return sorted(findings, key=rank)


def guards_line(findings: Sequence[Finding], width: int, *, complete: bool) -> Line:
    """``guards  retained ✔  signature ▲  ran here ?``; what does not fit is counted, the worst come first."""
    line = Line("   ").add("guards", "dim", 10).add(" ")
    ordered = worst_first(findings)
    for index, found in enumerate(ordered):
        glyph, role, _ = mark(found)
        piece = Line(found.title or found.check, "text").add(f" {glyph}", role).add("   ")
        rest = len(ordered) - index
        if line.width + piece.width + 9 > width and rest > 1:
            return line.add(f"+{rest} more", "dim").cut(width)
        line.extend(piece)
    return line.add("" if complete else "…", "info").cut(width)


def preflight_page(plan: Plan | Refusal | str | None, width: int, arrived: Sequence[Finding] = ()) -> list[Line]:
    """Every check with what was asked and answered, and what to do; worst first."""
    if isinstance(plan, str):
        return wrapped(plan, width, "bad")
    if isinstance(plan, Refusal):
        return wrapped(f"{plan.result}: {plan.reason}", width, "warn")
    found = plan.preflight if plan is not None else None
    findings = found.findings if found is not None else tuple(arrived)
    if plan is not None and found is None:
        return [Line("no pre-flight was made for this plan", "unknown")]
    lines = _summary(findings, complete=found is not None and found.complete)
    for each in worst_first(findings):
        glyph, role, word = mark(each)
        lines += [Line(), Line(f"{glyph} ", role).add(each.title or each.check, "strong").add(f"  {word}", role)]
        if each.check != each.title:
            lines[-1].add(f"  ({each.check})", "dim")
        if each.at is not None:
            lines[-1].add(f"  {clock(each.at)}", "dim")
        lines += _indented(each.text, width, "text")
        for text in each.evidence:
            lines += _indented(text, width, "dim")
        if each.remedy:
            lines += _indented(f"→ {each.remedy}", width, "key")
    return lines


def _summary(findings: Sequence[Finding], *, complete: bool) -> list[Line]:
    if not complete:
        return [Line("the checks still run", "info")]
    blocking = [each.check for each in findings if each.blocks]
    asking = [each.check for each in findings if each.typed and not each.blocks]
    lines = []
    if blocking:
        lines.append(Line(f"blocked by {', '.join(blocking)}: only an override that names it goes past", "bad"))
    if asking:
        lines.append(Line(f"asks for the typed name: {', '.join(asking)}", "warn"))
    return lines or [Line("nothing blocks, nothing asks for the typed name", "ok")]


def _indented(text: str, width: int, role: str) -> list[Line]:
    return [Line("    ").extend(part) for part in wrapped(text, max(10, width - 4), role)] if text else []
