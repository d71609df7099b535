"""What the world's Prometheus has scraped: the texts at the scrape moments, staleness, down targets, cluster state."""

from __future__ import annotations

import itertools
import math

import pytest

from cockpit.world.contract import Profile
from cockpit.world.prometheus.engine import Query
from cockpit.world.prometheus.labels import Matcher, Selection
from cockpit.world.prometheus.samples import NAMES, Samples
from cockpit.world.prometheus.series import Series
from cockpit.world.traffic.exposition import pod_text
from tests.unit.traffic_kit import EPOCH, Kit


def select(kit: Kit, name: str, start: float = 0, end: float = 1e11, **labels: str) -> list[Series]:
    matchers = [Matcher("__name__", "=", name), *(Matcher(key, "=", value) for key, value in labels.items())]
    found = Samples(kit.traffic).select(Selection(matchers), round(start * 1000), round(end * 1000))
    return [series for series in found if series is not None]


def ask(kit: Kit, text: str) -> dict[tuple[tuple[str, str], ...], float]:
    now = round(kit.clock.now() * 1000)
    running = Query(Samples(kit.traffic), text, now, now).run(ranged=False)
    try:
        while True:
            next(running)
    except StopIteration as stop:
        return dict(stop.value.value)


def points(series: Series) -> list[tuple[int, float]]:
    return list(zip(series.stamps, series.values, strict=True))


def test_samples_are_the_texts_at_the_scrape_moments() -> None:
    """The whole story once in hindsight, and once by reading /metrics at each moment it was scraped."""
    past, live = Kit(seed=8), Kit(seed=8)
    for kit in (past, live):
        kit.deployment(pods=1, profile=Profile(error_rate=0.05))
    past.clock.advance(400)
    stamps = select(past, "up", pod="web-aaaa-00000")[0].stamps
    assert [b - a for a, b in itertools.pairwise(stamps)] == [15_000] * (len(stamps) - 1)
    names = ("http_requests_total", "http_request_duration_seconds_bucket", "http_request_duration_seconds_sum")
    scraped = [series for name in names for series in select(past, name)]
    pod = live.traffic.fleet.by_name["shop", "web-aaaa-00000"]
    for stamp in stamps:
        live.clock.run_until(stamp / 1000 + 1e-6)
        text = pod_text(live.traffic, pod, openmetrics=False) or ""
        values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        for series in scraped:
            labels = dict(series.labels)
            kept = [key for key in ("service", "method", "route", "code", "le") if key in labels]
            shown = ",".join(f'{key}="{labels[key]}"' for key in kept)
            told = values.get(f"{labels['__name__']}{{{shown}}}")
            seen = dict(points(series)).get(stamp)
            assert (told is None) == (seen is None), (stamp, labels)
            if told is not None and seen is not None:
                assert seen == pytest.approx(float(told), rel=1e-12)


def test_a_status_code_is_born_with_its_first_answer() -> None:
    kit = Kit()
    kit.deployment(pods=1, profile=Profile(error_rate=0.5, onset=200))
    kit.profiles.set("reg.example/web:1", Profile(error_rate=0.0))
    kit.clock.advance(200)
    assert select(kit, "http_requests_total", code="500") == []
    assert all(points(series)[0][1] >= 0 for series in select(kit, "http_requests_total", code="200"))
    kit.profiles.set("reg.example/web:1", Profile(error_rate=0.5))
    kit.clock.advance(60)
    assert all(points(series)[0][1] > 0 for series in select(kit, "http_requests_total", code="500"))


def test_a_crash_ends_the_series_and_the_restart_begins_at_zero() -> None:
    kit = Kit()
    (pod,) = kit.deployment(pods=1, profile=Profile(error_rate=0.2))
    kit.clock.advance(300)
    kit.crash("shop", pod)
    kit.clock.advance(100)
    (up,) = select(kit, "up", pod=pod)
    assert [value for _, value in points(up)][-6:] == [0.0] * 6
    (series,) = select(kit, "http_requests_total", code="200", route="/api/items")
    assert [math.isnan(value) for _, value in points(series)].count(True) == 1
    assert math.isnan(points(series)[-1][1])
    assert ask(kit, f'http_requests_total{{pod="{pod}"}}') == {}
    kit.run("shop", pod, restarts=1)
    kit.clock.advance(100)
    (series,) = select(kit, "http_requests_total", code="200", route="/api/items")
    values = [value for _, value in points(series) if not math.isnan(value)]
    assert sum(b < a for a, b in itertools.pairwise(values)) == 1
    assert ask(kit, f'kube_pod_container_status_restarts_total{{pod="{pod}"}}').popitem()[1] == 1
    reason = ask(kit, f'kube_pod_container_status_last_terminated_reason{{pod="{pod}",reason="Error"}}')
    assert list(reason.values()) == [1]


def test_a_fast_restart_is_a_reset_without_a_gap() -> None:
    kit = Kit()
    (pod,) = kit.deployment(pods=1)
    kit.clock.advance(303)
    kit.crash("shop", pod)
    kit.run("shop", pod, restarts=1)
    kit.clock.advance(100)
    (series,) = select(kit, "http_requests_total", code="200", route="/api/items")
    assert not any(math.isnan(value) for _, value in points(series))
    assert all(value == 1 for _, value in points(select(kit, "up", pod=pod)[0]))


