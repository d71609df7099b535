"""Deployments on the world's controllers: revisions, undo, pause, Recreate, scaling, deadlines."""

from __future__ import annotations

from typing import Any

from cockpit.world.contract import Profile
from tests.world_lab import Lab, deployment, revision, scaled

DEPLOYMENTS = "deployments"
REVISION = "deployment.kubernetes.io/revision"


def start(lab: Lab, **spec: Any) -> None:
    lab.apply(deployment(**spec))
    lab.settle(30)


def update(lab: Lab, version: int) -> None:
    lab.image(f"r.test/web:{version}", plural=DEPLOYMENTS)


def sets(lab: Lab) -> list[dict[str, Any]]:
    return lab.sets(plural=DEPLOYMENTS)


def progressing(lab: Lab) -> tuple[str, str]:
    found = lab.condition("Progressing", plural=DEPLOYMENTS)
    return found["status"], found["reason"]


def test_a_new_deployment_becomes_available() -> None:
    lab = Lab()
    lab.apply(deployment())
    lab.settle(0.5)
    assert progressing(lab) in (("True", "NewReplicaSetCreated"), ("True", "ReplicaSetUpdated"))
    assert lab.condition("Available", plural=DEPLOYMENTS)["reason"] == "MinimumReplicasUnavailable"
    lab.settle(30)
    assert progressing(lab) == ("True", "NewReplicaSetAvailable")
    status = lab.status(plural=DEPLOYMENTS)
    assert status["observedGeneration"] == 1
    assert {status[key] for key in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")} == {5}
    assert "unavailableReplicas" not in status
    assert lab.get(DEPLOYMENTS)["metadata"]["annotations"][REVISION] == "1"
    name = sets(lab)[0]["metadata"]["name"]
    hashed = sets(lab)[0]["metadata"]["labels"]["pod-template-hash"]
    assert name == f"web-{hashed}"
    assert 8 <= len(hashed) <= 10
    assert lab.events("Deployment", "ScalingReplicaSet") == [f"Scaled up replica set {name} from 0 to 5"]


def test_undo_reuses_the_replicaset_and_renumbers_it() -> None:
    lab = Lab()
    start(lab)
    for version in (2, 3):
        update(lab, version)
        lab.settle(60)
    update(lab, 1)
    lab.settle(60)
    assert [revision(rs) for rs in sets(lab)] == [2, 3, 4]
    current = sets(lab)[-1]
    assert current["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] == "1"
    assert scaled(current) == 5
    assert lab.get(DEPLOYMENTS)["metadata"]["annotations"][REVISION] == "4"


def test_history_beyond_the_limit_goes() -> None:
    lab = Lab()
    start(lab, replicas=1, revisionHistoryLimit=1)
    for version in (2, 3, 4):
        update(lab, version)
        lab.settle(60)
    assert [revision(rs) for rs in sets(lab)] == [3, 4]


def test_pause_freezes_the_mix_and_resume_goes_to_the_end() -> None:
    lab = Lab()
    start(lab, replicas=6, minReadySeconds=20)
    lab.settle(60)
    update(lab, 2)
    lab.settle(10)
    lab.spec({"paused": True}, plural=DEPLOYMENTS)
    lab.settle(5)
    frozen = [scaled(rs) for rs in sets(lab)]
    assert frozen[0] > 0
    assert frozen[1] > 0
    lab.settle(700)
    assert [scaled(rs) for rs in sets(lab)] == frozen
    assert progressing(lab) == ("Unknown", "DeploymentPaused")
    update(lab, 3)
    lab.settle(60)
    assert len(sets(lab)) == 2  # nothing is rolled while paused
    lab.spec({"paused": False}, plural=DEPLOYMENTS)
    lab.settle(0.2)
    assert progressing(lab) == ("Unknown", "DeploymentResumed")
    lab.settle(200)
    assert [scaled(rs) for rs in sets(lab)] == [0, 0, 6]
    assert progressing(lab) == ("True", "NewReplicaSetAvailable")


def test_scaling_in_mid_pause_shares_proportionally() -> None:
    lab = Lab()
    start(lab, replicas=10, minReadySeconds=20)
    lab.settle(60)
    update(lab, 2)
    lab.settle(6)
    lab.spec({"paused": True}, plural=DEPLOYMENTS)
    lab.settle(60)
    old, new = (scaled(rs) for rs in sets(lab))
    lab.spec({"replicas": 20}, plural=DEPLOYMENTS)
    lab.settle(60)
    older, newer = (scaled(rs) for rs in sets(lab))
    assert older > old
    assert newer > new
    assert older + newer == 25  # 20 and its surge
    assert abs(older / newer - old / new) < 0.7


def test_scaling_a_quiet_deployment_touches_only_its_replicaset() -> None:
    lab = Lab()
    start(lab)
    lab.spec({"replicas": 8}, plural=DEPLOYMENTS)
    lab.settle(30)
    assert [scaled(rs) for rs in sets(lab)] == [8]
    assert lab.status(plural=DEPLOYMENTS)["availableReplicas"] == 8
    lab.spec({"replicas": 0}, plural=DEPLOYMENTS)
    lab.settle(30)
    assert "replicas" not in lab.status(plural=DEPLOYMENTS)
    assert lab.objects.select("pods") == []


def test_recreate_lets_the_last_old_pod_go_before_the_first_new_one() -> None:
    lab = Lab()
    start(lab, strategy={"type": "Recreate"}, replicas=3)
    mixed: list[Any] = []

    def listen(_: object) -> None:
        alive = {rs["metadata"]["name"] for rs in sets(lab) if lab.pods(rs)}
        if len(alive) > 1:
            mixed.append(alive)

    lab.objects.subscribe(listen)
    update(lab, 2)
    lab.settle(60)
    assert mixed == []
    assert [scaled(rs) for rs in sets(lab)] == [0, 3]
    assert progressing(lab) == ("True", "NewReplicaSetAvailable")


def test_the_progress_deadline_names_the_replicaset_and_rolls_nothing_back() -> None:
    lab = Lab()
    lab.profiles.set("r.test/web:2", Profile(never_ready=True))
    start(lab, progressDeadlineSeconds=60)
    update(lab, 2)
    lab.settle(120)
    assert progressing(lab) == ("False", "ProgressDeadlineExceeded")
    name = sets(lab)[1]["metadata"]["name"]
    message = lab.condition("Progressing", plural=DEPLOYMENTS)["message"]
    assert message == f'ReplicaSet "{name}" has timed out progressing.'
    assert lab.condition("Available", plural=DEPLOYMENTS)["status"] == "True"
    assert sum(scaled(rs) for rs in sets(lab)) == 7
    lab.profiles.set("r.test/web:2", Profile())
    lab.settle(60)
    assert progressing(lab) == ("True", "NewReplicaSetAvailable")


def test_min_ready_seconds_delays_availability() -> None:
    lab = Lab()
    lab.apply(deployment(replicas=1, minReadySeconds=60))
    lab.settle(30)
    status = lab.status(plural=DEPLOYMENTS)
    assert status["readyReplicas"] == 1
    assert "availableReplicas" not in status
    lab.settle(60)
    assert lab.status(plural=DEPLOYMENTS)["availableReplicas"] == 1


def test_a_quota_refuses_pods_with_the_servers_words() -> None:
    lab = Lab()
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "small", "namespace": "default"},
        "spec": {"hard": {"pods": "3"}},
    }
    lab.apply(quota, deployment())
    lab.settle(30)
    text = "exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3"
    failure = lab.condition("ReplicaFailure", plural=DEPLOYMENTS)
    assert failure["reason"] == "FailedCreate"
    assert failure["message"].endswith(f"is forbidden: {text}")
    assert lab.events("ReplicaSet", "FailedCreate")[0].startswith('Error creating: pods "web-')
    assert lab.get("resourcequotas", "small")["status"]["used"] == {"pods": "3"}
    lab.objects.mutate("resourcequotas", "default", "small", lambda obj: obj["spec"]["hard"].update(pods="9"))
    lab.settle(60)
    assert lab.status(plural=DEPLOYMENTS)["availableReplicas"] == 5
    assert lab.condition("ReplicaFailure", plural=DEPLOYMENTS) == {}


def test_deleting_a_deployment_takes_everything_with_it() -> None:
    lab = Lab()
    start(lab)
    lab.objects.delete("deployments", "default", "web")
    lab.settle(30)
    assert lab.objects.select("replicasets") == []
    assert lab.objects.select("pods") == []
