"""Operations left open by a dead process are settled truthfully at the next start, and never sent again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cockpit.actions.settle import process_mark, still_running, this_process
from cockpit.base.errors import Unreachable
from cockpit.journal import OpenIntent, Who
from cockpit.model.plan import Consent, Patch, Verb
from tests.harness.acting import DEPLOYED, WEB, Seat
from tests.harness.inprocess import Cluster, broken

NAMED = Consent(name="web")


class Killed(BaseException):
    """The process ends here: nothing after this line is run."""


class Victim(Seat):
    """A seat of another process, which is gone by the time anyone settles what it left."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        super().__init__(cluster, folder)
        self.actions._ledger.who = msgspec.structs.replace(self.actions._ledger.who, pid=2**22 + 1, process="1")


def kill(*_: Any) -> None:
    raise Killed


async def dies(victim: Victim, verb: Verb, key: Any = WEB, **more: Any) -> None:
    with pytest.raises(Killed):
        await victim.act(verb, key, **more)
    victim.cluster.before_write = victim.cluster.after_write = None


@pytest.mark.parametrize(
    ("verb", "more"),
    [("advance", {}), ("pause", {}), ("abort", {}), ("full", {}), ("rollback", {"to": "stable"})],
)
async def test_killed_before_the_patch_is_failed(tmp_path: Path, verb: Verb, more: dict[str, Any]) -> None:
    cluster = Cluster("single")
    victim, later = Victim(cluster, tmp_path), Seat(cluster, tmp_path)
    cluster.before_write = kill
    await dies(victim, verb, **more)
    cluster.advance(30)
    (settlement,) = await later.actions.settle()
    assert settlement.result == "failed"
    assert "never carried out" in settlement.text
    assert any(settlement.text == notice for notice in later.actions.notices)
    assert await later.rows() == [("intent", 0, None), ("outcome", 0, "failed")]
    assert cluster.sent == []


@pytest.mark.parametrize(
    ("verb", "more"),
    [("advance", {}), ("pause", {}), ("abort", {}), ("full", {}), ("rollback", {"to": "stable"})],
)
@pytest.mark.parametrize("wait", [0, 300])
async def test_killed_after_the_patch_is_done(tmp_path: Path, verb: Verb, more: dict[str, Any], wait: int) -> None:
    cluster = Cluster("single")
    victim, later = Victim(cluster, tmp_path), Seat(cluster, tmp_path)
    cluster.after_write = kill
    await dies(victim, verb, **more)
    cluster.advance(wait)
    (settlement,) = await later.actions.settle()
    assert settlement.result in (("done",) if wait or verb != "full" else ("done", "accepted"))
    assert len(cluster.sent) == 1
    assert await later.actions.settle() == ()


async def test_killed_before_the_outcome_is_done(tmp_path: Path) -> None:
    cluster = Cluster("single")
    victim, later = Victim(cluster, tmp_path), Seat(cluster, tmp_path)
    victim.actions._ledger.end = kill  # type: ignore[method-assign, assignment]
    await dies(victim, "advance")
    (settlement,) = await later.actions.settle()
    assert settlement.result == "done"
    (act,) = await later.journal.acts()
    assert act.verified_at is not None


async def test_killed_between_the_two_requests_of_an_abort(tmp_path: Path) -> None:
    cluster = Cluster("single")
    cluster.human(WEB, lambda raw: raw["spec"].update(paused=True))
    cluster.advance(5)
    victim, later = Victim(cluster, tmp_path), Seat(cluster, tmp_path)

    def second(patch: Patch) -> None:
        if patch.subresource is None:
            raise Killed

    cluster.before_write = second
    await dies(victim, "abort")
    (settlement,) = await later.actions.settle()
    assert settlement.result == "accepted"
    assert "1 of 2 requests were carried out" in settlement.text
    assert "resume" in settlement.text
    assert len(cluster.sent) == 1
    assert (await later.act("abort")).result == "done"  # X finishes it


