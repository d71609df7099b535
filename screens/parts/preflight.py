"""The pre-flight in lines: a mark per check that fills in, what is not ok worst first, and every check in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from cockpit.base.text import clean
from cockpit.model.plan import Plan
from cockpit.model.preflight import Finding
from cockpit.model.rollout import Owner
from screens.draw import glyphs
from screens.draw.format import clock
from screens.draw.line import Line, wrapped

_STATES = {
    "running": (glyphs.MOVING, "info", "running"),
    "ok": (glyphs.OK, "ok", "ok"),
    "unknown": (glyphs.UNKNOWN, "unknown", "unknown"),
    "skipped": ("–", "dim", "skipped"),
}
_SEVERITIES = {
    "block": (glyphs.BAD, "bad", "BLOCKS"),
    "confirm": (glyphs.WARN, "warn", "asks"),
    "warn": (glyphs.WARN, "warn", "warns"),
    "info": ("·", "info", "note"),
}
_ASKS = {
    "block": "blocks: only an override that names it goes past",
    "confirm": "asks for the typed name",
    "warn": "a warning",
    "info": "a note",
}
_RANK = ("block", "confirm", "warn", "info")
_WORD = 8
_INDENT = 2 + _WORD


def mark(found: Finding) -> tuple[str, str, str]:
    """(glyph, role, word) of a check; an unknown that blocks says so."""
    if found.state == "finding":
        return _SEVERITIES[found.severity]
    glyph, role, word = _STATES[found.state]
    return glyph, role, "BLOCKS" if found.blocks else word


def asks(found: Finding) -> str:
    """What a check asks of the person, in words."""
    if found.state == "unknown":
        return f"could not be found out; {_ASKS[found.severity]}"
    return _ASKS[found.severity] if found.state == "finding" else _STATES[found.state][2]


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """What blocks, what asks, what warns, what is not known; then the rest in their order."""

    def rank(found: Finding) -> int:
        if found.state in ("finding", "unknown"):
            return _RANK.index(found.severity)
        return 4 if found.state == "running" else 5 if found.state == "ok" else 6

    return sorted(findings, key=rank)


def troubles(findings: Sequence[Finding]) -> list[Finding]:
    """What is to be read before acting, worst first."""
    return [each for each in worst_first(findings) if each.state in ("finding", "unknown")]


def checks_line(findings: Sequence[Finding], width: int, *, complete: bool, label: str = "checks") -> Line:
    """``checks  ✔✔✖✔?◌◌◌✔  6/9  ✖ 1 blocks  ? 1 unknown``: a mark per check in fixed order, as they answer."""
    line = Line().add(label, "dim", 10).add(" ")
    for found in findings:
        glyph, role, _ = mark(found)
        line.add(glyph, role)
    answered = sum(each.state != "running" for each in findings)
    if not complete:
        line.add(f"  {answered}/{len(findings)} so far" if findings else "starting", "info")
    elif not troubles(findings):
        return line.add(f"  {answered}/{len(findings)} all well", "ok").cut(width)
    for (glyph, role, word), number in Counter(map(mark, troubles(findings))).items():
        piece = f"  {glyph} {number} {_plural(word, number) if width >= _WIDE else _SHORT.get(word, word)}"
        if line.width + len(piece) <= width:
            line.add(piece, role)
    return line.cut(width)


_WIDE = 100
_SHORT = {"BLOCKS": "block", "asks": "ask", "warns": "warn"}


def _plural(word: str, number: int) -> str:
    one, more = {
        "BLOCKS": ("blocks", "block"), "asks": ("asks for the name", "ask for the name"), "warns": ("warns", "warn"),
        "note": ("note", "notes"),
    }.get(word, (word, word))  # fmt: skip
    return one if number == 1 else more


def trouble_lines(findings: Sequence[Finding], width: int, rows: int, opens: str) -> list[Line]:
    """What is not ok in at most ``rows`` lines, worst first: each in one line, in full with its remedy while there is
    room. What has no line is counted: ``+3 more (p shows all)``; ``opens`` is the key that does.
    """
    wanted = troubles(findings)
    if not wanted or rows < 1:
        return []
    few = rows < _FEW  # the count then stands beside the last one, instead of taking a line from it
    hidden = len(wanted) - rows + (not few) if len(wanted) > rows else 0
    shown = wanted[: len(wanted) - hidden]
    spare = rows - len(shown) - (hidden > 0 and not few)
    lines: list[Line] = []
    for found in shown:
        full, brief = _full(found, width), _wrapped(found, width)
        fits = [form for form in (full, brief) if len(form) - 1 <= spare]
        chosen = fits[0] if fits else [_wrapped(found, _ENDLESS)[0].cut(width)]
        spare -= len(chosen) - 1
        lines += chosen
    if hidden and few:
        lines[-1] = lines[-1].with_right(Line(f"+{hidden} more ({opens})", "warn"), width)
    elif hidden:
        lines.append(Line(f"+{hidden} more ({opens} shows all)", "warn").cut(width))
    return lines


_FEW = 3
_ENDLESS = 10_000


def _wrapped(found: Finding, width: int) -> list[Line]:
    """Mark and word, then title and text, wrapped beside them."""
    glyph, role, word = mark(found)
    name = clean(found.title or found.check)
    parts = wrapped(f"{name}: {found.text}" if found.text else name, max(10, width - _INDENT), "text")
    lines = [Line(f"{glyph} ", role).add(word, role, _WORD)]
    if parts[0].text.startswith(name):
        lines[0].add(name, "strong").add(parts[0].text.removeprefix(name), "text")
    else:
        lines[0].extend(parts[0])
    return lines + [Line(" " * _INDENT).extend(part) for part in parts[1:]]


def _full(found: Finding, width: int) -> list[Line]:
    lines = _wrapped(found, width)
    if found.remedy:
        parts = wrapped(found.remedy, max(10, width - _INDENT - 2), "key")
        lines += [
            Line(" " * _INDENT).add("→ " if index == 0 else "  ", "key").extend(part)
            for index, part in enumerate(parts)
        ]
    return lines


_OWNERS = {"argocd", "flux", "helm", "owners"}
"""Checks that tell whose the rollout is, and what that owner will do, once they have answered."""


def owner_told(plan: Plan) -> bool:
    """Whether a check says what the owner will do: then its general warning has nothing to add."""
    findings = plan.preflight.findings if plan.preflight is not None else ()
    return any(each.check in _OWNERS and each.state == "finding" for each in findings)


def own_warnings(plan: Plan, owner: Owner | None) -> list[str]:
    """The plan's warnings that no finding says already."""
    told = [each for each in plan.preflight.findings if each.text] if plan.preflight is not None else []
    return [
        warning
        for warning in plan.warnings
        if not any((each.title or each.check) in warning and each.text in warning for each in told)
        and not (owner is not None and owner.warning in warning and owner_told(plan))
    ]


