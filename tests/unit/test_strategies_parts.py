"""Pods and why they are not up, image digests, templates made fit to be put back, rollback targets, guards in words."""

from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest

from cockpit.cluster.decode import decode_row
from cockpit.cluster.rows import PodRow
from cockpit.model.guards import describe, guarded, moved
from cockpit.model.resource import Key
from cockpit.model.rollout import Arm, Image, Pod, Replicas, Rollout, Weight
from cockpit.strategies import goals, templates
from cockpit.strategies.goals import running
from cockpit.strategies.image import is_digest, pinned, repository, running_digest, short
from cockpit.strategies.patching import escape, guards, put
from cockpit.strategies.pods import pod
from cockpit.strategies.values import duration, spell
from cockpit.world.api.patch import PatchError, apply_json_patch

D = "sha256:" + "a1" * 32
E = "sha256:" + "b2" * 32


def pod_row(**status: Any) -> PodRow:
    raw = {
        "metadata": {"name": "web-b-1", "namespace": "default", "uid": "p1"},
        "spec": {"containers": [{"name": "web", "image": "r.example/web:v1"}]},
        "status": {"phase": "Running", **status},
    }
    row, _ = decode_row(msgspec.json.encode(raw), PodRow)
    assert isinstance(row, PodRow)
    return row


def container(**state: Any) -> dict[str, Any]:
    return {"name": "web", "imageID": f"r.example/web@{D}", **state}


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        ({"conditions": [{"type": "Ready", "status": "True"}]}, None, None),
        ({"phase": "Succeeded"}, None, None),
        ({"phase": "Failed", "reason": "Evicted", "message": "disk pressure"}, "Evicted", "disk pressure"),
        (
            {
                "phase": "Pending",
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
                ],
            },
            "Unschedulable",
            "0/3 nodes",
        ),
        (
            {
                "containerStatuses": [
                    container(
                        state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
                        lastState={"terminated": {"reason": "OOMKilled", "exitCode": 137}},
                    )
                ]
            },
            "CrashLoopBackOff",
            "web: OOMKilled, exit 137, back-off 40s",
        ),
        (
            {
                "containerStatuses": [
                    container(state={"waiting": {"reason": "ImagePullBackOff", "message": "no such tag"}})
                ]
            },
            "ImagePullBackOff",
            "web: no such tag",
        ),
        (
            {"containerStatuses": [container(state={"terminated": {"reason": "Error", "exitCode": 2}})]},
            "Error",
            "web: exit 2",
        ),
        (
            {
                "phase": "Pending",
                "initContainerStatuses": [{"name": "db", "state": {"terminated": {"reason": "Error", "exitCode": 1}}}],
                "containerStatuses": [container(state={"waiting": {"reason": "PodInitializing"}})],
            },
            "Init:Error",
            "db: exit 1",
        ),
        (
            {"conditions": [{"type": "Ready", "status": "False", "message": "containers with unready status: [web]"}]},
            "NotReady",
            "containers with unready status: [web]",
        ),
        ({"phase": ""}, "Unknown", None),
    ],
)
def test_one_reason_why_a_pod_is_not_up(status: dict[str, Any], reason: str | None, message: str | None) -> None:
    built = pod(pod_row(**status), "b")
    assert (built.reason, built.message) == (reason, message)


def test_how_a_container_ended_last_and_how_often_it_restarted() -> None:
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-11-20T03:00:00Z"}}
    built = pod(pod_row(containerStatuses=[container(restartCount=4, lastState=ended)]), "b")
    assert built.restarts == 4
    assert built.restarts_by_container == {"web": 4}
    assert built.last_exit is not None
    assert (built.last_exit.container, built.last_exit.reason, built.last_exit.code) == ("web", "OOMKilled", 137)


@pytest.mark.parametrize(
    ("image", "image_id", "digest"),
    [
        ("r.example/web:v1", f"r.example/web@{D}", D),
        ("r.example/web:v1", f"docker-pullable://mirror.example/other@{D}", D),
        ("r.example/web:v1", D, None),  # a config digest: no registry serves it as a manifest
        ("r.example/web:v1", "a1" * 32, None),
        ("r.example/web:v1", f"docker://{D}", None),
        ("r.example/web:v1", f"docker.io/library/import-2026-11-20@{D}", None),
        ("r.example/web:v1", "", None),
        ("r.example/web:v1", "r.example/web@sha256:beef", None),
        (f"r.example/web@{D}", f"r.example/web@{E}", D),  # pinned: the content is that of the pin, by its own name
        (f"r.example/web@{D}", "", None),
    ],
)
def test_what_an_image_id_proves(image: str, image_id: str, digest: str | None) -> None:
    assert running_digest(image, image_id) == digest


