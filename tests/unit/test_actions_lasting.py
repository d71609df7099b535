"""What a later start says of a rollback that did not last, when nobody stayed to watch over it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import msgspec

from cockpit.model.rollout import Owner
from tests.harness.acting import WEB, Seat
from tests.harness.inprocess import Cluster
from tests.unit.test_actions_flipback import Watched


def template(cluster: Cluster) -> Any:
    raw = cluster.world.store.get("rollouts", "default", "web")
    assert raw is not None
    return raw["spec"]["template"]


async def rolled_back(tmp_path: Path) -> tuple[Cluster, Any]:
    """A rollback by a command that has ended, and the template that it left."""
    cluster = Cluster("single")
    left = template(cluster)
    at = Seat(cluster, tmp_path)
    assert (await at.act("rollback", to="stable")).result == "done"
    await at.journal.close()
    return cluster, left


def put_back(cluster: Cluster, left: Any) -> None:
    cluster.advance(30)
    cluster.human(WEB, lambda raw: raw["spec"].update(template=left))
    cluster.advance(5)


async def test_the_next_start_says_that_what_was_left_is_back(tmp_path: Path) -> None:
    cluster, left = await rolled_back(tmp_path)
    put_back(cluster, left)
    later = Seat(cluster, tmp_path)
    await later.actions.settle()
    (notice,) = later.actions.notices
    assert re.fullmatch(r"default/web: rolled back to web:v2\S* \S+ ago, flipped back to rev \d+", notice), notice
    pending = cluster.pending[WEB]
    assert (pending.stage, pending.text) == ("failed", notice.removeprefix("default/web: "))
    (act,) = await later.journal.acts()
    assert act.afterwards == pending.text
    *_, told = await later.journal.show(act.op_id)
    assert (told["reason"], told["body"]["observed"], told["result"]) == (pending.text, "flipped back", "done")
    assert act.verified_at is not None  # it was verified; that it did not last came afterwards


async def test_it_is_said_at_each_start_and_journaled_once(tmp_path: Path) -> None:
    cluster, left = await rolled_back(tmp_path)
    put_back(cluster, left)
    for rows in (3, 3):
        later = Seat(cluster, tmp_path)
        await later.actions.settle()
        assert len(later.actions.notices) == 1
        assert len(await later.rows()) == rows
        await later.journal.close()


async def test_the_owner_is_named(tmp_path: Path) -> None:
    cluster, left = await rolled_back(tmp_path)
    put_back(cluster, left)
    picture = cluster.snapshot()
    owned = msgspec.structs.replace(picture.rollouts[WEB], owner=Owner("argocd", "shop", "", ""))
    cluster.snapshot = lambda: msgspec.structs.replace(picture, rollouts={WEB: owned})  # type: ignore[method-assign]
    later = Seat(cluster, tmp_path)
    await later.actions.settle()
    assert later.actions.notices[0].endswith("; argocd shop owns it")


async def test_what_still_stands_or_was_done_on_purpose_is_not_told(tmp_path: Path) -> None:
    cluster, left = await rolled_back(tmp_path)
    cluster.advance(30)
    standing = Seat(cluster, tmp_path)
    await standing.actions.settle()
    assert standing.actions.notices == ()
    put_back(cluster, left)
    assert (await standing.act("rollback", to="stable")).result == "done"  # seen, and answered
    await standing.actions.settle()
    assert standing.actions.notices == ()
    assert [row[2] for row in await standing.rows()].count("done") == 2


async def test_another_version_is_no_flip_back(tmp_path: Path) -> None:
    cluster, left = await rolled_back(tmp_path)
    other = {**left, "metadata": {**left["metadata"], "annotations": {"build": "9"}}}
    put_back(cluster, other)
    later = Seat(cluster, tmp_path)
    await later.actions.settle()
    assert later.actions.notices == ()


async def test_an_old_rollback_is_not_told(tmp_path: Path) -> None:
    cluster, left = await rolled_back(tmp_path)
    put_back(cluster, left)
    later = Seat(cluster, tmp_path)
    now = later.actions._clock.local()
    later.actions._clock.local = lambda: now + 3600  # type: ignore[method-assign]
    await later.actions.settle()
    assert later.actions.notices == ()


async def test_screens_opened_later_go_on_watching(tmp_path: Path) -> None:
    """The cockpit that did it was killed, or was a command: the next one that stays sees the flip as it happens."""
    cluster, left = await rolled_back(tmp_path)
    cluster.advance(120)
    later = Watched(cluster, tmp_path)
    await later.actions.settle()
    assert later.actions.notices == ()
    await asyncio.sleep(0)  # the watch has begun
    put_back(cluster, left)
    await later.over()
    (notice,) = later.actions.notices
    assert notice.startswith("default/web: rolled back to rev ")
    assert "flipped back by kubectl-edit 2m" in notice  # since the rollback, not since this start
    (act,) = await later.journal.acts()
    assert act.afterwards == notice.removeprefix("default/web: ")
    assert act.verified_at is not None


async def test_a_command_and_an_act_of_ones_own_end_the_watch(tmp_path: Path) -> None:
    cluster, left = await rolled_back(tmp_path)
    command = Watched(cluster, tmp_path, guard=0.0)
    await command.actions.settle()
    assert not command.actions._guards._held
    await command.journal.close()
    screens = Watched(cluster, tmp_path)
    await screens.actions.settle()
    (guard,) = screens.actions._guards._held.values()
    put_back(cluster, left)
    await guard.wait()
    assert (await screens.act("abort")).result == "done"
    assert not screens.actions._guards._held
