"""The sampler on an in-memory Prometheus: counts, rebuilding, cost, blind spots, loss and recovery."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from cockpit.base.clock import Clock
from cockpit.config import Settings
from cockpit.judge import judge
from cockpit.metrics import Sampler
from cockpit.metrics.client import Prometheus
from cockpit.model.case import Case, Policy
from cockpit.model.evidence import Counts
from cockpit.model.resource import Key
from cockpit.model.rollout import Arm, Pod, Replicas, Rollout, Weight
from cockpit.model.sli import CPU, ERRORS, MEMORY, P50, P99, RATE, RATE_PER_POD, STANDARD
from tests.harness.fake_prometheus import FakePrometheus

T0 = 1_795_210_005.0  # a grid point
KEY = Key("Rollout", "shop", "web")
STEP = 15.0


def pod(name: str, created: float, *, ready: bool = True, reason: str | None = None) -> Pod:
    hash_ = name.split("-")[1]
    return Pod(name, "shop", name, hash_, "Running", ready, 0, None, reason=reason, created_at=created)


def pod_in(namespace: str, name: str) -> Pod:
    return Pod(name, namespace, name, "h", "Running", True, 0, None)


def arm(role: Any, rs: str, *pods: Pod) -> Arm:
    ready = sum(item.ready for item in pods)
    return Arm(role, rs.split("-")[1], None, rs, (), tuple(pods), len(pods), ready, ready)


def rollout(*, canary: Arm | None, baseline: Arm | None, key: Key = KEY, **changes: Any) -> Rollout:
    fields: dict[str, Any] = {
        "key": key, "uid": f"uid-{key.name}", "resource_version": "1", "generation": 1, "strategy": "canary",
        "phase": "Paused", "message": "", "replicas": Replicas(4, 1, 4, 4), "weight": Weight(0.25, 0.25), "seen": {},
        "in_flight": True, "canary": canary, "baseline": baseline, "started_at": T0,
    }  # fmt: skip
    return Rollout(**{**fields, **changes})


C1 = "web-c1c1-aaaaa"
B1 = "web-b1b1-bbbbb"


def usual(**changes: Any) -> Rollout:
    canary, baseline = arm("canary", "web-c1c1", pod(C1, T0 + 2)), arm("baseline", "web-b1b1", pod(B1, T0 - 3600))
    return rollout(**{"canary": canary, "baseline": baseline, **changes})


class Bench:
    """A fake Prometheus, a hand-moved clock and a sampler between them."""

    def __init__(self, **settings: Any) -> None:
        self.prometheus = FakePrometheus(T0)
        self.settings = Settings.model_validate({"prometheus": {"url": "http://p.test"}, **settings})
        self.wall = 0.0
        self.sampler = self.make()
        self.told: list[set[Key]] = []
        self.sampler.on_change(lambda keys: self.told.append(set(keys)))

    def make(self) -> Sampler:
        clock = Clock(monotonic=lambda: self.wall, unix=lambda: T0)
        client = Prometheus(self.settings.prometheus, transport=self.prometheus.transport)
        return Sampler(self.settings, clock, client=client)

    async def at(self, seconds: float, *rollouts: Rollout, sampler: Sampler | None = None) -> None:
        """Move all clocks to T0 + seconds and poll."""
        self.wall = seconds
        self.prometheus.now = T0 + seconds
        target = sampler or self.sampler
        if rollouts:
            target.set_targets({item.key: item for item in rollouts})
        await target.refresh()

    def serve(self, name: str, at: float, ok: int, errors: int = 0, **labels: str) -> None:
        """One scrape: totals by code, latency buckets (all fast), and the target's health."""
        base = {"namespace": "shop", "pod": name, **labels}
        self.prometheus.sample(T0 + at, ok, name="http_requests_total", code="200", **base)
        if errors:
            self.prometheus.sample(T0 + at, errors, name="http_requests_total", code="500", **base)
        for le in ("0.1", "0.5", "+Inf"):
            self.prometheus.sample(
                T0 + at, ok + errors, name="http_request_duration_seconds_bucket", le=le, **base
            )  # fmt: skip
        self.prometheus.sample(T0 + at, 1, name="up", **base)

    def traffic(self, until: float, *, canary_error: int = 1, start: float = -60.0) -> None:
        """Ten requests a step on each pod; the baseline has counted long before."""
        for number, at in enumerate(_times(start, until, 7.0)):
            self.serve(B1, at, 10_000 + 10 * number, 20)
        for number, at in enumerate(_times(STEP, until, 7.0), start=1):
            self.serve(C1, at, (10 - canary_error) * number, canary_error * number)


