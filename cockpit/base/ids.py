"""ULIDs: sortable operation ids (https://github.com/ulid/spec)."""

from __future__ import annotations

import os

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32


def ulid(unix_seconds: float) -> str:
    """26 characters: 48 bits of milliseconds, then 80 random bits."""
    number = (int(unix_seconds * 1000) & (2**48 - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