def test_references_are_pinned_by_digest_alone() -> None:
    assert repository("r.example:5000/a/web:v1@" + D) == "r.example:5000/a/web"
    assert repository("web") == "web"
    assert pinned("r.example:5000/a/web:v1", D) == f"r.example:5000/a/web@{D}"
    assert short(f"r.example/a/web@{D}") == "web@sha256:a1a1a1a1a1a1…"
    assert is_digest(D)
    assert not is_digest("sha256:a1")


LABEL = "rollouts-pod-template-hash"
EPHEMERAL = "rollout.argoproj.io/ephemeral-metadata"
TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "web"}, "annotations": {"team": "a"}},
    "spec": {
        "containers": [{"name": "web", "image": "r.example/web:v1"}, {"name": "log", "image": f"r.example/log@{E}"}]
    },
}


def stamped(**more: Any) -> dict[str, Any]:
    """A ReplicaSet as the controller keeps it: hash label, ephemeral metadata and anti-affinity injected."""
    template = copy.deepcopy(TEMPLATE)
    template["metadata"]["labels"] |= {LABEL: "5d4b77", "role": "stable"}
    template["metadata"]["annotations"]["lane"] = "stable"
    own = {
        "labelSelector": {"matchExpressions": [{"key": LABEL, "operator": "In", "values": ["77"]}]},
        "topologyKey": "h",
    }
    template["spec"]["affinity"] = {
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [own], **more}
    }
    injected = {"labels": {"role": "stable"}, "annotations": {"lane": "stable"}}
    return {"metadata": {"annotations": {EPHEMERAL: json.dumps(injected)}}, "spec": {"template": template}}


def test_what_the_controller_injected_is_stripped_and_nothing_else() -> None:
    before = stamped()
    kept = copy.deepcopy(before)
    assert templates.restored(before, LABEL, EPHEMERAL) == TEMPLATE
    assert before == kept


def test_the_users_own_affinity_stays() -> None:
    mine = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "zone"}
    preferred = [{"weight": 1, "podAffinityTerm": mine}]
    replicaset = stamped(preferredDuringSchedulingIgnoredDuringExecution=preferred)
    restored = templates.restored(replicaset, LABEL, EPHEMERAL)
    assert restored["spec"]["affinity"] == {
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}
    }


@pytest.mark.parametrize("record", [None, "", "{", "[]", '{"labels": null}', '{"labels": ["role"]}'])
def test_a_damaged_record_of_injected_metadata_strips_nothing(record: str | None) -> None:
    replicaset = stamped()
    replicaset["metadata"]["annotations"] = {EPHEMERAL: record}
    assert templates.restored(replicaset, LABEL, EPHEMERAL)["metadata"]["labels"] == {"app": "web", "role": "stable"}


def test_pinning_touches_the_named_images_only() -> None:
    result = templates.pin(TEMPLATE, {"web": D})
    assert templates.images(result) == {"web": f"r.example/web@{D}", "log": f"r.example/log@{E}"}
    assert templates.images(TEMPLATE)["web"] == "r.example/web:v1"


def test_templates_are_the_same_whatever_the_hash_label_and_empty_members_say() -> None:
    other = copy.deepcopy(TEMPLATE)
    other["metadata"]["labels"][LABEL] = "x"
    other["metadata"]["creationTimestamp"] = None
    other["spec"]["securityContext"] = {}
    assert templates.same(TEMPLATE, other, LABEL)
    other["spec"]["containers"][0]["image"] = "r.example/web:v2"
    assert not templates.same(TEMPLATE, other, LABEL)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(30, 30), ("30", 30), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("500ms", 0.5), ("", None), ("soon", None),
     (True, None), (None, None), ("-5", None), ("5m x", None), ([], None)],
)  # fmt: skip
def test_durations_as_argo_writes_them(value: Any, seconds: float | None) -> None:
    assert duration(value) == seconds


