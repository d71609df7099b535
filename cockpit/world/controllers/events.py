"""The event recorder: core/v1 Events about an object, equal ones counted instead of repeated."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Literal

from cockpit.base.clock import rfc3339
from cockpit.world.contract import Object, World

EVENT_TTL = 3600.0
"""Seconds after which the API server forgets an event."""

_REMEMBERED = 20_000


class Recorder:
    """Writes events. ``quiet_until``: events before it would be forgotten by the present, and are not written."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._names: OrderedDict[tuple[str, ...], tuple[str, float]] = OrderedDict()
        self._serial = 0
        self.quiet_until = 0.0

    def event(
        self,
        about: Object,
        reason: str,
        message: str,
        *,
        kind: Literal["Normal", "Warning"] = "Normal",
        component: str,
        host: str = "",
        field: str = "",
    ) -> None:
        now = self._world.clock.now()
        if now < self.quiet_until:
            return
        metadata = about["metadata"]
        namespace = metadata.get("namespace") or "default"
        key = (metadata["uid"], reason, message, kind, component, field)
        known = self._names.get(key)
        if known is not None and now - known[1] < EVENT_TTL:
            self._names[key] = known[0], now
            self._names.move_to_end(key)

            def again(event: Object) -> None:
                event["count"] = event.get("count", 1) + 1
                event["lastTimestamp"] = rfc3339(now)

            if self._world.objects.mutate("events", namespace, known[0], again, manager=component) is not None:
                return
        self._serial += 1
        name = f"{metadata['name'][:236]}.{int(now * 1e6) * 1000 + self._serial % 1000:016x}"
        self._names[key] = name, now
        if len(self._names) > _REMEMBERED:
            self._names.popitem(last=False)
        reference: dict[str, Any] = {
            "kind": about["kind"],
            "namespace": metadata.get("namespace"),
            "name": metadata["name"],
            "uid": metadata["uid"],
            "apiVersion": about["apiVersion"],
            "resourceVersion": metadata.get("resourceVersion"),
        }
        if field:
            reference["fieldPath"] = field
        self._world.objects.create(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": namespace},
                "involvedObject": reference,
                "reason": reason,
                "message": message,
                "source": {"component": component, "host": host} if host else {"component": component},
                "firstTimestamp": rfc3339(now),
                "lastTimestamp": rfc3339(now),
                "count": 1,
                "type": kind,
                "reportingComponent": component,
                "reportingInstance": host,
            },
            manager=component,
        )