def check_row(found: Finding, title: int) -> Line:
    """One check in the list of all; ``title``: cells for the titles."""
    glyph, role, word = mark(found)
    line = Line(f"{glyph} ", role).add(word, role, _WORD).add(found.title or found.check, "strong", title).add("  ")
    return line.add(found.text, "text" if found.state in ("finding", "unknown") else "dim")


def check_lines(found: Finding, width: int) -> list[Line]:
    """One check with what was asked and answered, and what to do."""
    glyph, role, _ = mark(found)
    head = Line(f"{glyph} ", role).add(found.title or found.check, "strong")
    if found.check != found.title:  # what an override names: before the words that may be cut
        head.add(f" ({found.check})", "text")
    head.add(f"  {asks(found)}", role)
    if found.at is not None:
        head.add(f"  {clock(found.at)}", "dim")
    lines = [head.cut(width), *_indented(found.text, width, "text")]
    for text in found.evidence:
        lines += _indented(text, width, "dim")
    if found.remedy:
        lines += _indented(f"→ {found.remedy}", width, "key")
    return lines


def all_checks(findings: Sequence[Finding], width: int) -> list[Line]:
    """Every check in full, worst first, one below the other."""
    lines: list[Line] = []
    for found in worst_first(findings):
        lines += check_lines(found, width)
    return lines


def _indented(text: str, width: int, role: str) -> list[Line]:
    return [Line("    ").extend(part) for part in wrapped(text, max(10, width - 4), role)] if text else []
