"""What the pods themselves say: a crash loop or an out-of-memory kill of the canary needs no statistics (facts 1.7)."""

from __future__ import annotations

from cockpit.model.rollout import Arm, Pod, Rollout
from cockpit.model.verdict import State

LOOPING = frozenset({"CrashLoopBackOff", "RunContainerError", "CreateContainerError", "StartError"})
CANNOT_START = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError"})
OOM = "OOMKilled"
_RESTARTS = 3
_RECENT = 600.0
"""Seconds after an exit in which a container that runs still counts as looping: between two crashes it does run."""


def pod_trouble(rollout: Rollout, now: float) -> tuple[State, str] | None:
    """(state, reason) when pods of the canary keep failing; None when nothing is wrong with them.

    With the same fault in the baseline it is not this release.
    """
    canary, baseline = rollout.canary, rollout.baseline
    if canary is None:
        return None
    since = rollout.started_at or canary.created_at
    for test, says in ((_killed, "out of memory (OOMKilled)"), (_looping, "in a crash loop")):
        hit = [pod for pod in canary.pods if test(pod, since, now)]
        if not hit:
            continue
        if any(test(pod, since, now) for pod in (baseline.pods if baseline is not None else ())):
            return "outage", f"pods of both arms are {says}: not this release; rolling back would not help"
        return "abort", f"{_of(len(hit), canary)} of the canary {'is' if len(hit) == 1 else 'are'} {says}{_exit(hit)}"
    stuck = [pod for pod in canary.pods if pod.reason in CANNOT_START]
    if stuck:
        return "watch", f"{_of(len(stuck), canary)} of the canary cannot start: {stuck[0].reason}"
    return None


def _looping(pod: Pod, since: float | None, now: float) -> bool:
    if pod.reason in LOOPING:
        return True
    end = pod.last_exit
    if end is None or pod.restarts < _RESTARTS or end.code == 0:
        return False
    return end.at is not None and now - end.at <= _RECENT and (since is None or end.at >= since)


def _killed(pod: Pod, since: float | None, now: float) -> bool:
    if pod.reason == OOM:
        return True
    end = pod.last_exit
    if end is None or end.reason != OOM:
        return False
    return end.at is None or since is None or end.at >= since


def _of(hit: int, arm: Arm) -> str:
    return f"{hit} of {len(arm.pods)} pods"


def _exit(pods: list[Pod]) -> str:
    restarts = sum(pod.restarts for pod in pods)
    ends = [pod.last_exit for pod in pods if pod.last_exit is not None]
    notes = [f"{restarts} restarts"] if restarts else []
    if ends and ends[0].reason != OOM:
        code = f" {ends[0].code}" if ends[0].code is not None else ""
        notes.append(f"last exit {ends[0].reason}{code}")
    return f" ({', '.join(notes)})" if notes else ""
