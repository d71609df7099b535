"""Signatures from the bytes alone: one changed byte is enough to be invalid, and what is trusted is read strictly."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from cockpit.base.errors import ConfigError
from cockpit.model.artifact import Evidence
from cockpit.model.revision import Signed
from cockpit.registry import media, verify
from cockpit.registry.keys import PublicKey, load_keys
from cockpit.registry.labels import SIGNATURE, label
from cockpit.registry.provenance import labels, provenance
from tests.unit.registry_fake import NAME, FakeRegistry, Time, compact, digest_of
from tests.unit.registry_vectors import CASES, FOLDER

DIGEST = f"sha256:{'d' * 64}"


def case(name: str) -> dict[str, Any]:
    return next(each for each in CASES if each["name"] == name)


def keys_of(one: dict[str, Any]) -> tuple[PublicKey, ...]:
    return load_keys(tuple(FOLDER / name for name in one["public_key"]))


def read(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def asked(piece: Evidence, kind: tuple[str, ...]) -> Signed:
    return label([piece], kind, gaps=False, keys=True)[0]


def flips(data: bytes, every: range) -> list[bytes]:
    """Copies of ``data`` with one byte changed: each position, xor-ed with each of ``every``."""
    return [data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :] for at in range(len(data)) for mask in every]


BITS = [1 << bit for bit in range(8)]
SIGNED = ["sig-valid", "sig-ed25519", "sig-p384", "sig-rsa2048"]


@pytest.mark.parametrize("name", SIGNED)
def test_any_changed_byte_of_a_cosign_payload_is_invalid(name: str) -> None:
    one = case(name)
    keys, payload = keys_of(one), read(one["files"]["layers"][0])
    layer = json.loads(read(one["files"]["manifest"]))["layers"][0]
    piece = verify.cosign(payload, layer["annotations"], one["image_digest"], keys)
    assert (piece.label, asked(piece, SIGNATURE)) == ("verified", "verified")
    for mask in BITS if name == "sig-valid" else [1, 0x20]:
        for at in range(len(payload)):
            changed = payload[:at] + bytes([payload[at] ^ mask]) + payload[at + 1 :]
            piece = verify.cosign(changed, layer["annotations"], one["image_digest"], keys)
            assert (piece.label, asked(piece, SIGNATURE)) == ("invalid", "invalid"), (at, mask)
    for changed in (payload + b"\n", b" " + payload, payload[:-1], b""):
        assert verify.cosign(changed, layer["annotations"], one["image_digest"], keys).label == "invalid"


@pytest.mark.parametrize("name", SIGNED)
def test_any_changed_byte_of_a_cosign_signature_is_invalid(name: str) -> None:
    one = case(name)
    keys, payload = keys_of(one), read(one["files"]["layers"][0])
    layer = json.loads(read(one["files"]["manifest"]))["layers"][0]
    text = layer["annotations"]["dev.cosignproject.cosign/signature"]
    spelled = [chr(code) for code in range(32, 127)] if name == "sig-valid" else list("A/+-_=z ")
    for at in range(len(text)):
        for character in spelled:
            if character == text[at]:
                continue
            wrong = {"dev.cosignproject.cosign/signature": text[:at] + character + text[at + 1 :]}
            piece = verify.cosign(payload, wrong, one["image_digest"], keys)
            assert (piece.label, asked(piece, SIGNATURE)) == ("invalid", "invalid"), (at, character)
    for wrong_text in ("", text + "=", text + "\n", " " + text, text[:-4], text + text):
        wrong = {"dev.cosignproject.cosign/signature": wrong_text}
        assert verify.cosign(payload, wrong, one["image_digest"], keys).label == "invalid"
    signature = base64.b64decode(text)
    for at in range(len(signature)):
        for mask in BITS:
            changed = signature[:at] + bytes([signature[at] ^ mask]) + signature[at + 1 :]
            wrong = {"dev.cosignproject.cosign/signature": base64.b64encode(changed).decode()}
            assert verify.cosign(payload, wrong, one["image_digest"], keys).label == "invalid", (at, mask)


ENVELOPES = [("att-slsa-valid", media.PROVENANCE), ("cosign3-sign-valid", SIGNATURE), ("bundle-sign-v1", SIGNATURE)]


@pytest.mark.parametrize(("name", "kind"), ENVELOPES)
def test_any_changed_byte_of_an_envelope_is_invalid(name: str, kind: tuple[str, ...]) -> None:
    """Of the decoded payload, and of the text of payload, type and signature as they stand in the file."""
    one = case(name)
    keys, files = keys_of(one), one["files"]
    whole = read(files["bundle"] if "bundle" in files else files["layers"][0])
    check = verify.bundle if "bundle" in files else verify.dsse
    raw = json.loads(whole)
    envelope = raw.get("dsseEnvelope", raw)
    piece = check(whole, one["image_digest"], keys)
    assert (piece.label, asked(piece, kind)) == ("verified", "verified")

    payload = base64.b64decode(envelope["payload"])
    for at in range(len(payload)):
        for mask in (1, 0x20, 0x80):
            changed = payload[:at] + bytes([payload[at] ^ mask]) + payload[at + 1 :]
            body = whole.replace(envelope["payload"].encode(), base64.b64encode(changed))
            piece = check(body, one["image_digest"], keys)
            assert (piece.label, asked(piece, kind)) == ("invalid", "invalid"), (at, mask)

    for text in (envelope["payload"], envelope["payloadType"], envelope["signatures"][0]["sig"]):
        start = whole.index(text.encode())
        for at in range(start, start + len(text)):
            for mask in BITS:
                body = whole[:at] + bytes([whole[at] ^ mask]) + whole[at + 1 :]
                piece = check(body, one["image_digest"], keys)
                assert (piece.label, asked(piece, kind)) == ("invalid", "invalid"), (at, mask)


def pieces_of(one: dict[str, Any]) -> list[tuple[bytes, dict[str, Any]]]:
    """Every piece of evidence of a vector: its bytes, and the descriptor of its layer."""
    files = one.get("files") or {}
    if files.get("bundle"):
        return [(read(files["bundle"]), {})]
    layers = json.loads(read(files["manifest"]))["layers"] if files.get("manifest") else []
    return [
        (read(name), layer)
        for name, layer in zip(files.get("layers") or (), layers, strict=False)
        if layer["mediaType"] in (media.SIMPLE_SIGNING, media.DSSE)
    ]


def changed_once(body: bytes, layer: dict[str, Any], one: dict[str, Any], key: PublicKey) -> list[Evidence]:
    """What checking says of a piece, and if it verifies of each copy with one byte of payload or signature changed."""
    digest, signature = one["image_digest"], "dev.cosignproject.cosign/signature"
    if layer.get("mediaType") == media.SIMPLE_SIGNING:
        notes = layer.get("annotations", {})
        told = [verify.cosign(body, notes, digest, [key])]
        if told[0].label == "verified":
            told += [verify.cosign(each, notes, digest, [key]) for each in flips(body, range(1, 2))]
            for each in flips(base64.b64decode(notes[signature]), range(1, 2)):
                wrong = {**notes, signature: base64.b64encode(each).decode()}
                told.append(verify.cosign(body, wrong, digest, [key]))
        return told
    raw = json.loads(body)
    envelope = raw.get("dsseEnvelope", raw)
    check = verify.bundle if envelope is not raw else verify.dsse
    told = [check(body, digest, [key])]
    if told[0].label == "verified":
        for text in (envelope["payload"], *(each["sig"] for each in envelope["signatures"])):
            for each in flips(base64.b64decode(text), range(1, 2)):
                told.append(check(body.replace(text.encode(), base64.b64encode(each)), digest, [key]))
    return told


def test_any_changed_byte_of_any_vector_is_invalid() -> None:
    """Of all that verifies, whatever form, curve and version of cosign made it."""
    seen: dict[str, int] = {}
    for one in CASES:
        for body, layer in pieces_of(one):
            for key in keys_of(one):
                first, *others = changed_once(body, layer, one, key)
                if first.label != "verified":
                    continue
                seen[one["name"]] = len(others)
                # Of two signatures in one envelope the other still holds: that it does not matter is all it shows.
                spared = 80 if one["name"] == "att-two-signatures" else 0
                assert sum(each.label != "invalid" for each in others) <= spared, one["name"]
                assert all(each.label in ("invalid", "verified") for each in others)
    assert len(seen) >= 22
    assert all(count > 200 for count in seen.values())


def test_a_changed_digest_of_the_image_is_invalid() -> None:
    one = case("sig-valid")
    layer = json.loads(read(one["files"]["manifest"]))["layers"][0]
    piece = verify.cosign(read(one["files"]["layers"][0]), layer["annotations"], DIGEST, keys_of(one))
    assert (piece.label, piece.signed_digest) == ("invalid", one["image_digest"])
    assert "another image" in piece.reason


# --- statements signed by keys of our own: what only an insider could get wrong


class Insider:
    """Holds a trusted key and signs whatever it likes."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.key = PublicKey("insider", pem(self.private))

    def sign(self, message: bytes) -> str:
        return base64.b64encode(self.private.sign(message, ec.ECDSA(hashes.SHA256()))).decode()

    def envelope(self, statement: Any, kind: str = media.IN_TOTO) -> bytes:
        payload = statement if isinstance(statement, bytes) else compact(statement)
        signature = self.sign(verify.preauthentication(kind, payload))
        return compact(
            {"payloadType": kind, "payload": base64.b64encode(payload).decode(), "signatures": [{"sig": signature}]}
        )

    def simple(self, payload: Any, digest: str = DIGEST) -> Evidence:
        body = compact(payload)
        return verify.cosign(body, {"dev.cosignproject.cosign/signature": self.sign(body)}, digest, [self.key])


