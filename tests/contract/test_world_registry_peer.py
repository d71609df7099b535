"""The world's registry beside Debian's docker-registry with the same bytes: the same question, the same answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from cockpit.registry import media
from tests.contract.registry_kit import Registry, running
from tests.harness.world import WorldProcess

NAME = "shop/cart"
ZERO = "sha256:" + "0" * 64
# Header fields in which clients read facts. Dates, and how the connection is kept, are the server's own matter.
FIELDS = (
    "content-type",
    "content-length",
    "docker-content-digest",
    "docker-distribution-api-version",
    "etag",
    "cache-control",
    "allow",
    "link",
    "location",
    "www-authenticate",
    "x-content-type-options",
)
ACCEPTS = {
    "all four": media.ACCEPT,
    "two lines": None,
    "nothing": "",
    "anything": "*/*",
    "all four, then anything": f"{media.ACCEPT}, */*",
    "with q": ", ".join(f"{each};q=0.5" for each in media.ACCEPT.split(", ")),
    "without spaces": media.ACCEPT.replace(" ", ""),
    "only schema 2": f"{media.DOCKER_MANIFEST}, {media.DOCKER_LIST}",
    "only OCI indexes": media.OCI_INDEX,
    "only OCI manifests": media.OCI_MANIFEST,
    "only schema 1": "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "upper case": media.OCI_INDEX.upper(),
    "json": "application/json",
}


class Both(NamedTuple):
    """Clients of the two, and what they hold."""

    world: httpx.Client
    peer: httpx.Client
    index: str
    child: str
    config: str
    layer: str


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("both")
    with (
        WorldProcess(folder / "world", scenario="unsigned") as world,
        running(folder / "peer", "none") as peer,
        httpx.Client(base_url=str(world.ready["registry"]), trust_env=False) as one,
        httpx.Client(base_url=f"http://{peer.host}", trust_env=False) as other,
    ):
        held = copied(one, peer)
        read_only(peer, folder / "peer")
        yield Both(one, other, *held)


def read_only(peer: Registry, folder: Path) -> None:
    """As in maintenance: nothing can be written. That is how the world serves."""
    peer.stop()
    config = folder / "config.yml"
    kept = config.read_text()
    changed = kept.replace("delete: {enabled: true}", "maintenance: {readonly: {enabled: true}}")
    assert changed != kept
    config.write_text(changed)
    peer.start()


def copied(source: httpx.Client, peer: Registry) -> tuple[str, str, str, str]:
    """Push all that the world holds of one repository; index, one child, its config and layer, of the newest tag."""
    tags = source.get(f"/v2/{NAME}/tags/list").json()["tags"]
    assert any(tag.endswith(".sig") for tag in tags) and any(tag.endswith(".att") for tag in tags)
    assert any(tag.startswith("sha256-") and "." not in tag for tag in tags), "no list of referrers"
    for tag in tags:
        top = pushed(source, peer, tag, tag)
    top = source.get(f"/v2/{NAME}/manifests/v1.3.0", headers={"Accept": media.ACCEPT})
    child = top.json()["manifests"][0]["digest"]
    body = source.get(f"/v2/{NAME}/manifests/{child}", headers={"Accept": media.ACCEPT}).json()
    return top.headers["docker-content-digest"], child, body["config"]["digest"], body["layers"][0]["digest"]


def pushed(source: httpx.Client, peer: Registry, reference: str, tag: str | None) -> dict[str, Any]:
    answer = source.get(f"/v2/{NAME}/manifests/{reference}", headers={"Accept": media.ACCEPT}).raise_for_status()
    body: dict[str, Any] = answer.json()
    for entry in body.get("manifests", ()):
        pushed(source, peer, entry["digest"], None)
    for part in (body["config"], *body["layers"]) if "config" in body else ():
        peer.blob(NAME, source.get(f"/v2/{NAME}/blobs/{part['digest']}").raise_for_status().content)
    digest = peer.manifest(NAME, answer.content, answer.headers["content-type"], tag)
    assert digest == answer.headers["docker-content-digest"]  # a real registry hashes it to the same
    return body


def same(both: Both, method: str, path: str, headers: Any = None) -> httpx.Response:
    """The world's answer, once it is that of the peer."""
    asked = headers if headers is not None else {"Accept": media.ACCEPT}
    ours, theirs = (client.request(method, path, headers=asked) for client in (both.world, both.peer))
    assert shown(ours) == shown(theirs), f"{method} {path}"
    return ours


