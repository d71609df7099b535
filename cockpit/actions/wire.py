"""Requests as they are shown and journaled: the exact patch, without the secrets that a pod template may carry."""

from __future__ import annotations

import hashlib
from typing import Any

from cockpit.base.secrets import hide
from cockpit.journal.records import canonical
from cockpit.model.plan import Patch
from cockpit.strategies.templates import images


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
