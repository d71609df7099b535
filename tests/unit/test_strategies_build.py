"""Rollouts and Deployments as built from objects: phases, arms, steps, weights, guards, owners, and odd input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.cluster.decode import decode_row
from cockpit.cluster.rows import PodRow, ReplicaSetRow
from cockpit.model.resource import ANALYSISRUNS, DEPLOYMENTS, PODS, REPLICASETS, ROLLOUTS, Key, Resource
from cockpit.model.revision import Revision
from cockpit.model.rollout import Rollout, Weight
from cockpit.strategies import REGISTRY, for_kind
from cockpit.strategies.argo import ArgoRollouts
from cockpit.strategies.argo.build import build
from cockpit.strategies.argo.names import HASH_LABEL, REVISION
from cockpit.strategies.argo.phase import phase
from cockpit.strategies.argo.rows import RolloutRow
from cockpit.strategies.argo.steps import set_weight, steps
from cockpit.strategies.deployment.build import phase_of
from cockpit.strategies.deployment.rows import DeploymentRow
from cockpit.strategies.drafts import uneven
from cockpit.strategies.revisions import revisions
from tests.harness import manifests
from tests.harness.inprocess import Cluster

WEB = Key("Rollout", "default", "web")
API = "argoproj.io/v1alpha1"


class Shelf:
    """Objects given as JSON; whatever is not given is not there."""

    def __init__(self, **objects: Sequence[dict[str, Any]]) -> None:
        self._objects = objects
        self._rows = {watch.resource: watch.row for strategy in REGISTRY for watch in strategy.watches}

    def _all(self, resource: Resource) -> list[Any]:
        found = [
            decode_row(msgspec.json.encode(raw), self._rows[resource])[0]
            for raw in self._objects.get(resource.plural, ())
        ]
        return [row for row in found if row is not None]

    def get(self, resource: Resource, namespace: str, name: str) -> Any | None:
        return next(
            (row for row in self._all(resource) if (row.meta.namespace, row.meta.name) == (namespace, name)), None
        )

    def owned(self, resource: Resource, uid: str) -> Sequence[Any]:
        return [
            row for row in self._all(resource) if row.meta.controller is not None and row.meta.controller.uid == uid
        ]

    def known(self, resource: Resource) -> bool:
        return resource.plural in self._objects

    def referrers(self, resource: Resource, namespace: str, name: str) -> Sequence[Any]:
        return [
            row for row in self._all(ROLLOUTS) if (resource, namespace, name) in for_kind("Rollout").references(row)
        ]


def rollout_row(spec: Any = None, status: Any = None, **metadata: Any) -> RolloutRow:
    raw = {"metadata": {"name": "web", "namespace": "default", "uid": "u1", "generation": 3, **metadata}}
    if spec is not None:
        raw["spec"] = spec
    if status is not None:
        raw["status"] = status
    row, _ = decode_row(msgspec.json.encode(raw), RolloutRow)
    assert isinstance(row, RolloutRow)
    return row


CANARY = {"replicas": 4, "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}}}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, ("Progressing", "waiting for rollout spec update to be observed")),
        ({"observedGeneration": "2"}, ("Progressing", "waiting for rollout spec update to be observed")),
        ({"observedGeneration": "3", "phase": "Paused", "message": "CanaryPauseStep"}, ("Paused", "CanaryPauseStep")),
        ({"observedGeneration": "4", "phase": "Healthy"}, ("Healthy", "")),
        ({"observedGeneration": "5d8f7c", "phase": "Healthy"}, ("Healthy", "")),
        (
            {"observedGeneration": "3", "phase": "Paused", "controllerPause": True},
            ("Progressing", "waiting for rollout to unpause"),
        ),
        (
            {"observedGeneration": "3", "conditions": [{"type": "InvalidSpec", "message": "bad"}]},
            ("Degraded", "InvalidSpec: bad"),
        ),
        (
            {
                "observedGeneration": "3",
                "pauseConditions": [{"reason": "CanaryPauseStep"}],
                "conditions": [{"type": "Progressing", "reason": "RolloutAborted", "message": "aborted"}],
            },
            ("Degraded", "RolloutAborted: aborted"),
        ),
        (
            {"observedGeneration": "3", "pauseConditions": [{"reason": "InconclusiveAnalysisRun"}]},
            ("Paused", "InconclusiveAnalysisRun"),
        ),
        ({"observedGeneration": "3", "updatedReplicas": 1}, ("Progressing", "more replicas need to be updated")),
        (
            {"observedGeneration": "3", "updatedReplicas": 4, "availableReplicas": 3},
            ("Progressing", "updated replicas are still becoming available"),
        ),
        (
            {"observedGeneration": "3", "updatedReplicas": 4, "availableReplicas": 4, "replicas": 6},
            ("Progressing", "old replicas are pending termination"),
        ),
        (
            {"observedGeneration": "3", "updatedReplicas": 4, "availableReplicas": 4, "replicas": 4, "stableRS": "a"},
            ("Progressing", "waiting for all steps to complete"),
        ),
        (
            {"observedGeneration": "3", "phase": "Sideways", "updatedReplicas": 4, "availableReplicas": 4},
            ("Healthy", ""),
        ),
    ],
)
def test_phase_by_the_clients_rules(status: dict[str, Any], expected: tuple[str, str]) -> None:
    assert phase(rollout_row(CANARY, status)) == expected


def test_a_workload_reference_waits_until_its_generation_is_observed() -> None:
    spec = {**CANARY, "workloadRef": {"kind": "Deployment", "name": "web"}}
    status = {"observedGeneration": "3", "phase": "Healthy", "workloadObservedGeneration": "6"}
    annotations = {"rollout.argoproj.io/workload-generation": "7"}
    assert phase(rollout_row(spec, status, annotations=annotations))[0] == "Progressing"
    status["workloadObservedGeneration"] = "7"
    assert phase(rollout_row(spec, status, annotations=annotations)) == ("Healthy", "")


def test_steps_have_labels_gates_and_never_lose_their_place() -> None:
    raw = [
        {"setWeight": 5},
        {"pause": {"duration": "10m"}},
        {"pause": {"duration": 30}},
        {"pause": {"duration": "1h30m"}},
        {"pause": {}},
        {"pause": None},
        {"analysis": {"templates": [{"templateName": "x"}]}},
        {"setCanaryScale": {"replicas": 3}},
        {"setCanaryScale": {"matchTrafficWeight": True}},
        {"experiment": {"duration": "5m"}},
        {"plugin": {"name": "acme/smoke"}},
        "nonsense",
        {"setWeight": "many"},
        {"invented": {}},
    ]
    built = steps({"steps": raw})
    assert [step.label for step in built] == [
        "5%", "pause 10m", "pause 30s", "pause 1h30m", "pause ∞", "pause ∞", "check", "scale 3", "scale = weight",
        "experiment", "acme/smoke", "unknown", "weight ?", "invented",
    ]  # fmt: skip
    assert [step.index for step in built] == list(range(len(raw)))
    assert [step.index for step in built if step.gate] == [1, 2, 3, 4, 5, 6, 9, 10, 11, 13]
    assert built[3].duration == 5400.0
    assert built[4].duration is None


def test_set_weight_follows_the_index_and_the_routers_maximum() -> None:
    built = steps(
        {"trafficRouting": {"nginx": {}, "maxTrafficWeight": 1000}, "steps": [{"setWeight": 250}, {"pause": {}}]}
    )
    assert set_weight(built, 0, aborted=False) == 0.25
    assert set_weight(built, 1, aborted=False) == 0.25
    assert set_weight(built, 2, aborted=False) == 1.0
    assert set_weight(built, 1, aborted=True) == 0.0
    assert set_weight(built, None, aborted=False) is None


def test_an_absent_step_index_is_not_zero_and_one_beyond_the_end_is_done() -> None:
    status = {"observedGeneration": "3", "currentPodHash": "b", "stableRS": "a"}
    assert build(rollout_row(CANARY, status), Shelf()).step_index is None
    for given_index, shown in ((0, 0), (2, 2), (9, 2), (-4, 0)):
        built = build(rollout_row(CANARY, {**status, "currentStepIndex": given_index}), Shelf())
        assert built.step_index == shown
    assert build(rollout_row(CANARY, {**status, "currentStepIndex": 2}), Shelf()).step is None


def test_what_was_seen_keeps_absent_apart_from_false() -> None:
    status = {"observedGeneration": "3", "currentPodHash": "b", "stableRS": "a", "abort": False}
    seen = build(rollout_row(CANARY, status), Shelf()).seen
    assert seen["/status/abort"] is False
    assert seen["/status/promoteFull"] is None
    assert seen["/spec/paused"] is None
    assert set(seen) == {
        "/metadata/uid", "/spec/paused", "/status/currentPodHash", "/status/stableRS", "/status/currentStepIndex",
        "/status/pauseConditions", "/status/controllerPause", "/status/abort", "/status/promoteFull",
    }  # fmt: skip


def test_a_rollout_that_no_controller_looked_at_shows_nothing_as_known() -> None:
    built = build(rollout_row(CANARY), Shelf())
    assert not built.controller_seen
    assert built.phase == "Progressing"
    assert (built.weight.set, built.weight.actual) == (None, None)
    assert built.canary is None
    assert built.baseline is None


def test_both_arms_of_a_canary_with_their_pods_and_digests() -> None:
    built = Cluster("single").rollout(WEB)
    assert built.canary is not None
    assert built.baseline is not None
    assert (built.canary.role, built.canary.revision, built.canary.available) == ("canary", 3, 1)
    assert (built.baseline.role, built.baseline.revision, built.baseline.available) == ("baseline", 2, 4)
    assert len(built.baseline.pods) == 4
    assert {pod.hash for pod in built.baseline.pods} == {built.baseline.hash}
    digest = built.baseline.images[0].digest
    assert digest is not None
    assert digest.startswith("sha256:")
    assert {pod.digest for pod in built.baseline.pods} == {digest}
    assert (built.weight.set, built.weight.actual) == (0.2, 0.2)
    assert built.paused_by == "step"
    assert built.waits_for_human
    assert built.in_flight


def test_a_finished_rollout_has_a_baseline_and_what_served_before() -> None:
    cluster = Cluster("single")
    cluster.human(WEB, lambda raw: raw["status"].update(promoteFull=True), "status")
    cluster.advance(120)
    built = cluster.rollout(WEB)
    assert built.canary is None
    assert not built.in_flight
    assert built.baseline is not None
    assert built.before is not None
    assert (built.baseline.revision, built.before.revision) == (3, 2)
    assert built.finished_at is not None
    assert 0 <= cluster.world.clock.now() - built.finished_at <= 120
    assert built.started_at is None


def test_a_hand_held_rollout_names_the_human_and_does_not_wait_for_another() -> None:
    cluster = Cluster("single")
    cluster.human(WEB, lambda raw: raw["spec"].update(paused=True))
    cluster.advance(5)
    built = cluster.rollout(WEB)
    assert (built.phase, built.paused_by, built.waits_for_human) == ("Paused", "human", False)


def test_the_return_to_an_older_version_is_seen_as_such() -> None:
    cluster = Cluster("single")
    cluster.human(WEB, lambda raw: raw["status"].update(promoteFull=True), "status")
    cluster.advance(120)
    old = cluster.rollout(WEB).before
    assert old is not None

    def back(raw: dict[str, Any]) -> None:
        raw["spec"]["template"]["spec"]["containers"][0]["image"] = old.images[0].image

    cluster.human(WEB, back)
    cluster.advance(30)
    built = cluster.rollout(WEB)
    assert built.returning
    assert built.canary is not None
    assert built.canary.hash == old.hash
    assert built.started_at is not None
    assert cluster.world.clock.now() - built.started_at <= 31


def test_blue_green_weights_are_the_active_service() -> None:
    cluster = Cluster("bluegreen")
    built = cluster.rollout(WEB)
    assert (built.strategy, built.steps, built.step_index) == ("bluegreen", (), None)
    assert (built.weight.set, built.weight.actual) == (0.0, 0.0)
    assert built.waits_for_human


def test_a_deployment_half_way() -> None:
    built = Cluster("deployment").rollout(Key("Deployment", "default", "web"))
    assert (built.strategy, built.phase, built.steps) == ("rolling", "Progressing", ())
    assert built.message == "3 of 6 new replicas have been updated"
    assert built.canary is not None
    assert built.baseline is not None
    assert (built.canary.revision, built.baseline.revision) == (3, 2)
    assert built.weight.set is None
    assert built.weight.actual == pytest.approx(2 / 6)
    assert set(built.seen) == {"/metadata/uid", "/metadata/generation", "/spec/paused", "cockpit/canary"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"observedGeneration": 2}, ("Progressing", "waiting for deployment spec update to be observed")),
        ({"observedGeneration": 3, "updatedReplicas": 1}, ("Progressing", "1 of 4 new replicas have been updated")),
        (
            {"observedGeneration": 3, "updatedReplicas": 4, "replicas": 6},
            ("Progressing", "2 old replicas are pending termination"),
        ),
        (
            {"observedGeneration": 3, "updatedReplicas": 4, "replicas": 4, "availableReplicas": 3},
            ("Progressing", "3 of 4 updated replicas are available"),
        ),
        (
            {
                "observedGeneration": 3,
                "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "late"}],
            },
            ("Degraded", "ProgressDeadlineExceeded: late"),
        ),
        (
            {
                "observedGeneration": 3,
                "conditions": [
                    {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}
                ],
            },
            ("Degraded", "FailedCreate: quota"),
        ),
        ({"observedGeneration": 3, "updatedReplicas": 4, "replicas": 4, "availableReplicas": 4}, ("Healthy", "")),
    ],
)
def test_phase_of_a_deployment(status: dict[str, Any], expected: tuple[str, str]) -> None:
    raw = {"metadata": {"name": "web", "generation": 3}, "spec": {"replicas": 4}, "status": status}
    row, _ = decode_row(msgspec.json.encode(raw), DeploymentRow)
    assert row is not None
    assert phase_of(row) == expected


def test_a_deployment_that_a_rollout_refers_to_is_no_rollout_of_its_own() -> None:
    deployment = {
        "metadata": {"name": "web", "namespace": "default", "uid": "d1", "generation": 7},
        "spec": {"replicas": 0},
    }
    rollout = {
        "metadata": {"name": "ro", "namespace": "default", "uid": "u1"},
        "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    }
    shelf = Shelf(deployments=[deployment], rollouts=[rollout])
    strategy = for_kind("Deployment")
    row = shelf.get(DEPLOYMENTS, "default", "web")
    assert strategy.build(row, shelf) is None
    assert strategy.build(row, Shelf(deployments=[deployment])) is not None
    built = for_kind("Rollout").build(shelf.get(ROLLOUTS, "default", "ro"), shelf)
    assert built is not None
    assert built.workload == Key("Deployment", "default", "web")
    assert built.seen["workload:/metadata/uid"] == "d1"
    assert built.seen["workload:/metadata/generation"] == 7


@pytest.mark.parametrize(
    ("labels", "annotations", "tool", "name"),
    [
        ({}, {"argocd.argoproj.io/tracking-id": "shop:argoproj.io/Rollout:default/web"}, "argocd", "shop"),
        ({"argocd.argoproj.io/instance": "shop"}, {}, "argocd", "shop"),
        (
            {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"},
            {},
            "flux",
            "apps",
        ),
        ({"helm.toolkit.fluxcd.io/name": "web"}, {}, "flux", "web"),
        ({"app.kubernetes.io/managed-by": "Helm"}, {"meta.helm.sh/release-name": "web-prod"}, "helm", "web-prod"),
        ({"app.kubernetes.io/instance": "web"}, {}, None, None),
    ],
)
def test_who_re_applies_a_workload(
    labels: dict[str, str], annotations: dict[str, str], tool: str | None, name: str | None
) -> None:
    owner = build(rollout_row(CANARY, {}, labels=labels, annotations=annotations), Shelf()).owner
    assert (owner.tool if owner else None, owner.name if owner else None) == (tool, name)
    if owner is not None:
        assert owner.name in owner.warning


def test_checks_carry_the_newest_value_and_the_limit() -> None:
    run = {
        "metadata": {
            "name": "web-b-2-1", "namespace": "default", "uid": "a1", "creationTimestamp": "2026-11-20T03:00:00Z",
            "labels": {"rollouts-pod-template-hash": "b", "rollout-type": "Step", "step-index": "1"},
            "ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "u1", "controller": True}],
        },
        "spec": {"metrics": [{"name": "err", "interval": "10s", "count": 5, "failureLimit": 2}]},
        "status": {
            "phase": "Running", "startedAt": "2026-11-20T03:00:01Z",
            "metricResults": [{
                "name": "err", "phase": "Running", "count": 2, "successful": 1, "failed": 1,
                "measurements": [{"value": "0.3"}, {"value": "4.1"}],
                "metadata": {"ResolvedPrometheusQuery": "sum(rate(x[1m]))"},
            }],
        },
    }  # fmt: skip
    status = {"observedGeneration": "3", "currentPodHash": "b", "stableRS": "a"}
    (check,) = build(rollout_row(CANARY, status), Shelf(analysisruns=[run])).checks
    assert (check.origin, check.phase, check.step_index) == ("step", "Running", 1)
    (metric,) = check.metrics
    assert (metric.value, metric.limit, metric.total, metric.failed) == ("4.1", 2, 5, 1)
    assert metric.query == "sum(rate(x[1m]))"


def test_hostile_text_is_harmless_before_anything_draws_it() -> None:
    status = {
        "observedGeneration": "3",
        "phase": "Degraded",
        "message": "\x1b]52;c;ZXZpbA==\x07[red]boom\x00\n" + "x" * 9000,
    }
    built = build(rollout_row(CANARY, status, labels={"a\x1b[31m": "\x9b31mb"}), Shelf())
    assert "\x1b" not in built.message
    assert "\x00" not in built.message
    assert len(built.message) < 4200
    assert built.labels == {"a": "b"}


def test_a_rollout_made_by_anyone_else_builds_the_same_way() -> None:
    cluster = Cluster("empty")
    cluster.world.store.create(manifests.namespace())
    for each in manifests.canary("made-by-hand"):
        cluster.world.store.create(each)
    cluster.advance(60)
    built = cluster.rollout(Key("Rollout", manifests.NAMESPACE, "made-by-hand"))
    assert built.phase == "Healthy"
    assert not built.in_flight
    assert built.before is None


SCALARS = st.none() | st.booleans() | st.integers(-5, 2**40) | st.floats(allow_nan=False) | st.text(max_size=12)
JUNK = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
STATUS_MEMBERS = [
    "abort",
    "pauseConditions",
    "controllerPause",
    "currentPodHash",
    "currentStepIndex",
    "stableRS",
    "promoteFull",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "observedGeneration",
    "workloadObservedGeneration",
    "conditions",
    "restartedAt",
    "phase",
    "message",
    "canary",
    "blueGreen",
    "duration",
]
SPEC_MEMBERS = ["replicas", "paused", "strategy", "workloadRef", "restartAt", "rollbackWindow"]
ODD_STEPS = st.lists(st.dictionaries(st.sampled_from(["setWeight", "pause", "analysis", "x"]), JUNK))
ODD_CANARY = st.fixed_dictionaries({}, optional={"steps": JUNK | ODD_STEPS, "trafficRouting": JUNK, "analysis": JUNK})
STRATEGIES = st.fixed_dictionaries({}, optional={"canary": ODD_CANARY, "blueGreen": JUNK})


def odd(members: list[str]) -> st.SearchStrategy[Any]:
    return JUNK | st.fixed_dictionaries({}, optional=dict.fromkeys(members, JUNK))


@settings(max_examples=150)
@given(
    spec=odd(SPEC_MEMBERS) | st.fixed_dictionaries({"strategy": STRATEGIES}),
    status=odd(STATUS_MEMBERS),
    other=odd(["a"]),
)
def test_odd_objects_degrade_and_never_raise(spec: Any, status: Any, other: Any) -> None:
    owner = [{"uid": "u1", "controller": True, "kind": "X", "name": "web"}]
    child = {
        "metadata": {"name": "c-b", "namespace": "default", "uid": "r1", "ownerReferences": owner},
        "spec": other,
        "status": other,
    }
    pod = {**child, "metadata": {**child["metadata"], "ownerReferences": [{**owner[0], "uid": "r1"}]}}
    parent = {"metadata": {"name": "web", "namespace": "default", "uid": "u1"}, "spec": spec, "status": status}
    shelf = Shelf(rollouts=[parent], deployments=[parent], replicasets=[child], pods=[pod], analysisruns=[child])
    for strategy in REGISTRY:
        row = shelf.get(strategy.resource, "default", "web")
        if row is None:
            continue
        list(strategy.references(row))
        built = strategy.build(row, shelf)
        if built is not None:
            assert built.phase in ("Progressing", "Paused", "Degraded", "Healthy")
            assert built.step_index is None or 0 <= built.step_index <= len(built.steps)
            for share in (built.weight.set, built.weight.actual):
                assert share is None or 0.0 <= share <= 1.0
            assert msgspec.json.encode(built)


def test_every_watch_is_declared_alike_by_all_strategies() -> None:
    rows: dict[Resource, type] = {}
    for strategy in REGISTRY:
        for watch in strategy.watches:
            assert rows.setdefault(watch.resource, watch.row) is watch.row
    assert rows[PODS] is PodRow
    assert rows[REPLICASETS] is ReplicaSetRow
    assert ANALYSISRUNS in rows
    with pytest.raises(KeyError):
        for_kind("StatefulSet")


def test_the_whole_default_scenario_builds() -> None:
    built: dict[Key, Rollout] = dict(Cluster("default").snapshot().rollouts)
    assert len(built) >= 12
    assert not [key for key in built if str(key) == "ml/ranker" and key.kind == "Deployment"]
    catalog = built[Key("Rollout", "shop", "catalog")]
    assert catalog.paused_by == "human"
    assert built[Key("Rollout", "notify", "email-worker")].paused_by == "inconclusive"
    assert built[Key("Rollout", "shop", "wishlist")].aborted
    assert built[Key("Rollout", "edge", "gateway")].owner is not None
    crashing = built[Key("Rollout", "search", "search-indexer")].canary
    assert crashing is not None
    assert {pod.reason for pod in crashing.pods} <= {"CrashLoopBackOff", "Error", "OOMKilled", "NotReady"}


def test_revisions_show_what_last_good_would_choose_and_pass_over_failed_checks() -> None:
    cluster = Cluster("single")
    strategy = ArgoRollouts()
    row = cluster.get_row(ROLLOUTS, "default", "web")
    shelf = cluster.shelf
    rollout = strategy.build(row, shelf)
    assert rollout is not None

    def listed(bad: tuple[str, ...] = ()) -> dict[int | None, Revision]:
        found = revisions(
            strategy.candidates(row, shelf), rollout, shelf, label=HASH_LABEL, revision_key=REVISION, bad=bad
        )
        assert [each.revision for each in found] == [3, 2, 1]
        return {each.revision: each for each in found}

    plain = listed()
    assert [number for number, each in plain.items() if each.last_good] == [1]
    assert (plain[3].current, plain[2].stable, plain[1].replicas) == (True, True, 0)
    assert (plain[2].speed, plain[1].speed) == ("running", "steps")
    assert not any(each.last_good for each in listed((plain[1].hash,)).values())
    near = msgspec.structs.replace(rollout, rollback_window=1)
    found = revisions(strategy.candidates(row, shelf), near, shelf, label=HASH_LABEL, revision_key=REVISION)
    reused = not found[2].images[0].digest  # pinning a tag would make another ReplicaSet, which loses the window
    assert [each.speed for each in found] == ["steps", "running", "window" if reused else "steps"]
    owner = {"uid": rollout.uid, "controller": True, "kind": "Rollout", "name": "web", "apiVersion": API}
    run = {
        "apiVersion": API,
        "kind": "AnalysisRun",
        "metadata": {
            "name": "x",
            "namespace": "default",
            "ownerReferences": [owner],
            "labels": {HASH_LABEL: plain[1].hash},
        },
        "spec": {"metrics": []},
        "status": {"phase": "Failed"},
    }
    cluster.world.store.create(run)
    marked = listed()[1]
    assert (marked.last_good, marked.aborted) == (False, True)


def test_a_share_that_few_pods_cannot_make_is_said() -> None:
    base = Cluster("single").rollout(WEB)
    assert uneven(base) == ()
    assert uneven(msgspec.structs.replace(base, weight=Weight(0.05, 0.5))) == ("canary at 50 %, though 5 % is set",)
    assert uneven(msgspec.structs.replace(base, weight=Weight(0.05, None))) == ()
