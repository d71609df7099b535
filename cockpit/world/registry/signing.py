"""The keys of the world, and cosign's simple signing: a manifest at the tag ``sha256-HEX.sig``, as before cosign 3."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from cockpit.world.registry.artifacts import CONFIG, MANIFEST, Blob, blob, document

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
Made = tuple[Blob, tuple[Blob, ...]]
"""A manifest and its blobs."""


class Signer:
    """A P-256 key of the world's seed; ``name`` tells the team's key from a stranger's."""

    def __init__(self, seed: int, name: str) -> None:
        self._secret = f"{seed}/{name}"
        self._key: EllipticCurvePrivateKey | None = None

    @property
    def key(self) -> EllipticCurvePrivateKey:
        # Lazily: a world whose signatures nobody asks for makes none.
        from cryptography.hazmat.primitives.asymmetric import ec

        if self._key is None:
            number = int.from_bytes(hashlib.sha256(self._secret.encode()).digest(), "big") >> 1
            self._key = ec.derive_private_key(number, ec.SECP256R1())
        return self._key

    @property
    def public_pem(self) -> str:
        """As ``cosign public-key`` prints it."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def hint(self) -> str:
        """How a sigstore bundle names the key: base64 of the SHA-256 of its DER form."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        der = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(der).digest()).decode()

    def signature(self, message: bytes) -> str:
        """ECDSA over SHA-256 of ``message``, DER in base64."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            algorithm = ec.ECDSA(SHA256(), deterministic_signing=True)  # the same world, the same bytes
        except UnsupportedAlgorithm:  # OpenSSL before 3.2
            algorithm = ec.ECDSA(SHA256())
        return base64.b64encode(self.key.sign(message, algorithm)).decode()

    def sign(self, repository: str, digest: str) -> Made:
        """The signature of an image."""
        claim: dict[str, Any] = {
            "critical": {
                "identity": {"docker-reference": repository},
                "image": {"docker-manifest-digest": digest},
                "type": "cosign container image signature",
            },
            "optional": None,
        }
        payload = blob(PAYLOAD, json.dumps(claim, separators=(",", ":")).encode())
        annotations = {"dev.cosignproject.cosign/signature": self.signature(payload.content)}
        return cosign_manifest(payload, annotations)


def cosign_manifest(payload: Blob, annotations: dict[str, str]) -> Made:
    """What cosign pushes at its tags: an image without files whose layer is the evidence."""
    config = document(
        CONFIG, {"architecture": "", "os": "", "rootfs": {"type": "layers", "diff_ids": [payload.digest]}}
    )
    layer = {**payload.descriptor, "annotations": annotations}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config.descriptor, "layers": [layer]}
    return document(MANIFEST, manifest), (config, payload)


def tag_of(digest: str, suffix: str = "") -> str:
    """Where evidence about a digest lies: with ``.sig`` and ``.att`` cosign's, without the list of referrers."""
    return digest.replace(":", "-") + suffix
