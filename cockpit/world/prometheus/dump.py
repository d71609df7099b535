"""The raw samples as OpenMetrics text with timestamps, for ``promtool tsdb create-blocks-from openmetrics``."""

from __future__ import annotations

from math import isnan

from cockpit.world.prometheus.labels import NAME, Selection, quote
from cockpit.world.prometheus.series import Source
from cockpit.world.traffic.exposition import number


def openmetrics(source: Source, start: int, end: int) -> str:
    """All samples in [start, end] (ms), a family at a time. The format has no stale markers: they are left out."""
    families: dict[str, list[str]] = {}
    for series in source.select(Selection(()), start, end):
        if series is None:
            continue
        labels = dict(series.labels)
        name = labels.pop(NAME)
        head = name + "{" + ",".join(f"{key}={quote(value)}" for key, value in labels.items()) + "}"
        lines = families.setdefault(name, [])
        for stamp, value in zip(series.stamps, series.values, strict=True):
            if not isnan(value):
                lines.append(f"{head} {number(float(value))} {stamp / 1000!r}")
    # Without a TYPE every name is a family of its own and any of them may be scraped text's "unknown".
    return "".join("\n".join(lines) + "\n" for lines in families.values() if lines) + "# EOF\n"
