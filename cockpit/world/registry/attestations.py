"""Statements about how an image was built: SLSA provenance v1 in DSSE, at cosign's tag or as sigstore bundles.

Shapes as cosign 2.5 (tag ``.att``) and 3.1 (bundles v0.3 listed at the fallback tag of referrers) write them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cockpit.base.clock import rfc3339
from cockpit.world.registry.artifacts import INDEX, MANIFEST, Artifact, Blob, Build, blob, document
from cockpit.world.registry.signing import Made, Signer, cosign_manifest

DSSE = "application/vnd.dsse.envelope.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
EMPTY = "application/vnd.oci.empty.v1+json"
SLSA = "https://slsa.dev/provenance/v1"
IMAGE_SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
_PEOPLE = ("ann", "boris", "chioma", "deniz", "emil")
_BUILD_SECONDS = 330


def provenance(build: Build) -> dict[str, Any]:
    """The predicate: builder, run, commit, when."""
    ref = f"refs/tags/{build.tag}"
    number = int.from_bytes(hashlib.sha256(build.commit.encode()).digest()[:2], "big")
    return {
        "buildDefinition": {
            "buildType": "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
            "externalParameters": {
                "workflow": {"path": ".ci/release.yml", "ref": ref, "repository": build.source},
            },
            "internalParameters": {"github": {"actor": _PEOPLE[number % len(_PEOPLE)]}},
            "resolvedDependencies": [{"uri": f"git+{build.source}@{ref}", "digest": {"gitCommit": build.commit}}],
        },
        "runDetails": {
            "builder": {"id": "https://ci.acme.test/builders/linux-4"},
            "metadata": {
                "invocationID": f"https://ci.acme.test/{build.path}/runs/{number}/attempts/1",
                "startedOn": rfc3339(build.at - _BUILD_SECONDS),
                "finishedOn": rfc3339(build.at),
            },
        },
    }


def envelope(signer: Signer, predicate_type: str, predicate: dict[str, Any], subject: dict[str, Any]) -> dict[str, Any]:
    """An in-toto statement about ``subject`` in a signed DSSE envelope."""
    version = "v1" if predicate_type == IMAGE_SIGNATURE else "v0.1"
    statement = {
        "_type": f"https://in-toto.io/Statement/{version}",
        "predicateType": predicate_type,
        "subject": [subject],
        "predicate": predicate,
    }
    body = json.dumps(statement, separators=(",", ":")).encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(IN_TOTO), IN_TOTO.encode(), len(body), body)
    return {
        "payloadType": IN_TOTO,
        "payload": base64.b64encode(body).decode(),
        "signatures": [{"keyid": "", "sig": signer.signature(signed)}],
    }


def attest(signer: Signer, build: Build, digest: str) -> Made:
    """What lies at ``sha256-HEX.att``. ``digest``: which image it says it is about."""
    subject = {"name": build.repository, "digest": {"sha256": digest.partition(":")[2]}}
    payload = document(DSSE, envelope(signer, SLSA, provenance(build), subject))
    # cosign leaves the signature's annotation empty: the signature is in the envelope
    return cosign_manifest(payload, {"dev.cosignproject.cosign/signature": "", "predicateType": SLSA})


def bundles(signer: Signer, build: Build, image: Artifact) -> tuple[Blob, tuple[Made, ...]]:
    """(the index at the fallback tag, the referrers it lists): the image's signature and its provenance."""
    subject = {"digest": {"sha256": image.root.digest.partition(":")[2]}}
    made = []
    for predicate_type, predicate in ((IMAGE_SIGNATURE, {}), (SLSA, provenance(build))):
        signed = envelope(signer, predicate_type, predicate, subject)
        payload = document(
            BUNDLE,
            {
                "mediaType": BUNDLE,
                "verificationMaterial": {"publicKey": {"hint": signer.hint}},
                "dsseEnvelope": {**signed, "signatures": [{"sig": each["sig"]} for each in signed["signatures"]]},
            },
        )
        empty = blob(EMPTY, b"{}")
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": BUNDLE,
            "config": empty.descriptor,
            "layers": [payload.descriptor],
            "subject": image.root.descriptor,
            "annotations": {
                "dev.sigstore.bundle.content": "dsse-envelope",
                "dev.sigstore.bundle.predicateType": predicate_type,
                "org.opencontainers.image.created": rfc3339(build.at),
            },
        }
        made.append((document(MANIFEST, manifest), (empty, payload)))
    made.sort(key=lambda each: each[0].digest)
    # Sorted by digest, and the type is that of the config: so does cosign write the list, and so it cannot be trusted.
    entries = [{**manifest.descriptor, "artifactType": EMPTY} for manifest, _ in made]
    return document(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}), tuple(made)
