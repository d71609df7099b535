"""Odd metrics and odd settings: the SLI concerned goes blind by name and alone, everything else is judged on.

Budget: 20 s.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpit.model.resource import Key
from tests.harness.stand import standing

OWN = """

[[sli]]
name = "orders"
total = 'orders_total{namespace=~"{{namespaces}}",pod=~"{{pods}}"}'
errors = 'orders_total{namespace=~"{{namespaces}}",pod=~"{{pods}}",result="failed"}'
limit = 0.02

[[sli]]
name = "payments"
match = "shop/odd"
total = 'payments_total{namespace=~"{{namespaces}}",pod=~"{{pods}}"}'
errors = 'payments_total{namespace=~"{{namespaces}}",pod=~"{{pods}}",result="failed"}'
"""

WORKLOAD = """
[[workload]]
namespace = "shop"
name = "{name}"
replicas = 5
rps = 50.0
routing = "istio"
version = [{{ tag = "v1", age = "78m", profile = {old} }}, {{ tag = "v2", age = "30s", profile = {new} }}]
[workload.strategy.canary]
steps = [{{ setWeight = 20 }}, {{ pause = {{}} }}]
"""


def written(folder: Path, config: str = "", **workloads: tuple[str, str]) -> str:
    """A scenario file: name -> profiles (TOML) of the old and the new version."""
    text = f'title = "odd"\nhistory = "80m"\nconfig = """{config}"""\n'
    text += "".join(WORKLOAD.format(name=name, old=old, new=new) for name, (old, new) in workloads.items())
    file = folder / "scenario.toml"
    file.write_text(text)
    return str(file)


def key(name: str) -> Key:
    return Key("Rollout", "shop", name)


async def test_one_sli_without_series_is_blind_alone(tmp_path: Path) -> None:
    scenario = written(tmp_path, OWN, odd=("{}", "{}"), plain=("{}", "{}"))
    async with standing(tmp_path / "world", scenario) as stand, stand.chair() as chair:
        await stand.run(480, chair)
        row = chair.row(key("odd"), "payments")
        assert row.state == "blind"
        assert "payments" in row.reason
        assert "line" in row.reason
        assert row.canary is None
        assert chair.verdict(key("odd")).state == "blind"
        assert chair.verdict(key("odd")).sli == "payments"
        for name in ("odd", "plain"):
            assert chair.row(key(name)).state == "ready"
            orders = chair.row(key(name), "orders")
            assert orders.state != "blind"
            assert orders.requests.canary
        assert chair.verdict(key("plain")).state in ("ready", "wait")
        assert "payments" not in {row.name for row in chair.assessment(key("plain")).slis}


async def test_counts_of_what_was_never_seen_are_unknown_not_zero(tmp_path: Path) -> None:
    scenario = written(tmp_path, OWN, odd=("{}", "{}"))
    async with standing(tmp_path / "world", scenario) as stand, stand.chair() as chair:
        await stand.run(120, chair)
        row = chair.row(key("odd"), "payments")
        assert (row.requests.canary, row.requests.baseline) == (None, None)
        assert (row.errors.canary, row.errors.baseline) == (None, None)


async def test_buckets_that_cannot_be_compared_blind_the_latency_alone(tmp_path: Path) -> None:
    usual, coarse = '["0.05", "0.1", "0.25", "1", "+Inf"]', '["0.05", "0.25", "1", "+Inf"]'
    scenario = written(
        tmp_path,
        open=("{}", '{ edges = ["0.05", "0.1", "0.25", "1"] }'),
        other=('{ edges = ["0.025", "0.1", "0.5", "+Inf"] }', '{ edges = ["0.05", "0.25", "1", "+Inf"] }'),
        merged=(f"{{ edges = {usual}, latency_median = 0.06 }}", f"{{ edges = {coarse}, latency_median = 0.06 }}"),
    )
    async with standing(tmp_path / "world", scenario) as stand, stand.chair() as chair:
        await stand.run(480, chair)
        for name, word in (("open", "+Inf"), ("other", "buckets")):
            row = chair.row(key(name), "p95")
            assert row.state == "blind", name
            assert word in row.reason
            assert chair.row(key(name)).state == "ready", name
            assert chair.verdict(key(name)).sli == "p95"
        assert chair.row(key("merged"), "p95").state in ("wait", "ready")
        assert chair.row(key("merged"), "p95").requests.canary


async def test_a_quantile_without_a_bucket_edge_of_its_own_says_why_it_is_not_judged(tmp_path: Path) -> None:
    profile = '{ edges = ["0.05", "1", "+Inf"], latency_median = 0.04 }'
    async with standing(tmp_path / "world", written(tmp_path, few=(profile, profile))) as stand, stand.chair() as chair:
        await stand.run(300, chair)
        assert chair.row(key("few"), "p95").requests.canary
        row = chair.row(key("few"), "p99")
        assert (row.state, row.reason) == ("unjudged", "no bucket edge of its own for p99")
        assert chair.row(key("few")).state == "ready"


SLI = """

