"""Every vector of the real cosign gets its expected label, through the client and from the bytes alone."""

from __future__ import annotations

from typing import Any

import pytest

from cockpit.model.artifact import NOT_CHECKED, Signatures
from cockpit.model.revision import Signed
from cockpit.registry import media
from cockpit.registry.labels import SIGNATURE, label
from tests.unit.registry_vectors import CASES, HOST, Served, registries


def answer(found: Signatures, case: dict[str, Any], keys: bool) -> Signed:
    asked = case["asked_predicate_type"]
    if asked is None:
        asked = {"signature": SIGNATURE, "sbom": media.SBOM, "image": SIGNATURE}[case["kind"]]
    else:
        asked = (asked,)
    return label(found.evidence, asked, gaps=bool(found.gaps), keys=keys)[0]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_case(case: dict[str, Any]) -> None:
    client = registries(Served(), case["public_key"])
    found = await client.signatures(f"{HOST}/{case['repository']}", case["image_digest"])
    await client.aclose()
    got = answer(found, case, bool(case["public_key"]))
    assert got in (case["expected"], *case["also_accept"]), (got, found)
    if case["kind"] == "signature":
        assert found.signature == got
    if case["kind"] == "image":
        assert (found.signature, found.provenance_label, found.sbom_label) == ("none", "none", "none")
    assert found.not_checked == NOT_CHECKED
    if expected := case.get("signature_expected"):
        labels = {each.label for each in found.evidence}
        assert expected in labels or got in case["also_accept"]
        assert expected == "verified" or "verified" not in labels
    if case.get("found_predicate_types"):
        assert {each.predicate_type for each in found.evidence} >= set(case["found_predicate_types"])
    if signed := case.get("signed_digest"):
        assert signed in {each.signed_digest for each in found.evidence}


@pytest.mark.parametrize("case", [case for case in CASES if case["public_key"]], ids=lambda case: case["name"])
async def test_without_a_key_nothing_is_verified(case: dict[str, Any]) -> None:
    client = registries(Served(), [])
    found = await client.signatures(f"{HOST}/{case['repository']}", case["image_digest"])
    await client.aclose()
    assert not found.keys_configured
    assert {each.label for each in found.evidence} <= {"invalid", "present-unverified"}
    assert answer(found, case, False) != "verified"
    if case["expected"] == "none" and "signature_expected" not in case:
        assert answer(found, case, False) == "none"


async def test_levels_are_shown_beside_and_never_as_the_digests_own() -> None:
    case = next(case for case in CASES if case["name"] == "child-signed-asked-index")
    client = registries(Served(), case["public_key"])
    found = await client.signatures(f"{HOST}/team/web", case["image_digest"])
    assert found.signature == "none"
    assert {(each.kind, each.platform, each.digest): each.signature for each in found.levels} == {
        ("platform", each["platform"], each["image_digest"]): each["expected"] for each in case["via_children"]
    }
    case = next(case for case in CASES if case["name"] == "index-signed-asked-child")
    above = case["via_index"]["image_digest"]
    assert (await client.signatures(f"{HOST}/team/web", case["image_digest"])).levels == ()  # not known yet
    await client.learn(f"{HOST}/team/web", above)
    found = await client.signatures(f"{HOST}/team/web", case["image_digest"], max_age=0)
    assert found.signature == "none"
    assert [(each.kind, each.digest, each.signature) for each in found.levels] == [("index", above, "verified")]
    await client.aclose()


@pytest.mark.parametrize("name", ["att-slsa-valid", "att-slsa02-valid", "bundle-slsa-valid", "cosign3-attest-slsa"])
async def test_provenance_is_verified_with_a_key_and_claimed_without(name: str) -> None:
    case = next(case for case in CASES if case["name"] == name)
    for keys, trust in ((case["public_key"], "verified"), (["keys/key-b.pub.pem"], "claimed"), ([], "claimed")):
        client = registries(Served(), keys)
        found = await client.signatures(f"{HOST}/team/web", case["image_digest"])
        await client.aclose()
        build = found.provenance
        assert build is not None
        assert (build.trust, build.builder) == (trust, "https://ci.example/builders/linux-7")
        assert build.run == "https://ci.example/team/web/runs/4217/attempts/1"
        assert (build.source, build.ref) == ("https://git.example/team/web", "refs/heads/main")
        assert (build.started, build.finished) == ("2026-11-17T08:55:00Z", "2026-11-17T09:00:30Z")
        labels = {each.name: each for each in found.labels}
        assert build.commit == labels["revision"].value
        assert labels["revision"].source == "config"
        assert (build.key is not None) == (trust == "verified")


async def test_provenance_about_another_image_is_not_even_claimed() -> None:
    for name in ("att-moved", "bundle-wrong-subject", "bundle-foreign-entry"):
        case = next(case for case in CASES if case["name"] == name)
        client = registries(Served(), case["public_key"])
        assert (await client.signatures(f"{HOST}/team/web", case["image_digest"])).provenance is None
        await client.aclose()


@pytest.mark.parametrize("fault", ["500", "403", "429", "garbage", "html"])
async def test_a_request_that_fails_never_makes_it_better(fault: str) -> None:
    """For each request of a case, failing it alone gives no better label than the truth, and never "none" for it."""
    faults = {
        "500": (500, {}, b"oops"),
        "403": (403, {}, b""),
        "429": (429, {}, b""),
        "garbage": (200, {"content-type": media.OCI_MANIFEST}, b"\x00\xff{"),
        "html": (404, {"content-type": "text/html"}, b"<html>not here</html>"),
    }
    better = {"verified": 0, "none": 1, "present-unverified": 2, "unknown": 3, "invalid": 4}
    names = ("sig-valid", "sig-wrong-key", "att-payload-changed", "bundle-slsa-valid", "bundle-wrong-key", "unsigned")
    for case in (case for case in CASES if case["name"] in names):
        server = Served()
        client = registries(server, case["public_key"])
        where = (f"{HOST}/team/web", case["image_digest"])
        truth = answer(await client.signatures(*where), case, True)
        await client.aclose()
        for path in sorted(set(server.asked) - {"/v2/"}):
            server = Served()
            server.paths[path] = faults[fault]
            client = registries(server, case["public_key"])
            got = answer(await client.signatures(*where), case, True)
            await client.aclose()
            if truth == "invalid":
                assert got in ("invalid", "unknown"), (case["name"], path)  # unheard evidence is at least unknown
            else:
                assert better[got] >= better[truth], (case["name"], path, got)
            assert got != "none" or truth == "none", (case["name"], path)
            if truth == "none" and fault == "garbage":
                assert got != "verified"