def pem(private: Any) -> bytes:
    return bytes(
        private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def statement(**changes: Any) -> dict[str, Any]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": "d" * 64}}],
        "predicateType": media.SLSA_V1,
        "predicate": {},
    } | changes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "verified"),
        ({"_type": "https://in-toto.io/Statement/v0.1"}, "verified"),
        ({"_type": "https://in-toto.io/Statement/v2"}, "invalid"),
        ({"_type": None}, "invalid"),
        ({"predicateType": ""}, "invalid"),
        ({"predicateType": None}, "invalid"),
        ({"subject": []}, "invalid"),
        ({"subject": None}, "invalid"),
        ({"subject": [{"digest": {"sha256": "e" * 64}}]}, "invalid"),
        ({"subject": [{"digest": {"sha256": "D" * 64}}]}, "invalid"),
        ({"subject": [{"digest": {"sha512": "d" * 64}}]}, "invalid"),
        ({"subject": [{"name": DIGEST}]}, "invalid"),
        ({"subject": [7, {"digest": {"sha256": "d" * 64}}]}, "verified"),
        ({"predicate": None}, "verified"),
    ],
)
def test_statements(changes: dict[str, Any], expected: str) -> None:
    insider = Insider()
    piece = verify.dsse(insider.envelope(statement(**changes)), DIGEST, [insider.key])
    assert piece.label == expected
    assert (piece.key is not None) == (expected == "verified")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"payload":"e30="}', b'{"payload":7,"payloadType":7}', b"\xff"])
