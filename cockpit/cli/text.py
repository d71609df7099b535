"""The text twins of ``report``: the same dicts as lines for 80 columns, glyph and word together, never colour alone."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cockpit.base.text import clean
from cockpit.cli import judged
from cockpit.cli.cells import UNKNOWN, percent, span, table
from cockpit.cli.output import cut
from cockpit.strategies.image import short

_WIDE = 120
"""Columns from which the verdict's reason stands in the same line."""
_LONGEST = 2000
"""Characters of one fact; only a message meant to flood is longer."""
_DRIFT = {"bad": "DRIFT", "warn": "drift", "info": "note"}
_SPEED = {
    "running": "still running",
    "window": "back at once (rollback window)",
    "steps": "back through the steps",
    "now": "back at once",
    "unavailable": "unavailable",
}
_BAD = ("ABORT", "OUTAGE", "BLIND", "WATCH")
"""Verdicts that never stand without their reason, in flight or not: the page comes after the promotion."""
_GLYPH = {"Degraded": "x", "Paused": "=", "Progressing": "o", "Healthy": "*"}


def step(entry: dict[str, Any]) -> str:
    """``5/9 analysis`` counted from 1 as people do; ``done`` after the last, a dash where there are no steps."""
    index, total, kind = entry["index"], entry["total"], entry["kind"]
    if not total:
        return "-"
    if index is None:
        return f"{UNKNOWN}/{total}"
    return f"done {total}/{total}" if kind is None else f"{index + 1}/{total} {kind}"


def weight(entry: dict[str, Any]) -> str:
    """Set, and actual where it differs."""
    wanted, real = entry["set"], entry["actual"]
    if wanted is None and real is None:
        return UNKNOWN
    if wanted is None or real is None or abs(wanted - real) < 0.005:
        return percent(real if wanted is None else wanted)
    return f"{percent(wanted)}/{percent(real)}"


def stamp(unix_seconds: float | None) -> str:
    return UNKNOWN if unix_seconds is None else datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def fleet(items: Sequence[dict[str, Any]], columns: int = 80) -> str:
    """``list``: a line each, and on narrow screens a second one with the verdict of what is not simply healthy."""
    if not items:
        return "no rollouts"
    heads, rows, verdicts = ["  ROLLOUT", "PHASE", "STEP", "WEIGHT", "VERDICT"], [], []
    for entry in items:
        name = f"{entry['namespace']}/{entry['name']}"
        if entry["kind"] != "Rollout":
            name = f"{entry['kind'].lower()}/{name}"
        waits = "waits for you; " if entry["waits_for_human"] else ""
        verdicts.append((entry["verdict"]["state"].upper(), f"{waits}{_why(entry)}"))
        mark = _GLYPH.get(entry["phase"], UNKNOWN)
        rows.append([f"{mark} {name}", entry["phase"], step(entry["step"]), weight(entry["weight"])])
    if columns >= _WIDE:
        both = [[*row, f"{state} {reason}"] for row, (state, reason) in zip(rows, verdicts, strict=True)]
        lines = table(heads, both, columns)
        told = lines[:1]
        for line, entry in zip(lines[1:], items, strict=True):
            told += [line, *_wrong(entry, columns)]
        return "\n".join(told)
    lines = table(heads, [[*row, state] for row, (state, _) in zip(rows, verdicts, strict=True)], columns)
    told = [lines[0]]
    for line, entry, (state, reason) in zip(lines[1:], items, verdicts, strict=True):
        told.append(line)
        if entry["in_flight"] or entry["phase"] != "Healthy" or state in _BAD:
            told.append(f"    {cut(reason, columns - 4)}")
        told += _wrong(entry, columns)
    return "\n".join(told)


def _why(entry: dict[str, Any]) -> str:
    """The verdict's reason; of a degraded rollout that nothing is judged of, what the controller says."""
    degraded = entry["phase"] == "Degraded" and entry["verdict"]["state"] == "unjudged"
    reason: str = (entry["message"] if degraded else "") or entry["verdict"]["reason"]
    return reason


def _wrong(entry: dict[str, Any], columns: int) -> list[str]:
    """The worst drift of a rollout, in ``list``; what is only a note stands in ``status``."""
    wrong = [each for each in entry.get("drift", ()) if each["severity"] != "info"]
    if not wrong:
        return []
    more = f" (+{len(wrong) - 1} more)" if len(wrong) > 1 else ""
    said = f"{_DRIFT[wrong[0]['severity']]}{more}: {wrong[0]['text']}"
    return [f"    {cut(said, columns - 4)}"]