def _times(start: float, until: float, offset: float) -> list[float]:
    times = []
    at = start + offset
    while at <= until:
        times.append(at)
        at += STEP
    return times


async def test_counts_readings_and_the_verdict() -> None:
    bench = Bench(slo=[{"objective": 0.99}])
    bench.traffic(600)
    await bench.at(603.5, usual())
    observed = bench.sampler.observed(KEY)
    assert observed is not None
    evidence = observed.evidence[0]
    # Scrapes at 22, 37, ... 592: 39 of the canary; the baseline's first look is a reference: 40 steps of ten.
    assert evidence.canary == Counts(39, 390)
    assert evidence.baseline == Counts(0, 400)
    assert evidence.strata == 40
    assert evidence.as_of == T0 + 600
    assert evidence.blind is None
    assert observed.readings[ERRORS][0].value == pytest.approx(0.1)
    assert observed.readings[ERRORS][1].value == 0.0
    assert observed.readings[RATE][0].value == pytest.approx(10 / 15)
    assert observed.readings[RATE_PER_POD][1].value == pytest.approx(10 / 15)
    assert observed.readings[P50][0].value == pytest.approx(0.05)
    assert observed.readings[P99][0].value is None
    assert observed.readings[P99][0].blind is not None
    assert "P99 needs 299 requests in 5 min, 200 came" in observed.readings[P99][0].blind.reason
    assert observed.readings[CPU][0].value is None
    assert bench.sampler.source().state == "ok"
    assert bench.told == [{KEY}]
    assessment = judge(Case(usual(), observed, bench.sampler.source(), T0 + 603), Policy())
    assert assessment.verdict.state == "abort"
    assert assessment.verdict.reason == "errors 10.00 % vs 0.00 % (n=390)"
    assert assessment.verdict.latched_at == evidence.latched_at
    assert [row.name for row in assessment.slis] == list(STANDARD)
    assert assessment.slis[0].ratio is None  # to a baseline of zero: unknown, not infinite
    assert assessment.slis[0].limit == pytest.approx(0.1)
    assert (assessment.slis[0].requests.canary, assessment.slis[0].errors.canary) == (390, 39)
    assert assessment.burn is not None
    five = assessment.burn.windows[0]
    assert five.canary == pytest.approx(10.0)
    assert five.covered == 300.0
    hour = assessment.burn.windows[1]
    assert hour.canary is None
    assert hour.covered == pytest.approx(585.0)
    assert hour.baseline == 0.0


async def test_a_process_that_comes_late_holds_the_same_counts_as_one_present_all_along() -> None:
    bench = Bench()
    bench.traffic(1200)
    # A canary pod that erred and ended: only its series are left of it.
    for number, at in enumerate(_times(STEP, 200, 4.0), start=1):
        bench.serve("web-c1c1-zzzzz", at, 5 * number, 2 * number)
    for name, *labels in {row for row in bench.prometheus.series if ("pod", "web-c1c1-zzzzz") in row}:
        bench.prometheus.series[(name, *labels)].append((T0 + 214, None))
    gone = pod("web-c1c1-zzzzz", T0 + 3)
    early = usual(canary=arm("canary", "web-c1c1", pod(C1, T0 + 2), gone))
    for seconds in range(10, 1200, 15):
        await bench.at(seconds + 3.5, early if seconds < 205 else usual())
    late = bench.make()
    await bench.at(1203.5, usual())
    await bench.at(1203.5, usual(), sampler=late)
    one, two = bench.sampler.observed(KEY), late.observed(KEY)
    assert one is not None
    assert two is not None
    assert one.evidence == two.evidence
    assert two.evidence[0].canary == Counts(79 + 26, 790 + 91)
    assert bench.sampler.series(KEY).points(ERRORS, "canary")[-1] == late.series(KEY).points(ERRORS, "canary")[-1]


