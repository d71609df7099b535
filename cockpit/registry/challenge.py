"""The bearer and basic challenges of registries, and the answers of their token servers. Pure parsing.

Source: the token authentication specification of the distribution project, RFC 9110 11.6.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

import msgspec

from cockpit.strategies.values import mapping

_SCHEME = re.compile(r"(?:^|,)\s*(Bearer|Basic|Negotiate|Digest|NTLM)(?:\s+|$)", re.IGNORECASE)
# Begins only where a word does: tried from every letter of a long one, it would take quadratic time.
_PARAMETER = re.compile(r'(?<![A-Za-z_])([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SHORTEST_LIFE = 60.0  # what a token lives that does not say
_LONGEST_LIFE = 86_400  # whatever it says: some servers count in other units, and an integer may have no end


class Challenge(msgspec.Struct, frozen=True):
    """What a registry wants to see. ``realm`` is the token server's address for bearer."""

    scheme: Literal["bearer", "basic"]
    realm: str = ""
    service: str = ""
    scope: str = ""


class Token(msgspec.Struct, frozen=True):
    """A token and how long it lives, in seconds."""

    value: str
    lifetime: float

    def __repr__(self) -> str:
        return f"Token(lifetime={self.lifetime})"


def challenge(headers: Iterable[str]) -> Challenge | None:
    """The challenge to answer among all WWW-Authenticate headers: bearer before basic, None when there is neither."""
    found: dict[str, Challenge] = {}
    for header in headers:
        starts = list(_SCHEME.finditer(header))
        for index, start in enumerate(starts):
            scheme = start[1].lower()
            end = starts[index + 1].start() if index + 1 < len(starts) else len(header)
            values = {
                match[1].lower(): re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
                for match in _PARAMETER.finditer(header, start.end(), end)
            }
            if scheme == "bearer" and values.get("realm"):
                found.setdefault(
                    "bearer",
                    Challenge("bearer", values["realm"], values.get("service", ""), values.get("scope", "")),
                )
            elif scheme == "basic":
                found.setdefault("basic", Challenge("basic", values.get("realm", "")))
    return found.get("bearer") or found.get("basic")


def token(body: bytes) -> Token | None:
    """The token of a token server's answer, None when there is none in it."""
    try:
        raw = mapping(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    value = raw.get("token") or raw.get("access_token")
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        return None
    life = raw.get("expires_in")
    if isinstance(life, bool) or not isinstance(life, int | float):
        life = 0
    lifetime = float(min(life, _LONGEST_LIFE))
    return Token(value, max(lifetime, _SHORTEST_LIFE))
