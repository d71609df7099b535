"""The five states against Debian's docker-registry, behind each kind of login."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from cockpit.base.clock import Clock
from cockpit.config import RegistryOverride, Settings
from cockpit.registry.credentials import PullSecret
from cockpit.registry.registries import Registries
from tests.contract.registry_kit import PASSWORD, USER, Auth, Registry, running

REPOSITORY = "team/web"
NODES = ("linux/amd64", "linux/arm64")


@pytest.fixture(params=["none", "basic", "token"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    auth: Auth = request.param
    with running(tmp_path / "registry", auth) as started:
        yield started


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Callable[..., Registries]]:
    """Clients whose logins lie in a docker config; ``login=None``: none at all."""
    opened: list[Registries] = []

    def build(
        registry: Registry, *, login: tuple[str, str] | None = (USER, PASSWORD), **settings: object
    ) -> Registries:
        home = tmp_path / f"docker{len(opened)}"
        home.mkdir()
        if login is not None:
            (home / "config.json").write_text(docker_config(registry.host, *login))
        client = Registries(Settings.model_validate(settings), Clock(), environ={"DOCKER_CONFIG": str(home)})
        opened.append(client)
        return client

    yield build
    for client in opened:
        await client.aclose()


def docker_config(host: str, username: str, password: str) -> str:
    return json.dumps({"auths": {host: {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}}})


Make = Callable[..., Registries]


async def test_retained(registry: Registry, make: Make) -> None:
    digest, images = registry.index(REPOSITORY, "one", tag="v1")
    client = make(registry)
    for deep in (False, True):
        found = await client.retention(f"{registry.host}/{REPOSITORY}", digest, needed=NODES, deep=deep)
        assert (found.state, found.reason, found.covers, found.deep) == ("retained", "", True, deep)
        assert [(each.platform, each.digest, each.state) for each in found.platforms] == [
            (each.platform, each.digest, "retained") for each in images
        ]
        assert found.last_retained == found.checked_at
        assert found.asked_as == ("" if registry.auth == "none" else "docker config")


async def test_a_single_platform_is_told_from_its_config(registry: Registry, make: Make) -> None:
    image = registry.image(REPOSITORY, "one", tag="v1", architecture="arm64")
    client = make(registry)
    name = f"{registry.host}/{REPOSITORY}"
    shallow = await client.retention(name, image.digest, needed=NODES)
    assert (shallow.state, shallow.covers) == ("retained", None)
    found = await client.retention(name, image.digest, needed=NODES, deep=True)
    assert (found.state, found.covers, found.uncovered) == ("retained", False, ("linux/amd64",))
    assert (await client.retention(name, image.digest, needed=["linux/arm64"], deep=True)).covers is True


async def test_a_moved_tag_leaves_the_digest_retained(registry: Registry, make: Make) -> None:
    before, _ = registry.index(REPOSITORY, "one", tag="v1")
    client = make(registry)
    name = f"{registry.host}/{REPOSITORY}"
    assert (await client.tag(f"{name}:v1", before)).moved == "same"
    assert (await client.tag(f"{name}:v1", before)).moved == "same"  # asked by If-None-Match
    after, images = registry.index(REPOSITORY, "two", tag="v1")
    moved = await client.tag(f"{name}:v1", before)
    assert (moved.moved, moved.digest) == ("moved", after)
    assert (await client.tag(f"{name}:v1", images[0].digest)).moved == "same"  # a platform of it is the same artifact
    assert (await client.retention(name, before, needed=NODES, deep=True)).state == "retained"
    assert (await client.tag(f"{name}:never", before)).moved == "gone"


async def test_manifest_deleted(registry: Registry, make: Make) -> None:
    image = registry.image(REPOSITORY, "one", tag="v1")
    running_now = registry.image(REPOSITORY, "two", tag="v2")
    client = make(registry)
    name = f"{registry.host}/{REPOSITORY}"
    first = await client.retention(name, image.digest, control=running_now.digest)
    registry.delete(REPOSITORY, "manifests", image.digest)
    assert (await client.retention(name, image.digest, control=running_now.digest)).state == "retained"  # remembered
    gone = await client.retention(name, image.digest, control=running_now.digest, max_age=0)
    assert (gone.state, gone.gone) == ("missing", (image.digest,))
    assert gone.last_retained == first.checked_at
    # What runs now is denied too: the whole pass is in doubt.
    registry.delete(REPOSITORY, "manifests", running_now.digest)
    doubt = await client.retention(name, image.digest, control=running_now.digest, max_age=0)
    assert doubt.state == "unknown"
    assert "what runs now" in doubt.reason


async def test_child_deleted(registry: Registry, make: Make) -> None:
    digest, images = registry.index(REPOSITORY, "one", tag="v1")
    registry.delete(REPOSITORY, "manifests", images[1].digest)
    client = make(registry)
    name = f"{registry.host}/{REPOSITORY}"
    found = await client.retention(name, digest, needed=NODES)
    assert (found.state, found.covers, found.uncovered) == ("partial", False, ("linux/arm64",))
    assert found.gone == (images[1].digest,)
    assert "linux/arm64" in found.reason
    found = await client.retention(name, digest, needed=["linux/amd64"], deep=True)
    assert (found.state, found.covers, found.uncovered) == ("partial", True, ())


@pytest.mark.parametrize("part", ["layer", "config"])
async def test_blob_deleted(registry: Registry, make: Make, part: str) -> None:
    digest, images = registry.index(REPOSITORY, "one", tag="v1")
    lost = images[0].layer if part == "layer" else images[0].config
    registry.delete(REPOSITORY, "blobs", lost)
    client = make(registry)
    name = f"{registry.host}/{REPOSITORY}"
    assert (await client.retention(name, digest, needed=NODES)).state == "retained"  # as far as manifests go
    found = await client.retention(name, digest, needed=NODES, deep=True)
    assert (found.state, found.covers, found.uncovered) == ("partial", False, ("linux/amd64",))
    assert found.gone == (lost,)
    other = await client.retention(name, digest, needed=["linux/arm64"], deep=True)
    assert (other.state, other.covers) == ("retained", True)


async def test_garbage_collected(registry: Registry, make: Make) -> None:
    untagged = registry.image(REPOSITORY, "old")
    tagged, _ = registry.index(REPOSITORY, "one", tag="v1")
    kept = registry.image(REPOSITORY, "two", tag="v2")
    registry.collect()
    client = make(registry)
    name = f"{registry.host}/{REPOSITORY}"
    assert (await client.retention(name, untagged.digest, control=kept.digest)).state == "missing"
    # The index answers 200 and cannot be pulled any more.
    found = await client.retention(name, tagged, needed=NODES, control=kept.digest)
    assert (found.state, found.uncovered) == ("partial", NODES)
    assert (await client.retention(name, kept.digest, deep=True)).state == "retained"


async def test_stopped_and_started_again(registry: Registry, make: Make) -> None:
    image = registry.image(REPOSITORY, "one", tag="v1")
    client = make(registry)
    name = f"{registry.host}/{REPOSITORY}"
    before = await client.retention(name, image.digest)
    registry.stop()
    found = await client.retention(name, image.digest, max_age=0)
    assert (found.state, found.last_retained) == ("unknown", before.checked_at)
    assert "connection refused" in found.reason
    assert (await client.tag(f"{name}:v1", image.digest)).moved == "unknown"
    signatures = await client.signatures(name, image.digest)
    assert (signatures.signature, signatures.provenance_label) == ("unknown", "unknown")
    registry.start()
    assert (await client.retention(name, image.digest, max_age=0, urgent=True)).state == "retained"


async def test_a_repository_that_does_not_exist(registry: Registry, make: Make) -> None:
    image = registry.image(REPOSITORY, "one", tag="v1")
    client = make(registry)
    found = await client.retention(f"{registry.host}/team/wbe", image.digest, control=image.digest)
    assert found.state == "unknown"  # the control digest is not there either
    assert (await client.retention(f"{registry.host}/team/wbe", image.digest)).state == "missing"
    assert (await client.retention(f"{registry.host}/Team/Web", image.digest)).state == "unknown"
    assert (await client.retention(f"{registry.host}/{REPOSITORY}", image.digest.upper())).state == "unknown"


@pytest.mark.parametrize("login", [None, (USER, "wrong")])
async def test_without_the_right_login(registry: Registry, make: Make, login: tuple[str, str] | None) -> None:
    image = registry.image(REPOSITORY, "one", tag="v1")
    client = make(registry, login=login)
    name = f"{registry.host}/{REPOSITORY}"
    for digest in (image.digest, f"sha256:{'0' * 64}"):
        found = await client.retention(name, digest, deep=True)
        if registry.auth == "none":
            assert found.state == ("retained" if digest == image.digest else "missing")
        else:
            assert found.state == "denied"
            assert found.reason
            assert PASSWORD not in found.reason
            assert "wrong" not in found.reason
    if registry.auth != "none":
        assert (await client.tag(f"{name}:v1", image.digest)).moved == "unknown"
        assert (await client.signatures(name, image.digest)).signature == "unknown"


async def test_pull_secrets_are_tried_in_turn(registry: Registry, make: Make) -> None:
    image = registry.image(REPOSITORY, "one", tag="v1")

    def secret(name: str, password: str, *, host: str = registry.host) -> PullSecret:
        body = docker_config(host, USER, password)
        value = base64.b64encode(body.encode()).decode()
        return PullSecret("shop", name, "kubernetes.io/dockerconfigjson", value)

    client = make(registry, login=None)
    secrets = (
        secret("elsewhere", PASSWORD, host="other.example"),
        secret("stale", "wrong", host=f"{registry.host}/team"),  # more specific, so it is tried first
        secret("regcred", PASSWORD),
    )
    found = await client.retention(f"{registry.host}/{REPOSITORY}", image.digest, secrets=secrets)
    assert found.state == "retained"
    if registry.auth != "none":
        assert found.asked_as == "pull secret shop/regcred"
        # One namespace's secrets do not answer for another's.
        assert (await client.retention(f"{registry.host}/{REPOSITORY}", image.digest)).state == "denied"


async def test_the_settings_login_and_endpoint(registry: Registry, make: Make, tmp_path: Path) -> None:
    image = registry.image(REPOSITORY, "one", tag="v1")
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    override = {
        "match": "images.example",
        "endpoint": f"http://{registry.host}",
        "username": USER,
        "password_file": str(tmp_path / "password"),
    }
    client = make(registry, login=None, registries=[override])
    found = await client.retention(f"images.example/{REPOSITORY}:v1", image.digest, deep=True)
    assert found.state == "retained"
    mirror = make(registry, login=None, registries=[{**override, "mirror": True}])
    for digest in (image.digest, f"sha256:{'0' * 64}"):
        found = await mirror.retention(f"images.example/{REPOSITORY}", digest)
        assert found.state == "unknown"
        assert "mirror" in found.reason
    assert RegistryOverride.model_validate(override).mirror is False


async def test_an_authority_of_its_own(tmp_path: Path, make: Make) -> None:
    with running(tmp_path / "registry", "basic", tls=True) as registry:
        image = registry.image(REPOSITORY, "one", tag="v1")
        name = f"{registry.host}/{REPOSITORY}"
        endpoint = {"match": registry.host, "endpoint": f"https://{registry.host}"}
        found = await make(registry, registries=[endpoint]).retention(name, image.digest)
        assert (found.state, "not trusted" in found.reason) == ("unknown", True)
        trusting = make(registry, registries=[{**endpoint, "ca_file": str(registry.ca_file)}])
        assert (await trusting.retention(name, image.digest, deep=True)).state == "retained"
        plain = await make(registry).retention(name, image.digest)  # loopback is asked by plain HTTP
        assert plain.state == "unknown"
        absent = make(registry, registries=[{**endpoint, "ca_file": str(tmp_path / "absent.pem")}])
        found = await absent.retention(name, image.digest)
        assert (found.state, "does not exist" in found.reason) == ("unknown", True)


async def test_running_digests_are_compared_by_class(registry: Registry, make: Make) -> None:
    digest, images = registry.index(REPOSITORY, "one", tag="v1")
    other, _ = registry.index(REPOSITORY, "two", tag="v2")
    name = f"{registry.host}/{REPOSITORY}"
    client = make(registry)
    assert client.compare(digest, f"{name}@{images[0].digest}") == "unresolved"
    assert await client.learn(name, digest)
    assert client.compare(digest, f"{name}@{digest}") == "match"
    assert client.compare(digest, f"docker-pullable://mirror.example/x@{images[0].digest}") == "match"
    assert client.compare(digest, images[1].config) == "match-config"
    assert client.compare(digest, images[1].config.removeprefix("sha256:")) == "match-config"
    assert client.compare(images[0].digest, f"{name}@{digest}") == "match"
    assert client.compare(digest, f"{name}@{other}") == "mismatch"
    assert client.compare(digest, f"sha256:{'0' * 64}") == "mismatch"
    assert client.compare(digest, "") == "pending"


async def test_labels_come_from_the_config(registry: Registry, make: Make) -> None:
    digest, _ = registry.index(REPOSITORY, "c0ffee", tag="v1")
    found = await make(registry).signatures(f"{registry.host}/{REPOSITORY}", digest)
    assert [(each.name, each.value, each.source) for each in found.labels] == [("revision", "c0ffee", "config")]
    assert (found.signature, found.provenance_label, found.sbom_label) == ("none", "none", "none")
    assert found.keys_configured is False
