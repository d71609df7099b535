"""What the pre-flight finds in the scenarios that are made for it, and that it asks for nothing else.

The whole engine on a world in this process. Budget: 60 s.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cockpit.model.plan import Consent, Intent, Plan
from cockpit.model.preflight import Finding
from cockpit.model.resource import Key
from tests.harness.stand import Chair, Stand, standing

PATIENCE = 40.0  # wall seconds; only a defect takes as long
Asked = dict[str, str]
"""check -> what it asks for: "block", "confirm", "warn", or "unknown"."""
SAFE: Asked = {}
# A journal that was opened a moment ago has seen the two newest versions only; ReplicaSets name the others.
UNSEEN: Asked = {"ran-here": "warn"}

# Scenario -> (workload, target) -> every check that asks for anything.
EXPECTED: dict[str, dict[tuple[str, str], Asked]] = {
    "config-changed": {
        ("cart", "stable"): {"config-changed": "warn"},  # its pods serve with what they started with
        ("cart", "2"): {**UNSEEN, "config-changed": "confirm"},  # a Secret among them
        ("cart", "1"): {**UNSEEN, "config-changed": "confirm", "config-present": "block"},
        ("catalog", "stable"): SAFE,
        ("catalog", "2"): UNSEEN,  # a name per content
        ("catalog", "1"): {**UNSEEN, "config-present": "block"},
    },
    "migration": {
        ("cart", "stable"): SAFE,
        ("cart", "2"): {**UNSEEN, "migration": "confirm"},
        ("cart", "1"): {**UNSEEN, "migration": "confirm", "contract": "block"},
        ("orders", "stable"): SAFE,  # it serves now, with today's schema
        ("orders", "2"): {**UNSEEN, "migration": "confirm"},
    },
    "self-heal": {
        ("cart", "stable"): {"argocd": "block"},
        ("catalog", "stable"): {"argocd": "confirm"},
        ("orders", "stable"): {"argocd": "warn"},
        ("gateway", "stable"): {"argocd": "block"},
        ("cart", "2"): {**UNSEEN, "argocd": "block"},
    },
    "flux": {
        ("cart", "stable"): {"flux": "block"},
        ("catalog", "stable"): SAFE,  # suspended
        ("orders", "stable"): {"flux": "block"},
        ("gateway", "stable"): {"flux": "confirm"},
        ("ledger", "stable"): SAFE,  # exempted
    },
    "helm": {("cart", "stable"): {"helm": "warn"}, ("catalog", "stable"): {"helm": "confirm"}},
    "retained": {("cart", "stable"): SAFE},
    "default": {(name, "stable"): SAFE for name in ("checkout-api", "cart", "storefront", "ledger")},
}
# Scenario -> workload -> check -> words of the remedy: the exact act that helps.
REMEDIES = {
    "self-heal": {
        "cart": ("argocd", ["git ", "cockpit gitops suspend shop/cart", "argocd app set shop-cart --sync-policy none"]),
        "orders": ("argocd", ["to make it last: git "]),
    },
    "flux": {
        "cart": ("flux", ["cockpit gitops suspend shop/cart", "flux suspend kustomization shop-cart -n flux-system"]),
        "orders": ("flux", ["flux suspend helmrelease orders -n shop"]),
    },
    "helm": {"cart": ("helm", ["helm rollback cart 3 -n shop"]), "catalog": ("helm", ["helm history catalog -n shop"])},
}


async def planned(chair: Chair, name: str, to: str) -> Plan:
    (key,) = (each for each in chair.session.snapshot().rollouts if each.name == name)
    plan = await chair.session.plan(Intent("rollback", chair.rollout(key), chair.verdict(key), to=to))
    assert isinstance(plan, Plan), plan
    return plan


def findings(plan: Plan) -> tuple[Finding, ...]:
    assert plan.preflight is not None and plan.preflight.complete
    return plan.preflight.findings


def asked(plan: Plan) -> Asked:
    """What findings ask for; one line that only informs asks for nothing."""
    return {
        each.check: "unknown" if each.state == "unknown" else each.severity
        for each in findings(plan)
        if each.state == "unknown" or (each.state == "finding" and each.severity != "info")
    }


@pytest.mark.parametrize("scenario", EXPECTED)
async def test_each_scenario_finds_what_it_is_made_for_and_nothing_else(tmp_path: Path, scenario: str) -> None:
    async with standing(tmp_path, scenario) as stand, stand.chair() as chair:
        await chair.look()
        found = {about: asked(await planned(chair, *about)) for about in EXPECTED[scenario]}
    assert found == EXPECTED[scenario]


@pytest.mark.parametrize("scenario", REMEDIES)
async def test_an_owner_comes_with_the_exact_act_that_helps(tmp_path: Path, scenario: str) -> None:
    async with standing(tmp_path, scenario) as stand, stand.chair() as chair:
        await chair.look()
        for name, (check, words) in REMEDIES[scenario].items():
            plan = await planned(chair, name, "stable")
            remedy = next(each.remedy for each in findings(plan) if each.check == check)
            assert remedy is not None
            assert [each for each in words if each not in remedy] == [], remedy


async def test_a_generated_application_names_what_would_reset_its_suspension(tmp_path: Path) -> None:
    async with standing(tmp_path, "self-heal") as stand, stand.chair() as chair:
        await chair.look()
        plan = await planned(chair, "gateway", "stable")
    argocd = next(each for each in findings(plan) if each.check == "argocd")
    assert "applied itself by ApplicationSet shop" in argocd.evidence
    assert argocd.remedy is not None
    assert argocd.remedy.endswith("until then: change ApplicationSet shop, which resets its auto-sync")


async def promoted(stand: Stand, chair: Chair, key: Key) -> None:
    """The canary goes all the way, as an operator sends it."""
    session = chair.session
    intent = Intent("full", chair.rollout(key), chair.verdict(key))
    plan = await session.plan(intent)
    assert isinstance(plan, Plan), plan
    act = asyncio.create_task(session.execute(intent, plan, Consent(name=key.name)))
    async with asyncio.timeout(PATIENCE):
        while not act.done():  # its effect is looked for in the cluster's time
            await stand.tick(chair)
    outcome = act.result()
    assert outcome.result in ("done", "accepted"), outcome
    await stand.run(120, chair)
    assert chair.rollout(key).canary is None


async def test_a_retained_version_that_was_seen_running_is_asked_nothing_about(tmp_path: Path) -> None:
    """The stable version of a moment ago, scaled down since: retained, recorded while it ran, with nothing to say."""
    key = Key("Rollout", "shop", "cart")
    async with standing(tmp_path, "retained") as stand, stand.chair() as chair:
        await chair.look()
        stable = chair.rollout(key).baseline
        assert stable is not None
        await promoted(stand, chair, key)
        plan = await planned(chair, "cart", "last-good")
    assert plan.to_hash == stable.hash
    assert asked(plan) == SAFE
    assert plan.preflight is not None and plan.preflight.typed == ()