def status(entry: dict[str, Any], columns: int = 80) -> str:
    """``status`` as labelled lines."""
    lines = [
        f"{entry['namespace']}/{entry['name']}  {entry['kind']}, {entry['strategy']}, {entry['phase']}",
    ]
    if entry["message"]:
        lines.append(_labelled("message", entry["message"], columns))
    lines.append(_labelled("verdict", f"{entry['verdict']['state'].upper()} {entry['verdict']['reason']}", columns))
    held = {"human": "paused by hand", "step": "paused at a step", "inconclusive": "paused: inconclusive check"}
    standing = [step(entry["step"]), f"weight {weight(entry['weight'])}"]
    if entry["paused_by"]:
        standing.append(held.get(entry["paused_by"], entry["paused_by"]))
    if entry["waits_for_human"]:
        standing.append("waits for you")
    lines.append(_labelled("step", ", ".join(standing), columns))
    if entry["owner"]:
        lines.append(
            _labelled(
                "owner", f"{entry['owner']['tool']} {entry['owner']['name']}: {entry['owner']['warning']}", columns
            )
        )
    for at, each in enumerate(entry.get("drift", ())):
        said = f"{_DRIFT[each['severity']]} {each['kind']}: {each['text']}"
        lines += wrapped("drift" if at == 0 else "", said, columns, 10)
    for role in ("canary", "baseline"):
        lines += _arm(role, entry["arms"][role], columns)
    if entry["slis"]:
        lines.append("slis")
        lines += judged.slis(entry["slis"], columns)
    else:
        lines.append(_labelled("slis", "none known", columns))
    lines += judged.burn(entry["burn"], columns)
    fresh = [
        f"{name} {source['state']}" + (f" {span(source['age'])} old" if source["age"] is not None else "")
        for name, source in entry["as_of"].items()
    ]
    lines.append(_labelled("as of", f"{stamp(entry['now'])}; {', '.join(fresh)}", columns))
    lines += [
        _labelled("", f"{name}: {source['message']}", columns)
        for name, source in entry["as_of"].items()
        if source["message"] and source["state"] != "ok"
    ]
    return "\n".join(lines)


def wrapped(label: str, text: str, columns: int, indent: int = 18) -> list[str]:
    """A label and its text, continued below itself where it does not fit."""
    room = max(20, columns - indent)
    lines = textwrap.wrap(text, room, break_long_words=True, break_on_hyphens=False) or [""]
    return [f"{label if at == 0 else '':<{indent - 1}} {line}" for at, line in enumerate(lines)]


def _labelled(label: str, text: str, columns: int) -> str:
    return "\n".join(line.rstrip() for line in wrapped(label, cut(text, _LONGEST), columns, 10))


def _arm(role: str, side: dict[str, Any] | None, columns: int) -> list[str]:
    if side is None:
        return [_labelled(role, "none", columns)]
    revision = UNKNOWN if side["revision"] is None else side["revision"]
    lines = [_labelled(role, f"rev {revision}, hash {side['hash']}, {side['ready']}/{side['desired']} ready", columns)]
    for entry in side["images"]:
        lines.append(_labelled("", f"{entry['container']}  {entry['image']}", columns))
        lines.append(_labelled("", f"  {entry['digest'] or 'digest unknown'}", columns))
    for entry in side["pods"]:
        state = "ready" if entry["ready"] else "NOT READY"
        restarts = f", restarts {entry['restarts']}" if entry["restarts"] else ""
        lines.append(_labelled("", f"{entry['name']}  {state}{restarts}", columns))
        if entry["reason"]:
            message = f": {entry['message']}" if entry["message"] else ""
            lines.append(_labelled("", f"  {entry['reason']}{message}", columns))
        if last := entry["last_exit"]:
            code = UNKNOWN if last["code"] is None else last["code"]
            lines.append(_labelled("", f"  last exit of {last['container']}: {last['reason']}, code {code}", columns))
    return lines


def revisions(entries: Sequence[dict[str, Any]], columns: int = 80) -> str:
    """``revisions``: each version with its marks, what is known of its artifact, how it would come back, its images."""
    if not entries:
        return "no revisions known"
    lines = []
    for entry in entries:
        marks = [word for word in ("current", "stable", "last_good") if entry[word]]
        number = UNKNOWN if entry["revision"] is None else entry["revision"]
        facts = [
            *(mark.replace("_", "-") for mark in marks),
            f"artifact {entry['retained']}",
            f"signature {entry['signed']}",
        ]
        if not entry["current"]:  # there is no way back to what is in force
            facts.append(_SPEED.get(entry["speed"], entry["speed"]))
        first = f"rev {number}  {entry['hash']}  {', '.join(facts)}"
        said = textwrap.wrap(first, columns, subsequent_indent="    ", break_on_hyphens=False)
        lines += [cut(line, columns) for line in said]
        lines += [cut(f"    {said}", columns) for said in _told(entry)]
        for part in entry["images"]:
            lines.append(cut(f"    {part['container']}  {part['image']}", columns))
            lines.append(cut(f"      {part['digest'] or 'digest unknown'}", columns))
    return "\n".join(lines)


