"""Rollbacks under GitOps owners that really put Git back: blocked by name, suspended and resumed, told when flipped.

The whole engine on a world in this process, then the installed command with kubectl as the witness. Budget: 90 s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cockpit.actions.flipback import GUARD_SECONDS
from cockpit.doctor.rbac import manifest
from cockpit.model.plan import Consent, Intent, Outcome, Plan, Refusal, Verb
from cockpit.model.preflight import Finding
from cockpit.model.resource import Key
from tests import peers
from tests.conftest import MakeCockpit, MakeWorld
from tests.harness.kubectl import Kubectl
from tests.harness.stand import Chair, Stand, standing

CART = Key("Rollout", "shop", "cart")
GATEWAY = Key("Rollout", "shop", "gateway")
ORDERS = Key("Rollout", "shop", "orders")
AGENT = "rollout-cockpit"


def template(stand: Stand, key: Key = CART) -> Any:
    found = stand.world.objects.get("rollouts", key.namespace, key.name)
    assert found is not None
    return found["spec"]["template"]


def policy(stand: Stand, name: str = "shop-cart") -> Any:
    found = stand.world.objects.get("applications", "argocd", name)
    assert found is not None
    return found["spec"]["syncPolicy"]["automated"]


def finding(plan: Plan, check: str) -> Finding:
    assert plan.preflight is not None
    return next(each for each in plan.preflight.findings if each.check == check)


async def drawn(chair: Chair, verb: Verb, key: Key = CART, **more: Any) -> tuple[Intent, Plan]:
    await chair.look()
    intent = Intent(verb, chair.rollout(key), chair.verdict(key), at=chair.session.now(), **more)
    plan = await chair.session.plan(intent)
    assert isinstance(plan, Plan), plan
    return intent, plan


async def sent(
    stand: Stand, chair: Chair, intent: Intent, plan: Plan, overrides: tuple[str, ...] = (), *, step: float = 5.0
) -> Outcome:
    consent = Consent(yes=True, name=plan.key.name, reason="INC-7", overrides=overrides)
    acting = asyncio.create_task(chair.session.execute(intent, plan, consent))
    for _ in range(60):
        if acting.done():
            break
        await stand.tick(chair, seconds=step)
    return await acting


async def told(stand: Stand, chair: Chair, what: str) -> str:
    """Let time pass until a notice says so."""
    for _ in range(40):
        for notice in chair.session.notices:
            if what in notice:
                return notice
        await stand.tick(chair, seconds=2.0)
    raise AssertionError(f"nobody said {what!r}: {chair.session.notices}")


async def test_the_owner_blocks_is_suspended_and_its_flip_back_is_announced(tmp_path: Path) -> None:
    async with standing(tmp_path, "self-heal") as stand:
        before, healing = template(stand), policy(stand)
        async with stand.chair() as chair:
            chair.session._actions._guards.seconds = GUARD_SECONDS  # as a session of screens has it
            intent, plan = await drawn(chair, "rollback", to="last-good")
            found = finding(plan, "argocd")
            assert (found.state, found.severity) == ("finding", "block")
            assert "Application argocd/shop-cart" in found.text
            assert "cockpit gitops suspend shop/cart" in str(found.remedy)
            outcome = await chair.session.execute(intent, plan, Consent(yes=True, name="cart"))
            assert outcome.result == "refused"
            assert "--override argocd" in outcome.reason
            assert template(stand) == before

            intent, plan = await drawn(chair, "suspend")
            outcome = await sent(stand, chair, intent, plan)
            assert outcome.result == "done", outcome
            assert policy(stand) == {**healing, "enabled": False}

            intent, plan = await drawn(chair, "rollback", to="last-good")
            found = finding(plan, "argocd")
            assert (found.severity, "is suspended" in found.text) == ("info", True)
            outcome = await sent(stand, chair, intent, plan)
            assert outcome.result in ("done", "accepted"), outcome
            rolled_back = template(stand)
            assert rolled_back != before
            await stand.run(120, chair)
            assert template(stand) == rolled_back  # nobody puts it back

        async with stand.chair() as later:  # another process on the same journal
            later.session._actions._guards.seconds = GUARD_SECONDS
            assert any(
                each.startswith("auto-sync of Application argocd/shop-cart suspended")
                and each.endswith("resume: cockpit gitops resume shop/cart")
                for each in later.session.notices
            ), later.session.notices
            intent, plan = await drawn(later, "unsuspend")
            assert "put back within seconds" in dict(plan.lines)["effect"]
            outcome = await sent(stand, later, intent, plan, step=0.0)
            assert outcome.result == "done", outcome
            assert policy(stand) == healing
            await stand.run(30, later)
            assert template(stand) == before
        async with stand.chair() as last:
            assert not any("suspended" in each for each in last.session.notices)


async def test_a_flip_back_after_an_override_is_announced_and_journaled(tmp_path: Path) -> None:
    async with standing(tmp_path, "self-heal") as stand, stand.chair() as chair:
        chair.session._actions._guards.seconds = GUARD_SECONDS
        before = template(stand)
        intent, plan = await drawn(chair, "rollback", to="last-good")
        await sent(stand, chair, intent, plan, ("argocd",))
        notice = await told(stand, chair, "back")
        assert "argocd-controller" in notice or "Argo CD" in notice
        assert template(stand) == before
        (act, *_) = await chair.session.journal()
        entry = await chair.session.entry(act.op_id)
        assert entry is not None
        assert any("back" in str(row["reason"]) for row in entry.rows if row["row"] == "outcome")


async def test_a_suspension_that_its_parent_resets_is_warned_of_and_not_remembered(tmp_path: Path) -> None:
    async with standing(tmp_path, "self-heal") as stand:
        async with stand.chair() as chair:
            intent, plan = await drawn(chair, "suspend", GATEWAY)
            assert any("ApplicationSet shop" in each for each in plan.warnings)
            outcome = await sent(stand, chair, intent, plan, step=0.0)
            assert outcome.result == "done", outcome
            await stand.run(60, chair)
            assert policy(stand, "shop-gateway").get("enabled") is None
            _, again = await drawn(chair, "rollback", GATEWAY, to="last-good")
            assert finding(again, "argocd").severity == "block"
        async with stand.chair() as later:
            assert later.session.notices == ()


async def test_flux_is_suspended_and_resumed_as_it_was(tmp_path: Path) -> None:
    async with standing(tmp_path, "flux") as stand, stand.chair() as chair:
        for key, plural, namespace, name in (
            (CART, "kustomizations", "flux-system", "shop-cart"),
            (ORDERS, "helmreleases", "shop", "orders"),
        ):
            owner = stand.world.objects.get(plural, namespace, name)
            assert owner is not None
            before = template(stand, key)
            intent, plan = await drawn(chair, "suspend", key)
            assert (await sent(stand, chair, intent, plan)).result == "done"
            intent, plan = await drawn(chair, "rollback", key, to="last-good")
            assert finding(plan, "flux").severity == "info"
            outcome = await sent(stand, chair, intent, plan)
            assert outcome.result in ("done", "accepted"), outcome
            await stand.run(90, chair)
            assert template(stand, key) != before
            intent, plan = await drawn(chair, "unsuspend", key)
            assert (await sent(stand, chair, intent, plan)).result == "done"
            now = stand.world.objects.get(plural, namespace, name)
            assert now is not None
            assert now["spec"] == owner["spec"]
            await stand.run(90, chair)
            assert template(stand, key) == before


async def test_who_owns_nothing_has_nothing_to_suspend(tmp_path: Path) -> None:
    async with standing(tmp_path, "helm") as stand, stand.chair() as chair:
        await chair.look()
        refused = await chair.session.plan(Intent("suspend", chair.rollout(CART)))
        assert isinstance(refused, Refusal)
        assert refused.result == "nothing-to-do"


# -- the installed command, seen by kubectl ----------------------------------------------------------------------------


@pytest.fixture
def heal(make_world: MakeWorld) -> Any:
    return make_world(scenario="self-heal", speed=0.0)


@pytest.fixture
def seen(heal: Any, tmp_path: Path) -> Callable[[], Any]:
    kubectl = Kubectl(peers.need("kubectl"), heal.kubeconfig, tmp_path / "kubectl-home")
    return lambda: kubectl.get("applications", "argocd", "shop-cart")["spec"]["syncPolicy"]["automated"]


def test_the_command_as_an_operator_with_exactly_the_printed_rights(
    heal: Any, seen: Callable[[], Any], make_cockpit: MakeCockpit, tmp_path: Path
) -> None:
    rules = yaml.safe_load(manifest(operator=True))["rules"]
    heal.control.user("ann", "token-of-ann", rules=rules)
    document = yaml.safe_load(heal.kubeconfig.read_text())
    document["users"][0]["user"] = {"token": "token-of-ann"}
    own = tmp_path / "kubeconfig-of-ann"
    own.write_text(yaml.safe_dump(document))
    cockpit = make_cockpit(heal, "--kubeconfig", str(own))
    before = seen()

    blocked = cockpit.run("rollback", "shop/cart", "--to", "last-good", "--confirm", "cart")
    assert blocked.code == 1, blocked
    assert "argocd: Application argocd/shop-cart puts Git back" in blocked.out
    checks = {each["check"]: each for each in cockpit.json("preflight", "shop/cart", "--to", "last-good")["findings"]}
    assert [name for name, each in checks.items() if each["state"] == "unknown"] == []

    unconfirmed = cockpit.run("gitops", "suspend", "shop/cart", "--yes")
    assert (unconfirmed.code, seen()) == (1, before)
    assert "needs the name typed" in unconfirmed.out
    drafted = cockpit.json("gitops", "suspend", "shop/cart", "--dry-run")
    assert (drafted["result"], seen()) == ("planned", before)
    read_only = cockpit.json("--read-only", "gitops", "suspend", "shop/cart", "--confirm", "cart")
    assert (read_only["result"], seen()) == ("refused", before)

    done = cockpit.json("gitops", "suspend", "shop/cart", "--confirm", "cart", "--reason", "INC-7")
    assert (done["verb"], done["result"]) == ("suspend", "done")
    assert done["observed"].startswith("Application argocd/shop-cart: auto-sync")
    assert seen() == {**before, "enabled": False}
    written = [each for each in heal.control.writes(agent=AGENT) if each["method"] == "PATCH"]
    assert [each["path"].rpartition("/")[2] for each in written] == ["shop-cart"]

    listed = cockpit.json("journal", "list")
    assert (listed[0]["verb"], listed[0]["actor"], listed[0]["result"]) == ("suspend", "ann", "done")
    assert listed[0]["from"].startswith("Application argocd/shop-cart")
    assert "auto-sync of Application argocd/shop-cart suspended" in cockpit.run("list").err

    resumed = cockpit.run("gitops", "resume", "shop/cart", "--yes")
    assert resumed.code == 0, resumed
    assert seen() == before
    again = cockpit.run("gitops", "resume", "shop/cart", "--yes")
    assert "nothing-to-do" in again.out
    assert "suspended" not in again.err
    assert cockpit.json("journal", "verify")["ok"] is True


def test_without_the_right_to_patch_it_is_refused_by_name(
    heal: Any, seen: Callable[[], Any], make_cockpit: MakeCockpit, tmp_path: Path
) -> None:
    rules = yaml.safe_load(manifest(operator=False))["rules"]
    heal.control.user("bob", "token-of-bob", rules=rules)
    document = yaml.safe_load(heal.kubeconfig.read_text())
    document["users"][0]["user"] = {"token": "token-of-bob"}
    own = tmp_path / "kubeconfig-of-bob"
    own.write_text(yaml.safe_dump(document))
    before = seen()
    answer = make_cockpit(heal, "--kubeconfig", str(own)).json("gitops", "suspend", "shop/cart", "--confirm", "cart")
    assert (answer["result"], seen()) == ("denied", before)
    assert "patch applications.argoproj.io" in answer["reason"]
