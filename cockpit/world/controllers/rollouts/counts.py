"""How many replicas canary and stable get (facts 3.4, docs "Basic canary" and "Traffic management"). Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

from cockpit.world.contract import Object
from cockpit.world.controllers.kit import integer, replicas, status_of
from cockpit.world.controllers.revisions import actual, available, total
from cockpit.world.controllers.rollouts import spec


class Arm(NamedTuple):
    """Replicas asked for and available."""

    asked: int
    available: int


class Counts(NamedTuple):
    canary: int
    stable: int


def arm(rs: Object | None) -> Arm:
    return Arm(0, 0) if rs is None else Arm(replicas(rs), available(rs))


def closest_ratio(count: int, weight: int, surge: int) -> Counts:
    """Pods per arm whose ratio is nearest to ``weight`` percent, with one pod more in all where surge allows.

    Neither arm is left without a pod between 1 and 99 % (unless there is but one pod and no surge). Of equally near
    ratios the earlier candidate wins: without surge before with it, more canary pods before fewer.
    """
    if count == 0:
        return Counts(0, 0)
    exact = count * weight / 100
    high, low = math.ceil(exact), math.floor(exact)
    bare_allowed = weight in (0, 100) or (count == 1 and surge == 0)
    candidates: list[tuple[int, int]] = []
    for size in (count, count + 1) if surge > 0 else (count,):
        halfway = (size * weight / 100) % 1 == 0.5
        if size > count or high < count or bare_allowed:
            candidates.append((high, size))
        if not halfway and (low or bare_allowed):
            candidates.append((low, size))
    if not candidates:  # half a pod would round up to all of them
        return Counts(low, count - low)
    canary, size = min(candidates, key=lambda pair: abs(pair[0] * 100 / pair[1] - weight))
    return Counts(canary, size - canary)


def wanted_weight(rollout: Object) -> tuple[int | None, int]:
    """(explicit canary replicas or None, weight) that replica counts aim at."""
    status = status_of(rollout)
    if status.get("promoteFull") or spec.fully_promoted(rollout):
        return None, 100
    scale = None if status.get("abort") else spec.canary_scale(rollout)
    if scale is not None:
        if "replicas" in scale:
            return int(scale["replicas"]), 0
        if "weight" in scale:
            return None, int(scale["weight"])
    return None, spec.set_weight(rollout)


def basic_goal(rollout: Object, *, alone: bool) -> Counts:
    """What a canary without traffic routing is to have in the end; ``alone``: there is no other stable ReplicaSet."""
    if alone:
        return Counts(replicas(rollout), 0)
    return closest_ratio(replicas(rollout), wanted_weight(rollout)[1], spec.max_surge(rollout))


def basic(rollout: Object, new: Object | None, stable: Object | None, others: list[Object]) -> Counts:
    """The next replica counts of a canary without traffic routing, one move of at most surge and unavailability.

    ``stable`` None (or the same as ``new``): nothing to compare with, the new one takes all.
    """
    count = replicas(rollout)
    canary_arm, stable_arm = arm(new), arm(stable)
    goal = basic_goal(rollout, alone=stable is None)
    allowed = count + spec.max_surge(rollout)
    old = total(others)
    room = allowed - old - canary_arm.asked - stable_arm.asked
    next_stable, next_canary = stable_arm.asked, canary_arm.asked
    if stable is not None and room > 0:
        grown = min(room, max(goal.stable - stable_arm.asked, 0))
        next_stable, room = next_stable + grown, room - grown
    if room > 0:
        next_canary += min(room, max(goal.canary - canary_arm.asked, 0))
    if old:
        return Counts(next_canary, next_stable)
    minimum = count - spec.max_unavailable(rollout)
    growing = goal.canary >= canary_arm.asked
    # the arm that is to shrink counts with all its pods: broken ones must not block making room
    spare = _removable(canary_arm, everything=not growing) + _removable(stable_arm, everything=growing) - minimum
    if spare <= 0:
        return Counts(next_canary, next_stable)
    if not growing:
        next_canary = max(goal.canary, canary_arm.asked - spare)
        next_canary, next_stable = _within(canary_arm, next_canary, stable_arm, next_stable, allowed, minimum)
    elif stable is not None:
        if stable_arm.asked > goal.stable:
            next_stable = max(goal.stable, stable_arm.asked - spare)
        next_stable, next_canary = _within(stable_arm, next_stable, canary_arm, next_canary, allowed, minimum)
    return Counts(next_canary, next_stable)


def _removable(side: Arm, *, everything: bool) -> int:
    return side.asked if everything else min(side.asked, side.available)


def _within(drain: Arm, drained: int, keep: Arm, kept: int, allowed: int, minimum: int) -> tuple[int, int]:
    """Bring (drained, kept) back under ``allowed``, taking from ``keep`` no pod that ``minimum`` needs."""
    kept -= max(0, kept + drained - allowed)
    serving = min(drain.available, drained) + min(keep.available, kept)
    lost = max(0, keep.available - kept)
    kept += min(lost, max(0, minimum - serving))
    return drained - max(0, kept + drained - allowed), kept


def by_weight(count: int, weight: int) -> int:
    """Pods that carry ``weight`` percent of ``count``, rounded up."""
    return math.ceil(count * weight / 100)


def routed(rollout: Object, weights: dict[str, int] | None) -> Counts:
    """Replica counts under a traffic router; ``weights``: {canary, stable} in force, None when never set."""
    strategy = spec.canary(rollout) or {}
    count = replicas(rollout)
    explicit, weight = wanted_weight(rollout)
    floor = integer(strategy.get("minPodsPerReplicaSet"), 1)
    if explicit is not None:
        canary = explicit
    else:
        canary = by_weight(count, weight * 100 // spec.max_weight(rollout) if weight != 100 else 100)
        canary = max(canary, floor) if canary else 0
    if not strategy.get("dynamicStableScale"):
        return Counts(canary, count)
    if weights is None:
        return Counts(canary, count)
    canary = max(canary, by_weight(count, weights["canary"]))
    if status_of(rollout).get("abort"):
        return Counts(canary, count)
    stable = max(by_weight(count, weights["stable"]), by_weight(count, 100 - min(weight, 100)))
    return Counts(canary, max(stable, floor) if stable else 0)


def reached(
    rollout: Object, new: Object | None, stable: Object | None, others: list[Object], weights: dict[str, int] | None
) -> bool:
    """Whether the counts of the current step are there: canary pods available, stable pods created, old ones gone."""
    is_routed = spec.routed(rollout)
    goal = routed(rollout, weights) if is_routed else basic_goal(rollout, alone=stable is None)
    if new is None or replicas(new) != goal.canary or available(new) != goal.canary:
        return False
    dynamic = is_routed and bool((spec.canary(rollout) or {}).get("dynamicStableScale"))
    if stable is not None and not dynamic and not replicas(stable) == goal.stable == actual([stable]):
        return False
    return is_routed or actual(others, "availableReplicas") == 0
