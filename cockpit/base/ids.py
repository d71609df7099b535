"""ULIDs: sortable operation ids (https://github.com/ulid/spec), growing within a process even when its clock jumps."""

from __future__ import annotations

import os

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32


class _Monotonic:
    """The spec's monotonic ULIDs: two of one process compare as they were drawn, whatever the clock did."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, unix_seconds: float) -> int:
        drawn = (int(unix_seconds * 1000) & (2**48 - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
        self._last = drawn if drawn > self._last else self._last + 1
        return self._last


_SEQUENCE = _Monotonic()


def ulid(unix_seconds: float) -> str:
    """26 characters: 48 bits of milliseconds, then 80 random bits; later calls give greater ones."""
    number = _SEQUENCE.next(unix_seconds)
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
