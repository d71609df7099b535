"""Where a version comes from, in lines: retained, signed by whom, built from what; proven and claimed apart."""

from __future__ import annotations

from collections.abc import Sequence

from cockpit.model.artifact import Evidence, Provenance, Signatures
from cockpit.model.revision import Revision
from screens.draw import glyphs
from screens.draw.format import day_clock, short_digest
from screens.draw.line import Line, wrapped

_LABEL = 13
SIGNED = {
    "verified": (glyphs.OK, "ok", "verified"),
    "invalid": (glyphs.BAD, "bad", "INVALID"),
    "present-unverified": (glyphs.WARN, "warn", "present, not verified"),
    "none": ("–", "dim", "none"),
    "unknown": (glyphs.UNKNOWN, "unknown", "unknown"),
}
_HELD = {
    "retained": (glyphs.OK, "ok"),
    "partial": (glyphs.WARN, "warn"),
    "missing": (glyphs.BAD, "bad"),
    "denied": (glyphs.UNKNOWN, "unknown"),
    "unknown": (glyphs.UNKNOWN, "unknown"),
}
_BUILT = (
    ("builder", "builder"), ("run", "run"), ("who", "who"), ("source", "source"), ("ref", "ref"), ("commit", "commit"),
    ("build_type", "build type"), ("started", "started"), ("finished", "finished"),
)  # fmt: skip


def version_page(name: str, revision: Revision | None, found: Sequence[Signatures] | str, width: int) -> list[Line]:
    """One version: its images, retained or not, then what is known of each digest. ``found``: an error in words."""
    lines = [Line(name, "title")]
    if revision is not None:
        lines += _images(revision, width)
    if isinstance(found, str):
        return [*lines, *_put("registry", found, width, "bad")]
    if not found:
        lines += _put(
            "registry", "no digest of this version is known, so there is nothing to ask for", width, "unknown"
        )
    for each in found:
        lines += [Line(), *_artifact(each, width)]
    return lines


def _images(revision: Revision, width: int) -> list[Line]:
    lines = []
    for image in revision.images:
        name = image.image.removesuffix(f"@{image.digest}") if image.digest else image.image
        lines += _put("image", f"{image.container}  {name}", width, "strong")
        lines += _put("digest", image.digest or "never recorded", width, "text" if image.digest else "unknown")
    if revision.retained_at is None:
        lines += _put("retained", "not asked yet", width, "unknown")
    else:
        glyph, role = _HELD[revision.retained]
        said = f"{glyph} {revision.retained}, asked {day_clock(revision.retained_at)}"
        lines += _put(
            "retained", said + (f": {revision.retained_reason}" if revision.retained_reason else ""), width, role
        )
    return lines


def _artifact(found: Signatures, width: int) -> list[Line]:
    name = found.image.removesuffix(f"@{found.digest}").rpartition("/")[2]
    lines = [Line(f"{name}@{short_digest(found.digest)}", "strong").cut(width)]
    for label, state, reason in (
        ("signature", found.signature, found.reason),
        ("provenance", found.provenance_label, ""),
        ("SBOM", found.sbom_label, ""),
    ):
        glyph, role, word = SIGNED[state]
        key = f" with {found.key}" if label == "signature" and found.key else ""
        lines += _put(label, f"{glyph} {word}{key}" + (f": {reason}" if reason else ""), width, role)
    if not found.keys_configured:
        lines += _put("", "no public key is configured, so nothing can be verified ([signatures] keys)", width, "warn")
    lines += _put("", found.not_checked, width, "dim")
    for gap in found.gaps:
        lines += _put("not asked", gap, width, "unknown")
    if found.provenance is not None:
        lines += _built(found.provenance, width)
    for label_ in found.labels:
        lines += _put("label", f"{label_.name} = {label_.value}  (unsigned, from the {label_.source})", width)
    for level in found.levels:
        glyph, role, word = SIGNED[level.signature]
        where = f"{level.platform or ''}  {level.digest}" + (f"  {level.key}" if level.key else "")
        lines += _put(level.kind, f"{glyph} {word:<10} {where}", width, role)
    for each in found.evidence:
        lines += _put("found", _evidence(each), width, SIGNED[each.label][1])
    return lines


def _built(built: Provenance, width: int) -> list[Line]:
    proven = built.trust == "verified"
    who = f"{glyphs.OK} VERIFIED, signed with {built.key or 'a configured key'}" if proven else "claimed, not verified"
    lines = _put("built", f"{who}  {built.predicate_type}", width, "ok" if proven else "unknown")
    for name, label in _BUILT:
        if (said := getattr(built, name)) is not None:
            lines += _put(f"  {label}", said if proven else f"{said}  (claimed)", width, "text" if proven else "dim")
    return lines


def _evidence(each: Evidence) -> str:
    pieces = [each.form, SIGNED[each.label][2]]
    if kind := each.predicate_type or each.hint:
        pieces.append(kind if each.predicate_type and each.label == "verified" else f"says it is {kind}")
    if each.key:
        pieces.append(f"key {each.key}")
    if each.reason:
        pieces.append(each.reason)
    return " · ".join(pieces)


def _put(label: str, text: str, width: int, role: str = "text") -> list[Line]:
    return [
        Line(label if index == 0 else "", "dim").to(_LABEL).extend(part)
        for index, part in enumerate(wrapped(text, max(10, width - _LABEL), role))
    ]
