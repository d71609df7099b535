"""Cosign's simple signing, as its releases before 3 write it: a manifest at the tag ``sha256-HEX.sig``."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from cockpit.world.registry.artifacts import CONFIG, MANIFEST, Blob, blob, document

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"


class Signer:
    """A P-256 key of the world's seed; ``name`` tells the team's key from a stranger's."""

    def __init__(self, seed: int, name: str) -> None:
        self._secret = f"{seed}/{name}"
        self._key: EllipticCurvePrivateKey | None = None

    @property
    def key(self) -> EllipticCurvePrivateKey:
        # Lazily: a world whose signatures nobody asks for makes none.
        from hashlib import sha256

        from cryptography.hazmat.primitives.asymmetric import ec

        if self._key is None:
            number = int.from_bytes(sha256(self._secret.encode()).digest(), "big") >> 1
            self._key = ec.derive_private_key(number, ec.SECP256R1())
        return self._key

    @property
    def public_pem(self) -> str:
        """As ``cosign public-key`` prints it."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, repository: str, digest: str) -> tuple[Blob, tuple[Blob, ...]]:
        """(manifest of the signature, its blobs)."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256

        claim: dict[str, Any] = {
            "critical": {
                "identity": {"docker-reference": repository},
                "image": {"docker-manifest-digest": digest},
                "type": "cosign container image signature",
            },
            "optional": None,
        }
        payload = blob(PAYLOAD, json.dumps(claim, separators=(",", ":")).encode())
        signature = base64.b64encode(self.key.sign(payload.content, ec.ECDSA(SHA256()))).decode()
        config = document(CONFIG, {"architecture": "", "os": "", "rootfs": {"type": "layers", "diff_ids": []}})
        layer = {**payload.descriptor, "annotations": {"dev.cosignproject.cosign/signature": signature}}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config.descriptor, "layers": [layer]}
        return document(MANIFEST, manifest), (config, payload)


def tag_of(digest: str) -> str:
    """Where the signature of a digest lies."""
    return digest.replace(":", "-") + ".sig"
