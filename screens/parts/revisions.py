"""The rollback picker in lines: versions, their difference, the plan."""

from __future__ import annotations

from cockpit.model.plan import Plan, Refusal
from cockpit.model.revision import Revision
from cockpit.model.rollout import Rollout
from screens.draw import glyphs
from screens.draw.format import NONE, age, digest, image_name
from screens.draw.line import Line, wrapped
from screens.parts.fleet_rows import share_text

_RETAINED = {
    "retained": (f"retained {glyphs.OK}", "ok"),
    "partial": (f"partial {glyphs.WARN}", "warn"),
    "missing": (f"GONE {glyphs.BAD}", "bad"),
    "denied": ("denied ?", "unknown"),
    "unknown": ("unknown ?", "unknown"),
}
_SIGNED = {
    "verified": (f"verified {glyphs.OK}", "ok"),
    "invalid": (f"INVALID {glyphs.BAD}", "bad"),
    "present-unverified": ("unverified", "warn"),
    "none": ("unsigned", "dim"),
    "unknown": ("unknown ?", "unknown"),
}
_SPEED = {
    "running": ("still up", "ok"),
    "window": ("fast window", "ok"),
    "steps": ("full steps", "text"),
    "now": ("at once", "text"),
    "unavailable": ("unavailable", "bad"),
}


def now_line(rollout: Rollout | None, width: int) -> Line:
    """``now  C rev 42 25%   B rev 41 75%   (aborting returns to rev 41 …)``."""
    line = Line(" now  ", "dim")
    if rollout is None:
        return line.add("the rollout is gone", "unknown")
    if rollout.canary is not None:
        line.add(f"C rev {_rev(rollout.canary.revision)} {share_text(rollout)}", "canary-strong").add("   ")
    if rollout.baseline is not None:
        line.add(f"B rev {_rev(rollout.baseline.revision)}", "baseline-strong").add("   ")
        if rollout.in_flight and not rollout.aborted:
            line.add(f"X alone returns to rev {_rev(rollout.baseline.revision)}, without a rollback", "key")
    elif rollout.before is not None:
        line.add(f"before: rev {_rev(rollout.before.revision)}", "baseline-strong")
    return line.cut(width)


def _rev(number: int | None) -> str:
    return str(number) if number is not None else "?"


def revision_title(width: int) -> Line:
    line = (
        Line("   ").add("REV", "title", 5).add("DIGEST", "title", 16).add("IMAGE", "title", 24 if width >= 100 else 14)
    )
    if width >= 100:
        line.add("MADE", "title", 8)
    line.add("RETAINED", "title", 13)
    if width >= 100:
        line.add("SIGNED", "title", 12)
    return line.add("SPEED", "title", 13).add("NOTES", "title").cut(width)


def revision_row(item: Revision, now: float, width: int, *, cursor: bool, asked: bool = True) -> Line:
    """One version; ``asked``: whether its registry has answered already."""
    line = Line(base="cursor" if cursor else "")
    line.add(glyphs.CURSOR if cursor else " ", "cursor-mark")
    line.add(glyphs.OK if item.stable else glyphs.LIVE if item.current else " ", "ok" if item.stable else "canary").add(
        " "
    )
    line.add(_rev(item.revision), "strong", 5)
    image = item.images[0] if item.images else None
    line.add(digest(image.digest) if image else "?", "text" if image and image.digest else "unknown", 15).add(" ")
    size = 23 if width >= 100 else 13
    line.add(image_name(image.image) if image else "?", "dim", size).add(" ")
    if width >= 100:
        line.add(age(now - item.created_at) if item.created_at is not None else "?", "dim", 8)
    text, role = _RETAINED[item.retained] if asked else ("asking…", "info")
    line.add(text, role, 12).add(" ")
    if width >= 100:
        signed, role = _SIGNED[item.signed] if asked else ("asking…", "info")
        line.add(signed, role, 11).add(" ")
    text, role = _SPEED[item.speed]
    line.add(text, role, 12).add(" ")
    notes = []
    for on, word in (
        (item.current, "rolling out now" if not item.stable else ""),
        (item.stable, "stable"),
        (item.last_good, "last good"),
        (item.aborted is True, f"{glyphs.WARN} was aborted"),
        (item.source == "journal", "pruned, kept in the journal"),
        (item.left == "promoted-over", "promoted over"),
        (item.left == "rolled-back", f"{glyphs.WARN} was rolled back"),
        (item.commit is not None, f"commit {(item.commit or '')[:9]}{'' if item.commit_verified else ' claimed'}"),
        (item.retained in ("unknown", "denied", "partial") and asked, item.retained_reason),
        (bool(item.cause), item.cause or ""),
    ):
        if on and word:
            notes.append(word)
    return line.add(" · ".join(notes), "warn" if item.aborted else "text").cut(width)


def diff_lines(diff: tuple[str, ...] | str | None, item: Revision, width: int, rows: int) -> list[Line]:
    """The template's differences; a long list says how much it hides."""
    if item.current and not diff:
        return [Line("   this is the version being rolled out", "dim")]
    if diff is None:
        return [Line("   reading both templates…", "info")]
    if isinstance(diff, str):
        return [Line(f"   {diff}", "bad").cut(width)]
    if not diff:
        return [Line("   the templates are the same", "dim")]
    lines = [Line(f"   {text}", "text").cut(width) for text in diff]
    note = Line("   ConfigMaps and Secrets are not part of a version: they stay as they are", "dim").cut(width)
    if len(lines) + 1 > rows:
        return [*lines[: max(0, rows - 1)], Line(f"   … {len(lines) - rows + 1} more differences", "warn")]
    return [*lines, note]


def plan_lines(plan: Plan | Refusal | str | None, rollout: Rollout | None, width: int, rows: int) -> list[Line]:
    """Warnings first, then what the plan would do, as the dialog will say it."""
    lines: list[Line] = []
    if plan is None:
        return [Line("   drawing up the plan…", "info")]
    if isinstance(plan, str):
        return [Line("   ").extend(part) for part in wrapped(plan, width - 4, "bad")][:rows]
    if isinstance(plan, Refusal):
        return [Line("   ").extend(part) for part in wrapped(f"{plan.result}: {plan.reason}", width - 4, "warn")][:rows]
    for warning in plan.warnings:
        for index, part in enumerate(wrapped(warning, width - 6, "warn")):
            lines.append(Line(f" {glyphs.WARN} " if index == 0 else "   ", "warn").extend(part))
    owner = rollout.owner if rollout else None
    if owner is not None and not any(owner.name in warning for warning in plan.warnings):
        lines.append(Line(f" {glyphs.WARN} {owner.warning}", "warn").cut(width))
    for label, text in plan.lines:
        for index, part in enumerate(wrapped(text, max(10, width - 14), "text")):
            lines.append(Line("   ").add(label if index == 0 else "", "dim", 10).add(" ").extend(part))
    for number, stage in enumerate(plan.sequence if len(plan.sequence) > 1 else (), 1):
        lines.append(
            Line("   ").add("in turn" if number == 1 else "", "dim", 10).add(f" {number}. {stage}", "text").cut(width)
        )
    if len(lines) > rows:
        lines = [*lines[: rows - 1], Line(f"   … {len(lines) - rows + 1} more lines; {NONE} Enter shows all", "warn")]
    return lines
