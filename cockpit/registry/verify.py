"""Is this signature about this digest and made by a trusted key: pure functions over bytes, one per form.

Sources: cosign's signature specification (simple signing), DSSE 1.0 (pre-authentication encoding), in-toto Statement
0.1 and 1, the sigstore bundle 0.3. A form is verified over the bytes that were served; nothing is serialised again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from cockpit.base.text import clean
from cockpit.model.artifact import Evidence
from cockpit.model.revision import Signed
from cockpit.registry import media
from cockpit.registry.provenance import provenance
from cockpit.strategies.image import is_digest
from cockpit.strategies.values import mapping, objects

_SIMPLE_TYPE = "cosign container image signature"
_STATEMENTS = frozenset({"https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"})
_MOST_SIGNATURES = 32
_SHOWN = 200


class Key(Protocol):
    """A trusted public key (``keys.PublicKey``)."""

    @property
    def name(self) -> str: ...

    @property
    def hint(self) -> str: ...

    def verifies(self, signature: bytes, message: bytes) -> bool: ...

    def verifies_sha256(self, signature: bytes, digest: bytes) -> bool: ...


class _Checked(msgspec.Struct, frozen=True):
    label: Signed
    reason: str
    key: str | None = None


def cosign(payload: bytes, annotations: Mapping[str, str], digest: str, keys: Sequence[Key]) -> Evidence:
    """One layer of a cosign ``.sig`` manifest: ``payload`` as served, the signature in the layer's annotations."""
    raw = mapping(_json(payload))
    critical = mapping(raw.get("critical"))
    image = {name.lower(): value for name, value in mapping(critical.get("image")).items()}
    about = _digest(image.get("docker-manifest-digest"))
    reference = mapping(critical.get("identity")).get("docker-reference")

    def told(label: Signed, reason: str, key: str | None = None) -> Evidence:
        shown = clean(reference, _SHOWN) if isinstance(reference, str) else None
        return Evidence("cosign", label, reason, key, media.SIGN_V1, signed_digest=about, reference=shown)

    written = annotations.get("dev.cosignproject.cosign/signature", "")
    if not written:
        return told("invalid", "carries no signature")
    certified = "dev.sigstore.cosign/certificate" in annotations
    checked = _check([written], payload, keys, certified=certified)
    if checked.label == "invalid":
        return told("invalid", checked.reason)
    if critical.get("type") != _SIMPLE_TYPE:
        return told("invalid", "signs something of another type")
    if about != digest:
        return told("invalid", f"is about {_named(about)}")
    return told(checked.label, checked.reason, checked.key)


def dsse(envelope: bytes, digest: str, keys: Sequence[Key], hint: str | None = None) -> Evidence:
    """A DSSE envelope with an in-toto statement, as in cosign's ``.att``. ``hint``: its unsigned annotation."""
    raw = _json(envelope)
    if not isinstance(raw, dict):
        return Evidence("attestation", "invalid", "is no DSSE envelope", hint=_short(hint))
    return _envelope("attestation", raw, digest, keys, hint, certified=False)


def bundle(body: bytes, digest: str, keys: Sequence[Key], hint: str | None = None) -> Evidence:
    """A sigstore bundle. The key hint only says which key to try first."""
    raw = _json(body)
    if not isinstance(raw, dict):
        return Evidence("bundle", "invalid", "is no sigstore bundle", hint=_short(hint))
    media_type = raw.get("mediaType")
    if not isinstance(media_type, str) or not media.is_bundle(media_type):
        return Evidence("bundle", "present-unverified", "is a bundle of a version not known here", hint=_short(hint))
    material = mapping(raw.get("verificationMaterial"))
    named = mapping(material.get("publicKey")).get("hint")
    ordered = sorted(keys, key=lambda key: key.hint != named)
    certified = "certificate" in material or "x509CertificateChain" in material
    if isinstance(raw.get("dsseEnvelope"), dict):
        return _envelope("bundle", raw["dsseEnvelope"], digest, ordered, hint, certified=certified)
    if isinstance(raw.get("messageSignature"), dict):
        return _message(raw["messageSignature"], digest, ordered, certified=certified)
    return Evidence("bundle", "invalid", "holds neither an envelope nor a signature", hint=_short(hint))


