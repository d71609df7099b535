"""Each story of the judge from its first minute on: which state, for which reason, after how long in virtual time.

The whole engine over HTTPS and HTTP on a world in this process. Budget: 90 s.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from cockpit.model.resource import Key
from cockpit.model.verdict import State, Verdict
from cockpit.world.acts import Subject
from tests.harness.stand import Chair, Stand, standing

MINUTE = 60.0


class Seen(NamedTuple):
    """A verdict, and when it was given: virtual seconds since the present, at which the canary is 30 s old."""

    at: float
    verdict: Verdict
    code: str | None  # of the blind spot in the error evidence


Story = dict[str, list[Seen]]


async def watch(stand: Stand, chair: Chair, seconds: float) -> Story:
    """Verdicts of every rollout, at each tick."""
    story: Story = {}
    end = stand.now + seconds
    while stand.now < end:
        await stand.tick(chair)
        for key in stand.rollouts():
            blind = next((item.blind for item in chair.observed(key).evidence if item.sli.name == "errors"), None)
            seen = Seen(stand.elapsed, chair.verdict(key), blind.code if blind is not None else None)
            story.setdefault(key.name, []).append(seen)
    return story


def first(seen: list[Seen], test: Callable[[Seen], bool]) -> float:
    """When it was so for the first time; infinity when never."""
    return next((item.at for item in seen if test(item)), float("inf"))


def reached(seen: list[Seen], state: State) -> float:
    return first(seen, lambda item: item.verdict.state == state)


def states(seen: list[Seen], since: float = 0.0, until: float = float("inf")) -> set[State]:
    return {item.verdict.state for item in seen if since <= item.at <= until}


def changes(seen: list[Seen]) -> list[State]:
    """The states in order, repetitions left out."""
    found: list[State] = []
    for item in seen:
        if not found or found[-1] != item.verdict.state:
            found.append(item.verdict.state)
    return found


def key(name: str) -> Key:
    return Key("Rollout", "shop", name)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_healthy_canary_becomes_ready_and_stays_so(tmp_path: Path, seed: int) -> None:
    async with standing(tmp_path, "healthy", seed=seed) as stand, stand.chair() as chair:
        seen = (await watch(stand, chair, 20 * MINUTE))["cart"]
        assert reached(seen, "ready") <= 18 * MINUTE  # 6 at the median, 12 in nine of ten worlds, 15 in one of sixty
        assert "abort" not in states(seen)
        assert len(changes(seen)) <= 4, changes(seen)
        row = chair.row(key("cart"))
        assert row.e_advance is not None
        assert row.e_advance >= 20 or row.state == "ready"


@pytest.mark.parametrize("seed", [1, 2])
async def test_ten_times_the_errors_are_found_in_two_minutes(tmp_path: Path, seed: int) -> None:
    async with standing(tmp_path, "errors", seed=seed) as stand, stand.chair() as chair:
        seen = (await watch(stand, chair, 8 * MINUTE))["cart"]
        assert reached(seen, "abort") <= 2 * MINUTE
        assert changes(seen)[-1] == "abort"
        assert "ready" not in states(seen)
        last = seen[-1].verdict
        assert last.sli == "errors"
        assert "x" in last.reason
        assert last.latched_at is not None
        row = chair.row(key("cart"))
        assert row.ratio is not None
        assert row.ratio > 5
        assert row.interval is not None
        assert row.interval[0] > 2


async def test_low_traffic_waits_in_numbers_and_still_finds_what_can_be_found(tmp_path: Path) -> None:
    async with standing(tmp_path, "low-traffic") as stand, stand.chair() as chair:
        story = await watch(stand, chair, 20 * MINUTE)
        quiet, burning = story["quiet"], story["slow-burn"]
        assert states(quiet) == {"wait"}
        assert all("cannot show a 5x regression within 5 min" in item.verdict.reason for item in quiet[4:])
        assert " requests" in quiet[-1].verdict.reason
        assert reached(burning, "abort") <= 12 * MINUTE
        assert "ready" not in states(burning)


async def test_bursts_convict_nobody_and_hide_nobody(tmp_path: Path) -> None:
    async with standing(tmp_path, "bursty") as stand, stand.chair() as chair:
        story = await watch(stand, chair, 20 * MINUTE)
        assert "abort" not in states(story["storms"])
        assert reached(story["hurricane"], "abort") <= 6 * MINUTE
        assert chair.observed(key("storms")).evidence[0].phi > 2.0


async def test_a_canary_that_is_only_slow_is_found_by_its_latency(tmp_path: Path) -> None:
    async with standing(tmp_path, "latency-only") as stand, stand.chair() as chair:
        seen = (await watch(stand, chair, 10 * MINUTE))["search"]
        assert reached(seen, "abort") <= 5 * MINUTE
        last = seen[-1].verdict
        assert last.sli in ("p95", "p99", "latency")
        assert chair.row(key("search")).state != "abort"
        assert "ready" not in states(seen)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_late_onset_takes_ready_back_and_aborts_within_five_minutes(tmp_path: Path, seed: int) -> None:
    async with standing(tmp_path, "late-onset", seed=seed) as stand, stand.chair() as chair:
        seen = (await watch(stand, chair, 27 * MINUTE))["cart"]
        onset = 1200.0  # seconds after it was ready, which it was a little before the present
        assert reached(seen, "ready") < onset - 30
        assert "abort" not in states(seen, until=onset - 45)
        assert reached(seen, "abort") <= onset + 5 * MINUTE
        assert seen[-1].verdict.state == "abort"


async def test_saturation_by_entry_and_exit(tmp_path: Path) -> None:
    async with standing(tmp_path, "saturation") as stand, stand.chair() as chair:
        story = await watch(stand, chair, 15 * MINUTE)
        render, hoard = story["render"], story["hoard"]
        assert first(render, lambda item: item.verdict.sli == "cpu") <= 5 * MINUTE
        assert render[-1].verdict.state in ("watch", "abort")
        assert render[-1].verdict.sli == "cpu"
        full = first(hoard, lambda item: item.verdict.sli == "memory")
        killed = first(hoard, lambda item: item.verdict.state == "abort" and "OOM" in item.verdict.reason)
        assert full < killed <= 9 * MINUTE
        assert hoard[-1].verdict.state == "abort"


async def test_a_canary_that_takes_no_orders_is_no_good_however_many_200s_it_answers(tmp_path: Path) -> None:
    async with standing(tmp_path, "no-orders") as stand, stand.chair() as chair:
        seen = (await watch(stand, chair, 10 * MINUTE))["checkout"]
        assert reached(seen, "abort") <= 5 * MINUTE
        assert seen[-1].verdict.sli == "orders"
        assert "unknown" not in seen[-1].verdict.reason
        assert chair.row(key("checkout"), "orders").canary == 0.0
        assert chair.row(key("checkout")).state not in ("abort", "watch")


async def test_a_shared_outage_is_no_reason_to_abort(tmp_path: Path) -> None:
    async with standing(tmp_path, "shared-outage") as stand, stand.chair() as chair:
        seen = (await watch(stand, chair, 15 * MINUTE))["cart"]
        assert "outage" not in states(seen, until=5 * MINUTE)
        assert reached(seen, "outage") <= 5 * MINUTE + 2 * MINUTE
        assert "abort" not in states(seen)
        assert states(seen, since=8 * MINUTE) == {"outage"}
        assert "not this release" in seen[-1].verdict.reason


async def test_each_blind_spot_has_its_name_and_none_turns_into_a_verdict(tmp_path: Path) -> None:
    async with standing(tmp_path, "blind") as stand, stand.chair() as chair:
        story = await watch(stand, chair, 11 * MINUTE)

        def blind_by(name: str, code: str) -> float:
            return first(story[name], lambda item: item.verdict.state == "blind" and item.code == code)

        assert blind_by("no-target", "NO_TARGET") <= 90
        assert blind_by("target-down", "TARGET_DOWN") <= 90
        assert blind_by("silent", "LABEL_MISMATCH") <= 90
        assert blind_by("no-traffic", "NO_TRAFFIC") <= 120
        assert 5 * MINUTE + 60 <= blind_by("stale", "STALE") <= 5 * MINUTE + 120
        for name in ("no-target", "target-down", "silent", "no-traffic"):
            assert states(story[name]) <= {"wait", "blind"}, name
            assert states(story[name], since=120) == {"blind"}, name
        assert story["no-target"][0].code == story["silent"][0].code == "TOO_NEW"
        assert states(story["stale"], since=5 * MINUTE + 120) == {"blind"}
        gone = [item.code for item in story["stale"] if item.verdict.state == "blind"]
        assert "NO_TRAFFIC" not in gone  # nobody knows whether it was served
        # at eight minutes: later nothing is left of a stalled target, and it looks like none
        reasons = [next(item.verdict.reason for item in seen if item.at >= 8 * MINUTE) for seen in story.values()]
        assert len(set(reasons)) == len(reasons) == 6


async def test_a_canary_that_serves_less_than_its_weight_is_noticed(tmp_path: Path) -> None:
    async with standing(tmp_path, "blind") as stand, stand.chair() as chair:
        seen = (await watch(stand, chair, 10 * MINUTE))["half-served"]
        assert reached(seen, "watch") <= 8 * MINUTE
        assert "weight" in seen[-1].verdict.reason
        assert "ready" not in states(seen, since=8 * MINUTE)


@pytest.mark.parametrize(
    ("scenario", "source", "words"),
    [
        ("prometheus-down", True, "Prometheus"),
        ("prometheus-denied", True, "403"),
        ("prometheus-partial", False, "may be missing"),
        ("prometheus-error", False, "cannot evaluate"),
    ],
)
async def test_prometheus_in_trouble_is_said_and_heals(tmp_path: Path, scenario: str, source: bool, words: str) -> None:
    """Trouble from the third to the eighth minute; afterwards nothing is missing from the evidence."""
    async with standing(tmp_path, scenario) as stand, stand.chair() as chair:
        seen = (await watch(stand, chair, 11 * MINUTE))["cart"]
        assert "blind" not in states(seen, until=3 * MINUTE - 15)
        assert reached(seen, "blind") <= 3 * MINUTE + 45
        blind = [item for item in seen if 4 * MINUTE <= item.at <= 8 * MINUTE - 15]
        assert {item.verdict.state for item in blind} == {"blind"}
        assert all(words in item.verdict.reason for item in blind)
        assert {item.verdict.source for item in blind} == ({"prometheus"} if source else {None})
        assert "blind" not in states(seen, since=8 * MINUTE + 30)
        assert "abort" not in states(seen)
        async with stand.chair() as late:
            await late.look()
            assert late.observed(key("cart")).evidence == chair.observed(key("cart")).evidence


async def test_a_prometheus_that_is_too_slow_is_no_prometheus(tmp_path: Path) -> None:
    """Its eight seconds are real ones: the cockpit's patience is cut, and few looks are taken."""
    async with standing(tmp_path, "prometheus-slow") as stand, stand.chair(prometheus__timeout=0.2) as chair:
        await stand.run(150, chair)
        assert chair.verdict(key("cart")).state != "blind"
        counted = chair.row(key("cart")).requests
        stand.world.clock.advance(45)
        await chair.look()
        await chair.look()
        verdict = chair.verdict(key("cart"))
        assert verdict.state == "blind"
        assert verdict.source == "prometheus"
        assert chair.row(key("cart")).requests == counted
        stand.world.clock.advance(300)
        await chair.look()
        assert chair.verdict(key("cart")).state != "blind"


