"""The judge's numbers as text: intervals, counts, evidence, burn; unknown is unknown, and 80 columns are enough."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
import yaml

from cockpit.cli import judged, report
from cockpit.doctor.rbac import manifest
from cockpit.model.verdict import Burn, BurnWindow, PerArm, SliRow
from tests.harness import seat


def row(**changes: Any) -> dict[str, Any]:
    base: SliRow = msgspec.structs.replace(
        seat.assessment().slis[0], interval=(9.12, 18.94), e_abort=math.inf, e_advance=0.0004, posterior=0.9999,
        phi=3.14, unseen=12, latched_at=seat.NOW, state="abort", reason="errors 4.10 % vs 0.30 %",
    )  # fmt: skip
    return report.sli(msgspec.structs.replace(base, **changes))


def test_every_number_of_an_sli_is_printed_in_80_columns() -> None:
    lines = judged.slis([row(), row(name="rate_per_pod", requests=PerArm(1_820_400, 5_461_200))], 80)
    assert max(map(len, lines)) <= 80
    shown = " ".join(" ".join(lines).split())
    for part in (
        "4.10% 0.30% 13.7x 1000/3000 9.1x-18.9x ABORT",
        "errors 41/9",
        "E abort >=1e300, E advance 4e-4",
        "P(ratio > k) >0.99",
        "bursty: evidence discounted (phi 3.1)",
        "up to 12 unseen",
        "now 13.7x",
        "errors 4.10 % vs 0.30 %",
        "1820400/5461200",
    ):
        assert part in shown, part


def test_the_reason_stands_in_the_row_where_there_is_room() -> None:
    assert "ABORT errors 4.10 %" in judged.slis([row()], 140)[1]


def test_an_open_interval_and_missing_numbers() -> None:
    assert "1.2x-inf" in judged.slis([row(interval=(1.2, math.inf))], 80)[1]
    blind = row(interval=None, state="blind", errors=PerArm(None, None), e_abort=None, e_advance=None, posterior=None,
                phi=None, unseen=None, latched_at=None, reason="target down")  # fmt: skip
    lines = judged.slis([blind], 80)
    assert lines[1].split()[-2:] == ["?", "BLIND"]
    assert lines[2:] == ["    target down"]
    gauge = {**blind, "state": "ready", "reason": "", "requests": {"canary": None, "baseline": None}}
    lines = judged.slis([gauge], 80)
    assert lines[1].split()[-3:] == ["-", "-", "READY"]
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "?"), (0.0, "0"), (3.21, "3.2"), (47.4, "47"), (412345.0, "4e5"), (0.0004, "4e-4"), (1e300, ">=1e300")],
)
def test_e_values_are_short(value: float | None, said: str) -> None:
    assert judged.e_value(value) == said


def burn(**changes: Any) -> list[str]:
    base = Burn(
        "availability", 0.999, 2_592_000.0,
        (BurnWindow(300.0, 300.0, 22.9, 0.3, 14.4), BurnWindow(259_200.0, 720.0, None, None, 1.0)),
        0.61, 180_000.0, 0.026, None, 41.0, 0.019, 0.033, ("page: above 14.4x over 1.0 h and 5 min",), "Sloth",
    )  # fmt: skip
    return judged.burn(msgspec.to_builtins(msgspec.structs.replace(base, **changes)), 80)


def test_burn_says_windows_alerts_and_budget() -> None:
    lines = burn()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "burn      availability, objective 99.9% over 30d, Sloth"
    shown = "\n".join(lines)
    for part in (
        "5m: canary 22.9x, baseline 0.3x, pages at 14.4x",
        "12m of 3d: canary ?, baseline ?",
        "alert: page: above 14.4x",
        "budget left 61%, exhausted in 2d at this pace",
        "cost at 100% 41.0x",
        "excess spent since the rollout started 2.6% (95 %: 1.9 to 3.3)",
    ):
        assert part in shown, part


def test_a_budget_that_nobody_knows_is_a_question_mark() -> None:
    lines = burn(budget_remaining=None, at_full=None, excess_spent=None, alerts=())
    assert lines[-1].strip() == "budget left ?, a full one exhausted in 2d at this pace"
    assert judged.burn(None, 80) == ["burn      not known"]


def test_rights_for_a_prometheus_behind_the_api_server_are_for_that_service_alone() -> None:
    first, second = yaml.safe_load_all(manifest(operator=False, namespace="shop", service="monitoring/https:prom:9090"))
    assert first == yaml.safe_load(manifest(operator=False, namespace="shop"))
    assert (second["kind"], second["metadata"]["namespace"]) == ("Role", "monitoring")
    assert second["rules"] == [
        {"apiGroups": [""], "resources": ["services/proxy"], "verbs": ["get"], "resourceNames": ["https:prom:9090"]}
    ]
