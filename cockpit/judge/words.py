"""Numbers as the judge says them: rates, ratios, times, and what one arm did beside the other."""

from __future__ import annotations

import math

from cockpit.model.evidence import Evidence
from cockpit.model.sli import ERRORS


def percent(value: float | None) -> str:
    """``4.10 %``, more digits where two would read as nothing; ``unknown`` for None."""
    if value is None:
        return "unknown"
    if 0.0 < value < 0.0001:
        return f"{100 * value:.1g} %"
    return f"{100 * value:.2f} %"


def rate(bad: int, total: int) -> float | None:
    return bad / total if total else None


def times(value: float) -> str:
    """``13.7x``; a ratio to nothing has no number."""
    if math.isinf(value):
        return "none on the baseline"
    return f"{value:.0f}x" if value >= 100 else f"{value:.1f}x"


def span(seconds: float) -> str:
    """``40 s``, ``2 min``, ``1.5 h``, ``3 d``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5_400:
        return f"{round(seconds / 60)} min"
    if seconds < 129_600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86_400:.0f} d"


def number(value: float) -> str:
    """A count, without digits that nobody reads."""
    return f"{value:.0f}" if value < 1e6 else f"{value:.2g}"


def subject(evidence: Evidence) -> str:
    """What the shares of an SLI are of: ``errors``, ``slower than 250 ms``, or its name."""
    sli = evidence.sli
    if sli.kind == "latency" and sli.threshold is not None:
        return f"slower than {latency(sli.threshold)}"
    return ERRORS if sli.name == ERRORS else sli.name


def latency(seconds: float) -> str:
    return f"{1000 * seconds:g} ms" if seconds < 1 else f"{seconds:g} s"


def beside(evidence: Evidence, *notes: str) -> str:
    """``errors 4.10 % vs 0.30 % (13.7x, n=18204)`` over the life of the evidence."""
    canary, baseline = evidence.canary, evidence.baseline
    one, two = rate(canary.bad, canary.total), rate(baseline.bad, baseline.total)
    told = [f"{times(one / two)}"] if one is not None and two else []
    told.append(f"n={canary.total}")
    return f"{subject(evidence)} {percent(one)} vs {percent(two)} ({', '.join([*told, *notes])})"
