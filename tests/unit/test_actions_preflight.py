"""The pre-flight around an act: drawn in the dialog, asked again right before the request, held against the consent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cockpit.actions import Actions, this_process
from cockpit.actions.gateway import Gateway
from cockpit.actions.preflight.runner import OnProgress
from cockpit.actions.proof import Compare, by_digest
from cockpit.base.errors import AnswerLost, Denied
from cockpit.model.plan import Consent, Intent, Patch, Plan, Tier
from cockpit.model.preflight import Finding, Preflight
from cockpit.model.resource import PODS, Resource
from tests.harness.acting import Seat
from tests.harness.inprocess import Answered, Cluster, broken

OK = Finding("retained", "retained", "ok", text="1 of 1 images")
GONE = Finding("retained", "retained", "finding", "block", text="web is missing")
UNKNOWN = Finding("retained", "retained", "unknown", "confirm", text="no answer")


class Examiner:
    """Finds what ``now`` says, whatever it is asked about; ``ages`` are the oldest answers that it was to accept."""

    def __init__(self, now: Finding = OK) -> None:
        self.now = now
        self.ages: list[float] = []

    async def examine(
        self, intent: Intent, plan: Plan, trial: Any, *, max_age: float = 30.0, on_progress: OnProgress | None = None
    ) -> Preflight:
        self.ages.append(max_age)
        running = Finding("retained", "retained", "running")
        if on_progress is not None:
            on_progress(Preflight("t", plan.to_hash, (running,), complete=False))
        found = Preflight("t", plan.to_hash, (self.now,), complete=True)
        if on_progress is not None:
            on_progress(found)
        return found


def examined(folder: Path, examiner: Examiner, compare: Compare = by_digest) -> Seat:
    at = Seat(Cluster("single"), folder)
    at.actions = Actions(
        writer=at.cluster,
        reader=at.cluster,
        rights=at.cluster,
        journal=at.journal,
        clock=at.cluster.clock(),
        picture=at.cluster,
        who=this_process("sre1", "demo", "demo"),
        examiner=examiner,  # type: ignore[arg-type]
        compare=compare,
    )
    return at


async def test_who_may_not_roll_back_is_told_what_the_checks_found(tmp_path: Path) -> None:
    at = examined(tmp_path, Examiner(GONE))

    async def refused(patch: Patch, dry_run: bool = False) -> Any:
        assert dry_run, "nothing but a dry run may be sent"
        raise Denied("user viewer cannot patch rollouts")

    at.cluster.patch = refused  # type: ignore[method-assign]
    refusal = await at.refused("rollback", to="stable")
    assert refusal.result == "denied"
    assert refusal.preflight is not None
    assert refusal.preflight.findings == (GONE,)


async def test_what_was_lost_while_the_dialog_was_open_is_refused(tmp_path: Path) -> None:
    examiner = Examiner()
    at = examined(tmp_path, examiner)
    intent = at.intent("rollback", to="stable")
    plan = await at.plan("rollback", to="stable")
    assert plan.preflight is not None
    assert plan.preflight.findings == (OK,)
    assert examiner.ages == [30.0]
    examiner.now = GONE
    for given in (Consent(yes=True), Consent(name="web"), Consent(name="web", overrides=("signature",))):
        outcome = await at.actions.execute(intent, plan, given)
        assert outcome.result == "refused"
        assert "retained: web is missing" in outcome.reason
        assert "--override retained --confirm web" in outcome.reason
    assert examiner.ages[1:] == [0.0] * 3  # what the dialog saw is not what is acted on
    assert at.cluster.sent == []
    assert await at.journal.acts() == ()
    done = await at.actions.execute(intent, plan, Consent(name="web", overrides=("retained",)))
    assert (done.result, len(at.cluster.sent)) == ("done", 1)


async def test_an_answer_that_was_lost_while_the_dialog_was_open_takes_the_name(tmp_path: Path) -> None:
    examiner = Examiner()
    at = examined(tmp_path, examiner)
    intent = at.intent("rollback", to="stable")
    plan = await at.plan("rollback", to="stable")
    examiner.now = UNKNOWN
    outcome = await at.actions.execute(intent, plan, Consent(yes=True))
    assert (outcome.result, at.cluster.sent) == ("refused", [])
    assert "retained: no answer" in outcome.reason
    assert (await at.actions.execute(intent, plan, Consent(name="web"))).result == "done"


async def test_the_journal_keeps_what_was_found_right_before_the_request(tmp_path: Path) -> None:
    examiner = Examiner()
    at = examined(tmp_path, examiner)
    intent = at.intent("rollback", to="stable")
    plan = await at.plan("rollback", to="stable")
    examiner.now = GONE
    outcome = await at.actions.execute(intent, plan, Consent(name="web", overrides=("retained",)))
    assert outcome.op_id is not None
    body = str((await at.journal.show(outcome.op_id))[0]["body"])
    assert "web is missing" in body
    assert "overrides" in body
    assert examiner.ages == [30.0, 0.0]


async def test_a_plan_takes_the_name_while_its_checks_run(tmp_path: Path) -> None:
    at = examined(tmp_path, Examiner())
    drafts: list[Plan] = []
    planned = await at.actions.plan(at.intent("rollback", to="stable"), drafts.append)
    assert isinstance(planned, Plan)
    assert planned.tier is Tier.YES
    assert [draft.tier for draft in drafts] == [Tier.NAME]
    assert drafts[0].preflight is not None
    assert not drafts[0].preflight.complete


async def test_other_verbs_wait_for_no_pre_flight(tmp_path: Path) -> None:
    examiner = Examiner(GONE)
    at = examined(tmp_path, examiner)
    assert (await at.act("abort")).result == "done"
    assert examiner.ages == []


async def test_a_lost_answer_is_no_proof_of_what_the_pods_run(tmp_path: Path) -> None:
    at = examined(tmp_path, Examiner(), compare=lambda *_: "mismatch")
    reads = at.cluster.get

    async def moved_on(resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        found = await reads(resource, namespace, name)
        # The read back tells nothing any more, while the picture shows the effect.
        again = resource.plural == "rollouts" and at.cluster.sent
        return {**found, "metadata": {**found["metadata"], "uid": "another"}, "spec": {}} if again else found

    at.cluster.get = moved_on  # type: ignore[method-assign]
    at.cluster.after_write = broken(AnswerLost("connection reset"))
    outcome = await at.act("rollback", to="stable")
    assert outcome.result == "accepted"
    assert "not verified" in outcome.reason
    (act,) = await at.journal.acts()
    assert act.verified_at is None


async def test_read_only_tries_no_pod() -> None:
    tried: list[Any] = []

    class Creator:
        async def create(
            self, resource: Resource, namespace: str, body: dict[str, Any], dry_run: bool = False
        ) -> Answered:
            tried.append(body)
            return Answered(201, body)

    cluster = Cluster("single")
    gateway = Gateway(cluster, cluster, cluster, cluster.clock(), read_only=True, creator=Creator())
    sent = await gateway.admit(PODS, "default", {"kind": "Pod"})
    assert (sent.fate, sent.text, tried) == ("refused", "not run: read-only", [])
