"""What surrounds the steps of a Rollout: windows, deadlines, restarts, metadata, history, validation, workloadRef."""

from __future__ import annotations

from typing import Any

import pytest

from cockpit.base.clock import rfc3339
from cockpit.world.contract import Profile
from cockpit.world.controllers.rollouts.spec import seconds
from tests.world_lab import EPOCH, GATED, Lab, gated, revision, rollout, scaled, service


@pytest.mark.parametrize(("window", "index"), [({"revisions": 2}, 4), (None, 1)])
def test_a_rollback_within_the_window_skips_steps(window: dict[str, int] | None, index: int) -> None:
    lab = Lab()
    spec = {"rollbackWindow": window} if window else {}
    lab.apply(rollout(steps=GATED, **spec))
    lab.settle(30)
    for number in (2, 3):
        lab.image(f"r.test/web:{number}")
        lab.settle(1)
        lab.patch_status({"promoteFull": True})
        lab.settle(60)
    lab.image("r.test/web:2")
    lab.settle(60)
    assert lab.status()["currentStepIndex"] == index
    if window:
        assert lab.status()["phase"] == "Healthy"
        assert lab.events("Rollout", "RolloutCompleted")[-1].endswith(": Rollback within window")


def test_the_progress_deadline_degrades_and_aborts_when_asked() -> None:
    lab = Lab()
    lab.profiles.set("r.test/web:2", Profile(never_ready=True))
    lab.apply(rollout(steps=GATED, progressDeadlineSeconds=60))
    lab.settle(30)
    lab.image("r.test/web:2")
    lab.settle(50)
    assert lab.status()["phase"] == "Progressing"
    lab.settle(20)
    name = lab.sets()[1]["metadata"]["name"]
    assert lab.status()["message"] == f'ProgressDeadlineExceeded: ReplicaSet "{name}" has timed out progressing.'
    lab.spec({"progressDeadlineAbort": True})
    lab.image("r.test/web:3")
    lab.profiles.set("r.test/web:3", Profile(never_ready=True))
    lab.settle(90)
    assert lab.status()["message"].startswith("RolloutAborted: Rollout aborted update to revision 3")
    assert lab.status()["abort"] is True
    lab.settle(60)
    assert [scaled(rs) for rs in lab.sets()] == [5, 0, 0]


def test_a_long_pause_is_no_lack_of_progress() -> None:
    lab = Lab()
    gated(lab)
    lab.settle(3600)
    assert lab.status()["phase"] == "Paused"
    lab.resume()
    lab.settle(30)
    assert lab.status()["phase"] in ("Paused", "Progressing")


def test_restart_evicts_old_pods_a_few_at_a_time_without_a_revision() -> None:
    lab = Lab()
    lab.apply(rollout(steps=GATED, replicas=4))
    lab.settle(30)
    before = {pod["metadata"]["uid"] for pod in lab.pods(lab.sets()[0])}
    fewest: list[int] = []
    lab.objects.subscribe(lambda change: fewest.append(lab.status().get("availableReplicas", 0)))
    lab.spec({"restartAt": rfc3339(lab.clock.now())})
    lab.settle(0.5)
    assert lab.status()["message"] == "rollout is restarting"
    lab.settle(120)
    after = {pod["metadata"]["uid"] for pod in lab.pods(lab.sets()[0])}
    assert not before & after
    assert len(after) == 4
    assert min(fewest) == 3
    assert (lab.status()["phase"], revision(lab.sets()[0])) == ("Healthy", 1)


def test_a_disruption_budget_holds_a_restart_back() -> None:
    lab = Lab()
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app": "web"}}},
    }
    lab.apply(budget, rollout(replicas=3))
    lab.settle(30)
    lab.spec({"restartAt": rfc3339(lab.clock.now())})
    lab.settle(120)
    assert lab.status()["message"] == "rollout is restarting"
    assert "restartedAt" not in lab.status()


def test_ephemeral_metadata_follows_the_role() -> None:
    lab = Lab()
    marks = {"canaryMetadata": {"labels": {"role": "canary"}}, "stableMetadata": {"labels": {"role": "stable"}}}
    gated(lab, **marks)
    old, new = lab.sets()
    assert {pod["metadata"]["labels"]["role"] for pod in lab.pods(new)} == {"canary"}
    assert {pod["metadata"]["labels"]["role"] for pod in lab.pods(old)} == {"stable"}
    assert old["metadata"]["annotations"]["rollout.argoproj.io/ephemeral-metadata"] == '{"labels":{"role":"stable"}}'
    lab.patch_status({"promoteFull": True})
    lab.settle(60)
    old, new = lab.sets()
    assert {pod["metadata"]["labels"]["role"] for pod in lab.pods(new)} == {"stable"}
    assert "role" not in old["spec"]["template"]["metadata"]["labels"]


