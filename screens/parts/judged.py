"""The judge's numbers per SLI as a table: values, ratio with its interval, counts, evidence, state and reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cockpit.model.verdict import Assessment, PerArm, SliRow, Verdict
from screens.draw import glyphs
from screens.draw.format import NONE, UNKNOWN, clock, count, significant, times, value
from screens.draw.line import Line
from screens.parts.sli_lines import label
from screens.parts.status import VERDICT_ROLE

BURSTY = 2.0
"""Over-dispersion from which it is worth a word that the evidence is discounted by it."""
_E_CAP = 1e300
_GLYPH = {
    "abort": glyphs.BAD,
    "outage": glyphs.OUTAGE,
    "blind": glyphs.UNKNOWN,
    "watch": glyphs.WARN,
    "wait": glyphs.MOVING,
    "ready": glyphs.OK,
}


def evidence(e: float | None) -> str:
    """An e-value in at most six characters: ``3.2``, ``47``, ``4e5``, ``≥1e300``; ``?`` for None."""
    if e is None or math.isnan(e):
        return UNKNOWN
    if e >= _E_CAP:
        return "≥1e300"
    if e == 0.0:
        return "0"
    if 0.01 <= e < 9.95:
        return f"{e:.2g}"
    if 9.95 <= e < 9999.5:
        return f"{e:.0f}"
    mantissa, exponent = f"{e:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def interval(pair: tuple[float, float] | None) -> str:
    """``10.2–18.9``; an open end is ``∞``."""
    return UNKNOWN if pair is None else "–".join(times(end).removesuffix("×") for end in pair)


def chance(share: float | None) -> str:
    """A posterior in two digits; never rounded to a certainty that nobody has."""
    if share is None:
        return UNKNOWN
    return "<.01" if share < 0.01 else ">.99" if share > 0.99 else f"{share:.2f}"


class _Column(NamedTuple):
    head: str
    short: str  # its name where it is no column but a piece of the line below
    width: int  # the blank at its left included
    role: str
    text: Callable[[SliRow], str | None]  # None: not known


_CANARY = _Column("CANARY", "C", 8, "", lambda row: None if row.canary is None else value(row.canary, row.unit))
_BASE = _Column("BASE", "B", 8, "baseline", lambda row: _value(row.baseline, row.unit))
_RATIO = _Column("RATIO", "ratio", 7, "", lambda row: None if row.ratio is None else times(row.ratio))
_BETWEEN = _Column("95 %", "95 %", 11, "text", lambda row: interval(row.interval) if row.interval else None)
_LIMIT = _Column("LIMIT", "limit", 8, "dim", lambda row: _value(row.limit, row.unit))
_REQUESTS = _Column("n C/B", "n", 15, "text", lambda row: _pair(row.requests))
_ERRORS = _Column("ERR C/B", "err", 13, "text", lambda row: _pair(row.errors))
_CHANCE = _Column("P(>k)", "P(>k)", 6, "text", lambda row: None if row.posterior is None else chance(row.posterior))
_ABORT = _Column("E ABORT", "E abort", 8, "", lambda row: None if row.e_abort is None else evidence(row.e_abort))
_ADVANCE = _Column("E ADV", "adv", 8, "", lambda row: None if row.e_advance is None else evidence(row.e_advance))

_WIDE = (_CANARY, _BASE, _RATIO, _BETWEEN, _LIMIT, _REQUESTS, _ERRORS, _CHANCE, _ABORT, _ADVANCE)
_MIDDLE = (
    *(item._replace(width=7) for item in (_CANARY, _BASE, _RATIO)),
    _BETWEEN, _LIMIT._replace(width=7), _CHANCE, _ABORT, _ADVANCE._replace(width=7),
)  # fmt: skip
_NARROW = (*_MIDDLE[:4], _CHANCE)
_COUNTED = (_CHANCE, _ABORT, _ADVANCE, _REQUESTS, _ERRORS)
"""What only SLIs have whose requests are counted; the others are read off and have none of it."""
_STATE = 11


def _value(number: float | None, unit: str) -> str | None:
    return None if number is None else value(number, unit)


def _pair(arms: PerArm) -> str | None:
    if arms.canary is None and arms.baseline is None:
        return None
    return "/".join(
        UNKNOWN if number is None else count(number) if number < 100_000 else significant(number)
        for number in (arms.canary, arms.baseline)
    )


def judged_table(assessment: Assessment, width: int, *, alone: bool = False) -> list[Line]:
    """The verdict, a heading, and per SLI its numbers, below them what explains them, cut to ``width``.

    ``alone``: no canary exists, so that nothing of one is missing.
    """
    columns = _WIDE if width >= 114 else _MIDDLE if width >= 80 else _NARROW
    name = max(9, min(11, width - sum(item.width for item in columns) - _STATE))
    head = Line().add("SLI", "title", name)
    for item in columns:
        role = {"CANARY": "canary-strong", "BASE": "baseline-strong"}.get(item.head, "title")
        head.add(item.head, role, item.width, "right")
    lines = [_verdict(assessment.verdict), head.add(" STATE", "title")]
    said = ""
    for row in assessment.slis:
        lines.append(_numbers(row, columns, name, alone=alone))
        lines += _below(row, columns, said, width)
        said = row.reason or said
    # The ratio of a latency is one of times; its evidence is about the share of slow requests.
    lines.append(Line("E ≥ 20 decides: abort, above k × the baseline; adv, below", "dim"))
    lines.append(Line("95 %, P and E: of errors or of slow requests, all evidence", "dim"))
    return [line.cut(width) for line in lines]


def _verdict(verdict: Verdict) -> Line:
    role = VERDICT_ROLE[verdict.state]
    line = Line(f"{_GLYPH.get(verdict.state, NONE)} {verdict.state.upper()}", role)
    line.add(f"  latched {clock(verdict.latched_at)[:5]}" if verdict.latched_at is not None else "", "warn")
    return line.add(f"  {verdict.reason}", "text")


def _numbers(row: SliRow, columns: Sequence[_Column], name: int, *, alone: bool) -> Line:
    absent = alone and row.canary is None
    role = "dim" if absent else VERDICT_ROLE[row.state] if row.state != "unjudged" else "text"
    line = Line().add(label(row), "text", name)
    for item in columns:
        text = item.text(row)
        if text is None:
            unknown = _is_unknown(item, row, absent=absent)
            line.add(UNKNOWN if unknown else NONE, "unknown" if unknown else "dim", item.width, "right")
        else:
            line.add(text, item.role or role, item.width, "right")
    glyph = " " if absent else _GLYPH.get(row.state, " ")
    return line.add(f" {glyph} {row.state.upper()}", role if row.state != "unjudged" else "dim")


def _is_unknown(item: _Column, row: SliRow, *, absent: bool) -> bool:
    """Whether a number is missing that should be there; the others do not exist for this SLI."""
    if absent or item.head == _LIMIT.head:
        return False
    if item.head in (_CANARY.head, _BASE.head):
        return True
    if item.head == _RATIO.head:
        return row.canary is None or row.baseline is None
    return row.state == "blind"


def _below(row: SliRow, columns: Sequence[_Column], said: str, width: int) -> list[Line]:
    """What the row of numbers has no column for, then notes and reason: side by side where they fit."""
    numbers = Line("  ")
    heads = {item.head for item in columns}
    for item in _COUNTED:
        if item.head not in heads and (text := item.text(row)) is not None:
            numbers.add(" " if numbers.width < 3 else "  ").add(f"{item.short} ", "dim").add(text, "text")
    words = Line("   ")
    for text, role in notes(row):
        words.add(text, role).add(" · ", "faint")
    if row.reason and not (row.canary is None and row.reason == said):  # not again what the row above says
        words.add(_reason(row), "unknown" if row.state == "blind" else "dim")
    elif len(words.parts) > 1:
        words.parts.pop()
        words.width -= 3
    if numbers.width > 2 and words.width > 3 and numbers.width + words.width <= width:
        return [numbers.add(" · ", "faint").extend(words.shift(3))]
    return [line for line, least in ((numbers, 2), (words, 3)) if line.width > least]


def notes(row: SliRow) -> list[tuple[str, str]]:
    """(text, role) of what qualifies the numbers: a latch, bursts, requests that nobody counted."""
    found = []
    if row.share is not None and row.share_ratio is not None and row.share not in row.reason:
        found.append((f"{row.share} {times(row.share_ratio)}", "text"))
    if row.posterior is not None and row.k is not None:
        found.append((f"k = {row.k:g}", "dim"))
    if row.latched_at is not None:
        now = times(row.ratio) if row.ratio is not None else "unknown"
        found.append((f"latched {clock(row.latched_at)[:5]}, now {now}", "warn"))
    if row.unseen:
        found.append((f"up to {count(row.unseen)} unseen", "unknown"))
    if row.phi is not None and row.phi > BURSTY:
        found.append((f"bursty: evidence discounted (phi {row.phi:.1f})", "warn"))
    return found


def _reason(row: SliRow) -> str:
    """The judge's words, without the present ratio where the latch's note has said it."""
    before, found, _ = row.reason.rpartition(", now ")
    return before if found and row.latched_at is not None else row.reason
