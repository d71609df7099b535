"""JSON patches (RFC 6902) with their guards: test operations from what was seen, then the change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cockpit.model.guards import guarded
from cockpit.model.plan import Verb

Op = dict[str, Any]


def test(pointer: str, value: Any) -> Op:
    """Passes when the member has this value; ``None`` passes on an absent member whose parent exists."""
    return {"op": "test", "path": pointer, "value": value}


def put(pointer: str, value: Any) -> Op:
    """Sets a member, present or not (``add`` replaces; ``replace`` fails on an absent one). Its parent must exist."""
    return {"op": "add", "path": pointer, "value": value}


def drop(pointer: str) -> Op:
    """Removes a member; fails when absent, so a ``test`` of what was seen comes before."""
    return {"op": "remove", "path": pointer}


def guards(verb: Verb, seen: Mapping[str, Any]) -> list[Op]:
    """The test operations of a verb. Entries that are no pointers into the object itself are left out."""
    return [test(pointer, value) for pointer, value in guarded(verb, seen).items() if pointer.startswith("/")]


def escape(member: str) -> str:
    """A member name inside a JSON pointer (RFC 6901)."""
    return member.replace("~", "~0").replace("/", "~1")
