"""kubectl, old and new, on objects that no scenario contains: what a person does to a cluster works on the world."""

from __future__ import annotations

import json
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import peers
from tests.contract.world_client import container, deployment, rollout
from tests.harness.kubectl import Kubectl
from tests.harness.world import WorldProcess

DEADLINE = 60.0
"""Wall seconds after which an awaited state counts as never reached."""

Apply = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldProcess]:
    """An empty world whose time runs thirty times as fast."""
    with WorldProcess(tmp_path_factory.mktemp("world"), scenario="empty", speed=30.0) as started:
        yield started


@pytest.fixture(scope="module", params=["1.20", "newer"])
def kubectl(request: pytest.FixtureRequest, world: WorldProcess, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """Debian's kubectl, and the newest that this machine has."""
    if request.param == "1.20":
        binary = peers.need("kubectl")
    else:
        found = peers.newer_kubectl()
        if found is None:
            pytest.skip("no kubectl besides Debian's on this machine")
        binary = found
    return Kubectl(binary, world.kubeconfig, tmp_path_factory.mktemp("home"))


@pytest.fixture
def space(kubectl: Kubectl, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own, made by kubectl."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name.lower()).strip("-")[:60].strip("-")
    kubectl("create", "namespace", name)
    return name


def placed(obj: dict[str, Any], namespace: str) -> dict[str, Any]:
    return {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}


def eventually(probe: Callable[[], Any]) -> Any:
    """Ask until the answer is true; what is awaited happens in another process, so asking is all there is."""
    deadline = time.monotonic() + DEADLINE
    while True:
        found = probe()
        if found:
            return found
        assert time.monotonic() < deadline, "not reached"
        time.sleep(0.1)


def ready(kubectl: Kubectl, namespace: str, name: str = "web", kind: str = "deployment") -> Any:
    def probe() -> Any:
        obj = kubectl.get(kind, namespace, name)
        status = obj.get("status", {})
        settled = int(status.get("observedGeneration", 0)) == obj["metadata"]["generation"]
        return obj if settled and status.get("availableReplicas") == obj["spec"]["replicas"] else None

    return eventually(probe)


@contextmanager
def running(kubectl: Kubectl, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """kubectl as a child whose output is read line by line."""
    process = subprocess.Popen(
        [str(kubectl.binary), "--kubeconfig", str(kubectl.kubeconfig), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    limit = threading.Timer(DEADLINE, process.kill)  # a hang becomes the end of the output
    limit.start()
    try:
        yield process
    finally:
        limit.cancel()
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def next_line(process: subprocess.Popen[str], containing: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if containing in line:
            return line
    raise AssertionError(f"the output ended without {containing!r}")


def test_get_in_every_form(kubectl: Kubectl, space: str) -> None:
    kubectl.apply(placed(deployment(), space), placed(rollout(), space))
    ready(kubectl, space)
    table = kubectl("get", "deployments", "-n", space).splitlines()
    assert table[0].split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert table[1].split()[:4] == ["web", "2/2", "2", "2"]
    wide = kubectl("get", "deploy", "-n", space, "-o", "wide")
    assert "shop/app:1" in wide and "app=web" in wide
    ro = kubectl("get", "ro", "-n", space).splitlines()
    assert ro[0].split() == ["NAME", "DESIRED", "CURRENT", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert kubectl("get", "rollouts.argoproj.io/pay", "-n", space, "-o", "name") == "rollout.argoproj.io/pay\n"
    assert "kind: Rollout" in kubectl("get", "rollout", "pay", "-n", space, "-o", "yaml")
    pods = kubectl.json("get", "pods", "-n", space, "-l", "app=web")["items"]
    assert len(pods) == 2 and all(p["status"]["containerStatuses"][0]["imageID"] for p in pods)
    chunked = kubectl("get", "pods", "-n", space, "--chunk-size=1", "-o", "name").split()
    assert len(chunked) == 4
    path = "jsonpath={.items[*].spec.replicas}"
    assert kubectl("get", "rs", "-n", space, "--field-selector", "metadata.namespace=" + space, "-o", path)
    assert "web" in kubectl("get", "all", "-n", space)
    missing = kubectl.run("get", "ro", "nothing", "-n", space, check=False)
    assert missing.returncode == 1 and 'rollouts.argoproj.io "nothing" not found' in missing.stderr
    assert "argoproj.io/v1alpha1" in kubectl("api-resources")


def test_get_watch_shows_what_happens(kubectl: Kubectl, world: WorldProcess, space: str) -> None:
    with running(kubectl, "get", "pods", "-w", "-n", space) as watching:
        eventually(lambda: world.control.call("GET", "/streams", kind="watch", plural="pods"))
        kubectl.apply(placed(deployment(replicas=1), space))
        next_line(watching, "Pending")
        next_line(watching, "ContainerCreating")
        assert next_line(watching, "1/1").split()[2] == "Running"
        kubectl("scale", "deployment", "web", "--replicas=0", "-n", space)
        next_line(watching, "Terminating")


def test_describe_shows_events(kubectl: Kubectl, space: str) -> None:
    kubectl.apply(placed(deployment(), space), placed(rollout(), space))
    ready(kubectl, space)
    assert "ScalingReplicaSet" in kubectl("describe", "deployment", "web", "-n", space)
    rollout_text = kubectl("describe", "rollout", "pay", "-n", space)
    assert "Events:" in rollout_text and "RolloutUpdated" in rollout_text
    pod = kubectl("describe", "pod", "-l", "app=web", "-n", space)
    for reason in ("Scheduled", "Pulled", "Started"):
        assert reason in pod
    assert "shop/app@sha256:" in pod
    assert "Scheduled" in kubectl("get", "events", "-n", space)


def test_logs(kubectl: Kubectl, space: str) -> None:
    kubectl.apply(placed(deployment(replicas=1), space))
    ready(kubectl, space)
    name = kubectl.json("get", "pods", "-n", space)["items"][0]["metadata"]["name"]
    with running(kubectl, "logs", "-f", "deployment/web", "-n", space, "--tail=1") as following:
        assert following.stdout is not None
        lines = [following.stdout.readline() for _ in range(5)]
        assert all(line.strip() for line in lines)
        kubectl("delete", "pod", name, "-n", space, "--grace-period=0", "--force")
        rest = following.communicate(timeout=DEADLINE)[0]
    assert following.returncode == 0, rest
    eventually(lambda: ready(kubectl, space))
    name = kubectl.json("get", "pods", "-n", space)["items"][0]["metadata"]["name"]
    stamped = kubectl("logs", name, "-n", space, "--timestamps", "--since=1h").splitlines()
    assert stamped and stamped == sorted(stamped, key=lambda line: line.split()[0].rstrip("Z"))
    refused = kubectl.run("logs", name, "-n", space, "--previous", check=False)
    assert refused.returncode == 1
    assert f'previous terminated container "app" in pod "{name}" not found' in refused.stderr


def test_apply_merges_three_ways(kubectl: Kubectl, space: str) -> None:
    first = placed(deployment(), space)
    variables = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    first["spec"]["template"]["spec"]["containers"][0]["env"] = variables
    said = kubectl.run("apply", "-f", "-", stdin=json.dumps(first))
    assert "created" in said.stdout and said.stderr == ""
    kubectl("scale", "deployment/web", "--replicas=3", "-n", space)
    del first["spec"]["replicas"]
    first["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "9"}]
    assert kubectl.run("diff", "-f", "-", stdin=json.dumps(first), check=False).returncode == 1
    said = kubectl.run("apply", "-f", "-", stdin=json.dumps(first))
    assert "configured" in said.stdout and said.stderr == ""
    obj = kubectl.get("deployment", space, "web")
    env = obj["spec"]["template"]["spec"]["containers"][0]["env"]
    assert env == [{"name": "A", "value": "9"}]
    assert obj["spec"]["replicas"] == 1  # left to the default once the manifest stopped saying it
    assert "unchanged" in kubectl("apply", "-f", "-", stdin=json.dumps(first))
    assert kubectl.run("diff", "-f", "-", stdin=json.dumps(first)).returncode == 0


def test_edit_label_annotate_scale_set_delete(kubectl: Kubectl, space: str, tmp_path: Path) -> None:
    kubectl.apply(placed(deployment(), space), placed(rollout(), space))
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/replicas: 2/replicas: 4/" "$1"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    edit = [str(kubectl.binary), "--kubeconfig", str(kubectl.kubeconfig), "edit"]
    for kind, name in (("deployment", "web"), ("rollout", "pay")):
        command = [*edit, kind, name, "-n", space]
        environment = {"KUBE_EDITOR": str(editor), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert kubectl.get(kind, space, name)["spec"]["replicas"] == 4
        kubectl("label", kind, name, "-n", space, "team=sre")
        kubectl("annotate", kind, name, "-n", space, "note=mine")
        kubectl("scale", kind, name, "-n", space, "--replicas=1")
        obj = kubectl.get(kind, space, name)
        assert obj["metadata"]["labels"]["team"] == "sre" and obj["metadata"]["annotations"]["note"] == "mine"
        assert obj["spec"]["replicas"] == 1
        kubectl("label", kind, name, "-n", space, "team-")
        assert "team" not in kubectl.get(kind, space, name)["metadata"].get("labels", {})
    kubectl("set", "image", "deployment/web", "app=shop/app:2", "-n", space)
    kubectl("delete", "deployment", "web", "-n", space)
    kubectl("delete", "rollout", "pay", "-n", space)
    eventually(lambda: not kubectl.json("get", "replicasets,pods", "-n", space)["items"])


def test_rollout_status_history_undo_restart_pause_resume(kubectl: Kubectl, space: str) -> None:
    def revision() -> str:
        found: str = kubectl.get("deployment", space, "web")["metadata"]["annotations"][
            "deployment.kubernetes.io/revision"
        ]
        return found

    def wait() -> None:
        text = kubectl("rollout", "status", "deployment/web", "-n", space, f"--timeout={DEADLINE:g}s")
        assert 'deployment "web" successfully rolled out' in text

    def sets() -> dict[str, str]:
        items = kubectl.json("get", "rs", "-n", space)["items"]
        image = {item["metadata"]["name"]: item["spec"]["template"]["spec"]["containers"][0]["image"] for item in items}
        return {
            image[i["metadata"]["name"]]: i["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
            for i in items
        }

    kubectl.apply(placed(deployment(), space))
    wait()
    kubectl("set", "image", "deployment/web", "app=shop/app:2", "-n", space)
    wait()
    assert sets() == {"shop/app:1": "1", "shop/app:2": "2"}
    history = kubectl("rollout", "history", "deployment/web", "-n", space)
    assert [line.split()[0] for line in history.splitlines()[2:] if line.strip()] == ["1", "2"]
    assert "shop/app:1" in kubectl("rollout", "history", "deployment/web", "-n", space, "--revision=1")
    kubectl("rollout", "undo", "deployment/web", "-n", space)
    wait()
    assert revision() == "3" and sets() == {"shop/app:1": "3", "shop/app:2": "2"}  # renumbered, and no new ReplicaSet
    kubectl("rollout", "undo", "deployment/web", "-n", space, "--to-revision=2")
    wait()
    assert revision() == "4" and sets() == {"shop/app:1": "3", "shop/app:2": "4"}
    kubectl("rollout", "restart", "deployment/web", "-n", space)
    wait()
    assert revision() == "5" and len(kubectl.json("get", "rs", "-n", space)["items"]) == 3
    kubectl("rollout", "pause", "deployment/web", "-n", space)
    kubectl("set", "image", "deployment/web", "app=shop/app:9", "-n", space)
    eventually(lambda: "DeploymentPaused" in json.dumps(kubectl.get("deployment", space, "web")["status"]))
    assert revision() == "5"
    kubectl("rollout", "resume", "deployment/web", "-n", space)
    wait()
    assert revision() == "6"


def test_auth_can_i(kubectl: Kubectl, world: WorldProcess, space: str) -> None:
    assert kubectl("auth", "can-i", "patch", "rollouts").strip() == "yes"
    rules = [{"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": ["get", "list"]}]
    world.control.user(f"jane-{space}", f"token-{space}", rules=rules)
    # --token alone is outvoted by the kubeconfig's user: an empty kubeconfig with server and CA
    view = kubectl.json("config", "view", "--raw")
    view["users"][0]["user"] = {"token": f"token-{space}"}
    other = kubectl.kubeconfig.parent / f"{space}.json"
    other.write_text(json.dumps(view))

    def jane(*arguments: str) -> subprocess.CompletedProcess[str]:
        return kubectl.run("--kubeconfig", str(other), *arguments, check=False)

    assert jane("auth", "can-i", "list", "rollouts", "-n", space).stdout.strip() == "yes"
    no = jane("auth", "can-i", "patch", "rollouts", "-n", space)
    assert no.stdout.strip() == "no" and no.returncode == 1
    listed = jane("auth", "can-i", "--list", "-n", space).stdout
    assert "rollouts.argoproj.io" in listed and "[get list]" in listed
    denied = jane("get", "pods", "-n", space)
    assert denied.returncode == 1 and f'User "jane-{space}" cannot list resource "pods"' in denied.stderr


def test_server_dry_run_stores_nothing(kubectl: Kubectl, world: WorldProcess, space: str) -> None:
    kubectl.apply(placed(deployment(), space), placed(rollout(), space))
    ready(kubectl, space)
    eventually(lambda: kubectl.get("rollout", space, "pay").get("status", {}).get("phase") == "Healthy")
    before = [kubectl.get("deployment", space, "web"), kubectl.get("rollout", space, "pay")]
    changed = [
        placed(deployment(replicas=7), space),
        placed(rollout(replicas=7), space),
        placed(deployment("new"), space),
    ]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": changed})
    said = kubectl("apply", "--dry-run=server", "-f", "-", stdin=listed)
    assert said.count("(server dry run)") == 3
    patch = '{"spec":{"paused":true}}'
    out = kubectl("patch", "rollout", "pay", "-n", space, "--type=merge", "-p", patch, "--dry-run=server", "-o", "json")
    assert json.loads(out)["spec"]["paused"] is True
    kubectl("delete", "rollout", "pay", "-n", space, "--dry-run=server")
    assert [kubectl.get("deployment", space, "web"), kubectl.get("rollout", space, "pay")] == before
    assert "not found" in kubectl.run("get", "deployment", "new", "-n", space, check=False).stderr


def test_patches_of_every_kind(kubectl: Kubectl, space: str) -> None:
    kubectl.apply(placed(deployment(), space), placed(rollout(), space))
    eventually(lambda: kubectl.get("rollout", space, "pay").get("status", {}).get("phase") == "Healthy")

    def patch(kind: str, name: str, patch_type: str, body: Any, *more: str) -> subprocess.CompletedProcess[str]:
        given = ("patch", kind, name, "-n", space, f"--type={patch_type}", "-p", json.dumps(body), *more)
        return kubectl.run(*given, check=False)

    assert patch("rollout", "pay", "merge", {"spec": {"paused": True}}).returncode == 0
    test = {"op": "test", "path": "/spec/paused", "value": True}
    remove = {"op": "remove", "path": "/spec/paused"}
    assert patch("rollout", "pay", "json", [test, remove]).returncode == 0
    assert patch("rollout", "pay", "json", [test, remove]).returncode == 1
    absent = {"op": "test", "path": "/spec/paused", "value": None}
    assert patch("rollout", "pay", "json", [absent]).returncode == 0
    assert patch("rollout", "pay", "strategic", {"spec": {"paused": True}}).returncode == 1
    sidecar = {"spec": {"template": {"spec": {"containers": [{**container("log:1"), "name": "log"}]}}}}
    assert patch("deployment", "web", "strategic", sidecar).returncode == 0
    names = [c["name"] for c in kubectl.get("deployment", space, "web")["spec"]["template"]["spec"]["containers"]]
    assert sorted(names) == ["app", "log"]
    assert patch("deployment", "web", "json", [{"op": "replace", "path": "/spec/replicas", "value": 1}]).returncode == 0
    if "--subresource" in kubectl("patch", "--help"):
        status = {"status": {"abort": True}}
        assert patch("rollout", "pay", "merge", status, "--subresource=status").returncode == 0
        assert kubectl.get("rollout", space, "pay")["status"]["abort"] is True
        clear = [{"op": "replace", "path": "/status/abort", "value": False}]
        assert patch("rollout", "pay", "json", clear, "--subresource=status").returncode == 0
        assert patch("deployment", "web", "merge", {"spec": {"replicas": 2}}, "--subresource=scale").returncode == 0


def test_raw_replace_of_main_and_status(kubectl: Kubectl, space: str) -> None:
    kubectl.apply(placed(rollout(), space))
    eventually(lambda: kubectl.get("rollout", space, "pay").get("status", {}).get("phase") == "Healthy")
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{space}/rollouts/pay"

    def pause(obj: dict[str, Any]) -> None:
        obj["spec"]["paused"] = True
        obj["status"] = {}

    def abort(obj: dict[str, Any]) -> None:
        obj["status"]["abort"] = True
        obj["spec"]["paused"] = False

    main = kubectl.replace_raw(path, pause)
    assert main["spec"]["paused"] is True and main["status"]["phase"]
    status = kubectl.replace_raw(f"{path}/status", abort)
    assert status["status"]["abort"] is True and status["spec"]["paused"] is True
    stale = kubectl.run("replace", "--raw", path, "-f", "-", stdin=json.dumps(main), check=False)
    assert stale.returncode == 1 and "the object has been modified" in stale.stderr
    scale = kubectl.replace_raw(f"{path}/scale", lambda obj: obj["spec"].update(replicas=5))
    assert scale["kind"] == "Scale" and kubectl.get("rollout", space, "pay")["spec"]["replicas"] == 5


def test_a_rollout_nobody_knew_walks_its_steps(kubectl: Kubectl, world: WorldProcess, space: str) -> None:
    steps = [{"setWeight": 50}, {"pause": {}}, {"setWeight": 75}, {"pause": {"duration": "20s"}}]
    kubectl.apply(placed(rollout(replicas=4, strategy={"canary": {"steps": steps}}), space))

    def at(**wanted: Any) -> Any:
        def probe() -> Any:
            status = kubectl.get("rollout", space, "pay").get("status", {})
            return status if all(status.get(key) == value for key, value in wanted.items()) else None

        return eventually(probe)

    at(phase="Healthy", availableReplicas=4)
    image = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "shop/app:2"}]
    kubectl("patch", "rollout", "pay", "-n", space, "--type=json", "-p", json.dumps(image))
    paused = at(phase="Paused", currentStepIndex=1, updatedReplicas=2)
    assert paused["pauseConditions"][0]["reason"] == "CanaryPauseStep" and paused["controllerPause"] is True

    def promote(obj: dict[str, Any]) -> None:
        del obj["status"]["pauseConditions"]

    kubectl.replace_raw(f"/apis/argoproj.io/v1alpha1/namespaces/{space}/rollouts/pay/status", promote)
    done = at(phase="Healthy", currentStepIndex=4, updatedReplicas=4)
    assert done["stableRS"] == done["currentPodHash"] != paused["stableRS"]


def test_explain_wait_and_version(kubectl: Kubectl, space: str) -> None:
    assert "progressDeadlineAbort" in kubectl("explain", "rollout.spec")
    assert "imagePullPolicy" in kubectl("explain", "deployment.spec.template.spec.containers")
    kubectl.apply(placed(deployment(), space))
    kubectl("wait", "--for=condition=Available", "deployment/web", "-n", space, f"--timeout={DEADLINE:g}s")
    assert "1.32" in kubectl("version")
    kubectl("create", "configmap", "settings", "--from-literal=a=b", "-n", space)
    assert kubectl.get("configmap", space, "settings")["data"] == {"a": "b"}
    kubectl("run", "once", "--image=shop/once:1", "-n", space)
    kubectl("delete", "namespace", space, f"--timeout={DEADLINE:g}s")
    assert "not found" in kubectl.run("get", "namespace", space, check=False).stderr