async def test_a_restart_and_a_scrape_gap_lose_nothing_that_was_exposed() -> None:
    bench = Bench()
    for number, at in enumerate(_times(-60, 300, 7.0)):
        bench.serve(B1, at, 1000 + number)
    values = [3, 6, 9, 12, 2, 5, None, None, 30, 31]  # a container restart, then two failed scrapes
    for step, value in enumerate(values, start=1):
        if value is not None:
            bench.serve(C1, step * STEP + 7, value)
    await bench.at(STEP * 12 + 3.5, usual())
    observed = bench.sampler.observed(KEY)
    assert observed is not None
    assert observed.evidence[0].canary == Counts(0, 12 + 31)
    # The histogram fell with the restart and counts as the requests do.
    assert sum(bench.sampler._follows[KEY].history.latency("canary", 252, 12)[1]) == 12 + 31


async def test_queries_per_refresh_do_not_grow_with_the_fleet() -> None:
    async def cost(count: int) -> int:
        bench = Bench()
        fleet = []
        for number in range(count):
            key = Key("Rollout", f"ns{number % 7}", f"app{number}")
            arms = {
                role: arm(role, f"app{number}-{hash_}", pod_in(key.namespace, f"app{number}-{hash_}-aaaaa"))
                for role, hash_ in (("canary", "c1"), ("baseline", "b1"))
            }
            fleet.append(rollout(key=key, **arms))
        await bench.at(303.5, *fleet)
        before = len(bench.prometheus.requests)
        await bench.at(318.5, *fleet)
        return len(bench.prometheus.requests) - before

    assert await cost(3) == await cost(30) <= 10


async def test_no_refresh_asks_for_more_than_2000_pods_at_once() -> None:
    bench = Bench()
    fleet = []
    for number in range(5):
        key = Key("Rollout", "shop", f"big{number}")
        pods = [pod_in("shop", f"big{number}-b1-{index:05d}") for index in range(900)]
        fleet.append(rollout(key=key, canary=None, baseline=arm("baseline", f"big{number}-b1", *pods)))
    await bench.at(33.5, *fleet)
    for query in bench.prometheus.queries():
        assert query.count("|") <= 2000 + 20


async def test_only_rollouts_in_flight_just_finished_or_open_are_asked_for() -> None:
    bench = Bench()
    bench.traffic(60)
    idle = usual(in_flight=False, canary=None, baseline=arm("baseline", "web-b1b1", pod(B1, T0 - 86_400)))
    await bench.at(33.5, idle)
    assert bench.sampler.observed(KEY) is None
    assert not any("http_requests_total" in query for query in bench.prometheus.queries())
    bench.sampler.focus(KEY)  # at once, though no rollout changed
    await bench.at(48.5)
    assert bench.sampler.observed(KEY) is not None
    assert bench.sampler.observed(KEY).readings[ERRORS][1].value == 0.0  # type: ignore[union-attr]
    bench.sampler.focus(None)
    await bench.at(63.5, idle)
    assert bench.sampler.observed(KEY) is None
    await bench.at(78.5, replace(idle, finished_at=T0))
    assert bench.sampler.observed(KEY) is not None
    await bench.at(3700, replace(idle, finished_at=T0))
    assert bench.sampler.observed(KEY) is None


