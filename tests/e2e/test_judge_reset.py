"""Evidence set aside by hand: the latch goes for this seat, for another on the same journal, and for a later one.

The whole engine on a world in this process. Budget: 15 s.
"""

from __future__ import annotations

from pathlib import Path

from cockpit.model.resource import Key
from cockpit.world.contract import Profile
from tests.harness.stand import standing

CART = Key("Rollout", "shop", "cart")


async def test_a_reset_is_honoured_by_every_seat_on_the_journal(tmp_path: Path) -> None:
    async with standing(tmp_path, "errors") as stand, stand.chair() as one, stand.chair() as two:
        await stand.run(300, one, two)
        assert one.verdict(CART).state == two.verdict(CART).state == "abort"
        rollout = one.rollout(CART)
        assert rollout.canary is not None
        stand.world.book.set(rollout.canary.images[0].image, Profile(error_rate=0.005))
        await stand.run(60, one, two)
        said = await one.session.reset_evidence(CART, "a client retried in a loop")
        assert "begins anew" in said
        await two.session._resets.read()  # it looks every five seconds of its own
        await stand.run(120, one, two)
        async with stand.chair() as late:
            await late.look()
            for chair in (one, two, late):
                assert chair.verdict(CART).latched_at is None
                assert chair.verdict(CART).state in ("wait", "watch", "ready")
                assert chair.observed(CART).evidence == one.observed(CART).evidence
        (act,) = await one.session.journal()
        assert (act.verb, act.result, act.reason) == ("evidence-reset", "done", "a client retried in a loop")
        assert not stand.world.api.ledger.select(method="PATCH")