def test_what_is_no_envelope_is_invalid(body: bytes) -> None:
    insider = Insider()
    assert verify.dsse(body, DIGEST, [insider.key]).label == "invalid"
    wrapped = b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":' + body + b"}"
    assert verify.bundle(wrapped, DIGEST, [insider.key]).label == "invalid"


def test_signed_bytes_that_are_no_statement_are_invalid() -> None:
    insider = Insider()
    for payload in (b"", b"[]", b"nonsense", b"[" * 50_000):
        assert verify.dsse(insider.envelope(payload), DIGEST, [insider.key]).label == "invalid"
    other = verify.dsse(insider.envelope(statement(), "application/json"), DIGEST, [insider.key])
    assert (other.label, "another type" in other.reason) == ("invalid", True)


@pytest.mark.parametrize(
    ("critical", "expected"),
    [
        ({"type": "cosign container image signature", "image": {"docker-manifest-digest": DIGEST}}, "verified"),
        ({"type": "cosign container image signature", "image": {"Docker-manifest-digest": DIGEST}}, "verified"),
        ({"type": "atomic container signature", "image": {"docker-manifest-digest": DIGEST}}, "invalid"),
        ({"image": {"docker-manifest-digest": DIGEST}}, "invalid"),
        ({"type": "cosign container image signature", "image": {}}, "invalid"),
        ({"type": "cosign container image signature", "image": None}, "invalid"),
        ({"type": "cosign container image signature", "image": {"docker-manifest-digest": 7}}, "invalid"),
    ],
)
def test_simple_signing(critical: dict[str, Any], expected: str) -> None:
    assert Insider().simple({"critical": critical}).label == expected


