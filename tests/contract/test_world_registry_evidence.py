"""Signatures and build statements of the world: checked by hand, by openssl, and by the cockpit's own client.

The three do not share code: what the client calls verified is verified by the other two, and nothing else is.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from cockpit.base.clock import Clock
from cockpit.config import load_settings
from cockpit.registry import media
from cockpit.registry.registries import Registries
from tests.harness.world import WorldProcess

BASE = "/v2/shop/cart"
IMAGE = "registry.acme.test/shop/cart"


@pytest.fixture(scope="module", params=["unsigned", "wrong-key"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldProcess]:
    with WorldProcess(tmp_path_factory.mktemp("world"), scenario=request.param) as made:
        yield made


@pytest.fixture
def registry(world: WorldProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=str(world.ready["registry"]), headers={"Accept": media.ACCEPT}) as client:
        yield client


@pytest.fixture
async def client(world: WorldProcess) -> AsyncIterator[Registries]:
    made = Registries(load_settings(world.config), Clock(), environ={})
    yield made
    await made.aclose()


# Version -> (label of the signature, label of the provenance), as the scenarios tell it.
EXPECTED = {
    "unsigned": {
        "v1.0.0": ("none", "none"),
        "v1.1.0": ("verified", "none"),
        "v1.2.0": ("verified", "verified"),
        "v1.3.0": ("verified", "verified"),
        "v1.4.0": ("none", "none"),
    },
    "wrong-key": {
        "v1.0.0": ("invalid", "invalid"),
        "v1.1.0": ("verified", "invalid"),
        "v1.2.0": ("verified", "verified"),
        "v1.3.0": ("verified", "verified"),
    },
}


def scenario(world: WorldProcess) -> str:
    return load_settings(world.config).world.scenario or ""


def public_key(world: WorldProcess) -> ec.EllipticCurvePublicKey:
    found = load_pem_public_key((world.directory / "cosign.pub").read_bytes())
    assert isinstance(found, ec.EllipticCurvePublicKey)
    return found


def signs(key: ec.EllipticCurvePublicKey, signature: str, message: bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature), message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def blob(registry: httpx.Client, digest: str) -> bytes:
    body = registry.get(f"{BASE}/blobs/{digest}").raise_for_status().content
    assert f"sha256:{hashlib.sha256(body).hexdigest()}" == digest
    return body


def manifest(registry: httpx.Client, reference: str) -> dict[str, Any] | None:
    answer = registry.get(f"{BASE}/manifests/{reference}")
    if answer.status_code == 404:
        return None
    assert f"sha256:{hashlib.sha256(answer.content).hexdigest()}" == answer.headers["docker-content-digest"]
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def dsse(envelope: dict[str, Any]) -> tuple[bytes, bytes, str]:
    """(what is signed, the statement, the signature), by the DSSE protocol."""
    kind, body = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
    message = b" ".join((b"DSSEv1", str(len(kind)).encode(), kind, str(len(body)).encode(), body))
    return message, body, envelope["signatures"][0]["sig"]


def by_hand(registry: httpx.Client, key: ec.EllipticCurvePublicKey, digest: str) -> tuple[str, str]:
    """The two labels from raw bytes: a signature counts when the key made it and it names this digest."""
    labels = {"signature": "none", "provenance": "none"}
    place = digest.replace(":", "-")
    if (held := manifest(registry, f"{place}.sig")) is not None:
        (layer,) = held["layers"]
        payload = blob(registry, layer["digest"])
        good = signs(key, layer["annotations"]["dev.cosignproject.cosign/signature"], payload)
        same = json.loads(payload)["critical"]["image"]["docker-manifest-digest"] == digest
        labels["signature"] = "verified" if good and same else "invalid"
    envelopes = []
    if (held := manifest(registry, f"{place}.att")) is not None:
        envelopes.append(json.loads(blob(registry, held["layers"][0]["digest"])))
    for entry in (manifest(registry, place) or {"manifests": ()})["manifests"]:
        referrer = manifest(registry, entry["digest"])
        assert referrer is not None and referrer["subject"]["digest"] == digest
        assert referrer["artifactType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
        bundle = json.loads(blob(registry, referrer["layers"][0]["digest"]))
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        hint = bundle["verificationMaterial"]["publicKey"]["hint"]
        assert base64.b64decode(hint) == hashlib.sha256(der).digest()
        envelopes.append(bundle["dsseEnvelope"])
    for envelope in envelopes:
        message, body, signature = dsse(envelope)
        statement = json.loads(body)
        about = any(f"sha256:{each['digest']['sha256']}" == digest for each in statement["subject"])
        what = "provenance" if statement["predicateType"] == media.SLSA_V1 else "signature"
        labels[what] = "verified" if about and signs(key, signature, message) else "invalid"
    return labels["signature"], labels["provenance"]


def digest_of(registry: httpx.Client, tag: str) -> str:
    return str(registry.head(f"{BASE}/manifests/{tag}").raise_for_status().headers["docker-content-digest"])


async def test_the_client_says_what_the_raw_bytes_say(
    world: WorldProcess, registry: httpx.Client, client: Registries
) -> None:
    key, expected = public_key(world), EXPECTED[scenario(world)]
    for tag, labels in expected.items():
        digest = digest_of(registry, tag)
        assert by_hand(registry, key, digest) == labels, tag
        found = await client.signatures(IMAGE, digest)
        built = found.provenance
        assert (found.signature, found.provenance_label) == labels, tag
        assert found.gaps == ()
        if labels[1] == "verified":
            assert built is not None and built.trust == "verified"
            assert built.builder == "https://ci.acme.test/builders/linux-4"
            assert built.run is not None and built.run.startswith("https://ci.acme.test/shop/cart/runs/")
            assert (built.source, built.ref) == ("https://git.acme.test/shop/cart", f"refs/tags/{tag}")
            assert built.started is not None and built.finished is not None and built.started < built.finished
            assert built.who
            # the signed commit is the one that the unsigned label names
            labelled = {each.name: each.value for each in found.labels}
            assert built.commit == labelled["revision"] and len(built.commit) == 40
            assert labelled["version"] == tag and labelled["created"] == built.finished
        else:
            assert built is None or built.trust == "claimed"


def test_openssl_agrees(world: WorldProcess, registry: httpx.Client, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    for tag, (signature_label, provenance_label) in EXPECTED[scenario(world)].items():
        place = digest_of(registry, tag).replace(":", "-")
        signed: list[tuple[bytes, str, str]] = []
        if (held := manifest(registry, f"{place}.sig")) is not None:
            (layer,) = held["layers"]
            annotation = layer["annotations"]["dev.cosignproject.cosign/signature"]
            signed.append((blob(registry, layer["digest"]), annotation, signature_label))
        if (held := manifest(registry, f"{place}.att")) is not None:
            message, _, signature = dsse(json.loads(blob(registry, held["layers"][0]["digest"])))
            # by the right key about another image: the bytes verify, and only the subject is wrong
            moved = (scenario(world), tag) == ("wrong-key", "v1.1.0")
            signed.append((message, signature, "verified" if moved else provenance_label))
        for message, signature, label in signed:
            (tmp_path / "message").write_bytes(message)
            (tmp_path / "signature").write_bytes(base64.b64decode(signature))
            key = str(world.directory / "cosign.pub")
            command = [openssl, "dgst", "-sha256", "-verify", key, "-signature", "signature", "message"]
            run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
            assert (run.returncode == 0) == (label == "verified"), (tag, run.stdout, run.stderr)


def test_the_same_world_signs_the_same_bytes(world: WorldProcess, registry: httpx.Client, tmp_path: Path) -> None:
    tags = sorted(registry.get(f"{BASE}/tags/list").json()["tags"])
    with (
        WorldProcess(tmp_path / "again", scenario=scenario(world)) as twin,
        httpx.Client(base_url=str(twin.ready["registry"]), headers={"Accept": media.ACCEPT}) as other,
    ):
        assert sorted(other.get(f"{BASE}/tags/list").json()["tags"]) == tags
        assert {tag: digest_of(other, tag) for tag in tags} == {tag: digest_of(registry, tag) for tag in tags}
