"""PATCH: which kinds of patch a resource takes, and what one makes of the current object."""

from __future__ import annotations

from typing import Any

import msgspec

from cockpit.world import status
from cockpit.world.api.call import Call, read_object
from cockpit.world.api.patch import PatchError, apply_json_patch, apply_merge_patch
from cockpit.world.api.strategic import apply_strategic_patch
from cockpit.world.contract import Object

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


def media_type(call: Call) -> str:
    """The patch type; raises 415 for one that this resource does not take."""
    given = call.content_type.partition(";")[0].strip()
    allowed = [JSON_PATCH, MERGE_PATCH, *([STRATEGIC_PATCH] if call.kind.strategic else []), APPLY_PATCH]
    if given not in allowed:
        message = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(
            allowed
        )
        raise status.Rejected(415, "UnsupportedMediaType", message)
    if given == APPLY_PATCH and not call.query.get("fieldManager"):
        cause = status.Cause("FieldValueRequired", "Required value: is required for apply patch", "fieldManager")
        raise status.invalid("PatchOptions", "meta.k8s.io", "", [cause])
    return given


def patched(call: Call, current: Object) -> Object:
    """``current`` with the request's patch applied; raises 400, 415 or 422."""
    kind = media_type(call)
    try:
        patch: Any = msgspec.json.decode(call.body) if kind == JSON_PATCH else read_object(call.body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise status.bad_request(f"error decoding patch: {error}") from None
    if kind == JSON_PATCH:
        try:
            result = apply_json_patch(current, patch)
        except PatchError as error:
            raise _unprocessable() from error
    elif kind == STRATEGIC_PATCH:
        result = apply_strategic_patch(current, patch)
    else:
        # Server-side apply is taken as a forced apply by one manager: what is listed wins.
        result = apply_merge_patch(current, patch) if kind == MERGE_PATCH else apply_strategic_patch(current, patch)
    if not isinstance(result, dict) or not isinstance(result.get("metadata"), dict):
        raise _unprocessable()
    obj: Object = result
    return obj


def _unprocessable() -> status.Rejected:
    """The real server does not say which operation failed either."""
    return status.Rejected(422, "Invalid", "the server rejected our request due to an error in our request")


def check_unchanged(call: Call, old: Object, new: Object) -> None:
    """A patch may name identity and version only to agree with them: 422, or 409 for the version."""
    before, after = old["metadata"], new["metadata"]
    version = after.get("resourceVersion")
    if version and version != before.get("resourceVersion"):
        raise status.modified(call.kind.plural, call.kind.group, call.target.name)
    for field in ("name", "namespace", "uid"):
        if after.get(field) and after[field] != before.get(field):
            message = f'Invalid value: "{after[field]}": field is immutable'
            cause = status.Cause("FieldValueInvalid", message, f"metadata.{field}")
            raise status.invalid(call.kind.kind, call.kind.group, call.target.name, [cause])
