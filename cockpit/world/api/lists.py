"""Lists: consistent snapshots, pages with expiring tokens, the meaning of resourceVersion."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from cockpit.world import status
from cockpit.world.api.selectors import Selector
from cockpit.world.store import Store
from cockpit.world.tables import Entry

_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


class Row(NamedTuple):
    namespace: str
    name: str
    data: bytes
    labels: Mapping[str, str]


class Page(NamedTuple):
    """One answer to a list. ``following``: the continue token, "" on the last page."""

    version: int
    rows: list[Row]
    following: str
    remaining: int | None


class _Token(msgspec.Struct):
    """Where the next page starts; version -1 means "whatever is there now"."""

    version: int
    start: tuple[str, str]


def parse_version(text: str, field: str = "resourceVersion") -> int:
    """A resourceVersion of a request; 400 when it is no number."""
    if not text:
        return 0
    if not text.isdigit():
        cause = status.Cause("FieldValueInvalid", f'Invalid value: "{text}": strconv.ParseUint: invalid syntax', field)
        raise status.invalid("ListOptions", "meta.k8s.io", "", [cause])
    return int(text)


def too_large(asked: int, current: int) -> status.Rejected:
    message = f"Too large resource version: {asked}, current: {current}"
    cause = status.Cause("ResourceVersionTooLarge", "Too large resource version", "")
    return status.Rejected(504, "Timeout", message, causes=[cause], retry_after=1)


def snapshot(store: Store, plural: str, namespace: str | None, version: int | None) -> list[Row]:
    """All rows as they stood at ``version`` (None: now), in key order. 410 when that is no longer known."""
    rows = {(ns, name): _row(ns, name, entry) for ns, name, entry in store.tables.entries(plural, namespace)}
    if version is None or version >= store.version:
        return list(rows.values())
    undo = store.history(plural).undo(version)
    if undo is None:
        raise status.expired(f"The provided resource version is too old: {version}")
    for event in undo:
        if namespace is not None and event.namespace != namespace:
            continue
        key = (event.namespace, event.name)
        if event.old is None:
            rows.pop(key, None)
        else:
            rows[key] = Row(*key, event.old, event.old_labels)
    return [rows[key] for key in sorted(rows)]


def _row(namespace: str, name: str, entry: Entry) -> Row:
    return Row(namespace, name, entry.data, entry.labels)


def page(store: Store, plural: str, namespace: str | None, selector: Selector, query: Mapping[str, str]) -> Page:
    """Answer a list request by its limit, continue, resourceVersion and resourceVersionMatch."""
    limit = _limit(query.get("limit", ""))
    token = query.get("continue", "")
    match = query.get("resourceVersionMatch", "")
    asked = parse_version(query.get("resourceVersion", ""))
    _check_match(match, query.get("resourceVersion", ""), token)
    start: tuple[str, str] | None = None
    version: int | None = None
    if token:
        at = _parse(token)
        start = at.start
        version = None if at.version < 0 else at.version
    elif asked:
        if asked > store.version:
            raise too_large(asked, store.version)
        if match == "Exact" or (limit and not match):
            version = asked
    try:
        rows = snapshot(store, plural, namespace, version)
    except status.Rejected as error:
        if start is None:
            raise
        too_old = status.expired(_TOO_OLD)
        too_old.extra = {"continue": _encode(-1, start)}
        raise too_old from error
    shown = store.version if version is None else version
    if start is not None:
        rows = [row for row in rows if (row.namespace, row.name) >= start]
    rows = [row for row in rows if selector.matches(row.namespace, row.name, row.labels, row.data)]
    if not limit or len(rows) <= limit:
        return Page(shown, rows, "", None)
    rest = rows[limit]
    remaining = len(rows) - limit if selector.everything else None  # the real server does not count with a selector
    return Page(shown, rows[:limit], _encode(shown, (rest.namespace, rest.name)), remaining)


def _limit(text: str) -> int:
    if not text:
        return 0
    try:
        limit = int(text)
    except ValueError:
        raise status.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
    if limit < 0:
        cause = status.Cause("FieldValueInvalid", f"Invalid value: {limit}: must be a positive integer", "limit")
        raise status.invalid("ListOptions", "meta.k8s.io", "", [cause])
    return limit


def _check_match(match: str, version: str, token: str) -> None:
    if not match:
        if token and version not in ("", "0"):
            raise status.bad_request("specifying resource version is not allowed when using continue")
        return
    problem = ""
    if token:
        problem = "resourceVersionMatch is forbidden when continue is provided"
    elif not version:
        problem = "resourceVersionMatch is forbidden unless resourceVersion is provided"
    elif match not in ("Exact", "NotOlderThan"):
        problem = f'supported values: "Exact", "NotOlderThan", not "{match}"'
    elif match == "Exact" and version == "0":
        problem = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    if problem:
        cause = status.Cause("FieldValueForbidden", f"Forbidden: {problem}", "resourceVersionMatch")
        raise status.invalid("ListOptions", "meta.k8s.io", "", [cause])


def _encode(version: int, start: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(_Token(version, start))).decode().rstrip("=")


def _parse(token: str) -> _Token:
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        return msgspec.json.decode(raw, type=_Token)
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise status.bad_request("continue key is not valid: encoding is invalid") from None
