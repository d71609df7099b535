"""Drift in marks and lines: what runs against what is said to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cockpit.model.drift import Drift
from cockpit.model.resource import Key
from cockpit.model.snapshot import Snapshot
from screens.draw.format import age
from screens.draw.line import Line, wrapped

MARK = "≠"
_RANK = ("bad", "warn", "info")
_WORD = {"bad": "DRIFT", "warn": "drift", "info": "note"}
ROLE = {"bad": "bad", "warn": "warn", "info": "dim"}


def worst(drifts: Sequence[Drift]) -> Drift | None:
    """The gravest that is a fault; what admission rewrote and the like is none."""
    faults = [each for each in drifts if each.severity != "info"]
    return min(faults, key=lambda each: _RANK.index(each.severity), default=None)


def drift_piece(drifts: Sequence[Drift]) -> Line:
    """``≠ 2 drift: web on q7d is …``; empty when nothing is wrong."""
    first = worst(drifts)
    if first is None:
        return Line()
    count = sum(each.severity != "info" for each in drifts)
    role = ROLE[first.severity]
    return Line(f"{MARK} {count} ", role).add(f"{_WORD[first.severity]}: ", role).add(first.text, "text")


def drift_page(snapshot: Snapshot, key: Key | None, now: float, width: int) -> list[Line]:
    """Every drift of one rollout, or of the whole fleet; worst rollouts first."""
    wanted: Mapping[Key, Sequence[Drift]] = {key: snapshot.drifts.get(key, ())} if key is not None else snapshot.drifts
    rows = sorted(
        ((owner, drifts) for owner, drifts in wanted.items() if drifts),
        key=lambda pair: (min(_RANK.index(each.severity) for each in pair[1]), pair[0]),
    )
    lines: list[Line] = []
    for owner, drifts in rows:
        lines += [Line()] if lines else []
        lines.append(Line(str(owner), "strong").add(f"  {owner.kind}", "dim"))
        for each in sorted(drifts, key=lambda each: _RANK.index(each.severity)):
            lines += _one(each, now, width)
    if not lines:
        lines = wrapped(
            "no drift is known here: what runs is what is declared, as far as it was looked at", width, "dim"
        )
    note = (
        f"{MARK} marks what runs against what is declared. A note (admission, a tag instead of a digest) is no fault. "
        "Tags and layers are asked of registries for rollouts in flight, every few minutes."
    )
    return [*lines, Line(), *wrapped(note, width, "dim")]


def _one(each: Drift, now: float, width: int) -> list[Line]:
    sign = MARK if each.severity != "info" else "·"
    head = Line(f"  {sign} ", ROLE[each.severity]).add(_WORD[each.severity], ROLE[each.severity], 6)
    head.add(each.kind, "text", 18)
    if each.since is not None:
        head.add(f"seen for {age(now - each.since)}", "dim")
    lines = [head.cut(width), *(Line("    ").extend(part) for part in wrapped(each.text, width - 4, "text"))]
    if each.pods:
        lines += [Line("    ").extend(part) for part in wrapped(f"pods {', '.join(each.pods)}", width - 4, "dim")]
    return lines
