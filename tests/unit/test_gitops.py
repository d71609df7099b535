"""Suspending a GitOps owner and resuming it: one guarded patch, journaled, exactly put back, never believed unseen."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cockpit.actions import Actions
from cockpit.base.clock import Clock
from cockpit.base.errors import AnswerLost, ApiError, Denied, NotFound, NotSent, Unreachable
from cockpit.journal import Journal, Who
from cockpit.model.guards import SYNC
from cockpit.model.plan import Consent, Intent, Outcome, Patch, Pending, Plan, Refusal, Tier, Verb
from cockpit.model.resource import Key, Resource
from cockpit.model.right import Answer, Right
from cockpit.model.snapshot import Snapshot
from cockpit.world.api.patch import PatchError, apply_json_patch
from tests.harness import seat
from tests.harness.inprocess import Answered
from tests.unit.test_preflight_owners import (
    KUSTOMIZED,
    NAME,
    NAMESPACE,
    RELEASED,
    TRACKED,
    application,
    helmrelease,
    kustomization,
    marked,
)

ROLLOUT = seat.rollout(NAME, NAMESPACE)
PLURALS = {"Application": "applications", "Kustomization": "kustomizations", "HelmRelease": "helmreleases"}
HEALING = {"selfHeal": True, "prune": True}


class Server:
    """An API server that holds a few objects. ``enabled``: how its Application knows that member.

    ``before`` and ``after`` are called around each write, and may raise what a broken connection raises.
    """

    def __init__(self, *objects: Mapping[str, Any], enabled: str = "known") -> None:
        self.enabled = enabled
        self.held: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.sent: list[Patch] = []
        self.denied: set[str] = set()
        self.fails: dict[str, Exception] = {}
        self.served: set[str] = set()  # beside what it holds
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        self.created: list[dict[str, Any]] = []
        for each in objects:
            body = copy.deepcopy(dict(each))
            body["metadata"]["resourceVersion"] = "1"
            plural = PLURALS.get(body["kind"], "rollouts")
            self.held[plural, body["metadata"]["namespace"], body["metadata"]["name"]] = body

    def owner(self) -> dict[str, Any]:
        return next(body for (plural, _, _), body in self.held.items() if plural != "rollouts")

    async def get(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        if (error := self.fails.get(f"get {resource.plural}")) is not None:
            raise error
        try:
            return copy.deepcopy(self.held[resource.plural, namespace, name])
        except KeyError:
            raise NotFound(f"{resource.plural} {name!r} not found") from None

    async def objects(self, resource: Resource, namespace: str | None = None, **_: Any) -> Sequence[dict[str, Any]]:
        if (error := self.fails.get(f"list {resource.plural}")) is not None:
            raise error
        return [copy.deepcopy(body) for (plural, _, _), body in self.held.items() if plural == resource.plural]

    async def owned(self, resource: Resource, namespace: str, uid: str) -> Sequence[dict[str, Any]]:
        return ()

    async def serves(self, resource: Resource) -> bool:
        if (error := self.fails.get(f"discover {resource.plural}")) is not None:
            raise error
        return resource.plural in self.served or any(plural == resource.plural for plural, _, _ in self.held)

    async def metadata(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        return dict((await self.get(resource, namespace, name))["metadata"])

    async def metadatas(self, resource: Resource, namespace: str | None = None, **_: Any) -> Sequence[dict[str, Any]]:
        return [each["metadata"] for each in await self.objects(resource, namespace)]

    async def patch(self, patch: Patch, dry_run: bool = False) -> Answered:
        if not dry_run:
            self.sent.append(patch)
            self.before()
        key = patch.resource.plural, patch.namespace, patch.name
        try:
            body = apply_json_patch(copy.deepcopy(self.held[key]), list(patch.ops))
        except PatchError as error:
            raise ApiError(f"the server rejected our request: {error}", status=422) from None
        automated = (body["spec"].get("syncPolicy") or {}).get("automated") or {}
        if "enabled" in automated and self.enabled == "strict":
            raise ApiError('strict decoding error: unknown field "spec.syncPolicy.automated.enabled"', status=400)
        if self.enabled == "pruned":
            automated.pop("enabled", None)
        if not dry_run:
            body["metadata"]["resourceVersion"] = str(int(body["metadata"]["resourceVersion"]) + 1)
            self.held[key] = body
            self.after()
        return Answered(200, copy.deepcopy(body), "audit-1")

    async def create(self, resource: Resource, namespace: str, body: dict[str, Any], dry_run: bool = False) -> Answered:
        self.created.append(body)
        return Answered(201, body)

    def can(self, right: Right, namespace: str) -> tuple[Answer, str]:
        return ("denied", f"you may not {right}") if str(right) in self.denied else ("allowed", "")

    async def check(self, right: Right, namespace: str) -> tuple[Answer, str]:
        return self.can(right, namespace)

    def forget(self) -> None: ...


class Picture:
    def snapshot(self) -> Snapshot:
        return seat.picture(ROLLOUT)

    async def changed(self, version: int) -> Snapshot:
        return self.snapshot()

    def set_pending(self, key: Key, pending: Pending | None) -> None: ...


class Desk:
    """One seat on a server; several share a journal by its folder."""

    def __init__(
        self, server: Server, folder: Path, user: str = "ann", *, read_only: bool = False, pid: int = 1
    ) -> None:
        self.wall, self.later = 1_000.0, 0.0
        self.journal = Journal(folder / "journal.sqlite3", folder / "runtime")
        self.actions = Actions(
            writer=server,
            reader=server,
            rights=server,
            journal=self.journal,
            clock=Clock(1.0, monotonic=self._now, unix=lambda: 1_800_000_000.0 + self.later),
            picture=Picture(),
            who=Who(user, user, "here", "demo", "demo", "0", pid, "p"),
            read_only=read_only,
            creator=server,
            reads=server,
        )

    def _now(self) -> float:
        self.wall += 5.0  # time passes with every look at it, so that no wait is for ever
        return self.wall

    async def draft(self, verb: Verb, **more: Any) -> tuple[Intent, Plan | Refusal]:
        intent = Intent(verb, ROLLOUT, at=1.0, **more)
        return intent, await self.actions.plan(intent)

    async def plan(self, verb: Verb, **more: Any) -> Plan:
        _, drafted = await self.draft(verb, **more)
        assert isinstance(drafted, Plan), drafted
        return drafted

    async def refused(self, verb: Verb, **more: Any) -> Refusal:
        _, drafted = await self.draft(verb, **more)
        assert isinstance(drafted, Refusal), drafted
        return drafted

    async def act(self, verb: Verb, **more: Any) -> Outcome:
        intent, drafted = await self.draft(verb, **more)
        assert isinstance(drafted, Plan), drafted
        return await self.actions.execute(intent, drafted, Consent(name=NAME, reason="INC-7"))


def tracked() -> dict[str, Any]:
    return marked(annotations=TRACKED)


def automated(server: Server) -> Any:
    return (server.owner()["spec"].get("syncPolicy") or {}).get("automated")


# -- suspend and resume ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [HEALING, {}, {"enabled": True, "selfHeal": True}, {"enabled": None}], ids=str)
@pytest.mark.parametrize("enabled", ["known", "strict", "pruned"])
async def test_a_resumed_application_has_exactly_the_policy_it_had(tmp_path: Path, policy: Any, enabled: str) -> None:
    server = Server(tracked(), application(automated=policy))
    server.enabled = enabled if "enabled" not in policy else "known"
    first = Desk(server, tmp_path)
    done = await first.act("suspend")
    assert done.result == "done", done
    suspended = automated(server)
    assert suspended is None or suspended["enabled"] is False
    later = Desk(server, tmp_path, "bob")  # another seat, after a restart, on the same journal
    done = await later.act("unsuspend")
    assert done.result == "done", done
    assert automated(server) == policy


@pytest.mark.parametrize("spec", [{}, {"suspend": False}], ids=str)
@pytest.mark.parametrize("kind", ["kustomization", "helmrelease"])
async def test_a_resumed_flux_object_is_as_it_was(tmp_path: Path, kind: str, spec: dict[str, Any]) -> None:
    made, labels = (kustomization, KUSTOMIZED) if kind == "kustomization" else (helmrelease, RELEASED)
    owner = made(**spec)
    server = Server(marked(labels), owner)
    desk = Desk(server, tmp_path)
    done = await desk.act("suspend")
    assert (done.result, server.owner()["spec"]["suspend"]) == ("done", True)
    done = await desk.act("unsuspend")
    assert done.result == "done", done
    assert server.owner()["spec"] == owner["spec"]


async def test_suspending_takes_the_name_and_resuming_a_yes(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated=HEALING))
    desk = Desk(server, tmp_path)
    intent, plan = await desk.draft("suspend")
    assert isinstance(plan, Plan)
    assert (plan.tier, plan.key) == (Tier.NAME, ROLLOUT.key)
    for consent in (Consent(), Consent(yes=True), Consent(name="shop-cart")):
        assert (await desk.actions.execute(intent, plan, consent)).result == "refused"
    assert server.sent == []
    assert (await desk.act("suspend")).result == "done"
    assert (await desk.plan("unsuspend")).tier is Tier.YES


async def test_the_patch_is_guarded_by_uid_and_the_policy_as_seen(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated=HEALING))
    desk = Desk(server, tmp_path)
    intent, plan = await desk.draft("suspend")
    assert isinstance(plan, Plan)
    (patch,) = plan.patches
    assert patch.ops == (
        {"op": "test", "path": "/metadata/uid", "value": "a"},
        {"op": "test", "path": SYNC, "value": HEALING},
        {"op": "add", "path": f"{SYNC}/enabled", "value": False},
    )
    server.owner()["spec"]["syncPolicy"]["automated"]["prune"] = False
    outcome = await desk.actions.execute(intent, plan, Consent(name=NAME))
    assert (outcome.result, server.sent) == ("moved", [])
    assert "the sync policy moved" in outcome.reason
    assert await desk.journal.acts() == ()


async def test_a_policy_that_moves_between_look_and_patch_stops_it_at_the_server(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated=HEALING))

    def meanwhile() -> None:
        server.owner()["spec"]["syncPolicy"]["automated"]["prune"] = False

    server.before = meanwhile
    outcome = await Desk(server, tmp_path).act("suspend")
    assert outcome.result == "moved"
    assert "enabled" not in automated(server)


async def test_the_journal_names_rollout_and_owner(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated=HEALING))
    desk = Desk(server, tmp_path)
    outcome = await desk.act("suspend")
    (act,) = await desk.journal.acts()
    assert (act.verb, act.namespace, act.name, act.result, act.reason) == ("suspend", NAMESPACE, NAME, "done", "INC-7")
    assert act.from_ == 'Application argocd/cart: auto-sync {"prune":true,"selfHeal":true}'
    assert '"enabled":false' in str(act.to)
    assert act.verified_at is not None
    rows = await desk.journal.show(act.op_id)
    assert rows[0]["body"]["plan"]["goal"]["owner"]["before"] == HEALING
    assert rows[0]["body"]["request"]["path"].endswith("/namespaces/argocd/applications/cart")
    assert outcome.op_id == act.op_id
    (event,) = server.created
    assert "Application argocd/cart: INC-7" in event["note"]


async def test_a_journal_that_cannot_be_written_stops_it(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated=HEALING))
    (tmp_path / "journal.sqlite3").mkdir()
    outcome = await Desk(server, tmp_path).act("suspend")
    assert (outcome.result, server.sent) == ("refused", [])


async def test_read_only_sends_nothing(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated=HEALING))
    desk = Desk(server, tmp_path, read_only=True)
    assert (await desk.act("suspend")).result == "refused"
    assert server.sent == []
    assert desk.actions.can("suspend", ROLLOUT.key)[0] == "denied"


async def test_rights_are_asked_of_the_server_first(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated=HEALING))
    server.denied.add("patch applications.argoproj.io")
    outcome = await Desk(server, tmp_path).act("suspend")
    assert (outcome.result, server.sent) == ("denied", [])
    assert "applications" in outcome.reason


async def test_a_parent_that_may_undo_it_is_named(tmp_path: Path) -> None:
    app = application(automated=HEALING)
    app["metadata"]["ownerReferences"] = [{"kind": "ApplicationSet", "name": "shop", "controller": True}]
    plan = await Desk(Server(tracked(), app), tmp_path).plan("suspend")
    assert any("ApplicationSet shop" in each for each in plan.warnings)
    owner = kustomization()
    owner["metadata"]["labels"] = {
        "kustomize.toolkit.fluxcd.io/name": "all",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    }
    plan = await Desk(Server(marked(KUSTOMIZED), owner), tmp_path).plan("suspend")
    assert any("Kustomization flux-system/all" in each for each in plan.warnings)


async def test_a_reset_by_the_parent_at_once_is_no_success(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated=HEALING))

    def reset() -> None:
        server.owner()["spec"]["syncPolicy"]["automated"] = dict(HEALING)

    server.after = reset
    outcome = await Desk(server, tmp_path).act("suspend")
    assert outcome.result == "moved"
    assert "changed it again" in outcome.reason


@pytest.mark.parametrize("verb", ["suspend", "unsuspend"])
@pytest.mark.parametrize("applied", [True, False])
async def test_a_lost_answer_is_told_by_the_owner_itself(tmp_path: Path, verb: Verb, applied: bool) -> None:
    server = Server(tracked(), application(automated=HEALING))
    desk = Desk(server, tmp_path)
    if verb == "unsuspend":
        await desk.act("suspend")
    server.sent.clear()

    def lost() -> None:
        raise AnswerLost("the connection broke")

    setattr(server, "after" if applied else "before", lost)
    outcome = await desk.act(verb)
    assert outcome.result == ("done" if applied else "unknown"), outcome
    assert len(server.sent) == 1


async def test_what_provably_was_not_sent_has_failed(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated=HEALING))

    def refused() -> None:
        raise NotSent("connection refused")

    server.before = refused
    assert (await Desk(server, tmp_path).act("suspend")).result == "failed"


# -- what there is to do -----------------------------------------------------------------------------------------------


async def test_there_is_nothing_to_do_where_nothing_acts(tmp_path: Path) -> None:
    for objects in ((tracked(), application()), (marked(),), (marked(KUSTOMIZED), kustomization(suspend=True))):
        refused = await Desk(Server(*objects), tmp_path).refused("suspend")
        assert refused.result == "nothing-to-do", refused
    on = Desk(Server(tracked(), application(automated=HEALING)), tmp_path)
    assert (await on.refused("unsuspend")).result == "nothing-to-do"


async def test_a_kustomization_that_leaves_the_object_alone_is_not_suspended_for_it(tmp_path: Path) -> None:
    exempted = marked(KUSTOMIZED, {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"})
    refused = await Desk(Server(exempted, kustomization()), tmp_path).refused("suspend")
    assert refused.result == "nothing-to-do"
    assert "leaves it alone already (kustomize.toolkit.fluxcd.io/reconcile: disabled)" in refused.reason
    plan = await Desk(Server(exempted, kustomization(suspend=True)), tmp_path).plan("unsuspend")
    assert plan.patches[0].resource.kind == "Kustomization"


@pytest.mark.parametrize("error", [Denied("forbidden"), Unreachable("HTTP 500"), ApiError("x", status=418)], ids=str)
async def test_an_owner_that_cannot_be_told_is_no_nothing(tmp_path: Path, error: Exception) -> None:
    server = Server(marked(), application(automated=HEALING))
    server.fails["list applications"] = error
    refused = await Desk(server, tmp_path).refused("suspend")
    assert refused.result != "nothing-to-do"
    assert "cannot be told" in refused.reason


@pytest.mark.parametrize(
    ("argo", "error", "said"),
    [
        (True, Denied("forbidden"), True),
        (True, Unreachable("HTTP 500"), True),
        (False, Unreachable("HTTP 500"), True),
        # Narrow rights answer 403 for kinds that there are not: discovery tells the two apart.
        (False, Denied("forbidden"), False),
    ],
)
async def test_a_second_owner_that_cannot_be_asked_is_said(
    tmp_path: Path, argo: bool, error: Exception, said: bool
) -> None:
    server = Server(marked(KUSTOMIZED), kustomization())
    if argo:
        server.served.add("applications")
    server.fails["list applications"] = error
    plan = await Desk(server, tmp_path).plan("suspend")
    assert any("another owner" in each for each in plan.warnings) is said


async def test_narrow_rights_and_a_discovery_that_fails_leave_a_second_owner_possible(tmp_path: Path) -> None:
    server = Server(marked(KUSTOMIZED), kustomization())
    server.fails["list applications"] = Denied("forbidden")
    server.fails["discover applications"] = Unreachable("HTTP 500")
    plan = await Desk(server, tmp_path).plan("suspend")
    assert any("another owner" in each for each in plan.warnings)


async def test_several_owners_are_a_choice(tmp_path: Path) -> None:
    server = Server(marked(KUSTOMIZED, TRACKED), application(automated=HEALING), kustomization())
    desk = Desk(server, tmp_path)
    refused = await desk.refused("suspend")
    assert {choice for choice, _ in refused.choices} == {"application/argocd/cart", "kustomization/flux-system/apps"}
    assert (await desk.refused("suspend", choice="application/argocd/other")).choices
    plan = await desk.plan("suspend", choice="kustomization/flux-system/apps")
    assert plan.patches[0].resource.kind == "Kustomization"


# -- resuming what this journal does not know --------------------------------------------------------------------------


async def test_a_policy_taken_away_elsewhere_has_to_be_said(tmp_path: Path) -> None:
    server = Server(tracked(), application())
    desk = Desk(server, tmp_path)
    refused = await desk.refused("unsuspend")
    assert "--policy" in refused.reason
    for junk in ("x", "[]", '{"selfHeal": 1}', '{"other": true}', '{"enabled": false}'):
        assert "--policy" in (await desk.refused("unsuspend", to=junk)).reason
    assert (await desk.act("unsuspend", to=json.dumps({"selfHeal": True}))).result == "done"
    assert automated(server) == {"selfHeal": True}


async def test_a_policy_without_any_sync_policy_around_it(tmp_path: Path) -> None:
    app = application()
    del app["spec"]["syncPolicy"]
    server = Server(tracked(), app)
    assert (await Desk(server, tmp_path).act("unsuspend", to="{}")).result == "done"
    assert server.owner()["spec"]["syncPolicy"] == {"automated": {}}


async def test_one_suspended_by_somebody_else_is_resumed_under_a_warning(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated={**HEALING, "enabled": False}))
    desk = Desk(server, tmp_path)
    assert any("does not know who" in each for each in (await desk.plan("unsuspend")).warnings)
    assert (await desk.act("unsuspend")).result == "done"
    assert automated(server) == HEALING
    server = Server(marked(KUSTOMIZED), kustomization(suspend=True))
    desk = Desk(server, tmp_path)
    assert any("does not know who" in each for each in (await desk.plan("unsuspend")).warnings)
    assert (await desk.act("unsuspend")).result == "done"
    assert not server.owner()["spec"].get("suspend")


async def test_a_policy_edited_while_it_was_suspended_is_said(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated=HEALING))
    desk = Desk(server, tmp_path)
    await desk.act("suspend")
    server.owner()["spec"]["syncPolicy"]["automated"]["prune"] = False
    plan = await desk.plan("unsuspend")
    assert any("changed meanwhile" in each for each in plan.warnings)


async def test_a_drifted_application_is_said_to_be_put_back(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated=HEALING))
    desk = Desk(server, tmp_path)
    await desk.act("suspend")
    server.owner()["status"]["sync"]["status"] = "OutOfSync"
    plan = await desk.plan("unsuspend")
    assert "put back within seconds" in dict(plan.lines)["effect"]
    assert any("put back within seconds" in each for each in plan.warnings)  # also for --yes in one command


# -- reminders, settlement, history ------------------------------------------------------------------------------------


async def test_every_start_reminds_of_what_stands_suspended(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated=HEALING))
    first = Desk(server, tmp_path)
    await first.act("suspend")
    later = Desk(server, tmp_path, "bob")
    later.later = 7_200.0
    await later.actions.settle()
    (notice,) = later.actions.notices
    assert notice.startswith("auto-sync of Application argocd/cart suspended 2h ago by ann; resume: ")
    assert notice.endswith(f"cockpit gitops resume {NAMESPACE}/{NAME}")
    server.fails["get applications"] = Unreachable("down")
    blind = Desk(server, tmp_path, "bob")
    await blind.actions.settle()
    assert "cannot be read now" in blind.actions.notices[0]
    del server.fails["get applications"]
    await later.act("unsuspend")
    quiet = Desk(server, tmp_path)
    await quiet.actions.settle()
    assert quiet.actions.notices == ()


@pytest.mark.parametrize("change", ["resumed", "another", "gone"])
async def test_what_was_resumed_elsewhere_is_no_reminder(tmp_path: Path, change: str) -> None:
    server = Server(tracked(), application(automated=HEALING))
    await Desk(server, tmp_path).act("suspend")
    if change == "resumed":
        server.owner()["spec"]["syncPolicy"]["automated"] = {"selfHeal": True}
    elif change == "another":
        server.owner()["metadata"]["uid"] = "b"
    else:
        del server.held["applications", "argocd", "cart"]
    later = Desk(server, tmp_path)
    await later.actions.settle()
    assert later.actions.notices == ()


class Died(BaseException):
    """The process ends here."""


@pytest.mark.parametrize(
    ("when", "meanwhile", "result"),
    [
        ("before", "", "failed"),
        ("before", "status", "unknown"),
        ("after", "", "done"),
        ("after", "another", "unknown"),
    ],
)
async def test_what_an_earlier_run_left_open_is_settled_by_the_owner(
    tmp_path: Path, when: str, meanwhile: str, result: str
) -> None:
    server = Server(tracked(), application(automated=HEALING))
    killed = Desk(server, tmp_path, pid=0)

    def die() -> None:
        raise Died

    setattr(server, when, die)
    with pytest.raises(Died):
        await killed.act("suspend")
    if meanwhile == "status":
        server.owner()["metadata"]["resourceVersion"] = "9"
    if meanwhile == "another":
        server.owner()["metadata"]["uid"] = "b"
    later = Desk(server, tmp_path)
    (settlement,) = await later.actions.settle()
    assert settlement.result == result, settlement
    if result == "done":
        assert any(each.startswith("auto-sync of") for each in later.actions.notices)
        server.before = server.after = lambda: None
        assert (await later.act("unsuspend")).result == "done"
        assert automated(server) == HEALING


async def test_an_act_on_the_owner_says_nothing_of_versions(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated=HEALING))
    desk = Desk(server, tmp_path)
    before = await desk.journal.history(ROLLOUT.uid)
    await desk.act("suspend")
    await desk.act("unsuspend")
    assert await desk.journal.history(ROLLOUT.uid) == before


async def test_a_damaged_row_is_no_suspension(tmp_path: Path) -> None:
    server = Server(tracked(), application(automated=HEALING))
    desk = Desk(server, tmp_path)
    await desk.act("suspend")
    (row, outcome) = await desk.journal.show((await desk.journal.acts())[0].op_id)
    from cockpit.journal.suspensions import open_suspensions

    assert len(open_suspensions([({**row, "body": json.dumps(row["body"])}, outcome)])) == 1
    for body in ("{}", "x", json.dumps({"plan": {"goal": {"owner": 3}}})):
        assert open_suspensions([({**row, "body": body}, outcome)]) == ()
    assert open_suspensions([({**row, "body": json.dumps(row["body"])}, None)]) == ()
