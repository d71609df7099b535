"""Drift that the world's own kubelets, pushes and hands brought about, named by the installed engine. Budget: 30 s."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cockpit.model.drift import Drift
from cockpit.model.resource import Key
from cockpit.world.registry.artifacts import artifact
from tests.harness.stand import Chair, Stand, standing


def key(name: str) -> Key:
    return Key("Rollout", "shop", name)


async def looked(chair: Chair, opened: str | None = None) -> dict[str, tuple[Drift, ...]]:
    """What is known once everything that is due was asked. ``opened``: the rollout that is open meanwhile."""
    session = chair.session
    session._drift.focus(key(opened) if opened else None)
    await session._drift.look()
    return {each.name: found for each, found in session.snapshot().drifts.items()}


def seen(found: Sequence[Drift]) -> list[tuple[str, str, int]]:
    return [(each.kind, each.severity, len(each.pods)) for each in found]


def running(stand: Stand, name: str) -> dict[str, set[str]]:
    """Digest -> pods that run it, by the world's own store."""
    found: dict[str, set[str]] = {}
    for pod in stand.world.store.select("pods", "shop", {"app": name}):
        digest = pod["status"]["containerStatuses"][0]["imageID"].partition("@")[2]
        found.setdefault(digest, set()).add(pod["metadata"]["name"])
    return found


async def test_tags_that_moved(tmp_path: Path) -> None:
    async with standing(tmp_path, "tag-drift") as stand, stand.chair() as chair:
        found = await looked(chair)
        # One version in two builds: the pods that run the fewer of them are named.
        split, *rest = found["cart"]
        moved = next(each for each in rest if each.kind == "tag-moved")
        assert seen([split]) == [("split", "bad", 3)]
        assert sorted(seen(rest)) == [("tag-moved", "warn", 0), ("unpinned", "warn", 0)]
        old, new = stand.world.book.builds("shop/cart")[-2:]
        assert (old.tag, new.tag, new.number) == ("v2.3.0", "v2.3.0", 2)
        before, after = (artifact(each).root.digest for each in (old, new))
        assert set(split.pods) in (running(stand, "cart")[before], running(stand, "cart")[after])
        assert before[:19] in split.text and after[:19] in split.text
        assert f"runs {before[:19]}" in moved.text and f"points to {after[:19]}" in moved.text
        # Out in full, all pods alike: only its registry tells, and it is not ten minutes old.
        assert sorted(seen(found["catalog"])) == [("tag-moved", "warn", 0), ("unpinned", "warn", 0)]
        # By digest: a tag that moves is no matter.
        assert "payments" not in found


async def test_a_moved_tag_is_told_apart_from_the_same_build_pushed_back(tmp_path: Path) -> None:
    async with standing(tmp_path, "tag-drift") as stand, stand.chair() as chair:
        book, image = stand.world.book, "registry.acme.test/shop/catalog:v5.1.0"
        (digest,) = running(stand, "catalog")
        assert "tag-moved" in [each.kind for each in (await looked(chair, "catalog"))["catalog"]]
        book.move_tag(image, f"registry.acme.test/shop/catalog@{digest}")
        chair.session._drift.focus(None)
        assert seen((await looked(chair, "catalog"))["catalog"]) == [("unpinned", "info", 0)]


async def test_pods_that_are_not_what_their_version_says(tmp_path: Path) -> None:
    async with standing(tmp_path, "hotfix") as stand, stand.chair() as chair:
        found = await looked(chair)
        ((hotfix, *rest), catalog) = found["cart"], found["catalog"]
        assert (seen([hotfix]), rest) == ([("pod-hotfix", "bad", 1)], [])
        assert "v3.1.1-hotfix" in hotfix.text
        (edited,) = hotfix.pods
        pod: dict[str, Any] = stand.world.store.get("pods", "shop", edited) or {}
        assert [each["manager"] for each in pod["metadata"]["managedFields"] if "f:spec" in each["fieldsV1"]][-1:]
        assert pod["status"]["containerStatuses"][0]["restartCount"] == 1
        # A webhook rewrote every pod: shown, and nobody's fault.
        assert {(each.kind, each.severity) for each in catalog} == {("admission", "info"), ("unpinned", "info")}
        assert "mirror.acme.test" in catalog[0].text
        # The node runs something else under the pinned name.
        (other,) = found["ledger"]
        assert (other.kind, other.severity) == ("running-not-spec", "bad")
        debug = stand.world.book.digest("registry.acme.test/shop/ledger:v8.0.9-debug")
        assert set(other.pods) == running(stand, "ledger")[debug]
        assert debug[:19] in other.text
        # Argo CD's object, with an image that kubectl set.
        (by_hand,) = found["orders"]
        assert (by_hand.kind, by_hand.severity) == ("template-hotfix", "warn")
        assert "kubectl-set" in by_hand.text and "argocd orders" in by_hand.text


async def test_a_healthy_world_has_no_drift_but_notes(tmp_path: Path) -> None:
    for scenario in ("retained", "unsigned"):
        async with standing(tmp_path / scenario, scenario) as stand, stand.chair() as chair:
            assert stand.world.scenario == scenario
            assert await looked(chair, "cart") == {}
