"""Fixtures shared by all folders: a world as a process, its kubectl, the installed command, terminals."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests import peers
from tests.harness.command import COCKPIT, Cockpit
from tests.harness.kubectl import Kubectl
from tests.harness.recorder import Recorder
from tests.harness.tmux import Tmux
from tests.harness.world import WorldProcess

# The same examples everywhere, however slow the machine: a run that fails must fail again.
hypothesis.settings.register_profile(
    "cockpit", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("cockpit")

MakeWorld = Callable[..., WorldProcess]
MakeCockpit = Callable[..., Cockpit]
MakeTmux = Callable[..., Tmux]


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the developer's kubeconfig, settings or terminal."""
    for name in list(os.environ):
        if name.startswith(("COCKPIT_", "TEXTUAL")) and not name.startswith(("COCKPIT_TEST_", "COCKPIT_PEERS")):
            monkeypatch.delenv(name)
    for name in ("KUBECONFIG", "NO_COLOR", "SSH_CONNECTION", "TMUX"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[MakeWorld]:
    """Start worlds by ``make_world(scenario=…, seed=…, speed=…)``; they end with the test."""
    started: list[WorldProcess] = []

    def make(**options: Any) -> WorldProcess:
        world = WorldProcess(tmp_path / f"world{len(started)}", **options)
        started.append(world)
        return world

    yield make
    for world in started:
        world.stop()


@pytest.fixture
def world(make_world: MakeWorld) -> WorldProcess:
    """The default scenario, standing still until ``world.control.advance``."""
    return make_world()


@pytest.fixture
def kubectl(world: WorldProcess, tmp_path: Path) -> Kubectl:
    """Debian's kubectl on ``world``."""
    return Kubectl(peers.need("kubectl"), world.kubeconfig, tmp_path / "kubectl-home")


@pytest.fixture
def make_cockpit(tmp_path: Path) -> MakeCockpit:
    """The installed command against a world: ``make_cockpit(world, "--read-only")``, each with a home of its own."""
    if not COCKPIT.is_file():
        pytest.fail(
            f"the command is not installed beside {COCKPIT.parent}/python: pip install '.[test]'", pytrace=False
        )
    made = 0

    def make(world: WorldProcess | None, *leading: str, extra: dict[str, str] | None = None) -> Cockpit:
        nonlocal made
        made += 1
        if world is not None:
            leading = ("--config", str(world.config), *leading)
        return Cockpit(tmp_path / f"home{made}", *leading, extra=extra)

    return make


@pytest.fixture
def cockpit(world: WorldProcess, make_cockpit: MakeCockpit) -> Cockpit:
    """The installed command on ``world``."""
    return make_cockpit(world)


@pytest.fixture
def make_tmux() -> Iterator[MakeTmux]:
    """Open a command's screens: ``make_tmux(cockpit, size=(80, 24))`` plus further arguments of the command."""
    opened: list[Tmux] = []

    def make(command: Cockpit, *arguments: str, size: tuple[int, int] = (120, 36), **options: Any) -> Tmux:
        terminal = Tmux(
            [str(COCKPIT), *command.leading, *arguments],
            size=size,
            environment=command.environment,
            directory=command.home,
            **options,
        )
        opened.append(terminal)
        return terminal

    yield make
    for terminal in opened:
        terminal.close()


@pytest.fixture
def make_recorder() -> Iterator[Callable[..., Recorder]]:
    """Run a command on a recorded pseudo-terminal: ``make_recorder(cockpit, "list")``."""
    opened: list[Recorder] = []

    def make(command: Cockpit, *arguments: str, size: tuple[int, int] = (120, 36)) -> Recorder:
        recorder = Recorder(
            [str(COCKPIT), *command.leading, *arguments],
            environment=command.environment,
            directory=command.home,
            size=size,
        )
        opened.append(recorder)
        return recorder

    yield make
    for recorder in opened:
        recorder.close()
