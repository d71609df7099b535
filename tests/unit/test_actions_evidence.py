"""What is kept when X or R is confirmed: taken beside the patch, bounded, masked; what is missing is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cockpit.actions import Actions, this_process
from cockpit.actions.evidence import Capture
from cockpit.base.errors import Unreachable
from cockpit.journal import JournalError
from cockpit.journal.observed import Piece
from cockpit.live import witness as module
from cockpit.live.witness import Witness
from cockpit.model.event import Event
from cockpit.model.log import LogLine
from cockpit.model.plan import Plan, Verb
from cockpit.model.resource import Key
from cockpit.model.rollout import Role
from tests.harness.acting import WEB, Seat
from tests.harness.inprocess import Cluster


class Slow:
    """A witness whose reads end when the test says so."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.sent_at_begin: int | None = None
        self.cluster: Cluster | None = None
        self.cancelled = False

    def begin(self, plan: Plan) -> Capture:
        assert self.cluster is not None
        self.sent_at_begin = len(self.cluster.sent)
        return self

    async def finish(self, seconds: float) -> Sequence[Piece]:
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return [Piece("about.txt", "about", b"seen")]


def witnessed(folder: Path, witness: Any, scenario: str = "single") -> Seat:
    at = Seat(Cluster(scenario), folder)
    at.actions = Actions(
        writer=at.cluster,
        reader=at.cluster,
        rights=at.cluster,
        journal=at.journal,
        clock=at.cluster.clock(),
        picture=at.cluster,
        who=this_process("sre1", "demo", "demo"),
        witness=witness,
    )
    witness.cluster = at.cluster
    return at


@pytest.mark.parametrize(("verb", "more"), [("abort", {}), ("rollback", {"to": "stable"})])
async def test_it_begins_before_the_patch_and_the_patch_does_not_wait_for_it(
    tmp_path: Path, verb: Verb, more: dict[str, Any]
) -> None:
    slow = Slow()
    at = witnessed(tmp_path, slow)
    shown = asyncio.Event()
    told = at.cluster.set_pending

    def pending(key: Key, each: Any) -> None:
        told(key, each)
        if each is not None and each.stage == "done":
            shown.set()

    at.cluster.set_pending = pending  # type: ignore[method-assign]
    act = asyncio.create_task(at.act(verb, **more))
    await asyncio.wait_for(shown.wait(), 30)  # done is on screen while the evidence is still being read
    assert slow.sent_at_begin == 0
    assert len(at.cluster.sent) == 1
    assert not act.done()
    slow.let_go.set()
    outcome = await act
    assert outcome.result == "done"
    assert outcome.op_id is not None
    entry = await at.journal.entry(outcome.op_id)
    assert entry is not None
    (piece,) = entry.evidence
    assert (
        json.loads(entry.rows[-1]["body"])["evidence"] == {"about.txt": piece.sha256}
        if isinstance(entry.rows[-1]["body"], str)
        else entry.rows[-1]["body"]["evidence"] == {"about.txt": piece.sha256}
    )
    assert await at.journal.archive.piece(outcome.op_id, "about.txt") == b"seen"
    assert (await at.journal.verify()).ok


async def test_other_verbs_keep_none(tmp_path: Path) -> None:
    slow = Slow()
    at = witnessed(tmp_path, slow)
    assert (await at.act("pause")).result == "done"
    assert slow.sent_at_begin is None


async def test_what_was_not_sent_keeps_none(tmp_path: Path) -> None:
    slow = Slow()
    at = witnessed(tmp_path, slow)
    intent, plan = at.intent("rollback", to="stable"), await at.plan("rollback", to="stable")
    at.cluster.human(WEB, lambda raw: raw["spec"].update(paused=True))
    from cockpit.model.plan import Consent

    outcome = await at.actions.execute(intent, plan, Consent(yes=True))
    assert outcome.result == "moved"
    await asyncio.sleep(0)
    assert slow.cancelled


