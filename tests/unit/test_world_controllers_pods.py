"""Scheduler and kubelets of the world: what a pod's status and events say in each kind of trouble."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import parse_time
from cockpit.world.contract import Profile
from cockpit.world.profiles import DEFAULT_RPS, ProfileBook, normalize, rps_of
from tests.world_lab import Lab, deployment

IMAGE = "r.test/web:1"


def one(lab: Lab, **profile: Any) -> None:
    lab.profiles.set(IMAGE, Profile(**profile))
    lab.apply(deployment(replicas=1))


def pod(lab: Lab) -> dict[str, Any]:
    (found,) = lab.objects.select("pods")
    return found


def container(lab: Lab) -> dict[str, Any]:
    found: dict[str, Any] = pod(lab)["status"]["containerStatuses"][0]
    return found


def conditions(lab: Lab) -> dict[str, str]:
    return {item["type"]: item["status"] for item in pod(lab)["status"]["conditions"]}


def test_a_healthy_pod_from_pending_to_ready() -> None:
    lab = Lab()
    one(lab, start_seconds=5.0)
    lab.until(lambda: bool(lab.objects.select("pods")))
    lab.settle(1)
    assert pod(lab)["status"]["phase"] == "Pending"
    assert container(lab)["state"] == {"waiting": {"reason": "ContainerCreating"}}
    lab.until(lambda: "running" in container(lab)["state"])
    assert (container(lab)["ready"], conditions(lab)["Ready"]) == (False, "False")
    lab.settle(6)
    status = pod(lab)["status"]
    assert set(conditions(lab).values()) == {"True"}
    assert (status["phase"], container(lab)["restartCount"]) == ("Running", 0)
    assert container(lab)["imageID"] == f"r.test/web@{lab.profiles.digest(IMAGE)}"
    assert container(lab)["containerID"].startswith("containerd://")
    node = lab.objects.get("nodes", None, pod(lab)["spec"]["nodeName"])
    assert node is not None
    assert node["metadata"]["labels"]["kubernetes.io/arch"] in ("amd64", "arm64")
    assert lab.events("Pod") == ["Scheduled", "Pulling", "Pulled", "Created", "Started"]


def test_crash_loop_backs_off_from_ten_seconds_to_five_minutes() -> None:
    lab = Lab()
    one(lab, crash_after=2.0, start_seconds=1.0, exit_code=3)
    waits: list[str] = []

    def listen(change: Any) -> None:
        if change.plural == "pods":
            for item in change.object.get("status", {}).get("containerStatuses") or ():
                message = item["state"].get("waiting", {}).get("message", "")
                if message and (not waits or waits[-1] != message.split()[1]):
                    waits.append(message.split()[1])

    lab.objects.subscribe(listen)
    lab.settle(1500)
    assert waits[:7] == ["10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s"][: len(waits[:7])]
    assert "5m0s" in waits
    found = container(lab)
    assert found["restartCount"] >= 7
    assert (found["lastState"]["terminated"]["exitCode"], found["lastState"]["terminated"]["reason"]) == (3, "Error")
    name, uid = pod(lab)["metadata"]["name"], pod(lab)["metadata"]["uid"]
    said = f"Back-off restarting failed container app in pod {name}_default({uid})"
    assert lab.events("Pod", "BackOff") == [said]
    (event,) = [event for event in lab.objects.select("events") if event["reason"] == "BackOff"]
    assert event["count"] >= 6
    lab.until(lambda: "waiting" in container(lab)["state"])
    assert container(lab)["state"]["waiting"]["reason"] == "CrashLoopBackOff"


def test_each_container_instance_has_an_id_of_its_own() -> None:
    lab = Lab()
    one(lab, crash_after=5.0)
    seen: set[str] = set()
    for _ in range(120):
        lab.settle(1)
        for item in pod(lab).get("status", {}).get("containerStatuses") or ():
            if "running" in item["state"]:
                seen.add(item["containerID"])
    assert len(seen) == container(lab)["restartCount"] + ("running" in container(lab)["state"] or 1) * 1


def test_out_of_memory_is_exit_137() -> None:
    lab = Lab()
    one(lab, crash_after=30.0, oom=True)
    lab.settle(60)
    ended = container(lab)["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")
    assert parse_time(ended["finishedAt"]) is not None
    assert container(lab)["restartCount"] == 1


def test_an_image_that_cannot_be_pulled() -> None:
    lab = Lab()
    one(lab, pull_error="not found")
    reasons: list[str] = []
    for _ in range(200):
        lab.settle(0.5)
        for item in lab.objects.select("pods"):
            for found in item.get("status", {}).get("containerStatuses") or ():
                reason = found["state"]["waiting"]["reason"]
                if not reasons or reasons[-1] != reason:
                    reasons.append(reason)
    assert reasons[:4] == ["ContainerCreating", "ErrImagePull", "ImagePullBackOff", "ErrImagePull"]
    assert container(lab)["imageID"] == ""
    assert 'Failed to pull image "r.test/web:1": not found' in lab.events("Pod", "Failed")
    lab.profiles.set(IMAGE, Profile())
    lab.settle(330)
    assert conditions(lab)["Ready"] == "True"


def test_a_pod_that_fits_nowhere() -> None:
    lab = Lab()
    message = "0/6 nodes are available: 6 Insufficient cpu."
    one(lab, unschedulable=message)
    lab.settle(10)
    found = pod(lab)["status"]
    assert (found["phase"], found["conditions"][0]["reason"]) == ("Pending", "Unschedulable")
    assert found["conditions"][0]["message"] == message
    assert lab.events("Pod", "FailedScheduling") == [message]
    lab.profiles.set(IMAGE, Profile())
    lab.settle(60)
    assert conditions(lab)["Ready"] == "True"


def test_a_node_selector_nobody_satisfies() -> None:
    lab = Lab()
    body = deployment(replicas=1)
    body["spec"]["template"]["spec"]["nodeSelector"] = {"gpu": "yes"}
    lab.apply(body)
    lab.settle(10)
    assert "didn't match Pod's node affinity/selector" in lab.events("Pod", "FailedScheduling")[0]


def test_never_ready_says_why() -> None:
    lab = Lab()
    one(lab, never_ready=True)
    lab.settle(60)
    assert container(lab)["ready"] is False
    assert "running" in container(lab)["state"]
    assert lab.events("Pod", "Unhealthy") == ["Readiness probe failed: HTTP probe failed with statuscode: 503"]


def test_init_containers_come_first() -> None:
    lab = Lab()
    body = deployment(replicas=1)
    body["spec"]["template"]["spec"]["initContainers"] = [{"name": "migrate", "image": "r.test/migrate:1"}]
    lab.apply(body)
    lab.settle(0.9)
    assert container(lab)["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert conditions(lab)["Initialized"] == "False"
    lab.settle(30)
    ended = pod(lab)["status"]["initContainerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (0, "Completed")
    assert conditions(lab)["Ready"] == "True"


def test_deletion_is_graceful_and_takes_readiness_first() -> None:
    lab = Lab()
    one(lab)
    lab.settle(30)
    name = pod(lab)["metadata"]["name"]
    lab.objects.delete("pods", "default", name)
    lab.settle(0.3)
    going = lab.get("pods", name)
    assert "deletionTimestamp" in going["metadata"]
    assert {c["type"]: c["status"] for c in going["status"]["conditions"]}["Ready"] == "False"
    lab.settle(30)
    assert lab.objects.get("pods", "default", name) is None
    assert len(lab.objects.select("pods")) == 1  # the ReplicaSet made another
    assert "Stopping container app" in lab.events("Pod", "Killing")


def test_a_bare_pod_runs_once_when_told_so() -> None:
    lab = Lab()
    lab.profiles.set(IMAGE, Profile(crash_after=3.0, exit_code=0))
    spec = {"restartPolicy": "Never", "containers": [{"name": "app", "image": IMAGE}]}
    lab.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "job", "namespace": "default"}, "spec": spec})
    lab.settle(60)
    status = lab.get("pods", "job")["status"]
    assert status["phase"] == "Succeeded"
    assert status["containerStatuses"][0]["restartCount"] == 0


def test_image_names_are_normalized_as_containerd_does() -> None:
    digest = "sha256:" + "a" * 64
    assert normalize("nginx") == ("docker.io/library/nginx", "latest")
    assert normalize("acme/web:2") == ("docker.io/acme/web", "2")
    assert normalize("localhost:5000/web:2") == ("localhost:5000/web", "2")
    assert normalize(f"r.test/web:2@{digest}") == ("r.test/web", digest)


def test_behaviour_belongs_to_the_digest_and_tags_move() -> None:
    book = ProfileBook()
    bad = Profile(error_rate=0.5)
    book.set("r.test/web:2", bad)
    pinned = f"r.test/web@{book.digest('r.test/web:2')}"
    assert book.of(pinned) == bad
    assert book.of("r.test/web:1") == Profile()
    book.move_tag("r.test/web:1", "r.test/web:2")
    assert book.of("r.test/web:1") == bad
    assert book.digest("r.test/web:1") == book.digest("r.test/web:2")


def test_rates_default_for_unknown_workloads() -> None:
    lab = Lab()
    lab.profiles.set_rps("default", "web", 7.0)
    assert rps_of(lab, "default", "web") == 7.0
    assert rps_of(lab, "default", "other") == DEFAULT_RPS
