"""fold is a pure function of strata; the judge says one of seven states, its numbers, and what it waits for."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cockpit.judge import fold, judge
from cockpit.judge.ratio import jeffreys_interval
from cockpit.judge.rows import suspect
from cockpit.judge.waiting import Pace, waiting
from cockpit.model.case import Case, Observed, Policy
from cockpit.model.evidence import Blind, Counts, Evidence, Reading, Saturation, Sli, Stratum
from cockpit.model.resource import Key
from cockpit.model.rollout import Arm, Check, CheckMetric, LastExit, Pod, Replicas, Role, Rollout, Weight
from cockpit.model.sli import ERRORS, P99, RATE, STANDARD
from cockpit.model.snapshot import Source
from cockpit.model.verdict import PerArm, Verdict

T0 = 1_800_000_000.0
POLICY = Policy()
OK = Source("ok")
CANARY = Arm("canary", "c1", 2, "web-c1", (), (), 1, 1, 1)
ROLLOUT = Rollout(
    key=Key("Rollout", "shop", "web"),
    uid="u",
    resource_version="1",
    generation=1,
    strategy="canary",
    phase="Paused",
    message="",
    replicas=Replicas(1, 1, 1, 1),
    weight=Weight(0.1, 0.1),
    seen={},
    in_flight=True,
    canary=CANARY,
)
NEW = Evidence(sli=STANDARD[ERRORS])


def test_fold_adds_and_never_mutates() -> None:
    one = fold(NEW, Stratum(0.0, Counts(1, 10), Counts(0, 90)))
    two = fold(one, Stratum(15.0, Counts(0, 5), Counts(2, 45)))
    assert (NEW.canary, NEW.strata, NEW.as_of) == (Counts(), 0, None)
    assert (two.canary, two.baseline, two.strata, two.as_of) == (Counts(1, 15), Counts(2, 135), 2, 30.0)


def test_fold_ignores_what_it_has_seen() -> None:
    one = fold(NEW, Stratum(15.0, Counts(1, 10), Counts(0, 90)))
    assert fold(one, Stratum(15.0, Counts(1, 10), Counts(0, 90))) is one
    assert fold(one, Stratum(0.0, Counts(1, 10), Counts(0, 90))) is one


@pytest.mark.parametrize("counts", [Counts(-1, 5), Counts(6, 5), Counts(0, -1)])
def test_fold_refuses_impossible_counts(counts: Counts) -> None:
    with pytest.raises(ValueError, match="impossible counts"):
        fold(NEW, Stratum(0.0, counts, Counts()))


def test_ten_million_errors() -> None:
    folded = fold(NEW, Stratum(0.0, Counts(10_000_000, 20_000_000), Counts(1, 20_000_000)))
    assert folded.canary.bad == 10_000_000


def folded(*strata: tuple[Counts, Counts], sli: Sli = STANDARD[ERRORS]) -> Evidence:
    """Evidence of consecutive strata."""
    evidence = Evidence(sli=sli)
    for number, (canary, baseline) in enumerate(strata):
        evidence = fold(evidence, Stratum(T0 + 15.0 * number, canary, baseline))
    return evidence


def said(evidence: Evidence, rollout: Rollout = ROLLOUT, policy: Policy = POLICY, **more: Any) -> Verdict:
    return judge(case(Observed((evidence,), **more), rollout), policy).verdict


def case(observed: Observed | None, rollout: Rollout = ROLLOUT, source: Source = OK) -> Case:
    return Case(rollout, observed, source, T0 + 1000.0)


def now(canary: float | None, baseline: float | None, rates: tuple[float, float] = (1.0, 9.0)) -> dict[str, Any]:
    """Present values: error ratios and requests per second of both arms."""
    pairs = {ERRORS: (Reading(canary), Reading(baseline)), RATE: (Reading(rates[0]), Reading(rates[1]))}
    return {"readings": pairs}


def test_a_canary_much_worse_is_abort_with_its_numbers() -> None:
    evidence = folded(*[(Counts(4, 100), Counts(3, 900))] * 10)
    assert evidence.log_abort is not None
    assert evidence.log_abort >= math.log(20)
    assert evidence.latched_by == "ratio"
    verdict = said(evidence, **now(0.04, 0.0033))
    assert verdict.state == "abort"
    assert verdict.reason == "errors 4.00 % vs 0.33 % (12.0x, n=1000)"
    assert (verdict.sli, verdict.latched_at) == (ERRORS, evidence.latched_at)


def test_abort_is_latched_and_says_what_is_now() -> None:
    bad, good = (Counts(4, 100), Counts(3, 900)), (Counts(0, 100), Counts(3, 900))
    evidence = folded(*[bad] * 10, *[good] * 200)
    assert evidence.log_abort is not None
    assert evidence.log_abort < 0
    latched = folded(*[bad] * 10).latched_at
    verdict = said(evidence, **now(0.003, 0.003))
    assert (verdict.state, verdict.latched_at) == ("abort", latched)
    assert verdict.reason.endswith(", now 1.0x")
    assert said(evidence, **now(None, None)).reason.endswith(", now unknown")


def test_a_healthy_canary_waits_in_numbers_and_becomes_ready() -> None:
    step = (Counts(0, 15), Counts(1, 135))
    first = said(folded(*[step] * 10), **now(0.0, 0.0074))
    assert first.state == "wait"
    assert "150 of 336 requests, about 5 min at this rate" in first.reason
    assert "this weight cannot show a 5x regression within 5 min; raise the weight or lengthen the step" in first.reason
    states = [said(folded(*[step] * count), **now(0.0, 0.0074)).state for count in range(0, 200, 10)]
    assert states[0] == "wait"
    assert states[-1] == "ready"
    assert states == sorted(states, key=["wait", "ready"].index)


def test_the_facts_own_example_of_what_is_waited_for() -> None:
    """10 % share, 1 % errors: 249 canary requests until 5x shows (facts 1.3e); 41 of them are there."""
    verdict = said(
        folded((Counts(0, 41), Counts(4, 369)), (Counts(0, 0), Counts(0, 0))), **now(0.0, 0.0108, (3.2, 28.8))
    )
    assert verdict.state == "wait"
    assert "41 of 230 requests, about 88 s at this rate" in verdict.reason
    assert "cannot show" not in verdict.reason


def test_without_any_error_the_absolute_bound_decides() -> None:
    clean = (Counts(0, 15), Counts(0, 135))
    early = said(folded(*[clean] * 20), **now(0.0, 0.0))
    assert early.state == "wait"
    assert "300 of 680 requests without errors until it is surely below 1.00 %, about 6 min" in early.reason
    assert said(folded(*[clean] * 45), **now(0.0, 0.0)).state == "wait"
    late = said(folded(*[clean] * 46), **now(0.0, 0.0))
    assert late.state == "ready"
    assert "surely below 1.00 %" in late.reason
    strict = replace(STANDARD[ERRORS], ceiling=0.001)
    assert said(folded(*[clean] * 46, sli=strict), **now(0.0, 0.0)).state == "wait"


def test_looking_worse_without_proof_is_watch() -> None:
    evidence = folded(*[(Counts(1, 60), Counts(3, 540))] * 6)
    assert suspect(evidence) is False
    evidence = folded(*[(Counts(2, 100), Counts(4, 900))] * 5)
    assert evidence.latched_at is None
    verdict = said(evidence, **now(0.02, 0.0044))
    assert verdict.state == "watch"
    assert "looks worse than 2x, not proven yet" in verdict.reason


def test_one_error_of_twenty_requests_is_no_alarm() -> None:
    """P(ratio > 2) is 0.965 there, and means nothing (facts 0.3)."""
    assert said(folded((Counts(1, 20), Counts(0, 180))), **now(0.05, 0.0)).state == "wait"


def test_a_fault_that_begins_after_a_good_hour_is_found_within_minutes() -> None:
    good, bad = (Counts(1, 75), Counts(7, 675)), (Counts(4, 75), Counts(7, 675))
    evidence = folded(*[good] * 240)
    assert said(evidence, **now(0.013, 0.01)).state == "ready"
    at = 240
    while evidence.latched_at is None and at < 300:
        evidence = fold(evidence, Stratum(T0 + 15.0 * at, *bad))
        at += 1
    assert evidence.latched_by == "late"
    assert at - 240 <= 20
    assert "worse of late" in said(evidence, **now(0.05, 0.01)).reason
    watched = folded(*[good] * 240, *[bad] * 7)
    assert said(watched, **now(0.05, 0.01)).state == "watch"


def test_what_both_arms_burn_is_not_the_canarys_fault() -> None:
    sli = replace(STANDARD[ERRORS], limit=0.01, ceiling=0.01)
    shared = folded(*[(Counts(40, 100), Counts(360, 900))] * 10, sli=sli)
    assert shared.latched_at is None
    verdict = said(shared, **now(0.40, 0.40))
    assert verdict.state == "outage"
    assert "not this release" in verdict.reason
    worse = folded(*[(Counts(60, 100), Counts(360, 900))] * 10, sli=sli)  # 1.5x, but 20 percentage points beyond
    assert worse.latched_by == "burn"
    assert said(worse, **now(0.60, 0.40)).state == "abort"


def test_fewer_than_five_bad_events_burn_nothing() -> None:
    sli = replace(STANDARD[ERRORS], limit=0.001, ceiling=0.001, k=100.0)
    assert folded((Counts(4, 4), Counts(100, 5000)), sli=sli).latched_at is None
    assert folded((Counts(5, 5), Counts(100, 5000)), sli=sli).latched_by == "burn"


def test_orders_that_silently_stop() -> None:
    sli = Sli("orders", "volume", "ratio")
    none = folded(*[(Counts(0, 75), Counts(67, 675))] * 8, sli=sli)
    assert none.latched_by == "ratio"
    fine = folded(*[(Counts(7, 75), Counts(67, 675))] * 80, sli=sli)
    assert fine.latched_at is None
    assert fine.log_advance is not None
    assert fine.log_advance > math.log(20)
    verdict = judge(case(Observed((folded((Counts(1, 900), Counts(9, 8100))), none), **now(0.001, 0.001))), POLICY)
    assert verdict.verdict.state == "abort"
    assert verdict.verdict.reason.startswith("orders 0.00 % vs 9.93 %")
    assert [row.name for row in verdict.slis][-1] == "orders"


def test_the_worst_sli_speaks_and_the_rest_goes_on() -> None:
    fine = folded(*[(Counts(1, 100), Counts(9, 900))] * 60)
    slow = Sli("p95", "latency", "seconds", limit=0.25, k=1.5, threshold=0.25, ceiling=0.05)
    worse = folded(*[(Counts(30, 100), Counts(45, 900))] * 10, sli=slow)
    both = judge(case(Observed((fine, worse), **now(0.01, 0.01))), POLICY)
    assert (both.verdict.state, both.verdict.sli) == ("abort", "p95")
    assert both.verdict.reason.startswith("p95: slower than 250 ms 30.00 % vs 5.00 %")
    rows = {row.name: row for row in both.slis}
    assert (rows[ERRORS].state, rows["p95"].state, rows["p95"].limit) == ("ready", "abort", 0.25)
    broken = replace(worse, latched_at=None, latched_by=None, blind=Blind("NO_INF", "p95: no +Inf bucket"))
    verdict = judge(case(Observed((fine, broken), **now(0.01, 0.01))), POLICY)
    assert (verdict.verdict.state, verdict.verdict.reason) == ("blind", "p95: no +Inf bucket")
    assert {row.name: row.state for row in verdict.slis}[ERRORS] == "ready"


def test_the_table_carries_every_number() -> None:
    evidence = folded(*[(Counts(4, 100), Counts(3, 900))] * 10)
    values = {**now(0.041, 0.003)["readings"], P99: (Reading(0.91), Reading(0.412))}
    plain = judge(case(Observed((evidence,), values)), POLICY).slis[0]
    assert (plain.interval, plain.posterior) == (None, None)
    found = judge(replace(case(Observed((evidence,), values)), intervals=True), POLICY)
    row = next(row for row in found.slis if row.name == ERRORS)
    assert (row.requests, row.errors) == (PerArm(1000, 9000), PerArm(40, 30))
    assert row.ratio == pytest.approx(13.667, abs=1e-3)
    assert row.interval == pytest.approx(jeffreys_interval(Counts(40, 1000), Counts(30, 9000)))
    assert row.posterior is not None
    assert row.posterior > 0.999
    assert row.e_abort is not None
    assert 20 <= row.e_abort <= 1e300
    assert row.e_advance is not None
    p99 = next(row for row in found.slis if row.name == P99)
    assert p99.ratio == pytest.approx(2.209, abs=1e-3)
    assert p99.requests == PerArm(None, None)


def test_nothing_known_is_unknown_not_zero() -> None:
    found = judge(Case(ROLLOUT, Observed(), Source("ok"), 0.0), Policy())
    assert found.verdict.state == "unjudged"
    assert "unknown vs unknown" in found.verdict.reason
    assert all(row.canary is None and row.ratio is None for row in found.slis)
    assert all(row.requests == PerArm(None, None) for row in found.slis)


@pytest.mark.parametrize(
    ("source", "state", "words"),
    [
        (Source("off"), "unjudged", "set prometheus.url"),
        (Source("syncing"), "unjudged", "being read"),
        (Source("lost", message="Prometheus at x cannot be reached"), "blind", "cannot be reached"),
        (Source("denied", message="no"), "blind", "no"),
    ],
)
def test_without_observation_the_source_speaks(source: Source, state: str, words: str) -> None:
    verdict = judge(Case(ROLLOUT, None, source, 0.0), Policy()).verdict
    assert verdict.state == state
    assert words in verdict.reason
    assert (verdict.source == "prometheus") == (state == "blind")


def test_after_an_abort_the_life_of_the_canary_is_told() -> None:
    evidence = Evidence(sli=STANDARD[ERRORS], canary=Counts(30, 600), baseline=Counts(1, 1000), strata=9)
    observed = Observed((replace(evidence, blind=Blind("NO_PODS", "no pod")),))
    verdict = judge(Case(replace(ROLLOUT, aborted=True), observed, Source("ok"), 0.0), Policy()).verdict
    assert verdict.state == "unjudged"
    assert verdict.reason == "aborted; over its life errors 5.00 % vs 0.10 % (50.0x, n=600)"
    latched = Observed((replace(evidence, blind=Blind("NO_PODS", "no pod"), latched_at=30.0),))
    verdict = judge(Case(replace(ROLLOUT, aborted=True), latched, Source("ok"), 0.0), Policy()).verdict
    assert (verdict.state, verdict.latched_at) == ("abort", 30.0)  # a retry would bring it back


def test_the_returning_version_is_judged_as_such() -> None:
    evidence = folded(*[(Counts(4, 100), Counts(3, 900))] * 10)
    verdict = said(evidence, replace(ROLLOUT, returning=True), **now(0.04, 0.0033))
    assert verdict.reason.startswith("returning version: errors 4.00 %")


def test_a_finished_rollout_is_compared_with_before() -> None:
    over = replace(ROLLOUT, in_flight=False, canary=None, before=CANARY, finished_at=T0)
    alone = (Counts(0, 100), Counts(0, 0))
    healthy = folded(*[(Counts(0, 100), Counts(3, 900))] * 10, *[alone] * 10)
    verdict = said(healthy, over, **now(0.003, 0.0033))
    assert (verdict.state, verdict.reason) == (
        "unjudged",
        "fully promoted; errors 0.30 % vs before 0.33 % (0.9x)",
    )
    worse = folded(*[(Counts(0, 100), Counts(3, 900))] * 10, *[(Counts(5, 100), Counts(0, 0))] * 10)
    verdict = said(worse, over, **now(0.05, 0.0033))
    assert verdict.state == "abort"
    assert verdict.reason == "fully promoted; vs before: errors 5.00 % vs 0.33 % (15.0x, n=1000)"


def test_crash_loops_and_kills_need_no_metrics() -> None:
    def pods(role: Role, *faults: tuple[str | None, LastExit | None, int]) -> Arm:
        made = tuple(
            Pod(f"p{i}", "shop", f"u{i}", "h", "Running", False, restarts, None, reason=reason, last_exit=end)
            for i, (reason, end, restarts) in enumerate(faults)
        )
        return replace(CANARY, role=role, pods=made)

    fine, looping = (None, None, 0), ("CrashLoopBackOff", LastExit("app", "Error", 1, T0), 5)
    killed = (None, LastExit("app", "OOMKilled", 137, T0 + 990), 1)
    between = (None, LastExit("app", "Error", 1, T0 + 900), 4)
    long_ago = (None, LastExit("app", "Error", 1, T0 + 100), 4)
    for faults, baseline, state, words in (
        (
            (fine, looping),
            (fine,),
            "abort",
            "1 of 2 pods of the canary is in a crash loop (5 restarts",
        ),
        ((killed, fine), (fine,), "abort", "1 of 2 pods of the canary is out of memory (OOMKilled)"),
        ((between,), (fine,), "abort", "crash loop"),
        ((long_ago,), (fine,), "unjudged", "SLIs are being read"),
        ((looping,), (looping,), "outage", "not this release"),
        ((("ImagePullBackOff", None, 0),), (fine,), "watch", "cannot start: ImagePullBackOff"),
    ):
        rollout = replace(
            ROLLOUT, canary=pods("canary", *faults), baseline=pods("baseline", *baseline), started_at=T0 - 10
        )
        for source in (Source("syncing"), OK):
            verdict = judge(case(None, rollout, source), POLICY).verdict
            assert (verdict.state, words in verdict.reason) == (state, True), verdict
        if state == "abort":
            assert judge(case(None, rollout, Source("lost", message="gone")), POLICY).verdict.state == "abort"
            assert judge(case(None, rollout, Source("off")), POLICY).verdict.state == "abort"


def test_a_step_stuck_on_its_analysis_says_query_and_value() -> None:
    metric = CheckMetric(
        "success-rate",
        "Inconclusive",
        inconclusive=1,
        value="NaN",
        condition="result[0] >= 0.95",
        query="sum(rate(x[2m]))",
    )
    stuck = replace(
        ROLLOUT,
        paused_by="inconclusive",
        step_index=2,
        checks=(Check("web-2-2", "step", "Inconclusive", step_index=2, metrics=(metric,)),),
    )
    ready = folded(*[(Counts(1, 100), Counts(9, 900))] * 60)
    verdict = said(ready, stuck, **now(0.01, 0.01))
    assert verdict.state == "blind"
    assert verdict.reason == (
        "step 3 is stuck: analysis web-2-2 has no data: success-rate = NaN; wanted result[0] >= 0.95; "
        "query sum(rate(x[2m]))"
    )
    undecided = replace(stuck, checks=(replace(stuck.checks[0], metrics=(replace(metric, value="[0.93]"),)),))
    verdict = said(ready, undecided, **now(0.01, 0.01))
    assert verdict.state == "watch"
    assert "is inconclusive: success-rate = [0.93]" in verdict.reason
    failing = replace(metric, phase="Error", inconclusive=0, error=3, value=None, message="slice index out of range")
    running = replace(stuck, paused_by=None, checks=(replace(stuck.checks[0], phase="Running", metrics=(failing,)),))
    verdict = said(ready, running, **now(0.01, 0.01))
    assert verdict.state == "blind"
    assert "gets no data: success-rate = nothing" in verdict.reason
    assert "slice index out of range" in verdict.reason


def test_saturation_by_entry_and_exit_and_beside_the_baseline() -> None:
    ready = folded(*[(Counts(1, 100), Counts(9, 900))] * 60)

    def with_memory(**fields: Any) -> Verdict:
        return said(ready, saturation=(Saturation("memory", **fields),), **now(0.01, 0.01))

    assert with_memory(canary=0.5, baseline=0.45).state == "ready"
    full = with_memory(canary=0.93, baseline=0.45, canary_full=True)
    assert (full.state, full.reason) == ("abort", "memory at 93% of its limit, baseline 45% for three polls")
    assert with_memory(canary=0.93, baseline=0.95, canary_full=True, baseline_full=True).state == "watch"
    assert with_memory(canary=0.8, baseline=0.4).state == "watch"
    assert with_memory(canary=0.4, baseline=0.4, full_in=600.0).state == "watch"
    assert with_memory(canary=None, baseline=None).state == "ready"  # no limit is known: nothing is said of it


def test_a_canary_that_serves_less_than_its_weight() -> None:
    ready = folded(*[(Counts(1, 100), Counts(9, 900))] * 60)
    settled = replace(ROLLOUT, step_since=T0)
    verdict = said(ready, settled, **now(0.01, 0.01, (1.0, 99.0)))
    assert verdict.state == "watch"
    assert "only 1.00 % of the requests at weight 10%" in verdict.reason
    assert said(ready, settled, **now(0.01, 0.01, (7.0, 93.0))).state == "ready"
    moving = replace(ROLLOUT, step_since=T0 + 900)
    assert said(ready, moving, **now(0.01, 0.01, (1.0, 99.0))).state == "ready"


def test_splitting_and_merging_polls_changes_nothing_on_the_grid() -> None:
    strata = [Stratum(T0 + 15.0 * i, Counts(i % 3, 50), Counts(i % 5, 450)) for i in range(80)]
    whole = Evidence(sli=STANDARD[ERRORS])
    for stratum in strata:
        whole = fold(whole, stratum)
    again = Evidence(sli=STANDARD[ERRORS])
    for first, last in ((0, 10), (5, 40), (0, 80)):  # polls that overlap
        for stratum in strata[first:last]:
            again = fold(again, stratum)
    assert again == whole


_value = st.none() | st.floats(0, 1e6)
_blind = st.none() | st.builds(
    Blind, st.sampled_from(["PROM_DOWN", "TARGET_DOWN", "NO_PODS", "TOO_NEW", "NO_TRAFFIC", "PARTIAL"]), st.just("why")
)
_reading = st.builds(Reading, _value, blind=_blind)
_counts = st.integers(0, 10**7).flatmap(lambda total: st.builds(Counts, st.integers(0, total), st.just(total)))


@settings(max_examples=200)
@given(
    st.booleans(),
    st.booleans(),
    _counts,
    _counts,
    _blind,
    st.dictionaries(st.sampled_from(list(STANDARD)), st.tuples(_reading, _reading)),
    st.sampled_from(["ok", "lost", "denied", "off", "syncing"]),
)
def test_counts_without_strata_decide_nothing(in_flight, seen, canary, baseline, blind, readings, state) -> None:  # type: ignore[no-untyped-def]
    evidence = Evidence(sli=STANDARD[ERRORS], canary=canary, baseline=baseline, strata=1, blind=blind)
    rollout = ROLLOUT if in_flight else replace(ROLLOUT, in_flight=False, canary=None, finished_at=1.0)
    observed = Observed((evidence,), readings) if seen else None
    found = judge(Case(rollout, observed, Source(state), 0.0), Policy())
    assert found.verdict.state not in ("ready", "abort")
    assert found.verdict.reason
    assert all(row.state not in ("ready", "abort") for row in found.slis)


@settings(max_examples=200)
@given(_counts, _counts, _blind.filter(lambda blind: blind is not None))
def test_missing_data_never_becomes_ready_or_abort(canary: Counts, baseline: Counts, blind: Blind) -> None:
    evidence = replace(folded(*[(canary, baseline)] * 8), latched_at=None, latched_by=None, blind=blind)
    found = judge(case(Observed((evidence,), **now(0.01, 0.01))), POLICY)
    assert found.verdict.state in ("wait", "blind", "unjudged", "outage")


def test_every_verdict_costs_less_than_half_a_millisecond_of_numbers_beyond_any_float() -> None:
    huge = folded(*[(Counts(9_000_000, 10_000_000), Counts(9, 10_000_000))] * 3)
    row = judge(case(Observed((huge,), **now(0.9, 1e-6))), POLICY).slis[0]
    assert row.e_abort == 1e300
    assert row.e_advance == 0.0


def test_a_lone_canary_says_that_it_stands_alone() -> None:
    verdict = said(folded((Counts(1, 10), Counts(0, 0))), **now(0.1, None, (1.0, 1.0)))
    assert verdict.state == "wait"
    assert "no request of the baseline to compare 10 of the canary with" in verdict.reason


def test_a_share_too_small_to_tell_is_said_not_raised() -> None:
    found = waiting(folded((Counts(1, 1), Counts(1, 1))), Pace(2.8e-24, 1.0), Policy(), None)
    assert found.reason.startswith("1 requests; at this share of the traffic no number of them tells")
