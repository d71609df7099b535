"""What every controller works with: a de-duplicating work queue, conditions, owner references, label selectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cockpit.base.clock import parse_time, rfc3339
from cockpit.world.clock import WorldClock
from cockpit.world.contract import Object

Key = tuple[str, str]
"""(namespace, name)."""

MAX_BACKOFF = 300.0


class Queue:
    """Keys to reconcile, each at most once at a time, on the world's clock.

    ``add`` coalesces a burst of changes into one pass ``delay`` seconds later; ``wake`` asks for a pass at a later
    time as well. A pass that raises is retried with back-off and kept in ``failures`` (newest error by key).
    """

    def __init__(self, clock: WorldClock, reconcile: Callable[[Key], None], delay: float) -> None:
        self._clock = clock
        self._reconcile = reconcile
        self._delay = delay
        self._soon: set[Key] = set()
        self._wakes: set[tuple[Key, float]] = set()
        self._retries: dict[Key, int] = {}
        self.failures: dict[Key, Exception] = {}

    def add(self, key: Key) -> None:
        if key not in self._soon:
            self._soon.add(key)
            self._clock.call_later(self._delay, lambda: self._run(key))

    def wake(self, key: Key, at: float) -> None:
        if (key, at) not in self._wakes:
            self._wakes.add((key, at))
            self._clock.call_at(at, lambda: self._fire(key, at))

    def _fire(self, key: Key, at: float) -> None:
        self._wakes.discard((key, at))
        if key not in self._soon:
            self._soon.add(key)
            self._run(key)

    def _run(self, key: Key) -> None:
        if key not in self._soon:
            return
        self._soon.discard(key)
        try:
            self._reconcile(key)
        except Exception as error:  # a controller outlives any object a user can write
            self.failures[key] = error
            count = self._retries[key] = self._retries.get(key, 0) + 1
            self.wake(key, self._clock.now() + min(0.5 * 2**count, MAX_BACKOFF))
        else:
            self._retries.pop(key, None)
            self.failures.pop(key, None)


def key_of(obj: Object) -> Key:
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def notes_of(obj: Object) -> dict[str, str]:
    """The object's annotations, made when absent: for writing."""
    found: dict[str, str] = obj["metadata"].setdefault("annotations", {})
    return found


def annotation(obj: Object, name: str, default: str = "") -> str:
    return str((obj["metadata"].get("annotations") or {}).get(name, default))


def label(obj: Object, name: str) -> str:
    return str((obj["metadata"].get("labels") or {}).get(name, ""))


def status_of(obj: Object) -> dict[str, Any]:
    return obj.get("status") or {}


def controller_of(obj: Object) -> Mapping[str, Any] | None:
    """The controlling ownerReference."""
    references = obj["metadata"].get("ownerReferences", ())
    return next((reference for reference in references if reference.get("controller")), None)


def own(owner: Object) -> list[dict[str, Any]]:
    """``ownerReferences`` for what ``owner`` controls."""
    return [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def integer(value: object, default: int) -> int:
    """``value`` when it is a number, else ``default``: absent is not 0."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def replicas(obj: Object) -> int:
    """``spec.replicas``; absent means 1."""
    return integer(obj["spec"].get("replicas"), 1)


def created(obj: Object) -> float:
    return parse_time(obj["metadata"].get("creationTimestamp")) or 0.0


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """A LabelSelector (matchLabels and matchExpressions); an empty one matches nothing here, as for controllers."""
    if not selector:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_requirement(rule, labels) for rule in selector.get("matchExpressions") or ())


def _requirement(rule: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(rule["key"]), rule.get("values") or ()
    match rule["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:
            return value is None


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """``app=shop,tier in (a,b)``: a LabelSelector as ``status.selector`` writes it."""
    parts = [f"{key}={value}" for key, value in sorted(((selector or {}).get("matchLabels") or {}).items())]
    for rule in (selector or {}).get("matchExpressions") or ():
        listed = ",".join(sorted(rule.get("values") or ()))
        match rule["operator"]:
            case "In":
                parts.append(f"{rule['key']} in ({listed})")
            case "NotIn":
                parts.append(f"{rule['key']} notin ({listed})")
            case "Exists":
                parts.append(rule["key"])
            case _:
                parts.append(f"!{rule['key']}")
    return ",".join(parts)


def condition(status: Mapping[str, Any], kind: str) -> dict[str, Any] | None:
    return next((item for item in status.get("conditions") or () if item["type"] == kind), None)


def drop_condition(status: dict[str, Any], kind: str) -> None:
    status["conditions"] = [item for item in status.get("conditions") or () if item["type"] != kind]


def set_condition(
    status: dict[str, Any], kind: str, value: str, reason: str, message: str, now: float, *, touch: bool = False
) -> bool:
    """Set a Deployment-like condition; True when its status changed.

    Unchanged status and reason leave it alone, unless ``touch`` renews ``lastUpdateTime`` (progress was made).
    """
    stamp = rfc3339(now)
    current = condition(status, kind)
    if current and current["status"] == value and current.get("reason") == reason and not touch:
        return False
    turned = current is None or current["status"] != value
    fresh = {
        "type": kind,
        "status": value,
        "lastUpdateTime": stamp,
        "lastTransitionTime": stamp if turned or current is None else current["lastTransitionTime"],
        "reason": reason,
        "message": message,
    }
    drop_condition(status, kind)
    status["conditions"].append(fresh)
    return turned
