"""R goes to a digest that its registry was seen to hold; what is lost blocks, what is unknown is typed.

The whole engine on a world in this process. Budget: 20 s.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from cockpit.actions.preflight.catalogue import CHECKS
from cockpit.model.plan import Consent, Intent, Outcome, Plan, Tier
from cockpit.model.preflight import Finding
from cockpit.model.resource import Key
from cockpit.model.revision import Revision
from cockpit.world.registry.faults import Fault
from tests.harness.stand import Chair, Stand, standing

CART = Key("Rollout", "shop", "cart")


async def planned(chair: Chair, to: str) -> tuple[Intent, Plan]:
    intent = Intent("rollback", chair.rollout(CART), chair.verdict(CART), to=to)
    plan = await chair.session.plan(intent)
    assert isinstance(plan, Plan), plan
    return intent, plan


def finding(plan: Plan, check: str) -> Finding:
    assert plan.preflight is not None
    return next(each for each in plan.preflight.findings if each.check == check)


async def sent(stand: Stand, chair: Chair, intent: Intent, plan: Plan, consent: Consent) -> Outcome:
    acting = asyncio.create_task(chair.session.execute(intent, plan, consent))
    for _ in range(60):
        if acting.done():
            break
        await stand.tick(chair, seconds=5.0)
    return await acting


def patches(stand: Stand) -> int:
    """Those that change something: not the dry runs."""
    return sum("dryRun" not in str(each) for each in stand.world.api.ledger.select(method="PATCH"))


async def test_versions_say_what_their_registry_says(tmp_path: Path) -> None:
    async with standing(tmp_path, "retained") as stand, stand.chair() as chair:
        await chair.look()
        told: dict[int | None, Revision] = {}
        await chair.session.revisions_checked(CART, lambda each: told.update({each.revision: each}))
        assert {number: each.retained for number, each in told.items()} == {
            7: "retained", 6: "retained", 5: "retained", 4: "retained", 3: "retained", 2: "partial", 1: "missing",
        }  # fmt: skip
        assert {number: each.signed for number, each in told.items() if number and number > 2} == {
            7: "verified", 6: "verified", 5: "verified", 4: "invalid", 3: "none",
        }  # fmt: skip
        assert told[1].speed == told[2].speed == "unavailable"
        assert told[6].commit is not None
        covered = await chair.session.coverage(CART)
        assert (covered.total, covered.proven, covered.possible) == (7, 5, 5)


async def test_a_retained_digest_is_gone_back_to_and_the_record_says_on_what_evidence(tmp_path: Path) -> None:
    async with standing(tmp_path, "retained") as stand, stand.chair() as chair:
        await chair.look()
        await chair.session._recorder.look(chair.session.snapshot())
        intent, plan = await planned(chair, "stable")
        assert finding(plan, "retained").state == "ok"
        assert finding(plan, "signature").state == "ok"
        assert plan.tier is Tier.YES
        outcome = await sent(stand, chair, intent, plan, Consent(yes=True))
        assert outcome.result == "done", outcome
        assert outcome.op_id is not None
        entry = await chair.session.entry(outcome.op_id)
        assert entry is not None
        body = entry.rows[0]["body"]
        assert body["overrides"] == []
        states = {each["check"]: each["state"] for each in body["preflight"]["findings"]}
        assert states.keys() == {check.name for check in CHECKS}
        assert {states[name] for name in ("retained", "signature", "ran-here")} == {"ok"}
        assert set(states.values()) <= {"ok", "skipped"}


async def test_a_collected_digest_is_refused_by_name_and_nothing_is_sent(tmp_path: Path) -> None:
    async with standing(tmp_path, "retained") as stand, stand.chair() as chair:
        await chair.look()
        before = patches(stand)
        for number, word in (("1", "missing"), ("2", "partial")):
            intent, plan = await planned(chair, number)
            lost = finding(plan, "retained")
            assert (lost.state, lost.severity) == ("finding", "block")
            assert f"is {word}" in lost.text
            assert "shop/cart@sha256:" in lost.evidence[0]
            assert plan.tier is Tier.NAME
            outcome = await chair.session.execute(intent, plan, Consent(yes=True, name="cart"))
            assert outcome.result == "refused"
            assert "--override retained" in outcome.reason
        assert patches(stand) == before


async def test_a_manifest_deleted_while_the_dialog_is_open_is_refused(tmp_path: Path) -> None:
    async with standing(tmp_path, "retained") as stand, stand.chair() as chair:
        await chair.look()
        chair.session._artifacts.registries._kept.clear()
        intent, plan = await planned(chair, "5")
        assert finding(plan, "retained").state == "ok"
        digest = plan.to_images[0].partition("@")[2]
        stand.world.registry.holdings.collect(digest)  # a moment ago it was there
        before = patches(stand)
        outcome = await chair.session.execute(intent, plan, Consent(yes=True, name="cart"))
        assert outcome.result == "refused"
        assert "is missing" in outcome.reason
        assert patches(stand) == before


async def test_a_registry_that_is_down_is_unknown_typed_and_journaled_as_such(tmp_path: Path) -> None:
    async with standing(tmp_path, "retained") as stand, stand.chair() as chair:
        await chair.look()
        await stand.world.registry.fail(Fault(status=503, text="maintenance"))
        intent, plan = await planned(chair, "stable")
        assert (finding(plan, "retained").state, finding(plan, "retained").severity) == ("unknown", "confirm")
        assert plan.tier is Tier.NAME
        refused = await chair.session.execute(intent, plan, Consent(yes=True))
        assert refused.result == "refused"
        outcome = await sent(stand, chair, intent, plan, Consent(yes=True, name="cart"))
        assert outcome.op_id is not None, outcome
        entry = await chair.session.entry(outcome.op_id)
        assert entry is not None
        states = {each["check"]: each["state"] for each in entry.rows[0]["body"]["preflight"]["findings"]}
        assert states["retained"] == "unknown"
        assert states["signature"] == "unknown"


async def test_an_override_goes_past_a_block_and_is_written_down(tmp_path: Path) -> None:
    async with standing(tmp_path, "retained") as stand, stand.chair() as chair:
        await chair.look()
        intent, plan = await planned(chair, "4")
        outcome = await sent(stand, chair, intent, plan, Consent(yes=True, name="cart", overrides=("signature",)))
        assert outcome.op_id is not None, outcome
        entry = await chair.session.entry(outcome.op_id)
        assert entry is not None
        assert entry.rows[0]["body"]["overrides"] == ["signature"]


async def test_a_version_signed_with_another_key_is_refused_by_name_and_nothing_is_sent(tmp_path: Path) -> None:
    async with standing(tmp_path, "retained") as stand, stand.chair() as chair:
        await chair.look()
        before = patches(stand)
        intent, plan = await planned(chair, "4")
        assert finding(plan, "retained").state == "ok"
        assert (finding(plan, "signature").state, finding(plan, "signature").severity) == ("finding", "block")
        outcome = await chair.session.execute(intent, plan, Consent(yes=True, name="cart"))
        assert outcome.result == "refused"
        assert "--override signature" in outcome.reason
        assert patches(stand) == before
