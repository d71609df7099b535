"""Objectives that others already declared: SLOs discovered from the series of Sloth and Pyrra (facts 2).

Sloth: ``slo:objective:ratio`` and its kin, labelled ``sloth_service`` and ``sloth_slo``. Pyrra (with generic rules):
``pyrra_objective``, ``pyrra_window`` in seconds, ``pyrra_availability``, labelled ``slo``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from cockpit.base.text import clean
from cockpit.config import SloSettings
from cockpit.metrics.answers import Labels, Row
from cockpit.metrics.client import OVERLOAD, QUERY, TIMEOUT, Prometheus, PrometheusError
from cockpit.model.rollout import Rollout

EVERY = 300.0
"""Seconds of evidence time between two looks: objectives change with their rules."""

_SLOTH = {
    "slo:objective:ratio": "objective",
    "slo:time_period:days": "days",
    "slo:period_error_budget_remaining:ratio": "remaining",
}
_PYRRA = {"pyrra_objective": "objective", "pyrra_window": "seconds", "pyrra_availability": "availability"}
QUERY_TEXT = '{__name__=~"' + "|".join((*_SLOTH, *_PYRRA)) + '"}'
_SERVICE = ("sloth_service", "service", "app", "app_kubernetes_io_name", "deployment", "workload")
_OWN_NAMES = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app")
_MOST = 5_000  # series; more than that are no objectives


class Objective(NamedTuple):
    """One declared SLO. ``remaining`` of its error budget (ratio, below 0 when overspent), None where not exposed."""

    service: str
    namespace: str | None
    name: str
    objective: float
    period_days: float
    remaining: float | None
    origin: str  # "Sloth", "Pyrra"

    def settings(self) -> SloSettings:
        """As if it stood in the config file."""
        return SloSettings(name=self.name, match="*/*", objective=self.objective, period_days=self.period_days)


class Objectives:
    """Looks now and then; what was found stays until the next look that succeeds."""

    def __init__(self) -> None:
        self._found: dict[str, list[Objective]] = {}
        self._at = -math.inf

    async def refresh(self, client: Prometheus, now: float) -> None:
        """Raises PrometheusError only when nothing else could be asked either."""
        if now - self._at < EVERY:
            return
        self._at = now
        try:
            answer = await client.query(QUERY_TEXT, now)
        except PrometheusError as error:
            if error.code not in (QUERY, OVERLOAD, TIMEOUT):
                self._at = -math.inf
                raise
            return
        self._found = {}
        for found in read(answer.rows[:_MOST]):
            self._found.setdefault(found.service, []).append(found)

    def of(self, rollout: Rollout) -> Objective | None:
        """The objective of the service that a rollout is: by its name or its usual labels."""
        names = [rollout.key.name, *(rollout.labels.get(label, "") for label in _OWN_NAMES)]
        for name in names:
            for found in self._found.get(name, ()):
                if found.namespace in (None, rollout.key.namespace):
                    return found
        return None


def read(rows: Iterable[Row]) -> list[Objective]:
    """Objectives out of the series of both tools; what is no number between 0 and 1 is left out."""
    values: dict[tuple[str, str, str | None, str], dict[str, float]] = {}
    for row in rows:
        metric = row.labels.get("__name__", "")
        value = row.points[-1][1] if row.points else math.nan
        if not math.isfinite(value):
            continue
        if metric in _SLOTH:
            service, name = row.labels.get("sloth_service", ""), row.labels.get("sloth_slo", "")
            # The namespace on these series is that of the rules, not of the workload.
            values.setdefault((service, name, None, "Sloth"), {})[_SLOTH[metric]] = value
        elif metric in _PYRRA:
            name = row.labels.get("slo", "")
            key = (_service(row.labels) or name, name, row.labels.get("namespace"), "Pyrra")
            values.setdefault(key, {})[_PYRRA[metric]] = value
    found = []
    for (service, name, namespace, origin), numbers in sorted(values.items(), key=lambda item: item[0][:2]):
        objective = numbers.get("objective", 0.0)
        if not service or not 0.0 < objective < 1.0:
            continue
        days = numbers.get("days") or numbers.get("seconds", 0.0) / 86_400.0 or 30.0
        remaining = numbers.get("remaining")
        if remaining is None and "availability" in numbers:
            remaining = 1.0 - (1.0 - numbers["availability"]) / (1.0 - objective)
        found.append(Objective(clean(service, 253), namespace, clean(name, 120), objective, days, remaining, origin))
    return found


def _service(labels: Labels) -> str:
    return next((labels[name] for name in _SERVICE if labels.get(name)), "")
