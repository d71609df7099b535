"""The verbs by keystrokes in tmux: on the default scenario and on workloads that kubectl made, proven by kubectl."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests import peers
from tests.conftest import MakeCockpit, MakeTmux, MakeWorld
from tests.e2e.stage import SPACE, Stage
from tests.harness import manifests
from tests.harness.kubectl import Kubectl
from tests.harness.tmux import Tmux

SIZES = [(120, 36), (80, 24)]
HELD = r"P resumes"
DRAWN = r"▕"
"""The weight bar: the open rollout is on screen."""
GUARD_SECONDS = 0.4
"""Keys of the first 250 ms after a dialog's first paint are ignored by design; typing a name must not lose its head."""


def query(url: str, expression: str) -> float:
    """The sum that Prometheus gives for an expression; 0 for an empty answer."""
    with urllib.request.urlopen(f"{url}/api/v1/query?query={urllib.parse.quote(expression)}", timeout=30) as answer:
        result = json.load(answer)["data"]["result"]
    return sum(float(each["value"][1]) for each in result)


def answer(terminal: Tmux, name: str, stage: Stage | None = None) -> str:
    """Give the open dialog what it asks for; returns the dialog as it was. With a stage the world's time goes on."""
    pattern = r"\by  [A-Z]|type the rollout name"
    terminal.wait_for(r"┌─ confirm")
    shown = stage.watch(terminal, pattern) if stage else terminal.wait_for(pattern)
    time.sleep(GUARD_SECONDS)
    if "type the rollout name" in shown:
        terminal.type(name)
        terminal.wait_for(rf"arm:  {name}")
        terminal.keys("C-s")
    else:
        terminal.type("y")
    terminal.wait_gone(r"┌─ confirm")
    return shown


def act(stage: Stage, terminal: Tmux, key: str, name: str, verb: str, then: str = "") -> None:
    """A capital, its consent, the screen saying that the effect was observed, and the picture ``then`` showing it."""
    terminal.type(key)
    answer(terminal, name, stage)
    stage.watch(terminal, rf"✔ {verb} done")
    if then:
        stage.watch(terminal, then)


def roll_back(stage: Stage, terminal: Tmux, name: str, note: str, *, now: bool = False) -> None:
    """R, the version whose row says ``note``, and the consent."""
    terminal.type("R")
    terminal.wait_for(rf"{note}")
    for _ in range(10):
        if re.search(rf"^▌.*{note}", terminal.screen(), re.MULTILINE):
            break
        terminal.type("j")
        time.sleep(0.3)
    else:
        raise AssertionError(f"no version says {note}; screen:\n{terminal.screen()}")
    if now:
        terminal.type("t")
        terminal.wait_for(r"at once")
    terminal.keys("Enter")
    answer(terminal, name, stage)


def open_on(stage: Stage, make_tmux: MakeTmux, name: str, kind: str = "rollout", **options: object) -> Tmux:
    """The cockpit straight on a rollout, drawn."""
    terminal = make_tmux(stage.cockpit, f"{kind}/{SPACE}/{name}", **options)
    stage.watch(terminal, rf"{SPACE}/{name}")
    terminal.wait_for(DRAWN)
    return terminal


@pytest.mark.parametrize("size", SIZES, ids=["120x36", "80x24"])
def test_abort_of_the_error_regression_in_the_default_scenario(
    make_world: MakeWorld, make_cockpit: MakeCockpit, make_tmux: MakeTmux, tmp_path: Path, size: tuple[int, int]
) -> None:
    world = make_world(speed=1.0)
    kubectl = Kubectl(peers.need("kubectl"), world.kubeconfig, tmp_path / "kubectl-home")
    terminal = make_tmux(make_cockpit(world), size=size)
    shown = terminal.wait_for(r"checkout-api")
    assert len(re.findall(r"^[▌ ] ?[✖▲‖◌✔]", shown, re.MULTILINE)) >= 9
    canary = kubectl.get("rollout", "payments", "checkout-api")["status"]["currentPodHash"]
    rate = f'sum(rate(http_requests_total{{namespace="payments",pod=~"checkout-api-{canary}-.*"}}[1m]))'
    assert query(world.ready["prometheus"], rate) > 1
    terminal.type("/")
    terminal.type("checkout-api")
    terminal.keys("Enter")
    terminal.wait_for(r"▌.*checkout-api")
    terminal.keys("Enter")
    terminal.wait_for(DRAWN)
    terminal.type("X")
    shown = answer(terminal, "checkout-api")
    assert "ABORT" in shown
    assert "payments/checkout-api" in shown
    terminal.wait_for(r"(?i)abort.*(done|observed|serves nothing|no traffic)")
    status = kubectl.get("rollout", "payments", "checkout-api")["status"]
    assert status["abort"] is True
    world.control.speed(20)
    end = time.monotonic() + 60
    while (now := query(world.ready["prometheus"], rate)) > 0:
        assert time.monotonic() < end, f"the canary still gets {now:g} requests a second"
        time.sleep(0.2)


@pytest.mark.parametrize("routed", [False, True], ids=["basic", "routed"])
def test_advance_and_pause_twice(stage: Stage, make_tmux: MakeTmux, routed: bool) -> None:
    stage.canary_at_gate(routed=routed)
    terminal = open_on(stage, make_tmux, "web")
    before = stage.seen("web")["status"]
    act(stage, terminal, "P", "web", "pause", HELD)
    assert stage.seen("web")["spec"]["paused"] is True
    act(stage, terminal, "P", "web", "resume", r"> advances")
    assert not stage.seen("web")["spec"].get("paused")
    after = stage.seen("web")["status"]
    for member in ("currentStepIndex", "pauseConditions", "controllerPause"):
        assert after.get(member) == before.get(member), member
    act(stage, terminal, ">", "web", "advance")
    stage.until(lambda: stage.paused_at("web", 3))
    stage.control.advance(300)
    assert stage.seen("web")["status"]["currentStepIndex"] == 3


