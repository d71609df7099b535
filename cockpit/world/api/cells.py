"""How ``kubectl get`` columns read: ages, pod states, ports, images, the pieces the server's printers share."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import parse_time
from cockpit.world.contract import Object

Cell = str | int | None


def dig(obj: Any, *path: str | int) -> Any:
    """The value at a path, None where any part of it is absent."""
    for key in path:
        if isinstance(obj, dict):
            obj = obj.get(str(key))
        elif isinstance(obj, list) and isinstance(key, int) and -len(obj) <= key < len(obj):
            obj = obj[key]
        else:
            return None
    return obj


def condition(obj: Object, kind: str, member: str) -> Cell:
    """A member of the condition called ``kind``, None where there is none."""
    for found in dig(obj, "status", "conditions") or ():
        if found.get("type") == kind:
            return None if found.get(member) is None else str(found[member])
    return None


def human_duration(seconds: float) -> str:
    """k8s.io/apimachinery/pkg/util/duration.HumanDuration."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    whole = max(whole, 0)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    years = days // 365
    if whole < 120:
        return f"{whole}s"
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if years < 2:
        return f"{days}d"
    if years < 8:
        return f"{years}y{days % 365}d" if days % 365 else f"{years}y"
    return f"{years}y"


def since(stamp: str | None, now: float) -> str:
    at = parse_time(stamp)
    return "<unknown>" if at is None else human_duration(now - at)


def age(obj: Object, now: float) -> str:
    return since(dig(obj, "metadata", "creationTimestamp"), now)


def labels_text(labels: dict[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or "<none>"


def containers(obj: Object, what: str) -> str:
    """Names or images of a workload's template, comma separated."""
    return ",".join(str(c.get(what, "")) for c in dig(obj, "spec", "template", "spec", "containers") or ()) or "<none>"


def pod_ready(pod: Object, now: float) -> Cell:
    """``ready/all`` containers."""
    statuses = dig(pod, "status", "containerStatuses") or []
    ready = sum(1 for s in statuses if s.get("ready") and dig(s, "state", "running") is not None)
    return f"{ready}/{len(dig(pod, 'spec', 'containers') or ())}"


def pod_status(pod: Object, now: float) -> Cell:
    """The STATUS column of ``kubectl get pods`` (kubernetes/pkg/printers/internalversion, printPod)."""
    status = pod.get("status") or {}
    reason = status.get("reason") or status.get("phase") or "Unknown"
    initializing = False
    waiting_inits = status.get("initContainerStatuses") or []
    for index, container in enumerate(waiting_inits):
        terminated, waiting = dig(container, "state", "terminated"), dig(container, "state", "waiting")
        if terminated is not None and not terminated.get("exitCode"):
            continue
        initializing = True
        if terminated is not None:
            reason = f"Init:{terminated.get('reason') or 'ExitCode:' + str(terminated.get('exitCode'))}"
        elif waiting and waiting.get("reason") not in (None, "", "PodInitializing"):
            reason = f"Init:{waiting['reason']}"
        else:
            reason = f"Init:{index}/{len(dig(pod, 'spec', 'initContainers') or ())}"
        break
    if not initializing:
        running = False
        for container in reversed(status.get("containerStatuses") or []):
            terminated, waiting = dig(container, "state", "terminated"), dig(container, "state", "waiting")
            if waiting and waiting.get("reason"):
                reason = waiting["reason"]
            elif terminated is not None:
                signal = terminated.get("signal")
                code = f"Signal:{signal}" if signal else f"ExitCode:{terminated.get('exitCode')}"
                reason = terminated.get("reason") or code
            elif container.get("ready") and dig(container, "state", "running") is not None:
                running = True
        if reason == "Completed" and running:
            ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or ())
            reason = "Running" if ready else "NotReady"
    if "deletionTimestamp" in pod["metadata"]:
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(reason)


def pod_restarts(pod: Object, now: float) -> Cell:
    """``3 (5m ago)``: all restarts, and when the last of them was."""
    statuses = dig(pod, "status", "containerStatuses") or []
    count = sum(int(s.get("restartCount") or 0) for s in statuses)
    ends = [parse_time(dig(s, "lastState", "terminated", "finishedAt")) for s in statuses]
    known = [end for end in ends if end is not None]
    return f"{count} ({human_duration(now - max(known))} ago)" if count and known else str(count)


def service_ports(service: Object, now: float) -> Cell:
    parts = []
    for port in dig(service, "spec", "ports") or ():
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        parts.append(f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}")
    return ",".join(parts) or "<none>"


def node_status(node: Object, now: float) -> Cell:
    ready = next((c for c in dig(node, "status", "conditions") or () if c.get("type") == "Ready"), None)
    words = ["Unknown" if ready is None else ("Ready" if ready.get("status") == "True" else "NotReady")]
    if dig(node, "spec", "unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def endpoints(obj: Object, now: float) -> Cell:
    pairs = [
        f"{address.get('ip')}:{port.get('port')}"
        for subset in obj.get("subsets") or ()
        for port in subset.get("ports") or [{"port": None}]
        for address in subset.get("addresses") or ()
    ]
    more = f" + {len(pairs) - 3} more..." if len(pairs) > 3 else ""
    return ",".join(pairs[:3]) + more if pairs else "<none>"


def event_last_seen(event: Object, now: float) -> Cell:
    stamp = dig(event, "series", "lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    text = since(stamp or event.get("firstTimestamp"), now)
    count = dig(event, "series", "count") or event.get("count") or 1
    return f"{text} (x{count} over {event_first_seen(event, now)})" if count > 1 else text


def event_first_seen(event: Object, now: float) -> Cell:
    return since(event.get("firstTimestamp") or event.get("eventTime"), now)


def event_object(event: Object, now: float) -> Cell:
    target = event.get("involvedObject") or {}
    return f"{str(target.get('kind', '')).lower()}/{target.get('name', '')}"


def event_source(event: Object, now: float) -> Cell:
    source = event.get("source") or {}
    names = [source.get("component") or event.get("reportingComponent"), source.get("host")]
    return ", ".join(name for name in names if name)