async def test_a_finished_rollout_is_compared_with_before() -> None:
    bench = Bench()
    for number, at in enumerate(_times(-60, 300, 7.0)):
        bench.serve(B1, at, 1000 + 10 * number, 5)
    for number, at in enumerate(_times(STEP, 900, 7.0), start=1):
        bench.serve(C1, at, 9 * number, number)
    canary, before = arm("canary", "web-c1c1", pod(C1, T0 + 2)), arm("baseline", "web-b1b1")
    done = rollout(canary=None, baseline=canary, before=before, in_flight=False, finished_at=T0 + 310)
    await bench.at(903.5, done)
    observed = bench.sampler.observed(KEY)
    assert observed is not None
    new, old = observed.readings[ERRORS]
    assert new.value == pytest.approx(0.1)
    assert (old.value, old.as_of) == (0.0, T0 + 300)
    verdict = judge(Case(done, observed, bench.sampler.source(), T0 + 903), Policy()).verdict
    assert verdict.state == "abort"  # it was against the evidence while both served, and still is
    assert verdict.reason.startswith("fully promoted, but it was against the evidence: errors 10.00 % vs ")


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        ("absent", "LABEL_MISMATCH", "exists for the baseline, not for the canary"),
        ("down", "TARGET_DOWN", "its targets are down"),
        ("no-target", "NO_TARGET", "no scrape target for the canary"),
        ("nothing", "METRIC_ABSENT", "no series http_requests_total"),
        ("stale", "STALE", "old"),
        ("silent", "NO_TRAFFIC", "no request reached the canary for"),
    ],
)
async def test_each_blind_spot_has_its_name(spoil: str, code: str, words: str) -> None:
    bench = Bench()
    fake = bench.prometheus
    if spoil != "nothing":
        for number, at in enumerate(_times(-60, 300, 7.0)):
            bench.serve(B1, at, 1000 + 10 * number)
    for number, at in enumerate(_times(STEP, 120 if spoil == "stale" else 300, 7.0), start=1):
        if spoil == "silent":
            bench.serve(C1, at, 40)
        elif spoil == "stale":
            bench.serve(C1, at, 10 * number)
        elif spoil != "no-target":
            fake.sample(T0 + at, 0 if spoil == "down" else 1, name="up", namespace="shop", pod=C1)
    await bench.at(303.5, usual())
    observed = bench.sampler.observed(KEY)
    assert observed is not None
    blind = observed.evidence[0].blind
    assert blind is not None
    assert (blind.code, words in blind.reason) == (code, True)
    assessment = judge(Case(usual(), observed, bench.sampler.source(), T0 + 303), Policy())
    assert assessment.verdict.state == "blind"
    assert assessment.slis[0].state == "blind"
    if spoil != "silent":
        assert assessment.slis[0].canary is None
        assert observed.readings[RATE][0].value is None


async def test_what_nobody_should_miss_is_not_blind() -> None:
    for change, code, words, state in (
        ({"canary": arm("canary", "web-c1c1", pod(C1, T0 + 290))}, "TOO_NEW", "first samples are due", "wait"),
        ({"weight": Weight(0.0, 0.0)}, "NO_TRAFFIC_EXPECTED", "weight 0", "unjudged"),
        (
            {"canary": arm("canary", "web-c1c1", pod(C1, T0 + 2, ready=False, reason="Unschedulable"))},
            "NO_PODS",
            "no pod of the canary is ready (Unschedulable)",
            "wait",
        ),
    ):
        bench = Bench()
        for number, at in enumerate(_times(-60, 300, 7.0)):
            bench.serve(B1, at, 1000 + 10 * number)
        bench.prometheus.sample(T0 + 299, 1, name="up", namespace="shop", pod=C1)
        item = usual(**change)
        await bench.at(303.5, item)
        observed = bench.sampler.observed(KEY)
        assert observed is not None
        assert observed.evidence[0].blind is not None
        assert observed.evidence[0].blind.code == code
        verdict = judge(Case(item, observed, bench.sampler.source(), T0 + 303), Policy()).verdict
        assert verdict.state == state
        assert words in verdict.reason