@pytest.mark.parametrize("routed", [False, True], ids=["basic", "routed"])
def test_pause_then_abort(stage: Stage, make_tmux: MakeTmux, routed: bool) -> None:
    stage.canary_at_gate(routed=routed)
    terminal = open_on(stage, make_tmux, "web")
    act(stage, terminal, "P", "web", "pause", HELD)
    act(stage, terminal, "X", "web", "abort")
    found = stage.seen("web")
    assert found["status"]["abort"] is True
    assert not found["spec"].get("paused")
    stage.until(lambda: stage.running("web") == {manifests.image("v1")}, tick=10)


@pytest.mark.parametrize("held", [False, True], ids=["", "paused"])
@pytest.mark.parametrize("routed", [False, True], ids=["basic", "routed"])
def test_roll_back_to_stable(stage: Stage, make_tmux: MakeTmux, routed: bool, held: bool) -> None:
    stage.canary_at_gate(routed=routed)
    terminal = open_on(stage, make_tmux, "web")
    if held:
        act(stage, terminal, "P", "web", "pause", HELD)
    roll_back(stage, terminal, "web", "stable")
    stage.until(lambda: stage.healthy("Rollout", "web"))
    stage.until(lambda: stage.running("web") == {manifests.image("v1")}, tick=10)
    assert not stage.seen("web")["spec"].get("paused")
    assert stage.images("Rollout", "web") == [manifests.image("v1")]


def test_roll_back_at_once_after_a_finished_bad_rollout(stage: Stage, make_tmux: MakeTmux) -> None:
    stage.canary_at_gate()
    stage.act("full", "web", "--confirm", "web")
    stage.until(lambda: stage.healthy("Rollout", "web"))
    stage.control.advance(300)
    terminal = open_on(stage, make_tmux, "web")
    roll_back(stage, terminal, "web", "last good", now=True)

    def back() -> bool:
        # The cockpit sends the second request of the sequence once it saw the first one's effect, and gives up after
        # ten minutes of the world's time: that time must not run away from it on a slow machine.
        time.sleep(0.1)
        return stage.healthy("Rollout", "web") and stage.running("web") == {manifests.pinned("v1")}

    stage.until(back, tick=1, limit=600)


def test_bluegreen_cutover_by_key(stage: Stage, make_tmux: MakeTmux) -> None:
    stage.make(manifests.bluegreen("shop"))
    stage.update("Rollout", "shop", "v2")
    stage.until(lambda: bool(stage.status("shop").get("pauseConditions")))
    before = stage.kubectl.get("service", SPACE, "shop-active")["spec"]["selector"]
    terminal = open_on(stage, make_tmux, "shop")
    act(stage, terminal, ">", "shop", "advance")
    stage.until(lambda: stage.healthy("Rollout", "shop"))
    assert stage.kubectl.get("service", SPACE, "shop-active")["spec"]["selector"] != before


def test_bluegreen_abort_by_key(stage: Stage, make_tmux: MakeTmux) -> None:
    stage.make(manifests.bluegreen("shop"))
    stage.update("Rollout", "shop", "v2")
    stage.until(lambda: bool(stage.status("shop").get("pauseConditions")))
    before = stage.kubectl.get("service", SPACE, "shop-active")["spec"]["selector"]
    terminal = open_on(stage, make_tmux, "shop")
    act(stage, terminal, "X", "shop", "abort")
    stage.until(lambda: stage.status("shop").get("abort"))
    stage.control.advance(120)
    assert stage.seen("shop")["status"]["abort"] is True
    assert stage.kubectl.get("service", SPACE, "shop-active")["spec"]["selector"] == before


def test_deployment_pause_and_abort_by_key(stage: Stage, make_tmux: MakeTmux) -> None:
    stage.make(manifests.deployment("cart"))
    stage.update("Deployment", "cart", "v2")
    stage.control.advance(5)
    terminal = open_on(stage, make_tmux, "cart", "deployment")
    act(stage, terminal, "P", "cart", "pause", HELD)
    act(stage, terminal, "X", "cart", "abort")
    stage.until(lambda: stage.healthy("Deployment", "cart"))
    assert stage.images("Deployment", "cart") == [manifests.image("v1")]
    assert stage.running("cart") == {manifests.image("v1")}


def test_deployment_roll_back_by_key(stage: Stage, make_tmux: MakeTmux) -> None:
    stage.make(manifests.deployment("cart"))
    stage.update("Deployment", "cart", "v2")
    stage.until(lambda: stage.healthy("Deployment", "cart"))
    terminal = open_on(stage, make_tmux, "cart", "deployment")
    roll_back(stage, terminal, "cart", "last good")
    stage.until(lambda: stage.healthy("Deployment", "cart") and stage.running("cart") == {manifests.image("v1")})


def test_demo_shows_a_dozen_rollouts_and_leaves_nothing_behind(make_cockpit: MakeCockpit, make_tmux: MakeTmux) -> None:
    command = make_cockpit(None)
    terminal = make_tmux(command, "demo")
    shown = terminal.wait_for(r"checkout-api")
    assert "DEMO" in shown
    children = Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children").read_text().split()
    assert children
    terminal.keys("C-q")
    terminal.wait_exit()
    for child in children:
        assert not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2]
    assert list((command.home / "tmp").iterdir()) == []
