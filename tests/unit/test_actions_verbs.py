"""Every verb on the in-process world: the exact requests, their guards, and the effect that makes them done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cockpit.model.plan import Tier
from cockpit.model.resource import Key
from cockpit.strategies.arms import MEMORY
from tests.harness import manifests
from tests.harness.acting import DEPLOYED, WEB, Seat
from tests.harness.inprocess import Cluster, guards_of, ops


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path


def seat(folder: Path, scenario: str = "single", **more: Any) -> Seat:
    return Seat(Cluster(scenario), folder, **more)


def truth(at: Seat, key: Key = WEB) -> dict[str, Any]:
    plural = "rollouts" if key.kind == "Rollout" else "deployments"
    raw = at.cluster.world.store.get(plural, key.namespace, key.name)
    assert raw is not None
    return raw


def finish(at: Seat) -> None:
    at.cluster.human(WEB, lambda raw: raw["status"].update(promoteFull=True), "status")
    at.cluster.advance(180)
    assert at.cluster.rollout(WEB).canary is None


def hold(at: Seat, key: Key = WEB) -> None:
    at.cluster.human(key, lambda raw: raw["spec"].update(paused=True))
    at.cluster.advance(5)


ALL_GUARDS = {
    "/metadata/uid", "/spec/paused", "/status/currentPodHash", "/status/stableRS", "/status/currentStepIndex",
    "/status/pauseConditions", "/status/controllerPause", "/status/abort", "/status/promoteFull",
}  # fmt: skip


@pytest.mark.parametrize("scenario", ["single", "routed"])
async def test_advance_releases_the_pause_and_nothing_else(folder: Path, scenario: str) -> None:
    at = seat(folder, scenario)
    plan = await at.plan("advance")
    assert ops(plan) == [{"op": "remove", "path": "/status/pauseConditions"}]
    assert set(guards_of(plan)) == ALL_GUARDS
    assert plan.patches[0].subresource == "status"
    assert plan.tier is Tier.YES
    lines = dict(plan.lines)
    assert lines["runs"].endswith("→ pause 1m")
    assert "the last gate before 100 %" in lines["gates"]
    outcome = await at.act("advance")
    assert outcome.result == "done"
    assert at.cluster.rollout(WEB).step_index == 2
    assert await at.rows() == [("intent", 0, None), ("outcome", 0, "done")]


async def test_advance_on_blue_green_is_the_cutover(folder: Path) -> None:
    at = seat(folder, "bluegreen")
    new = at.cluster.rollout(WEB).canary
    assert new is not None
    plan = await at.plan("advance")
    assert "cutover" in dict(plan.lines)["traffic"]
    assert (await at.act("advance")).result == "done"
    assert truth(at)["status"]["blueGreen"]["activeSelector"] == new.hash


async def test_advance_is_refused_on_a_rollout_held_by_hand(folder: Path) -> None:
    at = seat(folder)
    assert (await at.act("pause")).result == "done"
    refusal = await at.refused("advance")
    assert refusal.reason.endswith("P resumes")
    assert truth(at)["status"]["currentStepIndex"] == 1


async def test_who_holds_it_is_the_field_manager_or_for_our_own_pause_the_journals_actor(folder: Path) -> None:
    at = seat(folder)

    def fields(manager: str) -> Any:
        def change(raw: dict[str, Any]) -> None:
            raw["spec"]["paused"] = True
            raw["metadata"]["managedFields"] = [{"manager": manager, "fieldsV1": {"f:spec": {"f:paused": {}}}}]

        return change

    async def read(*_: Any) -> dict[str, Any]:
        raw = truth(at)
        fields(at_manager)(raw)
        return raw

    assert (await at.act("pause")).result == "done"
    at.cluster.get = read  # type: ignore[method-assign]
    at_manager = "kubectl-edit"
    assert (await at.refused("advance")).reason == "paused by kubectl-edit; P resumes"
    at_manager = "rollout-cockpit"
    assert (await at.refused("advance")).reason == "paused by sre1; P resumes"


async def test_advance_with_nothing_to_release_says_what_comes_by_itself(folder: Path) -> None:
    at = seat(folder)
    assert (await at.act("advance")).result == "done"
    refusal = await at.refused("advance")
    assert refusal.result == "nothing-to-do"
    assert "step 4" in refusal.reason


async def test_pause_and_resume_touch_spec_paused_only(folder: Path) -> None:
    at = seat(folder)
    before = truth(at)["status"]
    plan = await at.plan("pause")
    assert (plan.title, ops(plan)) == ("PAUSE", [{"op": "add", "path": "/spec/paused", "value": True}])
    assert plan.patches[0].subresource is None
    assert (await at.act("pause")).result == "done"
    assert at.cluster.rollout(WEB).paused_by == "human"
    plan = await at.plan("resume")
    assert (plan.title, ops(plan)) == ("RESUME", [{"op": "add", "path": "/spec/paused", "value": False}])
    assert plan.direction == "hold"  # its own pause step still holds it
    assert (await at.act("resume")).result == "done"
    after = truth(at)["status"]
    for untouched in ("currentStepIndex", "pauseConditions", "controllerPause"):
        assert after.get(untouched) == before.get(untouched)
    assert (await at.refused("resume")).reason.endswith("> releases it")


async def test_a_timed_pause_keeps_counting_and_the_dialogs_say_so(folder: Path) -> None:
    at = seat(folder)
    assert (await at.act("advance")).result == "done"
    at.cluster.advance(20)
    assert at.cluster.rollout(WEB).pause_until is not None
    assert any("keeps counting" in warning for warning in (await at.plan("pause")).warnings)
    assert (await at.act("pause")).result == "done"
    plan = await at.plan("resume")
    assert plan.direction == "toward"
    assert any("may run on at once" in warning for warning in plan.warnings)


@pytest.mark.parametrize("scenario", ["single", "routed", "bluegreen"])
async def test_abort_takes_the_traffic_back(folder: Path, scenario: str) -> None:
    at = seat(folder, scenario)
    plan = await at.plan("abort")
    assert set(guards_of(plan)) == {"/metadata/uid", "/status/currentPodHash"}
    assert ops(plan) == [
        {"op": "add", "path": "/status/abort", "value": True},
        {"op": "add", "path": "/status/promoteFull", "value": False},
    ]
    outcome = await at.act("abort")
    assert outcome.result == "done"
    assert truth(at)["status"]["abort"] is True
    built = at.cluster.rollout(WEB)
    assert built.phase == "Degraded"
    assert built.weight.actual == 0.0


async def test_abort_reads_nothing_to_be_planned(folder: Path) -> None:
    at = seat(folder)
    at.cluster.reads.clear()
    await at.plan("abort")
    assert at.cluster.reads == []


@pytest.mark.parametrize("scenario", ["single", "routed", "bluegreen"])
async def test_abort_of_a_held_rollout_aborts_first_and_then_resumes(folder: Path, scenario: str) -> None:
    at = seat(folder, scenario)
    hold(at)
    plan = await at.plan("abort")
    assert [patch.subresource for patch in plan.patches] == ["status", None]
    assert guards_of(plan, 1)["/status/abort"] is True
    assert ops(plan, 1) == [{"op": "add", "path": "/spec/paused", "value": False}]
    outcome = await at.act("abort")
    assert outcome.result == "done"
    assert [patch.subresource for patch in at.cluster.sent] == ["status", None]
    assert truth(at)["spec"]["paused"] is False
    assert await at.rows() == [("intent", 0, None), ("intent", 1, None), ("outcome", 0, "done")]


async def test_abort_takes_effect_although_somebody_paused_after_the_dialog_was_drawn(folder: Path) -> None:
    at = seat(folder)
    intent, plan = at.intent("abort"), await at.plan("abort")
    assert len(plan.patches) == 1
    hold(at)
    outcome = await at.actions.execute(intent, plan, _yes())
    assert outcome.result == "done"
    assert [patch.subresource for patch in at.cluster.sent] == ["status", None]
    assert truth(at)["spec"]["paused"] is False
    assert at.cluster.rollout(WEB).weight.actual == 0.0


async def test_abort_stays_sendable_when_a_step_passed_meanwhile(folder: Path) -> None:
    at = seat(folder)
    intent, plan = at.intent("abort"), await at.plan("abort")
    at.cluster.human(WEB, lambda raw: raw["status"].pop("pauseConditions"), "status")
    at.cluster.advance(30)
    assert at.cluster.rollout(WEB).step_index != intent.rollout.step_index
    outcome = await at.actions.execute(intent, plan, _yes())
    assert outcome.result == "done"


async def test_the_abort_dialog_says_whether_stable_can_carry_all(folder: Path) -> None:
    assert "4 of 4 pods available" in dict((await seat(folder, "routed").plan("abort")).lines)["stable"]
    short = await seat(folder, "single").plan("abort")
    assert "4 of 5 pods available" in dict(short.lines)["stable"]
    assert any("lacks 1 pod" in warning for warning in short.warnings)


async def test_abort_with_nothing_in_flight_names_the_key_that_helps(folder: Path) -> None:
    at = seat(folder)
    finish(at)
    assert "R goes to an older version" in (await at.refused("abort")).reason


async def test_retry_starts_again_and_needs_the_name_after_ones_own_abort(folder: Path) -> None:
    at = seat(folder)
    assert (await at.act("abort")).result == "done"
    assert (await at.refused("abort")).result == "nothing-to-do"
    plan = await at.plan("retry")
    assert ops(plan) == [{"op": "add", "path": "/status/abort", "value": False}]
    assert plan.tier is Tier.NAME
    assert (await at.act("retry")).result == "done"
    assert not truth(at)["status"].get("abort")
    assert (await at.plan("abort")).tier is Tier.YES  # the retry took the version back into favour


async def test_full_promotion_takes_the_name_and_lists_what_it_skips(folder: Path) -> None:
    at = seat(folder)
    plan = await at.plan("full")
    assert plan.tier is Tier.NAME
    assert dict(plan.lines)["skips"] == "2 pauses, 1 other step"
    assert (await at.act("full")).result == "done"
    assert at.cluster.rollout(WEB).canary is None
    assert (await at.refused("full")).result == "nothing-to-do"


async def test_full_promotion_of_an_aborted_rollout_says_that_it_un_aborts(folder: Path) -> None:
    at = seat(folder)
    assert (await at.act("abort")).result == "done"
    plan = await at.plan("full")
    assert any("un-aborts" in warning for warning in plan.warnings)


async def test_skip_leaves_the_running_step_and_a_check_takes_the_name(folder: Path) -> None:
    at = seat(folder)
    assert "> releases it" in (await at.refused("skip")).reason
    at = Seat(Cluster("default"), folder)
    indexer = Key("Rollout", "search", "search-indexer")
    plan = await at.plan("skip", indexer)
    assert ops(plan) == [{"op": "add", "path": "/status/currentStepIndex", "value": 1}]
    assert (plan.tier, plan.skips_check) == (Tier.YES_WARNED, False)
    assert (await at.act("skip", indexer)).result == "done"
    worker = Key("Rollout", "notify", "email-worker")
    assert (await at.act("advance", worker, choice="again")).result == "done"
    assert "S skips it" in (await at.refused("advance", worker)).reason
    plan = await at.plan("skip", worker)
    assert (plan.tier, plan.skips_check) == (Tier.NAME, True)


async def test_an_inconclusive_check_is_run_again_or_accepted_with_the_name(folder: Path) -> None:
    at = Seat(Cluster("default"), folder)
    worker = Key("Rollout", "notify", "email-worker")
    refusal = await at.refused("advance", worker)
    assert [choice for choice, _ in refusal.choices] == ["again", "accept"]
    again = await at.plan("advance", worker, choice="again")
    assert ops(again) == [{"op": "remove", "path": "/status/pauseConditions"}]
    assert again.tier is Tier.YES
    accept = await at.plan("advance", worker, accept=True)
    assert ops(accept) == [
        {"op": "remove", "path": "/status/pauseConditions"},
        {"op": "add", "path": "/status/controllerPause", "value": False},
        {"op": "add", "path": "/status/currentStepIndex", "value": 3},
    ]
    assert (accept.tier, accept.skips_check) == (Tier.NAME, True)
    assert (await at.act("advance", worker, accept=True)).result == "done"
    index = at.cluster.rollout(worker).step_index
    assert index is not None
    assert index >= 3


async def test_restart_keeps_versions_and_renews_pods(folder: Path) -> None:
    at = seat(folder)
    finish(at)
    at.cluster.advance(60)
    before = {pod.name for pod in at.cluster.rollout(WEB).baseline.pods}  # type: ignore[union-attr]
    assert (await at.act("restart")).result == "done"
    after = at.cluster.rollout(WEB)
    assert after.baseline is not None
    assert before.isdisjoint(pod.name for pod in after.baseline.pods)


@pytest.mark.parametrize("scenario", ["single", "routed", "bluegreen"])
async def test_rollback_to_stable_reuses_its_replicaset_and_runs_no_step(folder: Path, scenario: str) -> None:
    at = seat(folder, scenario)
    stable = at.cluster.rollout(WEB).baseline
    assert stable is not None
    plan = await at.plan("rollback", to="stable")
    assert set(guards_of(plan)) == ALL_GUARDS
    assert [op["path"] for op in ops(plan)] == ["/spec/template"]
    assert plan.sequence == ()
    assert plan.tier is Tier.YES
    assert dict(plan.lines)["dry run"] == "the server would accept it"
    assert len(at.cluster.dry) == 1
    assert at.cluster.sent == []
    outcome = await at.act("rollback", to="stable")
    assert outcome.result == "done"
    built = at.cluster.rollout(WEB)
    assert built.canary is None
    assert built.baseline is not None
    assert built.baseline.hash == stable.hash
    assert {pod.digest for pod in built.baseline.pods} == {stable.images[0].digest}


async def test_rollback_now_after_a_finished_rollout_promotes_once_the_target_is_current(folder: Path) -> None:
    at = seat(folder)
    finish(at)
    old = at.cluster.rollout(WEB).before
    assert old is not None
    plan = await at.plan("rollback", to="last-good")
    assert len(plan.sequence) == 2  # now is the default when the version to leave is the stable one
    outcome = await at.act("rollback", to="last-good")
    assert outcome.result == "done"
    assert [patch.subresource for patch in at.cluster.sent] == [None, "status"]
    promoted = at.cluster.sent[1].ops
    assert {"op": "test", "path": "/metadata/uid", "value": plan.uid} in promoted
    assert promoted[-1] == {"op": "add", "path": "/status/promoteFull", "value": True}
    built = at.cluster.rollout(WEB)
    assert built.canary is None
    assert built.baseline is not None
    assert built.baseline.images[0].digest == old.images[0].digest


async def test_rollback_through_the_steps_lists_them_and_stays_in_them(folder: Path) -> None:
    at = seat(folder)
    finish(at)
    plan = await at.plan("rollback", to="last-good", now=False)
    assert plan.sequence == ()
    assert "all 4 steps: 20% → pause ∞" in dict(plan.lines)["runs"]
    assert (await at.act("rollback", to="last-good", now=False)).result == "done"
    built = at.cluster.rollout(WEB)
    assert built.returning
    assert built.canary is not None


@pytest.mark.parametrize("window", [1, 0])
async def test_a_version_inside_the_rollback_window_is_said_to_run_no_step_and_runs_none(
    folder: Path, window: int
) -> None:
    at = seat(folder, "routed")  # its old ReplicaSet stays up for a while, so that its template is put back as it is
    at.cluster.human(WEB, lambda raw: raw["spec"].update(rollbackWindow={"revisions": window}))
    at.cluster.human(WEB, lambda raw: raw["status"].update(promoteFull=True), "status")
    while at.cluster.rollout(WEB).canary is not None:
        at.cluster.advance(1)
    plan = await at.plan("rollback", to="last-good", now=False)
    said = dict(plan.lines)["runs"]
    assert said.startswith("no step, no check: inside the rollback window") is bool(window)
    assert (await at.act("rollback", to="last-good", now=False)).result == "done"
    at.cluster.advance(120)
    assert (at.cluster.rollout(WEB).canary is None) is bool(window)


async def test_pinning_loses_the_rollback_window_and_the_dialog_says_so(folder: Path) -> None:
    at = seat(folder)
    assert at.cluster.rollout(WEB).baseline is not None  # its digests are seen while its pods run
    finish(at)
    at.cluster.human(WEB, lambda raw: raw["spec"].update(rollbackWindow={"revisions": 3}))
    at.cluster.advance(300)  # what was there before is scaled down: its tag is pinned
    plan = await at.plan("rollback", to="last-good", now=False)
    assert any("the rollback window of 3 revisions is lost: every step runs" in each for each in plan.warnings)
    assert "all 4 steps" in dict(plan.lines)["runs"]
    assert (await at.act("rollback", to="last-good", now=False)).result == "done"
    at.cluster.advance(120)
    assert at.cluster.rollout(WEB).canary is not None


async def test_a_scaled_down_target_is_pinned_to_the_digests_its_pods_ran(folder: Path) -> None:
    at = seat(folder)
    old = at.cluster.rollout(WEB).baseline
    assert old is not None
    digest = old.images[0].digest
    finish(at)
    at.cluster.advance(300)
    gone = at.cluster.rollout(WEB).before
    assert gone is not None
    assert gone.pods == ()
    plan = await at.plan("rollback", to="last-good")
    (template,) = [op["value"] for op in ops(plan)]
    assert template["spec"]["containers"][0]["image"].endswith(f"@{digest}")
    assert plan.to_images[0].endswith(f"@{digest}")


async def test_on_a_held_rollout_template_and_paused_travel_in_one_patch(folder: Path) -> None:
    at = seat(folder)
    hold(at)
    plan = await at.plan("rollback", to="stable")
    assert [op["path"] for op in ops(plan)] == ["/spec/template", "/spec/paused"]
    assert len(plan.patches) == 1
    assert (await at.act("rollback", to="stable")).result == "done"
    assert truth(at)["spec"]["paused"] is False


@pytest.mark.parametrize("target", ["99", "sha256:" + "0" * 64, "bogus!", "last"])
async def test_rollback_to_what_is_not_there_is_refused_in_words(folder: Path, target: str) -> None:
    at = seat(folder)
    refusal = await at.refused("rollback", to=target)
    assert refusal.result == "refused"
    assert target[:20] in refusal.reason


async def test_rollback_finds_its_target_by_revision_hash_and_digest(folder: Path) -> None:
    at = seat(folder)
    stable = at.cluster.rollout(WEB).baseline
    assert stable is not None
    digest = stable.images[0].digest
    assert digest is not None
    for name in (str(stable.revision), stable.hash, digest, digest[7:27]):
        assert (await at.plan("rollback", to=name)).to_hash == stable.hash


async def test_rollback_to_what_is_asked_for_already_has_nothing_to_do(folder: Path) -> None:
    at = seat(folder)
    finish(at)
    assert (await at.refused("rollback", to="stable")).result == "nothing-to-do"
    current = at.cluster.rollout(WEB).baseline
    assert current is not None
    assert (await at.refused("rollback", to=str(current.revision))).result == "nothing-to-do"


async def test_last_good_passes_over_what_was_left_before(folder: Path) -> None:
    at = seat(folder)
    bad = at.cluster.rollout(WEB).canary
    assert bad is not None
    assert (await at.act("abort")).result == "done"

    def third(raw: dict[str, Any]) -> None:
        raw["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.acme.test/default/web:v4"

    at.cluster.human(WEB, third)
    at.cluster.advance(30)
    finish(at)
    plan = await at.plan("rollback", to="last-good")
    assert plan.to_hash != bad.hash
    again = await at.plan("rollback", to=bad.hash)
    assert again.tier is Tier.NAME


async def test_the_way_back_from_a_rollback_in_flight_takes_the_name(folder: Path) -> None:
    at = seat(folder)
    finish(at)
    assert (await at.act("rollback", to="last-good", now=False)).result == "done"
    plan = await at.plan("abort")
    assert plan.tier is Tier.NAME
    assert any("return to an earlier version" in warning for warning in plan.warnings)


async def test_gitops_owners_are_warned_about_before_a_rollback(folder: Path) -> None:
    at = Seat(Cluster("default"), folder)
    plan = await at.plan("rollback", Key("Rollout", "edge", "gateway"), to="stable")
    assert any("Argo CD application" in warning for warning in plan.warnings)


async def test_a_referenced_workload_is_patched_in_its_stead(folder: Path) -> None:
    at = Seat(Cluster("default"), folder)
    ranker = Key("Rollout", "ml", "ranker")
    plan = await at.plan("rollback", ranker, to="stable")
    assert (plan.patches[0].resource.kind, plan.patches[0].name) == ("Deployment", "ranker-template")
    assert set(guards_of(plan)) == {"/metadata/uid", "/metadata/generation"}
    assert (await at.act("rollback", ranker, to="stable")).result == "done"
    assert at.cluster.rollout(ranker).canary is None


async def test_a_referenced_workload_under_a_held_rollout_is_resumed_afterwards(folder: Path) -> None:
    at = Seat(Cluster("default"), folder)
    ranker = Key("Rollout", "ml", "ranker")
    hold(at, ranker)
    plan = await at.plan("rollback", ranker, to="stable")
    assert len(plan.sequence) == 2
    assert (await at.act("rollback", ranker, to="stable")).result == "done"
    assert [patch.resource.kind for patch in at.cluster.sent] == ["Deployment", "Rollout"]


async def test_a_deployment_goes_back_to_the_replicaset_that_still_serves(folder: Path) -> None:
    at = seat(folder, "deployment")
    old = at.cluster.rollout(DEPLOYED).baseline
    assert old is not None
    plan = await at.plan("abort", DEPLOYED)
    assert set(guards_of(plan)) == {"/metadata/uid", "/spec/template"}
    assert plan.tier is Tier.YES

    def scaled(raw: dict[str, Any]) -> None:
        raw["spec"]["replicas"] = 7  # an autoscaler does not stand in the way of X

    at.cluster.human(DEPLOYED, scaled)
    assert (await at.actions.execute(at.intent("abort", DEPLOYED), plan, _yes())).result == "done"
    built = at.cluster.rollout(DEPLOYED)
    assert built.baseline is not None
    assert built.baseline.hash == old.hash


async def test_a_held_deployment_is_resumed_by_the_same_patch(folder: Path) -> None:
    at = seat(folder, "deployment")
    hold(at, DEPLOYED)
    plan = await at.plan("abort", DEPLOYED)
    assert [op["path"] for op in ops(plan)] == ["/spec/template", "/spec/paused"]
    assert (await at.act("abort", DEPLOYED)).result == "done"


async def test_a_deployment_without_an_older_version_that_serves_asks_for_a_revision(folder: Path) -> None:
    at = seat(folder, "deployment")
    at.cluster.advance(900)
    assert at.cluster.rollout(DEPLOYED).canary is None
    assert "R goes to an older version" in (await at.refused("abort", DEPLOYED)).reason


async def test_pause_and_resume_of_a_deployment(folder: Path) -> None:
    at = seat(folder, "deployment")
    assert (await at.act("pause", DEPLOYED)).result == "done"
    plan = await at.plan("resume", DEPLOYED)
    assert set(guards_of(plan)) == {"/metadata/uid", "/metadata/generation", "/spec/paused"}
    assert (plan.tier, plan.direction) == (Tier.YES_WARNED, "toward")
    assert any("100 % with no further stop" in warning for warning in plan.warnings)
    assert (await at.act("resume", DEPLOYED)).result == "done"


@pytest.mark.parametrize(
    ("target", "result"),
    # What pods of the oldest version ran was never seen: that it runs again cannot be proven, and is not claimed.
    [("stable", "done"), ("last-good", "accepted"), ("1", "accepted")],
)
async def test_rollback_of_a_deployment(folder: Path, target: str, result: str) -> None:
    MEMORY._known.clear()
    at = seat(folder, "deployment")
    plan = await at.plan("rollback", DEPLOYED, to=target)
    assert set(guards_of(plan)) == {"/metadata/uid", "/metadata/generation", "/spec/paused"}
    outcome = await at.act("rollback", DEPLOYED, to=target)
    assert outcome.result == result
    built = at.cluster.rollout(DEPLOYED)
    assert built.baseline is not None
    assert built.canary is None


async def test_restart_of_a_deployment_makes_missing_parents(folder: Path) -> None:
    at = Seat(Cluster("empty"), folder)
    at.cluster.world.store.create(manifests.namespace())
    for each in manifests.deployment("plain"):
        at.cluster.world.store.create(each)
    at.cluster.advance(200)
    key = Key("Deployment", manifests.NAMESPACE, "plain")
    plan = await at.plan("restart", key)
    assert ops(plan)[0] == {"op": "add", "path": "/spec/template/metadata/annotations", "value": {}}
    assert (await at.act("restart", key)).result == "done"


@pytest.mark.parametrize("verb", ["advance", "skip", "full", "retry"])
async def test_what_a_deployment_cannot_do_is_said(folder: Path, verb: Any) -> None:
    at = seat(folder, "deployment")
    assert f"a Deployment has no {verb}" in (await at.refused(verb, DEPLOYED)).reason
    assert at.actions.can(verb, DEPLOYED)[0] == "denied"


async def test_at_step_and_hash_refuse_when_the_rollout_stands_elsewhere(folder: Path) -> None:
    at = seat(folder)
    current = at.cluster.rollout(WEB).canary
    assert current is not None
    assert (await at.plan("advance", at_step=1, at_hash=current.hash)).verb == "advance"
    assert (await at.refused("advance", at_step=0)).result == "moved"
    assert (await at.refused("advance", at_hash="abc")).result == "moved"


def _yes() -> Any:
    from cockpit.model.plan import Consent

    return Consent(yes=True)
