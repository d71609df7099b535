"""The pod template within an object that holds one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cockpit.actions.preflight.contract import Garbled, whole


def in_force(written: Any) -> Mapping[str, Any]:
    """The template of a workload, or of a PodTemplate as it is. Raises Garbled or ValueError when there is none."""
    whole(written)
    spec = written["spec"] if isinstance(written.get("spec"), dict) else written
    if not isinstance(spec.get("template"), dict):
        raise Garbled("the server's answer has no pod template")
    template: Mapping[str, Any] = spec["template"]
    return template