[[sli]]
name = "{name}"
match = "shop/odd"
{rest}
"""
USABLE = 'orders_total{namespace=~"{{namespaces}}",pod=~"{{pods}}"}'


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (f"total = 'sum(rate(x[5m]))'\nerrors = '{USABLE}'", "total must be one plain selector"),
        (f"total = 'x{{pod=~\"{{{{nothing}}}}\"}}'\nerrors = '{USABLE}'", "{{nothing}}"),
        (f"total = 'x{{'\nerrors = '{USABLE}'", "total must be one plain selector"),
        (f"total = '{USABLE}'", "errors need total and either errors or good"),
        (f"total = '{USABLE}'\nerrors = '{USABLE}'\nk = 1.0", "k: "),
    ],
    ids=["no-selector", "placeholder", "not-promql", "incomplete", "k"],
)
async def test_an_sli_that_cannot_be_used_is_blind_by_name_and_line_alone(
    tmp_path: Path, rest: str, words: str
) -> None:
    scenario = written(tmp_path, SLI.format(name="bad", rest=rest) + OWN, odd=("{}", "{}"), plain=("{}", "{}"))
    async with standing(tmp_path / "world", scenario) as stand, stand.chair() as chair:
        await stand.run(480, chair)
        row = chair.row(key("odd"), "bad")
        assert row.state == "blind"
        line = next(
            n for n, text in enumerate(Path(stand.ready.config).read_text().splitlines(), 1) if "[[sli]]" in text
        )
        assert f"line {line}: sli 'bad'" in row.reason
        assert words in row.reason
        assert chair.verdict(key("odd")).state == "blind"
        assert chair.row(key("odd")).state == "ready"
        assert chair.row(key("odd"), "orders").requests.canary
        assert chair.verdict(key("plain")).state in ("ready", "wait")


async def test_two_slis_of_one_name_are_told_apart(tmp_path: Path) -> None:
    good = f"total = '{USABLE}'\nerrors = '{USABLE}'"
    twice = (
        SLI.format(name="twice", rest=good) + SLI.format(name="twice", rest=good) + SLI.format(name="p95", rest=good)
    )
    scenario = written(tmp_path, twice, odd=("{}", "{}"))
    async with standing(tmp_path / "world", scenario) as stand, stand.chair() as chair:
        await stand.run(120, chair)
        rows = {row.name: row for row in chair.assessment(key("odd")).slis}
        assert rows["twice"].state != "blind"
        assert rows["p95"].state != "blind"
        for name in ("twice'", "p95'"):
            assert rows[name].state == "blind"
            assert "two of this name" in rows[name].reason


async def test_an_slo_of_100_percent_is_blind_by_name_and_line_and_nothing_is_ready_without_it(tmp_path: Path) -> None:
    slo = '\n\n[[slo]]\nname = "all"\nmatch = "shop/odd"\nobjective = 1.0\n'
    bad = "{ error_rate = 0.3 }"
    scenario = written(tmp_path, "", odd=("{}", "{}"), plain=("{}", "{}"), worse=("{}", bad))
    async with standing(tmp_path / "world", scenario) as stand:
        # First match counts, and the world writes an objective for everything.
        file = Path(stand.ready.config)
        file.write_text(file.read_text().replace("[[slo]]", slo + "\n[[slo]]", 1))
        async with stand.chair() as chair:
            await stand.run(480, chair)
            row = chair.row(key("odd"))
            assert row.state == "blind"
            assert "slo 'all': objective: " in row.reason
            assert "line " in row.reason
            assert row.canary is not None  # what is measured is shown
            assert chair.assessment(key("odd")).burn is None
            assert chair.verdict(key("plain")).state == "ready"
            assert chair.assessment(key("plain")).burn is not None
            assert chair.verdict(key("worse")).state == "abort"


async def test_an_slo_that_cannot_be_used_hides_no_proof_that_the_canary_is_worse(tmp_path: Path) -> None:
    slo = '[[slo]]\nname = "typo"\nobjectiv = 0.999\n\n'
    scenario = written(tmp_path, "", worse=("{}", "{ error_rate = 0.3 }"))
    async with standing(tmp_path / "world", scenario) as stand:
        file = Path(stand.ready.config)
        file.write_text(file.read_text().replace("[[slo]]", slo + "[[slo]]", 1))
        async with stand.chair() as chair:
            await stand.run(480, chair)
            assert chair.verdict(key("worse")).state == "abort"