async def test_low_traffic_is_not_silence() -> None:
    bench = Bench()
    for number, at in enumerate(_times(-60, 300, 7.0)):
        bench.serve(B1, at, 1000 + number // 4)
    for at in _times(STEP, 300, 7.0):
        bench.serve(C1, at, 1)
    await bench.at(303.5, usual())
    assert bench.sampler.observed(KEY).evidence[0].blind is None  # type: ignore[union-attr]


async def test_a_version_that_returns_is_not_silent_for_as_long_as_it_was_away() -> None:
    """Its ReplicaSet served within the hour that is read, so its series begin long before its new pods."""
    back = "web-c1c1-ccccc"
    for created, code in ((270, None), (180, "NO_TRAFFIC")):
        bench = Bench()
        for number, at in enumerate(_times(-60, 300, 7.0)):
            bench.serve(B1, at, 1000 + 10 * number)
        for number, at in enumerate(_times(STEP, 90, 7.0), start=1):
            bench.serve(C1, at, 10 * number)
        for at in _times(created, 300, 12.0):  # nothing has reached the new pod yet
            bench.serve(back, at, 0)
        await bench.at(303.5, usual(canary=arm("canary", "web-c1c1", pod(back, T0 + created))))
        observed = bench.sampler.observed(KEY)
        assert observed is not None
        blind = observed.evidence[0].blind
        assert (blind.code if blind is not None else None) == code, blind
    assert blind is not None
    assert "no request reached the canary for 120 s" in blind.reason


async def test_losing_prometheus_is_said_never_raised_and_heals() -> None:
    bench = Bench()
    bench.traffic(900, canary_error=0)
    await bench.at(303.5, usual())
    held = bench.sampler.observed(KEY)

    def refuse(_: httpx.Request, __: dict[str, str]) -> httpx.Response:
        raise httpx.ConnectError("refused")

    bench.prometheus.fault = refuse
    await bench.at(318.5, usual())
    assert bench.sampler.source().state == "lost"
    assert bench.sampler.source().since == T0 + 318.5
    assert bench.sampler.observed(KEY) is held  # one lost poll: the values stand, with their age
    await bench.at(333.5, usual())
    cut = bench.sampler.observed(KEY)
    assert cut is not None
    assert all(reading.value is None for pair in cut.readings.values() for reading in pair)
    assert cut.evidence[0].canary == held.evidence[0].canary  # type: ignore[union-attr]
    assert bench.sampler.source().since == T0 + 318.5
    assessment = judge(Case(usual(), cut, bench.sampler.source(), T0 + 333), Policy())
    assert assessment.verdict.state == "blind"
    assert assessment.verdict.source == "prometheus"
    assert all(row.canary is None and row.baseline is None for row in assessment.slis)
    bench.prometheus.fault = None
    await bench.at(603.5, usual())
    healed = bench.sampler.observed(KEY)
    assert bench.sampler.source().state == "ok"
    assert healed.evidence[0].canary == Counts(0, 390)  # type: ignore[union-attr]


async def test_denied_from_the_start_is_a_sentence_in_every_cell() -> None:
    bench = Bench()
    bench.prometheus.fault = lambda _, __: httpx.Response(403, text="no")
    await bench.at(33.5, usual())
    assert bench.sampler.source().state == "denied"
    observed = bench.sampler.observed(KEY)
    assert observed is not None
    assert observed.readings[ERRORS][0].blind is not None
    assert "check prometheus.auth" in observed.readings[ERRORS][0].blind.reason
    assert await bench.sampler.caught_up(0.1)


async def test_a_query_that_is_refused_blinds_its_slis_only() -> None:
    bench = Bench()
    bench.traffic(600)

    def refuse_buckets(_: httpx.Request, form: dict[str, str]) -> httpx.Response | None:
        if "duration_seconds_bucket" not in form["query"]:
            return None
        return httpx.Response(422, json={"status": "error", "errorType": "execution", "error": "too weird"})

    bench.prometheus.fault = refuse_buckets
    await bench.at(603.5, usual())
    observed = bench.sampler.observed(KEY)
    assert observed is not None
    assert observed.readings[ERRORS][0].value == pytest.approx(0.1)
    assert observed.readings[P50][0].value is None
    assert "too weird" in observed.readings[P50][0].blind.reason  # type: ignore[union-attr]
    assert bench.sampler.source().state == "ok"


async def test_bad_promql_in_the_requests_is_named_and_prometheus_is_not_called_down() -> None:
    bench = Bench()

    def refuse(_: httpx.Request, form: dict[str, str]) -> httpx.Response | None:
        if "http_requests_total" not in form["query"]:
            return None
        return httpx.Response(400, json={"status": "error", "errorType": "bad_data", "error": "parse error"})

    bench.prometheus.fault = refuse
    await bench.at(33.5, usual())
    assert bench.sampler.source().state == "ok"
    observed = bench.sampler.observed(KEY)
    assert observed is not None
    assert observed.evidence[0].blind.code == "QUERY_ERR"  # type: ignore[union-attr]
    assert judge(Case(usual(), observed, bench.sampler.source(), T0), Policy()).verdict.state == "blind"


async def test_partial_answers_are_blind() -> None:
    bench = Bench()
    bench.traffic(600)
    bench.prometheus.warnings = ["receive series from Addr: store-3: deadline exceeded"]
    await bench.at(603.5, usual())
    observed = bench.sampler.observed(KEY)
    assert observed is not None
    assert observed.evidence[0].blind.code == "PARTIAL"  # type: ignore[union-attr]
    assert observed.readings[ERRORS][0].value is None


async def test_an_overloaded_prometheus_is_asked_for_less_history() -> None:
    bench = Bench()
    bench.traffic(3600)

    def too_much(_: httpx.Request, form: dict[str, str]) -> httpx.Response | None:
        if "bucket" in form["query"] and float(form["end"]) - float(form["start"]) > 900:
            text = "query processing would load too many samples into memory in query execution"
            return httpx.Response(422, json={"status": "error", "errorType": "execution", "error": text})
        return None

    bench.prometheus.fault = too_much
    await bench.at(3603.5, usual())
    assert bench.sampler.source().state == "ok"
    observed = bench.sampler.observed(KEY)
    assert observed is not None
    assert observed.evidence[0].canary == Counts(239, 2390)
    assert observed.readings[P50][0].value is not None
    assert sum(bench.sampler._follows[KEY].history.latency("canary", 480, 240)[1]) == 2390


async def test_another_canary_begins_anew() -> None:
    bench = Bench()
    bench.traffic(600)
    await bench.at(303.5, usual())
    later = usual(canary=arm("canary", "web-d2d2", pod("web-d2d2-aaaaa", T0 + 400)), started_at=T0 + 400)
    await bench.at(603.5, later)
    observed = bench.sampler.observed(KEY)
    assert observed is not None
    assert observed.evidence[0].canary == Counts(0, 0)
    assert observed.evidence[0].as_of == T0 + 600
    assert observed.evidence[0].strata == 14  # from the grid point before 400 s


async def test_series_have_gaps_where_nothing_was_seen_and_one_grid_for_both_arms() -> None:
    bench = Bench()
    bench.traffic(600)
    await bench.at(303.5, usual())
    series = bench.sampler.series(KEY)
    version = series.version
    canary, baseline = series.points(ERRORS, "canary"), series.points(ERRORS, "baseline")
    # The hour before is there as well: the baseline alone.
    grid = [T0 - 3600.0 + 15.0 * step for step in range(1, 261)]
    assert [at for at, _ in canary] == [at for at, _ in baseline] == grid
    assert all(value is None for _, value in canary[:241])  # its first scrape is at 22 s
    assert canary[241][1] == pytest.approx(0.1)
    assert baseline[235][1] is None
    assert baseline[240][1] == 0.0
    await bench.at(603.5, usual())
    assert series.version > version
    assert len(series.points(ERRORS, "canary")) == 280
    assert series.points("no such SLI", "canary") == ()
    assert bench.sampler.series(Key("Rollout", "x", "y")).points(ERRORS, "canary") == ()


async def test_cpu_and_memory_are_the_median_pods() -> None:
    bench = Bench()
    bench.traffic(300)
    for name, memory in ((C1, 100e6), ("web-c1c1-aaaab", 200e6), ("web-c1c1-aaaac", 900e6)):
        for at in _times(-60, 300, 5.0):
            labels = {"namespace": "shop", "pod": name, "container": "web"}
            bench.prometheus.sample(T0 + at, memory, **{"name": "container_memory_working_set_bytes", **labels})
            bench.prometheus.sample(T0 + at, (at + 60) * 0.5, **{"name": "container_cpu_usage_seconds_total", **labels})
    await bench.at(303.5, usual())
    observed = bench.sampler.observed(KEY)
    assert observed is not None
    assert observed.readings[MEMORY][0].value == 200e6
    assert observed.readings[CPU][0].value == pytest.approx(0.5, rel=0.1)
    assert observed.readings[CPU][1].value is None


async def test_without_prometheus_nothing_is_asked_and_the_reason_is_said() -> None:
    sampler = Sampler(Settings(), Clock())
    await sampler.start()
    sampler.set_targets({KEY: usual()})
    assert await sampler.caught_up(0.1)
    assert sampler.source().state == "off"
    verdict = judge(Case(usual(), sampler.observed(KEY), sampler.source(), T0), Policy()).verdict
    assert (verdict.state, "set prometheus.url" in verdict.reason) == ("unjudged", True)
    await sampler.stop()


async def test_the_loop_polls_by_itself_catches_up_and_stops() -> None:
    bench = Bench()
    bench.traffic(600)
    bench.prometheus.now = T0 + 603.5
    polled = asyncio.Event()
    bench.sampler.on_change(lambda _: polled.set())
    await bench.sampler.start()
    bench.sampler.set_targets({KEY: usual()})
    assert await bench.sampler.caught_up(5)
    assert bench.sampler.observed(KEY) is not None
    polled.clear()
    bench.prometheus.now += 15
    bench.sampler.refetch()
    await asyncio.wait_for(polled.wait(), 5)
    await bench.sampler.stop()
    count = len(bench.prometheus.requests)
    await asyncio.sleep(0)
    assert len(bench.prometheus.requests) == count


async def test_a_clock_that_jumps_back_folds_nothing_twice() -> None:
    bench = Bench()
    bench.traffic(600)
    await bench.at(603.5, usual())
    held = bench.sampler.observed(KEY).evidence  # type: ignore[union-attr]
    await bench.at(303.5, usual())
    behind = bench.sampler.observed(KEY).evidence[0]  # type: ignore[union-attr]
    assert (behind.canary, behind.as_of) == (held[0].canary, held[0].as_of)
    await bench.at(603.5, usual())
    assert bench.sampler.observed(KEY).evidence == held  # type: ignore[union-attr]


async def test_evidence_goes_on_when_the_rollout_finishes() -> None:
    bench = Bench()
    bench.traffic(600)
    await bench.at(303.5, usual())
    held = bench.sampler._follows[KEY]
    canary, baseline = arm("canary", "web-c1c1", pod(C1, T0 + 2)), arm("baseline", "web-b1b1", pod(B1, T0 - 3600))
    done = rollout(
        canary=None, baseline=canary, before=baseline, in_flight=False, started_at=None, finished_at=T0 + 320
    )
    await bench.at(603.5, done)
    assert bench.sampler._follows[KEY] is held
    assert held.evidence[0].canary == Counts(39, 390)
    again = usual(started_at=T0 + 610)  # the same hash once more: another attempt
    await bench.at(633.5, again)
    assert bench.sampler._follows[KEY] is not held


async def test_a_poll_that_began_before_a_target_does_not_settle_it() -> None:
    bench = Bench()
    bench.traffic(600)
    bench.prometheus.now = T0 + 603.5

    def arrive(_: httpx.Request, form: dict[str, str]) -> None:
        if form["query"].startswith("http_requests_total"):
            bench.prometheus.fault = None
            other = usual(key=Key("Rollout", "shop", "other"), uid="other")
            bench.sampler.set_targets({KEY: usual(), other.key: other})

    bench.prometheus.fault = arrive
    bench.sampler.set_targets({KEY: usual()})
    await bench.sampler.refresh()
    assert not await bench.sampler.caught_up(0.01)
    await bench.sampler.refresh()
    assert await bench.sampler.caught_up(0.01)
    assert bench.sampler.observed(Key("Rollout", "shop", "other")) is not None


async def test_two_replicasets_whose_long_names_share_a_beginning_are_told_apart_by_exact_names() -> None:
    bench = Bench()
    long = "n" * 60  # the API server cuts pod names: hash and all
    one, two = f"{long[:58]}aaaaa", f"{long[:58]}bbbbb"
    for number, at in enumerate(_times(STEP, 300, 7.0), start=1):
        bench.serve(one, at, 10 * number)
        bench.serve(two, at, 0, number)
        bench.serve(f"{long[:58]}ccccc", at, 1000 * number)  # nobody can say whose it was: it is nobody's
    named = replace(pod_in("shop", one), created_at=T0 + 2)
    other = replace(pod_in("shop", two), created_at=T0 + 2)
    item = rollout(
        canary=Arm("canary", "c", None, f"{long}-c", (), (named,), 1, 1, 1),
        baseline=Arm("baseline", "b", None, f"{long}-b", (), (other,), 1, 1, 1),
    )
    await bench.at(303.5, item)
    observed = bench.sampler.observed(KEY)
    assert observed is not None
    assert observed.evidence[0].canary == Counts(0, 190)
    assert observed.evidence[0].baseline == Counts(19, 19)


@pytest.mark.parametrize(("scale", "wait"), [(1.0, 14.5), (60.0, 14.5 / 60), (1000.0, 0.2), (0.0, 1.0)])
async def test_polls_follow_the_grid_of_evidence_time(scale: float, wait: float) -> None:
    bench = Bench()
    bench.traffic(600)
    await bench.at(603.5, usual())
    bench.sampler._clock.time_scale = scale
    assert bench.sampler._delay() == pytest.approx(wait)


async def test_an_overloaded_server_is_asked_less_often_and_one_that_is_down_is_not_forgotten() -> None:
    bench = Bench()
    bench.prometheus.fault = lambda _, __: httpx.Response(429, text="slow down")
    waits = []
    for _ in range(5):
        await bench.sampler.refresh()
        waits.append(bench.sampler._delay())
    assert waits == [30.0, 60.0, 120.0, 120.0, 120.0]
    bench.sampler.refetch()
    bench.prometheus.fault = lambda _, __: httpx.Response(502, text="")
    await bench.sampler.refresh()
    assert bench.sampler._delay() == 15.0


async def test_a_source_whose_history_is_still_to_be_read_is_not_called_ok() -> None:
    bench = Bench()
    bench.traffic(600)
    bench.prometheus.now = T0 + 603.5
    await bench.sampler.refresh()
    assert bench.sampler.source().state == "ok", "it answers, and nothing is asked for"
    bench.sampler.set_targets({KEY: usual()})
    assert bench.sampler.source().state == "syncing", "no verdict is there yet"
    await bench.sampler.refresh()
    assert bench.sampler.source().state == "ok"
    other = usual(key=Key("Rollout", "shop", "other"), uid="other")
    bench.sampler.set_targets({KEY: usual(), other.key: other})
    assert bench.sampler.source().state == "ok", "one rollout more is no reason to doubt the rest"
