"""pods/eviction: deleting a pod only as far as its disruption budgets allow."""

from __future__ import annotations

import math
from typing import Any

from cockpit.world import status
from cockpit.world.api.call import Answer, Call, json_answer
from cockpit.world.api.cells import dig
from cockpit.world.contract import Object
from cockpit.world.store import Store


def evict(call: Call, store: Store) -> Answer:
    """Delete the pod, or raise 429 naming the budget that forbids it."""
    pod = store.get(*call.key)
    if pod is None:
        raise status.not_found("pods", "", call.target.name)
    body = call.json()
    options = body.get("deleteOptions") or {}
    uid = dig(options, "preconditions", "uid")
    if uid and uid != pod["metadata"]["uid"]:
        detail = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {pod['metadata']['uid']}"
        raise status.conflict("pods", "", call.target.name, detail)
    if "deletionTimestamp" not in pod["metadata"] and _ready(pod):
        for budget in store.select("poddisruptionbudgets", pod["metadata"]["namespace"]):
            _check(budget, pod, store)
    if not call.dry_run(options):
        store.delete(*call.key, grace=options.get("gracePeriodSeconds"))
    return json_answer({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)


def _check(budget: Object, pod: Object, store: Store) -> None:
    labels: dict[str, str] = dig(budget, "spec", "selector", "matchLabels") or {}
    own = pod["metadata"].get("labels") or {}
    if not labels or any(own.get(key) != value for key, value in labels.items()):
        return
    covered = store.select("pods", pod["metadata"]["namespace"], labels)
    healthy = sum(1 for other in covered if _ready(other) and "deletionTimestamp" not in other["metadata"])
    spec = budget["spec"]
    if "maxUnavailable" in spec:
        needed = len(covered) - _amount(spec["maxUnavailable"], len(covered))
    else:
        needed = _amount(spec.get("minAvailable", 1), len(covered))
    if healthy - 1 < needed:
        name = budget["metadata"]["name"]
        message = f"The disruption budget {name} needs {needed} healthy pods and has {healthy} currently"
        raise status.Rejected(
            429,
            "TooManyRequests",
            "Cannot evict pod as it would violate the pod's disruption budget.",
            causes=[status.Cause("DisruptionBudget", message, "")],
            retry_after=10,
        )


def _amount(value: Any, total: int) -> int:
    """A count, or a percentage of ``total`` rounded up as the disruption controller does."""
    if isinstance(value, str) and value.endswith("%"):
        return math.ceil(int(value[:-1]) * total / 100)
    return int(value)


def _ready(pod: Object) -> bool:
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in dig(pod, "status", "conditions") or ())
