"""Images of the world as kubelets get them: by what a tag is at that moment, kept per node, refused when lost."""

from __future__ import annotations

from typing import Any

import pytest

from cockpit.world import mishaps
from cockpit.world.registry.artifacts import Build, artifact
from cockpit.world.serve import World

IMAGE = "registry.acme.test/shop/cart:v1"
NODES = ("node-1a-01", "node-1b-01")


@pytest.fixture
def world() -> World:
    return World.build("empty", seed=1, speed=0.0, epoch=1_795_000_000.0)


def run(world: World, name: str, node: str = NODES[0], image: str = IMAGE, **container: Any) -> str:
    """A pod on a node of our choice, ten seconds later; its image id, "" when it does not run."""
    spec = {"nodeName": node, "containers": [{"name": "cart", "image": image, **container}]}
    metadata = {"name": name, "namespace": "shop", "labels": {"app": "cart"}}
    world.store.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    world.clock.advance(10.0)
    return str(status(world, name)["imageID"])


def status(world: World, name: str) -> dict[str, Any]:
    pod = world.store.get("pods", "shop", name)
    assert pod is not None
    found: dict[str, Any] = pod["status"]["containerStatuses"][0]
    return found


def built(number: int, tag: str = "v1") -> str:
    digest = artifact(Build("registry.acme.test/shop/cart", tag, number)).root.digest
    return f"registry.acme.test/shop/cart@{digest}"


def edit(world: World, name: str, image: str) -> None:
    def write(pod: dict[str, Any]) -> None:
        pod["spec"]["containers"][0]["image"] = image

    world.store.mutate("pods", "shop", name, write, manager="kubectl-edit")
    world.clock.advance(10.0)


def test_a_tag_pushed_again_is_another_build_on_nodes_that_did_not_have_it(world: World) -> None:
    assert run(world, "one") == built(1)
    world.book.push(IMAGE)
    assert run(world, "two") == built(1)  # its node has the name already
    assert run(world, "three", NODES[1]) == built(2)
    assert status(world, "one")["imageID"] == built(1)


def test_always_means_that_the_tag_is_asked_again(world: World) -> None:
    run(world, "one")
    world.book.push(IMAGE)
    assert run(world, "two", imagePullPolicy="Always") == built(2)


def test_a_restart_starts_what_was_pulled_and_always_asks_again(world: World) -> None:
    from cockpit.world.contract import Profile

    world.book.set(IMAGE, Profile(crash_after=30.0))
    assert run(world, "kept") == built(1)
    assert run(world, "asked", NODES[1], imagePullPolicy="Always") == built(1)
    world.book.push(IMAGE)
    world.clock.advance(60.0)
    assert status(world, "kept")["restartCount"] >= 1 and status(world, "kept")["imageID"] == built(1)
    assert status(world, "asked")["restartCount"] == 1 and status(world, "asked")["imageID"] == built(2)


def test_a_container_behaves_like_the_build_it_runs(world: World) -> None:
    from cockpit.world.contract import Profile

    world.book.set(IMAGE, Profile(error_rate=0.5))
    world.book.push(IMAGE)
    assert world.book.of(built(1)).error_rate == 0.5
    assert world.book.of(IMAGE).error_rate == Profile().error_rate


@pytest.mark.parametrize("fate", ["collected", "no-amd64", "no-layers"])
def test_what_the_registry_lost_is_not_pulled_and_starts_only_where_it_is(world: World, fate: mishaps.Fate) -> None:
    assert run(world, "one") == built(1)
    mishaps.loses(world, IMAGE, fate)()
    assert run(world, "two") == built(1)
    assert run(world, "three", NODES[1]) == ""
    waiting = status(world, "three")["state"]["waiting"]
    assert waiting["reason"] in ("ErrImagePull", "ImagePullBackOff") and "not found" in waiting["message"]
    world.registry.holdings.lost.clear()
    world.clock.advance(60.0)
    assert status(world, "three")["imageID"] == built(1)


