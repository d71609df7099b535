"""AnalysisRuns: measurements, limits, conditions, and what they do to the Rollout that made them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from cockpit.world.contract import Profile
from cockpit.world.controllers.expr import ExpressionError, evaluate
from tests.world_lab import HASH, Lab, rollout, scaled

QUERY = 'sum(rate(http_requests_total{hash="{{args.hash}}",code=~"5.."}[1m]))'
LATEST = [{"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}]


def template(lab: Lab, **metric: Any) -> None:
    body = {"name": "errors", "provider": {"prometheus": {"query": QUERY}}, **metric}
    lab.apply(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AnalysisTemplate",
            "metadata": {"name": "check", "namespace": "default"},
            "spec": {"args": [{"name": "hash"}], "metrics": [body]},
        }
    )


def update(lab: Lab, *, background: bool = False, values: list[float] | None = None, **spec: Any) -> None:
    """A Rollout at version 2 with the check as first step (after 20 %) or in the background."""
    check = {"templates": [{"templateName": "check"}], "args": LATEST}
    steps: list[dict[str, Any]] = [
        {"setWeight": 20},
        {"pause": {}} if background else {"analysis": check},
        {"pause": {}},
    ]
    canary: dict[str, Any] = {"steps": steps}
    if background:
        canary["analysis"] = {**check, "startingStep": 1}
    if values is not None:
        lab.profiles.script("default", "web", "errors", values)
    lab.apply(rollout({"canary": canary}, **spec))
    lab.settle(30)
    lab.image("r.test/web:2")
    lab.settle(20)


def run(lab: Lab) -> dict[str, Any]:
    return lab.objects.select("analysisruns")[-1]


def test_a_successful_step_advances() -> None:
    lab = Lab()
    template(lab, interval="10s", count=3, successCondition="result[0] < 0.01")
    update(lab, values=[0.001])
    assert lab.status()["canary"]["currentStepAnalysisRunStatus"]["status"] == "Running"
    lab.settle(60)
    found = run(lab)
    assert found["metadata"]["name"] == f"web-{lab.status()['currentPodHash']}-2-1"
    assert found["metadata"]["labels"] | {"rollout-type": "Step", "step-index": "1"} == found["metadata"]["labels"]
    assert found["spec"]["args"] == [{"name": "hash", "value": lab.status()["currentPodHash"]}]
    (metric,) = found["status"]["metricResults"]
    assert (found["status"]["phase"], metric["count"], metric["successful"]) == ("Successful", 3, 3)
    assert [item["value"] for item in metric["measurements"]] == ["[0.001]"] * 3
    assert lab.status()["currentPodHash"] in metric["metadata"]["ResolvedPrometheusQuery"]
    assert found["status"]["runSummary"] == {"count": 1, "successful": 1}
    assert lab.status()["currentStepIndex"] == 2
    assert "currentStepAnalysisRunStatus" not in lab.status()["canary"]
    assert {"AnalysisRunRunning", "AnalysisRunSuccessful"} <= set(lab.events("Rollout"))


def test_a_failed_step_aborts_and_says_why() -> None:
    lab = Lab()
    template(lab, interval="10s", count=5, failureLimit=1, successCondition="result[0] < 0.01")
    update(lab, values=[0.001, 0.2, 0.001, 0.3])
    lab.settle(60)
    why = 'Metric "errors" assessed Failed due to failed (2) > failureLimit (1)'
    assert run(lab)["status"]["message"] == why
    assert lab.status()["message"] == (
        f"RolloutAborted: Rollout aborted update to revision 2: Step-based analysis phase error/failed: {why}"
    )
    lab.settle(30)
    assert [scaled(rs) for rs in lab.sets()] == [5, 0]


def test_retry_measures_anew() -> None:
    lab = Lab()
    template(lab, successCondition="result[0] < 0.01")
    update(lab, values=[0.2])
    assert lab.status()["phase"] == "Degraded"
    lab.profiles.script("default", "web", "errors", [0.001])
    lab.patch_status({"abort": False})
    lab.settle(30)
    assert lab.status()["currentStepIndex"] == 2
    names = [item["metadata"]["name"] for item in lab.objects.select("analysisruns")]
    assert names[1] == f"{names[0]}.1"


def test_inconclusive_pauses_and_clearing_the_pause_runs_the_check_again() -> None:
    lab = Lab()
    template(lab, successCondition="result[0] < 0.01", failureCondition="result[0] > 0.1")
    update(lab, values=[0.05])
    status = lab.status()
    assert (status["phase"], status["message"]) == ("Paused", "InconclusiveAnalysisRun")
    assert status["canary"]["currentStepAnalysisRunStatus"]["status"] == "Inconclusive"
    assert status["controllerPause"] is True
    lab.profiles.script("default", "web", "errors", [0.001])
    lab.resume()
    lab.settle(20)
    assert len(lab.objects.select("analysisruns")) == 2
    assert (lab.status()["currentStepIndex"], lab.status()["message"]) == (2, "CanaryPauseStep")


def test_inconclusive_accepted_goes_on_without_another_run() -> None:
    lab = Lab()
    template(lab, successCondition="result[0] < 0.01", failureCondition="result[0] > 0.1")
    update(lab, values=[0.05])
    lab.patch_status({"pauseConditions": None, "controllerPause": False, "currentStepIndex": 2})
    lab.settle(20)
    assert len(lab.objects.select("analysisruns")) == 1
    assert (lab.status()["currentStepIndex"], lab.status()["message"]) == (2, "CanaryPauseStep")


def test_errors_are_retried_every_ten_seconds_then_end_the_run() -> None:
    lab = Lab()
    template(lab, successCondition="result[0] < 0.01")
    update(lab, values=[math.inf])
    lab.settle(90)
    (metric,) = run(lab)["status"]["metricResults"]
    assert run(lab)["status"]["phase"] == "Error"
    assert (metric["error"], metric["consecutiveError"]) == (5, 5)
    assert metric["message"].startswith("consecutiveErrors (5) > consecutiveErrorLimit (4)")
    assert lab.status()["phase"] == "Degraded"


def test_a_background_check_aborts_in_the_middle_of_a_pause() -> None:
    lab = Lab()
    template(lab, interval="30s", successCondition="result[0] < 0.01")
    update(lab, background=True, values=[0.001, 0.001, 0.2])
    found = run(lab)
    assert found["metadata"]["labels"]["rollout-type"] == "Background"
    assert lab.status()["message"] == "CanaryPauseStep"
    lab.settle(90)
    assert "Background analysis phase error/failed" in lab.status()["message"]


def test_a_background_check_ends_with_the_rollout() -> None:
    lab = Lab()
    template(lab, interval="30s", successCondition="result[0] < 0.01")
    update(lab, background=True, values=[0.001])
    lab.patch_status({"promoteFull": True})
    lab.settle(60)
    assert lab.status()["phase"] == "Healthy"
    assert run(lab)["status"]["phase"] == "Successful"
    assert run(lab)["status"]["message"] == "Run Terminated"


def test_terminating_an_endless_check_advances() -> None:
    lab = Lab()
    template(lab, interval="30s", successCondition="result[0] < 0.01")
    update(lab, values=[0.001])
    name = run(lab)["metadata"]["name"]
    lab.objects.mutate("analysisruns", "default", name, lambda obj: obj["spec"].update(terminate=True))
    lab.settle(20)
    assert run(lab)["status"]["phase"] == "Successful"
    assert lab.status()["currentStepIndex"] == 2


def test_measurements_are_kept_to_the_last_ten() -> None:
    lab = Lab()
    template(lab, interval="5s", count=14, successCondition="result[0] < 0.01")
    update(lab, values=[0.001])
    lab.settle(120)
    (metric,) = run(lab)["status"]["metricResults"]
    assert (len(metric["measurements"]), metric["count"]) == (10, 14)


@pytest.mark.parametrize(("error_rate", "phase"), [(0.001, "Paused"), (0.2, "Degraded")])
def test_without_a_script_the_fault_profile_is_measured(error_rate: float, phase: str) -> None:
    lab = Lab()
    lab.profiles.set("r.test/web:2", Profile(error_rate=error_rate))
    template(lab, successCondition="result[0] < 0.01")
    update(lab)
    assert lab.status()["phase"] == phase


def test_a_dry_run_metric_never_fails_the_run() -> None:
    lab = Lab()
    body = {"name": "errors", "provider": {"prometheus": {"query": QUERY}}, "successCondition": "result[0] < 0.01"}
    spec = {"metrics": [body], "dryRun": [{"metricName": "err.*"}, {"metricName": "errors"}]}
    lab.profiles.script("default", "", "errors", [0.9])
    run_body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": {"name": "dry"}, "spec": spec}
    lab.apply(run_body)
    lab.settle(10)
    status = lab.get("analysisruns", "dry")["status"]
    assert status["phase"] == "Successful"
    assert status["dryRunSummary"] == {"count": 1, "failed": 1}


@pytest.mark.parametrize(
    ("text", "result", "expected"),
    [
        ("result[0] >= 0.95", [0.96], True),
        ("result < 5 && result != 3", 3, False),
        ("len(result) == 0 || result[0] > 1", [], True),
        ("isNaN(result[0]) ? true : result[0] < 0.1", [math.nan], True),
        ("!isInf(result) and result in [1, 2, 3]", 2, True),
        ("all(result, {# > 0.5})", [0.6, 0.7], True),
        ("any(result, {# > 0.65})", [0.6, 0.7], True),
        ("asInt('4') + 2 * 3 == 10", None, True),
        ("default(result, 0) < 1", None, True),
        ("result.status == 'ok' and result.items[1] > -1", {"status": "ok", "items": [0, 1]}, True),
        ("-result[0] % 2 == -1 or not (1 < 2)", [3], False),
    ],
)
def test_conditions(text: str, result: Any, expected: bool) -> None:
    assert evaluate(text, result) is expected


@pytest.mark.parametrize(
    "text", ["result[0", "result ==", "1 +", "nonsense(1)", "result[5] > 1", "1", "result @ 2", ""]
)
def test_bad_conditions_are_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, [1.0])


def test_the_runs_selector_labels_carry_the_hash() -> None:
    lab = Lab()
    template(lab, successCondition="result[0] < 0.01")
    update(lab, values=[0.001])
    assert run(lab)["metadata"]["labels"][HASH] == lab.status()["currentPodHash"]
    assert run(lab)["metadata"]["labels"]["app"] == "web"
