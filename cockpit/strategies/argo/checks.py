"""Analysis runs become model.Check: what was asked, the newest value, and how often it failed (facts 3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from cockpit.base.clock import parse_time
from cockpit.base.text import clean
from cockpit.model.rollout import Check, CheckMetric
from cockpit.strategies.argo.names import HASH_LABEL, RUN_TYPE, STEP_INDEX
from cockpit.strategies.argo.rows import AnalysisRunRow, AnalysisRunSpec, AnalysisRunStatus
from cockpit.strategies.values import count, integer, mapping, number_text, objects, text

Origin = Literal["step", "background", "pre", "post", "other"]

_ORIGINS: dict[str, Origin] = {
    "Step": "step",
    "Background": "background",
    "PrePromotion": "pre",
    "PostPromotion": "post",
}
_DEFAULT_FAILURE_LIMIT = 0
BAD = ("Failed", "Error")


def checks(runs: Sequence[AnalysisRunRow], pod_hash: str | None) -> tuple[Check, ...]:
    """The runs of one version: the newest per origin and step, oldest first."""
    newest: dict[tuple[str, int | None], Check] = {}
    for row in sorted(runs, key=lambda row: (row.meta.creation_timestamp or "", row.meta.name)):
        if pod_hash and row.meta.labels.get(HASH_LABEL) == pod_hash:
            one = check(row)
            newest.pop((one.origin, one.step_index), None)
            newest[one.origin, one.step_index] = one
    return tuple(newest.values())


def failed_hashes(runs: Sequence[AnalysisRunRow]) -> frozenset[str]:
    """Versions with a failed run: the controller aborted them, so they were never good."""
    return frozenset(
        row.meta.labels[HASH_LABEL]
        for row in runs
        if row.status and row.status.phase in BAD and row.meta.labels.get(HASH_LABEL)
    )


def check(row: AnalysisRunRow) -> Check:
    spec, status = row.spec or AnalysisRunSpec(), row.status or AnalysisRunStatus()
    asked = {str(metric.get("name")): metric for metric in objects(spec.metrics)}
    results = {str(result.get("name")): result for result in objects(status.metric_results)}
    return Check(
        name=clean(row.meta.name, 253),
        origin=_ORIGINS.get(row.meta.labels.get(RUN_TYPE, ""), "other"),
        phase=text(status.phase, 32) or "Pending",
        message=text(status.message) or None,
        step_index=number_text(row.meta.labels.get(STEP_INDEX)),
        metrics=tuple(
            _metric(name, mapping(asked.get(name)), mapping(results.get(name)))
            for name in dict.fromkeys((*asked, *results))
        ),
        started_at=parse_time(status.started_at if isinstance(status.started_at, str) else None),
    )


def _metric(name: str, asked: dict[str, Any], result: dict[str, Any]) -> CheckMetric:
    measurements = objects(result.get("measurements"))
    newest = measurements[-1] if measurements else {}
    query = mapping(result.get("metadata")).get("ResolvedPrometheusQuery")
    if query is None:
        query = mapping(mapping(asked.get("provider")).get("prometheus")).get("query")
    conditions = [text(asked.get(member), 1024) for member in ("successCondition", "failureCondition")]
    limit = number_text(asked.get("failureLimit"))
    total = number_text(asked.get("count"))
    if total is None and asked and asked.get("interval") is None:
        total = 1  # without count and interval a metric is measured once
    return CheckMetric(
        name=clean(name, 253),
        phase=text(result.get("phase"), 32) or "Pending",
        count=count(result.get("count")),
        successful=count(result.get("successful")),
        failed=count(result.get("failed")),
        inconclusive=count(result.get("inconclusive")),
        error=count(result.get("error")),
        limit=_DEFAULT_FAILURE_LIMIT if limit is None and asked else limit,
        total=total,
        value=_value(newest.get("value")),
        condition=" / ".join(part for part in conditions if part) or None,
        query=text(query) or None,
        message=text(result.get("message")) or text(newest.get("message")) or None,
    )


def _value(value: Any) -> str | None:
    if isinstance(value, str):
        return clean(value, 120) or None
    return str(value) if integer(value) is not None or isinstance(value, float) else None
