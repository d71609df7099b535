"""The canary strategy of the world's Argo Rollouts controller, verb by verb, as the facts state it."""

from __future__ import annotations

from typing import Any

import pytest

from cockpit.base.clock import parse_time, rfc3339
from cockpit.world.contract import Change, Profile
from cockpit.world.controllers.rollouts.spec import seconds
from tests.world_lab import EPOCH, HASH, Lab, revision, rollout, routed, scaled, service

GATED = [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {"duration": "1m"}}]


def gated(lab: Lab, *, router: bool = False, replicas: int = 5, **canary: Any) -> None:
    """A Rollout at version 2, paused at its first gate."""
    strategy = routed(GATED, **canary) if router else {"canary": {"steps": GATED, **canary}}
    lab.apply(service("web"), service("web-canary"), rollout(strategy, replicas=replicas))
    lab.settle(30)
    assert lab.status()["phase"] == "Healthy"
    lab.image("r.test/web:2")
    lab.settle(30)
    assert lab.status()["message"] == "CanaryPauseStep"


def weight(lab: Lab) -> int:
    return int(lab.status()["canary"]["weights"]["canary"]["weight"])


def test_first_deploy_ignores_the_steps() -> None:
    lab = Lab()
    lab.apply(rollout(steps=GATED))
    lab.settle(1)
    status = lab.status()
    assert status["stableRS"] == status["currentPodHash"]
    assert (status["phase"], status["message"]) == ("Progressing", "updated replicas are still becoming available")
    lab.settle(30)
    assert lab.status()["phase"] == "Healthy"
    assert lab.status()["currentStepIndex"] == len(GATED)
    assert isinstance(lab.status()["observedGeneration"], str)


def test_clearing_the_pause_conditions_resumes_and_nothing_is_skipped() -> None:
    lab = Lab()
    gated(lab)
    status = lab.status()
    assert status["controllerPause"] is True
    assert [item["reason"] for item in status["pauseConditions"]] == ["CanaryPauseStep"]
    lab.resume()
    assert lab.status()["controllerPause"] is True  # how the controller tells a resume
    lab.settle(30)
    assert lab.status()["currentStepIndex"] == 3
    assert lab.events("Rollout", "RolloutStepCompleted")[-2:] == [
        "Rollout step 2/4 completed (pause)",
        "Rollout step 3/4 completed (setWeight: 60)",
    ]


def test_a_timed_pause_runs_out_by_itself_and_keeps_counting_while_paused_by_hand() -> None:
    lab = Lab()
    gated(lab)
    lab.resume()
    lab.until(lambda: lab.status()["currentStepIndex"] == 3 and "pauseConditions" in lab.status())
    started = parse_time(lab.status()["pauseConditions"][0]["startTime"])
    lab.spec({"paused": True})
    lab.settle(120)
    assert (lab.status()["phase"], lab.status()["message"]) == ("Paused", "manually paused")
    assert lab.status()["currentStepIndex"] == 3
    lab.spec({"paused": False})
    lab.settle(1)
    assert lab.status()["currentStepIndex"] == 4
    assert started is not None
    assert lab.clock.now() > started + 60


def test_paused_by_hand_stops_scaling_and_says_so_without_an_event() -> None:
    lab = Lab()
    gated(lab)
    lab.spec({"paused": True})
    lab.settle(5)
    paused_events = len(lab.events("Rollout", "RolloutPaused"))
    lab.spec({"replicas": 10})
    lab.settle(60)
    assert lab.status()["currentStepIndex"] == 1
    assert [scaled(rs) for rs in lab.sets()] == [4, 1]
    assert len(lab.events("Rollout", "RolloutPaused")) == paused_events
    lab.spec({"paused": False})
    lab.settle(20)
    assert [scaled(rs) for rs in lab.sets()] == [8, 2]


def test_both_pauses_released_at_once_go_on_and_one_after_the_other_pauses_again() -> None:
    lab = Lab()
    gated(lab)
    lab.spec({"paused": True})
    lab.settle(5)
    lab.resume()  # promote: status first, then spec, faster than the controller looks
    lab.spec({"paused": False})
    lab.settle(20)
    assert lab.status()["currentStepIndex"] == 3
    lab = Lab()
    gated(lab)
    lab.spec({"paused": True})
    lab.settle(5)
    lab.resume()
    lab.settle(5)
    lab.spec({"paused": False})
    lab.settle(20)
    assert (lab.status()["currentStepIndex"], lab.status()["message"]) == (1, "CanaryPauseStep")


