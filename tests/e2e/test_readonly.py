"""``--read-only``: only what rule 10 allows reaches the server, for every key and verb; without it they do write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MakeCockpit, MakeTmux
from tests.e2e.stage import SPACE, Stage
from tests.faults.proxy import Proxy, Request, ca_of, server_of

KEYS = [">", "P", "X", "R", "F", "S", "T"]
VERBS = ["advance", "skip", "full", "pause", "resume", "abort", "retry", "restart"]
REVIEWS = ("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews")


def allowed(request: Request) -> bool:
    """Rule 10: GET (which list and watch are), and access or self reviews."""
    return request.method == "GET" or (request.method == "POST" and request.path.rsplit("/", 1)[-1] in REVIEWS)


@pytest.fixture
def proxy(stage: Stage, tmp_path: Path) -> Iterator[Proxy]:
    kubeconfig = stage.world.kubeconfig
    with Proxy(server_of(kubeconfig), tmp_path / "proxy", server_ca=ca_of(kubeconfig)) as made:
        yield made


def test_no_verb_writes(stage: Stage, proxy: Proxy, make_cockpit: MakeCockpit) -> None:
    stage.canary_at_gate()
    through = ("--kubeconfig", str(proxy.kubeconfig(stage.world.kubeconfig)))
    stage.cockpit = make_cockpit(stage.world, *through, "--read-only")
    for verb in VERBS:
        answer = stage.act(verb, "web", "--confirm", "web")
        assert answer["result"] in ("refused", "nothing-to-do"), verb
        assert answer["exit"] == (1 if answer["result"] == "refused" else 0)
    answer = stage.act("rollback", "web", "--to", "stable", "--confirm", "web")
    assert answer["result"] == "refused"
    assert "read-only" in answer["reason"]
    assert proxy.requests
    assert [each for each in proxy.requests if not allowed(each)] == []

    stage.cockpit = make_cockpit(stage.world, *through)
    assert stage.act("abort", "web", "--yes")["result"] == "done"
    # The act, and the Event that tells other seats of it.
    assert [each.method for each in proxy.requests if not allowed(each)] == ["PATCH", "POST"]


def test_no_key_writes(stage: Stage, proxy: Proxy, make_cockpit: MakeCockpit, make_tmux: MakeTmux) -> None:
    stage.canary_at_gate()
    through = ("--kubeconfig", str(proxy.kubeconfig(stage.world.kubeconfig)))
    terminal = make_tmux(make_cockpit(stage.world, *through, "--read-only"), f"{SPACE}/web")
    stage.watch(terminal, r"2/4")
    terminal.wait_for(r"READ-ONLY")
    for key in KEYS:
        terminal.type(key)
        stage.control.advance(1)
        terminal.type("y")
        terminal.type("web")
        terminal.keys("C-s", "Escape", "Escape")
    terminal.wait_for(r"(?i)read-only")
    stage.control.advance(5)
    assert [each for each in proxy.requests if not allowed(each)] == []

    terminal = make_tmux(make_cockpit(stage.world, *through), f"{SPACE}/web")
    stage.watch(terminal, r"2/4")
    terminal.type("X")
    stage.confirm(terminal, r"ABORT")
    stage.until(lambda: stage.status("web").get("abort"))
    # The act, and the Event that tells other seats of it.
    stage.until(lambda: [each.method for each in proxy.requests if not allowed(each)] == ["PATCH", "POST"])
