"""The world's traffic: the split, conservation, resets, determinism, direct mode."""

from __future__ import annotations

import math
import random

import pytest

from cockpit.world.contract import Profile
from cockpit.world.traffic import Traffic
from cockpit.world.traffic.exposition import pod_text
from cockpit.world.traffic.ledger import Counts
from cockpit.world.traffic.shape import FIRST_ERROR, ORDERS_OK
from tests.unit.traffic_kit import EPOCH, Kit


def parsed(kit: Kit, pod: str, namespace: str = "shop") -> dict[str, float]:
    """/metrics of a pod: sample with its labels -> value; empty when nothing listens."""
    text = pod_text(kit.traffic, kit.traffic.fleet.by_name[namespace, pod], openmetrics=True)
    lines = [line for line in (text or "").splitlines() if not line.startswith("#")]
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def served(kit: Kit, pod: str) -> float:
    return sum(value for name, value in parsed(kit, pod).items() if name.startswith("http_requests_total"))


def assert_conserved(kit: Kit) -> int:
    rows = kit.traffic.conservation()
    assert rows
    for row in rows:
        assert row["lines"] == row["ledger"], row
        assert row["metrics"] in (None, row["ledger"]), row
    return sum(row["ledger"] for row in rows)


def within(count: int, mean: float, sigmas: float = 5.0) -> bool:
    return abs(count - mean) <= sigmas * math.sqrt(max(mean, 1.0))


def test_requests_follow_the_rate_and_errors_the_profile() -> None:
    kit = Kit()
    kit.deployment(profile=Profile(error_rate=0.04))
    kit.traffic.set_rps("shop", "web", 50)
    kit.clock.advance(1800)
    (counts,) = kit.traffic.counts("shop", "web", EPOCH, kit.clock.now()).values()
    assert within(counts.requests, 50 * 1800)
    assert within(counts.errors, 50 * 1800 * 0.04)


@pytest.mark.parametrize("weight", [0, 1, 20, 50, 100])
def test_a_routed_canary_gets_its_weight(weight: int) -> None:
    kit = Kit(seed=weight)
    kit.canary(weight=weight)
    kit.clock.advance(2400)
    arms = kit.traffic.counts("shop", "pay", EPOCH, kit.clock.now())
    canary, stable = (arms.get(name, Counts()).requests for name in ("canary2", "stable1"))
    total, share = canary + stable, weight / 100
    assert within(total, 20 * 2400)
    assert abs(canary - total * share) <= 5 * math.sqrt(total * share * (1 - share)) + 1e-9


def test_a_new_weight_counts_from_its_instant() -> None:
    kit = Kit()
    kit.canary(weight=50)
    kit.clock.advance(607.3)
    kit.weights("shop", "pay", ("canary2", 0), ("stable1", 100))
    moved = kit.clock.now()
    kit.clock.advance(600)
    assert kit.traffic.counts("shop", "pay", EPOCH, moved)["canary2"].requests > 4000
    assert "canary2" not in kit.traffic.counts("shop", "pay", moved, kit.clock.now())


def test_blue_green_follows_the_active_selector() -> None:
    kit = Kit()
    kit.workload("Rollout", "shop", "bg", strategy={"blueGreen": {"activeService": "live"}})
    selector = {"app": "bg", "rollouts-pod-template-hash": "blue"}
    port = {"port": 80}
    kit.objects.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"namespace": "shop", "name": "live"},
            "spec": {"selector": selector, "ports": [port]},
        }
    )
    kit.replicaset("Rollout", "shop", "bg", "blue", "r.example/bg:1", 2)
    kit.replicaset("Rollout", "shop", "bg", "green", "r.example/bg:2", 2)
    kit.clock.advance(300)
    assert set(kit.traffic.counts("shop", "bg", EPOCH, kit.clock.now())) == {"blue"}
    switched = kit.clock.now()

    def switch(obj: dict) -> None:
        obj["spec"]["selector"]["rollouts-pod-template-hash"] = "green"

    kit.objects.mutate("services", "shop", "live", switch)
    kit.clock.advance(300)
    assert set(kit.traffic.counts("shop", "bg", switched, kit.clock.now())) == {"green"}


