"""A version that the cluster has pruned comes back from the journal, by the digest that its pods ran.

The whole engine on a world in this process. Budget: 15 s.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cockpit.model.plan import Consent, Intent, Plan, Refusal
from cockpit.model.resource import Key
from cockpit.strategies.arms import MEMORY
from tests.harness.stand import Chair, Stand, standing

CART = Key("Rollout", "shop", "cart")


@pytest.fixture(autouse=True)
def no_memory_of_this_process() -> None:
    MEMORY._known.clear()


def image_of(stand: Stand) -> str:
    rollout = stand.world.objects.get("rollouts", "shop", "cart")
    assert rollout is not None
    return str(rollout["spec"]["template"]["spec"]["containers"][0]["image"])


def set_tag(stand: Stand, tag: str) -> None:
    def change(rollout: dict[str, Any]) -> None:
        container = rollout["spec"]["template"]["spec"]["containers"][0]
        container["image"] = container["image"].rpartition(":")[0] + f":{tag}"

    stand.world.objects.mutate("rollouts", "shop", "cart", change, manager="kubectl")


def prune(stand: Stand, hash_: str) -> None:
    """As revisionHistoryLimit would, later."""
    (name,) = (
        each["metadata"]["name"]
        for each in stand.world.objects.select("replicasets", "shop", {"rollouts-pod-template-hash": hash_})
    )
    assert stand.world.objects.delete("replicasets", "shop", name)


async def record(chair: Chair) -> None:
    await chair.session._recorder.look(chair.session.snapshot())


async def pruned_version(stand: Stand) -> tuple[str, str]:
    """(hash, digest) of a canary that was recorded, left for another version, and pruned."""
    async with stand.chair() as early:
        await early.look()
        canary = early.rollout(CART).canary
        assert canary is not None
        digest = canary.images[0].digest
        assert digest is not None
        await record(early)
        set_tag(stand, "v3")
        await stand.run(120, early)
        await record(early)
    prune(stand, canary.hash)
    MEMORY._known.clear()
    return canary.hash, digest


async def test_a_pruned_version_stays_listed_and_is_restored_by_digest(tmp_path: Path) -> None:
    async with standing(tmp_path, "errors") as stand:
        hash_, digest = await pruned_version(stand)
        async with stand.chair() as late:
            await late.look()
            listed = await late.session.revisions(CART)
            gone = next(each for each in listed if each.hash == hash_)
            assert gone.source == "journal"
            assert gone.images[0].digest == digest
            assert [each.hash for each in listed].count(hash_) == 1
            assert any("image cart" in line for line in await late.session.diff(CART, listed[0].hash, hash_))
            assessment = late.assessment(CART)
            intent = Intent("rollback", late.rollout(CART), assessment.verdict, to=hash_)
            plan = await late.session.plan(intent)
            assert isinstance(plan, Plan), plan
            assert any("was pruned from the cluster" in text for text in plan.warnings)
            acting = asyncio.create_task(late.session.execute(intent, plan, Consent(yes=True, name="cart")))
            for _ in range(40):
                if acting.done():
                    break
                await stand.tick(late, seconds=5.0)
            outcome = await acting
            assert outcome.result == "done", outcome
            assert image_of(stand).endswith(f"@{digest}")
            current = late.rollout(CART).canary
            assert current is not None
            assert current.images[0].digest == digest


async def test_without_its_template_it_is_refused_by_name(tmp_path: Path) -> None:
    async with standing(tmp_path, "errors") as stand:
        hash_, _ = await pruned_version(stand)
        async with stand.chair(journal__path=str(tmp_path / "another.sqlite3")) as stranger:
            await stranger.look()
            assert hash_ not in {each.hash for each in await stranger.session.revisions(CART)}
            refused = await stranger.session.plan(
                Intent("rollback", stranger.rollout(CART), stranger.verdict(CART), to=hash_)
            )
            assert isinstance(refused, Refusal)
            assert hash_ in refused.reason


async def test_a_version_with_literal_secrets_stays_listed_and_is_refused_with_the_reason(tmp_path: Path) -> None:
    def with_password(rollout: dict[str, Any]) -> None:
        container = rollout["spec"]["template"]["spec"]["containers"][0]
        container["env"] = [{"name": "DB_PASSWORD", "value": "hunter2hunter2"}]

    async with standing(tmp_path, "errors") as stand:
        async with stand.chair() as first:
            await first.look()
            stand.world.objects.mutate("rollouts", "shop", "cart", with_password, manager="kubectl")
            await stand.run(120, first)
        hash_, digest = await pruned_version(stand)
        async with stand.chair() as late:
            await late.look()
            gone = next(each for each in await late.session.revisions(CART) if each.hash == hash_)
            why = "its template holds literal secrets, which are not kept"
            assert (gone.source, gone.withheld, gone.speed) == ("journal", why, "unavailable")
            assert gone.images[0].digest == digest
            for to in (hash_, str(gone.revision)):
                plan = await late.session.plan(Intent("rollback", late.rollout(CART), late.verdict(CART), to=to))
                assert isinstance(plan, Refusal), to
                assert f"cannot be put back: it is pruned from the cluster and {why}" in plan.reason, to
            for to in ("stable", "last-good"):
                plan = await late.session.plan(Intent("rollback", late.rollout(CART), late.verdict(CART), to=to))
                assert not isinstance(plan, Plan) or plan.to_hash != hash_, to


async def test_digests_of_scaled_down_versions_are_known_to_a_later_process(tmp_path: Path) -> None:
    async with standing(tmp_path, "errors") as stand:
        async with stand.chair() as early:
            await early.look()
            canary = early.rollout(CART).canary
            assert canary is not None
            await record(early)
            set_tag(stand, "v3")
            await stand.run(120, early)
        MEMORY._known.clear()
        async with stand.chair() as late:
            await late.look()
            (before,) = (each for each in await late.session.revisions(CART) if each.hash == canary.hash)
            assert before.source == "cluster"
            assert before.replicas == 0
            assert before.images[0].digest == canary.images[0].digest
            assert before.served
