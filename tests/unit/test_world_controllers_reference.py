"""Random Rollouts and Deployments on the world's controllers, state by state against the independent reference."""

from __future__ import annotations

import random
from typing import Any

import pytest

from cockpit.world.contract import Change
from tests.reference_stepper import State, split, walk
from tests.world_lab import HASH, Lab, deployment, rollout, routed, scaled, service


def random_steps(rng: random.Random) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    for _ in range(rng.randint(0, 8)):
        kind = rng.random()
        if kind < 0.6:
            steps.append({"setWeight": rng.choice([0, 1, 5, 10, 20, 25, 33, 40, 50, 60, 75, 90, 99, 100])})
        elif kind < 0.8:
            steps.append({"pause": {"duration": rng.choice([1, "10s", "2m"])}})
        else:
            steps.append({"pause": {}})
    return steps


def observe(lab: Lab, states: list[State], asked: list[dict[str, Any]]) -> None:
    """Note every completed step and every pause entered, as they are committed."""
    seen: set[tuple[int, bool]] = set()

    def listen(change: Change) -> None:
        if change.plural != "rollouts":
            return
        status = change.object.get("status") or {}
        index, paused = status.get("currentStepIndex"), bool(status.get("pauseConditions"))
        old = ((change.old or {}).get("status") or {}).get("currentStepIndex")
        stepped = index is not None and old is not None and index == old + 1
        if not (stepped or paused) or (index, paused) in seen:
            return
        seen.add((index, paused))
        sizes = {rs["metadata"]["labels"][HASH]: scaled(rs) for rs in lab.sets()}
        weight = next((s["setWeight"] for s in reversed(asked[: index + paused]) if "setWeight" in s), 0)
        new, stable = sizes.get(status["currentPodHash"], 0), sizes.get(status["stableRS"], 0)
        states.append(State(index, weight, new, stable, status["phase"], status.get("message", "")))
        if paused and "duration" not in asked[index]["pause"]:
            lab.clock.call_later(5.0, lab.resume)

    lab.objects.subscribe(listen)


@pytest.mark.parametrize("seed", range(16))
def test_a_random_rollout_walks_as_the_reference_says(seed: int) -> None:
    rng = random.Random(seed)
    steps, replicas, is_routed = random_steps(rng), rng.randint(1, 12), rng.random() < 0.4
    surge = rng.choice([0, 1, 3])
    limits = {"maxSurge": surge, "maxUnavailable": rng.choice([0, 1]) if surge else 1}
    lab = Lab(seed)
    strategy = routed(steps, **limits) if is_routed else {"canary": {"steps": steps, **limits}}
    lab.apply(service("web"), service("web-canary"), rollout(strategy, replicas=replicas))
    lab.until(lambda: lab.status().get("phase") == "Healthy")
    states: list[State] = []
    observe(lab, states, steps)
    lab.image("r.test/web:2")
    lab.settle(1.0)
    lab.until(lambda: lab.status().get("phase") == "Healthy")
    assert states == walk(replicas, steps, surge=surge > 0, routed=is_routed)
    lab.settle(60.0)
    old, new = lab.sets()
    assert (scaled(new), scaled(old)) == (replicas, 0)
    status = lab.status()
    assert status["stableRS"] == status["currentPodHash"] == new["metadata"]["labels"][HASH]
    assert status.get("currentStepIndex") == (len(steps) or None)
    assert status["observedGeneration"] == "2"


@pytest.mark.parametrize("seed", range(16, 22))
def test_a_random_deployment_keeps_its_limits_at_every_moment(seed: int) -> None:
    rng = random.Random(seed)
    replicas, surge, unavailable = rng.randint(1, 12), rng.randint(0, 3), rng.randint(0, 2)
    if surge == unavailable == 0:
        surge = 1
    lab = Lab(seed)
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    lab.apply(deployment(replicas=replicas, strategy=strategy))
    lab.until(lambda: lab.status(plural="deployments").get("availableReplicas") == replicas)
    news: list[int] = []

    def listen(change: Change) -> None:
        if change.plural not in ("replicasets", "pods"):
            return
        sets = lab.sets(plural="deployments")
        assert sum(scaled(rs) for rs in sets) <= replicas + surge
        ready = [pod for rs in sets for pod in lab.pods(rs) if is_ready(pod)]
        assert len(ready) >= min(replicas - unavailable, replicas)
        if len(sets) == 2:
            news.append(scaled(sets[1]))

    lab.objects.subscribe(listen)
    lab.image("r.test/web:2", plural="deployments")
    lab.settle(1.0)
    lab.until(lambda: lab.condition("Progressing", plural="deployments")["reason"] == "NewReplicaSetAvailable")
    lab.settle(30.0)
    assert news == sorted(news)
    old, new = lab.sets(plural="deployments")
    assert (scaled(new), scaled(old)) == (replicas, 0)
    status = lab.status(plural="deployments")
    assert (status["updatedReplicas"], status["availableReplicas"], status["observedGeneration"]) == (
        replicas,
        replicas,
        2,
    )


def is_ready(pod: dict[str, Any]) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    going = "deletionTimestamp" in pod["metadata"]
    return not going and any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


@pytest.mark.parametrize(
    ("replicas", "weight", "surge", "expected"),
    [
        (1, 1, True, (1, 1)),
        (2, 5, True, (1, 2)),
        (2, 50, True, (1, 1)),
        (3, 50, False, (2, 1)),
        (3, 50, True, (2, 2)),
        (5, 10, True, (1, 5)),
        (10, 24, True, (3, 8)),
        (10, 99, False, (9, 1)),
        (10, 99, True, (10, 1)),
        (10, 100, True, (10, 0)),
    ],
)
def test_the_reference_knows_documented_splits(
    replicas: int, weight: int, surge: bool, expected: tuple[int, int]
) -> None:
    assert split(replicas, weight, surge) == expected