@pytest.mark.parametrize("where", ["begin", "finish"])
async def test_a_witness_that_fails_stops_no_abort(tmp_path: Path, where: str) -> None:
    slow = Slow()
    at = witnessed(tmp_path, slow)

    def broken(*_: Any) -> Any:
        raise ValueError("a fault of ours")

    async def broken_later(*_: Any) -> Any:
        raise ValueError("a fault of ours")

    setattr(slow, where, broken if where == "begin" else broken_later)
    outcome = await at.act("abort")
    assert outcome.result == "done"
    assert "no evidence was kept" in outcome.reason


async def test_evidence_that_cannot_be_written_is_said_and_stops_nothing(tmp_path: Path) -> None:
    slow = Slow()
    slow.let_go.set()
    at = witnessed(tmp_path, slow)

    async def full(*_: Any) -> Any:
        raise JournalError("journal x cannot be written: the disk is full")

    at.journal.archive.keep = full  # type: ignore[method-assign]
    outcome = await at.act("abort")
    assert outcome.result == "done"
    assert "its evidence was not kept: journal x" in outcome.reason


# -- the witness -------------------------------------------------------------------------------------------------------


class Ring:
    def __init__(self, *lines: LogLine, dropped: int = 0) -> None:
        self.lines, self.dropped = lines, dropped

    def after(self, seq: int, limit: int = 1000) -> Sequence[LogLine]:
        return self.lines


class Points:
    version = 1

    def names(self) -> Sequence[str]:
        return ["errors"]

    def points(self, sli: str, role: Role) -> Sequence[tuple[float, float | None]]:
        return [(15.0, 0.5), (30.0, None)]


class Logs:
    """Logs of containers: (pod, previous) -> bytes, an error, or None for a stream that never ends."""

    def __init__(self, **answers: Any) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.answers = answers

    async def log_stream(self, namespace: str, pod: str, **more: Any) -> AsyncIterator[bytes]:
        self.asked.append((pod, bool(more["previous"])))
        answer = self.answers.get("previous" if more["previous"] else "tail", b"2026-11-21T03:00:00Z hello\n")
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        yield answer


def rig(cluster: Cluster, logs: Logs, rings: dict[Role, Ring]) -> Witness:
    return Witness(
        cluster,
        lambda key, role: rings.get(role, Ring()),
        lambda key: Points(),
        logs,
        cluster,
        cluster.clock(),  # type: ignore[arg-type, return-value]
    )


def line(text: str, seq: int = 1) -> LogLine:
    return LogLine(seq, 1_795_000_000.0, "web-1", "web", "", text)


async def taken(at: Seat, witness: Witness, seconds: float = 5.0) -> dict[str, bytes]:
    plan = await at.plan("abort")
    return {each.name: each.content for each in await witness.begin(plan).finish(seconds)}


