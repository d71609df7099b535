"""What is known of an image as an artifact: retained or not, signed by whom, built from what, the same as which."""

from __future__ import annotations

from typing import Literal

import msgspec

from cockpit.model.revision import Retained, Signed

Sameness = Literal["match", "match-config", "mismatch", "unresolved", "pending"]
"""How a running image relates to a declared digest; ``unresolved``: the registry has not told enough to say."""

Moved = Literal["same", "moved", "gone", "unknown"]
"""Where a tag points, seen from the digest that is in use."""

NOT_CHECKED = (
    "Checked offline with the configured public keys. Not checked: transparency log, certificates, timestamps, "
    "revocation."
)
"""Said wherever a signature's label is shown."""


class Contents(msgspec.Struct, frozen=True):
    """What a digest was read to hold: an index its platform manifests, a manifest its config. It never changes."""

    digest: str
    kind: Literal["index", "manifest"]
    children: tuple[str, ...]


class PlatformState(msgspec.Struct, frozen=True):
    """One platform of an artifact. ``platform``: ``os/architecture``, None where it was not learned."""

    platform: str | None
    digest: str
    state: Retained
    needed: bool  # a node of the cluster runs it; True for all when the nodes are not known


class Retention(msgspec.Struct, frozen=True):
    """Whether a registry still holds an artifact.

    ``covers``: all needed platforms are held; None where that was not learned. ``deep``: config and layers were asked
    for too. ``altered``: something answered with other bytes than its digest names. Times are unix seconds of the seat.
    """

    image: str  # repository@digest
    digest: str
    state: Retained
    reason: str  # one sentence; "" when there is nothing to add
    checked_at: float
    deep: bool = False
    platforms: tuple[PlatformState, ...] = ()
    covers: bool | None = None
    uncovered: tuple[str, ...] = ()  # needed platforms that the artifact does not have, or has lost
    gone: tuple[str, ...] = ()  # digests below this one that the registry no longer has
    altered: bool = False
    retry_after: float | None = None  # seconds, as the registry asked
    last_retained: float | None = None  # when this seat last saw it retained
    asked_as: str = ""  # whose credentials: "anonymous", "docker config", "pull secret shop/regcred"


class TagState(msgspec.Struct, frozen=True):
    """Where a tag points now. ``digest`` None: not learned, or ``gone``."""

    image: str
    digest: str | None
    moved: Moved
    reason: str = ""


CONTRACT = "rollout-cockpit.dev/"
"""Prefix of annotations and image labels by which a version says what its rollback needs (facts 4.2, C18)."""
ROLLBACK, SCHEMA, COMPATIBLE = f"{CONTRACT}rollback", f"{CONTRACT}schema-version", f"{CONTRACT}schema-compat"


class Label(msgspec.Struct, frozen=True):
    """One OCI label or annotation: unsigned, and perhaps inherited from the base image."""

    name: str
    value: str
    source: Literal["config", "manifest", "index"]


class Provenance(msgspec.Struct, frozen=True):
    """What a build statement says. ``trust`` claimed: somebody says so; verified: the holder of ``key`` says so."""

    trust: Literal["verified", "claimed"]
    predicate_type: str
    builder: str | None = None
    build_type: str | None = None
    run: str | None = None
    who: str | None = None
    source: str | None = None
    ref: str | None = None
    commit: str | None = None
    started: str | None = None
    finished: str | None = None
    key: str | None = None


class Evidence(msgspec.Struct, frozen=True):
    """One signature, attestation or document found beside an image, and what checking it gave.

    ``form``: cosign, attestation (DSSE), bundle, notation, buildx, document, unreadable or lost. ``predicate_type`` is
    proven only when ``label`` is verified; ``hint`` is what an unsigned annotation calls it. ``signed_digest``: what it
    speaks about, when that can be read.
    """

    form: Literal["cosign", "attestation", "bundle", "notation", "buildx", "document", "unreadable", "lost"]
    label: Signed
    reason: str
    key: str | None = None
    predicate_type: str | None = None
    hint: str | None = None
    signed_digest: str | None = None
    reference: str | None = None  # the image name a cosign payload carries: shown, never judged by
    provenance: Provenance | None = None


class Level(msgspec.Struct, frozen=True):
    """The signature one level up or down in a multi-arch image."""

    kind: Literal["index", "platform"]
    digest: str
    signature: Signed
    platform: str | None = None
    key: str | None = None


class Signatures(msgspec.Struct, frozen=True):
    """All evidence about one digest. The labels are for ``digest`` itself, never for a level above or below it.

    ``gaps``: what could not be asked, one sentence each; while there are any, nothing is called ``none``.
    """

    image: str
    digest: str
    signature: Signed
    reason: str
    provenance_label: Signed
    sbom_label: Signed
    checked_at: float
    key: str | None = None
    evidence: tuple[Evidence, ...] = ()
    levels: tuple[Level, ...] = ()
    provenance: Provenance | None = None
    labels: tuple[Label, ...] = ()
    gaps: tuple[str, ...] = ()
    keys_configured: bool = True
    labels_read: bool = True  # False: the image's own labels could not be read, so none of them is known to be absent
    not_checked: str = NOT_CHECKED
