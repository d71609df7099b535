"""``journal show`` as text: one operation whole, from who and why to what was sent, observed and kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cockpit.base.text import clean
from cockpit.cli.cells import UNKNOWN
from cockpit.cli.output import dumps
from cockpit.cli.text import command, stamp
from cockpit.model.act import FLIPPED

_LABEL = 11


def entry(act: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], evidence: Sequence[Mapping[str, Any]]) -> str:
    """``act`` as in ``journal list``; rows with bodies as objects; evidence with ``whole``. Whatever they hold."""
    intents = [row for row in rows if row["row"] == "intent"]
    first = intents[0]
    content = _dict(first["body"])
    what = f"{command(act['verb'])} {first['kind'].lower()} {act['namespace']}/{act['name']}"
    lines = [clean(f"{act['op_id']}  {what}  {act['result'] or 'open'}")]
    lines += _who(first, _dict(content.get("by")))
    lines.append(_line("at", stamp(act["at"])))
    for label, version, hash_ in (("from", "from_version", "from_hash"), ("to", "to_version", "to_hash")):
        lines.append(_line(label, f"{first[version] or UNKNOWN}  hash {first[hash_] or UNKNOWN}"))
    lines.append(_line("reason", act["reason"] or "none given"))
    lines += _judged(content)
    lines += _preflight(content.get("preflight"))
    for row in intents:
        lines += _request(_dict(_dict(row["body"]).get("request")))
    for row in rows:
        if row["row"] == "outcome":
            lines += _outcome(row, _dict(row["body"]))
    lines += _evidence(evidence)
    lines.append(_line("rows", f"{', '.join(str(row['seq']) for row in rows)}; newest hash {rows[-1]['hash']}"))
    return "\n".join(lines)


def _line(label: str, text: Any) -> str:
    # Cleaned line by line: a line break in what a cluster wrote would begin a line that passes for the journal's.
    return f"  {label:<{_LABEL}}{clean(str(text))}"


def _who(row: Mapping[str, Any], by: Mapping[str, Any]) -> Iterator[str]:
    groups = by.get("groups")
    member = f" ({', '.join(str(each) for each in groups)})" if isinstance(groups, list) and groups else ""
    yield _line("who", f"{row['actor']}{member}")
    yield _line(
        "", f"{by.get('os_user') or UNKNOWN} on {by.get('host') or UNKNOWN}, cockpit {by.get('cockpit', UNKNOWN)}"
    )
    yield _line("where", f"context {row['context']}, cluster {by.get('cluster') or UNKNOWN}, uid {row['uid']}")


def _judged(content: Mapping[str, Any]) -> Iterator[str]:
    verdict = _dict(content.get("verdict"))
    if verdict:
        yield _line("verdict", f"{str(verdict.get('state', UNKNOWN)).upper()} {verdict.get('reason') or ''}".rstrip())
    consent = _dict(content.get("consent"))
    if consent:
        typed = "name typed" if consent.get("typed") else "y"
        why = f": {consent['why']}" if consent.get("why") else ""
        yield _line("consent", f"{typed}; asked for {str(consent.get('tier', UNKNOWN)).lower()}{why}")
    overrides = content.get("overrides")
    if isinstance(overrides, list) and overrides:
        yield _line("overrides", ", ".join(str(each) for each in overrides))


def _preflight(found: Any) -> Iterator[str]:
    if not isinstance(found, dict):
        return
    findings = [each for each in found.get("findings") or () if isinstance(each, dict)]
    yield _line("pre-flight", f"{len(findings)} checks, {'complete' if found.get('complete') else 'not complete'}")
    for each in findings:
        state = str(each.get("state", UNKNOWN))
        if state == "finding":
            state = str(each.get("severity", state))
        yield _line(
            "", f"{state:<8} {each.get('check', UNKNOWN)}: {each.get('text') or each.get('title') or ''}".rstrip(": ")
        )


def _request(request: Mapping[str, Any]) -> Iterator[str]:
    if not request:
        return
    yield _line(
        "sends",
        f"{request.get('method', UNKNOWN)} {request.get('path', UNKNOWN)}: {request.get('why', '')}".rstrip(": "),
    )
    operations = request.get("body")
    for operation in operations if isinstance(operations, list) else ():
        yield _line("", dumps(operation, indent=None))


def _outcome(row: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[str]:
    if content.get("observed") == FLIPPED:  # the act stays what its outcome said; this is what came after
        yield _line("afterwards", str(row["reason"] or FLIPPED))
        return
    said = [str(each) for each in (content.get("observed"), row["reason"]) if each]
    settled = " (found out by a later start)" if content.get("settled") else ""
    yield _line("outcome", f"{row['result']}{settled}" + (f": {'; '.join(said)}" if said else ""))
    verified = row["verified_at"]
    yield _line("verified", stamp(verified / 1000) if isinstance(verified, int) else "no: the effect was not observed")
    audit = content.get("audit_ids")
    if isinstance(audit, list) and audit:
        yield _line("audit", ", ".join(str(each) for each in audit))


def _evidence(pieces: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for label, piece in zip(["evidence", *[""] * len(pieces)], pieces, strict=False):
        state = f"sha256 {piece['sha256']}" if piece["whole"] else "ALTERED since it was kept"
        yield _line(label, f"{piece['name']}  {_size(piece['size'])}  {state}")


def _size(size: int) -> str:
    return f"{size} B" if size < 1024 else f"{size / 1024:.1f} KiB"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
