"""Log lines: one ERROR line per failed request, strictly ascending stamps, windows that tile, the story of a crash."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from cockpit.world.contract import Profile
from tests.unit.traffic_kit import EPOCH, Kit


def lines(
    kit: Kit,
    pod: str,
    *,
    container: str = "app",
    previous: bool = False,
    since: float | None = None,
    until: float | None = None,
) -> list[tuple[float, bytes]]:
    obj = kit.objects.get("pods", "shop", pod) or {"metadata": {"uid": kit.traffic.fleet.by_name["shop", pod].uid}}
    end = kit.clock.now() if until is None else until
    return list(kit.telemetry.log_lines(obj, container, previous=previous, since=since, until=end))


def errors(kit: Kit, pod: str) -> int:
    return next(row["errors"] for row in kit.traffic.ledger() if row["pod"] == pod)


def test_every_error_has_one_line_and_stamps_ascend() -> None:
    kit = Kit()
    pods = kit.deployment(profile=Profile(error_rate=0.3))
    kit.clock.advance(601.7)
    for pod in pods:
        got = lines(kit, pod)
        assert sum(1 for _, text in got if text.startswith(b"ERROR")) == errors(kit, pod) > 100
        assert all(a < b for (a, _), (b, _) in pairwise(got))
        assert EPOCH <= got[0][0] <= got[-1][0] < kit.clock.now()


def test_windows_that_follow_each_other_give_the_whole_log() -> None:
    followed, whole = Kit(seed=2), Kit(seed=2)
    for kit in (followed, whole):
        kit.deployment(pods=1, profile=Profile(error_rate=0.2))
        kit.traffic.set_log_rate("shop", "web", 20)
    steps, got, since = random.Random(3), [], EPOCH
    for _ in range(300):
        followed.clock.advance(steps.random() * 0.7)
        got += lines(followed, "web-aaaa-00000", since=since, until=followed.clock.now())
        since = followed.clock.now()
    whole.clock.run_until(followed.clock.now())
    assert got == lines(whole, "web-aaaa-00000")
    assert len(got) > 1500


def test_lines_keep_their_stamps_when_the_split_changes_under_them() -> None:
    kit = Kit()
    kit.canary(profile=Profile(error_rate=0.4))
    kit.clock.advance(67.4)
    before = lines(kit, "pay-canary2-00000")
    kit.weights("shop", "pay", ("canary2", 0), ("stable1", 100))
    kit.clock.advance(300)
    after = lines(kit, "pay-canary2-00000")
    assert after == before  # no request after the canary lost its weight, and none lost that was there


def test_a_crash_is_told_by_the_log_of_the_instance_before() -> None:
    kit = Kit()
    (pod,) = kit.deployment(pods=1, profile=Profile(error_rate=0.1, log_line="cannot open ledger.db"))
    kit.clock.advance(100)
    first_errors = errors(kit, pod)
    kit.crash("shop", pod, code=3)
    waiting, asked = lines(kit, pod), lines(kit, pod, previous=True)
    assert waiting == asked  # of a waiting container both mean the life before
    assert [text for _, text in asked[-2:]] == [b"FATAL cannot open ledger.db", b"FATAL exiting with code 3"]
    kit.clock.advance(10)
    kit.run("shop", pod, restarts=1)
    kit.clock.advance(30)
    assert lines(kit, pod, previous=True) == asked
    fresh = lines(kit, pod)
    assert b"restarts=1" in fresh[0][1]
    assert fresh[0][0] >= EPOCH + 110
    assert sum(text.startswith(b"ERROR") for _, text in asked) == first_errors


def test_out_of_memory_ends_abruptly() -> None:
    kit = Kit()
    (pod,) = kit.deployment(pods=1)
    kit.clock.advance(50)
    kit.crash("shop", pod, reason="OOMKilled", code=137)
    assert lines(kit, pod)[-1][1].startswith(b"WARN  heap")


def test_hostile_text_arrives_as_bytes() -> None:
    kit = Kit()
    hostile = "\x1b]52;c;aGk=\x07 [red]x[/red] \\xff\\x00 ERROR\nsecond ERROR line"
    (pod,) = kit.deployment(pods=1, profile=Profile(error_rate=0.5, log_line=hostile))
    kit.clock.advance(60)
    got = lines(kit, pod)
    first = next(text for _, text in got if text.startswith(b"ERROR"))
    assert b"\x1b]52;c;aGk=\x07" in first
    assert b"\xff\x00" in first
    assert all(b"\n" not in text for _, text in got)
    assert sum(text.startswith(b"ERROR") for _, text in got) == errors(kit, pod)
    assert any(text.startswith(b"second") for _, text in got)


def test_since_and_until_cut_the_log() -> None:
    kit = Kit()
    (pod,) = kit.deployment(pods=1, profile=Profile(error_rate=0.3))
    kit.clock.advance(300)
    every = lines(kit, pod)
    part = lines(kit, pod, since=EPOCH + 100, until=EPOCH + 200)
    assert part == [line for line in every if EPOCH + 100 <= line[0] < EPOCH + 200]
    assert part


def test_the_future_is_not_told() -> None:
    kit = Kit()
    (pod,) = kit.deployment(pods=1, profile=Profile(error_rate=0.3))
    kit.clock.advance(20)
    assert lines(kit, pod, until=EPOCH + 3600) == lines(kit, pod)


def test_access_lines_can_be_set_to_a_rate() -> None:
    kit = Kit()
    (pod,) = kit.deployment(pods=1, profile=Profile(error_rate=0))
    assert kit.traffic.set_log_rate("shop", "web", 100)
    kit.clock.advance(90)
    assert len(lines(kit, pod)) == pytest.approx(9000, abs=30)


def test_an_unknown_pod_says_nothing() -> None:
    kit = Kit()
    assert list(kit.telemetry.log_lines({"metadata": {"uid": "x"}}, "app", previous=False, since=None, until=9e9)) == []
