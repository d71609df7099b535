"""Each verb does exactly what it says, on workloads that kubectl made; what became of them is asked of kubectl."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.stage import AGENT, SPACE, Stage
from tests.harness import manifests


def pauses(status: dict[str, Any]) -> list[str]:
    return [each["reason"] for each in status.get("pauseConditions") or []]


@pytest.mark.parametrize("routed", [False, True], ids=["basic", "routed"])
def test_advance_passes_one_gate_and_no_more(stage: Stage, routed: bool) -> None:
    stage.canary_at_gate(routed=routed)
    answer = stage.act("advance", "web", "--yes", "--at-step", "1")
    assert (answer["exit"], answer["result"]) == (0, "done")
    stage.until(lambda: stage.paused_at("web", 3))
    stage.control.advance(600)
    status = stage.seen("web")["status"]
    assert status["currentStepIndex"] == 3
    assert pauses(status) == ["CanaryPauseStep"]
    patch, told = stage.control.writes(agent=AGENT)  # the Event tells other seats of the act
    assert (told["method"], told["path"].rpartition("/")[2]) == ("POST", "events")
    assert patch["method"] == "PATCH"
    assert patch["path"].endswith(f"/namespaces/{SPACE}/rollouts/web/status")


@pytest.mark.parametrize("routed", [False, True], ids=["basic", "routed"])
def test_abort_takes_the_canary_off_traffic(stage: Stage, routed: bool) -> None:
    stage.canary_at_gate(routed=routed)
    answer = stage.act("abort", "web", "--yes", "--reason", "errors")
    assert (answer["exit"], answer["result"]) == (0, "done")
    status = stage.seen("web")["status"]
    assert status["abort"] is True
    stage.until(lambda: stage.running("web") == {manifests.image("v1")})
    # Aborting again is no error, and sends nothing.
    before = len(stage.control.writes())
    assert stage.act("abort", "web", "--yes")["result"] == "nothing-to-do"
    assert len(stage.control.writes()) == before


@pytest.mark.parametrize("routed", [False, True], ids=["basic", "routed"])
def test_pause_and_resume_touch_nothing_but_the_hold(stage: Stage, routed: bool) -> None:
    stage.canary_at_gate(routed=routed)
    before = stage.seen("web")["status"]
    assert stage.act("pause", "web", "--yes")["result"] == "done"
    held = stage.seen("web")
    assert held["spec"]["paused"] is True
    assert stage.act("pause", "web", "--yes")["result"] in ("nothing-to-do", "refused")
    refused = stage.act("advance", "web", "--yes")
    assert refused["result"] == "refused"
    assert "resume" in refused["reason"].lower() or "P" in refused["reason"]
    assert stage.act("resume", "web", "--yes")["result"] == "done"
    after = stage.seen("web")
    assert not after["spec"].get("paused")
    for member in ("currentStepIndex", "pauseConditions", "controllerPause"):
        assert after["status"].get(member) == before.get(member), member


@pytest.mark.parametrize("routed", [False, True], ids=["basic", "routed"])
def test_abort_takes_effect_on_a_rollout_paused_by_hand(stage: Stage, routed: bool) -> None:
    stage.canary_at_gate(routed=routed)
    stage.act("pause", "web", "--yes")
    answer = stage.act("abort", "web", "--yes")
    assert (answer["exit"], answer["result"]) == (0, "done")
    found = stage.seen("web")
    assert found["status"]["abort"] is True
    assert not found["spec"].get("paused")
    stage.until(lambda: stage.running("web") == {manifests.image("v1")})


@pytest.mark.parametrize("routed", [False, True], ids=["basic", "routed"])
def test_retry_starts_again_from_the_first_step(stage: Stage, routed: bool) -> None:
    stage.canary_at_gate(routed=routed)
    stage.act("abort", "web", "--yes")
    answer = stage.act("retry", "web", "--confirm", "web")
    assert answer["result"] == "done"
    stage.until(lambda: stage.paused_at("web", 1))
    assert not stage.seen("web")["status"].get("abort")


def test_full_promotion_needs_the_typed_name(stage: Stage) -> None:
    stage.canary_at_gate()
    refused = stage.act("full", "web", "--yes")
    assert (refused["exit"], refused["result"]) == (1, "refused")
    assert stage.seen("web")["status"]["currentStepIndex"] == 1
    assert stage.act("full", "web", "--confirm", "web")["result"] == "done"
    stage.until(lambda: stage.healthy("Rollout", "web"))
    assert stage.running("web") == {manifests.image("v2")}


def test_skip_leaves_a_running_step_and_never_a_pause(stage: Stage) -> None:
    stage.canary_at_gate()
    refused = stage.act("skip", "web", "--confirm", "web")
    assert refused["result"] == "refused"
    assert stage.seen("web")["status"]["currentStepIndex"] == 1
    # A version that never gets ready: its setWeight step runs until someone skips it.
    stage.control.profile(manifests.image("v3"), never_ready=True)
    stage.update("Rollout", "web", "v3")
    stage.until(lambda: stage.status("web").get("currentStepIndex") == 0)
    answer = stage.act("skip", "web", "--confirm", "web", "--at-step", "0")
    assert answer["result"] == "done", answer
    stage.until(lambda: stage.status("web").get("currentStepIndex") == 1)
    stage.control.advance(60)
    assert stage.seen("web")["status"]["currentStepIndex"] == 1


def test_restart_replaces_the_pods_and_keeps_the_version(stage: Stage) -> None:
    stage.make(manifests.canary("web", "v1", replicas=2))
    pods = {each["metadata"]["uid"] for each in stage.kubectl.json("get", "pods", "-n", SPACE)["items"]}
    assert stage.act("restart", "web", "--confirm", "web")["result"] in ("done", "accepted")

    def replaced() -> bool:
        now = stage.kubectl.json("get", "pods", "-n", SPACE)["items"]
        return len(now) == 2 and not pods & {each["metadata"]["uid"] for each in now}

    stage.until(replaced, tick=10)
    assert stage.running("web") == {manifests.image("v1")}


@pytest.mark.parametrize("held", [False, True], ids=["", "paused-by-hand"])
@pytest.mark.parametrize("routed", [False, True], ids=["basic", "routed"])
def test_rollback_to_stable(stage: Stage, routed: bool, held: bool) -> None:
    stage.canary_at_gate(routed=routed)
    if held:
        stage.act("pause", "web", "--yes")
    left = stage.seen("web")["status"]["currentPodHash"]
    answer = stage.act("rollback", "web", "--to", "stable", "--confirm", "web")
    assert (answer["exit"], answer["result"]) == (0, "done")
    # The command that did it wrote down how the version left, before it ended.
    told = {each["hash"]: each["left"] for each in stage.cockpit.json("revisions", f"{SPACE}/web")}
    assert told[left] == "rolled-back"
    stage.until(lambda: stage.running("web") == {manifests.image("v1")} and stage.healthy("Rollout", "web"))
    found = stage.seen("web")
    assert found["status"]["currentPodHash"] == found["status"]["stableRS"]
    assert not found["spec"].get("paused")


def test_rollback_to_last_good_after_a_bad_version_was_promoted(stage: Stage) -> None:
    stage.canary_at_gate()
    stage.act("full", "web", "--confirm", "web")
    stage.until(lambda: stage.healthy("Rollout", "web"))
    answer = stage.act("rollback", "web", "--to", "last-good", "--now", "--confirm", "web")
    assert answer["result"] == "done"
    stage.until(lambda: stage.healthy("Rollout", "web") and stage.running("web") == {manifests.pinned("v1")})


def test_rollback_through_the_steps_waits_at_its_gates(stage: Stage) -> None:
    stage.canary_at_gate()
    stage.act("full", "web", "--confirm", "web")
    stage.until(lambda: stage.healthy("Rollout", "web"))
    stage.control.advance(3600)  # past the scale-down delay: no fast track back
    answer = stage.act("rollback", "web", "--to", "1", "--through-steps", "--confirm", "web")
    assert answer["result"] in ("accepted", "done"), answer["reason"]
    stage.until(lambda: stage.paused_at("web", 1))
    assert manifests.image("v2") in stage.running("web")


def test_bluegreen_cutover_abort_and_rollback(stage: Stage) -> None:
    stage.make(manifests.bluegreen("shop"))
    stage.update("Rollout", "shop", "v2")
    stage.until(lambda: bool(stage.status("shop").get("pauseConditions")))
    active = lambda: stage.kubectl.get("service", SPACE, "shop-active")["spec"]["selector"]  # noqa: E731
    before = active()
    assert stage.act("advance", "shop", "--yes")["result"] == "done"
    stage.until(lambda: stage.healthy("Rollout", "shop"))
    assert active() != before
    assert stage.act("rollback", "shop", "--to", "last-good", "--now", "--confirm", "shop")["result"] == "done"
    assert active() == before


def test_bluegreen_abort_keeps_the_active_version(stage: Stage) -> None:
    stage.make(manifests.bluegreen("shop"))
    stage.update("Rollout", "shop", "v2")
    stage.until(lambda: bool(stage.status("shop").get("pauseConditions")))
    before = stage.kubectl.get("service", SPACE, "shop-active")["spec"]["selector"]
    assert stage.act("abort", "shop", "--yes")["result"] == "done"
    assert stage.seen("shop")["status"]["abort"] is True
    assert stage.kubectl.get("service", SPACE, "shop-active")["spec"]["selector"] == before


def test_deployment_pause_resume_abort_and_rollback(stage: Stage) -> None:
    stage.make(manifests.deployment("cart"))
    stage.update("Deployment", "cart", "v2")
    stage.control.advance(5)
    assert stage.act("pause", "cart", "--yes", kind="Deployment")["result"] == "done"
    assert stage.seen("cart", "Deployment")["spec"]["paused"] is True
    assert stage.act("resume", "cart", "--confirm", "cart", kind="Deployment")["result"] == "done"
    assert not stage.seen("cart", "Deployment")["spec"].get("paused")
    answer = stage.act("abort", "cart", "--confirm", "cart", kind="Deployment")
    assert answer["result"] in ("done", "accepted")
    stage.until(lambda: stage.healthy("Deployment", "cart"))
    assert stage.images("Deployment", "cart") == [manifests.image("v1")]
    assert stage.running("cart") == {manifests.image("v1")}


def test_deployment_rollback_to_a_revision(stage: Stage) -> None:
    stage.make(manifests.deployment("cart"))
    stage.update("Deployment", "cart", "v2")
    stage.until(lambda: stage.healthy("Deployment", "cart"))
    answer = stage.act("rollback", "cart", "--to", "1", "--confirm", "cart", kind="Deployment")
    assert answer["result"] in ("done", "accepted")
    stage.until(lambda: stage.healthy("Deployment", "cart"))
    assert stage.images("Deployment", "cart") == [manifests.image("v1")]
    history = stage.kubectl("rollout", "history", "deployment/cart", "-n", SPACE)
    assert "\n3 " in history
    assert "\n1 " not in history


def test_dry_run_sends_nothing_and_its_request_is_the_one_that_is_sent(stage: Stage) -> None:
    stage.canary_at_gate()
    before = len(stage.control.writes())
    planned = stage.act("abort", "web", "--dry-run")
    assert (planned["exit"], planned["result"]) == (0, "planned")
    assert len(stage.control.writes()) == before
    stage.act("abort", "web", "--yes")
    (sent,) = (each for each in stage.control.writes(agent=AGENT) if each["method"] == "PATCH")
    body = sent["body"] if not isinstance(sent["body"], str) else json.loads(sent["body"])
    assert body == planned["requests"][0]["body"]
    assert sent["path"] == planned["requests"][0]["path"]
