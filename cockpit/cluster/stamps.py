"""The stamp that leads every line of a pod log: RFC 3339 with up to nine digits, as integer nanoseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SHAPE = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")

_seconds: dict[tuple[bytes, bytes], int] = {}
_REMEMBERED = 4096


def split_stamp(line: bytes) -> tuple[int | None, bytes]:
    """(unix nanoseconds, the rest). None when the line is not led by a stamp; the rest is then the whole line.

    Nanoseconds are kept exactly: lines are told apart by them when a stream is resumed.
    """
    found = _SHAPE.match(line)
    if found is None:
        return None, line
    whole, fraction, zone = found.groups()
    # Lines of one second share everything but the fraction; the calendar is asked once per second and zone.
    seconds = _seconds.get((whole, zone))
    if seconds is None:
        seconds = _remember(whole, zone)
        if seconds is None:
            return None, line
    end = found.end()
    if line[end : end + 1] == b" ":
        end += 1
    return seconds * 1_000_000_000 + (int(fraction.ljust(9, b"0")) if fraction else 0), line[end:]


def _remember(whole: bytes, zone: bytes) -> int | None:
    try:
        moment = datetime.fromisoformat((whole + (b"+00:00" if zone == b"Z" else zone)).decode("ascii"))
        seconds = int(moment.astimezone(UTC).timestamp())
    except (ValueError, OverflowError):
        return None
    if len(_seconds) >= _REMEMBERED:
        _seconds.clear()
    _seconds[whole, zone] = seconds
    return seconds