def test_old_revisions_beyond_the_limit_are_deleted() -> None:
    lab = Lab()
    lab.apply(rollout(revisionHistoryLimit=2, replicas=1))
    for number in range(2, 7):
        lab.settle(30)
        lab.image(f"r.test/web:{number}")
    lab.settle(60)
    assert [revision(rs) for rs in lab.sets()] == [4, 5, 6]


def test_scaling_keeps_the_ratio_of_the_step() -> None:
    lab = Lab()
    gated(lab)
    lab.spec({"replicas": 10})
    lab.settle(60)
    assert [scaled(rs) for rs in lab.sets()] == [8, 2]
    assert lab.status()["message"] == "CanaryPauseStep"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"strategy": {}}, "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'"),
        ({"strategy": {"canary": {"steps": [{"setWeight": 120}]}}}, "SetWeight needs to be between 0 and 100"),
        ({"strategy": {"canary": {"steps": [{}]}}}, "Step must have one of the following set"),
        ({"strategy": {"canary": {"steps": [{"setCanaryScale": {"replicas": 1}}]}}}, "requires TrafficRouting"),
        ({"strategy": {"canary": {"steps": [{"pause": {"duration": "soon"}}]}}}, "Duration must be a valid time"),
        ({"strategy": {"canary": {"stableService": "gone"}}}, 'service "gone" not found'),
        ({"strategy": {"blueGreen": {}}}, "activeService is required"),
        ({"selector": {"matchLabels": {"app": "other"}}}, "`selector` does not match template `labels`"),
        ({"workloadRef": {"name": "gone"}}, 'spec.workloadRef.name: Not found: "gone"'),
        (
            {"strategy": {"canary": {"steps": [{"analysis": {"templates": [{"templateName": "gone"}]}}]}}},
            "AnalysisTemplate 'gone' not found",
        ),
    ],
)
def test_an_invalid_spec_is_degraded_and_named(change: dict[str, Any], says: str) -> None:
    lab = Lab()
    lab.apply(rollout(**change))
    lab.settle(5)
    status = lab.status()
    assert status["phase"] == "Degraded"
    assert status["message"].startswith('InvalidSpec: The Rollout "web" is invalid: ')
    assert says in status["message"]
    assert lab.sets() == []


def test_an_invalid_spec_heals_within_twenty_seconds() -> None:
    lab = Lab()
    lab.apply(rollout({"canary": {"stableService": "late"}}))
    lab.settle(5)
    lab.apply(service("late"))
    lab.settle(50)
    assert lab.status()["phase"] == "Healthy"


def test_workload_ref_takes_template_and_generation_from_the_deployment() -> None:
    lab = Lab()
    body = rollout(steps=GATED)
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "source"}
    source = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "source", "namespace": "default"},
        "spec": {"replicas": 2, "selector": body["spec"]["selector"], "template": body["spec"].pop("template")},
    }
    del body["spec"]["selector"]
    body["spec"]["workloadRef"] = {**reference, "scaleDown": "onsuccess"}
    lab.apply(source, body)
    lab.settle(60)
    assert lab.status()["phase"] == "Healthy"
    assert lab.get("deployments", "source")["spec"]["replicas"] == 0
    lab.image("r.test/web:2", "source", "deployments")
    lab.settle(30)
    assert lab.status()["message"] == "CanaryPauseStep"
    generation = lab.get("deployments", "source")["metadata"]["generation"]
    assert lab.status()["workloadObservedGeneration"] == str(generation)
    notes = lab.get("rollouts")["metadata"]["annotations"]
    assert notes["rollout.argoproj.io/workload-generation"] == str(generation)
    assert "template" not in lab.get("rollouts")["spec"]


@pytest.mark.parametrize(
    ("text", "value"),
    [(30, 30.0), ("30", 30.0), ("1h30m", 5400.0), ("1.5s", 1.5), ("5m30", None), ("x", None), (None, None)],
)
def test_durations(text: object, value: float | None) -> None:
    assert seconds(text) == value


def test_the_same_seed_gives_the_same_history() -> None:
    def history() -> list[Any]:
        lab = Lab(7)
        rows: list[Any] = []
        lab.objects.subscribe(lambda c: rows.append((lab.clock.now() - EPOCH, c.type, c.plural, c.object)))
        gated(lab)
        return rows

    assert history() == history()