def test_message_signatures_cover_the_manifest_itself() -> None:
    insider = Insider()
    manifest = b'{"schemaVersion":2}'
    digest = digest_of(manifest)

    def bundle(signature: str, **stated: Any) -> bytes:
        message = {"signature": signature} | ({"messageDigest": stated} if stated else {})
        return compact(
            {"mediaType": media.BUNDLES and "application/vnd.dev.sigstore.bundle.v0.3+json"}
            | {"verificationMaterial": {"publicKey": {}}, "messageSignature": message}
        )

    good = insider.sign(manifest)
    hashed = base64.b64encode(bytes.fromhex(digest[7:])).decode()
    piece = verify.bundle(bundle(good, algorithm="SHA2_256", digest=hashed), digest, [insider.key])
    assert (piece.label, asked(piece, SIGNATURE), piece.key) == ("verified", "verified", "insider")
    assert verify.bundle(bundle(good), digest, [insider.key]).label == "verified"
    assert verify.bundle(bundle(good), DIGEST, [insider.key]).label == "invalid"
    wrong = base64.b64encode(bytes(32)).decode()
    assert verify.bundle(bundle(good, algorithm="SHA2_256", digest=wrong), digest, [insider.key]).label == "invalid"
    assert verify.bundle(bundle(good), digest, []).label == "present-unverified"
    assert verify.bundle(bundle(insider.sign(b"x")), digest, [insider.key]).label == "invalid"
    private = rsa.generate_private_key(65537, 2048)
    rsa_key = PublicKey("rsa", pem(private))
    signed = private.sign(bytes.fromhex(digest[7:]), padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
    assert verify.bundle(bundle(base64.b64encode(signed).decode()), digest, [rsa_key]).label == "verified"
    edwards = PublicKey("ed", pem(ed25519.Ed25519PrivateKey.generate()))
    assert verify.bundle(bundle(good), digest, [edwards]).label == "invalid"


def test_certificates_and_unknown_bundles_are_present_and_no_more() -> None:
    insider, stranger = Insider(), Insider()
    envelope = json.loads(stranger.envelope(statement()))
    keyless = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"certificate": {"rawBytes": "AA=="}},
        "dsseEnvelope": envelope,
    }
    assert verify.bundle(compact(keyless), DIGEST, [insider.key]).label == "present-unverified"
    assert verify.bundle(compact(keyless), f"sha256:{'e' * 64}", [insider.key]).label == "invalid"
    assert verify.bundle(compact(keyless), DIGEST, [insider.key, stranger.key]).label == "verified"
    future = keyless | {"mediaType": "application/vnd.dev.sigstore.bundle.v9+json"}
    assert verify.bundle(compact(future), DIGEST, [stranger.key]).label == "present-unverified"


