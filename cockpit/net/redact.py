"""Redaction: what looks like a secret never reaches a screen, the journal or a log file."""

from __future__ import annotations

import re
from collections.abc import Iterable

MARK = "[redacted]"

_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*")
_SCHEME = re.compile(r"\b(bearer|basic|negotiate)(\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_USERINFO = re.compile(r"(\b[a-z][a-z0-9+.-]*://)(?:[^/\s:@]*:[^/\s]+|[^/\s:@]{16,})@", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    r"(?P<name>(?:[\w-]*(?:token|password|passwd|secret|api[_-]?key|access[_-]?key))[\"']?\s*[=:]\s*)"
    r"(?P<quote>[\"']?)(?P<value>[^\s\"'&,;}]{3,})",
    re.IGNORECASE,
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without ``secrets`` (known values) and without what has the shape of one.

    Shapes: JWTs, Authorization values, passwords in URLs, private keys, ``token=…`` and its kind. Meant for messages,
    where a word too many costs little; identifiers and digests stay readable.
    """
    for secret in secrets:
        if len(secret) >= 4:  # shorter ones would shred ordinary words
            text = text.replace(secret, MARK)
    text = _PEM.sub(MARK, text)
    text = _JWT.sub(MARK, text)
    text = _SCHEME.sub(rf"\1\2{MARK}", text)
    text = _USERINFO.sub(rf"\1{MARK}@", text)
    return _ASSIGNMENT.sub(rf"\g<name>\g<quote>{MARK}", text)
