"""Parameters of the HTTP API: times, durations, and the errors that 2.42 answers for wrong ones."""

from __future__ import annotations

import math
import re
from datetime import datetime

_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_UNITS_MS = (365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1)
_MAX_S = 2**63 / 1000


class ApiError(Exception):
    """An error answer: HTTP status, errorType and message."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message


def bad(name: str, message: str) -> ApiError:
    return ApiError(400, "bad_data", f'invalid parameter "{name}": {message}')


def moment(name: str, text: str | None, default_ms: int | None) -> int:
    """A timestamp in ms: unix seconds or RFC 3339. Raises ApiError; also when it is missing and has no default."""
    if not text:
        if default_ms is not None:
            return default_ms
        raise bad(name, f'cannot parse "{text or ""}" to a valid timestamp')
    try:
        seconds = float(text)
    except ValueError:
        try:
            read = datetime.fromisoformat(text)
        except ValueError:
            raise bad(name, f'cannot parse "{text}" to a valid timestamp') from None
        if read.tzinfo is None or "T" not in text.upper():
            raise bad(name, f'cannot parse "{text}" to a valid timestamp') from None
        seconds = read.timestamp()
    if not math.isfinite(seconds) or abs(seconds) > _MAX_S:
        raise bad(name, f'cannot parse "{text}" to a valid timestamp')
    return round(seconds * 1000)


def duration(name: str, text: str | None) -> int:
    """A duration in ms: seconds, or "1h30m"."""
    try:
        seconds = float(text or "")
        if math.isfinite(seconds) and abs(seconds) < _MAX_S:
            return round(seconds * 1000)
    except ValueError:
        found = _DURATION.fullmatch(text or "")
        if text and found is not None:
            return sum(int(count) * unit for count, unit in zip(found.groups("0"), _UNITS_MS, strict=True))
    raise bad(name, f'cannot parse "{text or ""}" to a valid duration')