def _envelope(
    form: Any, raw: Mapping[str, Any], digest: str, keys: Sequence[Key], hint: str | None, *, certified: bool
) -> Evidence:
    payload = _base64(raw.get("payload"))
    kind = raw.get("payloadType")
    statement = mapping(_json(payload)) if payload is not None and kind == media.IN_TOTO else {}
    claimed = statement.get("predicateType")
    predicate_type = clean(claimed, _SHOWN) if isinstance(claimed, str) and claimed else None
    subjects = _subjects(statement)
    about = digest if digest in subjects else next(iter(subjects), None)

    def told(label: Signed, reason: str, key: str | None = None) -> Evidence:
        build = provenance(predicate_type, mapping(statement.get("predicate")), key) if about == digest else None
        return Evidence(form, label, reason, key, predicate_type, _short(hint), about, provenance=build)

    if payload is None or not isinstance(kind, str):
        return told("invalid", "carries no readable payload")
    written = [each.get("sig") for each in objects(raw.get("signatures"))]
    checked = _check(written, preauthentication(kind, payload), keys, certified=certified)
    if checked.label == "invalid":
        return told("invalid", checked.reason)
    if kind != media.IN_TOTO:
        return told("invalid", f"signs a payload of another type, {clean(kind, 100)}")
    if statement.get("_type") not in _STATEMENTS or predicate_type is None:
        return told("invalid", "signs something that is no in-toto statement")
    if digest not in subjects:
        return told("invalid", f"is about {_named(about)}")
    return told(checked.label, checked.reason, checked.key)


def _message(raw: Mapping[str, Any], digest: str, keys: Sequence[Key], *, certified: bool) -> Evidence:
    """A bare signature over the manifest's bytes, whose SHA-256 is the digest itself."""

    def told(label: Signed, reason: str, key: str | None = None) -> Evidence:
        return Evidence("bundle", label, reason, key, media.SIGN_V1, signed_digest=about)

    stated = mapping(raw.get("messageDigest"))
    hashed = _base64(stated.get("digest"))
    about = f"sha256:{hashed.hex()}" if hashed is not None and stated.get("algorithm") == "SHA2_256" else None
    signature = _base64(raw.get("signature"))
    if signature is None or not signature:
        return told("invalid", "carries no readable signature")
    if not digest.startswith("sha256:") or about not in (None, digest):
        return told("invalid", f"is about {_named(about)}")
    for key in keys:
        if key.verifies_sha256(signature, bytes.fromhex(digest.removeprefix("sha256:"))):
            return told("verified", "", key.name)
    return told(*_undecided(keys, certified=certified))


def _check(written: Sequence[object], message: bytes, keys: Sequence[Key], *, certified: bool) -> _Checked:
    signatures = [signature for each in written[:_MOST_SIGNATURES] if (signature := _base64(each))]
    if not signatures:
        return _Checked("invalid", "carries no readable signature")
    for signature in signatures:
        for key in keys:
            if key.verifies(signature, message):
                return _Checked("verified", "", key.name)
    return _Checked(*_undecided(keys, certified=certified))


def _undecided(keys: Sequence[Key], *, certified: bool) -> tuple[Signed, str]:
    if certified:
        return "present-unverified", "names its signer by a certificate, which is not checked here"
    if not keys:
        return "present-unverified", "no public key is configured to check it with"
    return "invalid", "no trusted key made it, or it was changed"


def preauthentication(kind: str, payload: bytes) -> bytes:
    """What a DSSE signature covers: ``DSSEv1 LEN(type) type LEN(body) body``."""
    encoded = kind.encode("utf-8", "surrogatepass")
    return b"DSSEv1 %d %b %d %b" % (len(encoded), encoded, len(payload), payload)


def _base64(text: object) -> bytes | None:
    """Standard base64 in its one canonical spelling: with two spellings, a changed byte could go unnoticed."""
    if not isinstance(text, str):
        return None
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if base64.b64encode(decoded).decode() == text else None


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _subjects(statement: Mapping[str, Any]) -> list[str]:
    found = []
    for subject in objects(statement.get("subject")):
        for algorithm, value in mapping(subject.get("digest")).items():
            if (digest := _digest(f"{algorithm}:{value}")) is not None:
                found.append(digest)
    return found


def _digest(value: object) -> str | None:
    return value if isinstance(value, str) and is_digest(value) else None


def _named(about: str | None) -> str:
    return f"another image, {about[:19]}…" if about else "no image that can be read"


def _short(text: str | None) -> str | None:
    return clean(text, _SHOWN) if text else None


def unsigned(body: bytes, hint: str | None) -> Evidence:
    """A bare in-toto statement, as buildx writes it: a claim of whoever could push."""
    statement = mapping(_json(body))
    claimed = statement.get("predicateType")
    predicate_type = clean(claimed, _SHOWN) if isinstance(claimed, str) and claimed else None
    return Evidence(
        "buildx",
        "present-unverified",
        "is a statement that nobody signed",
        predicate_type=predicate_type,
        hint=_short(hint),
        provenance=provenance(predicate_type, mapping(statement.get("predicate")), None),
    )
