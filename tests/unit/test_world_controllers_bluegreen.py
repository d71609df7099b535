"""The blue-green strategy of the world's Argo Rollouts controller."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import parse_time
from cockpit.world.contract import Change, Profile
from tests.world_lab import HASH, Lab, rollout, scaled, service


def start(lab: Lab, *, replicas: int = 3, version: int = 2, **strategy: Any) -> None:
    """A blue-green Rollout, healthy at version 1, then given another image."""
    full = {"activeService": "web", "previewService": "web-preview", "autoPromotionEnabled": False, **strategy}
    lab.apply(service("web"), service("web-preview"), rollout({"blueGreen": full}, replicas=replicas))
    lab.settle(30)
    assert lab.status()["phase"] == "Healthy"
    lab.image(f"r.test/web:{version}")
    lab.settle(30)


def selects(lab: Lab, name: str) -> str:
    return str(lab.get("services", name)["spec"]["selector"][HASH])


def test_the_cut_over_waits_for_a_human() -> None:
    lab = Lab()
    start(lab)
    status = lab.status()
    assert (status["phase"], status["message"]) == ("Paused", "BlueGreenPause")
    assert selects(lab, "web") == status["stableRS"] == status["blueGreen"]["activeSelector"]
    assert selects(lab, "web-preview") == status["currentPodHash"] == status["blueGreen"]["previewSelector"]
    assert [scaled(rs) for rs in lab.sets()] == [3, 3]
    assert "currentStepIndex" not in status
    lab.resume()
    lab.settle(5)
    status = lab.status()
    assert selects(lab, "web") == status["currentPodHash"] == status["stableRS"]
    assert status["phase"] == "Healthy"
    old = lab.sets()[0]
    deadline = parse_time(old["metadata"]["annotations"]["scale-down-deadline"])
    assert deadline is not None
    assert 20 <= deadline - lab.clock.now() <= 30
    lab.settle(40)
    assert [scaled(rs) for rs in lab.sets()] == [0, 3]


def test_the_active_service_never_selects_pods_that_are_not_all_there() -> None:
    lab = Lab()
    lab.profiles.set("r.test/web:2", Profile(start_seconds=20))
    wrong: list[Any] = []

    def listen(change: Change) -> None:
        if change.plural != "services" or change.object["metadata"]["name"] != "web":
            return
        chosen = change.object["spec"]["selector"].get(HASH)
        for rs in lab.objects.select("replicasets", "default", {HASH: chosen} if chosen else None):
            if rs["status"].get("availableReplicas", 0) < 3:
                wrong.append(rs)

    lab.objects.subscribe(listen)
    start(lab, autoPromotionEnabled=True)
    lab.settle(60)
    assert lab.status()["phase"] == "Healthy"
    assert lab.status()["stableRS"] == lab.status()["currentPodHash"]
    assert wrong == []


def test_auto_promotion_seconds_ends_the_pause() -> None:
    lab = Lab()
    start(lab, autoPromotionEnabled=True, autoPromotionSeconds=120)
    assert lab.status()["message"] == "BlueGreenPause"
    lab.settle(130)
    assert lab.status()["phase"] == "Healthy"
    assert lab.status()["stableRS"] == lab.status()["currentPodHash"]


def test_auto_promotion_off_ignores_the_seconds() -> None:
    lab = Lab()
    start(lab, autoPromotionSeconds=60)
    lab.settle(600)
    assert lab.status()["message"] == "BlueGreenPause"


def test_abort_before_the_cut_over_keeps_stable_and_drops_the_preview_later() -> None:
    lab = Lab()
    start(lab)
    lab.patch_status({"abort": True})
    lab.settle(5)
    assert lab.status()["message"].startswith("RolloutAborted")
    assert selects(lab, "web") == lab.status()["stableRS"]
    assert [scaled(rs) for rs in lab.sets()] == [3, 3]
    lab.settle(40)
    assert [scaled(rs) for rs in lab.sets()] == [3, 0]
    lab.patch_status({"abort": False})
    lab.settle(30)
    assert lab.status()["message"] == "BlueGreenPause"
    assert [scaled(rs) for rs in lab.sets()] == [3, 3]


def test_a_manual_pause_holds_the_switch() -> None:
    lab = Lab()
    start(lab)
    lab.spec({"paused": True})
    lab.resume()
    lab.settle(60)
    assert selects(lab, "web") == lab.status()["stableRS"] != lab.status()["currentPodHash"]
    lab.spec({"paused": False})
    lab.settle(30)
    assert lab.status()["message"] == "BlueGreenPause"  # the release was forgotten meanwhile, as in the real controller


def test_promote_full_skips_pause_and_analysis() -> None:
    lab = Lab()
    start(lab)
    lab.patch_status({"promoteFull": True})
    lab.settle(10)
    assert lab.status()["phase"] == "Healthy"
    assert "promoteFull" not in lab.status()


def test_going_back_within_the_scale_down_delay_is_fast() -> None:
    lab = Lab()
    start(lab, scaleDownDelaySeconds=300)
    lab.resume()
    lab.settle(60)
    assert [scaled(rs) for rs in lab.sets()] == [3, 3]
    lab.image("r.test/web:1")
    lab.settle(3)
    status = lab.status()
    assert selects(lab, "web") == status["currentPodHash"] == status["stableRS"]
    assert status["phase"] == "Healthy"
    back = next(rs for rs in lab.sets() if rs["metadata"]["labels"][HASH] == status["stableRS"])
    assert "scale-down-deadline" not in back["metadata"]["annotations"]


def test_abort_of_a_promoted_blue_green_clears_itself() -> None:
    lab = Lab()
    start(lab)
    lab.resume()
    lab.settle(60)
    lab.patch_status({"abort": True})
    lab.settle(5)
    assert lab.status()["phase"] == "Healthy"
    assert "abort" not in lab.status()


def test_a_small_preview_grows_before_the_cut_over() -> None:
    lab = Lab()
    start(lab, replicas=4, previewReplicaCount=1)
    assert [scaled(rs) for rs in lab.sets()] == [4, 1]
    assert lab.status()["message"] == "BlueGreenPause"
    lab.resume()
    lab.settle(1)
    assert lab.status()["blueGreen"].get("scaleUpPreviewCheckPoint") is True
    lab.settle(30)
    assert selects(lab, "web") == lab.status()["currentPodHash"]
    assert scaled(lab.sets()[1]) == 4
    assert lab.status()["phase"] == "Healthy"


def template(name: str, condition: str) -> dict[str, Any]:
    metric = {"name": name, "successCondition": condition, "interval": "10s", "count": 2, "failureLimit": 0}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"metrics": [{**metric, "provider": {"prometheus": {"query": "success"}}}]},
    }


def test_pre_promotion_analysis_gates_the_switch() -> None:
    lab = Lab()
    lab.apply(template("pre", "result[0] > 0.5"))
    lab.profiles.script("default", "web", "pre", [0.9])
    start(lab, autoPromotionEnabled=True, prePromotionAnalysis={"templates": [{"templateName": "pre"}]})
    (run,) = lab.objects.select("analysisruns")
    assert run["metadata"]["name"] == f"web-{lab.status()['currentPodHash']}-2-pre"
    assert run["metadata"]["labels"]["rollout-type"] == "PrePromotion"
    assert lab.status()["blueGreen"]["prePromotionAnalysisRunStatus"]["status"] == "Successful"
    assert lab.status()["phase"] == "Healthy"


def test_a_failed_post_promotion_analysis_switches_back() -> None:
    lab = Lab()
    lab.apply(template("post", "result[0] > 0.5"))
    lab.profiles.script("default", "web", "post", [0.9, 0.1])
    start(lab, autoPromotionEnabled=True, postPromotionAnalysis={"templates": [{"templateName": "post"}]})
    status = lab.status()
    assert status["phase"] == "Degraded"
    assert "Post-promotion analysis phase error/failed: Metric" in status["message"]
    assert selects(lab, "web") == status["stableRS"] != status["currentPodHash"]


def test_available_replicas_are_those_of_the_active_replicaset() -> None:
    lab = Lab()
    lab.profiles.set("r.test/web:2", Profile(never_ready=True))
    start(lab)
    status = lab.status()
    assert (status["availableReplicas"], status["updatedReplicas"], status["replicas"]) == (3, 3, 6)
    assert status["selector"] == f"app=web,{HASH}={status['stableRS']}"
