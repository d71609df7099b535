"""From pieces of evidence to one of five labels, which are never collapsed. Pure.

verified: a trusted key signed it, about this digest, of the asked type. invalid: it is there, and no trusted key made
it, it was changed, or it is about another image. present-unverified: keys alone cannot decide. none: all was
asked and there is nothing. unknown: not everything could be asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from cockpit.model.artifact import Evidence
from cockpit.model.revision import Signed
from cockpit.registry import media

SIGNATURE = (media.SIGN_V1,)
_FAMILIES = (SIGNATURE, media.PROVENANCE, media.SBOM)


def label(
    evidence: Sequence[Evidence], asked: tuple[str, ...], *, gaps: bool, keys: bool
) -> tuple[Signed, Evidence | None]:
    """The label for predicate types ``asked``, and the piece it comes from.

    ``gaps``: something could not be asked. ``keys``: there are some, so what was not seen might be verified.
    """
    fitting = [each for each in evidence if _concerns(each, asked)]
    for wanted in ("verified", "invalid"):
        piece = next((each for each in fitting if each.label == wanted), None)
        if piece is not None:
            return wanted, piece
    if gaps and (keys or not fitting):
        return "unknown", None
    return ("present-unverified", fitting[0]) if fitting else ("none", None)


def _concerns(piece: Evidence, asked: tuple[str, ...]) -> bool:
    if piece.form in ("lost", "unreadable"):
        return piece.hint is None or media.of_type(piece.hint, asked)
    if piece.form == "notation":
        return asked == SIGNATURE
    if piece.label == "verified":
        return media.of_type(piece.predicate_type, asked)  # its signed word, not the annotation's
    if media.of_type(piece.predicate_type, asked) or media.of_type(piece.hint, asked):
        return True
    # Nothing proves the type it names, and a changed byte garbles it: without a second word for another type it counts.
    known = any(media.of_type(piece.predicate_type, family) for family in _FAMILIES)
    return piece.form in ("attestation", "bundle") and not known and piece.hint is None