def test_algorithms_that_are_accepted() -> None:
    message = b"message"
    for curve, algorithms in (
        (ec.SECP256R1(), [hashes.SHA256()]),
        (ec.SECP384R1(), [hashes.SHA256(), hashes.SHA384()]),
        (ec.SECP521R1(), [hashes.SHA256(), hashes.SHA512()]),
    ):
        private = ec.generate_private_key(curve)
        key = PublicKey("k", pem(private))
        for algorithm in algorithms:
            assert key.verifies(private.sign(message, ec.ECDSA(algorithm)), message)
        assert not key.verifies(private.sign(message, ec.ECDSA(hashes.SHA1())), message)
        assert not key.verifies(private.sign(message, ec.ECDSA(algorithms[0])), message + b"!")
    private_rsa = rsa.generate_private_key(65537, 2048)
    key = PublicKey("k", pem(private_rsa))
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    assert key.verifies(private_rsa.sign(message, pss, hashes.SHA256()), message)
    assert not key.verifies(private_rsa.sign(message, padding.PKCS1v15(), hashes.SHA1()), message)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no PEM public key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no PEM public key"),
        (pem(rsa.generate_private_key(65537, 1024)), "not accepted"),
        (pem(ec.generate_private_key(ec.SECP256K1())), "not accepted"),
        (b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n", "private key"),
    ],
    ids=["empty", "junk", "rsa-1024", "secp256k1", "private"],
)
async def test_keys_that_are_refused(tmp_path: Path, body: bytes, says: str) -> None:
    file = tmp_path / "team.pub"
    file.write_bytes(body)
    with pytest.raises(ConfigError, match=says):
        load_keys((file,))
    with pytest.raises(ConfigError, match="cannot be read"):
        load_keys((tmp_path / "absent",))
    server = FakeRegistry()
    client = server.client(signatures={"keys": [str(file)]})
    found = await client.signatures(NAME, server.image())
    await client.aclose()
    assert (found.signature, "team.pub" in found.reason) == ("unknown", True)


async def test_a_repository_may_have_keys_of_its_own(tmp_path: Path) -> None:
    ours, theirs = Insider(), Insider()
    (tmp_path / "ours.pub").write_bytes(pem(ours.private))
    (tmp_path / "theirs.pub").write_bytes(pem(theirs.private))
    server = FakeRegistry()
    image = server.image()
    simple = {"critical": {"type": "cosign container image signature", "image": {"docker-manifest-digest": image}}}
    payload = compact(simple)
    server.blobs[digest_of(payload)] = payload
    annotations = {"dev.cosignproject.cosign/signature": theirs.sign(payload)}
    layer = {"mediaType": media.SIMPLE_SIGNING, "digest": digest_of(payload), "annotations": annotations}
    config = {"mediaType": "config", "digest": DIGEST}
    body = {"schemaVersion": 2, "mediaType": media.OCI_MANIFEST, "config": config, "layers": [layer]}
    server.push(compact(body), tag=f"{image.replace(':', '-')}.sig")
    ours_only = {"signatures": {"keys": [str(tmp_path / "ours.pub")]}}
    for match, expected in (("registry.example/team", "verified"), ("registry.example/other", "invalid")):
        client = server.client(**ours_only, registries=[{"match": match, "keys": [str(tmp_path / "theirs.pub")]}])
        found = await client.signatures(NAME, image)
        await client.aclose()
        assert (found.signature, found.key) == (expected, "theirs.pub" if expected == "verified" else None)


# --- labels: five, never collapsed


def piece(form: Any, state: Signed, kind: str | None = None, hint: str | None = None) -> Evidence:
    return Evidence(form, state, "", predicate_type=kind, hint=hint)


