"""The stage: an empty world that stands still, kubectl, and the installed command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import peers
from tests.conftest import MakeCockpit, MakeWorld
from tests.e2e.stage import Stage
from tests.harness.kubectl import Kubectl


@pytest.fixture
def stage(make_world: MakeWorld, make_cockpit: MakeCockpit, tmp_path: Path) -> Stage:
    world = make_world(scenario="empty")
    kubectl = Kubectl(peers.need("kubectl"), world.kubeconfig, tmp_path / "kubectl-home")
    return Stage(world, kubectl, make_cockpit(world))
