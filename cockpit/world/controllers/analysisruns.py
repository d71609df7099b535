"""The AnalysisRun controller: measurements on their intervals, limits, phases and messages (facts 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from cockpit.base.clock import parse_time, rfc3339
from cockpit.world.contract import Change, Object, World
from cockpit.world.controllers.expr import ExpressionError, evaluate
from cockpit.world.controllers.kit import Key, Queue, integer, key_of, status_of
from cockpit.world.controllers.measure import Measured, measure
from cockpit.world.controllers.revisions import ROLLOUT
from cockpit.world.controllers.rollouts.spec import seconds

DONE = ("Successful", "Failed", "Error", "Inconclusive")
_SEVERITY = ("Successful", "Running", "Pending", "Inconclusive", "Error", "Failed")
_ERROR_RETRY = 10.0
_KEPT = 10
_COUNTS = {"Successful": "successful", "Failed": "failed", "Inconclusive": "inconclusive", "Error": "error"}


class AnalysisRuns:
    """Reconciles AnalysisRuns, whoever made them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._queue = Queue(world.clock, self._reconcile, 0.3)
        self.failures = self._queue.failures

    def notice(self, change: Change) -> None:
        if change.type != "DELETED" and status_of(change.object).get("phase") not in DONE:
            self._queue.add(key_of(change.object))

    def _reconcile(self, key: Key) -> None:
        run = self._world.objects.get("analysisruns", *key)
        if run is None or status_of(run).get("phase") in DONE:
            return
        now = self._world.clock.now()
        status: dict[str, Any] = dict(status_of(run))
        status.setdefault("startedAt", rfc3339(now))
        results = {item["name"]: item for item in status.get("metricResults") or ()}
        dry = [str(item.get("metricName")) for item in run["spec"].get("dryRun") or ()]
        stopping = bool(run["spec"].get("terminate")) or any(_ends_run(item) for item in results.values())
        wake: list[float] = []
        rows: list[dict[str, Any]] = []
        for metric in run["spec"].get("metrics") or ():
            row = results.get(metric["name"]) or {"name": metric["name"], "phase": "Running"}
            if any(fnmatchcase(metric["name"], pattern) for pattern in dry):
                row["dryRun"] = True
            if row["phase"] not in DONE:
                if stopping:
                    row["phase"], row["message"] = "Successful", "Metric Terminated"
                else:
                    due = _due(metric, row, status, now)
                    if due <= now:
                        taken = sum(row.get(name, 0) for name in _COUNTS.values())
                        self._record(run, metric, row, measure(self._world, run, metric, taken), now)
                        row["phase"], row["message"] = _assess(metric, row)
                        due = _due(metric, row, status, now)
                    if row["phase"] not in DONE:
                        wake.append(due)
                if not row.get("message"):
                    row.pop("message", None)
            rows.append(row)
            stopping = stopping or _ends_run(row)
        if stopping and wake:
            wake = [now + 0.5]
        status["metricResults"] = rows
        self._conclude(run, status, rows, now)

        def write(found: Object) -> None:
            found["status"] = status

        self._world.objects.mutate("analysisruns", *key, write, manager=ROLLOUT.manager)
        for at in wake:
            self._queue.wake(key, at)

    def _record(self, run: Object, metric: Mapping[str, Any], row: dict[str, Any], taken: Measured, now: float) -> None:
        phase, message = _verdict(metric, taken)
        stamp = rfc3339(now)
        item: dict[str, Any] = {"phase": phase, "startedAt": stamp, "finishedAt": stamp}
        if taken.value:
            item["value"] = taken.value
        if message:
            item["message"] = message
        if taken.metadata:
            row["metadata"] = dict(taken.metadata)
        limit = _KEPT
        for rule in run["spec"].get("measurementRetention") or ():
            if fnmatchcase(metric["name"], str(rule.get("metricName", ""))):
                limit = integer(rule.get("limit"), _KEPT)
        row["measurements"] = [*(row.get("measurements") or ()), item][-limit:]
        counter = _COUNTS[phase]
        row[counter] = row.get(counter, 0) + 1
        row["count"] = sum(row.get(name, 0) for name in ("successful", "failed", "inconclusive"))
        row["consecutiveError"] = row.get("consecutiveError", 0) + 1 if phase == "Error" else 0
        row["consecutiveSuccess"] = row.get("consecutiveSuccess", 0) + 1 if phase == "Successful" else 0

    @staticmethod
    def _conclude(run: Object, status: dict[str, Any], rows: list[dict[str, Any]], now: float) -> None:
        """The run's own phase and summaries, from its metrics."""
        for field, dry in (("runSummary", False), ("dryRunSummary", True)):
            chosen = [row for row in rows if bool(row.get("dryRun")) == dry]
            if not chosen and dry:
                continue
            summary: dict[str, int] = {"count": len(chosen)}
            for row in chosen:
                if row["phase"] in _COUNTS:
                    summary[_COUNTS[row["phase"]]] = summary.get(_COUNTS[row["phase"]], 0) + 1
            status[field] = summary
        if any(row["phase"] not in DONE for row in rows):
            status["phase"] = "Running"
            return
        judged = [row for row in rows if not row.get("dryRun")]
        worst = max(judged, key=lambda row: _SEVERITY.index(row["phase"]), default=None)
        status["phase"] = worst["phase"] if worst is not None else "Successful"
        status["completedAt"] = rfc3339(now)
        if worst is not None and worst["phase"] != "Successful":
            status["message"] = f'Metric "{worst["name"]}" assessed {worst["phase"]} due to {worst.get("message", "")}'
        elif run["spec"].get("terminate"):
            status["message"] = "Run Terminated"


