"""The gateway and the flow of an operation: refusals, what moved, lost answers, races, and the record of it all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cockpit.actions.conditions import moved, resolve, standing
from cockpit.actions.wire import journaled, shown
from cockpit.base.errors import AnswerLost, ApiError, Denied, NotSent, Unreachable
from cockpit.base.secrets import HIDDEN, hide
from cockpit.journal import JournalError
from cockpit.model.plan import Consent, Patch, Tier, Verb
from cockpit.model.resource import ROLLOUTS
from cockpit.model.verdict import State, Verdict
from tests.harness.acting import DEPLOYED, WEB, Seat
from tests.harness.inprocess import Cluster, broken

YES = Consent(yes=True)
NAMED = Consent(name="web")
VERBS: tuple[tuple[Verb, dict[str, Any]], ...] = (
    ("advance", {}), ("pause", {}), ("abort", {}), ("full", {}), ("restart", {}), ("rollback", {"to": "stable"}),
)  # fmt: skip


@pytest.mark.parametrize(("verb", "more"), VERBS)
async def test_read_only_sends_nothing_at_all(tmp_path: Path, verb: Verb, more: dict[str, Any]) -> None:
    at = Seat(Cluster("single"), tmp_path, read_only=True)
    intent = at.intent(verb, **more)
    plan = await at.plan(verb, **more)
    outcome = await at.actions.execute(intent, plan, NAMED)
    assert outcome.result == "refused"
    assert "read-only" in outcome.reason
    dry = await at.actions.dry_run(intent, plan)
    assert (dry.result, "not run: read-only" in dry.reason) == ("planned", True)
    assert len(dry.requests) == len(plan.patches)
    assert at.cluster.sent == []
    assert at.cluster.dry == []
    assert not (tmp_path / "journal.sqlite3").exists()
    assert "read-only" in at.actions.can(verb, WEB)[1]


async def test_consent_that_does_not_suffice_sends_nothing(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    at.judged = "watch"
    plan = await at.plan("advance")
    for consent in (Consent(), YES, Consent(name="other")):
        outcome = await at.actions.execute(at.intent("advance"), plan, consent)
        assert outcome.result == "refused"
    assert at.cluster.sent == []
    assert (await at.actions.execute(at.intent("advance"), plan, NAMED)).result == "done"


@pytest.mark.parametrize(
    ("was", "now"), [("ready", "abort"), ("ready", "wait"), ("unjudged", "blind"), ("wait", "watch")]
)
async def test_a_yes_to_evidence_that_turned_meanwhile_sends_nothing(tmp_path: Path, was: State, now: State) -> None:
    at = Seat(Cluster("single"), tmp_path)
    at.judged = was
    intent, plan = at.intent("advance"), await at.plan("advance")
    at.cluster.verdicts[WEB] = Verdict(now, "errors rose")
    outcome = await at.actions.execute(intent, plan, YES)
    assert (outcome.result, at.cluster.sent) == ("moved", [])
    assert f"{was.upper()} -> {now.upper()}, errors rose" in outcome.reason
    assert await at.rows() == []
    assert (await at.actions.execute(intent, plan, NAMED)).result == "done", "the typed name suffices for any evidence"


@pytest.mark.parametrize(
    ("verb", "now"), [("advance", "ready"), ("abort", "abort"), ("abort", "ready"), ("pause", "blind")]
)
async def test_evidence_that_turned_stops_nothing_that_a_yes_suffices_for(
    tmp_path: Path, verb: Verb, now: State
) -> None:
    at = Seat(Cluster("single"), tmp_path)
    at.judged = "wait"
    intent, plan = at.intent(verb), await at.plan(verb)
    at.cluster.verdicts[WEB] = Verdict(now, "it turned")
    assert (await at.actions.execute(intent, plan, YES)).result == "done"


async def test_rights_are_checked_before_anything_is_sent_and_say_what_is_missing(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    at.cluster.denied["patch rollouts/status.argoproj.io"] = "sre1 may not patch rollouts/status"
    assert at.actions.can("advance", WEB) == ("denied", "sre1 may not patch rollouts/status")
    assert at.actions.can("pause", WEB)[0] == "allowed"
    outcome = await at.act("advance")
    assert outcome.result == "denied"
    assert "sre1 may not" in outcome.reason
    assert at.cluster.sent == []
    assert await at.rows() == []


async def test_a_sequence_is_not_begun_without_the_rights_of_its_end(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    at.cluster.human(WEB, lambda raw: raw["status"].update(promoteFull=True), "status")
    at.cluster.advance(180)
    at.cluster.denied["patch rollouts/status.argoproj.io"] = "no"
    assert (await at.act("rollback", to="last-good")).result == "denied"
    assert at.cluster.sent == []
    assert (await at.act("rollback", to="last-good", now=False)).result == "done"


async def test_a_403_of_the_server_is_denied(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    at.cluster.before_write = broken(Denied("forbidden by the server"))
    outcome = await at.act("advance")
    assert (outcome.result, outcome.reason) == ("denied", "forbidden by the server")
    assert await at.rows() == [("intent", 0, None), ("outcome", 0, "denied")]


async def test_what_moved_since_the_dialog_is_named_and_nothing_is_sent(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    intent, plan = at.intent("advance"), await at.plan("advance")
    at.cluster.human(WEB, lambda raw: raw["status"].pop("pauseConditions"), "status")
    at.cluster.advance(30)
    before = at.cluster.world.store.get("rollouts", "default", "web")
    outcome = await at.actions.execute(intent, plan, YES)
    assert (outcome.result, outcome.observed, outcome.op_id) == ("moved", None, None)
    assert "the step moved: 1 -> 3" in outcome.reason
    assert at.cluster.sent == []
    assert at.cluster.world.store.get("rollouts", "default", "web") == before


async def test_a_change_between_the_last_look_and_the_patch_is_caught_by_the_guards(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)

    def meanwhile(_: Patch) -> None:
        at.cluster.before_write = None
        at.cluster.human(WEB, lambda raw: raw["status"].update(currentStepIndex=3), "status")

    at.cluster.before_write = meanwhile
    outcome = await at.act("advance")
    assert outcome.result == "moved"
    assert "the step moved: 1 -> 3" in outcome.reason
    assert at.cluster.world.store.get("rollouts", "default", "web")["status"]["pauseConditions"]  # type: ignore[index]
    assert await at.rows() == [("intent", 0, None), ("outcome", 0, "moved")]


@pytest.mark.parametrize(("verb", "more"), [*VERBS, ("rollback", {"to": "last-good"})])
async def test_a_recorded_request_is_refused_when_it_is_sent_again(
    tmp_path: Path, verb: Verb, more: dict[str, Any]
) -> None:
    at = Seat(Cluster("single"), tmp_path)
    # The version before was never seen to run, so that nothing proves that the same image came back.
    assert (await at.act(verb, **more)).result == ("accepted" if more.get("to") == "last-good" else "done")
    recorded = at.cluster.sent[0]
    at.cluster.advance(5)
    if verb == "abort":  # guarded by uid and version only: repeating it is harmless, and stays possible
        at.cluster.apply(recorded)
        return
    if verb == "restart":  # nothing it was drawn from has changed, and the stamp is absolute: no second restart
        names = {pod["metadata"]["name"] for pod in at.cluster.world.store.select("pods")}
        at.cluster.apply(recorded)
        at.cluster.advance(60)
        assert {pod["metadata"]["name"] for pod in at.cluster.world.store.select("pods")} == names
        return
    with pytest.raises(Exception, match="test failed"):
        at.cluster.apply(recorded)


async def test_two_seats_advancing_at_once_pass_one_gate(tmp_path: Path) -> None:
    cluster = Cluster("single")
    one, two = Seat(cluster, tmp_path), Seat(cluster, tmp_path, user="sre2")
    intents = [seat.intent("advance") for seat in (one, two)]
    plans = [await seat.plan("advance") for seat in (one, two)]
    outcomes = await asyncio.gather(
        *(
            seat.actions.execute(intent, plan, YES)
            for seat, intent, plan in zip((one, two), intents, plans, strict=True)
        )
    )
    assert sorted(outcome.result for outcome in outcomes) == ["done", "moved"]
    index = cluster.rollout(WEB).step_index
    assert index is not None
    assert 2 <= index <= 3
    assert (await one.journal.verify()).ok


async def test_a_request_that_never_left_is_failed(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    at.cluster.before_write = broken(NotSent("connection refused"))
    outcome = await at.act("pause")
    assert outcome.result == "failed"
    assert "not sent: connection refused" in outcome.reason
    assert await at.rows() == [("intent", 0, None), ("outcome", 0, "failed")]


@pytest.mark.parametrize("verb", ["advance", "pause", "abort"])
async def test_a_lost_answer_to_a_write_that_arrived_is_done_and_never_sent_again(tmp_path: Path, verb: Verb) -> None:
    at = Seat(Cluster("single"), tmp_path)
    at.cluster.after_write = broken(AnswerLost("connection reset"))
    outcome = await at.act(verb)
    assert outcome.result == "done"
    assert len(at.cluster.sent) == 1


async def test_a_lost_answer_to_a_write_that_is_not_there_is_unknown_as_it_may_still_arrive(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    at.cluster.before_write = broken(AnswerLost("timed out"))
    _hurry(at)
    outcome = await at.act("advance")
    assert outcome.result == "unknown"
    assert "read back after 4 s: not there" in outcome.reason
    assert at.cluster.sent == []


async def test_a_lost_answer_that_cannot_be_read_back_is_unknown(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)

    def cut(_: Patch) -> None:
        at.cluster.before_read = broken(Unreachable("no route"), times=10**6)
        raise AnswerLost("connection reset")

    at.cluster.before_write = cut
    _hurry(at)
    outcome = await at.act("pause")
    assert outcome.result == "unknown"
    assert (await at.rows())[-1] == ("outcome", 0, "unknown")


async def test_a_state_that_cannot_be_read_stops_every_verb_but_abort(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    at.cluster.before_read = broken(Unreachable("no route"), times=10**6)
    outcome = await at.act("pause")
    assert (outcome.result, at.cluster.sent) == ("failed", [])
    assert (await at.act("abort")).result == "done"


async def test_a_controller_that_does_not_act_is_said_so_at_the_deadline(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    built = at.cluster.rollout(WEB)
    at.cluster.find = lambda key: built  # type: ignore[method-assign]
    frozen = at.cluster.snapshot()

    def stuck() -> Any:
        return frozen

    at.cluster.snapshot = stuck  # type: ignore[method-assign]
    outcome = await at.act("pause")
    assert outcome.result == "accepted"
    assert outcome.reason == "accepted, but the controller is not acting: Paused: CanaryPauseStep"
    assert outcome.observed is None
    assert at.cluster.stages == ["sending", "sent", "accepted"]


async def test_another_version_supersedes_what_was_waited_for(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)

    def redeployed(_: Patch) -> None:
        at.cluster.after_write = None

        def change(raw: dict[str, Any]) -> None:
            raw["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.acme.test/default/web:v9"

        at.cluster.human(WEB, change)

    at.cluster.after_write = redeployed
    outcome = await at.act("full")
    assert outcome.result == "moved"
    assert "another version" in outcome.reason


async def test_an_abort_overtakes_a_rollback_that_is_still_under_way(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    at.cluster.human(WEB, lambda raw: raw["status"].update(promoteFull=True), "status")
    at.cluster.advance(180)
    asked, overtaken = asyncio.Event(), asyncio.Event()

    async def slow_review(*_: Any) -> tuple[str, str]:
        if at.cluster.sent:  # the review before the second request
            asked.set()
            await overtaken.wait()
        return "allowed", ""

    at.cluster.check = slow_review  # type: ignore[method-assign, assignment]
    rollback = asyncio.create_task(at.act("rollback", to="last-good"))
    await asked.wait()
    abort = asyncio.create_task(at.act("abort"))
    while len(at.cluster.sent) < 2:
        await asyncio.sleep(0)
    overtaken.set()
    outcome = await rollback
    assert outcome.result == "accepted"
    assert "ABORT was asked for" in outcome.reason
    assert (await abort).result == "done"
    assert [patch.ops[-1]["path"] for patch in at.cluster.sent] == ["/spec/template", "/status/promoteFull"]
    assert at.cluster.sent[1].ops[-2]["path"] == "/status/abort"


async def test_a_second_act_waits_for_the_first(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    plan, other = await at.plan("pause"), await at.plan("advance")
    intent = at.intent("pause")
    first = asyncio.create_task(at.actions.execute(intent, plan, YES))
    await asyncio.sleep(0)
    second = await at.actions.execute(at.intent("advance"), other, YES)
    assert second.result == "refused"
    assert "PAUSE is under way on default/web" in second.reason
    assert (await first).result == "done"


async def test_the_intent_is_on_disk_before_the_patch_leaves_and_the_outcome_after(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    seen: list[list[str]] = []

    def look(_: Patch) -> None:
        import sqlite3

        with sqlite3.connect(tmp_path / "journal.sqlite3") as connection:
            seen.append([row[0] for row in connection.execute("SELECT row FROM ops ORDER BY seq")])
        connection.close()

    at.cluster.before_write = look
    outcome = await at.act("advance")
    assert seen == [["intent"]]
    assert await at.rows() == [("intent", 0, None), ("outcome", 0, "done")]
    (act,) = await at.journal.acts()
    assert (act.op_id, act.actor, act.verb, act.result, act.reason) == (
        outcome.op_id, "sre1", "advance", "done", "a test",
    )  # fmt: skip
    assert act.verified_at is not None


@pytest.mark.parametrize("verb", ["advance", "full", "restart"])
async def test_what_cannot_be_recorded_is_not_sent(tmp_path: Path, verb: Verb) -> None:
    at = Seat(Cluster("single"), tmp_path)
    _break(at)
    outcome = await at.act(verb)
    assert outcome.result == "refused"
    assert "nothing was sent" in outcome.reason
    assert "disk is full" in outcome.reason
    assert at.cluster.sent == []


@pytest.mark.parametrize("verb", ["abort", "pause"])
async def test_x_and_p_fall_back_to_a_file_and_say_so(tmp_path: Path, verb: Verb) -> None:
    at = Seat(Cluster("single"), tmp_path)
    _break(at)
    outcome = await at.act(verb)
    assert outcome.result == "done"
    assert "journal-fallback-" in outcome.reason
    assert [row["row"] for row in at.journal.fallback.read()] == ["intent", "outcome"]
    assert any("journal-fallback-" in notice for notice in at.actions.notices)
    later = Seat(at.cluster, tmp_path)
    await later.actions.settle()
    assert await later.rows() == [("intent", 0, None), ("outcome", 0, "done")]
    assert later.journal.fallback.read() == []


async def test_an_abort_is_sent_even_when_it_can_be_recorded_nowhere(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    _break(at)
    (tmp_path / "runtime").write_text("in the way")
    outcome = await at.act("abort")
    assert outcome.result == "done"
    assert "recorded nowhere" in outcome.reason


async def test_progress_and_pending_tell_the_request_and_its_fate(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    said: list[str] = []
    intent, plan = at.intent("advance"), await at.plan("advance")
    await at.actions.execute(intent, plan, YES, said.append)
    assert said[0] == "release the controller's pause"
    assert "accepted by the server (200)" in said[1]
    assert said[-1].startswith("done: step 3 of 4")
    assert at.cluster.stages == ["sending", "sent", "done"]


async def test_dry_run_asks_the_server_and_stores_nothing(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    intent, plan = at.intent("advance"), await at.plan("advance")
    before = at.cluster.world.store.get("rollouts", "default", "web")
    outcome = await at.actions.dry_run(intent, plan)
    assert outcome.result == "planned"
    assert outcome.op_id is None
    (request,) = outcome.requests
    assert request["path"] == "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts/web/status"
    assert request["body"] == list(plan.patches[0].ops)
    assert at.cluster.world.store.get("rollouts", "default", "web") == before
    assert at.cluster.sent == []


async def test_a_dry_run_that_the_server_refuses_stops_a_rollback(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)

    async def refused(patch: Patch, dry_run: bool = False) -> Any:
        assert dry_run, "nothing but a dry run may be sent"
        raise Denied("admission webhook says no")

    at.cluster.patch = refused  # type: ignore[method-assign]
    refusal = await at.refused("rollback", to="stable")
    assert (refusal.result, "admission webhook says no" in refusal.reason) == ("denied", True)


async def test_a_rollback_is_dry_run_again_right_before_it_is_sent(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    intent, plan = at.intent("rollback", to="stable"), await at.plan("rollback", to="stable")
    at.cluster.dry.clear()
    assert (await at.actions.execute(intent, plan, YES)).result == "done"
    assert at.cluster.dry == [plan.patches[0]]


async def test_a_dry_run_that_cannot_be_made_is_overridden_by_typing(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    send = at.cluster.patch

    async def webhook(patch: Patch, dry_run: bool = False) -> Any:
        if dry_run:
            raise ApiError("admission webhook x does not support dry run", status=400)
        return await send(patch)

    at.cluster.patch = webhook  # type: ignore[method-assign]
    plan = await at.plan("rollback", to="stable")
    assert (plan.tier, "does not support dry run" in dict(plan.lines)["dry run"]) == (Tier.NAME, True)
    assert (await at.act("rollback", to="stable")).result == "done"


async def test_a_deployment_that_moved_to_another_version_is_not_aborted(tmp_path: Path) -> None:
    at = Seat(Cluster("deployment"), tmp_path)
    intent = at.intent("abort", DEPLOYED)

    def change(raw: dict[str, Any]) -> None:
        raw["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.acme.test/default/web:v9"

    at.cluster.human(DEPLOYED, change)
    at.cluster.advance(5)
    planned = await at.actions.plan(intent)
    assert planned.result == "moved"  # type: ignore[union-attr]


def test_pointers_and_what_an_object_says_about_a_patch() -> None:
    document = {"metadata": {"annotations": {"a/b~c": "x"}}, "list": [{"n": 1}], "status": {"index": 3}}
    assert resolve(document, "/metadata/annotations/a~1b~0c") == "x"
    assert resolve(document, "/list/0/n") == 1
    assert resolve(document, "/list/7/n") is None
    assert resolve(document, "/status/none/deeper") is None
    ops = [{"op": "test", "path": "/status/index", "value": 3}, {"op": "add", "path": "/status/index", "value": 4}]
    assert standing(ops, document) == "untouched"
    assert standing(ops, {"status": {"index": 4}}) == "applied"
    assert standing(ops, {"status": {"index": 6}}) == "unclear"
    assert moved([{"op": "test", "path": "/spec/paused", "value": True}], {"spec": {"paused": 1}}) != ()


def test_secrets_of_a_template_are_neither_shown_nor_journaled() -> None:
    env = [
        {"name": "DB_PASSWORD", "value": "hunter2"},
        {"name": "MODE", "value": "fast"},
        {"name": "URL", "value": "postgres://app:hunter2@db/x"},
        {"name": "API_TOKEN", "valueFrom": {"x": 1}},
    ]
    template = {"spec": {"containers": [{"name": "web", "image": "a@sha256:1", "env": env}]}}
    patch = Patch(ROLLOUTS, "d", "web", None, ({"op": "add", "path": "/spec/template", "value": template},), "why")
    assert "hunter2" not in str(shown(patch))
    assert "'fast'" in str(shown(patch))
    assert f"postgres://app:{HIDDEN}@db/x" in str(shown(patch))
    assert "MODE" not in str(journaled(patch))
    assert journaled(patch)["body"][0]["value"]["images"] == {"web": "a@sha256:1"}
    assert hide({"valueFrom": {"name": "token"}}) == {"valueFrom": {"name": "token"}}


def _hurry(at: Seat) -> None:
    """Waiting moves virtual time."""

    async def sleep(seconds: float) -> None:
        at.cluster.wall += seconds

    at.actions._gateway._sleep = sleep


def _break(at: Seat) -> None:
    def full(values: Any) -> Any:
        raise JournalError("journal x cannot be written: the disk is full; free some space or set journal.path")

    at.journal._store.append = full  # type: ignore[method-assign]