def test_abort_returns_to_stable_and_retry_starts_over() -> None:
    lab = Lab()
    gated(lab)
    lab.resume()
    lab.settle(30)
    lab.patch_status({"abort": True})
    lab.settle(30)
    status = lab.status()
    assert (status["phase"], status["message"]) == (
        "Degraded",
        "RolloutAborted: Rollout aborted update to revision 2",
    )
    assert status["abort"] is True
    assert parse_time(status["abortedAt"]) is not None
    assert "pauseConditions" not in status
    assert status["currentStepIndex"] == 0
    assert [scaled(rs) for rs in lab.sets()] == [5, 0]
    lab.patch_status({"abort": False})
    lab.settle(1)
    assert lab.condition("Progressing")["reason"] in ("RolloutRetry", "ReplicaSetUpdated")
    lab.settle(30)
    assert lab.status()["message"] == "CanaryPauseStep"
    assert lab.status()["currentStepIndex"] == 1
    assert "abortedAt" not in lab.status()
    assert "RolloutRetry" in lab.events("Rollout")


def test_abort_under_a_manual_pause_reads_degraded_but_scales_only_when_resumed() -> None:
    lab = Lab()
    gated(lab)
    lab.spec({"paused": True})
    lab.patch_status({"abort": True})
    lab.settle(60)
    assert lab.status()["phase"] == "Degraded"
    assert [scaled(rs) for rs in lab.sets()] == [4, 1]
    lab.spec({"paused": False})
    lab.settle(30)
    assert [scaled(rs) for rs in lab.sets()] == [5, 0]


def test_abort_is_lost_while_promote_full_is_set() -> None:
    lab = Lab()
    gated(lab)
    lab.patch_status({"promoteFull": True})
    lab.settle(0.5)
    lab.patch_status({"abort": True})
    lab.settle(60)
    assert lab.status()["phase"] == "Healthy"
    assert "abort" not in lab.status()
    assert "promoteFull" not in lab.status()
    assert lab.events("Rollout", "RolloutCompleted")[-1].endswith(": Full promotion requested")


def test_promote_full_ships_an_aborted_update() -> None:
    lab = Lab()
    gated(lab)
    lab.patch_status({"abort": True})
    lab.settle(30)
    lab.patch_status({"promoteFull": True})
    lab.settle(60)
    status = lab.status()
    assert status["phase"] == "Healthy"
    assert status["stableRS"] == status["currentPodHash"]
    assert [scaled(rs) for rs in lab.sets()] == [0, 5]


def test_abort_of_a_promoted_canary_stays_degraded_until_retried() -> None:
    lab = Lab()
    lab.apply(rollout(steps=GATED))
    lab.settle(30)
    lab.patch_status({"abort": True})
    lab.settle(30)
    assert lab.status()["message"].startswith("RolloutAborted")
    assert [scaled(rs) for rs in lab.sets()] == [5]
    lab.patch_status({"abort": False})
    lab.settle(5)
    assert lab.status()["phase"] == "Healthy"


def test_going_back_to_the_stable_template_skips_the_steps_and_reuses_the_replicaset() -> None:
    lab = Lab()
    gated(lab)
    lab.patch_status({"abort": True})
    lab.settle(20)
    lab.image("r.test/web:1")
    lab.settle(20)
    status = lab.status()
    assert (status["phase"], status["currentStepIndex"]) == ("Healthy", 4)
    assert "abort" not in status
    assert lab.events("Rollout", "SkipSteps") == ["Rollback to stable ReplicaSets"]
    back = next(rs for rs in lab.sets() if scaled(rs))
    assert revision(back) == 3
    assert back["metadata"]["annotations"]["rollout.argoproj.io/revision-history"] == "1"
    assert lab.get("rollouts")["metadata"]["annotations"]["rollout.argoproj.io/revision"] == "3"