def test_a_basic_canary_and_a_deployment_split_evenly_over_ready_pods() -> None:
    kit = Kit()
    kit.workload("Rollout", "shop", "basic", strategy={"canary": {}})
    stable = kit.replicaset("Rollout", "shop", "basic", "old", "r.example/basic:1", 3)
    kit.replicaset("Rollout", "shop", "basic", "new", "r.example/basic:2", 1)
    kit.clock.advance(1200)
    arms = kit.traffic.counts("shop", "basic", EPOCH, kit.clock.now())
    total = arms["old"].requests + arms["new"].requests
    assert abs(arms["new"].requests - total / 4) <= 5 * math.sqrt(total * 3 / 16)
    kit.run("shop", stable[0], ready=False)
    before = served(kit, stable[0])
    kit.clock.advance(600)
    assert served(kit, stable[0]) == before  # not ready: no requests, but still there to be scraped
    assert served(kit, stable[1]) > before


def test_a_service_that_selects_some_pods_narrows_the_split_from_its_instant() -> None:
    kit = Kit()
    kit.workload("Rollout", "shop", "basic", strategy={"canary": {}})
    kit.replicaset("Rollout", "shop", "basic", "old", "r.example/basic:1", 2)
    kit.replicaset("Rollout", "shop", "basic", "new", "r.example/basic:2", 2)
    kit.clock.advance(300)
    assert set(kit.traffic.counts("shop", "basic", EPOCH, kit.clock.now())) == {"old", "new"}
    made = kit.clock.now()
    selector = {"app": "basic", "rollouts-pod-template-hash": "old"}
    kit.objects.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"namespace": "shop", "name": "front"},
            "spec": {"selector": selector, "ports": [{"port": 80}]},
        }
    )
    kit.clock.advance(300)
    assert set(kit.traffic.counts("shop", "basic", made, kit.clock.now())) == {"old"}
    gone = kit.clock.now()
    kit.objects.delete("services", "shop", "front")
    kit.clock.advance(300)
    assert set(kit.traffic.counts("shop", "basic", gone, kit.clock.now())) == {"old", "new"}


def test_a_workload_without_ready_pods_gets_nothing() -> None:
    kit = Kit()
    pods = kit.deployment(pods=2)
    for pod in pods:
        kit.run("shop", pod, ready=False)
    start = kit.clock.now()
    kit.clock.advance(600)
    assert kit.traffic.counts("shop", "web", start + 1, kit.clock.now()) == {}


def test_errors_in_metrics_logs_and_ledger_agree_at_every_instant() -> None:
    kit = Kit(seed=5)
    kit.canary(profile=Profile(error_rate=0.2, bursts=0.5, onset=100))
    pods = kit.deployment(profile=Profile(error_rate=0.03))
    moments = random.Random(1)
    for turn in range(60):
        kit.clock.advance(moments.choice((0.0137, 0.5, 3.3, 14.9999, 15.0, 41.7)))
        if turn == 20:
            kit.weights("shop", "pay", ("canary2", 60), ("stable1", 40))
        if turn == 30:
            kit.crash("shop", pods[0])
        if turn == 35:
            kit.run("shop", pods[0], restarts=1)
        if turn == 40:
            kit.delete_pod("shop", pods[1])
        if turn == 45:
            kit.profiles.set("reg.example/web:1", Profile(error_rate=0.3))
        assert_conserved(kit)
    assert assert_conserved(kit) > 300