@pytest.mark.parametrize(
    ("pieces", "gaps", "keys", "expected"),
    [
        ([], False, True, "none"),
        ([], True, True, "unknown"),
        ([], True, False, "unknown"),
        ([piece("cosign", "verified", media.SIGN_V1)], True, True, "verified"),
        ([piece("cosign", "invalid", media.SIGN_V1)], True, True, "invalid"),
        ([piece("cosign", "present-unverified", media.SIGN_V1)], True, True, "unknown"),
        ([piece("cosign", "present-unverified", media.SIGN_V1)], True, False, "present-unverified"),
        ([piece("notation", "present-unverified")], False, True, "present-unverified"),
        ([piece("lost", "present-unverified")], False, True, "present-unverified"),
        ([piece("cosign", "invalid", media.SIGN_V1), piece("lost", "present-unverified")], False, True, "invalid"),
        ([piece("bundle", "verified", media.SLSA_V1)], False, True, "none"),
        ([piece("bundle", "verified", media.SLSA_V1, hint=media.SIGN_V1)], False, True, "none"),
        ([piece("bundle", "invalid", media.SLSA_V1)], False, True, "none"),
        ([piece("bundle", "invalid", media.SLSA_V1, hint=media.SIGN_V1)], False, True, "invalid"),
        ([piece("bundle", "invalid", "https://garbled")], False, True, "invalid"),
        ([piece("bundle", "invalid", "https://vulnerabilities", hint="https://vulnerabilities")], False, True, "none"),
        ([piece("document", "present-unverified", hint=media.SPDX)], False, True, "none"),
        ([piece("buildx", "present-unverified", media.SLSA_V02)], False, True, "none"),
    ],
)
def test_the_signature_label(pieces: list[Evidence], gaps: bool, keys: bool, expected: str) -> None:
    assert label(pieces, SIGNATURE, gaps=gaps, keys=keys)[0] == expected


def test_versions_of_sbom_types_are_of_the_type_and_those_of_others_are_not() -> None:
    assert media.of_type("https://spdx.dev/Document/v2.3", media.SBOM)
    assert media.of_type("https://cyclonedx.org/bom/v1.5", media.SBOM)
    assert not media.of_type("https://spdx.dev/Documents", media.SBOM)
    assert not media.of_type("https://slsa.dev/provenance/v1.1", media.PROVENANCE)
    assert not media.of_type("https://slsa.dev/provenance/v1/x", media.PROVENANCE)
    assert not media.of_type(None, media.SBOM)


# --- provenance


def test_provenance_of_another_generator() -> None:
    found = provenance(
        media.SLSA_V1,
        {
            "buildDefinition": {
                "externalParameters": {"source": "git+https://git.example/team/web@refs/tags/v3"},
                "internalParameters": {"github": {"actor_id": "77"}},
                "resolvedDependencies": [
                    {"uri": "git+https://git.example/tools/build@main", "digest": {"gitCommit": "t" * 40}},
                    {"uri": "git+https://git.example/team/web@refs/tags/v3", "digest": {"gitCommit": "c" * 40}},
                ],
            },
            "runDetails": {"builder": {"id": "b\x1b[31m"}, "metadata": {"invocationId": "https://ci/1?token=abcdef"}},
        },
        None,
    )
    assert found is not None
    assert (found.trust, found.source, found.ref) == ("claimed", "https://git.example/team/web", "refs/tags/v3")
    assert (found.commit, found.who, found.builder) == ("c" * 40, "77", "b")
    assert found.run is not None
    assert "abcdef" not in found.run


@pytest.mark.parametrize("predicate", [{}, {"runDetails": 7}, {"builder": []}, {"materials": [{"digest": "x"}]}])
def test_provenance_that_says_nothing(predicate: dict[str, Any]) -> None:
    for kind in media.PROVENANCE:
        found = provenance(kind, predicate, "k")
        assert found is not None
        assert (found.trust, found.builder, found.commit, found.key) == ("verified", None, None, "k")
    assert provenance("https://spdx.dev/Document", predicate, "k") is None