def test_a_template_read_from_its_replicaset_is_the_same_template() -> None:
    lab = Lab()
    gated(lab)
    old = lab.sets()[0]

    def undo(obj: dict[str, Any]) -> None:
        template = old["spec"]["template"]
        del template["metadata"]["labels"][HASH]
        obj["spec"]["template"] = template

    lab.objects.mutate("rollouts", "default", "web", undo, manager="kubectl")
    lab.settle(30)
    assert len(lab.sets()) == 2
    assert lab.status()["phase"] == "Healthy"


def test_changed_steps_start_over() -> None:
    lab = Lab()
    gated(lab)
    lab.resume()
    lab.settle(20)
    assert lab.status()["currentStepIndex"] == 3
    steps = [{"setWeight": 40}, {"pause": {}}]
    lab.spec({"strategy": {"canary": {"steps": steps}}})
    lab.settle(0.5)
    assert lab.status()["currentStepIndex"] == 0
    lab.settle(30)
    assert lab.status()["currentStepIndex"] == 1
    assert [scaled(rs) for rs in lab.sets()] == [3, 2]


def test_a_third_version_in_mid_update_drains_the_second() -> None:
    lab = Lab()
    gated(lab)
    lab.image("r.test/web:3")
    lab.settle(30)
    assert [scaled(rs) for rs in lab.sets()] == [4, 0, 1]
    assert lab.status()["message"] == "CanaryPauseStep"


def test_a_routed_canary_gets_weight_only_when_its_pods_serve() -> None:
    lab = Lab()
    lab.apply(service("web"), service("web-canary"), rollout(routed(GATED), replicas=4))
    lab.settle(30)
    wrong: list[Any] = []

    def listen(change: Change) -> None:
        if change.plural == "rollouts" and (change.object.get("status") or {}).get("canary", {}).get("weights"):
            weights = change.object["status"]["canary"]["weights"]
            if weights["canary"]["weight"] and len(lab.sets()) == 2:
                ready = lab.sets()[1].get("status", {}).get("availableReplicas", 0)
                if not ready:
                    wrong.append(weights)

    lab.objects.subscribe(listen)
    lab.image("r.test/web:2")
    lab.settle(30)
    assert wrong == []
    status = lab.status()
    assert status["canary"]["weights"] == {
        "canary": {"weight": 20, "serviceName": "web-canary", "podTemplateHash": status["currentPodHash"]},
        "stable": {"weight": 80, "serviceName": "web", "podTemplateHash": status["stableRS"]},
    }
    assert [scaled(rs) for rs in lab.sets()] == [4, 1]
    assert lab.get("services", "web-canary")["spec"]["selector"][HASH] == status["currentPodHash"]
    assert lab.get("services", "web")["spec"]["selector"][HASH] == status["stableRS"]
    notes = lab.get("services", "web")["metadata"]["annotations"]
    assert notes["argo-rollouts.argoproj.io/managed-by-rollouts"] == "web"
    assert status["message"] == "CanaryPauseStep"


def test_a_routed_abort_takes_traffic_away_at_once_and_pods_after_the_delay() -> None:
    lab = Lab()
    gated(lab, router=True, replicas=4)
    assert weight(lab) == 20
    lab.patch_status({"abort": True})
    lab.settle(1)
    assert weight(lab) == 0
    assert [scaled(rs) for rs in lab.sets()] == [4, 1]
    deadline = parse_time(lab.sets()[1]["metadata"]["annotations"]["scale-down-deadline"])
    assert deadline is not None
    assert 28 <= deadline - lab.clock.now() <= 30
    lab.settle(35)
    assert [scaled(rs) for rs in lab.sets()] == [4, 0]
    assert "scale-down-deadline" not in lab.sets()[1]["metadata"]["annotations"]


def test_abort_scale_down_delay_zero_keeps_the_canary() -> None:
    lab = Lab()
    gated(lab, router=True, replicas=4, abortScaleDownDelaySeconds=0)
    lab.patch_status({"abort": True})
    lab.settle(600)
    assert [scaled(rs) for rs in lab.sets()] == [4, 1]
    assert weight(lab) == 0


def test_after_promotion_the_old_pods_stay_for_the_scale_down_delay() -> None:
    lab = Lab()
    gated(lab, router=True, replicas=4, scaleDownDelaySeconds=120)
    lab.patch_status({"promoteFull": True})
    lab.until(lambda: lab.status()["stableRS"] == lab.status()["currentPodHash"])
    lab.settle(60)
    assert [scaled(rs) for rs in lab.sets()] == [4, 4]
    assert weight(lab) == 0
    lab.settle(70)
    assert [scaled(rs) for rs in lab.sets()] == [0, 4]


