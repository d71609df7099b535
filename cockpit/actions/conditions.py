"""Evaluating a patch against an object: do its guards still hold, is its effect there (RFC 6901 pointers)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from cockpit.actions.wire import digest
from cockpit.model.guards import describe

Op = Mapping[str, Any]
Standing = Literal["applied", "untouched", "unclear"]


def resolve(document: Any, pointer: str) -> Any:
    """The value at a pointer, None where a member is absent: to a guard both are the same."""
    value = document
    for raw in pointer.split("/")[1:]:
        member = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(member)
        elif isinstance(value, list) and member.isascii() and member.isdigit() and int(member) < len(value):
            value = value[int(member)]
        else:
            return None
    return value


def moved(ops: Sequence[Op], document: Any) -> tuple[str, ...]:
    """One sentence per guard that does not hold on a fresh object."""
    return describe(
        (op["path"], op.get("value"), resolve(document, op["path"]))
        for op in ops
        if op["op"] == "test" and not _equal(resolve(document, op["path"]), op.get("value"))
    )


def standing(ops: Sequence[Op], document: Any) -> Standing:
    """Whether a patch whose answer is not known was carried out, as far as the object tells.

    *applied*: every change is there. *untouched*: every guard still holds and no change is there. Everything else,
    such as an object that went on since, is *unclear*.
    """
    if _held(ops, document):
        return "untouched"
    if all(_present(op, document) for op in ops if op["op"] != "test"):
        return "applied"
    return "unclear" if moved(ops, document) else "untouched"


def _held(ops: Sequence[Op], document: Any) -> bool:
    """Whether a guard on a whole object still holds that a change would have broken: then there was no change.

    ``_present`` alone cannot tell: what is written may be a part of what was there, or a false where nothing was.
    """
    guards = [op for op in ops if op["op"] == "test" and isinstance(op.get("value"), Mapping)]
    return any(
        _equal(resolve(document, guard["path"]), guard["value"])
        and not _equal(resolve(document, op["path"]), op.get("value"))
        for guard in guards
        for op in ops
        if op["op"] != "test" and (op["path"] + "/").startswith(guard["path"] + "/")
    )


def _present(op: Op, document: Any) -> bool:
    value = resolve(document, op["path"])
    if op["op"] == "remove":
        return not value
    return _contains(value, op.get("value"))


def _contains(value: Any, wanted: Any) -> bool:
    """Whether ``value`` has all that was written; the server may have added defaults, and drops false and null."""
    if isinstance(wanted, Mapping):
        if "template_sha256" in wanted:
            return bool(digest(value) == wanted["template_sha256"])
        return isinstance(value, Mapping) and all(_contains(value.get(key), item) for key, item in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(value, list)
            and len(value) == len(wanted)
            and all(_contains(*pair) for pair in zip(value, wanted, strict=True))
        )
    if wanted in (None, False, "", 0) and not isinstance(wanted, float):
        return not value
    return bool(value == wanted)


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping) and "template_sha256" in wanted:
        return bool(digest(value) == wanted["template_sha256"])
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)
