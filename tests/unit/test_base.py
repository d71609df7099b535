"""The ground floor: cluster time from Date headers, ULIDs, and text that cannot hurt a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.base.clock import Clock, parse_time, rfc3339
from cockpit.base.ids import ulid
from cockpit.base.text import clean


class Hands:
    """Two clock hands that a test moves."""

    def __init__(self) -> None:
        self.wall = 100.0
        self.unix = 1_000_000.0

    def clock(self, scale: float = 1.0) -> Clock:
        return Clock(scale, monotonic=lambda: self.wall, unix=lambda: self.unix)


def test_cluster_time_follows_the_servers_date_not_the_laptop() -> None:
    hands = Hands()
    clock = hands.clock()
    clock.observe_date("Fri, 20 Nov 2026 03:12:41 GMT")
    assert rfc3339(clock.cluster()) == "2026-11-20T03:12:41Z"
    hands.wall += 30
    assert rfc3339(clock.cluster()) == "2026-11-20T03:13:11Z"


def test_time_scale_runs_cluster_time_and_zero_holds_it() -> None:
    hands = Hands()
    fast, still = hands.clock(60), hands.clock(0)
    for clock in (fast, still):
        clock.observe_date("Fri, 20 Nov 2026 03:00:00 GMT")
    hands.wall += 10
    assert rfc3339(fast.cluster()) == "2026-11-20T03:10:00Z"
    assert rfc3339(still.cluster()) == "2026-11-20T03:00:00Z"
    still.observe_date("Fri, 20 Nov 2026 04:00:00 GMT")
    assert rfc3339(still.cluster()) == "2026-11-20T04:00:00Z"


def test_dates_within_their_second_do_not_make_time_jump() -> None:
    hands = Hands()
    clock = hands.clock()
    clock.observe_date("Fri, 20 Nov 2026 03:00:00 GMT")
    hands.wall += 0.9
    before = clock.cluster()
    clock.observe_date("Fri, 20 Nov 2026 03:00:00 GMT")
    assert clock.cluster() == before


@pytest.mark.parametrize("junk", ["", None, "yesterday", "Fri, 99 Nov 2026 03:00:00 GMT"])
def test_a_junk_date_is_ignored(junk: str | None) -> None:
    clock = Hands().clock()
    clock.observe_date(junk)
    assert not clock.synced


def test_kubernetes_times_parse_down_to_nanoseconds() -> None:
    assert parse_time("2026-11-20T03:12:41Z") == pytest.approx(parse_time("2026-11-20T03:12:41.000000000Z"))
    assert parse_time("2026-11-20T03:12:41.5Z") == pytest.approx((parse_time("2026-11-20T03:12:41Z") or 0) + 0.5)
    assert parse_time("soon") is None
    assert parse_time(None) is None


def test_ulids_sort_by_time_and_do_not_repeat() -> None:
    early, late = ulid(1_000.0), ulid(2_000.0)
    assert early < late
    assert len(early) == 26
    assert len({ulid(5.0) for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("hostile", "safe"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]52;c;ZXZpbA==\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mc1", "c1"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        ("a\x00b\rc\nd\te", "ab c d e"),
        ("rtl\u202eevil", "rtlevil"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
        ("cut \x1b]0;title without an end", "cut "),
        ("naïve ✖ ‖ 日本", "naïve ✖ ‖ 日本"),
    ],
)
def test_hostile_text_becomes_one_harmless_line(hostile: str, safe: str) -> None:
    assert clean(hostile) == safe


@given(st.text())
def test_clean_text_never_holds_a_control_and_is_stable(text: str) -> None:
    once = clean(text)
    assert all(character >= " " and not "\x7f" <= character <= "\x9f" for character in once)
    assert clean(once) == once


def test_a_cut_says_what_it_hides() -> None:
    assert clean("x" * 100, limit=10) == "xxxxxxxxxx…(+90)"


def test_operation_ids_grow_although_the_clock_jumps_back() -> None:
    drawn = [ulid(at) for at in (1_795_000_000.0, 1_795_000_000.0, 1_700_000_000.0, 0.0, 1_795_000_001.0)]
    assert drawn == sorted(set(drawn))
    assert {len(each) for each in drawn} == {26}
