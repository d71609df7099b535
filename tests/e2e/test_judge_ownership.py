"""Evidence belongs to the canary, not to who watches: late, restarted and second seats hold the same, down to a count.

The whole engine over HTTPS and HTTP on a world in this process; time is virtual. Budget: 40 s.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from cockpit.model.evidence import Counts, Evidence
from cockpit.model.resource import Key
from tests.harness.command import COCKPIT, environment
from tests.harness.stand import TICK, Chair, Stand, standing

CART = Key("Rollout", "shop", "cart")


def same(one: Chair, other: Chair, key: Key) -> None:
    """Equal counts, evidence and latch at the same head."""
    assert one.head == other.head
    ours, theirs = one.observed(key).evidence, other.observed(key).evidence
    assert [item.sli.name for item in ours] == [item.sli.name for item in theirs]
    for mine, its in zip(ours, theirs, strict=True):
        assert (mine.canary, mine.baseline, mine.strata, mine.as_of) == (
            its.canary,
            its.baseline,
            its.strata,
            its.as_of,
        ), mine.sli.name
        assert mine == its, mine.sli.name
    a, b = one.verdict(key), other.verdict(key)
    assert (a.state, a.reason, a.sli, a.latched_at) == (b.state, b.reason, b.sli, b.latched_at)


def errors(chair: Chair, key: Key) -> Evidence:
    return next(item for item in chair.observed(key).evidence if item.sli.name == "errors")


def since_begin(stand: Stand, chair: Chair, key: Key) -> tuple[Counts, Counts]:
    """(canary, baseline) by the ledger, as of each pod's last scrape: the baseline from where the evidence begins."""
    rollout = chair.rollout(key)
    assert rollout.canary is not None
    assert rollout.baseline is not None
    started = rollout.started_at or rollout.canary.created_at
    assert started is not None
    begin = math.floor(started / TICK) * TICK
    before = stand.scraped(key, rollout.baseline.hash, begin)
    after = stand.scraped(key, rollout.baseline.hash, chair.head)
    return (
        stand.scraped(key, rollout.canary.hash, chair.head),
        Counts(after.bad - before.bad, after.total - before.total),
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_counts_are_the_ledgers_over_restarts_gaps_and_a_canary_born_erring(tmp_path: Path, seed: int) -> None:
    async with standing(tmp_path, "restarts", seed=seed) as stand, stand.chair() as first:
        await stand.run(900, first)
        rollout = first.rollout(CART)
        assert rollout.canary is not None
        assert sum(pod.restarts for pod in rollout.canary.pods) >= 4
        canary, baseline = since_begin(stand, first, CART)
        assert canary.bad > 50
        found = errors(first, CART)
        assert (found.canary, found.baseline) == (canary, baseline)
        async with stand.chair() as late:
            await late.look()
            same(first, late, CART)


async def test_a_seat_twenty_minutes_late_and_one_restarted_hold_what_the_first_holds(tmp_path: Path) -> None:
    async with standing(tmp_path, "errors") as stand, stand.chair() as first:
        async with stand.chair() as killed:
            await stand.run(300, first, killed)
            same(first, killed, CART)
        await stand.run(900, first)
        assert first.verdict(CART).state == "abort"
        assert first.verdict(CART).latched_at is not None
        async with stand.chair() as restarted, stand.chair() as late:
            for chair in (restarted, late):
                await chair.look()
                same(first, chair, CART)
            for _ in range(8):
                await stand.tick(first, restarted, late)
                same(first, restarted, CART)
                same(first, late, CART)


async def test_who_looks_once_in_a_while_sees_what_the_diligent_sees(tmp_path: Path) -> None:
    """The grid is absolute: how often anybody polls changes nothing."""
    async with standing(tmp_path, "bursty") as stand, stand.chair() as diligent, stand.chair() as sparse:
        for _ in range(6):
            await stand.run(105, diligent)
            await sparse.look()
            for name in ("storms", "hurricane"):
                same(diligent, sparse, Key("Rollout", "shop", name))


async def test_a_latched_abort_outlives_the_regression_and_every_restart(tmp_path: Path) -> None:
    async with standing(tmp_path, "errors") as stand, stand.chair() as first:
        await stand.run(300, first)
        latched = first.verdict(CART).latched_at
        assert first.verdict(CART).state == "abort"
        assert latched is not None
        rollout = first.rollout(CART)
        assert rollout.canary is not None
        from cockpit.world.contract import Profile

        stand.world.book.set(rollout.canary.images[0].image, Profile(error_rate=0.0))
        await stand.run(2400, first)
        async with stand.chair() as late:
            await late.look()
            for chair in (first, late):
                assert chair.verdict(CART).state == "abort"
                assert chair.verdict(CART).latched_at == latched
            same(first, late, CART)


async def test_a_retry_begins_a_new_epoch_for_every_seat(tmp_path: Path) -> None:
    """Abort, then retry of the same hash: what the first attempt proved does not convict the second."""
    async with standing(tmp_path, "errors") as stand, stand.chair() as first:
        await stand.run(300, first)
        assert first.verdict(CART).state == "abort"
        rollout = first.rollout(CART)
        assert rollout.canary is not None
        from cockpit.world.acts import Subject
        from cockpit.world.contract import Profile

        subject = Subject(stand.world, "Rollout", "shop", "cart")
        subject.act("abort", "kubectl-argo-rollouts")()
        await stand.run(120, first)
        stand.world.book.set(rollout.canary.images[0].image, Profile(error_rate=0.005))
        subject.act("retry", "kubectl-argo-rollouts")()
        await stand.run(240, first)
        assert first.verdict(CART).latched_at is None
        assert first.verdict(CART).state in ("wait", "ready")
        async with stand.chair() as late:
            await late.look()
            assert late.verdict(CART).state == first.verdict(CART).state
            same(first, late, CART)


async def asked(home: Path, config: str, *arguments: str) -> tuple[int, str]:
    """The installed command, while this process goes on serving: (exit code, standard output)."""
    process = await asyncio.create_subprocess_exec(
        str(COCKPIT),
        "--config",
        config,
        *arguments,
        cwd=home,
        env=environment(home),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    print(err.decode(), file=sys.stderr)
    return process.returncode or 0, out.decode()


async def test_one_shot_commands_know_what_the_seat_knows(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    async with standing(tmp_path / "world", "errors") as stand, stand.chair() as first:
        await stand.run(300, first)
        _, out = await asked(home, stand.ready.config, "status", "shop/cart", "-o", "json")
        status: dict[str, Any] = json.loads(out)
        verdict, row = first.verdict(CART), first.row(CART)
        assert status["verdict"]["state"] == verdict.state == "abort"
        assert status["verdict"]["reason"] == verdict.reason
        shown = next(item for item in status["slis"] if item["name"] == "errors")
        assert shown["requests"] == {"canary": row.requests.canary, "baseline": row.requests.baseline}
        assert shown["errors"] == {"canary": row.errors.canary, "baseline": row.errors.baseline}
        assert shown["e_abort"] == row.e_abort
        assert shown["e_advance"] == row.e_advance
        code, _ = await asked(home, stand.ready.config, "gate", "shop/cart", "--timeout", "10s")
        assert code == 1
