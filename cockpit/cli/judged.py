"""SLIs and burn of ``status`` as text: each number of the verdict, for 80 columns."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cockpit.cli.cells import UNKNOWN, percent, quantity, span, table

_WIDE = 120
"""Columns from which the reason stands beside the state."""
_E_CAP = 1e300
_INDENT = 10
_BURSTY = 2.0


def slis(rows: Sequence[dict[str, Any]], columns: int) -> list[str]:
    """A table of the SLIs; below each row its evidence, and on narrow screens its reason."""
    wide = columns >= _WIDE
    heads = ("  NAME", "CANARY", "BASELINE", "RATIO", "REQUESTS C/B", "95 %", "STATE")
    cells = [_cells(row, reason=wide) for row in rows]
    head, *lines = table(heads, cells, columns)
    told = [head]
    for row, line in zip(rows, lines, strict=True):
        told.append(line)
        if evidence := _evidence(row):
            told += _below(evidence, columns)
        if row["reason"] and not wide:
            told += _below(row["reason"], columns)
    return told


def e_value(value: float | None) -> str:
    """``3.2``, ``47``, ``4e5``, ``>=1e300``; a question mark when unknown."""
    if value is None:
        return UNKNOWN
    if value >= _E_CAP:
        return ">=1e300"
    return f"{value:.2g}" if 0.01 <= value < 9.95 else f"{value:.0f}" if 9.95 <= value < 9999.5 else _power(value)


def burn(found: dict[str, Any] | None, columns: int) -> list[str]:
    """The burn of the error budget, a fact a line; a window longer than the data says how much of it is known."""
    if found is None:
        return [_line("burn", "not known", columns)]
    said = [f"{found['slo']}, objective {found['objective'] * 100:g}% over {span(found['period'])}, {found['origin']}"]
    said += [found["reason"]] if found["reason"] else []
    said += [_window(window) for window in found["windows"]]
    said += [f"alert: {text}" for text in found["alerts"]]
    left = found["budget_remaining"]
    known = f"{span(found['budget_covered'])} of {span(found['period'])}" if found["budget_covered"] else UNKNOWN
    said.append(f"budget left {known if left is None else percent(left)}" + _exhausted(found["exhausted_in"], left))
    if found["at_full"] is not None:
        said.append(f"cost at 100% {_times(found['at_full'])}")
    if found["excess_spent"] is not None:
        limits = _limits(found["excess_low"], found["excess_high"])
        said.append(f"excess spent since the rollout started {_share(found['excess_spent'])}%{limits}")
    return [_line("burn" if at == 0 else "", text, columns) for at, text in enumerate(said)]


def _cells(row: dict[str, Any], *, reason: bool) -> tuple[str, ...]:
    counts = [row["requests"][role] for role in ("canary", "baseline")]
    uncounted = counts == [None, None] and row["state"] != "blind"
    requests = "-" if uncounted else "/".join(map(_whole, counts))
    low_high = "-".join(_bound(end) for end in row["interval"]) if row["interval"] else _missing(row)
    state = row["state"].upper()
    return (
        f"  {row['name']}",
        quantity(row["canary"], row["unit"]),
        quantity(row["baseline"], row["unit"]),
        UNKNOWN if row["ratio"] is None else f"{row['ratio']:.1f}x",
        requests,
        low_high,
        f"{state} {row['reason']}" if reason else state,
    )


def _missing(row: dict[str, Any]) -> str:
    """An SLI that counts no requests has no interval; of one that should count them it is not known."""
    return "-" if row["errors"]["canary"] is None and row["state"] != "blind" else UNKNOWN


def _evidence(row: dict[str, Any]) -> str:
    """What the evidence of a counted SLI says; empty for one that is read off."""
    parts = []
    if row["errors"]["canary"] is not None or row["errors"]["baseline"] is not None:
        parts.append("errors " + "/".join(_whole(row["errors"][role]) for role in ("canary", "baseline")))
    if row["e_abort"] is not None or row["e_advance"] is not None:
        parts.append(f"E abort {e_value(row['e_abort'])}, E advance {e_value(row['e_advance'])}")
    if row["posterior"] is not None:
        bound = "k" if row["k"] is None else f"{row['k']:g}x"
        parts.append(f"P(ratio > {bound}) {_chance(row['posterior'])}")
    if row["share"] is not None:
        parts.append(f"all this of what is {row['share']}: {_times(row['share_ratio'])}")
    if row["phi"] is not None and row["phi"] > _BURSTY:
        parts.append(f"bursty: evidence discounted (phi {row['phi']:.1f})")
    if row["unseen"]:
        parts.append(f"up to {row['unseen']} unseen")
    if row["latched_at"] is not None:
        parts.append(f"latched {datetime.fromtimestamp(row['latched_at'], UTC):%H:%M}Z, now {_times(row['ratio'])}")
    return ", ".join(parts)


def _below(text: str, columns: int) -> list[str]:
    return [f"    {line}" for line in textwrap.wrap(text, max(20, columns - 4), break_on_hyphens=False)]


def _window(window: dict[str, Any]) -> str:
    over = span(window["seconds"])
    if window["covered"] < window["seconds"]:
        over = f"{span(window['covered'])} of {over}"
    rates = ", ".join(f"{role} {_times(window[role])}" for role in ("canary", "baseline"))
    return f"{over}: {rates}" + (f", pages at {window['page_at']:g}x" if window["page_at"] is not None else "")


def _exhausted(seconds: float | None, left: float | None) -> str:
    if seconds is None:
        return ""
    return f", {'a full one ' if left is None else ''}exhausted in {span(seconds)} at this pace"


def _limits(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" (95 %: {_share(low)} to {_share(high)})"


def _line(label: str, text: str, columns: int) -> str:
    lines = textwrap.wrap(text, max(20, columns - _INDENT), break_on_hyphens=False) or [""]
    return "\n".join(f"{label if at == 0 else '':<{_INDENT - 1}} {line}".rstrip() for at, line in enumerate(lines))


def _whole(number: int | None) -> str:
    return UNKNOWN if number is None else str(number)


def _times(rate: float | None) -> str:
    return UNKNOWN if rate is None else f"{rate:.1f}x"


def _bound(end: float | None) -> str:
    return "inf" if end is None or math.isinf(end) else f"{end:.1f}x"


def _share(ratio: float) -> str:
    points = ratio * 100
    return f"{points:.1f}" if abs(points) >= 1.0 or points == 0.0 else f"{points:.2g}"


def _chance(share: float) -> str:
    return "<0.01" if share < 0.01 else ">0.99" if share > 0.99 else f"{share:.2f}"


def _power(value: float) -> str:
    mantissa, exponent = f"{value:.0e}".split("e")
    return "0" if value == 0 else f"{mantissa}e{int(exponent)}"
