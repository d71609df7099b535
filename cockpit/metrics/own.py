"""SLIs of the user's own: two counters picked by selectors in the config file, counted like requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from cockpit.base.errors import ConfigError
from cockpit.config import JudgeSettings, SliSettings
from cockpit.metrics.answers import Labels, Row
from cockpit.metrics.presets import plain_selector
from cockpit.metrics.promql import fill
from cockpit.model.evidence import Counts, Sli
from cockpit.model.resource import Key
from cockpit.model.sli import STANDARD

PART = "cockpit_part"
"""Label that tells the two counters of one answer apart."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class OwnSli(NamedTuple):
    """One ``[[sli]]``. ``where_`` names the setting for errors: file, line and name."""

    sli: Sli
    match: str
    total: str | None
    errors: str | None
    good: str | None
    namespace: str
    pod: str
    setting: str
    fault: str | None = None
    """Why it cannot be asked for; it alone is blind then."""

    def where(self, labels: Labels) -> tuple[str, str]:
        return labels.get(self.namespace, ""), labels.get(self.pod, "")

    def part(self, row: Row) -> str:
        return row.labels.get(PART, "total")

    def query(self, scope: Mapping[str, str]) -> str:
        """Both counters in one question, every series with the part it belongs to."""
        values = dict(scope)
        parts = []
        for part, selector in (("total", self.total), ("other", self.errors or self.good)):
            if selector is not None:
                parts.append(f'label_replace({fill(selector, values, self.setting)}, "{PART}", "{part}", "", "")')
        return " or ".join(parts)

    def counts(self, total: int, other: int, requests: int) -> Counts:
        """Of one step and arm. Transactions (``volume``) are counted against the requests that could have made one."""
        if self.sli.kind == "volume":
            return Counts(other if self.good is not None else total, requests)
        bad = other if self.errors is not None else total - other
        return Counts(min(max(bad, 0), total), total)


def own_slis(settings: Iterable[SliSettings], judge: JudgeSettings, source: str) -> dict[str, OwnSli]:
    """The user's SLIs by name. One that cannot be used carries its fault, naming the file, the line and the SLI."""
    found: dict[str, OwnSli] = {}
    for entry in settings:
        line = f" line {entry.line}" if entry.line is not None else ""
        setting = f"{source}{line}: sli {entry.name!r}"
        fault = entry.fault or _fault(entry, setting)
        name = entry.name
        while name in found or name in STANDARD:
            fault = fault or f"{setting}: there are two of this name"
            name += "'"  # the second of two: both are shown, and only this one is blind
        sli = Sli(
            name,
            entry.kind,
            "ratio",
            limit=entry.limit,
            k=entry.k or judge.ratio,
            ceiling=entry.limit if entry.kind == "errors" else None,
        )
        found[name] = OwnSli(
            sli, entry.match, entry.total, entry.errors, entry.good, entry.namespace, entry.pod, setting, fault
        )
    return found


def _fault(entry: SliSettings, setting: str) -> str | None:
    """What is wrong with one ``[[sli]]`` that is complete."""
    if _NAME.fullmatch(entry.name) is None:
        return f"{setting}: a name is lower case letters, digits, - and _, 32 at most"
    try:
        for key in ("total", "errors", "good"):
            if (selector := getattr(entry, key)) is not None:
                plain_selector(selector, f"{setting}: {key}")
    except ConfigError as error:
        return str(error)
    return None


def of(key: Key, own: dict[str, OwnSli]) -> dict[str, OwnSli]:
    """Those that are meant for one rollout."""
    return {name: sli for name, sli in own.items() if fnmatchcase(str(key), sli.match)}
