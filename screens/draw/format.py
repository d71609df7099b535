"""Numbers in words: ages, clocks, values with units, ratios, hashes. What is not known is ``?``, never 0."""

from __future__ import annotations

import math
from datetime import UTC, datetime

UNKNOWN = "?"
NONE = "—"


def age(seconds: float | None) -> str:
    """``0.3s``, ``42s``, ``6m40``, ``42m``, ``2h02``, ``6d02h``: at most five characters for up to 99 days."""
    if seconds is None or math.isnan(seconds):
        return UNKNOWN
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 600:
        return f"{whole // 60}m{whole % 60:02d}"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def coarse(seconds: float | None) -> str:
    """An age without its last digit group: ``6m``, ``2h``, ``3d``."""
    if seconds is None:
        return UNKNOWN
    whole = int(max(0.0, seconds))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def clock(unix: float | None) -> str:
    """``03:12:41`` in UTC."""
    if unix is None:
        return UNKNOWN
    try:
        return datetime.fromtimestamp(unix, UTC).strftime("%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return UNKNOWN


def day_clock(unix: float | None) -> str:
    """``11-20 03:12:41`` in UTC."""
    if unix is None:
        return UNKNOWN
    try:
        return datetime.fromtimestamp(unix, UTC).strftime("%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return UNKNOWN


def percent(ratio: float | None) -> str:
    """A share 0..1 as ``25%``."""
    if ratio is None:
        return UNKNOWN
    value = ratio * 100
    return f"{value:.0f}%" if abs(value - round(value)) < 0.05 else f"{value:.1f}%"


def value(number: float | None, unit: str) -> str:
    """A reading in the unit its table shows: ratios in percent, seconds in milliseconds, bytes in MiB."""
    if number is None or math.isnan(number):
        return UNKNOWN
    if math.isinf(number):
        return "∞"
    if unit == "ratio":
        scaled = number * 100
        return f"{scaled:.2f}" if scaled < 99.995 else f"{scaled:.0f}"
    if unit == "seconds":
        return f"{number * 1000:.0f}" if number >= 0.01 else significant(number * 1000)
    if unit == "bytes":
        return significant(number / 2**20)
    if unit == "cores":
        return f"{number:.2f}" if number < 10 else significant(number)
    return significant(number)


UNIT = {"ratio": "%", "seconds": "ms", "bytes": "MiB", "per_second": "/s", "cores": "cores"}
"""The unit that ``value`` writes in."""


def significant(number: float) -> str:
    """Three significant digits, no exponent below ten million."""
    size = abs(number)
    if size >= 1e7:
        return f"{number / 1e6:.0f}M"
    if size >= 1e5:
        return f"{number / 1e3:.0f}k"
    if size >= 100 or number == 0:
        return f"{number:.0f}"
    return f"{number:.1f}" if size >= 10 else f"{number:.2f}"


def count(number: int | None) -> str:
    """A whole number with thin groups: ``18 204``."""
    return UNKNOWN if number is None else f"{number:,}".replace(",", " ")


def times(ratio: float | None) -> str:
    """``13.7×``."""
    if ratio is None or math.isnan(ratio):
        return UNKNOWN
    if math.isinf(ratio):
        return "∞×"
    return f"{ratio:.1f}×" if ratio < 99.95 else f"{min(ratio, 99999):.0f}×"


def digest(text: str | None, keep: int = 4) -> str:
    """``sha256:9f3c…a1``."""
    if not text:
        return UNKNOWN
    algorithm, separator, rest = text.partition(":")
    if not separator:
        return text if len(text) <= keep + 3 else f"{text[:keep]}…{text[-2:]}"
    return f"{algorithm}:{rest[:keep]}…{rest[-2:]}" if len(rest) > keep + 3 else text


def short_digest(text: str | None) -> str:
    """``9f3c…a1``: a digest without its algorithm."""
    return digest(text).removeprefix("sha256:")


def image_name(reference: str) -> str:
    """The last path segment of an image reference, with its tag, without its digest."""
    return reference.partition("@")[0].rpartition("/")[2]


def rev(number: int | None) -> str:
    """``rev 42``."""
    return f"rev {UNKNOWN if number is None else number}"


def span(seconds: float) -> str:
    """A window: ``5m``, ``1h``, ``3d``."""
    return coarse(seconds)
