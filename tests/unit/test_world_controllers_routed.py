"""Canaries behind a traffic router, and the steps that only they have."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import parse_time
from cockpit.world.contract import Change, Profile
from tests.world_lab import GATED, HASH, Lab, gated, rollout, routed, scaled, service, weight


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


def test_a_crash_looping_canary_never_gets_weight() -> None:
    lab = Lab()
    lab.profiles.set("r.test/web:2", Profile(crash_after=1.0, start_seconds=3.0))
    lab.apply(service("web"), service("web-canary"), rollout(routed(GATED), replicas=4))
    lab.settle(30)
    lab.image("r.test/web:2")
    lab.settle(300)
    assert weight(lab) == 0
    assert lab.status()["currentStepIndex"] == 0
