"""The published JSON: keys, units and what unknown looks like; and its text twin in 80 columns."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from cockpit.cli import report, text
from cockpit.cli.output import dumps
from cockpit.model.revision import Revision
from cockpit.model.rollout import Image, Weight
from cockpit.model.snapshot import Source
from cockpit.model.verdict import Verdict
from tests.harness import seat

LIST_KEYS = {
    "kind",
    "namespace",
    "name",
    "strategy",
    "phase",
    "message",
    "paused_by",
    "step",
    "weight",
    "waits_for_human",
    "verdict",
}
STATUS_KEYS = LIST_KEYS | {"arms", "slis", "burn", "owner", "as_of"}


def test_list_has_the_published_keys_and_units() -> None:
    (entry,) = report.fleet(seat.picture(seat.rollout()))
    assert set(entry) >= LIST_KEYS
    assert entry["step"] == {"index": 1, "total": 3, "kind": "pause"}
    assert entry["weight"] == {"set": 0.25, "actual": 0.25}
    assert set(entry["verdict"]) == {"state", "reason"}


def test_step_kind_is_null_when_done_and_index_null_without_steps() -> None:
    done = report.item(seat.rollout(step_index=3), None)
    assert done["step"] == {"index": 3, "total": 3, "kind": None}
    none = report.item(seat.rollout(steps=(), step_index=None, weight=Weight(None, None)), None)
    assert none["step"] == {"index": None, "total": 0, "kind": None}
    assert none["weight"] == {"set": None, "actual": None}
    assert none["verdict"]["state"] == "unjudged"


def test_status_has_arms_slis_burn_owner_and_sources() -> None:
    shown = seat.rollout(canary=seat.arm("canary", seat.pod("ok-1"), seat.BAD_POD), owner=seat.OWNER)
    entry = report.status(seat.picture(shown), shown.key)
    assert set(entry) >= STATUS_KEYS
    canary = entry["arms"]["canary"]
    assert set(canary) >= {"hash", "revision", "images", "pods"}
    assert canary["images"] == [
        {"container": "web", "image": "registry.example/checkout:canary", "digest": seat.DIGEST}
    ]
    assert set(canary["pods"][0]) == {"name", "ready", "restarts", "digest", "reason", "message", "last_exit"}
    assert canary["pods"][1]["last_exit"] == {
        "container": "web",
        "reason": "OOMKilled",
        "code": 137,
        "at": seat.NOW - 60,
    }
    assert set(entry["slis"][0]) >= {
        "name",
        "canary",
        "baseline",
        "ratio",
        "interval",
        "requests",
        "errors",
        "e_abort",
        "e_advance",
        "state",
        "reason",
    }
    assert entry["slis"][0]["requests"] == {"canary": 1000, "baseline": 3000}
    assert entry["slis"][1]["canary"] is None
    assert entry["owner"]["tool"] == "argocd"
    assert entry["as_of"]["prometheus"]["age"] == 5.0
    assert entry["burn"]["windows"][0]["covered"] == 720.0


def test_json_is_strict_and_evidence_is_capped() -> None:
    row = msgspec.structs.replace(seat.assessment().slis[0], e_abort=float("inf"), ratio=float("nan"))
    encoded = dumps(report.sli(row))
    decoded = json.loads(encoded, parse_constant=lambda name: (_ for _ in ()).throw(AssertionError(name)))
    assert decoded["e_abort"] == 1e300
    assert decoded["ratio"] is None


def test_json_holds_no_byte_that_steers_a_terminal() -> None:
    encoded = dumps({"message": seat.hostile()}, indent=None)
    assert all(0x20 <= ord(character) < 0x7F for character in encoded.replace("\x7f", ""))


def test_an_arm_that_does_not_exist_is_null() -> None:
    shown = seat.rollout(canary=None)
    entry = report.status(seat.picture(shown), shown.key)
    assert entry["arms"]["canary"] is None
    assert "canary    none" in text.status(entry)


def test_status_text_fits_80_columns_and_says_what_the_json_says() -> None:
    shown = seat.rollout(canary=seat.arm("canary", seat.BAD_POD), owner=seat.OWNER)
    printed = text.status(report.status(seat.picture(shown), shown.key), 80)
    assert max(len(line) for line in printed.split("\n")) <= 80
    for word in (
        "UNJUDGED",
        "4.10%",
        "13.7x",
        "1000/3000",
        "CrashLoopBackOff",
        "OOMKilled",
        "code 137",
        "2/3 pause",
        "waits for you",
        "argocd",
        "12m of 60m: canary 15.1x",
        "prometheus ok 5s old",
    ):
        assert word in printed, word


def test_no_word_of_a_long_sentence_is_lost_in_80_columns() -> None:
    said = "InvalidSpec: The Rollout is invalid: " + " ".join(f"word{number}" for number in range(60)) + " END"
    shown = seat.rollout(message=said)
    printed = text.status(report.status(seat.picture(shown), shown.key), 80)
    assert max(len(line) for line in printed.split("\n")) <= 80
    assert said in " ".join(printed.split())
    flood = seat.rollout(message="m" * 1_000_000)
    assert len(text.status(report.status(seat.picture(flood), flood.key), 80)) < 10_000


def test_a_degraded_rollout_that_nothing_is_judged_of_says_what_its_controller_says() -> None:
    shown = seat.rollout(phase="Degraded", message="InvalidSpec: no steps")
    entry = report.item(shown, None)
    assert entry["verdict"]["state"] == "unjudged"
    for columns in (80, 160):
        assert "InvalidSpec: no steps" in text.fleet([entry], columns)


def test_unknown_is_a_question_mark_never_zero() -> None:
    shown = seat.rollout()
    lines = text.status(report.status(seat.picture(shown), shown.key)).split("\n")
    latency = next(line for line in lines if line.strip().startswith("p99"))
    assert latency.split()[1:5] == ["?", "400ms", "?", "?/3000"]
    unknown = seat.rollout(weight=Weight(None, None))
    assert " ? " in text.fleet([report.item(unknown, None)])


def test_a_lost_source_is_said_in_text() -> None:
    lost = seat.picture(
        seat.rollout(),
        sources={"kubernetes": Source("ok", at=seat.NOW), "prometheus": Source("lost", message="connection refused")},
    )
    printed = text.status(report.status(lost, next(iter(lost.rollouts))))
    assert "prometheus lost" in printed
    assert "prometheus: connection refused" in printed


def test_list_text_never_cuts_a_name_and_cuts_the_reason_with_an_ellipsis() -> None:
    long = "n" * 63
    printed = text.fleet(report.fleet(seat.picture(seat.rollout(name=long))), 80)
    assert f"payments/{long}" in printed
    short = text.fleet(report.fleet(seat.picture(seat.rollout())), 80)
    assert all(len(line) <= 80 for line in short.split("\n"))
    assert "    waits for you; errors 4.10 % vs 0.30 % (13.7x); not judged yet" in short.split("\n")
    narrow = text.fleet(report.fleet(seat.picture(seat.rollout())), 60).split("\n")
    assert narrow[-1].endswith("…")
    wide = text.fleet(report.fleet(seat.picture(seat.rollout())), 160).split("\n")
    assert len(wide) == 2
    assert "UNJUDGED waits for you; errors 4.10 %" in wide[1]
    assert text.fleet([]) == "no rollouts"


@pytest.mark.parametrize(("state", "lines"), [("abort", 3), ("watch", 3), ("unjudged", 2)])
def test_a_bad_verdict_on_what_was_promoted_never_stands_without_its_reason(state: Any, lines: int) -> None:
    done = seat.rollout(canary=None, in_flight=False, phase="Healthy", waits_for_human=False)
    judged = seat.assessment(verdict=Verdict(state, "fully promoted, but errors 4.1x"))
    printed = text.fleet(report.fleet(seat.picture(done, assessments={done.key: judged})), 80).split("\n")
    assert len(printed) == lines
    assert ("fully promoted, but errors 4.1x" in printed[-1]) is (lines == 3)


def test_revisions() -> None:
    entry = Revision(
        revision=41,
        hash="5c9d",
        current=False,
        stable=True,
        last_good=False,
        images=(Image("web", "registry.example/checkout:41", None),),
    )
    (built,) = report.revisions([entry])
    assert set(built) >= {"revision", "hash", "current", "stable", "last_good", "images", "retained", "signed", "speed"}
    assert built["retained"] == "unknown"
    printed = text.revisions([built])
    assert "rev 41" in printed
    assert "digest unknown" in printed


def test_revisions_say_of_each_what_a_person_asks_within_80_columns() -> None:
    """No "retained missing", no "back by unavailable", and no way back to what is in force."""
    lost = Revision(
        revision=2,
        hash="667575cfbf",
        current=False,
        stable=True,
        last_good=True,
        images=(),
        retained="missing",
        signed="present-unverified",
        speed="unavailable",
    )
    now = msgspec.structs.replace(
        lost, revision=7, hash="687db855b7", current=True, stable=False, retained="retained", speed="steps"
    )
    printed = text.revisions(report.revisions([now, lost]))
    first, *others = printed.split("\nrev ")
    assert first == "rev 7  687db855b7  current, last-good, artifact retained, signature\n    present-unverified"
    assert " ".join(others[0].split()) == (
        "2 667575cfbf stable, last-good, artifact missing, signature present-unverified, unavailable"
    )
    assert max(map(len, printed.split("\n"))) <= 80


def test_revisions_say_which_pruned_version_cannot_be_put_back_and_why() -> None:
    kept = Revision(2, "667575cfbf", False, False, False, (), source="journal")
    why = "its template holds literal secrets, which are not kept"
    lost = msgspec.structs.replace(kept, revision=1, hash="587db855b7", speed="unavailable", withheld=why)
    built = report.revisions([kept, lost])
    assert [each["withheld"] for each in built] == ["", why]
    one, other = text.revisions(built).split("\nrev ")
    assert "pruned from the cluster; its template is kept in the journal" in one and "cannot" not in one
    assert f"pruned from the cluster\n    cannot be put back: {why}" in other and "…" not in other
