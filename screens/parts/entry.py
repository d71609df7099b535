"""One operation of the journal in lines: who, why, on what evidence, what was sent and what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cockpit.model.act import FLIPPED
from cockpit.ports import Entry, EvidencePiece
from screens.draw.format import UNKNOWN, day_clock, significant
from screens.draw.line import Line, wrapped
from screens.parts.events import result_role

_LABEL = 12
_STATE_ROLE = {"ok": "ok", "unknown": "unknown", "skipped": "dim", "running": "info"}
_SEVERITY_ROLE = {"block": "bad", "confirm": "warn", "warn": "warn", "info": "info"}


class Row(NamedTuple):
    """A line of the entry; ``piece``: the evidence that Enter opens on it."""

    line: Line
    piece: EvidencePiece | None = None


def entry_rows(entry: Entry, width: int) -> list[Row]:
    """The whole entry; whatever a damaged or foreign journal holds is shown as unknown, never left to fail."""
    act = entry.act
    rows = [dict(row) for row in entry.rows]
    first = next((row for row in rows if row.get("row") == "intent"), {})
    content = _dict(first.get("body"))
    head = Line(act.verb.upper(), "strong").add(f"  {act.namespace}/{act.name}", "strong")
    head.add(f"  {act.result or 'open: no outcome was written'}", result_role(act.result))
    lines = [Row(head.cut(width)), Row(Line())]

    def put(label: str, text: Any, role: str = "text") -> None:
        for index, part in enumerate(wrapped(str(text), max(10, width - _LABEL), role)):
            lines.append(Row(Line(label if index == 0 else "", "dim").to(_LABEL).extend(part)))

    put("operation", act.op_id)
    put("at", f"{day_clock(act.at)} UTC, this machine's clock")
    by = _dict(content.get("by"))
    groups = ", ".join(str(each) for each in by.get("groups") or ()) if isinstance(by.get("groups"), list) else ""
    put("who", act.actor + (f"  ({groups})" if groups else ""), "strong")
    put("", f"{by.get('os_user') or UNKNOWN} on {by.get('host') or UNKNOWN}, cockpit {by.get('cockpit') or UNKNOWN}")
    put("where", f"context {first.get('context') or UNKNOWN}, cluster {by.get('cluster') or UNKNOWN}")
    put("from", f"{act.from_ or UNKNOWN}  hash {first.get('from_hash') or UNKNOWN}")
    put("to", f"{act.to or UNKNOWN}  hash {first.get('to_hash') or UNKNOWN}")
    put("reason", act.reason or "none given", "text" if act.reason else "dim")
    for label, text, role in _judged(content):
        put(label, text, role)
    for row in rows:
        if row.get("row") == "outcome":
            for label, text, role in _outcome(row):
                put(label, text, role)
    for number, piece in enumerate(entry.evidence):
        line = Line("evidence" if number == 0 else "", "dim").to(_LABEL).add(piece.name, "key")
        line.add(f"  {_size(piece.size)}  sha256 {piece.sha256[:12]}…", "dim").add("  ⏎ opens", "faint")
        lines.append(Row(line.cut(width), piece))
    if not entry.evidence:
        put("evidence", "none is kept beside this operation", "dim")
    for row in rows:
        if row.get("row") == "intent":
            for label, text, role in _request(_dict(_dict(row.get("body")).get("request"))):
                put(label, text, role)
    put("rows", f"{', '.join(str(row.get('seq', UNKNOWN)) for row in rows)}  newest hash {_last(rows)}", "dim")
    return lines


def _judged(content: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    verdict = _dict(content.get("verdict"))
    if verdict:
        yield (
            "verdict",
            f"{str(verdict.get('state') or UNKNOWN).upper()} {verdict.get('reason') or ''}".rstrip(),
            "text",
        )
    consent = _dict(content.get("consent"))
    if consent:
        typed = "the name was typed" if consent.get("typed") else "y"
        why = f": {consent['why']}" if consent.get("why") else ""
        yield "consent", f"{typed}; asked for {str(consent.get('tier') or UNKNOWN).lower()}{why}", "text"
    overrides = content.get("overrides")
    if isinstance(overrides, list) and overrides:
        yield "overrides", ", ".join(str(each) for each in overrides), "warn"
    found = _dict(content.get("preflight")).get("findings")
    findings = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    lines = [*_found(findings), *_passed(findings)]
    for number, (text, role) in enumerate(lines):
        yield "pre-flight" if number == 0 else "", text, role


def _found(findings: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """What was not ok, one line each."""
    for each in findings:
        state, severity = str(each.get("state") or UNKNOWN), str(each.get("severity") or "")
        if state in ("ok", "skipped"):
            continue
        word = severity if state == "finding" else state
        role = _SEVERITY_ROLE.get(severity, "unknown") if state == "finding" else _STATE_ROLE.get(state, "unknown")
        said = each.get("text") or each.get("title") or ""
        yield f"{word:<8} {each.get('check') or UNKNOWN}: {said}", role


def _passed(findings: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """The checks that passed, and those that did not apply, by name."""
    for state in ("ok", "skipped"):
        names = [str(each.get("check") or UNKNOWN) for each in findings if each.get("state") == state]
        if names:
            yield f"{state:<8} {', '.join(names)}", _STATE_ROLE[state]


def _request(request: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if not request:
        return
    method, path = request.get("method") or UNKNOWN, request.get("path") or UNKNOWN
    yield "sent", f"{method} {path}  {request.get('why') or ''}".rstrip(), "info"
    operations = request.get("body")
    for operation in operations if isinstance(operations, list) else ():
        yield "", json.dumps(operation, ensure_ascii=True, default=str), "dim"


def _outcome(row: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    content = _dict(row.get("body"))
    if content.get("observed") == FLIPPED:  # the act stays what its outcome said; this is what came after
        yield "afterwards", str(row.get("reason") or FLIPPED), "warn"
        return
    said = "; ".join(str(each) for each in (content.get("observed"), row.get("reason")) if each)
    settled = " (found out by a later start)" if content.get("settled") else ""
    result = str(row.get("result") or UNKNOWN)
    yield "outcome", f"{result}{settled}" + (f": {said}" if said else ""), result_role(result)
    verified = row.get("verified_at")
    if isinstance(verified, int | float):
        yield "verified", f"{day_clock(verified / 1000)} UTC: the effect was observed", "ok"
    else:
        yield "verified", "no: the effect was not observed", "unknown"
    audit = content.get("audit_ids")
    if isinstance(audit, list) and audit:
        yield "audit", ", ".join(str(each) for each in audit), "dim"


def _last(rows: list[dict[str, Any]]) -> str:
    return str(rows[-1].get("hash") or UNKNOWN) if rows else UNKNOWN


def _size(size: int) -> str:
    return f"{size} B" if size < 1024 else f"{significant(size / 1024)} KiB"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
