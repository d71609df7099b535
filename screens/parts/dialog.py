"""The confirm dialog in lines: title, age, what happens, what is sent, warnings, and the foot with its keys."""

from __future__ import annotations

from typing import NamedTuple

from cockpit.model.plan import Intent, Plan, Tier
from cockpit.model.snapshot import Snapshot
from cockpit.ports import Identity
from screens.draw import glyphs
from screens.draw.format import age
from screens.draw.line import Line, width_of, wrapped
from screens.parts.preflight import all_checks, checks_line, own_warnings, trouble_lines
from screens.parts.requests import changes, guards, request_text
from screens.parts.seats import act_said, news
from screens.parts.status import VERDICT_ROLE
from screens.widgets.field import Field

CHECKS_KEY = "?"
"""Shows every check in full; no name of a rollout and no override holds it."""
_LABEL = 10
_DIRECTION = {"away": "safe direction", "toward": "toward the canary", "hold": "traffic stays"}


class Dialog(NamedTuple):
    """What a dialog is drawn from."""

    intent: Intent
    plan: Plan
    identity: Identity
    snapshot: Snapshot
    now: float
    focus: str
    name: Field
    reason: Field
    armed: bool
    moved: tuple[str, ...]
    said: str
    every_check: bool = False


def dialog_lines(d: Dialog, width: int, rows: int) -> tuple[Line, Line, list[Line], list[Line]]:
    """(title, age of state, body, foot) for ``width`` cells and ``rows`` lines inside the frame.

    The foot, with what is to be typed, is never cut; findings give way before the first lines of the plan do.
    """
    plan = d.plan
    what, role = _what(d)
    title = Line(f"confirm · {what}", role)
    source = d.snapshot.sources.get("kubernetes")
    if source is None or source.at is None:
        right = Line("state of unknown age", "unknown")
    else:
        old = d.now - source.at
        fresh = source.state == "ok" and old < 10
        right = Line(f"state {age(old)} old", "dim" if fresh else "warn")
    foot = _foot(d, width)
    if d.every_check and plan.preflight is not None:
        found = plan.preflight
        head = [Line(), checks_line(found.findings, width, complete=found.complete, label="pre-flight"), Line()]
        return title, right, [*head, *all_checks(found.findings, width)], foot
    return title, right, _body(d, width, rows - len(foot)), foot


def _what(d: Dialog) -> tuple[str, str]:
    """What kind of step this is, and its role: only traffic toward a version can go against its verdict."""
    plan, verdict = d.plan, d.intent.verdict
    if plan.tier < Tier.NAME:
        return _DIRECTION[plan.direction], "title"
    if plan.direction == "toward" and verdict is not None and verdict.state in {"abort", "watch", "outage"}:
        return "against the verdict", "bad"
    if plan.preflight is not None and plan.preflight.blocking:
        return "blocked by the pre-flight", "bad"
    if plan.preflight is not None and plan.preflight.typed:
        return "the pre-flight asks for the name", "warn"
    return ("the name is asked for", "warn") if plan.direction == "away" else (_DIRECTION[plan.direction], "title")


_PLAN_ROWS = 4
"""So many lines of the plan are in view, however much the pre-flight found."""


def _body(d: Dialog, width: int, room: int) -> list[Line]:
    plan, intent = d.plan, d.intent
    lines = [Line(), Line(plan.title, "strong").add("  ").add(str(plan.key), "strong")]
    context = Line(d.identity.context, "prod" if "prod" in d.identity.context.lower() else "dim")
    if d.identity.demo:
        context = Line(f"demo {d.identity.demo}", "demo")
    lines[-1] = lines[-1].with_right(context, width)
    if lines[-1].text.endswith("…"):
        lines[1:2] = [Line(plan.title, "strong").with_right(context, width), *wrapped(str(plan.key), width, "strong")]
    lines.append(Line())

    def put(label: str, text: str, role: str = "text") -> None:
        for index, part in enumerate(wrapped(text, max(10, width - _LABEL), role)):
            lines.append(Line(label if index == 0 else "", "dim").to(_LABEL).extend(part))

    own = [
        Line(f"{glyphs.WARN} " if index == 0 else "  ", "warn").extend(part)
        for warning in own_warnings(plan, intent.rollout.owner)
        for index, part in enumerate(wrapped(warning, max(10, width - 2), "warn"))
    ]
    act = news(d.snapshot.acts.get(plan.key), d.now)
    if act is not None:
        own += [
            Line(f"{glyphs.WARN} " if index == 0 else "  ", "warn").extend(part)
            for index, part in enumerate(wrapped(act_said(act, d.now), max(10, width - 2), "strong"))
        ]
    if plan.preflight is not None:
        found = plan.preflight
        lines.append(checks_line(found.findings, width, complete=found.complete, label="pre-flight"))
        left = room - len(lines) - len(own) - min(_PLAN_ROWS, len(plan.lines))
        lines += trouble_lines(found.findings, width, max(2, left), CHECKS_KEY)
    lines += own
    for label, text in plan.lines:
        if plan.preflight is None or label != "pre-flight":  # told check by check
            put(label[: _LABEL - 1], text)
    verdict = intent.verdict
    if verdict is not None and not any(label == "verdict" for label, _ in plan.lines):
        put("verdict", f"{verdict.state}: {verdict.reason}", VERDICT_ROLE[verdict.state])
    for number, stage in enumerate(plan.sequence if len(plan.sequence) > 1 else (), 1):
        put("in turn" if number == 1 else "", f"{number}. {stage}")
    for number, patch in enumerate(plan.patches):
        put("sends" if number == 0 else "then", f"{request_text(patch)}  {', '.join(changes(patch))}", "info")
        put("", f"guarded by {guards(patch)} tests of what was drawn", "dim")
    if plan.tier_reason:
        put("asks", plan.tier_reason, "dim")
    return lines


