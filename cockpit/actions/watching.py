"""Watching for an effect: the live picture against a plan's goal, until it is reached or its deadline has passed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cockpit.actions.ports import Picture
from cockpit.base.clock import Clock
from cockpit.model.plan import Plan
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Snapshot
from cockpit.strategies.contract import Observation, Strategy

_LEAST_WALL = 10.0
"""At a fast clock a deadline in cluster seconds would pass while requests are still under way."""
_LOOK_AGAIN = 1.0


class Deadline:
    """``seconds`` of cluster time, but at least ten of wall time; where cluster time stands still, wall time."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        scale = clock.time_scale if clock.time_scale > 0 else 1.0
        self._end = clock.wall() + max(seconds / scale, min(_LEAST_WALL, seconds))

    @property
    def left(self) -> float:
        """Wall seconds; negative once it has passed."""
        return self._end - self._clock.wall()


async def watch(
    picture: Picture,
    strategy: Strategy,
    plan: Plan,
    deadline: Deadline,
    until: Callable[[Observation, Rollout | None], bool],
) -> tuple[Observation, Rollout | None]:
    """Observes until the effect is seen or ruled out, ``until`` says so, or the deadline passes: then the last look."""
    snapshot = picture.snapshot()
    while True:
        rollout = snapshot.rollouts.get(plan.key)
        observation = strategy.observe(plan, rollout)
        if observation.state != "waiting" or until(observation, rollout):
            return observation, rollout
        if deadline.left <= 0:
            return observation, rollout
        snapshot = await next_picture(picture, snapshot, deadline)


async def next_picture(picture: Picture, snapshot: Snapshot, deadline: Deadline) -> Snapshot:
    """A newer picture as soon as there is one; the present one after a second, or when the deadline passes."""
    try:
        return await asyncio.wait_for(picture.changed(snapshot.version), max(min(deadline.left, _LOOK_AGAIN), 0.0))
    except TimeoutError:
        return picture.snapshot()
