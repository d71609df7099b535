"""What goes wrong is one sentence with what to do and its exit code; a running cockpit shows it as a labelled gap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import MakeCockpit, MakeTmux, MakeWorld
from tests.e2e.stage import SPACE, Stage
from tests.harness import manifests
from tests.harness.command import Answer, Cockpit


def one_sentence(answer: Answer, code: int, *words: str) -> None:
    assert answer.code == code, answer
    assert answer.out == "", answer
    assert answer.err.count("\n") == 1, answer
    assert "Traceback" not in answer.err
    for word in words:
        assert word in answer.err, answer


def kubeconfig(path: Path, **changes: Any) -> Path:
    """A kubeconfig for a server that is not there, changed as given."""
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {"token": "abcdefgh"}}],
    } | changes
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
def alone(make_cockpit: MakeCockpit) -> Cockpit:
    """The command without a world."""
    return make_cockpit(None)


def test_a_missing_kubeconfig(alone: Cockpit, tmp_path: Path) -> None:
    one_sentence(alone.run("list", "--kubeconfig", str(tmp_path / "none")), 3, str(tmp_path / "none"))
    one_sentence(alone.run("list"), 3, "KUBECONFIG")


@pytest.mark.parametrize("text", ["{not yaml", "[]", "kind: Config\n", "\x00\x01", ""])
def test_a_malformed_kubeconfig(alone: Cockpit, tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    one_sentence(alone.run("list", "--kubeconfig", str(path)), 3, str(path))


def test_an_unknown_context_lists_the_known_ones(alone: Cockpit, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "kubeconfig")
    one_sentence(alone.run("list", "--kubeconfig", str(path), "--context", "blue"), 3, "blue", "c")


def test_an_unreachable_server(alone: Cockpit, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "kubeconfig")
    for command in (("list",), ("status", "a/b"), ("abort", "a/b", "--yes"), ("revisions", "a/b"), ("logs", "a/b")):
        one_sentence(alone.run(*command, "--kubeconfig", str(path)), 3, "127.0.0.1:9")


def test_an_exec_plugin_that_is_missing_or_fails(alone: Cockpit, tmp_path: Path) -> None:
    for command, arguments, word in (
        ("/nonexistent/plugin", [], "plugin"),
        ("/bin/sh", ["-c", "echo 'please log in' >&2; exit 3"], "please log in"),
    ):
        plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": command, "args": arguments}
        user = {"exec": {**plugin, "interactiveMode": "Never"}}
        path = kubeconfig(tmp_path / "kubeconfig", users=[{"name": "u", "user": user}])
        one_sentence(alone.run("list", "--kubeconfig", str(path)), 3, word)


def test_an_expired_token(stage: Stage, make_cockpit: MakeCockpit, tmp_path: Path) -> None:
    document = yaml.safe_load(stage.world.kubeconfig.read_text())
    document["users"][0]["user"] = {"token": "no-longer-valid"}
    path = tmp_path / "expired"
    path.write_text(yaml.safe_dump(document))
    answer = make_cockpit(stage.world, "--kubeconfig", str(path)).run("list")
    assert answer.code in (1, 3)
    one_sentence(answer, answer.code, "log in")
    assert "no-longer-valid" not in answer.err


def limited(stage: Stage, tmp_path: Path, *rules: dict[str, Any]) -> Path:
    """A kubeconfig of a user who has only these RBAC rules."""
    stage.control.user("limited", "token-of-limited", rules=list(rules))
    document = yaml.safe_load(stage.world.kubeconfig.read_text())
    document["users"][0]["user"] = {"token": "token-of-limited"}
    path = tmp_path / "limited"
    path.write_text(yaml.safe_dump(document))
    return path


def test_a_user_without_any_rights(stage: Stage, make_cockpit: MakeCockpit, tmp_path: Path) -> None:
    answer = make_cockpit(stage.world, "--kubeconfig", str(limited(stage, tmp_path))).run("list")
    assert answer.code in (1, 3), answer
    assert "Traceback" not in answer.err
    assert "may not" in answer.out + answer.err or "forbidden" in (answer.out + answer.err).lower()


def test_a_user_who_may_only_look(stage: Stage, make_cockpit: MakeCockpit, tmp_path: Path) -> None:
    stage.canary_at_gate()
    look = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
    stage.cockpit = make_cockpit(stage.world, "--kubeconfig", str(limited(stage, tmp_path, look)))
    assert [each["name"] for each in stage.cockpit.json("list")] == ["web"]
    answer = stage.act("advance", "web", "--yes")
    assert (answer["exit"], answer["result"]) == (1, "denied")
    assert "rollouts/status" in answer["reason"]
    assert stage.control.writes(agent="rollout-cockpit") == []


def test_an_unknown_rollout(stage: Stage) -> None:
    stage.make(manifests.canary("checkout-api"))
    one_sentence(stage.cockpit.run("status", f"{SPACE}/chekout-api"), 1, f"did you mean {SPACE}/checkout-api")
    one_sentence(stage.cockpit.run("abort", "nowhere/web", "--yes"), 1, "nowhere/web")


def test_bad_usage_and_bad_config(stage: Stage, make_cockpit: MakeCockpit, tmp_path: Path) -> None:
    one_sentence(stage.cockpit.run("abort"), 2)
    one_sentence(stage.cockpit.run("rollback", f"{SPACE}/web", "--yes"), 2, "--to")
    config = tmp_path / "bad.toml"
    config.write_text("[prometheus]\nurl = 'ftp://x'\n")
    one_sentence(make_cockpit(None, "--config", str(config)).run("list"), 2, "prometheus.url", str(config))
    config.write_text("[nonsense]\nx = 1\n")
    one_sentence(make_cockpit(None, "--config", str(config)).run("config", "check"), 2, "nonsense")


def test_world_refuses_bad_arguments(alone: Cockpit) -> None:
    for arguments in (("--scenario", "no-such"), ("--speed", "-1"), ("--rollouts", "0"), ("--epoch", "x")):
        one_sentence(alone.run("world", *arguments), 2)


def test_doctor_on_a_world_finds_everything(make_world: MakeWorld, make_cockpit: MakeCockpit) -> None:
    answer = make_cockpit(make_world(scenario="healthy")).run("doctor", "-o", "json")
    states = {finding["name"]: finding["state"] for finding in answer.json}
    for name in ("kubeconfig", "api", "identity", "kind Rollout", "kind Deployment", "read", "write", "prometheus"):
        assert states[name] == "ok", answer
    assert answer.code == 0


def test_losing_the_server_is_a_gap_and_comes_back(stage: Stage, make_tmux: MakeTmux) -> None:
    stage.make(manifests.canary("web"))
    terminal = make_tmux(stage.cockpit)
    stage.watch(terminal, r"web")
    stage.control.faults({"status": 503})
    stage.control.call("POST", "/streams/close", {"kind": "watch", "abort": True})
    stage.watch(terminal, r"(?i)k8s.*(lost|stale)|kubernetes.*(lost|stale)|✖ k8s")
    assert "web" in terminal.screen()
    stage.control.no_faults()
    stage.watch(terminal, r"(?i)k8s ●|k8s.*ok")
    assert terminal.exit_code is None
