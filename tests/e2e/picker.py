"""The versions of ``shop/cart`` gone back to by keystrokes: picker, dialog, and what kubectl and the journal say."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from tests import peers
from tests.conftest import MakeCockpit, MakeTmux, MakeWorld
from tests.e2e.stage import Stage
from tests.harness.command import Cockpit
from tests.harness.kubectl import Kubectl
from tests.harness.tmux import Tmux

SPACE, NAME = "shop", "cart"
CART = f"{SPACE}/{NAME}"
DIGEST = r"(?:sha256:)?[0-9a-f]{4}…"
"""A digest in the picker's list, with its algorithm where there is room."""
GUARD_SECONDS = 0.4
"""Keys of the first 250 ms after a dialog's first paint are ignored by design."""


class Shop:
    """A world that stands still, kubectl, and the seats on it."""

    def __init__(
        self,
        make_world: MakeWorld,
        make_cockpit: MakeCockpit,
        make_tmux: MakeTmux,
        folder: Path,
        scenario: str = "retained",
    ) -> None:
        world = make_world(scenario=scenario)
        self._make_tmux = make_tmux
        self.kubectl = Kubectl(peers.need("kubectl"), world.kubeconfig, folder / "kubectl-home")
        self.cockpit: Cockpit = make_cockpit(world)
        self.stage = Stage(world, self.kubectl, self.cockpit)
        self.control = world.control

    def open(self, size: tuple[int, int] = (120, 36), cockpit: Cockpit | None = None) -> Tmux:
        """The cockpit straight on the rollout, drawn."""
        terminal = self._make_tmux(cockpit or self.cockpit, CART, size=size)
        self.stage.watch(terminal, "▕")
        return terminal

    def fleet(self, size: tuple[int, int] = (120, 36), cockpit: Cockpit | None = None) -> Tmux:
        """The cockpit on all rollouts, the cursor on ``cart``."""
        terminal = self._make_tmux(cockpit or self.cockpit, size=size)
        self.stage.watch(terminal, rf"^▌.*\b{NAME}\b")
        return terminal

    def pick(self, terminal: Tmux, revision: int | str) -> str:
        """R, the cursor on a version, its plan on screen. Not every version is in view at once: the cursor's is.

        Keys come in bursts: a version that is only passed is not looked at, and so not asked about.
        """
        terminal.type("R")
        row = rf"^(▌?).{{0,3}}\b(\d+) +(?:{DIGEST}|\?)"
        terminal.wait_for(rf"^▌.{{0,3}}\b\d+ +(?:{DIGEST}|\?)")
        for _ in range(10):
            rows = re.findall(row, terminal.screen(), re.MULTILINE)
            at = next(index for index, (cursor, _) in enumerate(rows) if cursor)
            numbers = [number for _, number in rows]
            if numbers[at] == str(revision):
                break
            to = numbers.index(str(revision)) if str(revision) in numbers else len(rows) - 1
            was = numbers[at]
            for _ in range(abs(to - at)):
                terminal.type("j" if to > at else "k")
            terminal.wait(
                lambda shown, was=was: re.search(rf"^▌.{{0,3}}\b{was} ", shown, re.MULTILINE) is None,  # type: ignore[misc]
                "the cursor on another row",
            )
        return terminal.wait_for(rf"^▌.{{0,3}}\b{revision} +{DIGEST}")

    def review(self, terminal: Tmux) -> str:
        """Enter, and the dialog as it stands."""
        terminal.keys("Enter")
        shown = self.stage.watch(terminal, r"\by  ROLL BACK|arm:  ")
        time.sleep(GUARD_SECONDS)
        return shown

    def send(self, terminal: Tmux) -> None:
        """Give the open dialog what it asks for."""
        if "arm:  " in terminal.screen():
            terminal.type(NAME)
            terminal.wait_for(rf"arm:  {NAME}")
            terminal.keys("C-s")
        else:
            terminal.type("y")
        terminal.wait_gone(r"┌─ confirm")

    def leave(self, terminal: Tmux) -> None:
        """Out of the open dialog, nothing sent."""
        time.sleep(GUARD_SECONDS)
        terminal.keys("Escape")
        terminal.wait_gone(r"┌─ confirm")

    def patches(self) -> list[dict[str, Any]]:
        """What the cockpit asked to change, dry runs left out."""
        return self.control.writes(agent="rollout-cockpit")

    # -- what kubectl says ---------------------------------------------------------------------------------------------

    def rollout(self) -> Any:
        return self.kubectl.get("rollout", SPACE, NAME)

    def digest_of(self, revision: int | str) -> str:
        """The digest that a revision's ReplicaSet names."""
        for each in self.kubectl.json("get", "replicasets", "-n", SPACE)["items"]:
            if each["metadata"]["annotations"].get("rollout.argoproj.io/revision") == str(revision):
                image: str = each["spec"]["template"]["spec"]["containers"][0]["image"]
                return image.partition("@")[2]
        raise AssertionError(f"no ReplicaSet of revision {revision}")

    def wanted(self) -> str:
        """The digest that the rollout's template asks for."""
        (container,) = self.rollout()["spec"]["template"]["spec"]["containers"]
        return str(container["image"]).partition("@")[2]

    def running(self) -> dict[str, int]:
        """Digest -> how many pods run it, by what the kubelet says (``imageID``)."""
        found: dict[str, int] = {}
        for pod in self.kubectl.json("get", "pods", "-n", SPACE, "-l", f"app={NAME}")["items"]:
            if "deletionTimestamp" not in pod["metadata"]:
                digest = pod["status"]["containerStatuses"][0]["imageID"].partition("@")[2]
                found[digest] = found.get(digest, 0) + 1
        return found

    # -- what the journal says -----------------------------------------------------------------------------------------

    def newest(self) -> Any:
        """The newest entry of the journal."""
        return self.cockpit.json("journal", "list")[0]

    def shown(self, op_id: str) -> str:
        answer = self.cockpit.run("journal", "show", op_id)
        assert answer.code == 0, answer
        return answer.out


def finding(shown: str, check: str) -> str:
    """The line of a check in ``journal show``, state first."""
    (line,) = re.findall(rf"^ +(\S+ +{check}: .*)$", shown, re.MULTILINE)
    return str(line)
