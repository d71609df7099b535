"""A stage for the verbs: a still world, workloads that kubectl made, and the ways to wait for what became of them."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.faults.proxy import ca_of, server_of
from tests.harness import manifests
from tests.harness.command import Cockpit
from tests.harness.kubectl import Kubectl
from tests.harness.tmux import Tmux
from tests.harness.world import WorldProcess

SPACE = manifests.NAMESPACE
AGENT = "rollout-cockpit"
"""How the cockpit names itself in User-Agent."""
WALL_SECONDS = 90.0
"""When a test gives up on a command or a screen; a pass never waits for it."""
_BREATH = 0.05
"""The cockpit works in wall time: a world that ran ahead of it would only outrun its deadlines."""


def send(kubeconfig: Path, method: str, path: str, content_type: str, body: Any) -> int:
    """One HTTPS request with a kubeconfig's token, by the standard library; returns the HTTP status."""
    document = yaml.safe_load(kubeconfig.read_text())
    token = document["users"][0]["user"]["token"]
    request = urllib.request.Request(
        f"{server_of(kubeconfig)}{path}",
        method=method,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": content_type},
    )
    context = ssl.create_default_context(cadata=ca_of(kubeconfig).decode())
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


class Stage:
    """One world seen by kubectl. All waiting is done by advancing the world's clock."""

    def __init__(self, world: WorldProcess, kubectl: Kubectl, cockpit: Cockpit) -> None:
        self.world, self.kubectl, self.cockpit = world, kubectl, cockpit
        self.control = world.control
        kubectl.apply(manifests.namespace())

    def make(self, objects: list[dict[str, Any]]) -> None:
        """Apply and wait until the workload (the last object) is healthy."""
        self.kubectl.apply(*objects)
        made = objects[-1]
        self.until(lambda: self.healthy(made["kind"], made["metadata"]["name"]))

    def update(self, kind: str, name: str, version: str) -> None:
        """Give it another image, as a pipeline would."""
        pods = manifests.template(name, manifests.image(version))
        self.kubectl.merge(kind.lower(), SPACE, name, {"spec": {"template": {"spec": pods["spec"]}}})

    def get(self, kind: str, name: str) -> Any:
        """The truth of the store: cheap, for waiting. What a test asserts, it asks kubectl."""
        return self.control.truth(f"{kind.lower()}s", SPACE, name)

    def status(self, name: str) -> dict[str, Any]:
        """Status of a Rollout, for waiting."""
        found: dict[str, Any] = self.get("Rollout", name).get("status") or {}
        return found

    def seen(self, name: str, kind: str = "Rollout") -> Any:
        """The object as kubectl sees it."""
        return self.kubectl.get(kind.lower(), SPACE, name)

    def healthy(self, kind: str, name: str) -> bool:
        """Fully rolled out by the object's own words."""
        found = self.get(kind, name)
        status, wanted = found.get("status") or {}, found["spec"].get("replicas", 1)
        if kind == "Deployment":
            return (
                status.get("observedGeneration") == found["metadata"]["generation"]
                and status.get("updatedReplicas") == status.get("availableReplicas") == status.get("replicas") == wanted
            )
        return (
            status.get("phase") == "Healthy"
            and status.get("observedGeneration") == str(found["metadata"]["generation"])
            and status.get("stableRS") == status.get("currentPodHash")
        )

    def paused_at(self, name: str, index: int) -> bool:
        """Standing at a pause step, the controller waiting."""
        status = self.status(name)
        return status.get("currentStepIndex") == index and bool(status.get("pauseConditions"))

    def until(self, probe: Callable[[], Any], *, limit: float = 1800.0, tick: float = 2.0) -> Any:
        return self.control.advance_until(probe, limit=limit, tick=tick)

    def canary_at_gate(self, name: str = "web", *, routed: bool = False, replicas: int = 5) -> None:
        """A canary of v2 over v1 that waits at its first gate (index 1, 20 %)."""
        self.make(manifests.canary(name, "v1", routed=routed, replicas=replicas))
        self.update("Rollout", name, "v2")
        self.until(lambda: self.paused_at(name, 1))

    def images(self, kind: str, name: str) -> list[str]:
        """Images of the template that is asked for, as kubectl sees it."""
        return [each["image"] for each in self.seen(name, kind)["spec"]["template"]["spec"]["containers"]]

    def running(self, name: str) -> set[str]:
        """Images of the pods that are there."""
        pods = self.kubectl.json("get", "pods", "-n", SPACE, "-l", f"app={name}")["items"]
        return {each["spec"]["containers"][0]["image"] for each in pods if "deletionTimestamp" not in each["metadata"]}

    def act(self, verb: str, name: str, *flags: str, kind: str = "Rollout") -> dict[str, Any]:
        """Run a verb as a command while the world's time goes on; returns its JSON."""
        return self.act_on(f"{kind.lower()}/{SPACE}/{name}", verb, *flags)

    def act_on(self, target: str, verb: str, *flags: str) -> dict[str, Any]:
        """The same on a rollout of any namespace."""
        return self.finish(self.cockpit.start(verb, target, "-o", "json", *flags))

    def finish(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        """Advance the world until a started command has ended; returns its JSON."""
        deadline = time.monotonic() + WALL_SECONDS
        while process.poll() is None:
            if time.monotonic() > deadline:
                process.kill()
                raise AssertionError(f"the command did not end: {process.communicate()!r}")
            self.control.advance(1.0)
            time.sleep(_BREATH)
        out, err = process.communicate()
        try:
            answer: dict[str, Any] = json.loads(out)
        except ValueError:
            raise AssertionError(f"no JSON: exit {process.returncode} {out!r} {err!r}") from None
        answer["exit"] = process.returncode
        return answer

    def replay(self, request: dict[str, Any]) -> int:
        """Send a request as it was recorded, by a client that is not ours; returns the HTTP status."""
        return send(self.world.kubeconfig, request["method"], request["path"], request["content_type"], request["body"])

    def confirm(self, terminal: Tmux, dialog: str, key: str = "y") -> None:
        """Answer a dialog; the key is repeated until it is gone, as keys just after its first paint are ignored."""
        terminal.wait_for(dialog)
        pattern, end = re.compile(dialog, re.MULTILINE), time.monotonic() + WALL_SECONDS
        while pattern.search(terminal.screen()):
            if time.monotonic() > end:
                raise AssertionError(f"the dialog stays after {key!r}; screen:\n{terminal.screen()}")
            terminal.type(key)
            time.sleep(0.1)

    def watch(self, terminal: Tmux, pattern: str) -> str:
        """Advance the world until the screen shows ``pattern``; returns that screen."""
        wanted = re.compile(pattern, re.MULTILINE)

        def shown(screen: str) -> bool:
            if wanted.search(screen):
                return True
            self.control.advance(0.5)
            return False

        return terminal.wait(shown, repr(pattern), WALL_SECONDS)