async def test_open_logs_pods_events_series_verdict_and_both_templates_are_kept(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    built = at.cluster.rollout(WEB)
    assert built.canary is not None
    assert built.baseline is not None
    rings: dict[Role, Ring] = {"canary": Ring(line("boom"), dropped=7), "baseline": Ring(line("fine"))}
    found = await taken(at, rig(at.cluster, Logs(), rings))
    assert found["logs/canary.log"].endswith(b"web-1/web boom\n")
    assert found["logs/baseline.log"].endswith(b"web-1/web fine\n")
    assert {each["name"] for each in json.loads(found["pods.json"])["canary"]} == {p.name for p in built.canary.pods}
    assert json.loads(found["series.json"])["errors"]["canary"] == [[15.0, 0.5], [30.0, None]]
    for arm in (built.canary, built.baseline):
        assert json.loads(found[f"templates/{arm.hash}.json"])["spec"]["containers"][0]["image"] == arm.images[0].image
    about = found["about.txt"].decode()
    assert "7 older lines had left the ring" in about
    assert "verdict: there was none" in about
    assert json.loads(found["rollout.json"])["uid"] == built.uid


async def test_logs_that_are_not_open_are_read_and_those_of_crashed_instances_too(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    built = at.cluster.rollout(WEB)
    assert built.canary is not None
    pod = msgspec.structs.replace(built.canary.pods[0], restarts=3, restarts_by_container={"web": 3})
    canary = msgspec.structs.replace(built.canary, pods=(pod,))
    crashed = msgspec.structs.replace(built, canary=canary)
    picture = msgspec.structs.replace(at.cluster.snapshot(), rollouts={WEB: crashed})
    at.cluster.snapshot = lambda: picture  # type: ignore[method-assign]
    logs = Logs(previous=b"2026-11-21T03:00:00Z panic: password=hunter2\n")
    found = await taken(at, rig(at.cluster, logs, {}))
    assert found[f"logs/previous/{pod.name}-web.log"] == b"2026-11-21T03:00:00Z panic: password=<hidden>\n"
    assert b"hello" in found[f"logs/canary/{pod.name}-web.log"]
    assert logs.asked[0] == (pod.name, True)  # what goes first is what is lost first


async def test_what_could_not_be_had_is_a_sentence(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    found = await taken(at, rig(at.cluster, Logs(tail=Unreachable("kubelet is gone")), {}))
    assert "kubelet is gone" in found["about.txt"].decode()
    found = await taken(at, rig(at.cluster, Logs(tail=None), {}), seconds=0.05)
    assert "not read within" in found["about.txt"].decode()
    assert any(name.startswith("templates/") for name in found)  # one that hangs costs no other


async def test_secrets_and_control_bytes_stay_out(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    tail = b"2026-11-21T03:00:00Z \x1b[2Jurl postgres://app:hunter2@db/x\n"
    rings: dict[Role, Ring] = {"canary": Ring(line("token=hunter2 x"))}
    found = await taken(at, rig(at.cluster, Logs(tail=tail), rings))
    assert not [name for name, content in found.items() if b"hunter2" in content or b"\x1b" in content]


LEAKS = (
    '{"level":"info","password":"hunter2hunter"}',
    "secret: hunter2hunter",
    "Authorization: Bearer hunter2hunter",
    "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0hunter2.c2ln from the server",
    "-----BEGIN RSA PRIVATE KEY-----",
    "hunter2hunter2hunter2",
    "-----END RSA PRIVATE KEY-----",
    "X-Api-Key: hunter2hunter",
)


async def test_what_applications_print_as_secrets_stays_out(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    lines = (*(line(each, seq) for seq, each in enumerate(LEAKS)), line("listening on 8080", 99))
    event = Event("e", 1.0, "Warning", "Failed", "pull: token=hunter2hunter", "Pod", "default", "web-1", 1, WEB)
    look = at.cluster.snapshot
    at.cluster.snapshot = lambda: msgspec.structs.replace(look(), events=(event,))  # type: ignore[method-assign]
    tail = "".join(f"2026-11-21T03:00:00Z {each}\n" for each in (*LEAKS, "listening on 8080")).encode()
    found = await taken(at, rig(at.cluster, Logs(tail=tail), {"canary": Ring(*lines)}))
    assert not [name for name, content in found.items() if b"hunter2" in content]
    told = [content for name, content in found.items() if name.startswith("logs/")]
    assert len(told) > 1
    assert all(content.endswith(b"listening on 8080\n") for content in told)
    # A key of which only the beginning was printed hides its own container's next lines alone, and not for ever.
    others = (line(LEAKS[4]), line("hunter2", 2), msgspec.structs.replace(line("fine", 3), pod="web-2"))
    kept = (await taken(at, rig(at.cluster, Logs(), {"canary": Ring(*others)})))["logs/canary.log"]
    assert b"hunter2" not in kept
    assert kept.endswith(b"web-2/web fine\n")
    many = [line(LEAKS[4]), *(line(f"line {each}", each) for each in range(500))]
    kept = (await taken(at, rig(at.cluster, Logs(), {"canary": Ring(*many)})))["logs/canary.log"]
    assert kept.endswith(b"line 499\n")


async def test_the_newest_lines_within_the_bound_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOG_BYTES", 200)
    at = Seat(Cluster("single"), tmp_path)
    rings: dict[Role, Ring] = {"canary": Ring(*(line(f"line {n}", n) for n in range(100)))}
    kept = (await taken(at, rig(at.cluster, Logs(), rings)))["logs/canary.log"]
    assert len(kept) <= 200
    assert kept.endswith(b"line 99\n")
    monkeypatch.setattr(module, "TOTAL_BYTES", 10)
    found = await taken(at, rig(at.cluster, Logs(), rings))
    assert set(found) <= {"about.txt", "events.json"}  # an empty list is two bytes
    assert "in all" in found["about.txt"].decode()