def test_a_commit_is_not_guessed_among_several() -> None:
    materials = [{"uri": f"git+https://git.example/{name}", "digest": {"sha1": name * 40}} for name in "ab"]
    found = provenance(media.SLSA_V02, {"materials": materials}, None)
    assert found is not None
    assert found.commit is None


def test_labels_prefer_what_is_nearest_to_what_runs() -> None:
    prefix = "org.opencontainers.image."
    found = labels(
        {f"{prefix}revision": "config", f"{prefix}title": ""},
        {f"{prefix}revision": "manifest", f"{prefix}version": "1.2\x07", "other": "x"},
        {f"{prefix}title": "index", f"{prefix}revision": "index"},
    )
    assert [(each.name, each.value, each.source) for each in found] == [
        ("revision", "config", "config"),
        ("version", "1.2", "manifest"),
        ("title", "index", "index"),
    ]


async def test_statements_of_buildx_are_claims() -> None:
    server = FakeRegistry()
    image = server.image()
    claim = compact(statement(predicateType=media.SLSA_V02, predicate={"builder": {"id": "buildx"}}))
    server.blobs[digest_of(claim)] = claim
    layer = {
        "mediaType": media.IN_TOTO,
        "digest": digest_of(claim),
        "annotations": {"in-toto.io/predicate-type": media.SLSA_V02},
    }
    config = {"mediaType": "config", "digest": DIGEST}
    beside = {"schemaVersion": 2, "mediaType": media.OCI_MANIFEST, "config": config, "layers": [layer]}
    attestation = server.push(compact(beside))
    entries = [
        {"mediaType": media.OCI_MANIFEST, "digest": image, "platform": {"os": "linux", "architecture": "amd64"}},
        {
            "mediaType": media.OCI_MANIFEST,
            "digest": attestation,
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image},
        },
    ]
    index = server.push(
        compact({"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": entries}), media.OCI_INDEX
    )
    client = server.client()
    found = await client.signatures(NAME, index)
    await client.aclose()
    assert (found.signature, found.provenance_label) == ("none", "present-unverified")
    assert found.provenance is not None
    assert (found.provenance.trust, found.provenance.builder) == ("claimed", "buildx")


async def test_a_referrer_of_another_image_says_nothing_of_this_one(tmp_path: Path) -> None:
    """Even where its signed statement names this digest: the registry was told that it belongs elsewhere."""
    insider = Insider()
    (tmp_path / "key.pub").write_bytes(pem(insider.private))
    for attached, expected in ((True, "verified"), (False, "invalid")):
        server = FakeRegistry()
        image, other = server.image(), server.image("other")
        signed = statement(predicateType=media.SIGN_V1, subject=[{"digest": {"sha256": image[7:]}}])
        body = compact(
            {
                "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "verificationMaterial": {},
                "dsseEnvelope": json.loads(insider.envelope(signed)),
            }
        )
        server.blobs[digest_of(body)] = body
        config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": DIGEST}
        layer = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "digest": digest_of(body)}
        carrier = {"schemaVersion": 2, "config": config, "layers": [layer], "subject": {"digest": other}}
        if attached:
            carrier["subject"] = {"digest": image}
        entry = {"mediaType": media.OCI_MANIFEST, "digest": server.push(compact(carrier)), "size": 1}
        listed = compact({"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": [entry]})
        server.push(listed, media.OCI_INDEX, tag=image.replace(":", "-"))
        client = server.client(signatures={"keys": [str(tmp_path / "key.pub")]})
        found = await client.signatures(NAME, image)
        await client.aclose()
        assert (found.signature, found.key is not None) == (expected, attached)


