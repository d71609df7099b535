"""The versions of the rollback picker in lines: one row each, and the one under the cursor in words."""

from __future__ import annotations

from cockpit.model import sli
from cockpit.model.revision import Revision
from cockpit.model.rollout import Rollout
from screens.draw import glyphs
from screens.draw.format import NONE, UNKNOWN, age, clock, day_clock, digest, image_name, short_digest, value
from screens.draw.line import Line
from screens.parts.fleet_rows import share_text

_RETAINED = {
    "retained": (f"retained {glyphs.OK}", "ok"),
    "partial": (f"partial {glyphs.WARN}", "warn"),
    "missing": (f"GONE {glyphs.BAD}", "bad"),
    "denied": ("denied ?", "unknown"),
    "unknown": ("unknown ?", "unknown"),
}
_SIGNED = {
    "verified": (f"verified {glyphs.OK}", "ok"),
    "invalid": (f"INVALID {glyphs.BAD}", "bad"),
    "present-unverified": ("unverified", "warn"),
    "none": ("unsigned", "dim"),
    "unknown": ("unknown ?", "unknown"),
}
_SPEED = {
    "running": ("still up", "ok"),
    "window": ("fast window", "ok"),
    "steps": ("full steps", "text"),
    "now": ("at once", "text"),
    "unavailable": ("unavailable", "bad"),
}


def now_line(rollout: Rollout | None, width: int) -> Line:
    """``now  C rev 42 25%   B rev 41 75%   (aborting returns to rev 41 …)``."""
    line = Line(" now  ", "dim")
    if rollout is None:
        return line.add("the rollout is gone", "unknown")
    if rollout.canary is not None:
        line.add(f"C rev {_rev(rollout.canary.revision)} {share_text(rollout)}", "canary-strong").add("   ")
    if rollout.baseline is not None:
        line.add(f"B rev {_rev(rollout.baseline.revision)}", "baseline-strong").add("   ")
        if rollout.in_flight and not rollout.aborted:
            line.add(f"X alone returns to rev {_rev(rollout.baseline.revision)}, without a rollback", "key")
    elif rollout.before is not None:
        line.add(f"before: rev {_rev(rollout.before.revision)}", "baseline-strong")
    return line.cut(width)


def _rev(number: int | None) -> str:
    return str(number) if number is not None else "?"


_WIDE, _NARROW = 100, 76


def revision_title(width: int) -> Line:
    line = Line("   ").add("REV", "title", 5).add("DIGEST", "title", 16 if width >= _WIDE else 9)
    if width >= _WIDE:
        line.add("TAG / COMMIT", "title", 17).add("LIVE FOR", "title", 9).add("ERR% / P99", "title", 12)
        line.add("IMAGE", "title", 11).add("SIGNED", "title", 11)
    else:
        line.add("TAG", "title", 9 if width >= _NARROW else 0)
        line.add("LIVE", "title", 7).add("ERR%", "title", 6).add("IMAGE", "title", 11)
    return line.add("SPEED", "title", 12).add("NOTES", "title").cut(width)


def revision_row(item: Revision, now: float, width: int, *, cursor: bool, asked: bool = True) -> Line:
    """One version; ``asked``: whether its registry has answered already."""
    wide = width >= _WIDE
    line = Line(base="cursor" if cursor else "")
    line.add(glyphs.CURSOR if cursor else " ", "cursor-mark")
    line.add(glyphs.OK if item.stable else glyphs.LIVE if item.current else " ", "ok" if item.stable else "canary").add(
        " "
    )
    line.add(_rev(item.revision), "strong", 4).add(" ")
    image = item.images[0] if item.images else None
    known = image.digest if image else None
    line.add((digest if wide else short_digest)(known), "text" if known else "unknown", 15 if wide else 8).add(" ")
    if width >= _NARROW:
        _name(line, item, wide=wide)
    line.add(live_for(item, now), "text" if item.served else "unknown", 8 if wide else 6).add(" ")
    _then(line, item, wide=wide)
    text, role = _RETAINED[item.retained] if asked else ("asking…", "info")
    line.add(text, role, 10).add(" ")
    if wide:
        signed, role = _SIGNED[item.signed] if asked else ("asking…", "info")
        line.add(signed, role, 10).add(" ")
    text, role = _SPEED[item.speed] if not item.current else (NONE, "dim")  # there is no way back to what is in force
    line.add(text, role, 11).add(" ")
    bad = item.aborted or item.left == "rolled-back" or bool(item.withheld)
    return line.add(" · ".join(notes(item)), "warn" if bad else "text").cut(width)


