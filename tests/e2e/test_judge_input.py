"""Odd metrics and odd settings: the SLI concerned goes blind by name and alone, everything else is judged on.

Budget: 20 s.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpit.base.errors import ConfigError
from cockpit.config import load_settings
from cockpit.metrics import Sampler
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


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ('\n[[sli]]\nname = "bad"\ntotal = "sum(rate(x[5m]))"\nerrors = "y{}"\n', "bad"),
        ('\n[[sli]]\nname = "bad"\ntotal = "x{pod=~\\"{{nothing}}\\"}"\nerrors = "y{}"\n', "nothing"),
        ('\n[[sli]]\nname = "bad"\ntotal = "x{"\nerrors = "y{}"\n', "bad"),
        ('\n[[slo]]\nname = "all"\nobjective = 1.0\n', "objective"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_by_name_and_line(tmp_path: Path, config: str, words: str) -> None:
    from cockpit.base.clock import Clock

    file = tmp_path / "config.toml"
    file.write_text('[prometheus]\nurl = "http://127.0.0.1:1"\n' + config)
    with pytest.raises(ConfigError) as refused:
        Sampler(load_settings(file), Clock())
    said = str(refused.value)
    assert words in said
    assert str(file) in said
