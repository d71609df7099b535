"""The tiers of confirmations: direction and evidence decide, never the verb (Safety rule 7)."""

from __future__ import annotations

import itertools
from typing import get_args

import msgspec
import pytest

from cockpit.actions.consent import missing
from cockpit.actions.tiers import Case, case_of, decide
from cockpit.model.plan import Consent, Intent, Plan, Tier
from cockpit.model.resource import Key
from cockpit.model.verdict import State
from tests.harness import seat

STATES: tuple[State | None, ...] = (*get_args(State), None)
YES, WARNED, NAME = Tier.YES, Tier.YES_WARNED, Tier.NAME


@pytest.mark.parametrize(
    ("evidence", "tier"),
    [
        ("ready", YES),
        ("unjudged", YES),
        ("wait", WARNED),
        ("watch", NAME),
        ("blind", NAME),
        ("outage", NAME),
        ("abort", NAME),
        (None, NAME),
    ],
)
def test_advance_takes_what_the_evidence_deserves(evidence: State | None, tier: Tier) -> None:
    assert decide(Case("toward", evidence))[0] is tier


@pytest.mark.parametrize("evidence", STATES)
def test_away_from_the_newer_version_never_takes_more_than_a_yes(evidence: State | None) -> None:
    assert decide(Case("away", evidence))[0] is YES


@pytest.mark.parametrize("evidence", STATES)
def test_holding_moves_no_traffic(evidence: State | None) -> None:
    assert decide(Case("hold", evidence))[0] is YES


@pytest.mark.parametrize("evidence", STATES)
def test_skipping_a_check_takes_the_name(evidence: State | None) -> None:
    assert decide(Case("toward", evidence, skips_check=True))[0] is NAME


@pytest.mark.parametrize("evidence", STATES)
def test_full_promotion_without_evidence_takes_the_name(evidence: State | None) -> None:
    expected = WARNED if evidence == "ready" else NAME
    assert decide(Case("toward", evidence, promotes=True))[0] is expected


@pytest.mark.parametrize("evidence", STATES)
def test_back_to_the_version_one_is_rolling_back_from_takes_the_name(evidence: State | None) -> None:
    assert decide(Case("away", evidence, returning=True))[0] is NAME


@pytest.mark.parametrize(("evidence", "tier"), [("unjudged", YES), ("blind", YES), ("watch", WARNED), ("abort", NAME)])
def test_on_with_a_rollback_in_flight_is_the_safe_direction(evidence: State, tier: Tier) -> None:
    assert decide(Case("toward", evidence, returning=True))[0] is tier


@pytest.mark.parametrize("direction", ["away", "toward", "hold"])
@pytest.mark.parametrize("evidence", STATES)
def test_toward_a_version_that_was_left_before_takes_the_name(direction: str, evidence: State | None) -> None:
    assert decide(Case(direction, evidence, restores_bad=True))[0] is NAME


RETURNED, STABLE, BAD = "old", "stable", "bad"


@pytest.mark.parametrize(
    ("left", "to", "held_bad", "returning"),
    [
        (BAD, RETURNED, (BAD,), False),  # a canary was left for a version older than stable: stable is not held bad
        (STABLE, RETURNED, (STABLE,), True),
        (BAD, RETURNED, (BAD, STABLE), True),  # stable was left before, too
        (None, None, (), True),  # by another seat: the objects alone speak
        (BAD, "another", (BAD,), True),  # what is in flight is not what this journal's rollback went to
        (BAD, None, (BAD,), True),  # images pinned anew: where it went has no hash yet
    ],
)
def test_the_stable_version_is_held_bad_only_where_it_was_left(
    left: str | None, to: str | None, held_bad: tuple[str, ...], returning: bool
) -> None:
    rollout = seat.rollout(canary=seat.arm("canary", hash=RETURNED), baseline=seat.arm("baseline", hash=STABLE))
    intent = Intent("abort", msgspec.structs.replace(rollout, returning=True), None, held_bad=held_bad)
    draft = msgspec.structs.replace(plan(NAME), verb="abort", direction="away")
    case = case_of(intent, draft, left, to)
    assert case.returning is returning
    assert decide(case)[0] is (NAME if returning else YES)
    forward = msgspec.structs.replace(case, direction="toward", evidence="blind")
    assert decide(forward)[0] is (YES if returning else NAME)


def test_resuming_a_deployment_warns_that_nothing_stops_it() -> None:
    assert decide(Case("toward", "unjudged", full=True))[0] is WARNED
    assert decide(Case("toward", "watch", full=True))[0] is NAME


def test_more_reasons_never_ask_for_less() -> None:
    flags = ("skips_check", "full", "promotes", "restores_bad", "steps_over")
    for evidence in STATES:
        for chosen in itertools.product((False, True), repeat=len(flags)):
            case = Case("toward", evidence, **dict(zip(flags, chosen, strict=True)))
            tier, reason = decide(case)
            assert tier >= decide(Case("toward", evidence))[0]
            assert reason


def plan(tier: Tier) -> Plan:
    key = Key("Rollout", "payments", "checkout")
    return Plan("advance", key, "u", "ADVANCE", "toward", (), (), {}, tier=tier, tier_reason="it is so")


@pytest.mark.parametrize(
    ("tier", "consent", "enough"),
    [
        (YES, Consent(), False),
        (YES, Consent(yes=True), True),
        (YES, Consent(name="checkout"), True),  # the name includes the yes
        (WARNED, Consent(yes=True), True),
        (NAME, Consent(yes=True), False),
        (NAME, Consent(name="checkout"), True),
        (NAME, Consent(name="checkout "), False),
        (NAME, Consent(name="Checkout"), False),
        (NAME, Consent(yes=True, name=""), False),
        (YES, Consent(yes=True, name="other"), False),
    ],
)
def test_consent(tier: Tier, consent: Consent, enough: bool) -> None:
    said = missing(plan(tier), consent)
    assert (said is None) is enough
    if said is not None:
        assert "nothing was sent" in said