def _name(line: Line, item: Revision, *, wide: bool) -> None:
    tag = item.tag or (_tag(item.images[0].image) if item.images else None)
    if not wide:
        line.add(tag or NONE, "text" if tag else "dim", 8).add(" ")
        return
    commit = item.commit[:7] if item.commit else ""
    room = 16 - len(commit) - 2 if commit else 16
    line.add(tag or NONE, "text" if tag else "dim", room)
    if commit:  # a claim and a proof never look the same
        line.add(f" {commit}", "text" if item.commit_verified else "dim")
        line.add(glyphs.OK if item.commit_verified else "?", "ok" if item.commit_verified else "unknown")
    line.add(" ")


def _tag(image: str) -> str | None:
    name = image_name(image)
    return name.partition(":")[2] or None


def live_for(item: Revision, now: float) -> str:
    """How long a version was seen serving, all its stretches together; ``>`` where that is not all; ``?`` never."""
    if not item.served:
        return UNKNOWN
    served = age(sum((each.until if each.until is not None else now) - each.since for each in item.served))
    return f">{served}" if _older(item) else served


_LOOK = 120.0
"""A version is seen within so many seconds of coming to be, by whoever watches then."""


def _older(item: Revision) -> bool:
    """Whether it was there before anybody watched: what was seen of it is not all of its life."""
    return bool(item.served) and item.created_at is not None and item.served[-1].since - item.created_at > _LOOK


def _then(line: Line, item: Revision, *, wide: bool) -> None:
    """Errors (and p99) as they were last seen while the version served."""
    then = {each.name: each for each in item.then}
    errors, p99 = then.get(sli.ERRORS), then.get(sli.P99)
    text = value(errors.value, errors.unit) if errors else UNKNOWN if item.then else NONE
    if wide and (errors or p99):
        text += f" / {value(p99.value, p99.unit) if p99 else UNKNOWN}"
    line.add(text, "text" if item.then else "dim", 11 if wide else 5).add(" ")


def notes(item: Revision) -> list[str]:
    """What sets a version apart, in few words."""
    return [
        word
        for on, word in (
            (item.current and not item.stable, "rolling out"),
            (item.stable, "stable"),
            (item.last_good, "last good"),
            (item.aborted is True and item.left != "rolled-back", f"{glyphs.WARN} aborted"),
            (item.left == "rolled-back", f"{glyphs.WARN} rolled back"),
            (item.source == "journal" and not item.withheld, "pruned"),
            (bool(item.withheld), f"{glyphs.WARN} no template kept"),
        )
        if on
    ]


def about_line(item: Revision, now: float, width: int, *, asked: bool) -> Line:
    """The version under the cursor in words: what its cells have no room for."""
    line = Line(f" rev {_rev(item.revision)}", "strong").add(f"  {item.hash}", "dim")
    pieces: list[tuple[str, str]] = []
    if item.withheld:
        pieces.append((f"cannot be put back: pruned from the cluster, and {item.withheld}", "warn"))
    elif item.source == "journal":
        pieces.append(("pruned from the cluster, its template is kept in the journal", "info"))
    if asked and item.retained != "retained":
        pieces.append((f"{item.retained}: {item.retained_reason or 'no reason is known'}", _RETAINED[item.retained][1]))
    if asked and item.signed in ("invalid", "unknown", "present-unverified") and item.signed_reason:
        pieces.append((f"signature {item.signed}: {item.signed_reason}", _SIGNED[item.signed][1]))
    if item.commit:
        proof = "verified" if item.commit_verified else "claimed, not verified"
        pieces.append((f"commit {item.commit[:12]} ({proof})", "text"))
    if (left := item.served[0] if item.served else None) is not None:
        until = f"{clock(left.until)} {_LEFT.get(left.left or '', 'left')}" if left.until is not None else "still up"
        since = "seen serving since" if _older(item) else "last served from"
        pieces.append((f"{since} {day_clock(left.since)[:11]}, {until}", "text"))
    if item.cause:
        pieces.append((item.cause, "dim"))
    if item.created_at is not None:
        pieces.append((f"made {age(now - item.created_at)} ago", "dim"))
    for text, role in pieces:
        line.add(" · ", "faint").add(text, role)
    return line.cut(width)


_LEFT = {"promoted-over": "promoted over", "aborted": "aborted", "rolled-back": "rolled back"}


def coverage_rule(coverage: str, where: str, width: int) -> Line:
    """A rule, with how many of the recent versions are proven retained, and which of how many the cursor is on."""
    line = Line("── ", "faint").add(coverage, "dim").add(" ") if coverage else Line()
    right = Line(f" {where} ", "dim").add("──", "faint") if where else Line()
    line.cut(width - right.width)
    return line.add("─" * (width - right.width - line.width), "faint").extend(right)
