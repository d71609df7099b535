"""What is recorded while it can be seen: images that ran, templates, verdicts, jobs; and evidence kept at an act."""

from __future__ import annotations

from typing import Any

import msgspec

from cockpit.model.revision import Left, Then
from cockpit.model.rollout import Image


class Workload(msgspec.Struct, frozen=True):
    """Whose version it is. ``cluster`` as in ``Who.cluster``: records of two clusters never mix."""

    cluster: str
    kind: str
    namespace: str
    name: str
    uid: str


class Observation(msgspec.Struct, frozen=True):
    """A container of a version was seen running an image. One record per distinct (version, container, image id).

    ``image`` as specified, ``image_id`` as the pod reported it (normalised), ``digest`` of the manifest where it names
    one. ``at``: cluster time. ``platform``: os/architecture of the node, where known.
    """

    workload: Workload
    replicaset: str  # uid
    hash: str
    revision: int | None
    container: str
    image: str
    image_id: str
    digest: str | None
    at: float
    platform: str | None = None


class Transition(msgspec.Struct, frozen=True):
    """The verdict on a version changed, or the version left: with its SLIs at that moment. ``at``: cluster time."""

    workload: Workload
    hash: str
    at: float
    state: str  # a verdict's state; "" when only ``left`` is told
    reason: str = ""
    slis: tuple[Then, ...] = ()
    left: Left | None = None


class SeenJob(msgspec.Struct, frozen=True):
    """A Job that may have changed a schema or data; its own record may be gone after its TTL."""

    cluster: str
    namespace: str
    name: str
    uid: str
    image: str
    command: str
    at: float
    why: str  # the sign it was told by


class KnownVersion(msgspec.Struct, frozen=True):
    """A version as the journal knows it, whether or not its ReplicaSet still exists.

    ``template``: whether the pod template is kept, ``withheld``: why it is not. ``first``/``last`` seen: cluster time.
    """

    hash: str
    revision: int | None
    images: tuple[Image, ...]
    first: float
    last: float
    template: bool
    left: Left | None = None
    left_at: float | None = None
    slis: tuple[Then, ...] = ()
    withheld: str = ""


class Deployed(msgspec.Struct, frozen=True):
    """What operators moved one object toward, by the acts that this journal holds: hashes of versions, and digests.

    ``since``: cluster time from which on the journal watched that cluster; None: it never did.
    """

    since: float | None
    hashes: frozenset[str] = frozenset()
    digests: frozenset[str] = frozenset()


class Piece(msgspec.Struct, frozen=True):
    """One thing kept beside an operation. ``name``: a relative path inside the bundle."""

    name: str
    kind: str
    content: bytes


Template = dict[str, Any]
