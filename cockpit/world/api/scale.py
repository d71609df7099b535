"""The scale subresource: a workload seen as autoscaling/v1 Scale, and back."""

from __future__ import annotations

from typing import Any

from cockpit.world.api.cells import dig
from cockpit.world.contract import Object


def to_scale(workload: Object) -> Object:
    """The Scale of a Deployment, ReplicaSet, StatefulSet or Rollout."""
    metadata = workload["metadata"]
    kept = {
        k: metadata[k] for k in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp") if k in metadata
    }
    custom = workload["kind"] == "Rollout"
    current = dig(workload, "status", "HPAReplicas" if custom else "replicas") or 0
    selector = dig(workload, "status", "selector") if custom else _selector(dig(workload, "spec", "selector") or {})
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": kept,
        "spec": {"replicas": dig(workload, "spec", "replicas") or 0},
        "status": {"replicas": current, **({"selector": selector} if selector else {})},
    }


def _selector(selector: dict[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items()))
