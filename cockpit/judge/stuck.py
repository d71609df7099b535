"""A step that stands still because its analysis is inconclusive or gets no data: said with its query and values."""

from __future__ import annotations

from cockpit.model.rollout import Check, CheckMetric, Rollout
from cockpit.model.verdict import State

_NOTHING = frozenset({"", "[]", "nan", "[nan]", "null", "none"})
_QUERY = 160  # characters of a query that still fit a sentence


def stuck(rollout: Rollout) -> tuple[State, str] | None:
    """(state, reason): ``blind`` where the check had no data, ``watch`` where its values decided nothing; else None."""
    if not rollout.in_flight or rollout.aborted:
        return None
    for check in reversed(rollout.checks):
        if rollout.paused_by == "inconclusive" and check.phase == "Inconclusive":
            return _said(rollout, check, "is inconclusive")
        if check.phase in ("Error", "Running") and (failing := _without_data(check)) is not None:
            return "blind", f"{_where(rollout, check)} gets no data: {_metric(failing)}"
    if rollout.paused_by == "inconclusive":
        return "watch", f"{_step(rollout)} is stuck on an inconclusive analysis whose run is gone"
    return None


def _said(rollout: Rollout, check: Check, how: str) -> tuple[State, str]:
    metric = next((one for one in check.metrics if one.phase == "Inconclusive"), None)
    if metric is None:
        return "watch", f"{_where(rollout, check)} {how}" + (f": {check.message}" if check.message else "")
    empty = (metric.value or "").strip().lower() in _NOTHING
    why = "has no data" if empty else how
    return ("blind" if empty else "watch"), f"{_where(rollout, check)} {why}: {_metric(metric)}"


def _without_data(check: Check) -> CheckMetric | None:
    """A metric whose queries failed and never gave a value."""
    return next(
        (one for one in check.metrics if one.error and not (one.successful or one.failed or one.inconclusive)), None
    )


def _metric(metric: CheckMetric) -> str:
    parts = [f"{metric.name} = {metric.value or 'nothing'}"]
    if metric.condition:
        parts.append(f"wanted {metric.condition}")
    if metric.error and metric.message:
        parts.append(metric.message)
    if metric.query:
        query = " ".join(metric.query.split())
        parts.append(f"query {query if len(query) <= _QUERY else query[: _QUERY - 1] + '…'}")
    return "; ".join(parts)


def _where(rollout: Rollout, check: Check) -> str:
    index = check.step_index if check.step_index is not None else rollout.step_index
    if check.origin == "step" and index is not None:
        return f"step {index + 1} is stuck: analysis {check.name}"
    return f"the {check.origin} analysis {check.name}"


def _step(rollout: Rollout) -> str:
    return f"step {rollout.step_index + 1}" if rollout.step_index is not None else "the rollout"