def test_reading_in_between_changes_nothing_and_never_goes_back() -> None:
    often, once = Kit(seed=3), Kit(seed=3)
    for kit in (often, once):
        kit.canary(profile=Profile(error_rate=0.1))
    pod, last = "pay-canary2-00000", {}
    for _ in range(400):
        often.clock.advance(1.003)
        now = parsed(often, pod)
        assert all(now[name] >= value for name, value in last.items())
        last = now
    once.clock.advance(0)
    once.clock.run_until(often.clock.now())
    assert parsed(once, pod) == pytest.approx(last)


def test_the_same_seed_gives_the_same_totals_and_another_does_not() -> None:
    def totals(seed: int) -> list:
        kit = Kit(seed=seed)
        kit.canary(profile=Profile(error_rate=0.05, bursts=1.0))
        kit.clock.advance(900)
        return [(row["pod"], row["codes"], row["orders"]) for row in kit.traffic.ledger()]

    assert totals(4) == totals(4)
    assert totals(4) != totals(5)


def test_histogram_and_request_counts_are_the_same_requests() -> None:
    kit = Kit()
    pods = kit.deployment(profile=Profile(error_rate=0.1))
    for step in (0.4, 7.0, 100.25, 1000.0):
        kit.clock.advance(step)
        metrics = parsed(kit, pods[0])
        assert metrics['http_request_duration_seconds_count{service="web"}'] == served(kit, pods[0])


def test_latency_follows_the_profile() -> None:
    kit = Kit()
    (pod,) = kit.deployment(pods=1, profile=Profile(latency_median=0.3, latency_sigma=0.5))
    kit.clock.advance(1800)
    metrics = parsed(kit, pod)
    below = metrics['http_request_duration_seconds_bucket{service="web",le="0.25"}']
    total = metrics['http_request_duration_seconds_count{service="web"}']
    expected = 0.5 * (1 + math.erf(math.log(0.25 / 0.3) / 0.5 / math.sqrt(2)))
    assert abs(below / total - expected) < 5 * math.sqrt(expected * (1 - expected) / total)
    mean = metrics['http_request_duration_seconds_sum{service="web"}'] / total
    assert mean == pytest.approx(0.3 * math.exp(0.125), rel=0.05)


def test_a_restart_resets_the_counters_and_the_ledger_keeps_both_lives() -> None:
    kit = Kit()
    (pod,) = kit.deployment(pods=1, profile=Profile(error_rate=0.1))
    kit.clock.advance(307)
    before = served(kit, pod)
    kit.crash("shop", pod, reason="OOMKilled", code=137)
    assert parsed(kit, pod) == {}
    kit.clock.advance(40)
    kit.run("shop", pod, restarts=1)
    kit.clock.advance(20)
    after = served(kit, pod)
    assert 0 < after < before
    (row,) = kit.traffic.ledger()
    assert [life["restart"] for life in row["instances"]] == [0, 1]
    assert row["requests"] == before + after
    (counts,) = kit.traffic.counts("shop", "web", EPOCH, kit.clock.now()).values()
    assert counts.requests == row["requests"]
    assert counts.errors == row["errors"]


def test_onset_separates_a_healthy_from_a_faulty_time() -> None:
    kit = Kit()
    kit.deployment(pods=2, profile=Profile(error_rate=0.5, onset=600))
    kit.clock.advance(1200)
    early = kit.traffic.counts("shop", "web", EPOCH, EPOCH + 600)["aaaa"]
    late = kit.traffic.counts("shop", "web", EPOCH + 600, EPOCH + 1200)["aaaa"]
    assert early.errors / early.requests < 0.01
    assert abs(late.errors / late.requests - 0.5) < 0.03


