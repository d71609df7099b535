"""The world's registry by hand: the bytes behind every digest, and the answers of a real one. Budget: 10 s."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cockpit.world.registry.artifacts import INDEX, MANIFEST
from tests.harness.world import WorldProcess

ACCEPT = {"Accept": f"{INDEX}, {MANIFEST}"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldProcess]:
    with WorldProcess(tmp_path_factory.mktemp("world"), scenario="retained", speed=0.0) as made:
        yield made


@pytest.fixture
def registry(world: WorldProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=str(world.ready["registry"]), headers=ACCEPT) as client:
        yield client


def image_id(world: WorldProcess) -> str:
    pods = world.control.call("GET", "/truth/pods")
    return str(pods[0]["status"]["containerStatuses"][0]["imageID"])


def test_what_a_pod_runs_is_there_down_to_its_layers(world: WorldProcess, registry: httpx.Client) -> None:
    repository, _, digest = image_id(world).partition("@")
    name = repository.partition("/")[2]
    index = registry.get(f"/v2/{name}/manifests/{digest}")
    assert index.status_code == 200
    assert index.headers["docker-content-digest"] == digest
    assert index.headers["content-type"] == INDEX
    assert "sha256:" + hashlib.sha256(index.content).hexdigest() == digest
    for entry in index.json()["manifests"]:
        manifest = registry.get(f"/v2/{name}/manifests/{entry['digest']}")
        assert "sha256:" + hashlib.sha256(manifest.content).hexdigest() == entry["digest"]
        body = manifest.json()
        for part in (body["config"], *body["layers"]):
            blob = registry.get(f"/v2/{name}/blobs/{part['digest']}")
            assert len(blob.content) == part["size"]
            assert "sha256:" + hashlib.sha256(blob.content).hexdigest() == part["digest"]
        config = json.loads(registry.get(f"/v2/{name}/blobs/{body['config']['digest']}").content)
        assert config["architecture"] == entry["platform"]["architecture"]
        assert len(config["config"]["Labels"]["org.opencontainers.image.revision"]) == 40
    assert registry.head(f"/v2/{name}/manifests/{digest}").headers["docker-content-digest"] == digest
    assert registry.get(f"/v2/{name}/manifests/{digest}", headers={"If-None-Match": f'"{digest}"'}).status_code == 304


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v2/shop/cart/manifests/sha256:" + "0" * 64, 404, "MANIFEST_UNKNOWN"),
        ("/v2/shop/cart/manifests/nope", 404, "MANIFEST_UNKNOWN"),
        ("/v2/no/such/manifests/v1", 404, "MANIFEST_UNKNOWN"),
        ("/v2/shop/cart/manifests/sha256:XYZ", 500, "UNKNOWN"),
        ("/v2/shop/cart/blobs/sha256:" + "0" * 64, 404, "BLOB_UNKNOWN"),
        ("/v2/no/such/tags/list", 404, "NAME_UNKNOWN"),
    ],
)
def test_what_is_not_there(registry: httpx.Client, path: str, status: int, code: str) -> None:
    answer = registry.get(path)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["code"] == code


def test_without_the_right_accept_an_image_that_exists_is_unknown(world: WorldProcess, registry: httpx.Client) -> None:
    digest = image_id(world).partition("@")[2]
    answer = registry.get(f"/v2/shop/cart/manifests/{digest}", headers={"Accept": "*/*"})
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["message"].startswith("OCI index found")


def test_it_has_no_referrers_and_takes_nothing(registry: httpx.Client) -> None:
    missing = registry.get("/v2/shop/cart/referrers/sha256:" + "0" * 64)
    assert (missing.status_code, missing.headers["content-type"].split(";")[0]) == (404, "text/plain")
    assert registry.post("/v2/shop/cart/blobs/uploads/").json()["errors"][0]["code"] == "UNSUPPORTED"
    assert registry.delete("/v2/shop/cart/manifests/v7").status_code == 405


def test_it_can_be_made_to_lose_and_to_fail(world: WorldProcess, registry: httpx.Client, tmp_path: Path) -> None:
    tags = registry.get("/v2/shop/cart/tags/list").json()["tags"]
    assert "v5" in tags
    digest = registry.head("/v2/shop/cart/manifests/v5").headers["docker-content-digest"]
    world.control.call("POST", "/registry/lose", {"digest": digest})
    assert registry.head(f"/v2/shop/cart/manifests/{digest}").status_code == 404
    world.control.call("POST", "/registry/fault", {"status": 429, "text": "slow down"})
    assert registry.get("/v2/").status_code == 429
    world.control.call("POST", "/registry/fault", {"down": True})
    with pytest.raises(httpx.TransportError):
        registry.get("/v2/")
    world.control.call("POST", "/registry/fault", {})
    assert registry.get("/v2/").json() == {}
