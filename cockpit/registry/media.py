"""Media types: what is accepted, and what tells one kind of evidence from another."""

from __future__ import annotations

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})

# All four, always: a registry answers 404 for an image whose type was not asked for. Never schema 1, never */* alone.
ACCEPT = ", ".join((OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST))

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
COSIGN_SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
NOTATION = "application/vnd.cncf.notary.signature"

BUNDLES = frozenset(
    {
        "application/vnd.dev.sigstore.bundle.v0.3+json",
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "application/vnd.dev.sigstore.bundle+json;version=0.1",
    }
)

SIGN_V1 = "https://sigstore.dev/cosign/sign/v1"
SLSA_V1 = "https://slsa.dev/provenance/v1"
SLSA_V02 = "https://slsa.dev/provenance/v0.2"
SPDX = "https://spdx.dev/Document"
CYCLONEDX = "https://cyclonedx.org/bom"
PROVENANCE = (SLSA_V1, SLSA_V02)
SBOM = (SPDX, CYCLONEDX)

_DOCUMENTS = ("application/spdx+", "application/vnd.cyclonedx", "application/vnd.syft+", "text/spdx")


def plain(content_type: str) -> str:
    """A Content-Type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_bundle(media_type: str) -> bool:
    return media_type.replace(" ", "").lower() in BUNDLES


def is_document(media_type: str) -> bool:
    """A bill of materials that nothing signs."""
    return media_type.lower().startswith(_DOCUMENTS)


def of_type(predicate_type: str | None, asked: tuple[str, ...]) -> bool:
    """Whether a predicate type is one of those asked for. Only the SBOM types are written with versions behind them."""
    if predicate_type is None:
        return False
    return any(
        predicate_type == each or (each in SBOM and predicate_type.startswith((f"{each}/", f"{each}-")))
        for each in asked
    )
