"""An independent model of a canary update: what each step must look like when reached, from the documentation only.

No code is shared with the controllers. The model knows neither time nor pods; it says which states a Rollout passes
through, in order, when nothing goes wrong and every gate is opened.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple


class State(NamedTuple):
    """A Rollout that arrived somewhere. ``weight``: what the steps ask for; ``phase`` and ``message``: status."""

    index: int
    weight: int
    canary: int
    stable: int
    phase: str
    message: str


def split(replicas: int, weight: int, surge: bool) -> tuple[int, int]:
    """(canary, stable) pods of a canary without traffic routing: the ratio closest to the weight.

    Argo Rollouts documentation, canary: the closest possible percentage; each side at least one pod between 1 and 99 %;
    one pod more than asked for where maxSurge allows and it comes closer; more canary pods when equally close.
    """
    if weight in (0, 100) or replicas == 0:
        canary = replicas if weight == 100 else 0
        return canary, replicas - canary
    exact = Fraction(replicas * weight, 100)
    near = {exact.numerator // exact.denominator, -(-exact.numerator // exact.denominator)}
    options = []
    for total in (replicas, replicas + 1) if surge else (replicas,):
        for canary in near:
            alone = replicas == 1 and not surge
            if (0 < canary < total) or alone:
                distance = abs(Fraction(canary, total) - Fraction(weight, 100))
                options.append((distance, total, -canary))
    _, total, negative = min(options)
    return -negative, total + negative


def walk(replicas: int, steps: list[dict[str, Any]], *, surge: bool, routed: bool) -> list[State]:
    """States after each completed step and in each pause, from the new template to the end."""
    states: list[State] = []
    canary, stable = 0, replicas
    weight = 0

    def phase(paused: bool) -> tuple[str, str]:
        if paused:
            return "Paused", "CanaryPauseStep"
        if canary < replicas:
            return "Progressing", "more replicas need to be updated"
        if not routed and stable > 0:
            return "Progressing", "old replicas are pending termination"
        return "Progressing", "waiting for all steps to complete"

    for index, step in enumerate(steps):
        if "setWeight" in step:
            weight = step["setWeight"]
            if routed:
                canary, stable = -(-replicas * weight // 100), replicas
            else:
                canary, stable = split(replicas, weight, surge)
        else:
            states.append(State(index, weight, canary, stable, *phase(paused=True)))
        states.append(State(index + 1, weight, canary, stable, *phase(paused=False)))
    return states
