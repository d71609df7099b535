"""m and b full screen: the judge's numbers of each SLI, and the burn of the error budget."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from cockpit.model.resource import Key
from cockpit.model.snapshot import Source
from cockpit.model.verdict import Assessment, Burn, BurnWindow, PerArm, SliRow
from screens.draw.line import Line
from screens.parts.burn_table import burn_page, share
from screens.parts.judged import chance, evidence, interval, judged_table
from tests.ui import pictures
from tests.ui.drive import Wall, app_on, driven, loaded, opened, press, text_of
from tests.ui.fake_seat import FakeSeat
from tests.ui.pictures import NOW

SIZES = {"120x36": (120, 36), "80x24": (80, 24), "60x20": (60, 20)}
OK = Source("ok", NOW - 2, NOW - 3600)


def assessment() -> Assessment:
    """Errors latched and bursty, a slow p99 nearly proven, saturation read off, one SLI blind."""
    base = pictures.judged("abort", "errors 4.10 % vs 0.30 % (13.7x, n=18204)", (0.041, 0.003), (0.910, 0.412))
    rows = {row.name: row for row in base.slis}
    change = msgspec.structs.replace
    rows["errors"] = change(
        rows["errors"], ratio=1.04, interval=(9.12, 18.94), posterior=0.99999, e_abort=math.inf, e_advance=0.0004,
        latched_at=NOW - 521, phi=3.14, unseen=12, reason="errors 4.10 % vs 0.30 % (13.7x, n=18204), now 1.0x",
    )  # fmt: skip
    rows["p99"] = change(
        rows["p99"], state="watch", interval=(1.2, math.inf), posterior=0.967, e_abort=3.21, e_advance=412345.0,
        phi=1.3, requests=PerArm(1820400, 54612),
        reason="slower than 600 ms 3.10 % vs 1.20 %; looks worse than 2x, not proven yet",
    )  # fmt: skip
    rows["cpu"] = change(rows["cpu"], reason="cpu at 60% of its limit, baseline 59%", requests=PerArm(None, None))
    rows["memory"] = change(
        rows["memory"], canary=None, ratio=None, state="blind", reason="no series of the canary's memory",
        requests=PerArm(None, None), errors=PerArm(None, None),
    )  # fmt: skip
    for name in ("p50", "p95", "rate", "rate_per_pod", "cpu"):
        rows[name] = change(rows[name], requests=PerArm(None, None), errors=PerArm(None, None))
    verdict = change(base.verdict, latched_at=NOW - 521, sli="errors")
    return change(base, verdict=verdict, slis=tuple(rows.values()), burn=burn())


def burn(**changes: Any) -> Burn:
    windows = (
        BurnWindow(300, 300, 22.9, 0.3, 14.4),
        BurnWindow(3600, 1080, None, 0.3, 14.4),
        BurnWindow(21600, 1080, None, 0.3, 6.0),
        BurnWindow(259200, 1080, None, None, 1.0),
    )
    base = Burn(
        "availability", 0.999, 30 * 86400, windows, 0.61, 180000.0, 0.026, at_full=41.0, excess_low=0.019,
        excess_high=0.033, alerts=("page: above 14.4x over 1.0 h (18 min of it lived) and 5 min",), origin="Sloth",
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


def seat(found: Assessment | None = None) -> FakeSeat:
    cases = pictures.dozen()
    cases[0] = (cases[0][0], found or assessment())
    return FakeSeat(pictures.picture(cases))


def text(lines: list[Line]) -> str:
    return "\n".join(line.text for line in lines)


def row_of(lines: list[Line], name: str) -> str:
    return next(line.text for line in lines if line.text.startswith(name))


@pytest.mark.parametrize(
    ("e", "said"),
    [
        (None, "?"), (0.0, "0"), (3.21, "3.2"), (1.0, "1"), (19.96, "20"), (412345.0, "4e5"), (0.0004, "4e-4"),
        (9.96, "10"), (9999.0, "9999"), (99990.0, "1e5"), (1e300, "≥1e300"), (math.inf, "≥1e300"), (math.nan, "?"),
    ],
)  # fmt: skip
def test_evidence_is_short_and_never_more_than_is_known(e: float | None, said: str) -> None:
    assert evidence(e) == said
    assert len(said) <= 6


def test_no_chance_is_rounded_to_certainty_and_an_open_interval_is_open() -> None:
    assert [chance(share) for share in (None, 0.0, 0.967, 1.0)] == ["?", "<.01", "0.97", ">.99"]
    assert interval(None) == "?"
    assert interval((1.2, math.inf)) == "1.2–∞"
    assert [share(number) for number in (0.026, 0.00031, -0.002, 0.0)] == ["2.6", "0.031", "-0.2", "0.0"]


def cells(lines: list[Line], name: str) -> str:
    """A row with single blanks."""
    return " ".join(row_of(lines, name).split())


def test_every_number_stands_in_its_column_at_116_columns() -> None:
    lines = judged_table(assessment(), 116)
    assert cells(lines, "SLI") == "SLI CANARY BASE RATIO 95 % LIMIT n C/B ERR C/B P(>k) E ABORT E ADV STATE"
    assert cells(lines, "error") == (
        "error % 4.10 0.30 1.0× 9.1–18.9 1.00 18 204/54 612 746/163 >.99 ≥1e300 4e-4 ✖ ABORT"
    )
    assert cells(lines, "p99") == "p99 ms 910 412 2.2× 1.2–∞ 600 1820k/54 612 746/163 0.97 3.2 4e5 ▲ WATCH"
    assert "latched 03:04, now 1.0× · up to 12 unseen · bursty: evidence discounted (phi 3.1) · errors 4.10 %" in text(
        lines
    )
    assert text(lines).count("now 1.0") == 1


@pytest.mark.parametrize("width", [58, 60, 76, 80, 113, 116, 200])
def test_no_number_is_lost_and_no_line_too_long_at_any_width(width: int) -> None:
    lines = judged_table(assessment(), width)
    assert max(line.width for line in lines) <= width
    shown = text(lines)
    for part in (
        "4.10",
        "0.30",
        "1.0×",
        "9.1–18.9",
        "746/163",
        ">.99",
        "≥1e300",
        "4e-4",
        "18 204/54 612",
        "latched 03:04",
    ):
        assert part in shown, part
    for state in ("✖ ABORT", "▲ WATCH", "✔ READY", "? BLIND", "UNJUDGED"):
        assert state in shown, state


def test_what_is_missing_is_unknown_and_what_does_not_exist_is_a_dash() -> None:
    lines = judged_table(assessment(), 116)
    assert cells(lines, "mem") == "mem MiB ? 168 ? ? — ? ? ? ? ? ? BLIND"
    assert cells(lines, "cpu") == "cpu cores 0.48 0.47 1.0× — 0.80 — — — — — ✔ READY"
    alone = judged_table(assessment(), 116, alone=True)
    assert cells(alone, "mem").startswith("mem MiB — 168")


def test_notes_are_left_out_where_there_is_nothing_to_note() -> None:
    quiet = msgspec.structs.replace(assessment().slis[0], latched_at=None, phi=2.0, unseen=0, reason="")
    shown = text(judged_table(msgspec.structs.replace(assessment(), slis=(quiet,)), 116))
    for word in ("bursty", "unseen", "now 1.0"):
        assert word not in shown


def test_a_reason_is_said_once_and_cut_with_an_ellipsis() -> None:
    def blind(name: str) -> SliRow:
        return msgspec.structs.replace(assessment().slis[-1], name=name, reason="target down: " + "x" * 300)

    lines = judged_table(msgspec.structs.replace(assessment(), slis=(blind("p50"), blind("p95"))), 80)
    told = [line.text for line in lines if "target down" in line.text]
    assert len(told) == 1
    assert told[0].endswith("…")


async def test_m_on_the_fleet_opens_the_rollout_for_its_intervals_and_closes_it() -> None:
    fake = seat()
    key = Key("Rollout", "payments", "checkout-api")
    async with driven(fake) as (app, pilot, _):
        await press(pilot, "m")
        assert fake.focused[-1] == key
        assert "9.1–18.9" in text_of(app)
        await press(pilot, "escape")
        assert fake.focused[-1] is None


async def test_m_over_the_cockpit_of_a_rollout_leaves_it_open() -> None:
    fake = seat()
    async with driven(fake, start=(None, "payments", "checkout-api")) as (app, pilot, _):
        before = list(fake.focused)
        await press(pilot, "m")
        assert "≥1e300" in text_of(app)
        await press(pilot, "escape")
        assert fake.focused == before


async def test_the_charts_are_reached_by_scrolling() -> None:
    async with driven(seat(), (80, 24)) as (app, pilot, _):
        await press(pilot, "m")
        assert "E ABORT" in text_of(app)
        await press(pilot, "G")
        shown = text_of(app)
        assert "mem MiB   C ?" in shown
        assert "no series of the canary's memory" in shown
        await press(pilot, "g")
        assert "E ABORT" in text_of(app)


def test_the_burn_page_says_each_window_alert_and_budget() -> None:
    rollout = pictures.dozen()[0][0]
    shown = text(burn_page(burn(), rollout, NOW, 100, OK))
    for part in (
        "availability 99.9 % over 30 d, from Sloth",
        "22.9× ✖",
        "18 min of 1 h",
        "18 min of 3 d",
        "14.4×",
        "✖ page: above 14.4x over 1.0 h (18 min of it lived) and 5 min",
        "61%",
        "2d02h at the canary's pace",
        "41.0× if the canary served everything",
        "2.6 % of the budget (95 %: 1.9 to 3.3)",
        "beyond the baseline, since the rollout started 18m ago",
    ):
        assert part in shown, part


def test_burn_that_is_not_known_is_never_shown_as_good() -> None:
    rollout = pictures.dozen()[0][0]
    young = tuple(msgspec.structs.replace(window, covered=60.0, canary=None) for window in burn().windows)
    bare = burn(
        windows=young, budget_remaining=None, exhausted_in=None, excess_spent=None, excess_low=None, excess_high=None,
        at_full=None, alerts=(), origin="config", reason="the canary has lived 1 min; 5 min are needed",
    )  # fmt: skip
    shown = text(burn_page(bare, rollout, NOW, 80, OK))
    assert "1 min of 5 min" in shown
    assert "alerts         not known yet" in shown
    assert "5 min are needed" in shown
    for name in ("budget left", "exhausted in", "cost at 100 %", "excess spent"):
        assert next(line for line in shown.split("\n") if line.startswith(name))[15] == "?", name
    lost = Source("lost", NOW - 42, NOW - 42, message="refused")
    assert "Prometheus lost" in text(burn_page(None, rollout, NOW, 80, lost))


def test_a_canary_that_burns_nothing_says_so() -> None:
    rollout = pictures.dozen()[0][0]
    calm = burn(windows=(BurnWindow(300, 300, 0.0, 0.0, 14.4),), alerts=(), exhausted_in=None)
    shown = text(burn_page(calm, rollout, NOW, 80, OK))
    assert "none of the table fires" in shown
    assert "not at this pace" in shown


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["m", "b"])
def test_full_screen(snap_compare: Callable[..., bool], key: str, size: str) -> None:
    wall = Wall()

    async def before(pilot: Any) -> None:
        await opened(pilot)
        wall.now += 1
        await press(pilot, key)
        await loaded(pilot)

    assert snap_compare(app_on(seat(), wall=wall), terminal_size=SIZES[size], run_before=before)