def shown(answer: httpx.Response) -> dict[str, Any]:
    fields = {name: answer.headers[name] for name in FIELDS if name in answer.headers}
    body: Any = answer.content
    if fields.get("content-type", "").startswith("application/json") and body:
        body = answer.json()
        fields.pop("content-length", None)  # two encoders of JSON
        if "tags" in body:
            body["tags"] = sorted(body["tags"])
    return {"status": answer.status_code, **fields, "body": body}


@pytest.mark.parametrize("accept", list(ACCEPTS))
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_accepted_decides(both: Both, method: str, accept: str) -> None:
    value = ACCEPTS[accept]
    headers: Any = {"Accept": value}
    if value is None:
        headers = [("Accept", media.OCI_INDEX), ("Accept", media.OCI_MANIFEST)]
    for reference in (both.index, both.child, "v1.3.0", both.index.replace(":", "-") + ".sig"):
        same(both, method, f"/v2/{NAME}/manifests/{reference}", headers)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path",
    [
        "/v2/",
        "/v2",
        "/",
        "/v2/_catalog/x",
        f"/v2/{NAME}/manifests/{ZERO}",
        f"/v2/{NAME}/manifests/nope",
        f"/v2/{NAME}/manifests/{ZERO.upper()}",
        f"/v2/{NAME}/manifests/sha256:abc",
        f"/v2/{NAME}/manifests/sha256:{'A' * 64}",
        f"/v2/{NAME}/manifests/sha512:{'0' * 128}",
        f"/v2/{NAME}/manifests/md5:{'0' * 32}",
        f"/v2/{NAME}/manifests/-nope",
        f"/v2/{NAME}/manifests/{'a' * 129}",
        "/v2/no/such/manifests/v1",
        f"/v2/no/such/manifests/{ZERO}",
        "/v2/Shop/Cart/manifests/v1.3.0",
        f"/v2/{NAME}/blobs/{ZERO}",
        f"/v2/{NAME}/blobs/{ZERO.upper()}",
        f"/v2/{NAME}/blobs/sha256:abc",
        f"/v2/{NAME}/blobs/sha256:{'A' * 64}",
        f"/v2/{NAME}/blobs/md5:{'0' * 32}",
        f"/v2/{NAME}/blobs/sha512:{'0' * 128}",
        f"/v2/{NAME}/blobs/v1",
        f"/v2/{NAME}/blobs/uploads/",
        f"/v2/no/such/blobs/{ZERO}",
        f"/v2/{NAME}/tags/list",
        f"/v2/{NAME}/tags/list?n=1",
        "/v2/no/such/tags/list",
        f"/v2/{NAME}/referrers/{ZERO}",
        f"/v2/{NAME}/nothing",
        f"/v2/{NAME}/manifests/",
    ],
)
def test_what_is_not_there_or_not_understood(both: Both, method: str, path: str) -> None:
    same(both, method, path)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_can_be_written(both: Both, method: str) -> None:
    for path in ("/v2/", f"/v2/{NAME}/manifests/v9", f"/v2/{NAME}/blobs/{ZERO}", f"/v2/{NAME}/tags/list", "/x"):
        assert same(both, method, path).status_code in (200, 404, 405)
    same(both, method, f"/v2/{NAME}/blobs/uploads/")
    if method != "OPTIONS":
        assert same(both, method, f"/v2/{NAME}/manifests/v9").status_code == 405


