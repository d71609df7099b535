"""What representation a client accepts: plain JSON, Table, metadata only, aggregated discovery."""

from __future__ import annotations

from typing import NamedTuple

from cockpit.world import status


class Media(NamedTuple):
    """One acceptable form: ``as_`` "" (the object itself), Table, PartialObjectMetadata, … with its group, version."""

    type: str
    as_: str = ""
    group: str = ""
    version: str = ""


_PLAIN = Media("application/json")
_META = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")


def accepted(header: str) -> list[Media]:
    """All clauses of an Accept header, in order (quality values decide nothing here, as on the real server)."""
    found = []
    for clause in header.split(","):
        kind, *parameters = (part.strip() for part in clause.split(";"))
        named = dict(part.split("=", 1) for part in parameters if "=" in part)
        if kind:
            found.append(Media(kind, named.get("as", ""), named.get("g", ""), named.get("v", "")))
    return found or [_PLAIN]


def representation(header: str) -> Media:
    """The form for a resource; raises 406 when none fits."""
    for media in accepted(header):
        if media.type not in ("application/json", "application/*", "*/*"):
            continue
        if not media.as_:
            return _PLAIN
        if media.as_ in _META and media.group == "meta.k8s.io" and media.version in ("v1", "v1beta1"):
            return media
    message = (
        "only the following media types are accepted: application/json, application/json;as=Table;v=v1;g=meta.k8s.io, "
        "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
    )
    raise not_acceptable(message)


def not_acceptable(message: str) -> status.Rejected:
    return status.Rejected(406, "NotAcceptable", message)
