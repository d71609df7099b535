"""Requests as they are shown and journaled: the exact patch, without the secrets that a pod template may carry."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from cockpit.journal.records import canonical
from cockpit.model.plan import Patch
from cockpit.strategies.templates import images
from cockpit.strategies.values import mapping

HIDDEN = "<hidden>"
_SECRET_NAME = re.compile(
    r"passw|passphrase|_pass|pwd|secret|token|credential|private|api_?key|access_?key|auth|dsn", re.I
)
_URL_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+(?=@)")


def shown(patch: Patch) -> dict[str, Any]:
    """One request for ``--dry-run``, dialogs and JSON. Values of variables named like secrets are hidden."""
    return {
        "method": "PATCH",
        "path": patch.resource.path(patch.namespace, patch.name, patch.subresource),
        "query": "fieldManager=rollout-cockpit&fieldValidation=Strict",
        "content_type": "application/json-patch+json",
        "body": [{**op, "value": hide(op["value"])} if "value" in op else dict(op) for op in patch.ops],
        "why": patch.why,
    }


def journaled(patch: Patch) -> dict[str, Any]:
    """One request for the journal: pod templates by their digest and images only."""
    return {**shown(patch), "body": [condensed(op) for op in patch.ops]}


def condensed(op: dict[str, Any]) -> dict[str, Any]:
    """An operation with a pod template replaced by what identifies it."""
    value = op.get("value")
    if op["path"].endswith("/template") and isinstance(value, dict):
        return {**op, "value": {"template_sha256": digest(value), "images": images(value)}}
    return dict(op)


def digest(value: Any) -> str:
    """sha256 of the canonical JSON of a value, hexadecimal."""
    return hashlib.sha256(canonical({"value": value}).encode("utf-8", "surrogatepass")).hexdigest()


def hide(value: Any) -> Any:
    """A copy with the values of secret-looking variables hidden, and passwords in URLs."""
    if isinstance(value, list):
        return [hide(item) for item in value]
    if isinstance(value, str):
        return _URL_PASSWORD.sub(rf"\1:{HIDDEN}", value)
    if not isinstance(value, dict):
        return value
    name = value.get("name")
    if "value" in value and isinstance(name, str) and _SECRET_NAME.search(name):
        return {**value, "value": HIDDEN}
    return {key: hide(item) for key, item in mapping(value).items()}
