"""An Event per act: valid, best effort, masked; and acts of other seats read back from it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cockpit.actions import Actions, this_process
from cockpit.actions.announce import event_of, seat_of
from cockpit.base.clock import rfc3339
from cockpit.base.errors import Denied, NotSent
from cockpit.cluster.decode import decode_row
from cockpit.cluster.rows import EventRow
from cockpit.live.acts import Acts, act_of
from cockpit.model.plan import Consent, Plan, Verb
from cockpit.model.resource import Resource
from cockpit.world.api.events import to_core
from tests.harness.acting import DEPLOYED, WEB, Seat
from tests.harness.inprocess import EPOCH, Answered, Cluster, broken

WHO = this_process("sre1", "demo", "demo")


class Board:
    """Where Events are created."""

    def __init__(self, error: Exception | None = None, *, hang: bool = False) -> None:
        self.created: list[tuple[Resource, str, dict[str, Any]]] = []
        self._error, self._hang = error, hang

    async def create(self, resource: Resource, namespace: str, body: dict[str, Any], dry_run: bool = False) -> Answered:
        if self._hang:
            await asyncio.Event().wait()
        if self._error is not None:
            raise self._error
        self.created.append((resource, namespace, body))
        return Answered(201, body)


def announcing(folder: Path, board: Board, *, read_only: bool = False) -> Seat:
    at = Seat(Cluster("single"), folder)
    at.actions = Actions(
        writer=at.cluster,
        reader=at.cluster,
        rights=at.cluster,
        journal=at.journal,
        clock=at.cluster.clock(),
        picture=at.cluster,
        who=WHO,
        read_only=read_only,
        creator=board,
    )
    return at


def as_row(body: dict[str, Any], uid: str = "e1") -> EventRow:
    """As the watch of core/v1 would show it."""
    core = to_core({**body, "metadata": {**body["metadata"], "uid": uid}})
    found: EventRow = decode_row(msgspec.json.encode(core), EventRow)[0]
    return found


@pytest.mark.parametrize("verb", ["pause", "abort", "advance"])
async def test_each_act_leaves_one_event_that_the_api_server_takes(tmp_path: Path, verb: Verb) -> None:
    board = Board()
    at = announcing(tmp_path, board)
    outcome = await at.act(verb)
    assert outcome.result == "done"
    ((resource, namespace, body),) = board.created
    assert resource.path(namespace) == "/apis/events.k8s.io/v1/namespaces/default/events"
    assert outcome.op_id is not None
    assert body["metadata"]["name"] == f"web.{outcome.op_id.lower()}"
    assert body["metadata"]["namespace"] == body["regarding"]["namespace"] == "default"
    assert body["regarding"]["uid"] == at.cluster.rollout(WEB).uid
    assert body["regarding"]["apiVersion"] == "argoproj.io/v1alpha1"
    assert (body["action"], body["type"]) == (verb, "Normal")
    assert body["reportingController"] == "rollout-cockpit.dev/cockpit"
    assert body["eventTime"].endswith("Z")
    assert len(body["eventTime"].rpartition(".")[2]) == 7  # micro seconds
    assert not [name for name in body if name.startswith("deprecated")]
    assert body["note"].startswith(f"{verb} by sre1: a test")
    assert body["note"].endswith(f"; op={outcome.op_id}")


async def plan_of(tmp_path: Path, **changes: Any) -> Plan:
    plan = await Seat(Cluster("single"), tmp_path).plan("rollback", to="stable")
    return msgspec.structs.replace(plan, **changes)


async def test_every_limit_of_the_api_holds_for_the_longest_names(tmp_path: Path) -> None:
    key = WEB._replace(name="w" * 253)
    plan = await plan_of(tmp_path, key=key, to_images=("r.test/" + "ü" * 900 + "@sha256:" + "a" * 64,) * 3)
    who = msgspec.structs.replace(WHO, user="u" * 900, host="h" * 900)
    body = event_of("01J" + "A" * 23, plan, who, EPOCH, "why " * 900)
    assert len(body["metadata"]["name"]) <= 253
    assert body["metadata"]["name"].endswith(".01j" + "a" * 23)
    assert len(body["note"].encode()) <= 1024
    assert body["note"].endswith("; op=01J" + "A" * 23)
    for field in ("reportingInstance", "action", "reason"):
        assert 0 < len(body[field]) <= 128
    row = as_row(body)
    assert act_of(row) is not None


async def test_an_event_tells_no_secret(tmp_path: Path) -> None:
    body = event_of("01J", await plan_of(tmp_path), WHO, EPOCH, "rotate password=hunter2\x1b[2J")
    assert "hunter2" not in str(body)
    assert "\x1b" not in str(body)


async def test_a_reason_that_holds_a_secret_is_journaled_without_it(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    intent, plan = at.intent("pause"), await at.plan("pause")
    why = "rotated postgres://app:hunter2@db/x, Authorization: Bearer hunter2hunter2"
    outcome = await at.actions.execute(intent, plan, Consent(yes=True, reason=why))
    assert outcome.op_id is not None
    rows = await at.journal.show(outcome.op_id)
    assert rows[0]["reason"].startswith("rotated postgres://app:")
    assert "hunter2" not in str(rows)


@pytest.mark.parametrize("error", [Denied("you may not create events"), NotSent("refused"), ValueError("ours")])
async def test_an_event_that_fails_changes_no_result_and_is_said_once(tmp_path: Path, error: Exception) -> None:
    at = announcing(tmp_path, Board(error))
    assert (await at.act("pause")).result == "done"
    assert (await at.act("resume")).result == "done"
    assert len([each for each in at.actions.notices if each.startswith("no Event tells")]) == 1
    assert [row[2] for row in await at.rows() if row[0] == "outcome"] == ["done", "done"]


async def test_an_event_that_hangs_holds_nothing_up_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cockpit.actions.announce._END_SECONDS", 0.01)
    at = announcing(tmp_path, Board(hang=True))
    assert (await at.act("pause")).result == "done"


async def test_what_was_not_sent_and_read_only_leave_none(tmp_path: Path) -> None:
    board = Board()
    at = announcing(tmp_path, board)
    at.cluster.before_write = broken(NotSent("refused"))
    assert (await at.act("pause")).result == "failed"
    assert board.created == []
    silent = announcing(tmp_path, board, read_only=True)
    plan = await Seat(silent.cluster, tmp_path).plan("pause")
    assert (await silent.actions.execute(silent.intent("pause"), plan, Consent(yes=True))).result == "refused"
    assert await silent.actions._gateway.announce(board_resource(), "default", {}) is None
    assert board.created == []


def board_resource() -> Resource:
    return Resource("events.k8s.io", "v1", "events", "Event")


async def test_another_seats_act_is_read_back_and_our_own_is_told_apart(tmp_path: Path) -> None:
    cluster = Cluster("single")
    rollouts = cluster.snapshot().rollouts
    plan = await Seat(cluster, tmp_path).plan("pause")
    other = msgspec.structs.replace(WHO, user="sre2", host="bastion-2")
    acts = Acts()
    acts.seat = seat_of(WHO)
    acts.see(as_row(event_of("01A", plan, other, EPOCH + 1, "wait for db")))
    found = acts.of(rollouts, {})
    assert found[WEB].text == "sre2 paused: wait for db"
    assert (found[WEB].actor, found[WEB].verb, found[WEB].own) == ("sre2", "pause", False)
    assert found[WEB].at == pytest.approx(EPOCH + 1, abs=1)
    assert acts.of(rollouts, found) is found
    acts.see(as_row(event_of("01B", plan, WHO, EPOCH + 9, None), "e2"))
    newest = acts.of(rollouts, found)
    assert (newest[WEB].op_id, newest[WEB].text, newest[WEB].own) == ("01B", "sre1 paused", True)
    acts.see(as_row(event_of("01A", plan, other, EPOCH + 1, "late"), "e3"))
    assert acts.of(rollouts, newest) is newest
    assert DEPLOYED not in newest


async def test_events_of_others_and_hostile_ones_tell_no_act_of_their_own_shape(tmp_path: Path) -> None:
    body = event_of("01A", await plan_of(tmp_path), WHO, EPOCH, None)
    assert act_of(as_row({**body, "reportingController": "kubelet"})) is None
    told = body["metadata"]["annotations"]

    def forged(**more: str) -> EventRow:
        changed = {f"rollout-cockpit.dev/{name.replace('_', '-')}": value for name, value in more.items()}
        return as_row({**body, "metadata": {**body["metadata"], "annotations": {**told, **changed}}})

    assert act_of(forged(verb="delete everything")) is None
    act = act_of(forged(actor="\x1b]0;x\x07[red]eve[/]", reason="a\nb\x1b[2J", op_id="x" * 900))
    assert act is not None
    assert not set("\x1b\x07\n") & set(act.text + act.actor + act.op_id)
    assert len(act.op_id) < 60


async def test_an_event_speaks_for_its_own_namespace_and_not_of_tomorrow(tmp_path: Path) -> None:
    cluster = Cluster("single")
    rollouts = cluster.snapshot().rollouts
    plan = await Seat(cluster, tmp_path).plan("pause")
    acts = Acts()

    def see(op_id: str, at: float, **metadata: str) -> dict[str, Any]:
        body = event_of(op_id, plan, WHO, at, None)
        created = rfc3339(EPOCH + 5)
        row = as_row({**body, "metadata": {**body["metadata"], "creationTimestamp": created, **metadata}}, op_id)
        acts.see(row)
        return {key.name: act.op_id for key, act in acts.of(rollouts, {}).items()}

    assert see("01A", EPOCH + 5, namespace="tenant") == {}
    assert see("01B", EPOCH + 5.4) == {"web": "01B"}
    assert acts.of(rollouts, {})[WEB].at == pytest.approx(EPOCH + 5.4)
    assert see("01C", EPOCH + 86_400, creationTimestamp=rfc3339(EPOCH + 3)) == {"web": "01B"}
    assert see("01D", EPOCH + 86_400) == {"web": "01D"}
    assert acts.of(rollouts, {})[WEB].at == EPOCH + 6
    assert see("01E", EPOCH + 9, creationTimestamp=rfc3339(EPOCH + 9)) == {"web": "01E"}


async def test_who_paused_is_the_other_seat_where_our_journal_does_not_know(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path / "one")
    other = Seat(at.cluster, tmp_path / "two", user="sre2")
    plan = await other.plan("pause")
    assert (await other.act("pause")).result == "done"
    body = event_of("01A", plan, msgspec.structs.replace(WHO, user="sre2"), EPOCH, "wait for db")
    acts = Acts()
    acts.see(as_row(body))
    look = at.cluster.snapshot

    def seen() -> Any:
        picture = look()
        return msgspec.structs.replace(picture, acts=acts.of(picture.rollouts, {}))

    at.cluster.snapshot = seen  # type: ignore[method-assign]
    raw = at.cluster.get

    async def managed(*where: Any) -> dict[str, Any]:
        found = dict(await raw(*where))
        manager = {"manager": "rollout-cockpit", "fieldsV1": {"f:spec": {"f:paused": {}}}}
        return {**found, "metadata": {**found["metadata"], "managedFields": [manager]}}

    at.cluster.get = managed  # type: ignore[method-assign]
    assert (await at.refused("advance")).reason == "paused by sre2; P resumes"
