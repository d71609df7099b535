"""Doctor against a world: every finding good, and what it says when rights, Prometheus or the server are missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cockpit.base.clock import Clock
from cockpit.config import PrometheusSettings, Settings, load_settings
from cockpit.doctor.cluster import check_cluster
from cockpit.doctor.examine import examine
from cockpit.doctor.finding import Finding
from cockpit.doctor.rbac import manifest
from tests.harness.world import WorldProcess


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldProcess]:
    with WorldProcess(tmp_path_factory.mktemp("world"), scenario="single", speed=1.0) as made:
        yield made


def settings_of(world: WorldProcess, tmp_path: Path, user: str = "") -> Settings:
    """Settings for the world, as another user when a token is given."""
    overrides: dict[str, Any] = {"journal.path": tmp_path / "journal.sqlite3"}
    if user:
        document = yaml.safe_load(world.kubeconfig.read_text())
        document["users"][0]["user"] = {"token": f"token-of-{user}"}
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(document))
        overrides["cluster.kubeconfig"] = str(path)
    return load_settings(world.config, overrides)


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


async def test_all_is_well(small: WorldProcess, tmp_path: Path) -> None:
    found = by_name(await examine(settings_of(small, tmp_path)))
    good = ("settings", "kubeconfig", "api", "identity", "clock", "kind Rollout", "kind Deployment")
    for name in (*good, "read", "checks", "write", "prometheus", "metrics", "journal"):
        assert found[name].state == "ok", found[name]
    assert found["identity"].detail == "admin"


async def test_the_printed_rights_are_exactly_enough(small: WorldProcess, tmp_path: Path) -> None:
    for user, operator in (("reader", False), ("operator", True)):
        rules = yaml.safe_load(manifest(operator=operator))["rules"]
        small.control.user(user, f"token-of-{user}", rules=rules)
        found = by_name(await check_cluster(settings_of(small, tmp_path, user), Clock()))
        assert found["identity"].detail == user
        assert found["read"].state == "ok", found["read"]
        assert found["write"].state == ("ok" if operator else "warn"), found["write"]
        assert found["checks"].state == ("ok" if operator else "warn"), found["checks"]
        if not operator:
            assert found["checks"].detail.endswith("you may not get secrets, list secrets")
            assert "patch rollouts/status.argoproj.io" in found["write"].detail


async def test_a_user_without_rights_is_told_what_is_lacking(small: WorldProcess, tmp_path: Path) -> None:
    small.control.user("nobody", "token-of-nobody")
    found = by_name(await check_cluster(settings_of(small, tmp_path, "nobody"), Clock()))
    assert found["api"].state == "ok"
    assert found["kind Rollout"].state == "bad"
    assert "rbac" in found["kind Rollout"].hint
    assert found["read"].state == "bad"
    assert "list pods" in found["read"].detail


async def test_the_right_to_ask_through_the_api_server_is_asked_for_by_name(
    small: WorldProcess, tmp_path: Path
) -> None:
    service = "monitoring/prometheus:9090"
    role = list(yaml.safe_load_all(manifest(operator=False, service=service)))
    small.control.user("proxied", "token-of-proxied", rules=[rule for part in role for rule in part["rules"]])
    other = [{**rule, "resourceNames": ["other:9090"]} for rule in role[1]["rules"]]
    small.control.user("elsewhere", "token-of-elsewhere", rules=[*role[0]["rules"], *other])
    for user, state in (("proxied", "ok"), ("elsewhere", "bad")):
        settings = settings_of(small, tmp_path, user)
        settings = settings.model_copy(update={"prometheus": PrometheusSettings(service=service)})
        found = by_name(await check_cluster(settings, Clock()))["service proxy"]
        assert found.state == state, found
        assert "get services/proxy prometheus:9090" in found.detail
    assert "cockpit rbac" in found.hint


async def test_presets_are_probed_in_read_only_mode_too(small: WorldProcess, tmp_path: Path) -> None:
    settings = settings_of(small, tmp_path).model_copy(update={"read_only": True})
    found = by_name(await examine(settings))
    assert found["write"].state == "off"
    assert found["preset"].state == "ok", found["preset"]


async def test_an_unknown_token_is_one_finding(small: WorldProcess, tmp_path: Path) -> None:
    found = by_name(await check_cluster(settings_of(small, tmp_path, "stranger"), Clock()))
    assert found["kubeconfig"].state == "ok"
    assert found["api"].state == "bad"
    assert "log in" in found["api"].detail
    assert {found[name].state for name in ("identity", "kinds", "read", "write")} == {"unknown"}
    assert "token-of-stranger" not in str(found)
