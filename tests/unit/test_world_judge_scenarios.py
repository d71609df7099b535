"""The judge's stage: blind spots, turns, misrouting and faults of Prometheus come about as their scenarios say."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import pytest

from cockpit.base.errors import UsageError
from cockpit.world import scenario
from cockpit.world.contract import Profile
from cockpit.world.prometheus.faults import faults_of
from cockpit.world.prometheus.labels import Matcher, Selection
from cockpit.world.prometheus.samples import Samples
from cockpit.world.prometheus.series import Series
from cockpit.world.prometheus.targets import active
from cockpit.world.serve import World
from cockpit.world.traffic import Traffic
from cockpit.world.traffic.exposition import pod_text
from tests.unit.traffic_kit import EPOCH, Kit
from tests.world_lab import Lab

POD = "web-aaaa-00000"
IMAGE = "reg.example/web:1"


def select(kit: Kit, name: str, **labels: str) -> list[Series]:
    matchers = [Matcher("__name__", "=", name), *(Matcher(key, "=", value) for key, value in labels.items())]
    found = Samples(kit.traffic).select(Selection(matchers), 0, 10**15)
    return [series for series in found if series is not None]


def one(kit: Kit, name: str) -> list[tuple[float, float]]:
    """(seconds after the epoch, value) of the only series of that name."""
    (series,) = select(kit, name, pod=POD)
    return [(stamp / 1000 - EPOCH, value) for stamp, value in zip(series.stamps, series.values, strict=True)]


@pytest.mark.parametrize("name", scenario.names())
def test_every_scenario_that_ships_comes_about(name: str) -> None:
    lab = Lab(nodes=0)
    read = scenario.load(lab, name)
    lab.settle(900)
    assert read.title
    tomllib.loads(read.config)


def test_a_pod_that_nobody_discovers_has_no_target_at_all() -> None:
    kit = Kit()
    kit.deployment(pods=1, profile=Profile(scrape="undiscovered"))
    kit.clock.advance(300)
    assert select(kit, "up", pod=POD) == []
    assert select(kit, "http_requests_total") == []
    assert select(kit, "kube_pod_status_ready", pod=POD)
    assert not [row for row in active(kit.traffic, "x:1") if row["labels"].get("pod") == POD]


def test_a_silent_pod_answers_and_says_nothing_of_requests() -> None:
    kit = Kit()
    kit.deployment(pods=1, profile=Profile(scrape="silent"))
    kit.clock.advance(300)
    assert {value for _, value in one(kit, "up")} == {1.0}
    assert select(kit, "http_requests_total") == []
    pod = kit.traffic.fleet.by_name["shop", POD]
    assert "http_requests_total" not in (pod_text(kit.traffic, pod, openmetrics=False) or "http_requests_total")
    assert next(row for row in kit.traffic.conservation() if row["pod"] == POD)["metrics"] is None


def test_a_stalled_target_leaves_its_last_sample_without_a_mark_and_comes_back() -> None:
    kit = Kit()
    kit.deployment(pods=1, profile=Profile())
    kit.clock.advance(120)
    kit.profiles.set(IMAGE, Profile(scrape="stalled"))
    kit.clock.advance(120)
    stopped = one(kit, "up")
    assert 105 <= stopped[-1][0] < 120
    assert not any(math.isnan(value) for _, value in stopped)
    last_scrape = next(row for row in active(kit.traffic, "x:1") if row["labels"].get("pod") == POD)["lastScrape"]
    assert last_scrape / 1000 - EPOCH < 120
    kit.profiles.set(IMAGE, Profile())
    kit.clock.advance(60)
    assert [(at, value) for at, value in one(kit, "up") if at > 240]
    counts = select(kit, "http_requests_total", pod=POD, route="/api/items", code="200")
    assert len(counts) == 1
    assert not any(math.isnan(value) for value in counts[0].values)
    assert max(b - a for a, b in zip(counts[0].stamps, counts[0].stamps[1:], strict=False)) >= 120_000


def test_a_target_that_goes_down_marks_its_series_and_up_says_zero() -> None:
    kit = Kit()
    kit.deployment(pods=1, profile=Profile())
    kit.clock.advance(120)
    kit.profiles.set(IMAGE, Profile(metrics=False))
    kit.clock.advance(60)
    assert [value for at, value in one(kit, "up") if at > 120] == [0.0] * 4
    counts = select(kit, "http_requests_total", pod=POD, route="/api/items", code="200")[0]
    assert [math.isnan(value) for value in counts.values].count(True) == 1


def test_what_a_change_of_behaviour_leaves_seen_stays_one_run() -> None:
    """A version that begins to fail goes on counting: no gap, no mark, no step back."""
    kit = Kit()
    kit.deployment(pods=1, profile=Profile())
    kit.clock.advance(120)
    kit.profiles.set(IMAGE, Profile(error_rate=0.5))
    kit.clock.advance(120)
    for series in select(kit, "http_requests_total", pod=POD):
        assert all(b >= a for a, b in zip(series.values, series.values[1:], strict=False))
        assert all(b - a == 15_000 for a, b in zip(series.stamps, series.stamps[1:], strict=False))


@pytest.mark.parametrize(("reach", "expected"), [(0.0, 0.0), (0.33, 0.066), (1.0, 0.2)])
def test_what_does_not_reach_the_canary_is_served_by_the_others(reach: float, expected: float) -> None:
    kit = Kit()
    kit.canary(weight=20, profile=Profile(reach=reach))
    kit.clock.advance(1)
    rates = {"canary2": 0.0, "stable1": 0.0}
    for row in kit.traffic.ledger():
        rates[row["hash"]] += row["rate"]
    assert rates["canary2"] + rates["stable1"] == pytest.approx(20.0)
    assert rates["canary2"] / 20.0 == pytest.approx(expected)


def test_a_router_that_recovers_sends_again_from_that_instant() -> None:
    kit = Kit()
    kit.canary(weight=20, profile=Profile(reach=0.0))
    kit.clock.advance(60)
    kit.profiles.set("reg.example/pay:2", Profile())
    kit.clock.advance(60)
    before = kit.traffic.counts("shop", "pay", EPOCH, EPOCH + 60)
    after = kit.traffic.counts("shop", "pay", EPOCH + 60, EPOCH + 120)
    assert "canary2" not in before
    assert after["canary2"].requests > 150


def test_buckets_are_those_that_the_version_exposes() -> None:
    kit = Kit()
    kit.deployment(pods=1, profile=Profile(edges=("0.1", "1")))
    kit.clock.advance(60)
    found = {dict(series.labels)["le"] for series in select(kit, "http_request_duration_seconds_bucket")}
    assert found == {"0.1", "1"}
    pod = kit.traffic.fleet.by_name["shop", POD]
    assert 'le="+Inf"' not in (pod_text(kit.traffic, pod, openmetrics=True) or "")


def test_an_outage_strikes_both_versions_at_its_age() -> None:
    lab = Lab(nodes=0)
    traffic = Traffic(lab)
    scenario.load(lab, "shared-outage")
    start = lab.clock.now()
    lab.settle(900)
    calm = traffic.counts("shop", "cart", start + 60, start + 300)
    storm = traffic.counts("shop", "cart", start + 300, start + 900)
    assert len(calm) == len(storm) == 2
    assert all(counts.errors / counts.requests < 0.02 for counts in calm.values())
    assert all(0.25 < counts.errors / counts.requests < 0.35 for counts in storm.values())


def test_prometheus_fails_for_as_long_as_the_scenario_says() -> None:
    lab = Lab(nodes=0)
    scenario.load(lab, "prometheus-error")
    rules = faults_of(lab).rules
    lab.settle(179)
    assert rules == []
    lab.settle(2)
    assert [(rule.mode, rule.match) for rule in rules] == [("execution", "http_requests_total")]
    lab.settle(300)
    assert rules == []


def test_a_scenario_adds_to_the_settings_of_its_world(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('title = "x"\nhistory = "1m"\nconfig = """\n[judge]\nratio = 3.0\n"""\n')
    world = World.build(str(file), speed=0.0, epoch=EPOCH)
    assert tomllib.loads(world.config) == {"judge": {"ratio": 3.0}}


def test_an_age_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('title = "x"\nhistory = "1m"\n[[prometheus]]\nage = "soon"\nmode = "down"\n')
    with pytest.raises(UsageError, match='"soon" is not a length of time'):
        scenario.load(Lab(nodes=0), str(file))