async def test_a_check_without_an_answer_says_its_query_and_values(tmp_path: Path) -> None:
    async with standing(tmp_path, "stuck-analysis") as stand, stand.chair() as chair:
        story = await watch(stand, chair, 5 * MINUTE)
        undecided, no_data = story["undecided"][-1].verdict, story["no-data"][-1].verdict
        assert undecided.state == "watch"
        assert "inconclusive" in undecided.reason
        assert "0.971" in undecided.reason
        assert "orders_total" in undecided.reason
        assert no_data.state == "blind"
        assert "no data" in no_data.reason
        assert "orders_total" in no_data.reason


@pytest.mark.parametrize(("scenario", "words"), [("healthy", "before"), ("errors", "promoted")])
async def test_a_finished_rollout_stands_against_what_served_before(tmp_path: Path, scenario: str, words: str) -> None:
    async with standing(tmp_path, scenario) as stand, stand.chair() as chair:
        await stand.run(3 * MINUTE, chair)
        Subject(stand.world, "Rollout", "shop", "cart").act("promote-full", "kubectl-argo-rollouts")()
        seen = (await watch(stand, chair, 12 * MINUTE))["cart"]
        assert chair.rollout(key("cart")).canary is None
        last = seen[-1].verdict
        assert words in last.reason
        assert last.state == ("abort" if scenario == "errors" else "unjudged")
        row = chair.row(key("cart"))
        assert row.canary == pytest.approx(0.05 if scenario == "errors" else 0.005, rel=0.5)
        assert row.baseline == pytest.approx(0.005, abs=0.005)


async def test_a_version_on_its_way_back_is_judged_and_called_so(tmp_path: Path) -> None:
    """The bad version is stable; the one before it returns through the steps."""
    async with standing(tmp_path, "errors") as stand, stand.chair() as chair:
        deed = Subject(stand.world, "Rollout", "shop", "cart")
        await stand.run(1 * MINUTE, chair)
        deed.act("promote-full", "kubectl-argo-rollouts")()
        await stand.run(10 * MINUTE, chair)
        deed.update("registry.acme.test/shop/cart:v1")()
        seen = (await watch(stand, chair, 10 * MINUTE))["cart"]
        assert chair.rollout(key("cart")).returning
        last = seen[-1].verdict
        assert "returning" in last.reason
        assert last.state == "ready"