def _told(entry: dict[str, Any]) -> list[str]:
    """What is known beyond the cluster: why it is not proven retained, how it left, what it was built from."""
    said = []
    if entry["source"] == "journal":
        said.append("pruned from the cluster" + ("" if entry["withheld"] else "; its template is kept in the journal"))
    if entry["withheld"]:
        said.append(f"cannot be put back: {entry['withheld']}")
    if entry["left"]:
        said.append(f"left: {entry['left'].replace('-', ' ')}")
    if entry["commit"]:
        said.append(f"commit {entry['commit']} ({'verified' if entry['commit_verified'] else 'claimed'})")
    if entry["retained"] != "retained" and entry["retained_reason"]:
        said.append(entry["retained_reason"])
    if entry["signed"] == "invalid" and entry["signed_reason"]:
        said.append(entry["signed_reason"])
    return said


def preflight(entry: dict[str, Any], columns: int = 80) -> str:
    """``preflight``: one line per check, below it what was asked and answered, and what a rollback would ask for."""
    if not entry["findings"]:
        return "\n".join(wrapped("not checked", entry["reason"] or UNKNOWN, columns))
    lines = [cut(f"pre-flight of a rollback to {entry['target']} (hash {entry['to_hash'] or UNKNOWN})", columns)]
    for each in entry["findings"]:
        state = each["severity"] if each["state"] == "finding" else each["state"]
        lines += wrapped(f"{state:<8}{each['check']}", each["text"] or each["title"], columns, 24)
        if each["state"] != "ok":
            for line in each["evidence"]:
                lines += wrapped("", line, columns, 26)
        if each["remedy"]:
            lines += wrapped("", f"-> {each['remedy']}", columns, 26)
    lines += ["its template, where it differs from the one to leave:"] if entry["diff"] else []
    for line in entry["diff"] or ():
        lines += wrapped("", line, columns, 2)
    if entry["reason"]:
        return "\n".join([*lines, *wrapped("refused", entry["reason"], columns, 10)])
    if entry["diff"] is None:
        lines.append("the two templates could not be compared")
    if entry["blocking"]:
        flags = " ".join(f"--override {name}" for name in entry["blocking"])
        lines += wrapped("blocked", f"needs {flags} and the typed name", columns, 10)
    elif entry["typed"]:
        lines += wrapped("asks for", f"the typed name: {', '.join(entry['typed'])}", columns, 10)
    return "\n".join(lines)


def acts(entries: Sequence[dict[str, Any]], columns: int = 80) -> str:
    """``journal list`` as a table; below each act its id for ``journal show``, and the versions it went between."""
    if not entries:
        return "the journal is empty"
    rows = [
        (
            str(entry["seq"]),
            stamp(entry["at"]),
            command(entry["verb"]),
            f"{entry['namespace']}/{entry['name']}",
            f"{entry['result'] or 'open'} by {entry['actor']}" + (f": {entry['reason']}" if entry["reason"] else ""),
        )
        for entry in entries
    ]
    head, *lines = table(("SEQ", "AT", "VERB", "ROLLOUT", "RESULT"), rows, columns)
    told = [head]
    for line, entry in zip(lines, entries, strict=True):
        told += [line, f"    {entry['op_id']}  {_between(entry, columns - len(entry['op_id']) - 6)}".rstrip()]
        if entry.get("afterwards"):
            told += [line.rstrip() for line in wrapped("    then", clean(entry["afterwards"]), columns, 10)]
    return "\n".join(told)


def command(verb: str) -> str:
    """A verb as it is typed: what is done to an owner has a group of its own."""
    return {"suspend": "gitops suspend", "unsuspend": "gitops resume"}.get(verb, verb)


def _between(entry: dict[str, Any], room: int) -> str:
    """The versions of an act by their images; where both do not fit, the one that it went to."""
    left, reached = (clean(_versions(entry[side])) for side in ("from", "to"))
    if left and reached and len(both := f"{left} → {reached}") <= room:
        return both
    return cut(f"→ {reached}" if reached else f"from {left}" if left else "", room)


def _versions(images: str | None) -> str:
    """Images as the journal keeps them, ``, `` between containers, each as short as in a dialog."""
    return ", ".join(short(image) for image in (images or "").split(", ") if image)
