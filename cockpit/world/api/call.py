"""One request as the verbs see it, and one answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from cockpit.world import status
from cockpit.world.api import protobuf
from cockpit.world.api.ledger import Served
from cockpit.world.api.negotiation import Media, representation
from cockpit.world.api.routes import Target
from cockpit.world.api.users import User
from cockpit.world.contract import Object
from cockpit.world.kinds import EVENTS_GROUP, Kind
from cockpit.world.store import decode

_encode = msgspec.json.Encoder().encode
JSON = "application/json"


class Answer(NamedTuple):
    """A complete answer."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = {}


class Call(NamedTuple):
    """A resource request, authenticated and routed. ``agent`` is the User-Agent, ``kind`` the resource's kind."""

    target: Target
    kind: Kind
    query: Mapping[str, str]
    user: User
    agent: str
    accept: str
    content_type: str
    body: bytes
    served: Served

    @property
    def namespace(self) -> str | None:
        """The namespace asked for; None: all of them, or cluster scope."""
        return (self.target.namespace or None) if self.kind.namespaced else None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind.plural, self.target.namespace if self.kind.namespaced else "", self.target.name

    @property
    def group_version(self) -> str:
        return f"{self.target.group}/{self.target.version}" if self.target.group else self.target.version

    @property
    def converted(self) -> bool:
        """Whether stored objects are served in another shape."""
        return self.kind.plural == "events" and self.target.group == EVENTS_GROUP

    @property
    def media(self) -> Media:
        return representation(self.accept)

    @property
    def manager(self) -> str:
        """fieldManager, or the first word of the User-Agent."""
        return self.query.get("fieldManager") or self.agent.partition("/")[0] or "unknown"

    def dry_run(self, body: Object | None = None) -> bool:
        """Whether ``dryRun=All`` was asked for, by query or in DeleteOptions; 422 for any other value."""
        asked = [self.query["dryRun"]] if self.query.get("dryRun") else list((body or {}).get("dryRun") or ())
        if any(value != "All" for value in asked):
            message = f'Unsupported value: "{asked[0]}": supported values: "All"'
            cause = status.Cause("FieldValueNotSupported", message, "dryRun")
            options = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}
            kind = options.get(self.target.verb, "DeleteOptions")
            raise status.invalid(kind, "meta.k8s.io", "", [cause])
        self.served.dry_run = bool(asked)
        return bool(asked)

    def json(self) -> Object:
        """The body as an object; 400 when it is none, 415 when it is in a format that is not read here."""
        return read_object(self.body, self.content_type)


def read_object(body: bytes, content_type: str = JSON) -> Object:
    kind = content_type.partition(";")[0].strip()
    if kind == protobuf.MEDIA_TYPE:
        return protobuf.decode(body)
    if kind not in ("", JSON, "application/yaml"):
        accepted = f"{JSON}, {protobuf.MEDIA_TYPE}"
        message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        raise status.Rejected(415, "UnsupportedMediaType", message)
    try:
        return decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise status.bad_request(f"error decoding the body of the request as a JSON object: {error}") from None


def json_answer(value: Any, code: int = 200) -> Answer:
    return Answer(code, _encode(value))


def refusal(error: status.Rejected) -> Answer:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return Answer(error.code, _encode(error.body()), JSON, headers)
