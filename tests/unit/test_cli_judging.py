"""judge, gate and evidence reset: published objects, exit codes, and what is no number."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from cockpit.judge.ratio import jeffreys_interval
from cockpit.model.evidence import Counts
from cockpit.model.verdict import Assessment, State, Verdict
from tests.harness import seat
from tests.unit.test_cli_commands import Desk, desk, run  # noqa: F401  (fixtures)

Run = Callable[..., tuple[int, str, str]]
KEYS = {
    "ratio", "posterior", "interval", "e_abort", "e_advance", "log_e_abort", "log_e_advance", "verdict", "reason",
}  # fmt: skip


@pytest.mark.parametrize(
    ("canary", "baseline", "verdict", "e_abort"),
    [
        ("8/500", "20/4500", "wait", 0.6797),
        ("30/1000", "90/9000", "watch", 0.8322),
        ("1/20", "0/180", "wait", 2.9955),
        ("2/20", "0/180", "watch", 10.389),
        ("3/20", "0/180", "abort", 39.451),
        ("5/20", "0/180", "abort", 656.71),
        ("0/1000", "90/9000", "ready", None),
        ("0/700", "0/7000", "ready", 1.0),
        ("0/0", "0/10", "wait", 1.0),
    ],
)
def test_judge_weighs_given_counts(
    run: Run,  # noqa: F811
    canary: str,
    baseline: str,
    verdict: str,
    e_abort: float | None,
) -> None:
    code, out, _ = run("judge", "--canary", canary, "--baseline", baseline, "-o", "json")
    assert code == 0
    found = json.loads(out)
    assert set(found) >= KEYS
    assert found["verdict"] == verdict
    if e_abort is not None:
        assert found["e_abort"] == pytest.approx(e_abort, rel=1e-4)
    one, two = (Counts(*map(int, text.split("/"))) for text in (canary, baseline))
    assert found["interval"] == (pytest.approx(jeffreys_interval(one, two)) if one.total else None)
    assert "now" not in found["reason"]


def test_judge_with_another_ratio_and_numbers_beyond_any_float(run: Run) -> None:  # noqa: F811
    code, out, _ = run("judge", "--canary", "10000000/20000000", "--baseline", "1/20000000", "-o", "json", "-k", "3")
    found = json.loads(out)
    assert (code, found["verdict"], found["e_abort"], found["e_advance"]) == (0, "abort", 1e300, 0.0)
    assert found["log_e_abort"] > 1e6
    code, out, _ = run("judge", "--canary", "5/20", "--baseline", "0/180")
    assert code == 0
    assert "ratio      unbounded" in out
    assert out.startswith("verdict    ABORT")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--canary", "x", "--baseline", "1/2"), "is not ERRORS/REQUESTS"),
        (("--canary", "3/2", "--baseline", "1/2"), "more errors than requests"),
        (("--canary", "1/2", "--baseline", "1/2", "-k", "-1"), "no ratio"),
        (("--canary", "1/2"), "--baseline"),
    ],
)
def test_judge_names_what_is_wrong(run: Run, arguments: tuple[str, ...], words: str) -> None:  # noqa: F811
    code, _, err = run("judge", *arguments)
    assert code == 2
    assert words in err
    assert err.count("\n") == 1


def says(state: State) -> Assessment:
    return Assessment(Verdict(state, f"because {state}"))


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (["ready"], 0),
        (["abort"], 1),
        (["wait", "watch", "ready"], 0),
        (["blind", "unjudged", "abort"], 1),
    ],
)
def test_gate_ends_with_the_verdict(run: Run, desk: Desk, states: list[State], code: int) -> None:  # noqa: F811
    rollout = seat.rollout()
    pictures = [seat.picture(rollout, assessments={rollout.key: says(state)}) for state in states]
    desk.seat = seat.FakeSeat(pictures[0], later=pictures[1:])
    found, out, _ = run("gate", str(rollout.key))
    assert found == code
    assert out == f"{states[-1].upper()} because {states[-1]}\n"


@pytest.mark.parametrize(("state", "code"), [("wait", 4), ("watch", 4), ("outage", 4), ("unjudged", 4), ("blind", 3)])
def test_gate_gives_up_in_time(run: Run, desk: Desk, state: State, code: int) -> None:  # noqa: F811
    rollout = seat.rollout()
    desk.seat = seat.FakeSeat(seat.picture(rollout, assessments={rollout.key: says(state)}), still=True)
    found, out, _ = run("gate", str(rollout.key), "--timeout", "0.05s", "-o", "json")
    assert found == code
    answer = json.loads(out)
    assert (answer["verdict"], answer["timed_out"]) == (state, True)


def test_gate_refuses_a_time_that_is_none(run: Run, desk: Desk) -> None:  # noqa: F811
    code, _, err = run("gate", "payments/checkout", "--timeout", "soon")
    assert code == 2
    assert "write 90s, 10m or 1h" in err


def test_evidence_reset_needs_a_reason(run: Run, desk: Desk) -> None:  # noqa: F811
    key = next(iter(desk.seat.snapshot().rollouts))
    code, out, _ = run("evidence", "reset", str(key), "--reason", "a client retried in a loop", "-o", "json")
    assert (code, json.loads(out)["result"]) == (0, "done")
    assert desk.seat.resets == [(key, "a client retried in a loop")]
    code, _, err = run("evidence", "reset", str(key), "--reason", "  ")
    assert code == 2
    assert "--reason is empty" in err
    assert run("evidence", "reset", str(key))[0] == 2
