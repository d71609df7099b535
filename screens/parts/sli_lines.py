"""The SLI table and the burn panel in words: values with limits, C over B on one scale, unknown as unknown."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from cockpit.model import sli
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Source
from cockpit.model.verdict import Assessment, Burn, SliRow
from cockpit.ports import Series
from screens.draw import glyphs
from screens.draw.format import NONE, UNIT, UNKNOWN, age, clock, percent, span, times, value
from screens.draw.line import Line
from screens.draw.spark import bar, blocks, scale, window

CHART_SECONDS = 900.0
_ROLE = {"abort": "bad", "outage": "bad", "blind": "unknown", "watch": "warn", "wait": "text", "ready": "ok"}
_GLYPH = {"abort": glyphs.BAD, "outage": glyphs.BAD, "watch": glyphs.WARN, "ready": glyphs.OK, "blind": glyphs.UNKNOWN}
_LABEL = {sli.ERRORS: "error", sli.RATE: "rate", sli.RATE_PER_POD: "rate/pod", sli.CPU: "cpu", sli.MEMORY: "mem"}


def label(row: SliRow) -> str:
    """``error %``, ``p99 ms``, ``rate/pod``."""
    unit = UNIT.get(row.unit, row.unit)
    name = _LABEL.get(row.name, row.name)
    return name if unit == "/s" else f"{name} {unit}"


def sli_table(
    assessment: Assessment | None,
    series: Series | None,
    prometheus: Source | None,
    until: float,
    width: int,
    rows: int,
    *,
    alone: bool = False,
) -> list[Line]:
    """Heading and one line per SLI; a second line with B's chart where the height allows it.

    ``alone``: no canary exists, so that nothing of one is missing.
    """
    cells = _WIDE if width >= 62 else _TIGHT
    slis = assessment.slis if assessment else ()
    chart = max(0, width - sum(cells) - 6)
    head = Line().add("SLI", "title", cells.label).add("CANARY", "canary-strong", cells.canary, "right").add("  ")
    head.add("BASE", "baseline-strong", cells.base, "right").add("Δ", "title", cells.delta, "right")
    head.add("LIMIT", "title", cells.limit, "right")
    double = rows - 1 >= 2 * len(slis) and chart >= 5
    if chart >= 5:
        head.add(
            "   15 min, C over B, one scale" if double and chart >= 28 else "  C 15 min" if chart >= 9 else "  15m",
            "dim",
        )
    lines = [head.cut(width)]
    if not slis:
        return [*lines, *_no_slis(assessment, prometheus, width)]
    if rows - 1 < len(slis):  # the least telling rows give way; m shows all
        kept = {row.name for row in sorted(slis, key=_telling)[: rows - 1]}
        slis = tuple(row for row in slis if row.name in kept)
    lost = _lost(prometheus)
    said = ""
    for row in slis:
        why = lost if lost and row.canary is None and row.baseline is None else row.reason
        once = " " if row.canary is None and why == said and why else why  # not again what the row above says
        said = why
        lines += _sli_lines(
            msgspec.structs.replace(row, reason=once), series, until, cells, chart=chart, double=double, alone=alone
        )
    return [line.cut(width) for line in lines]


def _lost(prometheus: Source | None) -> str:
    """``Prometheus lost since 03:04:10``; empty while it answers."""
    if prometheus is None or prometheus.state in {"ok", "syncing", "off"}:
        return ""
    since = f" since {clock(prometheus.since)}" if prometheus.since is not None else ""
    return f"Prometheus {prometheus.state}{since}"


class _Cells(NamedTuple):
    label: int
    canary: int
    base: int
    delta: int
    limit: int


_WIDE = _Cells(12, 8, 7, 8, 8)
_TIGHT = _Cells(9, 7, 6, 6, 6)
_TELLING = (sli.ERRORS, sli.P99, sli.RATE_PER_POD, sli.CPU, sli.MEMORY, sli.P50, sli.P95, sli.RATE)


def _telling(row: SliRow) -> tuple[int, int]:
    """Rows that say something is wrong first, then by how much they usually tell."""
    return (
        0 if row.state in {"abort", "outage", "watch", "blind"} else 1,
        _TELLING.index(row.name) if row.name in _TELLING else len(_TELLING),
    )


def _sli_lines(
    row: SliRow, series: Series | None, until: float, cells: _Cells, *, chart: int, double: bool, alone: bool
) -> list[Line]:
    absent = alone and row.canary is None
    known = row.canary is not None or absent
    role = "dim" if absent else _ROLE.get(row.state, "text") if known else "unknown"
    line = Line().add(label(row), "text", cells.label)
    line.add(NONE if absent else value(row.canary, row.unit), role, cells.canary, "right")
    line.add(f" {_GLYPH.get(row.state, ' ') if known and not absent else ' '}", role)
    line.add(value(row.baseline, row.unit), "unknown" if row.baseline is None else "baseline", cells.base, "right")
    if not known and row.reason:
        return [line.add(f"  {row.reason}", "unknown"), *([Line()] if double else [])]
    ratio = times(row.ratio) if row.ratio is not None else NONE if absent else UNKNOWN
    line.add(ratio, role if row.ratio is not None else "dim", cells.delta, "right")
    line.add(value(row.limit, row.unit) if row.limit is not None else NONE, "dim", cells.limit, "right")
    if chart < 5:
        return [line]
    canary = window(series.points(row.name, "canary"), until, CHART_SECONDS, chart) if series else []
    baseline = window(series.points(row.name, "baseline"), until, CHART_SECONDS, chart) if series else []
    low, high = scale(canary, baseline, limit=row.limit)
    if absent and not double:
        return [line.add("  B " if chart >= 9 else "  ", "baseline").add(blocks(baseline, low, high), "baseline")]
    line.add("  C " if chart >= 9 else "  ", "canary").add(blocks(canary, low, high), "canary")
    if not double:
        return [line]
    second = Line(" " * (line.width - len(canary) - 2)).add("B " if chart >= 9 else "  ", "baseline")
    return [line, second.add(blocks(baseline, low, high), "baseline")]


def _no_slis(assessment: Assessment | None, prometheus: Source | None, width: int) -> list[Line]:
    if prometheus is None or prometheus.state == "off":
        text = "no Prometheus is configured: set prometheus.url to see SLIs"
    elif prometheus.state in {"lost", "denied", "stale"}:
        text = f"Prometheus {prometheus.state}: {prometheus.message or 'no answer'}"
    elif assessment is not None:
        text = assessment.verdict.reason
    else:
        text = "waiting for the first samples"
    return [Line(text, "unknown").cut(width)]


def burn_lines(
    burn: Burn | None, rollout: Rollout, now: float, width: int, prometheus: Source | None = None
) -> list[Line]:
    """Windows side by side, where each pages, the budget. A window longer than the canary's life says so."""
    if burn is None and (lost := _lost(prometheus)):
        return [Line(f"unknown: {lost}", "unknown").cut(width)]
    if burn is None and prometheus is not None and prometheus.state == "syncing":
        return [Line("not read yet", "unknown").cut(width)]
    if burn is None:
        return [Line("no SLO is configured for this rollout", "dim").cut(width)]
    if not burn.windows:
        return [Line(burn.reason or "no burn rate is known", "unknown").cut(width)]
    cell = max(6, min(12, (width - 5) // max(1, len(burn.windows))))
    head, page = Line("over ", "title"), Line("page ", "dim")
    canary, base = Line("C    ", "canary"), Line("B    ", "baseline")
    for item in burn.windows:
        head.add(span(item.seconds), "title", cell, "right")
        page.add(times(item.page_at)[:-1] if item.page_at is not None else NONE, "dim", cell, "right")
        for line, number in ((canary, item.canary), (base, item.baseline)):
            if line is canary and item.covered < item.seconds - 1:
                lived = (
                    f"{span(item.covered)} of {span(item.seconds)}"
                    if cell >= 10
                    else f"{span(item.covered)}/{span(item.seconds)}"
                )
                text, role = (lived if item.covered > 0 else NONE), "dim"
            elif number is None:
                text, role = UNKNOWN, "unknown"
            else:
                over = item.page_at is not None and number >= item.page_at
                text = f"{times(number)}{glyphs.BAD if over else ''}"
                role = "bad" if over else "text"
            line.add(text, role, cell, "right")
    lines = [head, canary, base, page]
    budget = Line("budget ", "dim")
    left = burn.budget_remaining
    role = "unknown" if left is None else "ok" if left > 0.25 else "bad"
    budget.add("▕", "faint").add(bar(left, 14), role).add("▏ ", "faint")
    budget.add(percent(left), "unknown" if left is None else "strong")
    lines.append(budget)
    if burn.excess_spent is not None:
        lines.append(Line(f"       {-burn.excess_spent * 100:+.1f} pp since this rollout", "text"))
    if burn.exhausted_in is not None:
        whole = "exhausted in" if left is not None else "a full budget lasts"
        lines.append(Line(f"       {whole} {age(burn.exhausted_in)} at this pace", "warn"))
    if burn.reason:
        lines.append(Line(burn.reason, "dim"))
    return [line.cut(width) for line in lines]


def burn_title(burn: Burn | None) -> Line:
    line = Line("burn", "title")
    if burn is not None:
        line.add(f" · SLO {burn.objective * 100:g} % / {burn.period / 86400:g} d", "dim")
    return line
