"""The SLI table and the burn panel in words: values with limits, C over B on one scale, unknown as unknown."""

from __future__ import annotations

from collections.abc import Sequence

from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Source
from cockpit.model.verdict import Assessment, Burn, SliRow
from cockpit.ports import Series
from screens.draw import glyphs
from screens.draw.format import NONE, UNIT, UNKNOWN, age, percent, span, times, value
from screens.draw.line import Line
from screens.draw.spark import bar, blocks, scale, window

CHART_SECONDS = 900.0
_ROLE = {"abort": "bad", "outage": "bad", "blind": "unknown", "watch": "warn", "wait": "text", "ready": "ok"}
_GLYPH = {"abort": glyphs.BAD, "outage": glyphs.BAD, "watch": glyphs.WARN, "ready": glyphs.OK, "blind": glyphs.UNKNOWN}
_LABEL = {"errors": "error", "rate": "rate", "rate_per_pod": "rate/pod", "cpu": "cpu", "memory": "memory"}


def label(row: SliRow) -> str:
    """``error %``, ``p99 ms``, ``rate/pod``."""
    unit = UNIT.get(row.unit, row.unit)
    name = _LABEL.get(row.name, row.name)
    return f"{name}{'' if unit.startswith('/') and name.endswith('/pod') else ' '}{unit}".replace("/pod/s", "/pod /s")


def sli_table(
    assessment: Assessment | None, series: Series | None, prometheus: Source | None, until: float, width: int, rows: int
) -> list[Line]:
    """Heading and one line per SLI; a second line with B's chart where the height allows it."""
    wide = width >= 62
    slis = assessment.slis if assessment else ()
    chart = max(0, width - (51 if wide else 42) - 2)
    head = Line().add("SLI", "title", 12).add("CANARY", "canary-strong", 8, "right").add("  ")
    head.add("BASE", "baseline-strong", 7, "right").add("Δ", "title", 8, "right")
    if wide:
        head.add("LIMIT", "title", 8, "right")
    if chart >= 6:
        head.add("   C 15 min" if chart < 20 or rows < 2 * len(slis) else "   15 min, C over B, one scale", "dim")
    lines = [head.cut(width)]
    if not slis:
        return [*lines, *_no_slis(assessment, prometheus, width)]
    double = rows - 1 >= 2 * len(slis) and chart >= 6
    for row in slis:
        lines += _sli_lines(row, series, until, wide=wide, chart=chart, double=double)
    return [line.cut(width) for line in lines]


def _sli_lines(row: SliRow, series: Series | None, until: float, *, wide: bool, chart: int, double: bool) -> list[Line]:
    known = row.canary is not None
    role = _ROLE.get(row.state, "text") if known else "unknown"
    line = Line().add(label(row), "text", 12).add(value(row.canary, row.unit), role, 8, "right")
    line.add(f" {_GLYPH.get(row.state, ' ')}", role)
    line.add(value(row.baseline, row.unit), "unknown" if row.baseline is None else "baseline", 7, "right")
    line.add(
        times(row.ratio) if row.ratio is not None else UNKNOWN, role if row.ratio is not None else "dim", 8, "right"
    )
    if wide:
        line.add(value(row.limit, row.unit) if row.limit is not None else NONE, "dim", 8, "right")
    if not known and row.reason:
        return [line.add(f"  {row.reason}", "unknown"), *([Line()] if double else [])]
    if chart < 6:
        return [line]
    canary = window(series.points(row.name, "canary"), until, CHART_SECONDS, chart) if series else []
    baseline = window(series.points(row.name, "baseline"), until, CHART_SECONDS, chart) if series else []
    low, high = scale(canary, baseline, limit=row.limit)
    line.add("  C ", "canary").add(blocks(canary, low, high), "canary")
    if not double:
        return [line]
    second = Line(" " * (line.width - len(canary) - 2)).add("B ", "baseline")
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


def burn_lines(burn: Burn | None, rollout: Rollout, now: float, width: int) -> list[Line]:
    """Windows side by side, where each pages, the budget. A window longer than the canary's life says so."""
    if burn is None:
        return [Line("no SLO is configured for this rollout", "dim").cut(width)]
    if not burn.windows:
        return [Line(burn.reason or "no burn rate is known", "unknown").cut(width)]
    cell = max(6, min(9, (width - 8) // max(1, len(burn.windows))))
    head, page = Line("window ", "title"), Line("page at", "dim")
    canary, base = Line("C      ", "canary"), Line("B      ", "baseline")
    for item in burn.windows:
        head.add(span(item.seconds), "title", cell, "right")
        page.add(times(item.page_at)[:-1] if item.page_at is not None else NONE, "dim", cell, "right")
        for line, number in ((canary, item.canary), (base, item.baseline)):
            if line is canary and item.covered < item.seconds - 1:
                text, role = (f"{span(item.covered)} of", "dim") if item.covered > 0 else (NONE, "dim")
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
        lines.append(Line(f"       exhausted in {age(burn.exhausted_in)} at this pace", "warn"))
    if burn.reason:
        lines.append(Line(burn.reason, "dim"))
    return [line.cut(width) for line in lines]


def burn_title(burn: Burn | None) -> Line:
    line = Line("burn", "title")
    if burn is not None:
        line.add(f" · SLO {burn.objective * 100:g} % / {burn.period / 86400:g} d", "dim")
    return line


def unknown_slis(rows: Sequence[SliRow]) -> int:
    return sum(row.canary is None for row in rows)
