"""The pure parts: names, manifests, classes of digests, conclusions; and that no bytes whatever make them raise."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.base.errors import UsageError
from cockpit.config import Settings
from cockpit.model.artifact import Contents, Sameness
from cockpit.model.revision import Retained
from cockpit.registry import manifest, media, verify
from cockpit.registry.answers import Answer, Kind, Reply, judge
from cockpit.registry.challenge import challenge, token
from cockpit.registry.credentials import docker_config, helper_answer, pull_secret
from cockpit.registry.endpoint import endpoint_of
from cockpit.registry.equivalence import Equivalence
from cockpit.registry.provenance import provenance
from cockpit.registry.reference import Reference, cosign_tag, is_evidence_tag, parse, referrers_tag
from cockpit.registry.retention import Seen, conclude, worst
from cockpit.strategies.image import ImageId, read_image_id
from tests.unit.registry_fake import FakeRegistry, compact


def d(character: str) -> str:
    return f"sha256:{character * 64}"


D = d("d")


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("nginx", Reference("docker.io", "library/nginx", "latest")),
        ("nginx:1.27", Reference("docker.io", "library/nginx", "1.27")),
        ("team/web", Reference("docker.io", "team/web", "latest")),
        ("docker.io/nginx", Reference("docker.io", "library/nginx", "latest")),
        ("index.docker.io/team/web:1", Reference("docker.io", "team/web", "1")),
        ("registry.example/a/b/c:v1", Reference("registry.example", "a/b/c", "v1")),
        ("REGISTRY.example/a", Reference("registry.example", "a", "latest")),
        ("localhost/a", Reference("localhost", "a", "latest")),
        ("localhost:5000/a:v1", Reference("localhost:5000", "a", "v1")),
        ("registry:5000/a_b/c--d__e.f", Reference("registry:5000", "a_b/c--d__e.f", "latest")),
        ("[::1]:5000/a:v1", Reference("[::1]:5000", "a", "v1")),
        (f"registry.example/a@{D}", Reference("registry.example", "a", None, D)),
        (f"registry.example/a:v1@{D}", Reference("registry.example", "a", "v1", D)),
        (f"nginx@{D}", Reference("docker.io", "library/nginx", None, D)),
    ],
)
def test_names(image: str, expected: Reference) -> None:
    assert parse(image) == expected


@pytest.mark.parametrize(
    "image",
    [
        "",
        ":v1",
        "nginx:",
        "Nginx",
        "a//b",
        "/a",
        "a/",
        "registry.example/",
        "registry.example/a b",
        "registry.example/a:v 1",
        "registry.example/a:" + "v" * 129,
        "registry.example/a@",
        "registry.example/a@sha256:" + "D" * 64,
        "registry.example/a@sha256:" + "d" * 63,
        "registry.example/a@md5:" + "d" * 32,
        "registry.example:99999/a",
        "[:::]:5000/a",
        "user:pass@registry.example/a",
        "https://registry.example/a",
        "registry.example/../a",
    ],
)
def test_names_that_are_none(image: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(image)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("image", "url", "mirror"),
    [
        ("nginx", "https://registry-1.docker.io", False),
        ("registry.example/a", "https://registry.example", False),
        ("127.0.0.1:5000/a", "http://127.0.0.1:5000", False),
        ("localhost:5000/a", "http://localhost:5000", False),
        ("[::1]:5000/a", "http://[::1]:5000", False),
        ("10.0.0.1:5000/a", "https://10.0.0.1:5000", False),
        ("plain.example/a", "http://plain.example", False),
        ("over.example/team/a", "https://team.example/base", True),
        ("over.example/other/a", "https://other.example", False),
    ],
)
def test_where_a_registry_is_asked(image: str, url: str, mirror: bool) -> None:
    overrides = Settings.model_validate(
        {
            "registries": [
                {"match": "plain.example", "plain_http": True},
                {"match": "over.example", "endpoint": "https://other.example"},
                {"match": "over.example/team", "endpoint": "https://team.example/base/", "mirror": True},
            ]
        }
    ).registries
    found = endpoint_of(parse(image), overrides)
    assert (found.url, found.mirror) == (url, mirror)


@pytest.mark.parametrize("endpoint", ["registry.example", "ftp://x", "https://", "https://x:99999", "https://[x"])
def test_endpoints_that_are_none(endpoint: str) -> None:
    with pytest.raises(ValueError, match="endpoint"):
        Settings.model_validate({"registries": [{"match": "x", "endpoint": endpoint}]})


def test_tags_of_evidence() -> None:
    assert cosign_tag(D, "sig") == f"sha256-{'d' * 64}.sig"
    assert referrers_tag(D) == f"sha256-{'d' * 64}"
    assert referrers_tag(f"sha512:{'e' * 128}") == f"sha512-{'e' * 64}"
    for tag in (cosign_tag(D, "att"), referrers_tag(D), cosign_tag(f"sha512:{'e' * 128}", "sig")):
        assert is_evidence_tag(tag)
    for tag in ("v1", "sha256-d", f"sha256-{'d' * 64}.txt", f"x{referrers_tag(D)}"):
        assert not is_evidence_tag(tag)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ImageId("pending")),
        (f"registry.example/a@{D}", ImageId("manifest", D, "registry.example/a")),
        (f"docker-pullable://registry.example/a@{D}", ImageId("manifest", D, "registry.example/a")),
        (f"docker://{D}", ImageId("config", D)),
        (D, ImageId("config", D)),
        ("d" * 64, ImageId("config", D)),
        (f"docker.io/library/import-2026@{D}", ImageId("local", D, "docker.io/library/import-2026")),
        ("registry.example/a:v1", ImageId("unreadable")),
        ("d" * 63, ImageId("unreadable")),
    ],
)
def test_image_ids(text: str, expected: ImageId) -> None:
    assert read_image_id(text) == expected


# --- classes of digests: index A = {amd X (config 1), arm Y (config 2)}; index B shares X; Z has X's config


class Kept:
    def __init__(self, held: Iterable[Contents] = ()) -> None:
        self.held = list(held)

    def load(self) -> Iterable[Contents]:
        return list(self.held)

    def remember(self, contents: Contents) -> None:
        self.held.append(contents)


A, B, X, Y, Z, ONE, TWO = (d(each) for each in "abcdef0")
KNOWN = (
    Contents(A, "index", (X, Y)),
    Contents(B, "index", (X,)),
    Contents(X, "manifest", (ONE,)),
    Contents(Y, "manifest", (TWO,)),
    Contents(Z, "manifest", (ONE,)),
)


def classes() -> Equivalence:
    return Equivalence(Kept(KNOWN))


def test_a_class_looks_up_and_down_and_never_sideways() -> None:
    found = classes()
    assert found.equal_to(A) == {A, X, Y, ONE, TWO}
    assert found.equal_to(X) == {X, ONE, A, B}
    assert found.equal_to(ONE) == {ONE, X, Z, A, B}
    assert B not in found.equal_to(A)
    assert (found.same(A, X), found.same(X, A), found.same(A, B), found.same(X, Z)) == (True, True, False, False)
    assert found.indexes_of(X) == (A, B)


def test_what_is_learned_is_remembered_once_and_never_changed() -> None:
    memory = Kept()
    found = Equivalence(memory)
    for _ in range(2):
        found.learn(KNOWN[0])
    found.learn(Contents(A, "index", (Z,)))
    assert memory.held == [KNOWN[0]]
    assert Equivalence(memory).equal_to(A) == {A, X, Y}


def test_a_class_is_found_in_one_pass_however_it_is_woven() -> None:
    """What lists a thing twice, in layers, has as many ways through it as two to their number; some have no end."""
    below, woven = (ONE, TWO), []
    for number in range(60):
        pair = tuple(f"sha256:{number:03d}{which}{'0' * 60}" for which in "ab")
        woven += [Contents(each, "index", below) for each in pair]
        below = pair
    found = Equivalence(Kept(woven))
    assert len(found.equal_to(below[0])) == 121
    assert len(found.equal_to(ONE)) == 121
    assert found.compare(below[0], d("9")) == "unresolved"
    long = [Contents(f"sha256:{each + 1:064x}", "index", (f"sha256:{each:064x}",)) for each in range(3000)]
    assert len(Equivalence(Kept(long)).equal_to(f"sha256:{3000:064x}")) == 3001
    assert Equivalence(Kept([Contents(A, "index", (A,))])).equal_to(A) == {A}  # a journal may hold what no registry can
    wide = Kept()
    Equivalence(wide).learn(Contents(A, "index", tuple(f"sha256:{each:064x}" for each in range(300))))
    assert wide.held == []


@pytest.mark.parametrize(
    ("declared", "image_id", "expected"),
    [
        (A, f"r/a@{A}", "match"),
        (A, f"mirror/else@{X}", "match"),
        (X, f"r/a@{A}", "match"),
        (A, ONE, "match-config"),
        (A, "0" * 64, "match-config"),
        (A, f"r/a@{B}", "mismatch"),
        (A, f"r/a@{d('9')}", "mismatch"),
        (A, d("9"), "mismatch"),
        (X, f"r/a@{d('9')}", "unresolved"),  # perhaps an index that lists X
        (X, TWO, "mismatch"),
        (d("9"), f"r/a@{A}", "unresolved"),
        (d("9"), ONE, "unresolved"),
        (d("9"), f"r/a@{d('9')}", "match"),
        (A, "", "pending"),
        (A, "junk", "unresolved"),
        (A, f"docker.io/library/import-1@{d('9')}", "unresolved"),
        (A, f"docker.io/library/import-1@{X}", "match"),
    ],
)
def test_running_against_declared(declared: str, image_id: str, expected: Sameness) -> None:
    assert classes().compare(declared, image_id) == expected


def test_half_a_class_denies_no_config() -> None:
    found = Equivalence(Kept((KNOWN[0], KNOWN[2])))  # Y was not read
    assert found.compare(A, TWO) == "unresolved"
    assert found.compare(A, ONE) == "match-config"
    assert found.compare(A, f"r/a@{B}") == "mismatch"  # an index's own list is enough for manifests
    assert found.same(A, d("9")) is False
    assert found.same(X, d("9")) is None


# --- conclusions


def seen(kind: Kind, *below: Seen, platform: str | None = None, digest: str = D, hidden: bool = False) -> Seen:
    what = "index" if below and below[0].kind != "blob" else "manifest"
    reason = "" if kind == "found" else f"registry says {kind}"
    return Seen(digest, what, Answer(kind, reason, hidden=hidden), platform, below)  # type: ignore[arg-type]


def blob(kind: Kind) -> Seen:
    return Seen(d("1"), "blob", Answer(kind, f"blob {kind}"))


PLACE = parse("registry.example/a")


@pytest.mark.parametrize(
    ("tree", "control", "expected"),
    [
        (seen("found"), None, "retained"),
        (seen("absent"), None, "missing"),
        (seen("absent"), "found", "missing"),
        (seen("absent"), "absent", "unknown"),
        (seen("absent"), "unclear", "missing"),
        (seen("absent", hidden=True), None, "unknown"),
        (seen("absent", hidden=True), "unclear", "unknown"),
        (seen("absent", hidden=True), "found", "missing"),
        (seen("denied"), None, "denied"),
        (seen("unclear"), "absent", "unknown"),
        (seen("altered"), None, "unknown"),
        (seen("unchanged"), None, "unknown"),
        (seen("found", seen("found"), seen("absent")), None, "partial"),
        (seen("found", seen("denied"), seen("absent")), None, "partial"),
        (seen("found", seen("denied"), seen("unclear")), None, "denied"),
        (seen("found", seen("found"), seen("altered")), None, "unknown"),
        (seen("found", seen("found", blob("found")), seen("found", blob("absent"))), None, "partial"),
        (seen("found", blob("unclear")), None, "unknown"),
        (seen("found", seen("absent", hidden=True)), None, "partial"),
    ],
)
def test_conclusions(tree: Seen, control: Kind | None, expected: Retained) -> None:
    found = conclude(tree, PLACE, control=Answer(control) if control else None)
    assert found.state == expected
    assert (found.reason == "") == (expected == "retained")
    assert found.altered == ("altered" in repr(tree))


def test_no_single_worse_answer_gives_a_better_state() -> None:
    """Spoiling any one answer, or any second one besides, never leads to retained nor to covered."""
    leaf = seen("found", blob("found"), blob("found"), platform="linux/amd64")
    whole = seen("found", leaf, msgspec.structs.replace(leaf, platform="linux/arm64"))

    def spoiled(tree: Seen, kind: Kind) -> Iterable[Seen]:
        yield msgspec.structs.replace(tree, answer=Answer(kind, "spoiled"))
        for at, each in enumerate(tree.below):
            for changed in spoiled(each, kind):
                below = (*tree.below[:at], changed, *tree.below[at + 1 :])
                yield msgspec.structs.replace(tree, below=below)

    assert conclude(whole, PLACE).state == "retained"
    for kind in ("absent", "denied", "unclear", "altered"):
        for one in spoiled(whole, kind):
            first = conclude(one, PLACE, needed=["linux/amd64", "linux/arm64"])
            assert first.state != "retained"
            assert first.covers is not True
            for two in spoiled(one, "unclear"):
                again = conclude(two, PLACE, needed=["linux/amd64", "linux/arm64"])
                assert again.state != "retained"
                assert again.covers is not True


def test_the_worst_image_of_a_version_counts() -> None:
    assert worst(["retained", "retained"]) == "retained"
    assert worst(["retained", "unknown"]) == "unknown"
    assert worst(["unknown", "denied", "retained"]) == "denied"
    assert worst(["unknown", "partial"]) == "partial"
    assert worst(["partial", "missing"]) == "missing"
    assert worst([]) == "unknown"


# --- anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | st.just(D),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
NAMES = """
schemaVersion mediaType manifests config layers digest annotations subject platform os urls payload
payloadType signatures sig dsseEnvelope messageSignature verificationMaterial publicKey critical
image type auths credHelpers data buildDefinition runDetails builder metadata materials uri
invocation configSource externalParameters errors code message token expires_in
"""
MEMBERS = st.sampled_from(NAMES.split())
SHAPED = st.recursive(
    JSON | st.sampled_from([2, media.OCI_INDEX, media.OCI_MANIFEST, media.IN_TOTO, "git+https://[x@y", "e30="]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=6),
    max_leaves=20,
)


@settings(max_examples=300)
@given(value=SHAPED, raw=st.binary(max_size=60))
def test_nothing_that_is_served_makes_the_readers_raise(value: Any, raw: bytes) -> None:
    for body in (json.dumps(value).encode(), raw):
        try:
            manifest.read(body, D, media.OCI_MANIFEST)
        except manifest.Unreadable as error:
            assert str(error)
        manifest.platform_of(body)
        manifest.config_labels(body)
        for status in (200, 404, 403, 500):
            judge(Reply(status, {}, body), "manifest", D, "x")
        assert verify.cosign(body, {"dev.cosignproject.cosign/signature": "e30="}, D, []).label != "verified"
        assert verify.dsse(body, D, []).label != "verified"
        assert verify.bundle(body, D, []).label != "verified"
        verify.unsigned(body, None)
        token(body)
        docker_config(body, "x")
        helper_answer(body, "x")
    mapped = value if isinstance(value, dict) else {}
    pull_secret(mapped)
    for kind in media.PROVENANCE:
        provenance(kind, mapped, None)


@settings(max_examples=200)
@given(text=st.text(max_size=80))
def test_no_text_makes_the_parsers_raise_anything_else(text: str) -> None:
    challenge([text, f"Bearer {text}", f'Bearer realm="{text}"'])
    read_image_id(text)
    for name in (text, f"registry.example/{text}", f"{text}/a", f"[{text}]:5000/a", f"a:{text}"):
        try:
            endpoint_of(parse(name), ())
        except UsageError as error:
            assert str(error)


async def test_an_empty_answer_is_never_good() -> None:
    server = FakeRegistry()
    image = server.push(compact({}))
    client = server.client()
    assert (await client.retention("registry.example/team/web", image, deep=True)).state == "unknown"
    await client.aclose()