def test_dynamic_stable_scale_shrinks_stable_and_walks_back_on_abort() -> None:
    lab = Lab()
    gated(lab, router=True, replicas=10, dynamicStableScale=True)
    assert [scaled(rs) for rs in lab.sets()] == [8, 2]
    lab.resume()
    lab.until(lambda: weight(lab) == 60)
    lab.settle(10)
    assert [scaled(rs) for rs in lab.sets()] == [4, 6]
    seen: list[tuple[int, int]] = []

    def listen(change: Change) -> None:
        if change.plural == "rollouts":
            stable = lab.sets()[0].get("status", {}).get("availableReplicas", 0)
            seen.append((change.object["status"]["canary"]["weights"]["canary"]["weight"], stable))

    lab.objects.subscribe(listen)
    lab.patch_status({"abort": True})
    lab.settle(60)
    assert weight(lab) == 0
    assert all(100 - shown <= 10 * serving for shown, serving in seen)  # stable never gets more than it can carry
    assert [scaled(rs) for rs in lab.sets()] == [10, 0]


def test_set_canary_scale_holds_until_match_traffic_weight() -> None:
    lab = Lab()
    steps = [
        {"setCanaryScale": {"replicas": 3}},
        {"setWeight": 10},
        {"pause": {}},
        {"setCanaryScale": {"matchTrafficWeight": True}},
        {"pause": {}},
    ]
    lab.apply(service("web"), service("web-canary"), rollout(routed(steps), replicas=10))
    lab.settle(30)
    lab.image("r.test/web:2")
    lab.settle(30)
    assert ([scaled(rs) for rs in lab.sets()], weight(lab)) == ([10, 3], 10)
    lab.resume()
    lab.settle(30)
    assert ([scaled(rs) for rs in lab.sets()], weight(lab)) == ([10, 1], 10)


def test_routes_and_plugins_complete_at_once() -> None:
    lab = Lab()
    steps = [
        {"setWeight": 25},
        {"setHeaderRoute": {"name": "beta", "match": [{"headerName": "beta", "headerValue": {"exact": "1"}}]}},
        {"setMirrorRoute": {"name": "shadow", "percentage": 10}},
        {"plugin": {"name": "acme/approve"}},
        {"pause": {}},
    ]
    lab.apply(service("web"), service("web-canary"), rollout(routed(steps), replicas=4))
    lab.settle(30)
    lab.image("r.test/web:2")
    lab.settle(30)
    assert lab.status()["currentStepIndex"] == 4
    assert weight(lab) == 25


def test_an_experiment_step_runs_both_versions_and_passes() -> None:
    lab = Lab()
    templates = [{"name": "base", "specRef": "stable"}, {"name": "new", "specRef": "canary"}]
    steps = [{"experiment": {"duration": "2m", "templates": templates}}, {"pause": {}}]
    lab.apply(rollout(steps=steps))
    lab.settle(30)
    lab.image("r.test/web:2")
    lab.settle(30)
    (experiment,) = lab.objects.select("experiments")
    assert experiment["metadata"]["name"] == f"web-{lab.status()['currentPodHash']}-2-0"
    assert experiment["status"]["phase"] == "Running"
    assert lab.status()["currentStepIndex"] == 0
    lab.settle(120)
    assert lab.status()["currentStepIndex"] == 1
    lab.settle(30)
    (experiment,) = lab.objects.select("experiments")
    assert experiment["status"]["phase"] == "Successful"
    owned = lab.objects.owned("replicasets", experiment["metadata"]["uid"])
    assert [scaled(rs) for rs in owned] == [0, 0]


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


def test_a_crash_looping_canary_never_gets_weight() -> None:
    lab = Lab()
    lab.profiles.set("r.test/web:2", Profile(crash_after=1.0, start_seconds=3.0))
    lab.apply(service("web"), service("web-canary"), rollout(routed(GATED), replicas=4))
    lab.settle(30)
    lab.image("r.test/web:2")
    lab.settle(300)
    assert weight(lab) == 0
    assert lab.status()["currentStepIndex"] == 0


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
