"""The world's registry by hand: the bytes behind every digest, and the answers of a real one. Budget: 10 s."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

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


def ask(registry: httpx.Client, path: str) -> dict[str, Any]:
    found: dict[str, Any] = registry.get(path).raise_for_status().json()
    return found


def test_it_loses_a_child_a_layer_and_an_image_while_it_runs(world: WorldProcess, registry: httpx.Client) -> None:
    base = "/v2/shop/cart"
    index = registry.head(f"{base}/manifests/v5").headers["docker-content-digest"]
    child = ask(registry, f"{base}/manifests/{index}")["manifests"][0]["digest"]
    layer = ask(registry, f"{base}/manifests/{child}")["layers"][0]["digest"]
    for kind, digest in (("blobs", layer), ("manifests", child), ("manifests", index)):
        path = f"{base}/{kind}/{digest}"
        assert registry.head(path).status_code == 200
        assert digest in world.control.call("POST", "/registry/lose", {"digest": digest})["lost"]
        assert registry.head(path).status_code == 404
    assert registry.head(f"{base}/manifests/v5").status_code == 404
    assert "v5" not in ask(registry, f"{base}/tags/list")["tags"]
    for digest in (layer, child, index):
        world.control.call("POST", "/registry/restore", {"digest": digest})
    assert registry.head(f"{base}/manifests/v5").headers["docker-content-digest"] == index


def test_a_tag_moves_while_it_runs(world: WorldProcess, registry: httpx.Client) -> None:
    path, image = "/v2/shop/cart/manifests/v6", "registry.acme.test/shop/cart:v6"
    before = registry.head(path).headers["docker-content-digest"]
    pushed = world.control.call("POST", "/tags", {"image": image})["digest"]
    assert pushed != before
    assert registry.head(path).headers["docker-content-digest"] == pushed
    assert registry.head(f"/v2/shop/cart/manifests/{before}").status_code == 200  # untagged, and still there
    assert registry.get(path, headers={"If-None-Match": f'"{before}"'}).status_code == 200
    assert registry.get(path, headers={"If-None-Match": f'"{pushed}"'}).status_code == 304
    world.control.call("POST", "/tags", {"image": image, "target": f"registry.acme.test/shop/cart@{before}"})
    assert registry.head(path).headers["docker-content-digest"] == before


def test_it_fails_as_told_for_one_repository_or_for_all(world: WorldProcess, registry: httpx.Client) -> None:
    manifest = "/v2/shop/cart/manifests/v6"

    def fail(**fault: Any) -> None:
        world.control.call("POST", "/registry/fault", fault)

    try:
        fail(status=429, text="slow down", headers={"Retry-After": "7"})
        answer = registry.get("/v2/")
        assert (answer.status_code, answer.text, answer.headers["retry-after"]) == (429, "slow down", "7")
        fail(status=503, repository="shop/other")
        assert registry.get(manifest).status_code == 200
        fail(status=503, repository="shop/cart")
        assert (registry.get(manifest).status_code, registry.get("/v2/").status_code) == (503, 200)
        fail(status=200, text="<html>welcome to the hotel</html>", content_type="text/html")
        assert "hotel" in registry.get(manifest).text
        fail(delay=0.2)
        with pytest.raises(httpx.ReadTimeout):
            registry.get(manifest, timeout=0.05)
        assert registry.get(manifest).status_code == 200
    finally:
        fail()
    seen = world.control.call("GET", "/registry")
    assert seen["fault"] is None
    assert [each["status"] for each in seen["requests"] if each["path"] == manifest].count(503) == 1


def test_a_stopped_registry_refuses_connections_and_comes_back_at_its_port(
    world: WorldProcess, registry: httpx.Client
) -> None:
    assert registry.get("/v2/").json() == {}
    for _ in range(2):
        world.control.call("POST", "/registry/fault", {"down": True})
        for _ in range(2):
            with pytest.raises(httpx.ConnectError):
                registry.get("/v2/")
        world.control.call("POST", "/registry/fault", {})
        assert registry.get("/v2/").json() == {}


def test_a_fault_that_makes_no_sense_is_refused(world: WorldProcess) -> None:
    for body in ({"statuss": 1}, {"status": "x"}, {"down": True, "repository": "shop/cart"}):
        with pytest.raises(RuntimeError, match="400"):
            world.control.call("POST", "/registry/fault", body)
    with pytest.raises(RuntimeError, match="give a digest"):
        world.control.call("POST", "/registry/lose", {})
