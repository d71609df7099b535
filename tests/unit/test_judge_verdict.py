"""fold is a pure function of strata; the provisional judge says unjudged or blind, whatever it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cockpit.judge import fold, judge
from cockpit.model.case import Case, Observed, Policy
from cockpit.model.evidence import Blind, Counts, Evidence, Reading, Stratum
from cockpit.model.resource import Key
from cockpit.model.rollout import Arm, Replicas, Rollout, Weight
from cockpit.model.sli import ERRORS, P99, STANDARD
from cockpit.model.snapshot import Source
from cockpit.model.verdict import PerArm

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


def test_the_sentence_and_the_table() -> None:
    evidence = Evidence(sli=STANDARD[ERRORS], canary=Counts(746, 18_204), baseline=Counts(210, 70_000), strata=9)
    observed = Observed((evidence,), {ERRORS: (Reading(0.041), Reading(0.003)), P99: (Reading(0.91), Reading(0.412))})
    found = judge(Case(ROLLOUT, observed, Source("ok"), 0.0), Policy())
    assert found.verdict.reason == "errors 4.10 % vs 0.30 % (13.7x, n=18204); not judged yet"
    row = next(row for row in found.slis if row.name == ERRORS)
    assert (row.requests, row.errors) == (PerArm(18_204, 70_000), PerArm(746, 210))
    assert row.ratio == pytest.approx(13.667, abs=1e-3)
    assert (row.e_abort, row.e_advance, row.interval) == (None, None, None)
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
    assert verdict.reason == "aborted; over its life errors 5.00 % vs 0.10 % (n=600)"


_value = st.none() | st.floats(0, 1e6)
_blind = st.none() | st.builds(
    Blind, st.sampled_from(["PROM_DOWN", "TARGET_DOWN", "NO_PODS", "TOO_NEW", "NO_TRAFFIC", "PARTIAL"]), st.just("why")
)
_reading = st.builds(Reading, _value, blind=_blind)
_counts = st.integers(0, 10**7).flatmap(lambda total: st.builds(Counts, st.integers(0, total), st.just(total)))


@settings(max_examples=200, deadline=None)
@given(
    st.booleans(),
    st.booleans(),
    _counts,
    _counts,
    _blind,
    st.dictionaries(st.sampled_from(list(STANDARD)), st.tuples(_reading, _reading)),
    st.sampled_from(["ok", "lost", "denied", "off", "syncing"]),
)
def test_it_never_says_ready_or_abort(in_flight, seen, canary, baseline, blind, readings, state) -> None:  # type: ignore[no-untyped-def]
    evidence = Evidence(sli=STANDARD[ERRORS], canary=canary, baseline=baseline, strata=1, blind=blind)
    rollout = ROLLOUT if in_flight else replace(ROLLOUT, in_flight=False, canary=None, finished_at=1.0)
    observed = Observed((evidence,), readings) if seen else None
    found = judge(Case(rollout, observed, Source(state), 0.0), Policy())
    assert found.verdict.state in ("unjudged", "blind")
    assert found.verdict.reason
    assert all(row.state in ("unjudged", "blind") for row in found.slis)
