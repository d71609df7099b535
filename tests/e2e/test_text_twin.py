"""The screen says what ``-o json`` says at the same frozen instant: default scenario, odd objects made by kubectl."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import peers
from tests.conftest import MakeTmux
from tests.e2e.stage import SPACE, Stage
from tests.harness import manifests
from tests.harness.command import Cockpit
from tests.harness.kubectl import Kubectl
from tests.harness.tmux import Tmux
from tests.harness.world import WorldProcess

LONG = "a" * 50 + "-b" * 6 + "c"  # 63 characters, the most that a label allows


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The default scenario of a random seed, and objects at the edges of what the API allows, standing still."""
    seed = int(os.environ.get("COCKPIT_TEST_SEED") or random.SystemRandom().randrange(1, 10_000))
    print(f"COCKPIT_TEST_SEED={seed}")  # shown when a test fails
    folder = tmp_path_factory.mktemp("odd")
    with WorldProcess(folder / "world", seed=seed) as world:
        kubectl = Kubectl(peers.need("kubectl"), world.kubeconfig, folder / "kubectl-home")
        stage = Stage(world, kubectl, Cockpit(folder / "home", "--config", str(world.config)))
        fill(stage)
        yield stage


def fill(stage: Stage) -> None:
    """Roll seven workloads that no scenario contains from v1 to somewhere on the way to v2."""
    many = [{"setWeight": 3 * step} if step % 2 else {"pause": {"duration": 1200 + step}} for step in range(1, 31)]
    made = [
        manifests.canary(LONG),
        manifests.canary("nothing", replicas=0),
        manifests.canary("forty", replicas=40),
        manifests.canary("thirty-steps", steps=many),
        manifests.canary("stepless", steps=()),
        manifests.bluegreen("two-colours"),
        manifests.deployment("plain"),
    ]
    for objects in made:
        stage.kubectl.apply(*objects)
    stage.control.advance(240)
    for objects in made:
        stage.update(objects[-1]["kind"], objects[-1]["metadata"]["name"], "v2")
    stage.control.advance(45)
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{SPACE}/rollouts/forty/status"
    stage.kubectl.replace_raw(path, lambda found: found["status"].update(message="m" * 4096))


MARKS = "✖▲‖◌✔?"


def row_of(screen: str, entry: dict[str, Any]) -> str:
    """The fleet's row of a rollout, empty when there is none; a long name may end in an ellipsis."""
    for line in screen.splitlines():
        words = line.lstrip(f"▌ {MARKS}").split()
        if not words:
            continue
        name = words[0].rstrip("…")
        cut = words[0].endswith("…")
        if (entry["name"].startswith(name) if cut else entry["name"] == name) and entry["namespace"] in words:
            return line
    return ""


def shares(ratio: float) -> tuple[str, ...]:
    """How a share may be written: 25%, 16.7, 17%."""
    return f"{ratio * 100:.0f}%", f"{ratio * 100:.1f}".removesuffix(".0")


def amiss_in_fleet(screen: str, entries: list[dict[str, Any]]) -> list[str]:
    """What the fleet says differently from ``list``."""
    found = []
    for entry in entries:
        row, name = row_of(screen, entry), f"{entry['namespace']}/{entry['name']}"
        if not row:
            found.append(f"no row for {name}")
            continue
        step, actual = entry["step"], entry["weight"]["actual"]
        if step["kind"] is not None and not entry["aborted"] and f"{step['index'] + 1}/{step['total']}" not in row:
            found.append(f"{name}: step {step} not in {row}")
        moving = entry["in_flight"] and actual is not None and not entry["aborted"]
        if moving and not any(text in row for text in shares(actual)):
            found.append(f"{name}: weight {actual} not in {row}")
        mark = next((letter for letter in row if letter in MARKS), "")
        if not mark or (entry["phase"] == "Degraded" and mark != "✖"):
            found.append(f"{name}: mark of {entry['phase']} in {row}")
        state = entry["verdict"]["state"]
        if state not in ("unjudged", "wait") and entry["phase"] != "Degraded" and state.upper() not in row:
            found.append(f"{name}: verdict {state} not in {row}")
    marked = [line for line in screen.splitlines() if re.match(r"^[▌ ]✖ [a-z]", line)]
    failing = re.search(r"✖ (\d+) FAIL", screen)
    if failing is None or int(failing[1]) != len(marked):
        found.append(f"{len(marked)} rows are failing, the header says {failing and failing[0]}")
    return found


def settled(terminal: Tmux, amiss: Callable[[str], list[str]]) -> None:
    """Wait until nothing is amiss: samples are read in the background after the first frame."""
    try:
        terminal.wait(lambda screen: not amiss(screen), "the screen that says what the JSON says")
    except AssertionError:
        raise AssertionError("\n".join([*amiss(terminal.screen()), terminal.screen()])) from None


def test_the_fleet(odd: Stage, make_tmux: MakeTmux) -> None:
    entries = odd.cockpit.json("list", "-A")
    assert len(entries) >= 30
    terminal = make_tmux(odd.cockpit, size=(200, 78))
    terminal.wait_for(r"checkout-api")
    terminal.type("a")
    settled(terminal, lambda screen: amiss_in_fleet(screen, entries))


def amiss_in_one(screen: str, entry: dict[str, Any]) -> list[str]:
    """What the cockpit of one rollout says differently from ``status``."""
    said, found = re.sub(r"\s+", " ", screen), []

    def must(text: str, *others: str) -> None:
        if not any(each in said for each in (text, *others)):
            found.append(f"not on screen: {text}")

    step = entry["step"]
    if step["total"]:
        must(f"{step['total'] if step['kind'] is None else step['index'] + 1}/{step['total']}")
    for letter, role in (("C", "canary"), ("B", "baseline")):
        side = entry["arms"][role]
        if side is None:
            continue
        must(f"{letter} rev {side['revision']} {sum(pod['ready'] for pod in side['pods'])}/")
        if (digest := side["images"][0]["digest"]) is not None:
            must(digest.removeprefix("sha256:")[:4])
    for row in entry["slis"]:
        if row["name"] == "errors" and row["canary"] is not None:
            must(f"{row['canary'] * 100:.2f}")
    if entry["in_flight"] and entry["weight"]["actual"] is not None:
        must(*(f"actual {text}" for text in shares(entry["weight"]["actual"])))
    return found


@pytest.mark.parametrize("name", [LONG, "nothing", "forty", "thirty-steps", "stepless", "two-colours"])
def test_one_rollout(odd: Stage, make_tmux: MakeTmux, name: str) -> None:
    entry = odd.cockpit.json("status", f"{SPACE}/{name}")
    assert len(entry["name"]) == len(name)
    terminal = make_tmux(odd.cockpit, f"rollout/{SPACE}/{name}", size=(140, 45))
    settled(terminal, lambda screen: amiss_in_one(screen, entry))
