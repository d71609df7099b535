"""The fleet table in words: which columns fit a width, and one rollout as a row of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cockpit.model import sli
from cockpit.model.drift import Drift
from cockpit.model.plan import Pending
from cockpit.model.resource import Key
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import SeatAct
from cockpit.model.verdict import Assessment, Burn
from screens.draw import glyphs
from screens.draw.format import NONE, UNKNOWN, percent, times, value
from screens.draw.line import Line, fit, width_of
from screens.draw.spark import bar
from screens.parts.beside import failed
from screens.parts.brief import brief
from screens.parts.drift import MARK, ROLE, worst
from screens.parts.seats import act_said, news
from screens.parts.status import VERDICT_ROLE, next_cell, pick, pod_trouble, status, step_cell

MARGIN = 3
"""Cells before the first column: cursor or mark, glyph, blank."""


class Beside(NamedTuple):
    """What a row tells besides the rollout and its verdict."""

    pending: Pending | None
    act: SeatAct | None
    drifts: Sequence[Drift]


class Column(NamedTuple):
    name: str
    width: int
    title: str


def columns(width: int, longest_name: int, longest_namespace: int) -> list[Column]:
    """What fits into ``width`` cells, most needed first; names and verdict share what is left over."""
    room = width - MARGIN
    if width >= 112:
        fixed = [
            Column("step", 16, "STEP"), Column("weight", 10, "WEIGHT"), Column("errors", 11, "ERR% C/B"),
            Column("p99", 10, "P99 C/B"), Column("burn", 6, "BURN"), Column("next", 11, "NEXT"),
        ]  # fmt: skip
        if width >= 150:
            fixed.insert(5, Column("pods", 15, "PODS C · B"))
        spare = room - sum(column.width + 1 for column in fixed) - 24
        name = min(max(longest_name, 14), max(14, spare * 6 // 10))
        namespace = min(max(longest_namespace, 9), max(9, spare - name - 2))
        head = [Column("name", name, "ROLLOUT"), Column("namespace", namespace, "NAMESPACE")]
        tail = Column("verdict", 0, "VERDICT")
    elif width >= 76:
        fixed = [
            Column("step", 13, "STEP"), Column("share", 6, "WT"), Column("errors", 11, "ERR% C/B"),
            Column("burn", 6, "BURN"),
        ]  # fmt: skip
        spare = room - sum(column.width + 1 for column in fixed) - 21
        head = [Column("name", min(max(longest_name, 14), max(14, spare)), "ROLLOUT")]
        tail = Column("outlook", 0, "VERDICT / NEXT")
    else:
        fixed = [Column("share", 6, "WT"), Column("errors", 11, "ERR% C/B")]
        head = [Column("name", min(max(longest_name, 12), max(12, room - 40)), "ROLLOUT")]
        tail = Column("outlook", 0, "VERDICT / NEXT")
    used = sum(column.width + 1 for column in (*head, *fixed))
    return [*head, *fixed, tail._replace(width=max(8, room - used))]


def name_width(key: Key, rollout: Rollout | None, drifts: Sequence[Drift]) -> int:
    """Cells of a name with its signs."""
    signs = (rollout is not None and rollout.returning) + (bool(drifts) and worst(drifts) is not None)
    return len(key.name) + 2 * signs


def heading(cols: list[Column], held: str = "") -> Line:
    line = Line(" " * MARGIN)
    for column in cols:
        title = f"{column.title}  {held}" if column is cols[-1] and held else column.title
        if len(title) > column.width and column is cols[-1] and held:
            title = held  # what is out of the ordinary tells more than the name of the column
        line.add(title, "title", column.width)
        if column is not cols[-1]:
            line.add(" ")
    return line


def row(
    rollout: Rollout,
    assessment: Assessment | None,
    pending: Pending | None,
    now: float,
    cols: list[Column],
    *,
    act: SeatAct | None = None,
    drifts: Sequence[Drift] = (),
    cursor: bool = False,
    mark: bool = False,
    stale: bool = False,
) -> Line:
    """One rollout. ``stale`` dims everything but the cursor: the picture is old and says so by looking old."""
    state = status(rollout, assessment)
    line = Line(base="cursor" if cursor else "")
    if cursor:
        line.add(glyphs.CURSOR, "cursor-mark")
    else:
        line.add(glyphs.MARK if mark else " ", "key")
    line.add(state.glyph, state.role).add(" ")
    beside = Beside(pending, act, drifts)
    for column in cols:
        _CELLS[column.name](line, rollout, assessment, beside, now, column.width)
        if column is not cols[-1]:
            line.add(" ")
    return line.roles("stale") if stale else line


def _name(line: Line, rollout: Rollout, a: Assessment | None, p: Beside, now: float, width: int) -> None:
    before = line.width
    found = worst(p.drifts)
    signs = Line().add(f" {glyphs.BACK}" if rollout.returning else "", "strong")
    if found is not None:
        signs.add(f" {MARK}", ROLE[found.severity])
    line.add(fit(rollout.key.name, min(width_of(rollout.key.name), width - signs.width)), "strong")
    line.extend(signs).to(before + width)  # a long name gives way: its signs are never cut off


def _namespace(line: Line, rollout: Rollout, a: Assessment | None, p: Beside, now: float, width: int) -> None:
    line.add(rollout.key.namespace, "dim", width)


def _step(line: Line, rollout: Rollout, a: Assessment | None, p: Beside, now: float, width: int) -> None:
    line.add(step_cell(rollout), "text", width)


def share_text(rollout: Rollout) -> str:
    """``25%``, or ``10→25%`` while the router has not followed; ``?`` when unknown."""
    wanted, actual = rollout.weight.set, rollout.weight.actual
    if wanted is None and actual is None:
        return UNKNOWN
    if actual is None or wanted is None or round(actual, 3) == round(wanted, 3):
        return percent(actual if actual is not None else wanted)
    return f"{percent(actual)[:-1]}→{percent(wanted)}"


def _weight(line: Line, rollout: Rollout, a: Assessment | None, p: Beside, now: float, width: int) -> None:
    actual = rollout.weight.actual if rollout.weight.actual is not None else rollout.weight.set
    text = share_text(rollout)
    cells = max(2, width - max(4, len(text)))
    line.add(bar(actual, cells), "unknown" if actual is None else "canary", cells)
    line.add(text, "unknown" if actual is None else "text", width - cells, "right")


def _share(line: Line, rollout: Rollout, a: Assessment | None, p: Beside, now: float, width: int) -> None:
    text = share_text(rollout)
    line.add(text, "unknown" if text == UNKNOWN else "text", width)


def _pair(line: Line, rollout: Rollout, assessment: Assessment | None, what: str, width: int) -> None:
    found = pick(assessment, what)
    if found is None:
        line.add(NONE, "dim", width)
        return
    if found.canary is None and rollout.canary is None:  # there is none: nothing of it is missing
        line.add(f"{NONE}/", "faint").add(value(found.baseline, found.unit), "dim", width - 2)
        return
    canary, baseline = value(found.canary, found.unit), value(found.baseline, found.unit)
    before = line.width
    role = "unknown" if found.canary is None else VERDICT_ROLE[found.state] if found.state != "unjudged" else "text"
    line.add(canary, role).add("/", "faint").add(baseline, "unknown" if found.baseline is None else "dim")
    if line.width - before > width:
        line.cut(before + width)
    line.to(before + width)


def _errors(line: Line, rollout: Rollout, a: Assessment | None, p: Beside, now: float, width: int) -> None:
    _pair(line, rollout, a, sli.ERRORS, width)


def _p99(line: Line, rollout: Rollout, a: Assessment | None, p: Beside, now: float, width: int) -> None:
    _pair(line, rollout, a, sli.P99, width)


def burn_now(burn: Burn | None) -> tuple[float, float] | None:
    """(rate, seconds) of the canary over the longest window it has lived through; None when there is none."""
    known = [
        (window.canary, window.seconds)
        for window in (burn.windows if burn else ())
        if window.canary is not None and window.covered >= window.seconds - 1
    ]
    return max(known, key=lambda pair: pair[1]) if known else None


def _burn(line: Line, rollout: Rollout, a: Assessment | None, p: Beside, now: float, width: int) -> None:
    burn = a.burn if a else None
    known = burn_now(burn)
    if known is None:
        errors = pick(a, sli.ERRORS)
        blind = errors is not None and errors.canary is None
        missing = rollout.canary is not None and (blind if burn is None else bool(burn.windows))
        line.add(UNKNOWN if missing else NONE, "dim", width)
        return
    line.add(times(known[0]), "bad" if known[0] >= 10 else "warn" if known[0] >= 1.5 else "text", width)


def _pods(line: Line, rollout: Rollout, a: Assessment | None, p: Beside, now: float, width: int) -> None:
    before = line.width
    for role, arm in (("canary", rollout.canary), ("baseline", rollout.baseline)):
        text = f"{arm.ready}/{arm.desired}" if arm else NONE
        line.add(text, role if arm else "dim").add(" ")
    line.cut(before + width).to(before + width)


def _next(line: Line, rollout: Rollout, a: Assessment | None, p: Beside, now: float, width: int) -> None:
    text = next_cell(rollout, now)
    line.add(text, "key" if text.startswith("needs") else "text", width)


def _verdict(line: Line, rollout: Rollout, a: Assessment | None, p: Beside, now: float, width: int) -> None:
    _judged(line, rollout, a, p, now, width, "")


def _outlook(line: Line, rollout: Rollout, a: Assessment | None, p: Beside, now: float, width: int) -> None:
    """Verdict, and what is next where that says more than the reason."""
    _judged(line, rollout, a, p, now, width, next_cell(rollout, now))


def _judged(
    line: Line, rollout: Rollout, a: Assessment | None, p: Beside, now: float, width: int, upcoming: str
) -> None:
    before = line.width
    sent = p.pending
    if sent is not None and sent.stage in {"sending", "sent", "accepted"}:
        line.add(f"{sent.verb.upper()} {sent.text}", "key", width)
        return
    if sent is not None and failed(sent):  # it outweighs the verdict: somebody believes that it was done
        line.add(f"{glyphs.BAD} {brief(sent.text, width - 2)}", "bad", width)
        return
    trouble = pod_trouble(rollout.canary) or pod_trouble(rollout.baseline)
    state = a.verdict.state if a else "unjudged"
    if trouble and state in {"unjudged", "blind", "wait"}:
        line.add(trouble if len(trouble) <= width else trouble.removesuffix(" pods"), "bad", width)
        return
    if not rollout.controller_seen:
        line.add("no controller acts on it", "unknown", width)
        return
    if (act := news(p.act, now)) is not None:  # what a colleague just did outweighs the reason, never the state
        if state != "unjudged":
            line.add(state.upper(), VERDICT_ROLE[state]).add(" ")
        line.add(act_said(act, now), "key").cut(before + width).to(before + width)
        return
    if a is None:
        line.add("not judged yet", "dim", width)
        return
    reason = a.verdict.reason
    if state == "unjudged":
        line.add(
            brief(rollout.message, width)
            if rollout.phase == "Degraded"
            else upcoming or brief(reason, width) or "unjudged",
            "dim",
        )
    else:
        line.add(state.upper(), VERDICT_ROLE[state]).add(" ")
        room = width - (line.width - before)
        line.add(upcoming if upcoming and state in {"ready", "wait"} else brief(reason, room), "text")
    line.cut(before + width).to(before + width)


_CELLS = {
    "name": _name, "namespace": _namespace, "step": _step, "weight": _weight, "share": _share, "errors": _errors,
    "p99": _p99, "burn": _burn, "pods": _pods, "next": _next, "verdict": _verdict, "outlook": _outlook,
}  # fmt: skip
