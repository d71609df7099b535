"""What would run is there for the nodes, and so is what has to run before it: init containers and sidecars."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cockpit.actions.preflight.artifact import CHECKS, retained
from cockpit.actions.preflight.contract import Context
from cockpit.actions.preflight.examiner import Examiner
from cockpit.actions.preflight.runner import run
from cockpit.base.clock import Clock
from cockpit.config import PreflightSettings
from cockpit.model.artifact import PlatformState, Retention
from cockpit.model.revision import Retained
from cockpit.model.rollout import Image
from cockpit.strategies import targets
from cockpit.strategies.deployment.build import HASH_LABEL
from cockpit.strategies.deployment.plan import MARKS
from tests.harness.acting import WEB
from tests.harness.inprocess import Cluster
from tests.harness.preflight import DIGEST, Past, Reads, Registry, Rights, Trial, context, template, workload

INIT = "registry.example/shop/migrate"
OTHER = "sha256:" + "c" * 64
AMD, ARM = "linux/amd64", "linux/arm64"


class Held(Registry):
    """``images``: repository -> state; ``has``: the platforms of all of them, of which ``nodes`` run some."""

    def __init__(self, nodes: tuple[str, ...] = (), has: tuple[str, ...] = (AMD,), **images: Retained) -> None:
        super().__init__()
        self.nodes, self.has, self.images = nodes, has, images

    async def retention(self, image: str, digest: str, *_: Any, **__: Any) -> Retention:
        state = self.images.get(image.partition("@")[0].rpartition("/")[2].partition(":")[0], "retained")
        lacking = tuple(each for each in self.nodes if each not in self.has)
        platforms = tuple(
            PlatformState(each, digest, "retained", not self.nodes or each in self.nodes) for each in self.has
        )
        covers = (not lacking) if self.nodes else None
        return Retention(f"{image}@{digest}", digest, state, "", 0.0, True, platforms, covers, lacking)


def asking(registry: Registry, *inits: Image) -> Context:
    return replace(context(artifacts=registry), inits=inits)


@pytest.mark.parametrize(
    ("nodes", "has", "state", "says"),
    [
        ((AMD,), (AMD, ARM), "ok", "1 of 1 images"),
        ((AMD, ARM), (AMD, ARM), "ok", "with their layers"),
        ((ARM,), (AMD,), "finding", "no image for linux/arm64, which is all that the nodes run"),
        (("windows/amd64", ARM), (AMD,), "finding", "for windows/amd64 or linux/arm64"),
        ((AMD, ARM), (AMD,), "ok", "none for linux/arm64, which other nodes run"),
        ((), (AMD,), "unknown", "whether for the platforms"),
    ],
)
async def test_an_image_that_no_node_runs_blocks(
    nodes: tuple[str, ...], has: tuple[str, ...], state: str, says: str
) -> None:
    found = await retained(asking(Held(nodes, has)))
    assert (found.state, says in found.text) == (state, True), found.text
    (first, *_) = (await run(asking(Held(nodes, has)), {}, 0.0, checks=CHECKS)).findings
    assert (first.blocks, first.typed) == (state == "finding", state != "ok")


@pytest.mark.parametrize("lost", ["missing", "partial"])
async def test_an_init_container_whose_image_is_lost_blocks(lost: Retained) -> None:
    init = Image("migrate", f"{INIT}:v1", OTHER)
    found = await retained(asking(Held((AMD,), migrate=lost), init))
    assert (found.state, "migrate" in found.text) == ("finding", True)
    assert (await retained(asking(Held((AMD,)), init))).text.startswith("2 of 2 images")
    found = await retained(asking(Held((AMD,)), replace(init, digest=None)))
    assert (found.state, "the digest of migrate is not known" in found.text) == ("unknown", True)


async def test_the_examiner_asks_for_init_containers_by_what_their_pods_ran() -> None:
    inits = [{"name": "pinned", "image": f"{INIT}@{OTHER}"}, {"name": "tagged", "image": f"{INIT}:v1"}]
    drawn = context(target=template(initContainers=inits))
    examiner = Examiner(
        Held((AMD,)), Past(), Reads(workload()), Rights(), drawn.subject.versions, Clock(), PreflightSettings(), "c"
    )
    plan = replace(drawn.plan, goal={"digests": {"tagged": OTHER, "app": DIGEST}})
    found = (await examiner.examine(drawn.intent, plan, Trial())).findings[0]
    asked = [line.partition("@")[0].rpartition("/")[2] for line in found.evidence]
    assert asked == ["cart", "migrate", "migrate:v1"]
    assert found.state == "ok"
    found = (await examiner.examine(drawn.intent, replace(plan, goal={}), Trial())).findings[0]
    assert (found.state, "tagged" in found.text) == ("unknown", True)


class Pods:
    """A reader of one ReplicaSet's pods."""

    def __init__(self, *pods: dict[str, Any]) -> None:
        self.pods = pods

    async def owned(self, *_: Any) -> Any:
        return self.pods

    async def get(self, *_: Any) -> Any:
        raise AssertionError("not asked for")


async def test_init_containers_are_known_by_their_pods_pinned_and_named_where_they_are_not() -> None:
    pod_spec = {
        "containers": [{"name": "web", "image": "r.test/web:v1"}],
        "initContainers": [{"name": "migrate", "image": f"{INIT}:v1"}],
    }
    status = {
        "containerStatuses": [{"name": "web", "imageID": f"r.test/web@{DIGEST}"}],
        "initContainerStatuses": [{"name": "migrate", "imageID": f"{INIT}@{OTHER}"}],
    }
    raw: dict[str, Any] = {
        "metadata": {"name": "web-h", "uid": "init-test", "labels": {HASH_LABEL: "h"}},
        "spec": {"template": {"spec": pod_spec}},
        "status": {"replicas": 1, "availableReplicas": 1},
    }
    rollout = Cluster("single").rollout(WEB)
    pods = Pods({"metadata": {"name": "p"}, "spec": pod_spec, "status": status})
    found = await targets.target(raw, rollout, pods, MARKS)
    assert (found.digests, found.unpinned) == ({"web": DIGEST, "migrate": OTHER}, ())
    assert (found.images, found.inits) == ({"web": "r.test/web:v1"}, {"migrate": f"{INIT}:v1"})
    found = await targets.target({**raw, "status": {}}, rollout, Pods(), MARKS)
    assert found.unpinned == ("web", "migrate")
    targets.MEMORY.learn("init-test", "migrate", OTHER)
    found = await targets.target({**raw, "status": {}}, rollout, Pods(), MARKS)
    assert found.template["spec"]["initContainers"][0]["image"] == f"{INIT}@{OTHER}"
    assert found.unpinned == ("web",)
