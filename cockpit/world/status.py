"""Refusals of the API server: an exception that carries the Kubernetes Status the client gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Cause(NamedTuple):
    """One reason in ``details.causes``: ``reason`` such as FieldValueRequired, ``field`` a dotted path."""

    reason: str
    message: str
    field: str


class Rejected(Exception):
    """The request is refused. ``code`` is the HTTP status, ``reason`` the machine-readable ``Status.reason``."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        name: str = "",
        group: str = "",
        kind: str = "",
        uid: str = "",
        causes: Sequence[Cause] = (),
        retry_after: int | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.extra = extra or {}
        named = (("name", name), ("group", group), ("kind", kind), ("uid", uid))
        details: dict[str, Any] = {key: value for key, value in named if value}
        if causes:
            details["causes"] = [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes]
        if retry_after is not None:
            details["retryAfterSeconds"] = retry_after
        self.details = details

    def body(self) -> dict[str, Any]:
        """The Status object (v1) as the API machinery writes it."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": dict(self.extra),
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details:
            status["details"] = self.details
        status["code"] = self.code
        return status


def qualified(plural: str, group: str) -> str:
    """``rollouts.argoproj.io``; the bare plural for the core group."""
    return f"{plural}.{group}" if group else plural


def not_found(plural: str, group: str, name: str) -> Rejected:
    message = f'{qualified(plural, group)} "{name}" not found'
    return Rejected(404, "NotFound", message, name=name, group=group, kind=plural)


def already_exists(plural: str, group: str, name: str) -> Rejected:
    message = f'{qualified(plural, group)} "{name}" already exists'
    return Rejected(409, "AlreadyExists", message, name=name, group=group, kind=plural)


def conflict(plural: str, group: str, name: str, why: str) -> Rejected:
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {why}'
    return Rejected(409, "Conflict", message, name=name, group=group, kind=plural)


def modified(plural: str, group: str, name: str) -> Rejected:
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(plural, group, name, why)


def forbidden(plural: str, group: str, name: str, why: str) -> Rejected:
    subject = f'{qualified(plural, group)} "{name}"' if name else f"{qualified(plural, group)}"
    return Rejected(403, "Forbidden", f"{subject} is forbidden: {why}", name=name, group=group, kind=plural)


def bad_request(message: str) -> Rejected:
    return Rejected(400, "BadRequest", message)


def expired(message: str = "The resourceVersion for the provided watch is too old.") -> Rejected:
    return Rejected(410, "Expired", message)


def invalid(kind: str, group: str, name: str, causes: Sequence[Cause]) -> Rejected:
    """422 with causes, worded like field.ErrorList: one message bare, several in brackets."""
    lines = [f"{cause.field}: {cause.message}" for cause in causes]
    text = lines[0] if len(lines) == 1 else "[" + ", ".join(lines) + "]"
    subject = f"{kind}.{group}" if group else kind
    return Rejected(
        422, "Invalid", f'{subject} "{name}" is invalid: {text}', name=name, group=group, kind=kind, causes=causes
    )
