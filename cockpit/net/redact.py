"""Redaction: what looks like a secret never reaches a screen, the journal or a log file."""

from __future__ import annotations

import re
from collections.abc import Iterable

MARK = "[redacted]"
LONGEST = 1 << 16
"""Characters of a text that are looked at and kept."""

# None of them may start inside what another start has looked at already: servers choose these texts, and a pattern that
# is tried from every letter of a long word stops the program for minutes.
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*")
_SCHEME = re.compile(r"\b(bearer|basic|negotiate)(\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_USERINFO = re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)(?:[^/\s:@]*:[^/\s]+|[^/\s:@]{16,})@", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    r"(?P<name>(?:token|password|passwd|secret|api[_-]?key|access[_-]?key)[\"']?\s*[=:]\s*)"
    r"(?P<quote>[\"']?)(?P<value>[^\s\"'&,;}]{3,})",
    re.IGNORECASE,
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without ``secrets`` (known values) and without what has the shape of one.

    Shapes: JWTs, Authorization values, passwords in URLs, private keys, ``token=…`` and its kind. Meant for messages,
    where a word too many costs little; identifiers and digests stay readable.
    """
    if len(text) > LONGEST:
        text = text[:LONGEST] + "…"
    for secret in secrets:
        if len(secret) >= 4:  # shorter ones would shred ordinary words
            text = text.replace(secret, MARK)
    text = _PEM.sub(MARK, text)
    text = _JWT.sub(MARK, text)
    text = _SCHEME.sub(rf"\1\2{MARK}", text)
    text = _USERINFO.sub(rf"\1{MARK}@", text)
    return _ASSIGNMENT.sub(rf"\g<name>\g<quote>{MARK}", text)
