"""What the server recorded of writes to an object: who wrote which keys of its data, and when (``managedFields``).

Only metadata is needed for it, so the data itself never leaves the server (facts 4.2, C16).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from cockpit.actions.preflight.contract import Garbled
from cockpit.base.clock import parse_time
from cockpit.strategies.values import mapping, text

_DATA = ("f:data", "f:binaryData", "f:stringData")
_SEALED = "f:immutable"


class Wrote(msgspec.Struct, frozen=True):
    """One manager's newest write of data. ``at`` None: the server did not keep when."""

    manager: str
    at: float | None
    said: str


class Record(msgspec.Struct, frozen=True):
    """``made``: when the object was made, cluster unix seconds. ``keys``: of its data, as far as a writer is known."""

    made: float
    writes: tuple[Wrote, ...]
    keys: frozenset[str]

    def since(self, at: float) -> Wrote | None:
        """The newest write of data after ``at``. Raises Garbled when the record does not reach so far."""
        if not self.writes or any(each.at is None for each in self.writes):
            raise Garbled("the server keeps no record of when its data changed")
        newest = max(self.writes, key=lambda each: each.at or 0.0)
        return newest if newest.at is not None and newest.at > at else None


def record(metadata: Any, name: str) -> Record:
    """Raises Garbled for an answer that is not about the object of this name."""
    if not isinstance(metadata, dict) or metadata.get("name") != name:
        raise Garbled(f"the answer about {name} is not about it")
    made = parse_time(text(metadata.get("creationTimestamp"), 40))
    entries = metadata.get("managedFields") or []
    if made is None or not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise Garbled(f"the answer about {name} cannot be read")
    data = [each for each in entries if _writes_data(each)]
    keys = {
        key.removeprefix("f:")
        for entry in data
        for member in _DATA
        for key in mapping(mapping(entry.get("fieldsV1")).get(member))
        if key.startswith("f:")
    }
    return Record(made, tuple(_wrote(each) for each in data), frozenset(keys))


def _wrote(entry: Mapping[str, Any]) -> Wrote:
    said = text(entry.get("time"), 40)
    return Wrote(text(entry.get("manager"), 80) or "somebody", parse_time(said), said)


def _writes_data(entry: Mapping[str, Any]) -> bool:
    # Sealing an object counts: from then on its data cannot change, until then it could.
    fields = mapping(entry.get("fieldsV1"))
    return any(member in fields for member in (*_DATA, _SEALED))
