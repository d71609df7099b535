"""Public keys and the algorithms that are accepted of them. The only module that imports cryptography, so it is lazy.

Source: sigstore's client specification; cosign 2 hashes with SHA-256 whatever the curve, cosign 3 by the curve's size.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from cockpit.base.errors import ConfigError
from cockpit.base.text import clean

_CURVES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
_RSA_BITS = 2048
_PEM_LIMIT = 1 << 16


class PublicKey:
    """One trusted key. ``name`` is what the screens call it; ``hint`` is how a sigstore bundle names it."""

    def __init__(self, name: str, pem: bytes) -> None:
        """Raises ConfigError for anything but ECDSA on a NIST curve, Ed25519, or RSA of 2048 bits and more."""
        self.name = clean(name, 80)
        try:
            key = serialization.load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            raise ConfigError(
                f"signature key {self.name} is no PEM public key; write it with `cosign public-key`"
            ) from None
        if isinstance(key, ec.EllipticCurvePublicKey):
            accepted = key.curve.name in _CURVES
        elif isinstance(key, rsa.RSAPublicKey):
            accepted = key.key_size >= _RSA_BITS
        else:
            accepted = isinstance(key, ed25519.Ed25519PublicKey)
        if not accepted or not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
            raise ConfigError(
                f"signature key {self.name} is of a kind that is not accepted; use ECDSA (P-256, P-384, P-521), "
                f"Ed25519, or RSA of at least {_RSA_BITS} bits"
            )
        self._key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey = key
        spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.hint = base64.b64encode(hashlib.sha256(spki).digest()).decode()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this key signed these bytes."""
        key = self._key
        if isinstance(key, ed25519.Ed25519PublicKey):
            return _holds(lambda: key.verify(signature, message))
        if isinstance(key, rsa.RSAPublicKey):
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            return any(
                _holds(lambda: key.verify(signature, message, how, hashes.SHA256()))  # noqa: B023  called at once
                for how in (padding.PKCS1v15(), pss)
            )
        algorithms = {each.name: each for each in (hashes.SHA256(), _CURVES[key.curve.name])}
        return any(
            _holds(lambda: key.verify(signature, message, ec.ECDSA(each)))  # noqa: B023  called at once
            for each in algorithms.values()
        )

    def verifies_sha256(self, signature: bytes, digest: bytes) -> bool:
        """The same for bytes of which only the SHA-256 is at hand; never true for Ed25519, which signs the bytes."""
        key, algorithm = self._key, utils.Prehashed(hashes.SHA256())
        if isinstance(key, ed25519.Ed25519PublicKey):
            return False
        if isinstance(key, rsa.RSAPublicKey):
            return _holds(lambda: key.verify(signature, digest, padding.PKCS1v15(), algorithm))
        return _holds(lambda: key.verify(signature, digest, ec.ECDSA(algorithm)))


def _holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except (InvalidSignature, ValueError):
        return False
    return True


def load_keys(files: tuple[Path, ...]) -> tuple[PublicKey, ...]:
    """Read key files; a key is named after its file. Blocking. Raises ConfigError naming the file."""
    found = []
    for file in files:
        try:
            pem = file.read_bytes()[:_PEM_LIMIT]
        except OSError as error:
            raise ConfigError(f"signature key {file} cannot be read: {error.strerror}") from None
        if b"PRIVATE KEY" in pem:
            raise ConfigError(f"signature key {file} is a private key; give the public one (`cosign public-key`)")
        found.append(PublicKey(file.name, pem))
    return tuple(found)
