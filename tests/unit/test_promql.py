"""PromQL by hand-made samples: staleness and look-back, extrapolation, matching errors, and what 2.42 refuses."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from cockpit.world.prometheus.engine import Query
from cockpit.world.prometheus.labels import Labels, Selection, labels_of
from cockpit.world.prometheus.numbers import modulo, plain, power, sample_text
from cockpit.world.prometheus.parser import ParseError, parse
from cockpit.world.prometheus.series import ExecutionError, Result, Series

T0 = 1_000_000_000_000
STALE = math.nan


class Fixed:
    """Series given by name-and-labels and a list of values 15 s apart from T0; None is a scrape that never was."""

    def __init__(self, **series: list[float | None]) -> None:
        self.series = []
        for text, values in series.items():
            self.add({"__name__": text}, values)

    def add(self, labels: dict[str, str], values: list[float | None]) -> Fixed:
        points = [(T0 + 15_000 * i, v) for i, v in enumerate(values) if v is not None]
        self.series.append(Series(labels_of(labels), [p[0] for p in points], [p[1] for p in points]))
        return self

    def select(self, selection: Selection, start: int, end: int) -> Iterator[Series | None]:
        for labels, stamps, values in self.series:
            kept = [(s, v) for s, v in zip(stamps, values, strict=True) if start <= s <= end]
            if kept and selection.test(labels):
                yield Series(labels, [k[0] for k in kept], [k[1] for k in kept])
            yield None

    def label_sets(self, selection: Selection, start: int, end: int) -> Iterator[Labels | None]:
        return (series and series.labels for series in self.select(selection, start, end))


def ask(source: Fixed, text: str, at: float, end: float | None = None, step: float = 15) -> Result:
    """Evaluate at ``at`` seconds after T0, or over a range when ``end`` is given."""
    first = T0 + round(at * 1000)
    last = first if end is None else T0 + round(end * 1000)
    running = Query(source, text, first, last, round(step * 1000)).run(ranged=end is not None)
    try:
        while True:
            next(running)
    except StopIteration as stop:
        return stop.value


def one(source: Fixed, text: str, at: float) -> float | None:
    vector = ask(source, text, at).value
    assert len(vector) <= 1
    return vector[0][1] if vector else None


def test_a_sample_is_seen_for_exactly_five_minutes() -> None:
    source = Fixed(x=[7])
    assert one(source, "x", 0) == 7
    assert one(source, "x", 300) == 7
    assert one(source, "x", 300.001) is None
    assert one(source, "x", -0.001) is None


def test_a_stale_marker_ends_a_series_at_once_but_not_its_past() -> None:
    source = Fixed(x=[1, 2, STALE, None, 5])
    assert one(source, "x", 29.9) == 2
    assert one(source, "x", 30) is None
    assert one(source, "x", 60) == 5
    assert one(source, "count_over_time(x[1m])", 60) == 3
    assert one(source, "absent(x)", 31) == 1


def test_increase_hides_the_first_error_of_a_new_series() -> None:
    """Facts 3.0: born at 1, then 2; the truth is 2 errors, increase says 0 and later 1.125."""
    source = Fixed(errors=[None] * 6 + [1.0] * 3 + [2.0] * 6)
    assert one(source, "increase(errors[2m])", 97) is None
    assert one(source, "increase(errors[2m])", 127) == 0
    assert 1 <= (one(source, "increase(errors[2m])", 170) or 0) < 1.2


def test_rate_counts_through_a_reset() -> None:
    source = Fixed(c=[10, 20, 5, 15])
    assert one(source, "increase(c[45s])", 45) == pytest.approx(25)
    assert one(source, "resets(c[1m])", 45) == 1
    assert one(source, "irate(c[1m])", 30) == pytest.approx(5 / 15)


def test_rate_does_not_extrapolate_below_zero() -> None:
    source = Fixed(c=[0, 1, 2, 3, 4])
    assert one(source, "increase(c[2m])", 60) == pytest.approx(4)


def test_offset_and_at_move_the_window() -> None:
    source = Fixed(c=[float(i) for i in range(40)])
    assert one(source, "c offset 2m", 300) == 12
    assert one(source, "c offset -30s", 300) == 22
    assert one(source, f"c @ {T0 / 1000 + 45}", 300) == 3
    assert [v for _, v in zip(range(3), ask(source, "c @ end()", 0, 30).value[0].values, strict=True)] == [2, 2, 2]
    assert ask(source, "c @ start()", 0, 30).value[0].values == [0, 0, 0]
    assert one(source, f"rate(c[1m] @ {T0 / 1000 + 60})", 9999) == pytest.approx(1 / 15)


def test_subqueries_lie_on_absolute_steps() -> None:
    source = Fixed(c=[float(i) for i in range(40)])
    rows = ask(source, "c[2m:30s]", 125).value
    assert [(stamp - T0) % 30_000 for stamp in rows[0].stamps] == [20_000] * 4  # T0 is no multiple of 30 s
    assert one(source, "max_over_time(c[2m:1m])", 125) == 5  # the last whole minute lies at 80 s


def test_matching_errors_name_the_series() -> None:
    source = Fixed().add({"__name__": "a", "p": "1"}, [1.0])
    source.add({"__name__": "b", "p": "1", "q": "x"}, [2.0]).add({"__name__": "b", "p": "1", "q": "y"}, [3.0])
    with pytest.raises(ExecutionError, match=r'found duplicate series for the match group \{p="1"\} on the right'):
        ask(source, "a + on (p) b", 0)
    with pytest.raises(ExecutionError, match="many-to-one matching must be explicit"):
        ask(source, "b + on (p) a", 0)
    with pytest.raises(ExecutionError, match="grouping labels must ensure unique matches"):
        ask(source, "sum by (p, q) (b) * on (p) group_left (q) a", 0)
    assert len(ask(source, "b * on (p) group_left a", 0).value) == 2


def test_two_series_with_one_label_set_are_refused() -> None:
    source = Fixed(a=[1.0], b=[2.0])
    with pytest.raises(ExecutionError, match="vector cannot contain metrics with the same labelset"):
        ask(source, '-{__name__=~"a|b"}', 0)


def test_filters_keep_the_name_and_bool_drops_it() -> None:
    source = Fixed(a=[5.0])
    assert ask(source, "a > 3", 0).value == [((("__name__", "a"),), 5.0)]
    assert ask(source, "3 < a", 0).value == [((("__name__", "a"),), 5.0)]
    assert ask(source, "a > bool 7", 0).value == [((), 0.0)]


def test_histogram_quantile_on_the_facts_vector() -> None:
    """Facts 1.6: P95 = .4583, P99 = 1.0 on these counts."""
    edges = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf"]
    counts = [10, 40, 120, 300, 250, 180, 60, 30, 8, 2, 0]
    source, total = Fixed(), 0.0
    for edge, count in zip(edges, counts, strict=True):
        total += count
        source.add({"__name__": "b", "le": edge}, [total])
    assert one(source, "histogram_quantile(0.95, b)", 0) == pytest.approx(0.4583, abs=5e-5)
    assert one(source, "histogram_quantile(0.99, b)", 0) == pytest.approx(1.0)
    assert math.isnan(one(source, 'histogram_quantile(0.9, b{le!="+Inf"})', 0) or 0)


def test_absent_tells_the_labels_it_was_asked_for() -> None:
    source = Fixed(x=[1.0])
    assert ask(source, 'absent(y{job="a",pod=~"b.*"})', 0).value == [((("job", "a"),), 1.0)]
    assert ask(source, 'absent_over_time(y{job="a"}[5m])', 0).value == [((("job", "a"),), 1.0)]
    assert ask(source, "absent(x)", 0).value == []


def test_scalars_strings_and_matrices() -> None:
    source = Fixed(x=[1.0, 2.0])
    assert ask(source, "1 + 2 * 3", 0) == Result("scalar", 7.0)
    assert ask(source, '"text"', 0) == Result("string", "text")
    assert ask(source, "x[1m]", 15).value[0].values == [1.0, 2.0]
    assert ask(source, "2 ^ 0.5", 0, 15).value[0].labels == ()
    assert math.isnan(ask(source, "scalar(y)", 0).value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sum(", "unclosed|unexpected"),
        ("", "no expression"),
        ("rate(x)", "expected type matrix"),
        ("x[300]", "missing unit"),
        ("x[5m:30]", "missing unit"),
        ("x offset 300", "missing unit"),
        ('{"x"}', "unexpected string"),
        ('{"x", a="b"}', "unexpected string"),
        ('sum by ("a") (x)', "unexpected string"),
        ('{a="b" or c="d"}', "unexpected identifier"),
        ("info(x)", "unknown function"),
        ("limitk(2, x)", "unknown function"),
        ("mad_over_time(x[5m])", "unknown function"),
        ("sort_by_label(x, 'a')", "unknown function"),
        ("double_exponential_smoothing(x[5m], 0.5, 0.5)", "unknown function"),
        ("a + fill(0) b", "fill"),
        ("start()", "unknown function"),
        ("x @ 1e20", "out of bounds"),
        ('x{a=~"["}', "regex"),
        ("1 > 2", "BOOL"),
        ("{}", "non-empty matcher"),
        ('{a=~".*"}', "non-empty matcher"),
        ("metric{__name__='other'}", "twice"),
    ],
)
def test_what_2_42_does_not_know_is_a_parse_error(text: str, why: str) -> None:
    with pytest.raises(ParseError, match=why):
        parse(text)


def test_arguments_outside_their_domain_are_execution_errors() -> None:
    source = Fixed(x=[1.0, 2.0, 3.0])
    for text, why in (
        ('label_replace(x, "1bad", "a", "b", ".*")', "invalid destination label name"),
        ('label_replace(x, "a", "a", "b", "(")', "invalid regular expression"),
        ('label_join(x, "a", "-", "1bad")', "invalid source label name"),
        ('count_values("1bad", x)', "invalid label name"),
        ("holt_winters(x[1m], 2, 0.5)", "smoothing factor"),
        ("topk(Inf, x)", "overflows int64"),
    ):
        with pytest.raises(ExecutionError, match=why):
            ask(source, text, 30)


def test_matchers_treat_absent_labels_as_empty_and_anchor_regexes() -> None:
    source = Fixed(x=[1.0]).add({"__name__": "x", "a": "bc"}, [2.0])
    assert one(source, 'x{a=""}', 0) == 1
    assert one(source, 'x{a!=""}', 0) == 2
    assert one(source, 'x{a=~"b"}', 0) is None
    assert one(source, 'x{a=~"b|bc"}', 0) == 2
    assert one(source, 'x{a!~"b.*"}', 0) == 1
    assert one(source, 'x{a=~"[[:alpha:]]+"}', 0) == 2
    assert len(ask(source, 'x{a=~".*"}', 0).value) == 2


def test_numbers_behave_as_in_go() -> None:
    assert power(-8, 1 / 3) != power(-8, 1 / 3)
    assert power(0, -1) == math.inf
    assert power(-0.0, -3) == -math.inf
    assert power(10, 400) == math.inf
    assert power(-10, 401) == -math.inf
    assert math.isnan(modulo(5, 0))
    assert [plain(v) for v in (0.1, 1e21, 5.0, 1e-7, -math.inf)] == [
        "0.1",
        "1000000000000000000000",
        "5",
        "0.0000001",
        "-Inf",
    ]
    assert [sample_text(v) for v in (1e21, 1.5e-7, 1e20, 123456.0, math.nan)] == [
        "1e+21",
        "1.5e-07",
        "100000000000000000000",
        "123456",
        "NaN",
    ]
