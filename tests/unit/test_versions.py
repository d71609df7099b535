"""Retention of versions as a whole: coverage of the recent ones, and what the journal adds to a version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cockpit.base.clock import Clock
from cockpit.base.errors import Unreachable
from cockpit.journal.observed import KnownVersion
from cockpit.live.artifacts import ClusterArtifacts
from cockpit.live.versions import coverage, remembered
from cockpit.model.revision import Revision, Then
from cockpit.model.rollout import Image
from cockpit.strategies.arms import WITHHELD
from cockpit.strategies.deployment.build import HASH_LABEL, REVISION
from cockpit.strategies.deployment.plan import MARKS
from cockpit.strategies.drafts import draft
from cockpit.strategies.image import tag_of
from cockpit.strategies.targets import select
from tests.harness.acting import WEB, Seat
from tests.harness.inprocess import Cluster
from tests.harness.virtual_time import virtual_clock


def revision(number: int, retained: str, digest: str | None = None, **more: Any) -> Revision:
    found = digest if digest is not None else f"sha256:{number:064x}"
    image = Image("web", f"registry.test/web:v{number}", found or None)
    return Revision(number, f"h{number}", False, False, False, (image,), retained=retained, **more)  # type: ignore[arg-type]


def test_coverage_counts_distinct_versions_of_the_newest() -> None:
    listed = [
        revision(7, "retained"),
        revision(6, "retained", digest=f"sha256:{7:064x}"),  # a restart of the same image
        revision(5, "missing"),
        revision(4, "unknown", retained_reason="registry.test answers 429"),
        revision(3, "partial"),
        revision(2, "retained"),
    ]
    found = coverage(listed, 4)
    assert (found.total, found.proven, found.possible, found.missing) == (4, 1, 2, ("rev 5", "rev 3"))
    assert found.text == "1/4 retained · 2 lost: rev 5, rev 3 · 1 unknown (registry.test answers 429)"
    assert coverage(listed, 10).proven == 2
    assert coverage([], 10).text == "0/0 retained"


def test_versions_without_a_digest_are_never_taken_for_each_other() -> None:
    listed = [revision(2, "unknown", digest=""), revision(1, "unknown", digest="")]
    assert coverage(listed, 10).total == 2


def test_what_the_journal_adds() -> None:
    known = KnownVersion(
        hash="h3",
        revision=3,
        images=(Image("web", "registry.test/web:v3", f"sha256:{3:064x}"),),
        first=100.0,
        last=900.0,
        template=True,
        left="promoted-over",
        left_at=800.0,
        slis=(Then("errors", 0.002, "ratio", 790.0),),
    )
    found = remembered(revision(3, "unknown"), known)
    assert (found.tag, found.left, found.then) == ("v3", "promoted-over", known.slis)
    assert [(each.since, each.until, each.left) for each in found.served] == [(100.0, 800.0, "promoted-over")]
    serving = remembered(revision(3, "unknown", replicas=4), known)
    assert serving.served[0].until is None
    alone = remembered(revision(3, "unknown"), None)
    assert (alone.served, alone.left, alone.tag) == ((), None, "v3")


@pytest.mark.parametrize(
    ("seen", "acted", "left"),
    [
        (None, "rolled-back", "rolled-back"),  # the act is on record, though nobody stayed to see it
        (None, "aborted", "aborted"),
        ("promoted-over", "rolled-back", "promoted-over"),  # what was seen last
        (None, None, "aborted"),  # the rollout itself shows it
    ],
)
def test_how_a_version_left(seen: Any, acted: Any, left: str) -> None:
    known = KnownVersion("h3", 3, (), 100.0, 900.0, True, left=seen)
    aborted = True if left == "aborted" else None
    for found in (
        remembered(revision(3, "unknown", aborted=True), known, acted),
        *([remembered(revision(3, "unknown", aborted=True), None, acted)] if seen is None else []),
    ):
        assert (found.left, found.aborted) == (left, aborted)


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("registry.test:5000/team/web:v1", "v1"),
        ("registry.test:5000/team/web", None),
        ("web:v1@sha256:" + "0" * 64, "v1"),
        ("web@sha256:" + "0" * 64, None),
    ],
)
def test_the_tag_of_a_reference(image: str, tag: str | None) -> None:
    assert tag_of(image) == tag


class Nodes:
    """A cluster of the given nodes; ``asked`` counts the lists."""

    def __init__(self, *nodes: dict[str, Any]) -> None:
        self.nodes = nodes
        self.asked = 0

    async def get(self, *_: Any) -> dict[str, Any]:
        raise AssertionError

    async def objects(self, *_: Any, **__: Any) -> tuple[dict[str, Any], ...]:
        self.asked += 1
        return self.nodes


def node(system: Any, architecture: Any, **spec: Any) -> dict[str, Any]:
    return {"spec": spec, "status": {"nodeInfo": {"operatingSystem": system, "architecture": architecture}}}


async def test_a_moments_trouble_is_not_remembered_for_long() -> None:
    """Without the nodes every rollback takes the typed name; without its pull secret the registry says no."""
    at = [1000.0]
    trouble: list[Exception] = [Unreachable("API server answered 500")]

    class Flaky(Nodes):
        async def get(self, *_: Any) -> dict[str, Any]:
            if trouble:
                raise trouble[0]
            return {
                "type": "kubernetes.io/dockercfg",
                "data": {".dockercfg": "e30="},
                "metadata": {"namespace": "shop", "name": "regcred"},
            }

        async def objects(self, *_: Any, **__: Any) -> tuple[dict[str, Any], ...]:
            found = await super().objects()
            if trouble:
                raise trouble[0]
            return found

    reads = Flaky(node("linux", "amd64"))
    clock = Clock(monotonic=lambda: at[0], unix=lambda: at[0])
    artifacts = ClusterArtifacts(lambda: pytest.fail("no registry is asked"), reads, clock)
    for moment, platforms, secrets, asked in ((0, (), 0, 1), (9, (), 0, 1), (11, ("linux/amd64",), 1, 2)):
        at[0] = 1000.0 + moment
        if moment > 9:
            trouble.clear()
        assert await artifacts.platforms() == platforms
        assert len(await artifacts._logins("shop", ["regcred"])) == secrets
        assert reads.asked == asked
    trouble.append(Unreachable("again"))
    at[0] += 500
    assert await artifacts.platforms() == ("linux/amd64",)
    assert len(await artifacts._logins("shop", ["regcred"])) == 1


async def test_platforms_are_those_of_nodes_that_pods_can_go_to() -> None:
    reads = Nodes(
        node("linux", "amd64"),
        node("linux", "amd64"),
        node("linux", "arm64", unschedulable=True),
        node("windows", "x86_64"),
        node(None, 7),
        {},
    )
    artifacts = ClusterArtifacts(lambda: pytest.fail("no registry is asked"), reads, virtual_clock())
    assert await artifacts.platforms() == ("linux/amd64", "windows/amd64")
    assert await artifacts.platforms() == ("linux/amd64", "windows/amd64")
    assert reads.asked == 1


def replicaset(name: str, number: int) -> dict[str, Any]:
    annotations = {REVISION: str(number)}
    return {"metadata": {"name": f"web-{name}", "uid": name, "labels": {HASH_LABEL: name}, "annotations": annotations}}


def test_a_number_that_two_versions_carry_names_neither() -> None:
    """Anybody who may annotate a ReplicaSet could otherwise choose where a rollback goes."""
    built = Cluster("single").rollout(WEB)
    assert built.baseline is not None
    stable = msgspec.structs.replace(built.baseline, hash="stable")
    rollout = msgspec.structs.replace(built, baseline=stable, canary=None)
    true, forged = replicaset("true", 3), replicaset("forged", 3)
    sets = [replicaset("older", 2), forged, true, replicaset("stable", 4)]
    for to in ("3", "last-good"):
        found = select(to, sets, rollout, MARKS, ())
        assert found == "2 versions carry revision 3; say which one by its hash: forged and true"
    assert select("true", sets, rollout, MARKS, ()) is true
    assert select("last-good", sets, rollout, MARKS, ("forged",)) is true
    assert select("2", sets, rollout, MARKS, ()) is sets[0]


def test_a_digest_is_taken_as_the_screens_show_it() -> None:
    """Cut to 12 digits, with the image before it and the ellipsis behind it; shorter ones name too much."""
    rollout = msgspec.structs.replace(Cluster("single").rollout(WEB), canary=None)
    sets = [replicaset("one", 1), replicaset("two", 2)]
    for each, digit in zip(sets, "ab", strict=True):
        image = f"registry.test/web@sha256:{digit * 64}"
        each["spec"] = {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}}
    for to in (f"sha256:{'a' * 64}", f"sha256:{'a' * 12}", f"web@sha256:{'a' * 12}…", "a" * 12):
        assert select(to, sets, rollout, MARKS, ()) is sets[0]
    for to in ("sha256:aaaa", "sha256:", "web@", "web:v1"):
        assert "sha256: with 12 digits or more" in str(select(to, sets, rollout, MARKS, ()))
    assert "is known to have run" in str(select(f"sha256:{'c' * 12}", sets, rollout, MARKS, ()))


def test_last_good_is_not_another_version_because_that_one_cannot_be_put_back() -> None:
    built = Cluster("single").rollout(WEB)
    assert built.baseline is not None
    rollout = msgspec.structs.replace(
        built, baseline=msgspec.structs.replace(built.baseline, hash="stable"), canary=None
    )
    lost = replicaset("lost", 3)
    lost["metadata"] |= {"uid": "journal:u:lost", "annotations": {REVISION: "3", WITHHELD: "held secrets"}}
    older, stable = replicaset("older", 2), replicaset("stable", 4)
    for to in ("last-good", "3", "lost"):
        assert str(select(to, [older, lost, stable], rollout, MARKS, ())).startswith("rev 3 cannot be put back: ")
    assert select("last-good", [older, lost, stable], rollout, MARKS, ("lost",)) is older
    forged = {**lost, "metadata": {**lost["metadata"], "uid": "u"}}  # a tenant's annotation withholds nothing
    assert select("last-good", [older, forged, stable], rollout, MARKS, ()) is forged


async def test_an_image_of_many_lines_is_one_line_of_a_dialog(tmp_path: Path) -> None:
    hostile = "web:v1\nstable  healthy\x1b[2J"
    intent = Seat(Cluster("single"), tmp_path).intent("rollback", to="stable")
    plan = draft(intent, "away", [], [("to", hostile)], {}, to_images=(hostile,), warnings=(hostile,))
    assert [plan.lines, plan.to_images, plan.warnings] == [
        (("to", "web:v1 stable  healthy"),),
        ("web:v1 stable  healthy",),
        ("web:v1 stable  healthy",),
    ]
