"""Lines, numbers and charts, without Textual."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from screens.draw import format as fmt
from screens.draw.glyphs import _ASCII, to_ascii
from screens.draw.line import Line, fit, wrapped
from screens.draw.spark import area, bar, blocks, braille, scale, window
from screens.parts.steps import timeline
from tests.ui import pictures
from tests.ui.pictures import HOSTILE

anything = st.text(max_size=80)


@given(anything, st.integers(0, 60))
def test_fit_takes_exactly_its_cells(text: str, width: int) -> None:
    line = Line().add(text, "", width)
    assert line.width == width == cell_len(line.text)


@given(st.lists(anything, max_size=5), st.integers(1, 60))
def test_cut_never_exceeds_and_marks_what_it_hides(texts: list[str], width: int) -> None:
    line = Line()
    for text in texts:
        line.add(text)
    whole = line.width
    line.cut(width)
    assert line.width == cell_len(line.text) <= max(width, 0) or whole <= width
    assert whole <= width or line.text.rstrip().endswith("…")


@given(anything, st.integers(0, 90))
def test_shift_drops_from_the_left(text: str, columns: int) -> None:
    line = Line().add(text)
    whole = line.width
    line.shift(columns)
    assert line.width == cell_len(line.text) <= whole


@given(anything, st.integers(4, 40))
def test_wrapped_loses_no_word_and_fits(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(line.width <= max(width, 2) for line in lines)
    joined = "".join(line.text for line in lines).replace(" ", "")
    assert joined == Line().add(text).text.replace(" ", "")


def test_every_piece_is_cleaned_on_entry() -> None:
    line = Line(HOSTILE, "bad").add(HOSTILE)
    assert all(char.isprintable() for char in line.text) and "[bold red]owned[/]" in line.text


def test_sides_give_way_in_order() -> None:
    assert Line("left").with_right(Line("right"), 14).text == "left     right"
    assert Line("a longer left").with_right(Line("right"), 14).text == "a longe… right"
    assert Line("a longer left").with_right(Line("right"), 10).text == "a longer …"
    assert Line("left").then(Line("a long right"), 14).text == "left  a long …"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "?"), (-3, "0.0s"), (0.34, "0.3s"), (9.96, "9s"), (42, "42s"), (400, "6m40"), (2520, "42m"), (7320, "2h02"),
     (180000, "2d02h"), (float("nan"), "?")],
)  # fmt: skip
def test_ages(seconds: float | None, text: str) -> None:
    assert fmt.age(seconds) == text


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (None, "ratio", "?"),
        (0.0, "ratio", "0.00"),
        (0.041, "ratio", "4.10"),
        (1.0, "ratio", "100"),
        (0.91, "seconds", "910"),
        (0.0004, "seconds", "0.40"),
        (18e7, "bytes", "172"),
        (float("inf"), "ratio", "∞"),
        (123456.0, "per_second", "123k"),
        (0.48, "cores", "0.48"),
    ],
)
def test_values(number: float | None, unit: str, text: str) -> None:
    assert fmt.value(number, unit) == text


def test_unknown_is_never_zero_or_empty() -> None:
    assert {fmt.percent(None), fmt.times(None), fmt.digest(None), fmt.count(None), fmt.clock(None), fmt.rev(None)} == {
        "?",
        "rev ?",
    }
    assert "?" in bar(None, 6) and "█" not in bar(None, 6)


def test_a_share_that_is_not_whole_never_looks_empty_or_full() -> None:
    assert bar(0.01, 6) == "█░░░░░" and bar(0.99, 6) == "█████░" and bar(0, 6) == "░░░░░░" and bar(1, 6) == "██████"


def test_both_arms_share_one_scale_and_gaps_are_dots() -> None:
    low, high = scale([4.1, None], [0.3])
    assert (low, high) == (0.0, 4.1)
    assert blocks([4.1, None, 0.0], low, high) == "█·▁"
    assert scale([0.5], limit=1.0) == (0.0, 1.0), "a near limit is in the picture"
    assert scale([0.01], limit=1.0) == (0.0, 0.01), "a far one would flatten it"
    assert scale([None]) == (0.0, 1.0) and scale([0.0]) == (0.0, 1.0)


def test_window_keeps_gaps_and_bridges_only_the_grid() -> None:
    points = [(15.0 * i, None if i == 2 else float(i)) for i in range(1, 5)]
    assert window(points, 60, 60, 4) == [1.0, None, 3.0, 4.0]
    assert window(points, 60, 60, 8) == [None, 1.0, 1.0, None, None, 3.0, 3.0, 4.0]
    assert window([], 60, 60, 3) == [None, None, None]


def test_multi_row_charts_have_their_size_and_gaps() -> None:
    values = [0.0, 0.5, 1.0, None]
    assert area(values, 0, 1, 2) == ["  █ ", "▁██·"] or area(values, 0, 1, 2)[1].endswith("·")
    assert [len(row) for row in braille(values, 0, 1, 3)] == [2, 2, 2]
    assert braille([None, None], 0, 1, 2)[-1] == "·"


def test_ascii_has_a_twin_for_every_glyph_one_for_one() -> None:
    for glyph in _ASCII:
        assert to_ascii(glyph).isascii() and len(to_ascii(glyph)) == 1
    assert to_ascii("日本") == "??"


@given(st.integers(0, 30), st.integers(20, 120), st.integers(0, 31))
def test_the_current_step_is_always_in_view(count: int, width: int, index: int) -> None:
    rollout = pictures.rollout(
        "x", steps=pictures.steps(*(f"{i}%" for i in range(count))), step_index=min(index, count)
    )
    line = timeline(rollout, width)
    assert line.width <= width
    if 0 <= min(index, count) < count:
        assert "◉" in line.text


def test_fit_of_wide_text() -> None:
    assert fit("日本語テキスト", 6) == "日本 …" or cell_len(fit("日本語テキスト", 6)) == 6


def test_a_long_word_of_wide_characters_is_wrapped_piece_by_piece() -> None:
    lines = wrapped("\U0001f600" * 5000 + "e\u0301" * 20 + " end", 21)
    assert all(line.width <= 21 for line in lines)
    assert "".join(line.text for line in lines).replace(" ", "") == "\U0001f600" * 5000 + "e\u0301" * 20 + "end"
    assert [line.text for line in wrapped("\U0001f600\U0001f600", 1)] == ["\U0001f600", "\U0001f600"]


@pytest.mark.parametrize("cells", [61, 77, 100, 190, 210, 239])
def test_a_chart_finer_than_the_samples_shows_no_gap_where_there_is_none(cells: int) -> None:
    points = [(15.0 * step, 1.0) for step in range(1, 61)]
    assert None not in window(points, 900.0, 900.0, cells)[math.ceil(15.0 / (900.0 / cells)) :]