def test_a_platform_that_is_lost_matters_to_its_nodes_only(world: World) -> None:
    arm = next(
        node["metadata"]["name"]
        for node in world.store.select("nodes")
        if node["metadata"]["labels"]["kubernetes.io/arch"] == "arm64"
    )
    mishaps.loses(world, IMAGE, "no-amd64")()
    assert run(world, "one", arm) == built(1)
    assert run(world, "two") == ""


def test_an_image_changed_on_a_running_pod_restarts_its_container(world: World) -> None:
    assert run(world, "one") == built(1)
    edit(world, "one", "registry.acme.test/shop/cart:v2")
    found = status(world, "one")
    assert found["imageID"] == built(1, "v2") and found["ready"]
    assert found["restartCount"] == 1 and "terminated" in found["lastState"]
    said = [event["message"] for event in world.store.select("events", "shop") if event["reason"] == "Killing"]
    assert said == ["Container cart definition changed, will be restarted"]
    edit(world, "one", "registry.acme.test/shop/cart:v2")
    assert status(world, "one")["restartCount"] == 1


def test_an_image_changed_to_one_that_is_lost_takes_the_pod_down(world: World) -> None:
    run(world, "one")
    mishaps.loses(world, "registry.acme.test/shop/cart:v2", "collected")()
    edit(world, "one", "registry.acme.test/shop/cart:v2")
    found = status(world, "one")
    assert not found["ready"] and found["imageID"] == built(1)  # what it ran last
    assert found["state"]["waiting"]["reason"] in ("ErrImagePull", "ImagePullBackOff")


def test_what_was_loaded_under_a_name_runs_instead_on_that_node(world: World) -> None:
    pinned = built(1)
    world.book.digest(IMAGE)
    mishaps.loads(world, NODES[0], pinned, "registry.acme.test/shop/cart:debug")()
    assert run(world, "one", image=pinned) == built(1, "debug")
    assert run(world, "two", NODES[1], image=pinned) == pinned


def test_a_webhook_rewrites_pods_by_whomever_and_dry_runs_too(world: World) -> None:
    mishaps.admits(world, mishaps.Webhook("shop", "cart"))
    digest = built(1).partition("@")[2]
    assert run(world, "one") == f"mirror.acme.test/shop/cart@{digest}"
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "two", "namespace": "shop", "labels": {"app": "x"}}}
    spec = {"containers": [{"name": "cart", "image": IMAGE}]}
    other = world.store.create({**body, "spec": spec}, dry_run=True)
    assert other["spec"]["containers"][0]["image"] == IMAGE
    body["metadata"]["labels"] = {"app": "cart"}  # type: ignore[index]
    tried = world.store.create({**body, "spec": spec}, dry_run=True)
    assert tried["spec"]["containers"][0]["image"] == f"mirror.acme.test/shop/cart@{digest}"
    assert world.store.get("pods", "shop", "two") is None


def test_tags_and_builds_of_a_repository(world: World) -> None:
    book = world.book
    first = book.digest(IMAGE)
    second = book.push(IMAGE)
    assert (book.tags("shop/cart"), len(book.builds("shop/cart"))) == ({"v1": second}, 2)
    assert book.push(IMAGE) not in (first, second)
    book.move_tag(IMAGE, f"registry.acme.test/shop/cart@{first}")
    assert book.digest(IMAGE) == first
    assert book.push(IMAGE) not in (first, second)  # never the same bytes again
    assert len(book.builds("shop/cart")) == 4
    for wrong in (book.push, lambda image: book.move_tag(image, IMAGE)):
        with pytest.raises(ValueError, match="only a tag can be moved"):
            wrong(f"registry.acme.test/shop/cart@{first}")


def test_a_higher_version_was_built_later() -> None:
    tags = ["v1", "v1.0.1", "v1.2.0", "v1.10.0", "v2.0.0", "v12"]
    times = [Build("r.test/shop/cart", tag).at for tag in tags]
    assert times == sorted(times)
    assert Build("r.test/shop/cart", "v1", 2).at > times[0]
    assert Build("r.test/shop/cart", "20261120-1").at < 1_795_000_000.0  # never in the future
