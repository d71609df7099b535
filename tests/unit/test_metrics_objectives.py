"""Objectives of Sloth and Pyrra, found by their series; what a burn says of a budget it cannot know."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cockpit.metrics.answers import Row
from cockpit.metrics.objectives import Objectives, read
from tests.unit.test_metrics_sampler import KEY, T0, Bench, usual


def row(name: str, value: float, **labels: str) -> Row:
    return Row({"__name__": name, **labels}, ((T0, value),))


def sloth(service: str, objective: float = 0.999, **more: float) -> list[Row]:
    labels = {"sloth_service": service, "sloth_slo": "requests", "sloth_id": f"{service}-requests"}
    names = {"slo:objective:ratio": objective, "slo:time_period:days": 28.0, **more}
    return [row(name, value, **labels) for name, value in names.items()]


def test_sloth_and_pyrra_are_read() -> None:
    rows = [
        *sloth("web", **{"slo:period_error_budget_remaining:ratio": 0.42}),
        row("pyrra_objective", 0.99, slo="checkout", namespace="shop"),
        row("pyrra_window", 28 * 86_400.0, slo="checkout", namespace="shop"),
        row("pyrra_availability", 0.995, slo="checkout", namespace="shop"),
        *sloth("odd", objective=1.0),
        row("slo:objective:ratio", float("nan"), sloth_service="nan", sloth_slo="x"),
    ]
    pyrra, web = read(rows)
    assert (web.service, web.name, web.objective, web.period_days, web.remaining) == (
        "web",
        "requests",
        0.999,
        28.0,
        0.42,
    )
    assert (pyrra.service, pyrra.namespace, pyrra.objective, pyrra.origin) == ("checkout", "shop", 0.99, "Pyrra")
    assert pyrra.remaining == pytest.approx(0.5)


def test_an_objective_belongs_to_the_service_of_its_name_or_label() -> None:
    objectives = Objectives()
    objectives._found = {found.service: [found] for found in read(sloth("web"))}
    assert objectives.of(usual()) is not None
    other = replace(usual(), key=KEY._replace(name="frontend"))
    assert objectives.of(other) is None
    assert objectives.of(replace(other, labels={"app.kubernetes.io/name": "web"})) is not None


async def test_a_discovered_objective_limits_and_burns_and_the_config_goes_first() -> None:
    for settings, objective, origin in ({}, 0.99, "Sloth"), ({"slo": [{"objective": 0.95}]}, 0.95, "config"):
        bench = Bench(**settings)  # type: ignore[arg-type]
        bench.traffic(900)
        labels = {"sloth_service": "web", "sloth_slo": "requests"}
        for name, value in (("slo:objective:ratio", 0.99), ("slo:period_error_budget_remaining:ratio", 0.4)):
            bench.prometheus.sample(T0 + 599, value, name=name, **labels)
        await bench.at(603.5, usual())
        observed = bench.sampler.observed(KEY)
        assert observed is not None
        assert observed.evidence[0].sli.limit == pytest.approx(10 * (1 - objective))
        burn = observed.burn
        assert burn is not None
        assert (burn.objective, burn.origin) == (objective, origin)
        assert burn.budget_remaining == 0.4
        assert burn.at_full == pytest.approx(0.1 / (1 - objective))
        # 39 errors of the canary, none of the baseline, against the budget of 30 days at 80 requests a minute.
        events = (390 + 400) / 600 * 30 * 86_400
        assert burn.excess_spent == pytest.approx(39 / ((1 - objective) * events), rel=0.2)
        assert burn.excess_low is not None
        assert burn.excess_high is not None
        assert burn.excess_low < burn.excess_spent < burn.excess_high  # type: ignore[operator]
        assert burn.windows[0].canary == pytest.approx(0.1 / (1 - objective))
        assert burn.windows[1].canary is None
        assert burn.windows[1].covered == 585.0


async def test_the_table_fires_only_with_five_bad_events() -> None:
    bench = Bench(slo=[{"objective": 0.999}])
    bench.traffic(900)
    await bench.at(603.5, usual())
    observed = bench.sampler.observed(KEY)
    assert observed is not None
    assert observed.burn is not None
    assert observed.burn.alerts[0].startswith("page: above 14.4x over 60 min (10 min of it lived) and 5 min")
    calm = Bench(slo=[{"objective": 0.999}])
    calm.traffic(900, canary_error=0)
    await calm.at(603.5, usual())
    observed = calm.sampler.observed(KEY)
    assert observed is not None
    assert observed.burn is not None
    assert observed.burn.alerts == ()
    assert observed.burn.budget_remaining is None
