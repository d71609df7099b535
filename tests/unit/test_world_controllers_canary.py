"""The canary strategy of the world's Argo Rollouts controller, verb by verb, as the facts state it."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import parse_time
from tests.world_lab import GATED, HASH, Lab, gated, revision, rollout, scaled


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


def test_the_event_of_an_update_names_the_revision_it_will_have() -> None:
    lab = Lab()
    lab.apply(rollout())
    for number in (2, 3, 1):
        lab.settle(60)
        lab.image(f"r.test/web:{number}")
    lab.settle(60)
    started = lab.events("Rollout", "RolloutNotCompleted")
    assert [text.split("revision ")[1].split(" ")[0] for text in started] == ["2", "3", "4"]
    assert len(lab.events("Rollout", "RolloutUpdated")) == 4


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