def _ends_run(row: Mapping[str, Any]) -> bool:
    """One bad metric ends the whole run; a dry one never does."""
    return row["phase"] in ("Failed", "Error", "Inconclusive") and not row.get("dryRun")


def _due(metric: Mapping[str, Any], row: Mapping[str, Any], status: Mapping[str, Any], now: float) -> float:
    """When the next measurement is to be taken."""
    measurements = row.get("measurements") or ()
    if not measurements:
        start = parse_time(status["startedAt"]) or now
        return start + (seconds(metric.get("initialDelay")) or 0.0)
    last = parse_time(measurements[-1]["finishedAt"]) or now
    if measurements[-1]["phase"] == "Error":
        return last + _ERROR_RETRY
    return last + (seconds(metric.get("interval")) or _ERROR_RETRY)


def _verdict(metric: Mapping[str, Any], taken: Measured) -> tuple[str, str]:
    """(phase, message) of one measurement."""
    if taken.error:
        return "Error", taken.error
    good, bad = metric.get("successCondition"), metric.get("failureCondition")
    try:
        failed = bool(bad) and evaluate(str(bad), taken.result)
        passed = bool(good) and evaluate(str(good), taken.result)
    except ExpressionError as error:
        return "Error", str(error)
    if failed or (good and not bad and not passed):
        return "Failed", ""
    if good and bad and not passed:
        return "Inconclusive", ""
    return "Successful", ""


def _limit(metric: Mapping[str, Any], name: str, default: int) -> int:
    text = str(metric.get(name, default))
    return int(text) if text.lstrip("-").isdigit() else default


def _assess(metric: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[str, str]:
    """(phase, message) of a metric after a measurement."""
    limit = _limit(metric, "failureLimit", 0)
    if 0 <= limit < row.get("failed", 0):
        return "Failed", f"failed ({row['failed']}) > failureLimit ({limit})"
    limit = _limit(metric, "inconclusiveLimit", 0)
    if 0 <= limit < row.get("inconclusive", 0):
        return "Inconclusive", f"inconclusive ({row['inconclusive']}) > inconclusiveLimit ({limit})"
    limit = _limit(metric, "consecutiveErrorLimit", 4)
    if 0 <= limit < row.get("consecutiveError", 0):
        last = (row.get("measurements") or [{}])[-1].get("message", "")
        text = f"consecutiveErrors ({row['consecutiveError']}) > consecutiveErrorLimit ({limit})"
        return "Error", f'{text}: "Error Message: {last}"'
    wanted = _limit(metric, "consecutiveSuccessLimit", 0)
    if wanted and row.get("consecutiveSuccess", 0) >= wanted:
        return "Successful", ""
    count = _limit(metric, "count", 0) or (0 if metric.get("interval") else 1)
    if count and row.get("count", 0) >= count:
        return "Successful", ""
    return "Running", ""
