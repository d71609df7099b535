"""The two faces of one Event: core/v1 as stored, events.k8s.io/v1 as converted."""

from __future__ import annotations

from cockpit.world.contract import Object

_TO_EVENTS = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}
_TO_CORE = {new: old for old, new in _TO_EVENTS.items()}


def to_events_group(event: Object) -> Object:
    """core/v1 -> events.k8s.io/v1."""
    converted = {_TO_EVENTS.get(key, key): value for key, value in event.items()}
    converted["apiVersion"] = "events.k8s.io/v1"
    return converted


def to_core(event: Object) -> Object:
    """events.k8s.io/v1 -> core/v1."""
    converted = {_TO_CORE.get(key, key): value for key, value in event.items()}
    converted["apiVersion"] = "v1"
    return converted
