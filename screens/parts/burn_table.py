"""The burn view: windows of both arms, alerts of the multi-window table, and what is left of the budget."""

from __future__ import annotations

from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Source
from cockpit.model.verdict import Burn, BurnWindow
from screens.draw import glyphs
from screens.draw.format import NONE, UNKNOWN, age, percent, times
from screens.draw.line import Line, wrapped
from screens.draw.spark import bar
from screens.parts.sli_lines import burn_lines

_NAME = 15
_SIZES = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


def burn_page(burn: Burn | None, rollout: Rollout, now: float, width: int, prometheus: Source | None) -> list[Line]:
    """All that is known of the burn; what is not known says why."""
    if burn is None:
        return burn_lines(burn, rollout, now, width, prometheus)
    lines = [Line().add("SLO", "dim", _NAME).add(f"{burn.slo} {burn.objective * 100:g} %", "strong")]
    lines[0].add(f" over {_while(burn.period)}, from {burn.origin}", "text")
    lines += [Line(), *_windows(burn), Line(), *_alerts(burn, width), Line(), *_budget(burn, rollout, now)]
    if burn.reason:
        lines += [Line(), *wrapped(burn.reason, max(20, width), "dim")]
    return [line.cut(width) for line in lines]


def _windows(burn: Burn) -> list[Line]:
    head = Line().add("OVER", "title", 10).add("CANARY", "canary-strong", _NAME, "right")
    lines = [head.add("BASE", "baseline-strong", 10, "right").add("PAGES AT", "title", 11, "right")]
    for window in burn.windows:
        text, role = _canary(window)
        line = Line().add(_while(window.seconds), "text", 10).add(text, role, _NAME, "right")
        known = window.baseline is not None
        line.add(times(window.baseline), "baseline" if known else "unknown", 10, "right")
        lines.append(line.add(times(window.page_at) if window.page_at is not None else NONE, "dim", 11, "right"))
    return lines if burn.windows else [Line("no burn rate is known", "unknown")]


def _canary(window: BurnWindow) -> tuple[str, str]:
    """A window longer than the canary has lived is how long it has lived, never a number."""
    if window.covered < window.seconds - 1.0:
        return f"{_while(window.covered)} of {_while(window.seconds)}", "dim"
    if window.canary is None:
        return UNKNOWN, "unknown"
    if window.page_at is not None and window.canary >= window.page_at:
        return f"{times(window.canary)} {glyphs.BAD}", "bad"
    return times(window.canary), "text"


def _alerts(burn: Burn, width: int) -> list[Line]:
    if burn.alerts:
        lines: list[Line] = []
        for text in burn.alerts:
            role, glyph = ("bad", glyphs.BAD) if text.startswith("page") else ("warn", glyphs.WARN)
            for at, part in enumerate(wrapped(text, max(20, width - _NAME - 2), role)):
                name = "alerts" if not lines and at == 0 else ""
                lines.append(Line().add(name, "dim", _NAME).add(f"{glyph} " if at == 0 else "  ", role).extend(part))
        return lines
    if all(window.canary is None for window in burn.windows):
        return [Line().add("alerts", "dim", _NAME).add("not known yet", "unknown")]
    return [Line().add("alerts", "dim", _NAME).add("none of the table fires", "text")]


def _budget(burn: Burn, rollout: Rollout, now: float) -> list[Line]:
    left = burn.budget_remaining
    budget = Line().add("budget left", "dim", _NAME)
    if left is None and burn.budget_covered is not None:
        budget.add(f"{_while(burn.budget_covered)} of {_while(burn.period)} of history", "dim")
    elif left is None:
        budget.add(f"{UNKNOWN} no history of it was read yet", "unknown")
    else:
        role = "ok" if left > 0.25 else "bad"
        budget.add("▕", "faint").add(bar(left, 20), role).add("▏ ", "faint").add(percent(left), "strong")
    pace = Line().add("exhausted in", "dim", _NAME)
    if burn.exhausted_in is not None:
        pace.add(age(burn.exhausted_in), "warn").add(" at the canary's pace", "text")
        pace.add(", from a full budget" if left is None else "", "dim")
    elif all(window.canary is None for window in burn.windows):
        pace.add(UNKNOWN, "unknown")
    else:
        pace.add("not at this pace", "text")
    full = Line().add("cost at 100 %", "dim", _NAME)
    full.add(times(burn.at_full), "unknown" if burn.at_full is None else "strong")
    full.add(" if the canary served everything" if burn.at_full is not None else "", "text")
    return [budget, pace, full, *_excess(burn, rollout, now)]


def _excess(burn: Burn, rollout: Rollout, now: float) -> list[Line]:
    line = Line().add("excess spent", "dim", _NAME)
    if burn.excess_spent is None:
        return [line.add(UNKNOWN, "unknown")]
    line.add(f"{share(burn.excess_spent)} % of the budget", "strong")
    if burn.excess_low is not None and burn.excess_high is not None:
        line.add(f" (95 %: {share(burn.excess_low)} to {share(burn.excess_high)})", "text")
    since = Line().add("", "dim", _NAME).add("beyond the baseline, since the rollout started", "text")
    since.add(f" {age(now - rollout.started_at)} ago" if rollout.started_at is not None else "", "text")
    return [line, since]


def share(ratio: float) -> str:
    """A ratio in percent with the digits that tell it from nothing: ``2.6``, ``0.031``, ``-0.2``."""
    points = ratio * 100
    return f"{points:.1f}" if abs(points) >= 1.0 or points == 0.0 else f"{points:.2g}"


def _while(seconds: float) -> str:
    """``40 s``, ``12 min``, ``1 h``, ``3 d``: whole units, rounded down."""
    for size, unit in _SIZES:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(max(0.0, seconds))} s"
