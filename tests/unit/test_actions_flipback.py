"""A rollback that somebody undoes is announced: on the row, as a notice, and in the journal."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cockpit.actions import Actions, this_process
from cockpit.base.errors import NotSent
from cockpit.model.rollout import Owner
from cockpit.model.snapshot import SeatAct
from tests.harness.acting import WEB, Seat
from tests.harness.inprocess import Cluster, broken


class Watched(Seat):
    """A seat that stays: its rollbacks are watched over. ``then`` is run at each look at the picture from now on."""

    def __init__(self, cluster: Cluster, folder: Path, *, guard: float = 900.0) -> None:
        super().__init__(cluster, folder)
        look = cluster.changed

        async def changed(version: int) -> Any:
            await asyncio.sleep(0.001)  # two look at once here: the journal's thread must get its turn in virtual time
            return await look(version)

        cluster.changed = changed  # type: ignore[method-assign]
        self.actions = Actions(
            writer=cluster,
            reader=cluster,
            rights=cluster,
            journal=self.journal,
            clock=cluster.clock(),
            picture=cluster,
            who=this_process("sre1", "demo", "demo"),
            guard=guard,
        )

    async def over(self) -> None:
        """Wait until nothing is watched over any more."""
        await asyncio.gather(*(guard.wait() for guard in self.actions._guards._held.values()))


KEPT: dict[str, Any] = {}


def reconciled(cluster: Cluster, manager: str) -> None:
    """What a self-healing owner does: the template of before, under its own name."""

    def change(raw: dict[str, Any]) -> None:
        raw["spec"]["template"] = KEPT["template"]
        raw["metadata"]["managedFields"] = [
            {"manager": "rollout-cockpit", "time": "2026-11-21T03:00:00Z", "fieldsV1": {"f:spec": {"f:template": {}}}},
            {"manager": manager, "time": "2026-11-21T03:00:40Z", "fieldsV1": {"f:spec": {"f:template": {}}}},
            {"manager": "later", "time": "2026-11-21T03:09:00Z", "fieldsV1": {"f:status": {}}},
        ]

    cluster.human(WEB, change)
    read = cluster.get

    async def managed(*where: Any) -> dict[str, Any]:
        raw = dict(await read(*where))
        fields: dict[str, Any] = {"metadata": dict(raw["metadata"]), "spec": dict(raw["spec"])}
        change(fields)
        return {**raw, "metadata": fields["metadata"]}

    cluster.get = managed  # type: ignore[method-assign]


def remember(cluster: Cluster) -> None:
    raw = cluster.world.store.get("rollouts", "default", "web")
    assert raw is not None
    KEPT["template"] = raw["spec"]["template"]


async def test_a_flip_back_by_the_owner_is_told_journaled_and_left_on_the_row(tmp_path: Path) -> None:
    at = Watched(Cluster("single"), tmp_path)
    remember(at.cluster)
    outcome = await at.act("rollback", to="stable")
    assert outcome.result == "done"
    at.cluster.advance(30)
    reconciled(at.cluster, "argocd-controller\x1b[2J")
    await at.over()
    (notice,) = at.actions.notices
    assert notice.startswith("default/web: rolled back to rev 4, flipped back by argocd-controller ")
    assert notice.endswith("s later")
    assert "\x1b" not in notice
    pending = at.cluster.pending[WEB]
    assert (pending.stage, pending.text) == ("failed", notice.removeprefix("default/web: "))
    rows = await at.rows()
    assert rows == [("intent", 0, None), ("outcome", 0, "done"), ("outcome", 0, "done")]
    (act,) = await at.journal.acts()
    shown = await at.journal.show(act.op_id)
    assert shown[-1]["reason"] == pending.text
    assert shown[-1]["verified_at"] == shown[-2]["verified_at"] is not None  # it was verified, and did not last
    assert (await at.journal.verify()).ok


async def test_a_flip_back_while_it_is_under_way_ends_it_as_moved(tmp_path: Path) -> None:
    cluster = Cluster("single")
    at = Watched(cluster, tmp_path)
    remember(cluster)
    write = cluster.after_write
    assert write is None
    look = cluster.changed
    calls: list[int] = []

    async def changed(version: int) -> Any:
        picture = await look(version)
        built = picture.rollouts[WEB]
        arm = built.baseline
        assert arm is not None
        # The target never comes up in this picture, so that the operation is still waiting.
        if built.canary is None:
            waiting = msgspec.structs.replace(built, baseline=msgspec.structs.replace(arm, available=0))
            picture = msgspec.structs.replace(picture, rollouts={**picture.rollouts, WEB: waiting})
        flipback = at.actions._guards._held[WEB]._flipback
        if not calls and flipback is not None and flipback.in_force:
            calls.append(1)
            reconciled(cluster, "argocd-controller")
        return picture

    cluster.changed = changed  # type: ignore[method-assign]
    outcome = await at.act("rollback", to="stable")
    await at.over()
    assert outcome.result == "moved"
    assert "sent, but rolled back to rev 4, flipped back by argocd-controller" in outcome.reason
    assert (await at.rows())[-1] == ("outcome", 0, "moved")
    assert len(await at.rows()) == 2


async def test_a_rollback_that_lasts_says_nothing(tmp_path: Path) -> None:
    at = Watched(Cluster("single"), tmp_path, guard=120)
    assert (await at.act("rollback", to="stable")).result == "done"
    await at.over()
    assert at.actions.notices == ()
    assert await at.rows() == [("intent", 0, None), ("outcome", 0, "done")]


async def test_a_rollback_of_ones_own_ends_the_watch_before(tmp_path: Path) -> None:
    at = Watched(Cluster("single"), tmp_path, guard=200)
    left = at.cluster.rollout(WEB).canary
    assert left is not None
    assert (await at.act("rollback", to="stable")).result == "done"
    assert (await at.act("rollback", to=left.hash)).result in ("done", "accepted")
    await at.over()
    assert at.actions.notices == ()


async def test_another_version_and_another_seat_are_named(tmp_path: Path) -> None:
    at = Watched(Cluster("single"), tmp_path)
    assert (await at.act("rollback", to="stable")).result == "done"

    def change(raw: dict[str, Any]) -> None:
        raw["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.acme.test/default/web:v9"

    look = at.cluster.snapshot

    def seen() -> Any:
        picture = look()
        act = SeatAct("01Z", "sre2", "rollback", "sre2 rolled back", picture.now)
        return msgspec.structs.replace(picture, acts={WEB: act})

    at.cluster.snapshot = seen  # type: ignore[method-assign]
    read = at.cluster.get

    async def by_a_cockpit(*where: Any) -> dict[str, Any]:
        raw = dict(await read(*where))
        entry = {"manager": "rollout-cockpit", "fieldsV1": {"f:spec": {"f:template": {}}}}
        return {**raw, "metadata": {**raw["metadata"], "managedFields": [entry]}}

    at.cluster.get = by_a_cockpit  # type: ignore[method-assign]
    at.cluster.human(WEB, change)
    await at.over()
    (notice,) = at.actions.notices
    assert "rolled back to rev 4, changed to rev 5 by sre2 (as its Event says) " in notice


async def test_the_servers_record_of_who_did_it_outranks_an_event(tmp_path: Path) -> None:
    at = Watched(Cluster("single"), tmp_path)
    remember(at.cluster)
    assert (await at.act("rollback", to="stable")).result == "done"
    look = at.cluster.snapshot

    def seen() -> Any:
        picture = look()
        act = SeatAct("01Z", "sre2", "rollback", "sre2 rolled back", picture.now)
        return msgspec.structs.replace(picture, acts={WEB: act})

    at.cluster.snapshot = seen  # type: ignore[method-assign]
    reconciled(at.cluster, "argocd-controller")
    await at.over()
    (notice,) = at.actions.notices
    assert "by argocd-controller " in notice
    assert "sre2" not in notice


@pytest.mark.parametrize("owned", [False, True])
async def test_who_did_it_is_a_guess_or_nobody_where_the_server_does_not_say(tmp_path: Path, owned: bool) -> None:
    at = Watched(Cluster("single"), tmp_path)
    remember(at.cluster)
    assert (await at.act("rollback", to="stable")).result == "done"
    look = at.cluster.snapshot

    def seen() -> Any:
        picture = look()
        owner = Owner("argocd", "web", "label", "it will re-apply") if owned else None
        built = msgspec.structs.replace(picture.rollouts[WEB], owner=owner)
        return msgspec.structs.replace(picture, rollouts={**picture.rollouts, WEB: built})

    at.cluster.snapshot = seen  # type: ignore[method-assign]
    reconciled(at.cluster, "rollout-cockpit")
    at.cluster.human(WEB, lambda raw: None)
    await at.over()
    (notice,) = at.actions.notices
    assert ("by Argo CD (its owner)" if owned else "by somebody") in notice


async def test_closing_ends_the_watch(tmp_path: Path) -> None:
    at = Watched(Cluster("single"), tmp_path)
    assert (await at.act("rollback", to="stable")).result == "done"
    await at.actions.aclose()
    assert not at.actions._guards._held
    assert not [task for task in asyncio.all_tasks() if "Flipback" in repr(task)]


async def test_what_was_not_sent_is_not_watched(tmp_path: Path) -> None:
    at = Watched(Cluster("single"), tmp_path)
    at.cluster.denied["patch rollouts.argoproj.io"] = "no"
    intent, plan = at.intent("rollback", to="stable"), await at.plan("rollback", to="stable")
    from cockpit.model.plan import Consent

    assert (await at.actions.execute(intent, plan, Consent(yes=True))).result == "denied"
    remember(at.cluster)
    await at.over()
    assert at.actions.notices == ()


async def test_what_never_arrived_is_not_watched(tmp_path: Path) -> None:
    at = Watched(Cluster("single"), tmp_path)
    at.cluster.before_write = broken(NotSent("connection refused"))
    assert (await at.act("rollback", to="stable")).result == "failed"
    await at.over()
    assert at.actions.notices == ()
    assert [row[2] for row in await at.rows()] == [None, "failed"]


async def test_a_flip_back_before_the_controller_looked_is_told_too(tmp_path: Path) -> None:
    cluster = Cluster("single")
    at = Watched(cluster, tmp_path)
    remember(cluster)

    def at_once(_: Any) -> None:
        cluster.after_write = None
        reconciled(cluster, "kustomize-controller")

    cluster.after_write = at_once
    outcome = await at.act("rollback", to="stable")
    assert outcome.result == "accepted"
    guard = at.actions._guards._held[WEB]
    assert guard._end is not None
    await guard._end
    text = "rolled back, but kustomize-controller put back what was left before it took effect"
    assert at.actions.notices == (f"default/web: {text}",)
    assert (await at.rows())[-1] == ("outcome", 0, "accepted")
    await at.actions.aclose()