def test_durations_in_words() -> None:
    assert [spell(seconds) for seconds in (0, 45, 60, 600, 5400, 86400, 90000)] == [
        "0s", "45s", "1m", "10m", "1h30m", "1d", "1d1h",
    ]  # fmt: skip


SEEN = {
    "/metadata/uid": "u1",
    "/status/currentPodHash": "b",
    "/status/currentStepIndex": 3,
    "/status/pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-11-20T03:04:11Z"}],
    "/spec/paused": None,
    "workload:/metadata/uid": "d1",
}


def test_an_abort_is_guarded_by_uid_and_hash_only() -> None:
    assert set(guarded("abort", SEEN)) == {"/metadata/uid", "/status/currentPodHash"}
    assert set(guarded("advance", SEEN)) == set(SEEN)
    later = {**SEEN, "/status/currentStepIndex": 5, "/status/pauseConditions": None, "/spec/paused": True}
    assert moved("abort", SEEN, later) == ()
    assert moved("advance", SEEN, later) == (
        "the step moved: 3 -> 5",
        "the pause moved: CanaryPauseStep since 03:04:11 -> none",
        "paused by hand moved: no -> yes",
    )


def test_what_moved_is_said_without_the_clusters_control_bytes() -> None:
    (sentence,) = describe([("/status/currentPodHash", "b", "\x1b]0;x\x07c" + "d" * 500)])
    assert "\x1b" not in sentence
    assert len(sentence) < 200


def test_guards_stop_a_patch_and_leave_the_object_alone() -> None:
    live = {"metadata": {"uid": "u1"}, "spec": {}, "status": {"currentPodHash": "b", "currentStepIndex": 3}}
    seen = {"/metadata/uid": "u1", "/status/currentStepIndex": 3, "/spec/paused": None}
    patch = [*guards("pause", seen), put("/spec/paused", True)]
    assert apply_json_patch(live, patch)["spec"] == {"paused": True}
    for pointer, value in (("uid", "u2"),):
        with pytest.raises(PatchError):
            apply_json_patch({**live, "metadata": {pointer: value}}, patch)
    with pytest.raises(PatchError):
        apply_json_patch({**live, "spec": {"paused": True}}, patch)


def test_pointers_are_escaped() -> None:
    assert escape("a/b~c") == "a~1b~0c"


def test_a_rollback_is_not_in_force_before_its_pods_are_up() -> None:
    def arm(*digests: str | None, ready: bool = True) -> Arm:
        pods = tuple(
            Pod(f"p{n}", "d", str(n), "a", "Running", ready, 0, digest, images=(Image("web", "r/web:v1", digest),))
            for n, digest in enumerate(digests)
        )
        return Arm("baseline", "a", 3, "web-a", (Image("web", "r/web:v1"),), pods, len(pods), len(pods), len(pods))

    goal = {"digests": {"web": D}}
    assert running(arm(D, D), goal, 2).state == "done"
    assert running(arm(D, None), goal, 2).state == "done"  # what they run is proven apart (test_actions_proof)
    assert running(arm(D, ready=False), goal, 1).state == "waiting"
    assert running(arm(D), goal, 2).state == "waiting"
    assert running(None, goal, 1).state == "waiting"
    assert running(arm(), {"digests": {}}, 0).state == "done"


def test_a_pinned_target_is_not_overtaken_before_its_replicaset_is_in_sight() -> None:
    goal = {"hash": None, "left": "old", "images": {"web": "r.test/web@sha256:" + "1" * 64}, "digests": {}}
    arm = Arm("canary", "old", 2, "web-old", (Image("web", "r.test/web:v2"),), (), 1, 1, 1)
    key = Key("Rollout", "shop", "web")
    rollout = Rollout(
        key, "u", "1", 1, "canary", "Progressing", "", Replicas(1, 0, 1, 1), Weight(None, None), {}, canary=arm
    )
    assert goals.rolled_back(goal, rollout, "new").state == "waiting"
    replace = msgspec.structs.replace
    other = replace(rollout, canary=replace(arm, hash="new", images=(Image("web", "r.test/web:v9"),)))
    assert goals.rolled_back(goal, other, "new").state == "superseded"