def test_bursts_spread_errors_without_changing_their_number() -> None:
    def variance(bursts: float) -> tuple[float, float]:
        kit = Kit(seed=9)
        kit.deployment(pods=1, profile=Profile(error_rate=0.05, bursts=bursts))
        kit.clock.advance(6 * 3600)
        errors = [
            sum(c.errors for c in arms.values())
            for _, arms in kit.traffic.strata("shop", "web", EPOCH, kit.clock.now())
        ]
        mean = sum(errors) / len(errors)
        return mean, sum((e - mean) ** 2 for e in errors) / len(errors) / mean

    even, bursty = variance(0.0), variance(0.5)
    assert even[0] == pytest.approx(15, rel=0.05)
    assert bursty[0] == pytest.approx(15, rel=0.15)
    assert even[1] < 1.2
    assert bursty[1] > 5


def test_strata_add_up_to_the_whole() -> None:
    kit = Kit()
    kit.canary(profile=Profile(error_rate=0.1))
    kit.clock.advance(1000.7)
    end = EPOCH + 990
    parts = list(kit.traffic.strata("shop", "pay", EPOCH, end))
    whole = kit.traffic.counts("shop", "pay", EPOCH, end)
    assert len(parts) == 66
    for arm, counts in whole.items():
        assert sum(part[1].get(arm, Counts()).requests for part in parts) == counts.requests
        assert sum(part[1].get(arm, Counts()).errors for part in parts) == counts.errors


def test_a_changed_profile_counts_from_now_on_only() -> None:
    kit = Kit()
    kit.deployment(pods=1)
    kit.clock.advance(600)  # nothing was read yet: what has passed must stay as it was all the same
    changed = kit.clock.now()
    kit.profiles.set("reg.example/web:1", Profile(error_rate=0.8))
    kit.clock.advance(300)
    assert kit.traffic.counts("shop", "web", EPOCH, changed)["aaaa"].errors < 60
    assert kit.traffic.counts("shop", "web", changed, kit.clock.now())["aaaa"].errors > 4000


def test_a_changed_rate_counts_from_now_on_and_can_be_taken_back() -> None:
    kit = Kit()
    kit.deployment(pods=1)
    kit.clock.advance(100)
    assert kit.traffic.set_rps("shop", "web", 0)
    kit.clock.advance(100)
    assert kit.traffic.set_rps("shop", "web", None)
    kit.clock.advance(100)
    counts = [
        sum(c.requests for c in kit.traffic.counts("shop", "web", EPOCH + at, EPOCH + at + 100).values())
        for at in (0, 100, 200)
    ]
    assert within(counts[0], 2000)
    assert counts[1] == 0
    assert within(counts[2], 2000)
    assert not kit.traffic.set_rps("shop", "nobody", 3)


def test_traffic_installed_late_starts_with_what_is_there() -> None:
    kit = Kit()
    kit.deployment(pods=2)
    kit.clock.advance(60)
    late = Traffic(kit)
    kit.clock.advance(60)
    (counts,) = late.counts("shop", "web", EPOCH, kit.clock.now()).values()
    assert within(counts.requests, 20 * 60)


def test_orders_are_some_of_the_requests() -> None:
    kit = Kit()
    kit.deployment(pods=1, profile=Profile(error_rate=0.2, orders=0.25))
    kit.clock.advance(1800)
    (row,) = kit.traffic.ledger()
    errors = row["errors"]
    assert within(row["orders"]["ok"], 0.25 * (row["requests"] - errors))
    assert within(row["orders"]["failed"], 0.25 * errors)
    life = kit.traffic.track(next(kit.traffic.fleet.alive())).at(kit.traffic.now_ms())[-1]
    assert sum(life.cells[FIRST_ERROR:ORDERS_OK]) == errors


def test_memory_of_pods_that_are_gone_is_bounded() -> None:
    kit = Kit()
    kit.workload("Deployment", "shop", "web")
    for index in range(40):
        for pod in kit.replicaset("Deployment", "shop", "web", f"h{index}", "reg.example/web:1", 2):
            kit.clock.advance(300)
            kit.delete_pod("shop", pod)
        kit.clock.advance(3600)
    assert len(kit.traffic.fleet.pods) <= 16
    assert len(next(iter(kit.traffic.fleet.workloads.values())).pods) <= 16
