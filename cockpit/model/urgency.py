"""The order of the fleet: which rollout needs a human first, and which are worth a line at all."""

from __future__ import annotations

from cockpit.model.rollout import Arm, Rollout
from cockpit.model.verdict import ORDER, Assessment

RECENT_SECONDS = 3600.0
"""A finished rollout stays in the default view this long: that is when the page comes."""

_CRASHING = frozenset(
    (
        "CrashLoopBackOff",
        "OOMKilled",
        "RunContainerError",
        "CreateContainerError",
        "CreateContainerConfigError",
        "StartError",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
    )
)
_PHASES = {"Degraded": 0, "Paused": 1, "Progressing": 1, "Healthy": 2}


def urgency(rollout: Rollout, assessment: Assessment | None) -> tuple[int, int, int, int, int, str, str]:
    """Sort key, smallest first: verdict, still serving, crashing pods, Degraded, waiting for a human, name.

    With a source down many verdicts are equal (blind); the later members then rank by what pods and phases still say.
    """
    verdict = ORDER[assessment.verdict.state] if assessment is not None else ORDER["unjudged"]
    against = verdict == ORDER["abort"]
    everywhere = against and not rollout.in_flight and not rollout.aborted  # promoted, and every user has it
    return (
        verdict,
        1 if against and rollout.aborted else 0,  # the traffic is off it already
        0 if crashing(rollout.canary) or crashing(rollout.baseline) else 1,
        0 if everywhere else _PHASES.get(rollout.phase, 1),
        0 if rollout.waits_for_human else 1,
        rollout.key.namespace,
        rollout.key.name,
    )


def crashing(arm: Arm | None) -> bool:
    """Whether a pod of this arm keeps failing to run."""
    return arm is not None and any(pod.reason in _CRASHING for pod in arm.pods)


def in_default_view(rollout: Rollout, now: float) -> bool:
    """In flight, Degraded, or finished within the hour. ``now``: cluster time."""
    if rollout.in_flight or rollout.phase == "Degraded":
        return True
    return rollout.finished_at is not None and now - rollout.finished_at <= RECENT_SECONDS