def test_blobs_whole_in_part_and_unchanged(both: Both) -> None:
    for digest in (both.config, both.layer):
        path = f"/v2/{NAME}/blobs/{digest}"
        assert same(both, "GET", path, {}).status_code == 200
        assert same(both, "HEAD", path, {}).headers["docker-content-digest"] == digest
        assert same(both, "GET", path, {"Range": "bytes=0-3"}).status_code == 206
        assert same(both, "GET", path, {"Range": "bytes=5-"}).status_code == 206
        assert same(both, "GET", path, {"Range": "bytes=-5"}).status_code == 206
        assert same(both, "GET", path, {"If-None-Match": f'"{digest}"'}).status_code == 304
        assert same(both, "GET", path, {"Accept-Encoding": "gzip"}).status_code == 200
    assert same(both, "GET", f"/v2/{NAME}/blobs/{both.index}", {}).status_code == 404  # a manifest is no blob


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_manifest_that_the_client_has_already(both: Both, method: str) -> None:
    for reference in (both.index, "v1.3.0"):
        for tag in (f'"{both.index}"', both.index, f'W/"{both.index}"', f'"{ZERO}"', "*", f'"{ZERO}", "{both.index}"'):
            same(both, method, f"/v2/{NAME}/manifests/{reference}", {"Accept": media.ACCEPT, "If-None-Match": tag})


def test_the_referrers_are_listed_at_the_fallback_tag_only(both: Both) -> None:
    signed = same(both, "GET", f"/v2/{NAME}/manifests/v1.2.0").headers["docker-content-digest"]
    assert same(both, "GET", f"/v2/{NAME}/referrers/{signed}").status_code == 404
    listed = same(both, "GET", f"/v2/{NAME}/manifests/{signed.replace(':', '-')}").json()["manifests"]
    assert len(listed) == 2
    for entry in listed:
        held = same(both, "GET", f"/v2/{NAME}/manifests/{entry['digest']}").json()
        assert held["subject"]["digest"] == signed
        for part in (held["config"], *held["layers"]):
            assert same(both, "GET", f"/v2/{NAME}/blobs/{part['digest']}").status_code == 200


def test_what_is_lost_while_it_runs(both: Both, tmp_path: Path) -> None:
    """A child, a layer, then the whole image, by the world's control and by the peer's own API."""
    with (
        WorldProcess(tmp_path / "world", scenario="unsigned") as world,
        running(tmp_path / "peer", "none") as peer,
        httpx.Client(base_url=str(world.ready["registry"]), trust_env=False) as one,
        httpx.Client(base_url=f"http://{peer.host}", trust_env=False) as other,
    ):
        held = Both(one, other, *copied(one, peer))
        for kind, digest in (("manifests", held.child), ("blobs", held.layer), ("manifests", held.index)):
            world.control.call("POST", "/registry/lose", {"digest": digest})
            peer.delete(NAME, "blobs" if kind == "blobs" else "manifests", digest)
            for path in (
                f"/v2/{NAME}/manifests/{held.child}",
                f"/v2/{NAME}/manifests/{held.index}",
                f"/v2/{NAME}/manifests/v1.3.0",
                f"/v2/{NAME}/manifests/{held.index.replace(':', '-')}.sig",
                f"/v2/{NAME}/blobs/{held.layer}",
                f"/v2/{NAME}/blobs/{held.config}",
                f"/v2/{NAME}/tags/list",
            ):
                same(held, "GET", path)
                if not path.endswith("list"):
                    same(held, "HEAD", path)


def test_bodies_of_errors_name_what_was_asked(both: Both) -> None:
    answer = same(both, "GET", f"/v2/{NAME}/manifests/{ZERO}")
    assert json.loads(answer.content)["errors"][0]["detail"] == {"Name": NAME, "Revision": ZERO}