def test_a_gone_pod_goes_stale_once() -> None:
    kit = Kit()
    pods = kit.deployment(pods=2)
    kit.clock.advance(300)
    kit.delete_pod("shop", pods[0])
    gone = kit.clock.now() * 1000
    kit.clock.advance(120)
    for name in ("up", "http_requests_total", "container_memory_working_set_bytes", "kube_pod_status_ready"):
        for series in select(kit, name, pod=pods[0]):
            stale = [stamp for stamp, value in points(series) if math.isnan(value)]
            assert len(stale) == 1, name
            assert gone < stale[0] <= gone + 15_000
            assert points(series)[-1][0] == stale[0]
    assert ask(kit, f'up{{pod="{pods[0]}"}}') == {}
    assert len(ask(kit, 'up{job="pods"}')) == 1


def test_a_version_without_metrics_is_down_but_its_node_still_tells() -> None:
    kit = Kit()
    (pod,) = kit.deployment(pods=1, profile=Profile(metrics=False))
    kit.clock.advance(300)
    assert set(ask(kit, f'up{{pod="{pod}"}}').values()) == {0}
    assert ask(kit, f'http_requests_total{{pod="{pod}"}}') == {}
    assert len(ask(kit, f'container_cpu_usage_seconds_total{{pod="{pod}"}}')) == 1
    assert ask(kit, f'kube_pod_status_ready{{pod="{pod}",condition="true"}}').popitem()[1] == 1


def test_processor_time_follows_the_requests() -> None:
    kit = Kit()
    (pod,) = kit.deployment(pods=1, profile=Profile(cpu_per_request=0.01))
    kit.clock.advance(1200)
    (rate,) = ask(kit, f'rate(container_cpu_usage_seconds_total{{pod="{pod}"}}[10m])').values()
    assert rate == pytest.approx(20 * 0.01 + 0.004, rel=0.08)


def test_memory_grows_as_the_profile_says_and_limits_are_told() -> None:
    kit = Kit()
    (pod,) = kit.deployment(pods=1, profile=Profile(memory=1e8, memory_growth=1e5))
    kit.clock.advance(1800)
    (slope,) = ask(kit, f'deriv(container_memory_working_set_bytes{{pod="{pod}"}}[30m])').values()
    assert slope == pytest.approx(1e5, rel=0.1)
    limits = {
        dict(labels)["resource"]: value for labels, value in ask(kit, "kube_pod_container_resource_limits").items()
    }
    assert limits == {"cpu": 0.5, "memory": 256 * 2**20}


def test_readiness_is_told_from_its_instant() -> None:
    kit = Kit()
    (pod,) = kit.deployment(pods=1)
    kit.clock.advance(100)
    kit.run("shop", pod, ready=False)
    moved = kit.clock.now() * 1000
    kit.clock.advance(100)
    (series,) = select(kit, "kube_pod_status_ready", pod=pod, condition="true")
    assert all(value == (stamp < moved) for stamp, value in points(series))


def test_only_six_hours_are_kept() -> None:
    kit = Kit()
    kit.deployment(pods=1)
    for _ in range(9):
        kit.clock.advance(3600)
        for name in ("up", "http_requests_total", "container_cpu_usage_seconds_total"):
            select(kit, name)
    for series in select(kit, "http_requests_total"):
        assert series.stamps[0] >= (kit.clock.now() - 6 * 3600) * 1000
        assert len(series.stamps) >= 6 * 240 - 1
    track = kit.traffic.track(next(kit.traffic.fleet.alive()))
    assert len(track.floats) <= 6 * 240 * 1.2


def test_every_name_is_served_and_names_alone_agree() -> None:
    kit = Kit()
    kit.canary(profile=Profile(error_rate=0.2))
    kit.crash("shop", "pay-stable1-00000")
    kit.clock.advance(60)
    samples, end = Samples(kit.traffic), round(kit.clock.now() * 1000)
    labels = {found for found in samples.label_sets(Selection(()), 0, end) if found}
    assert {dict(found)["__name__"] for found in labels} == set(NAMES)
    assert labels == {series.labels for series in samples.select(Selection(()), 0, end) if series}


def test_names_in_a_large_fleet_draw_no_counters() -> None:
    kit = Kit()
    for index in range(41):
        kit.deployment(f"w{index}", pods=10)
    kit.clock.advance(60)
    samples, end = Samples(kit.traffic), round(kit.clock.now() * 1000)
    found = {labels for labels in samples.label_sets(Selection(()), 0, end) if labels}
    assert {dict(labels)["__name__"] for labels in found} == set(NAMES) - {
        "kube_pod_container_status_last_terminated_reason"
    }
    assert not kit.traffic._tracks
    counted = {series.labels for series in samples.select(Selection(()), 0, end) if series}
    assert counted <= found


def test_what_was_before_the_world_is_empty() -> None:
    kit = Kit()
    kit.deployment(pods=1)
    kit.clock.advance(60)
    assert select(kit, "up", end=EPOCH - 1) == []
