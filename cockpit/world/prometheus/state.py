"""What a node and kube-state-metrics tell of a pod: values that follow from its timeline alone."""

from __future__ import annotations

import re
from collections.abc import Callable

from cockpit.world.traffic import exposition as text
from cockpit.world.traffic.pods import Pod

_INVALID = re.compile(r"[^a-zA-Z0-9_]")


def memory(pod: Pod, moment: int) -> float:
    """Working set in whole bytes: the profile's, growing since the instance started, with a little noise."""
    profile = pod.profile_at(moment)
    started = next((instance.started for instance in reversed(pod.instances) if instance.started <= moment), moment)
    grown = profile.memory + profile.memory_growth * (moment - started) / 1000
    return float(round(grown * (0.98 + 0.04 * pod.stream.uniforms(moment, 9)[0])))


def state_rows(pod: Pod, name: str) -> list[tuple[dict[str, str], Callable[[int], float]]]:
    """Rows of one kube-state-metrics family for a pod: extra labels, and the value at a moment."""
    if name == text.READY.name:
        ready = lambda at: float(pod.ready_at(at))  # noqa: E731
        unready = lambda at: float(not pod.ready_at(at))  # noqa: E731
        return [
            ({"uid": pod.uid, "condition": "true"}, ready),
            ({"uid": pod.uid, "condition": "false"}, unready),
            ({"uid": pod.uid, "condition": "unknown"}, lambda at: 0.0),
        ]
    base = {"uid": pod.uid, "container": pod.container}
    if name == text.RESTARTS.name:
        return [(base, lambda at: float(max((i.number for i in pod.instances if i.started <= at), default=0)))]
    if name == text.TERMINATED.name:
        reasons = sorted({instance.reason for instance in pod.instances if instance.reason})
        return [({**base, "reason": reason}, _last_reason(pod, reason)) for reason in reasons]
    if name == text.LIMITS.name:
        node = {"node": pod.node} if pod.node else {}
        return [
            ({**base, **node, "resource": resource, "unit": unit}, lambda at, value=value: value)  # type: ignore[misc]
            for resource, unit, value in pod.limits
        ]
    shown = {"label_" + _INVALID.sub("_", key): value for key, value in pod.labels.items()}
    return [({"uid": pod.uid, **shown}, lambda at: 1.0)]


def _last_reason(pod: Pod, reason: str) -> Callable[[int], float]:
    def value(at: int) -> float:
        ended = [instance for instance in pod.instances if instance.ended is not None and instance.ended <= at]
        return float(bool(ended) and ended[-1].reason == reason)

    return value