async def test_what_cannot_be_told_any_more_is_unknown(tmp_path: Path) -> None:
    cluster = Cluster("single")
    victim, later = Victim(cluster, tmp_path), Seat(cluster, tmp_path)
    cluster.before_write = kill
    await dies(victim, "pause")
    # Somebody paused and resumed: whether ours was among those changes leaves no trace.
    for paused in (True, False):
        cluster.human(WEB, lambda raw, paused=paused: raw["spec"].update(paused=paused))  # type: ignore[misc]
        cluster.advance(5)
    (settlement,) = await later.actions.settle()
    assert settlement.result == "unknown"


async def test_another_version_since_is_unknown_or_failed_but_never_done(tmp_path: Path) -> None:
    cluster = Cluster("single")
    victim, later = Victim(cluster, tmp_path), Seat(cluster, tmp_path)
    cluster.before_write = kill
    await dies(victim, "advance")

    def change(raw: dict[str, Any]) -> None:
        raw["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.acme.test/default/web:v9"

    cluster.human(WEB, change)
    cluster.advance(60)
    (settlement,) = await later.actions.settle()
    assert settlement.result == "unknown"


async def test_an_object_that_is_gone_is_unknown(tmp_path: Path) -> None:
    cluster = Cluster("single")
    victim, later = Victim(cluster, tmp_path), Seat(cluster, tmp_path)
    cluster.after_write = kill
    await dies(victim, "advance")
    cluster.world.store.delete("rollouts", "default", "web")
    cluster.advance(60)
    (settlement,) = await later.actions.settle()
    assert (settlement.result, "gone" in settlement.text) == ("unknown", True)


async def test_an_unreachable_cluster_leaves_it_open(tmp_path: Path) -> None:
    cluster = Cluster("single")
    victim, later = Victim(cluster, tmp_path), Seat(cluster, tmp_path)
    cluster.after_write = kill
    await dies(victim, "advance")
    cluster.before_read = broken(Unreachable("no route"), times=10**6)
    assert await later.actions.settle() == ()
    cluster.before_read = None
    assert len(await later.actions.settle()) == 1


async def test_what_was_done_to_another_cluster_is_left_for_a_seat_there(tmp_path: Path) -> None:
    cluster = Cluster("single")
    victim, later = Victim(cluster, tmp_path), Seat(cluster, tmp_path)
    cluster.after_write = kill
    await dies(victim, "advance")
    here = later.actions._ledger.who
    for elsewhere in ({"context": "prod"}, {"cluster": "other"}):
        later.actions._ledger.who = msgspec.structs.replace(here, **elsewhere)
        assert await later.actions.settle() == ()
    later.actions._ledger.who = here
    assert len(await later.actions.settle()) == 1


async def test_a_deployment_is_settled_by_its_template(tmp_path: Path) -> None:
    cluster = Cluster("deployment")
    victim, later = Victim(cluster, tmp_path), Seat(cluster, tmp_path)
    cluster.before_write = kill
    await dies(victim, "abort", DEPLOYED)
    (settlement,) = await later.actions.settle()
    assert settlement.result == "failed"
    cluster.after_write = kill
    await dies(victim, "abort", DEPLOYED)
    cluster.advance(300)
    (settlement,) = await later.actions.settle()
    assert settlement.result == "done"


async def test_what_a_living_process_is_at_is_left_to_it(tmp_path: Path) -> None:
    cluster = Cluster("single")
    alive, later = Seat(cluster, tmp_path), Seat(cluster, tmp_path)
    cluster.before_write = kill
    with pytest.raises(Killed):
        await alive.act("advance")
    assert await later.actions.settle() == ()
    assert len(await later.journal.open_intents()) == 1


def test_a_process_is_told_from_a_later_one_with_its_number() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mark = process_mark(child.pid)
    assert mark
    assert process_mark(child.pid) == mark
    who = this_process("u", "c", "k")
    left = OpenIntent(
        "x" * 26, 0.0, "abort", "Rollout", "d", "web", "u1", "u", "c", "k", who.host, child.pid, mark, 1, {}
    )
    assert still_running(left, who)
    assert not still_running(msgspec.structs.replace(left, process="another"), who)
    assert not still_running(msgspec.structs.replace(left, host="elsewhere"), who)
    child.communicate(b"\n", timeout=10)
    assert process_mark(child.pid) == ""
    assert not still_running(left, who)
    assert isinstance(who, Who)
