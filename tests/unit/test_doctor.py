"""Doctor's checks one by one: what each finds, its evidence, and what it tells a person to do."""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path

import pytest
import yaml

from cockpit.base.clock import Clock
from cockpit.config import ClusterSettings, PrometheusSettings, Settings, load_settings
from cockpit.doctor.cluster import check_cluster, skew_finding
from cockpit.doctor.examine import wanted_series
from cockpit.doctor.finding import Finding, worst
from cockpit.doctor.local import check_journal, check_settings, check_terminal, colours
from cockpit.doctor.prometheus import check_prometheus
from cockpit.doctor.rbac import CHECKS, READ, SECRETS, WRITE, Rule, manifest, rights_of
from cockpit.strategies import REGISTRY


def test_the_worst_state_decides() -> None:
    def of(*states: str) -> str:
        return worst([Finding("x", state, "") for state in states])  # type: ignore[arg-type]

    assert of("ok", "warn", "off") == "ok"
    assert of("ok", "unknown", "unreachable") == "unreachable"
    assert of("unreachable", "bad") == "bad"


def test_journal_is_not_created_by_looking_at_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "journal.sqlite3"
    assert check_journal(path).state == "ok"
    assert not path.parent.exists()


def test_a_journal_that_is_no_database_is_bad(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    path.write_text("this is no database, but it is long enough to be read as one" * 40)
    found = check_journal(path)
    assert found.state == "bad"
    assert str(path) in found.detail
    assert found.hint


def test_a_journal_below_a_file_is_bad(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert check_journal(tmp_path / "file" / "journal.sqlite3").state == "bad"


@pytest.mark.parametrize(
    ("term", "size", "state"),
    [
        ("xterm-256color", (120, 36), "ok"),
        ("dumb", (120, 36), "bad"),
        ("", (120, 36), "bad"),
        ("xterm", (59, 24), "warn"),
        ("xterm", (80, 19), "warn"),
        ("xterm", (60, 20), "ok"),
    ],
)
def test_terminal(term: str, size: tuple[int, int], state: str) -> None:
    terminal, _, place = check_terminal({"TERM": term}, is_tty=True, size=size, encoding="UTF-8")
    assert (terminal.state, place.state) == (state, "ok")
    assert terminal.hint or state == "ok"


def test_terminal_says_what_it_is_inside_of_and_warns_of_its_encoding() -> None:
    inside = {"TERM": "screen-256color", "TMUX": "/tmp/x", "SSH_CONNECTION": "a b"}
    terminal, _, place = check_terminal(inside, is_tty=True, size=(120, 36), encoding="ANSI_X3.4-1968")
    assert "inside tmux over ssh" in terminal.detail
    assert place.state == "warn"
    assert check_terminal({}, is_tty=False, size=(0, 0), encoding="UTF-8")[0].state == "off"


def test_colours() -> None:
    assert colours({"TERM": "xterm", "NO_COLOR": "1"}).startswith("none")
    assert colours({"TERM": "xterm", "COLORTERM": "truecolor"}).startswith("16 million")
    assert colours({"TERM": "screen-256color"}).startswith("256")
    assert colours({"TERM": "linux"}).startswith("16;")


async def test_prometheus_off_down_slow_and_lacking(tmp_path: Path) -> None:
    (off,) = await check_prometheus(PrometheusSettings(), ["up"])
    assert off.state == "off"
    settings = PrometheusSettings(url="http://user:secret@prom.example:9090", timeout=0.01)

    def down(_: PrometheusSettings) -> list[str]:
        raise ConnectionError("refused by http://user:secret@prom.example:9090")

    (lost,) = await check_prometheus(settings, ["up"], down)
    assert lost.state == "unreachable"
    assert "secret" not in lost.detail

    found, lacking = await check_prometheus(settings, ["up", "http_requests_total"], lambda _: ["up"])
    assert (found.state, lacking.state) == ("ok", "warn")
    assert "http_requests_total" in lacking.detail

    _, complete = await check_prometheus(settings, ["up"], lambda _: ["up"])
    assert complete.state == "ok"


async def test_a_prometheus_that_refuses_the_connection_is_one_finding() -> None:
    # Port 9 of loopback: nothing listens there, and the kernel says so at once.
    (lost,) = await check_prometheus(PrometheusSettings(url="http://127.0.0.1:9"), ["up"])
    assert lost.state == "unreachable"
    assert "\n" not in lost.detail


def test_the_series_of_the_preset_are_known_by_name() -> None:
    names = wanted_series(Settings())
    assert "http_requests_total" in names
    assert "http_request_duration_seconds_bucket" in names
    assert "container_memory_working_set_bytes" in names


def test_clock_skew_is_measured_against_the_server() -> None:
    now = 1_700_000_000.0
    assert skew_finding(formatdate(now, usegmt=True), now + 1).state == "ok"
    behind = skew_finding(formatdate(now + 90, usegmt=True), now)
    assert behind.state == "warn"
    assert "90 s behind" in behind.detail or "91 s behind" in behind.detail
    assert "ahead of" in skew_finding(formatdate(now - 90, usegmt=True), now).detail
    assert skew_finding("junk", now).state == "unknown"
    assert skew_finding(None, now).state == "unknown"
    assert skew_finding(formatdate(now, usegmt=True), now + 999, scale=60).state == "off"


async def test_without_a_kubeconfig_the_rest_is_unknown_not_bad(tmp_path: Path) -> None:
    settings = Settings(cluster=ClusterSettings(kubeconfig=str(tmp_path / "none")))
    first, *rest = await check_cluster(settings, Clock())
    assert first.state == "bad"
    assert "none" in first.detail
    assert {finding.state for finding in rest} == {"unknown"}


def test_settings_name_their_file(tmp_path: Path) -> None:
    (found,) = check_settings(Settings(read_only=True, source=tmp_path / "c.toml"))
    assert "read-only" in found.detail


def test_settings_that_are_not_in_force_are_named(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("""
[[slo]]
objective = 1.0
[[sli]]
name = "orders"
total = "sum(rate(orders_total[5m]))"
errors = "orders_failed_total{}"
""")
    found, *faults = check_settings(load_settings(file))
    assert found.state == "ok"
    assert [fault.state for fault in faults] == ["bad", "bad"]
    slo, sli = (fault.detail for fault in faults)
    assert f"{file} line 2: slo 'number 1': objective: must lie between 0 and 1" in slo
    assert f"{file} line 4: sli 'orders': total must be one plain selector" in sli


def test_rbac_is_valid_and_least() -> None:
    read = yaml.safe_load(manifest(operator=False))
    assert read["kind"] == "ClusterRole"
    verbs = {verb for rule in read["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch"}
    operator = yaml.safe_load(manifest(operator=True, namespace="shop"))
    assert (operator["kind"], operator["metadata"]["namespace"]) == ("Role", "shop")
    resources = {resource for rule in operator["rules"] for resource in rule["resources"]}
    assert "namespaces" not in resources  # means nothing in a Role
    assert not resources & {"pods/exec", "pods/portforward", "*"}
    assert "secrets" not in {resource for rule in read["rules"] for resource in rule["resources"]}
    written = {
        (resource, verb) for rule in operator["rules"] for resource in rule["resources"] for verb in rule["verbs"]
    } - {(resource, verb) for rule in read["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert written == {
        ("rollouts", "patch"), ("rollouts/status", "patch"), ("deployments", "patch"), ("pods", "create"),
        ("events", "create"), ("applications", "patch"), ("kustomizations", "patch"), ("helmreleases", "patch"),
        ("secrets", "get"), ("secrets", "list"),
    }  # fmt: skip


def test_rights_of_a_rule_are_single_questions() -> None:
    questions = [str(right) for rule in (*READ, *CHECKS, *SECRETS, *WRITE) for right in rights_of(rule)]
    assert "get pods/log" in questions
    assert "patch rollouts/status.argoproj.io" in questions
    assert len(questions) == len(set(questions))


def test_the_printed_rights_cover_what_strategies_watch_and_what_their_verbs_need() -> None:
    def names(rules: tuple[Rule, ...]) -> set[tuple[str, str, str, str | None]]:
        return {
            (right.verb, right.resource.group, right.resource.plural, right.subresource)
            for rule in rules
            for right in rights_of(rule)
        }

    seen, written = names(READ), names(WRITE)
    for strategy in REGISTRY:
        for watch in strategy.watches:
            for verb in ("list", "watch"):
                assert (verb, watch.resource.group, watch.resource.plural, None) in seen, watch
        for rights in strategy.rights().values():
            for right in rights:
                assert (right.verb, right.resource.group, right.resource.plural, right.subresource) in seen | written
