"""One workload whose versions lie in a docker-registry, each damaged in its own way, and the command that is asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests import peers
from tests.contract.registry_kit import PASSWORD, USER, Auth, Registry, running
from tests.e2e.stage import SPACE, Stage
from tests.harness import manifests
from tests.harness.command import Answer, Cockpit
from tests.harness.kubectl import Kubectl
from tests.harness.world import WorldProcess

REPOSITORY = "team/web"
SECRET = "regcred"
NAME = f"{SPACE}/web"
DAMAGES = ("garbage-collected", "retained", "tag-moved", "manifest-deleted", "child-deleted", "layer-deleted")
"""In the order of the versions: what is collected must be pushed before everything that is to be kept."""


def docker_config(host: str, username: str = USER, password: str = PASSWORD) -> str:
    """What ``docker login`` writes."""
    login = base64.b64encode(f"{username}:{password}".encode()).decode()
    return json.dumps({"auths": {host: {"auth": login}}})


class MatrixStand:
    """A Rollout ``web`` of one pod: revision n+1 is the version damaged by ``DAMAGES[n]``, the last one runs whole."""

    def __init__(self, stage: Stage, registry: Registry, folder: Path) -> None:
        self.stage, self.registry = stage, registry
        self._folder = folder
        self._homes = 0
        self.image = f"{registry.host}/{REPOSITORY}"
        self.lost: dict[str, str] = {}  # damage -> the digest that is gone
        self.digests: dict[str, str] = {}
        if registry.auth != "none":
            stage.kubectl.apply(pull_secret(registry.host))
        for damage in DAMAGES:
            self._push(damage)
            self._run(f"{self.image}:{damage}@{self.digests[damage]}")
        self.digests["running"], _ = registry.index(REPOSITORY, "running", tag="running")
        self._run(f"{self.image}:running@{self.digests['running']}")

    def _push(self, damage: str) -> None:
        digest, images = self.registry.index(REPOSITORY, damage, tag=damage)
        self.digests[damage] = digest
        match damage:
            case "garbage-collected":
                self.registry.collect()
                self.lost[damage] = images[0].digest
            case "tag-moved":
                self.registry.index(REPOSITORY, "what the tag names today", tag=damage)
            case "manifest-deleted":
                self.registry.delete(REPOSITORY, "manifests", digest)
                self.lost[damage] = digest
            case "child-deleted":
                self.registry.delete(REPOSITORY, "manifests", images[0].digest)
                self.lost[damage] = images[0].digest
            case "layer-deleted":
                self.registry.delete(REPOSITORY, "blobs", images[0].layer)
                self.lost[damage] = images[0].layer

    def _run(self, image: str) -> None:
        """Have this image be the newest version, and see it through."""
        made = manifests.canary("web", steps=[], replicas=1, pods=pods(image, self.registry.auth != "none"))
        self.stage.make(made)

    @staticmethod
    def revision(damage: str) -> str:
        return str(DAMAGES.index(damage) + 1)

    # -- the command ---------------------------------------------------------------------------------------------------

    def cockpit(self, *, login: tuple[str, str] | None = None, token: str | None = None) -> Cockpit:
        """A seat with a home of its own; ``login``: in its docker config, ``token``: another user of the cluster."""
        self._homes += 1
        home = self._folder / f"home{self._homes}"
        # Its own journal: what one seat remembers must not answer for another.
        config = home.parent / f"config{self._homes}.toml"
        config.write_text(
            "\n".join(
                f'path = "{home / "journal.sqlite3"}"' if line.startswith("path = ") else line
                for line in self.stage.world.config.read_text().splitlines()
            )
        )
        leading = ["--config", str(config)]
        if token is not None:
            leading += ["--kubeconfig", str(self._kubeconfig(token))]
        made = Cockpit(home, *leading)
        if login is not None:
            (home / ".docker").mkdir()
            (home / ".docker" / "config.json").write_text(docker_config(self.registry.host, *login))
        return made

    def _kubeconfig(self, token: str) -> Path:
        document = yaml.safe_load(self.stage.world.kubeconfig.read_text())
        document["users"][0]["user"]["token"] = token
        made = self._folder / f"kubeconfig-{token}"
        made.write_text(yaml.safe_dump(document))
        return made

    def preflight(self, cockpit: Cockpit, to: str) -> tuple[dict[str, Any], dict[str, Any], Answer]:
        """(the whole answer, its finding ``retained``, how the command ended)."""
        answer = cockpit.run("preflight", NAME, "--to", to, "-o", "json")
        told = answer.json
        (found,) = (each for each in told["findings"] if each["check"] == "retained")
        return told, found, answer

    def revisions(self, cockpit: Cockpit) -> dict[int, dict[str, Any]]:
        return {each["revision"]: each for each in cockpit.json("revisions", NAME)}

    def patches(self) -> int:
        """What changed something, dry runs left out."""
        return len(self.stage.control.writes(agent="rollout-cockpit"))


def pods(image: str, secret: bool) -> dict[str, Any]:
    made = manifests.template("web", image)
    if secret:
        made["spec"]["imagePullSecrets"] = [{"name": SECRET}]
    return made


def pull_secret(host: str) -> dict[str, Any]:
    """As ``kubectl create secret docker-registry`` makes it."""
    body = base64.b64encode(docker_config(host).encode()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET, "namespace": SPACE},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": body},
    }


@contextmanager
def standing(folder: Path, auth: Auth) -> Iterator[MatrixStand]:
    """A world that stands still, a registry, and the workload on both."""
    with ExitStack() as stack:
        world = stack.enter_context(WorldProcess(folder / "world", scenario="empty"))
        registry = stack.enter_context(running(folder / "registry", auth))
        kubectl = Kubectl(peers.need("kubectl"), world.kubeconfig, folder / "kubectl-home")
        stage = Stage(world, kubectl, Cockpit(folder / "home", "--config", str(world.config)))
        yield MatrixStand(stage, registry, folder)