async def test_more_evidence_than_anybody_makes_is_a_gap_and_not_read_to_the_end(tmp_path: Path) -> None:
    insider = Insider()
    (tmp_path / "key.pub").write_bytes(pem(insider.private))
    server = FakeRegistry()
    image = server.image()
    junk = b"{}"
    server.blobs[digest_of(junk)] = junk
    notes = {"predicateType": media.SLSA_V1}
    layers = [{"mediaType": media.DSSE, "digest": digest_of(junk), "annotations": notes}] * 60
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": DIGEST}
    body = {"schemaVersion": 2, "config": config, "layers": layers, "subject": {"digest": image}}
    carriers = [server.push(compact({**body, "annotations": {"n": str(number)}})) for number in range(60)]
    entries = [{"mediaType": media.OCI_MANIFEST, "digest": each, "size": 1} for each in carriers]
    listed = compact({"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": entries})
    server.push(listed, media.OCI_INDEX, tag=image.replace(":", "-"))
    client = server.client(signatures={"keys": [str(tmp_path / "key.pub")]})
    found = await client.signatures(NAME, image)
    await client.aclose()
    assert len(server.requests) < 600
    assert (found.signature, found.provenance_label) == ("unknown", "invalid")
    assert "registry.example holds more evidence than is read" in found.gaps


async def test_referrers_from_the_api_page_by_page(tmp_path: Path) -> None:
    insider = Insider()
    (tmp_path / "key.pub").write_bytes(pem(insider.private))
    server = FakeRegistry()
    image = server.image()
    envelope = insider.envelope(statement(subject=[{"digest": {"sha256": image[7:]}}]))
    server.blobs[digest_of(envelope)] = envelope
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": DIGEST}
    layer = {"mediaType": media.DSSE, "digest": digest_of(envelope)}
    carrier = compact({"schemaVersion": 2, "config": config, "layers": [layer], "subject": {"digest": image}})
    entry = {"mediaType": media.OCI_MANIFEST, "digest": server.push(carrier), "size": 1}
    following = ['</v2/team/web/referrers/next?n=1>; rel="next"']

    def paged(request: httpx.Request) -> httpx.Response | None:
        if "/referrers/" not in request.url.path:
            return None
        last = request.url.path.endswith("next")
        page = {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": [entry] if last else []}
        headers = {"content-type": media.OCI_INDEX} | ({} if last else {"link": following[0]})
        return httpx.Response(200, content=compact(page), headers=headers)

    server.handler = paged
    client = server.client(signatures={"keys": [str(tmp_path / "key.pub")]})
    found = await client.signatures(NAME, image)
    assert (found.provenance_label, found.signature, found.gaps) == ("verified", "none", ())
    for following[0] in (
        '<https://[x/>; rel="next"',
        '<https://elsewhere.example/x>; rel="next"',
        '<?n=2>; rel="next"',
    ):
        found = await client.signatures(NAME, image, max_age=0)
        assert (found.signature, len(found.gaps)) == ("unknown", 1)
    await client.aclose()


async def test_nothing_is_called_unsigned_beside_an_image_that_is_gone() -> None:
    server = FakeRegistry()
    image = server.image()
    client = server.client()
    assert (await client.signatures(NAME, image)).signature == "none"
    del server.manifests[image]  # its bytes are still known
    assert (await client.signatures(NAME, image, max_age=0)).signature == "unknown"
    await client.aclose()


async def test_labels_are_kept_for_looking_unless_something_could_not_be_asked() -> None:
    server, time = FakeRegistry(), Time()
    image = server.image()
    client = server.client(time)
    first = await client.signatures(NAME, image)
    count = len(server.requests)
    time.at += 599
    assert await client.signatures(NAME, image) is first
    assert len(server.requests) == count
    assert await client.signatures(NAME, image, max_age=30) is not first
    server.handler = lambda request: httpx.Response(500) if request.url.path.endswith(".sig") else None
    assert (await client.signatures(NAME, image, max_age=0)).signature == "unknown"
    server.handler = lambda _: None
    assert (await client.signatures(NAME, image)).signature == "none"
    await client.aclose()