def _foot(d: Dialog, width: int) -> list[Line]:
    plan = d.plan
    if d.moved:
        lines = [Line(), Line(" STATE MOVED: nothing will be sent ", "warn-banner")]
        for sentence in d.moved[:4]:
            lines += wrapped(sentence, width, "warn")
        keys = (
            Line("   ")
            .add(" Esc  leave ", "info-banner")
            .add("     ")
            .add("r", "key")
            .add("  look again on the new state", "text")
        )
        return [*lines, Line(), keys, Line(d.said, "warn").cut(width)]
    lines = [Line()]
    typed = plan.tier >= Tier.NAME
    if typed:
        blocked = plan.preflight.blocking if plan.preflight is not None else ()
        phrase = f"{plan.key.name} override {','.join(blocked)}" if blocked else plan.key.name
        if blocked:
            lines += wrapped(f"blocked by the pre-flight; to go past it type: {phrase}", width, "bad")
        ask = "type the rollout name to arm:  " if not blocked else "type it to arm:  "
        if width_of(phrase) + len(ask) + 2 <= width:
            lines.append(Line(ask, "strong").extend(d.name.line(width - len(ask), focused=d.focus == "name")))
        else:
            lines += [Line(ask, "strong"), d.name.line(width, focused=d.focus == "name")]
    elif plan.tier == Tier.YES_WARNED:
        lines += wrapped(f"{glyphs.WARN} {plan.tier_reason or 'the evidence does not support this yet'}", width, "warn")
    reason = (
        Line("reason", "dim")
        .to(_LABEL)
        .extend(d.reason.line(max(10, width - _LABEL - 18), focused=d.focus == "reason", ghost="none given"))
    )
    reason.add("  goes to journal", "dim")
    lines += [reason.cut(width), Line()]
    cancel = " Esc  cancel " if plan.direction != "away" else " Esc  keep running "
    keys = Line("   ").add(cancel, "cursor strong" if d.focus == "cancel" else "dim").add("     ")
    if typed:
        keys.add("ctrl+s", "key" if d.armed else "dim").add(f"  {plan.title}", "bad" if d.armed else "dim")
        keys.add("" if d.armed else "  (not armed)", "dim")
    else:
        keys.add("y", "key" if d.focus == "cancel" else "dim").add(
            f"  {plan.title} now", "strong" if d.focus == "cancel" else "dim"
        )
    lines.append(keys.cut(width))
    lines.append(Line(d.said or _help(d, typed=typed), "warn" if d.said else "dim").cut(width))
    return lines


def _help(d: Dialog, *, typed: bool) -> str:
    if d.every_check:
        return f"every check; {CHECKS_KEY} goes back to the plan, arrow keys scroll"
    if d.focus == "reason":
        return "typing the reason: Tab or Esc leaves it" + ("" if typed else ", then y sends")
    found = d.plan.preflight
    what = "phrase" if found is not None and found.blocking else "name"
    if d.focus == "name":
        return f"ctrl+s sends once the {what} is right; Enter never does; Tab to the reason"
    every = f"; {CHECKS_KEY} shows every check" if found is not None else ""
    return (f"type the {what}; Enter and Esc cancel" if typed else "Enter and Esc cancel; Tab adds a reason") + every
