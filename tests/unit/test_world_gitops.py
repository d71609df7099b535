"""Owners of the world in virtual time: what Argo CD and Flux put back, what they leave, what suspending them does."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from cockpit.base.clock import parse_time
from cockpit.world import scenario
from cockpit.world.contract import Object, Profile
from cockpit.world.controllers import manifests
from cockpit.world.controllers.gitops import HEAL_AFTER
from cockpit.world.git import Git, git_of
from tests.world_lab import Lab, revision

DEPLOY = "https://git.acme.test/shop/deploy.git"


def world(name: str) -> Lab:
    lab = Lab(nodes=0)
    scenario.load(lab, name)
    assert lab.controllers.failures() == {}
    return lab


@pytest.fixture
def argo() -> Lab:
    return world("self-heal")


@pytest.fixture
def flux() -> Lab:
    return world("flux")


def template(lab: Lab, name: str) -> dict[str, Any]:
    found: dict[str, Any] = lab.get("rollouts", name, "shop")["spec"]["template"]
    return found


def go_back(lab: Lab, name: str, to: int = 2) -> dict[str, Any]:
    """Roll back as the cockpit does, to the whole template of version ``to``. The template there was before."""
    uid = lab.get("rollouts", name, "shop")["metadata"]["uid"]
    # by age, since a rollback gives its ReplicaSet a new revision
    old = sorted(lab.objects.owned("replicasets", uid), key=lambda rs: str(rs["metadata"]["creationTimestamp"]))[to - 1]
    before = template(lab, name)
    target = copy.deepcopy(old["spec"]["template"])
    target["metadata"] = {**target["metadata"], "labels": {"app": name}}

    def write(found: Object) -> None:
        found["spec"]["template"] = target

    lab.objects.mutate("rollouts", "shop", name, write, manager="rollout-cockpit")
    assert template(lab, name) == target != before
    return before


def owner(lab: Lab, name: str, plural: str = "applications", namespace: str = "argocd") -> Object:
    return lab.get(plural, name, namespace)


def sync(lab: Lab, name: str) -> str:
    return str(owner(lab, name)["status"]["sync"]["status"])


def writes(lab: Lab, plural: str, namespace: str, name: str, change: Callable[[Object], None]) -> None:
    assert lab.objects.mutate(plural, namespace, name, change, manager="kubectl-patch") is not None


def enabled(value: bool | None) -> Callable[[Object], None]:
    def change(found: Object) -> None:
        automated = found["spec"]["syncPolicy"]["automated"]
        if value is None:
            automated.pop("enabled", None)
        else:
            automated["enabled"] = value

    return change


def suspended(value: bool) -> Callable[[Object], None]:
    return lambda found: found["spec"].update({"suspend": value})


# -- Argo CD ----------------------------------------------------------------------------------------------------


def test_self_heal_flips_a_rollback_back_after_its_back_off(argo: Lab) -> None:
    before, entries = go_back(argo, "cart"), len(owner(argo, "shop-cart")["status"]["history"])
    argo.settle(HEAL_AFTER - 0.5)
    assert template(argo, "cart") != before
    assert sync(argo, "shop-cart") == "OutOfSync"
    row = next(r for r in owner(argo, "shop-cart")["status"]["resources"] if r["kind"] == "Rollout")
    assert (row["status"], row["namespace"], row["name"]) == ("OutOfSync", "shop", "cart")
    argo.settle(1.5)
    assert template(argo, "cart") == before
    status = owner(argo, "shop-cart")["status"]
    assert status["sync"]["status"] == "Synced"
    assert status["operationState"]["operation"]["initiatedBy"] == {"automated": True}
    assert status["operationState"]["operation"]["sync"]["resources"] == [
        {"group": "argoproj.io", "kind": "Rollout", "name": "cart"}
    ]
    assert len(status["history"]) == entries  # a self-heal deploys nothing new
    last = max(
        (e for e in argo.get("rollouts", "cart", "shop")["metadata"]["managedFields"] if "f:spec" in e["fieldsV1"]),
        key=lambda entry: str(entry["time"]),
    )
    assert last["manager"] == "argocd-controller"
    assert any("Partial sync operation" in text for text in argo.events("Application", "OperationCompleted"))


def test_what_is_put_back_reuses_the_replica_set_that_is_there(argo: Lab) -> None:
    uid = argo.get("rollouts", "cart", "shop")["metadata"]["uid"]
    names = {rs["metadata"]["name"] for rs in argo.objects.owned("replicasets", uid)}
    go_back(argo, "cart")
    argo.settle(30)
    assert {rs["metadata"]["name"] for rs in argo.objects.owned("replicasets", uid)} == names


def test_a_second_rollback_waits_out_the_back_off_again(argo: Lab) -> None:
    before = go_back(argo, "cart")
    argo.until(lambda: template(argo, "cart") == before)
    healed = argo.clock.now()
    go_back(argo, "cart")
    argo.until(lambda: template(argo, "cart") == before)
    assert argo.clock.now() - healed >= HEAL_AFTER - 0.5


@pytest.mark.parametrize("name", ["catalog", "orders"])
def test_without_self_heal_a_rollback_is_only_reported(argo: Lab, name: str) -> None:
    before = go_back(argo, name)
    argo.settle(1800)
    assert template(argo, name) != before
    assert sync(argo, f"shop-{name}") == "OutOfSync"


def test_replicas_and_a_pause_by_hand_are_nobodys_drift(argo: Lab) -> None:
    writes(argo, "rollouts", "shop", "cart", lambda found: found["spec"].update({"paused": True, "replicas": 7}))
    argo.settle(60)
    assert sync(argo, "shop-cart") == "Synced"
    before = go_back(argo, "cart")
    argo.until(lambda: template(argo, "cart") == before)
    spec = argo.get("rollouts", "cart", "shop")["spec"]
    assert (spec["paused"], spec["replicas"]) == (True, 7)


def test_suspending_holds_the_rollback_and_resuming_flips_it(argo: Lab) -> None:
    writes(argo, "applications", "argocd", "shop-cart", enabled(False))
    before = go_back(argo, "cart")
    argo.settle(600)
    assert template(argo, "cart") != before
    assert sync(argo, "shop-cart") == "OutOfSync"
    writes(argo, "applications", "argocd", "shop-cart", enabled(None))
    argo.settle(HEAL_AFTER + 1)
    assert template(argo, "cart") == before


def test_the_commit_that_says_the_same_makes_a_rollback_durable(argo: Lab) -> None:
    go_back(argo, "cart", to=3)
    held = template(argo, "cart")
    commit = git_of(argo).revert(DEPLOY, "apps/shop-cart", "sre2 <sre2@acme.test>")
    assert commit is not None
    assert commit.subject == 'Revert "shop/cart: v4"'
    argo.settle(600)
    assert template(argo, "cart")["spec"]["containers"][0]["image"] == held["spec"]["containers"][0]["image"]
    status = owner(argo, "shop-cart")["status"]
    assert (status["sync"]["status"], status["sync"]["revision"]) == ("Synced", commit.sha)


def test_a_generated_application_loses_what_suspends_it(argo: Lab) -> None:
    reference = owner(argo, "shop-gateway")["metadata"]["ownerReferences"][0]
    assert (reference["kind"], reference["name"]) == ("ApplicationSet", "shop")
    writes(argo, "applications", "argocd", "shop-gateway", enabled(False))
    before = go_back(argo, "gateway")
    argo.settle(30)
    assert "enabled" not in owner(argo, "shop-gateway")["spec"]["syncPolicy"]["automated"]
    assert template(argo, "gateway") == before


def test_an_application_set_leaves_what_it_is_told_to_ignore(argo: Lab) -> None:
    rule = [{"jsonPointers": ["/spec/syncPolicy"]}]
    writes(argo, "applicationsets", "argocd", "shop", lambda f: f["spec"].update(ignoreApplicationDifferences=rule))
    writes(argo, "applications", "argocd", "shop-gateway", enabled(False))
    before = go_back(argo, "gateway")
    argo.settle(60)
    assert owner(argo, "shop-gateway")["spec"]["syncPolicy"]["automated"]["enabled"] is False
    assert template(argo, "gateway") != before


@pytest.mark.parametrize(
    "rule",
    [
        {"jsonPointers": ["/spec/template/spec/containers/0/image"]},
        {"jqPathExpressions": [".spec.template.spec.containers[].image"]},
    ],
)
def test_an_ignored_image_is_no_difference(argo: Lab, rule: dict[str, Any]) -> None:
    ignored = [{"group": "argoproj.io", "kind": "Rollout", **rule}]
    writes(argo, "applications", "argocd", "shop-cart", lambda f: f["spec"].update(ignoreDifferences=ignored))
    before = go_back(argo, "cart")
    argo.settle(60)
    assert (sync(argo, "shop-cart"), template(argo, "cart") == before) == ("Synced", False)


def test_skip_reconcile_stops_everything(argo: Lab) -> None:
    skip = {"argocd.argoproj.io/skip-reconcile": "true"}
    writes(argo, "applications", "argocd", "shop-cart", lambda f: f["metadata"].update(annotations=skip))
    before = go_back(argo, "cart")
    argo.settle(60)
    assert (sync(argo, "shop-cart"), template(argo, "cart") == before) == ("Synced", False)


def test_a_sync_that_somebody_asked_for_is_in_the_history(argo: Lab) -> None:
    before = go_back(argo, "orders")
    argo.settle(5)
    asked = {"sync": {"revision": "HEAD"}, "initiatedBy": {"username": "sre2"}}
    writes(argo, "applications", "argocd", "shop-orders", lambda f: f.update(operation=asked))
    argo.settle(5)
    found = owner(argo, "shop-orders")
    assert "operation" not in found
    entry = found["status"]["history"][-1]
    assert (entry["id"], entry["initiatedBy"]) == (4, {"username": "sre2"})
    assert parse_time(entry["deployedAt"]) is not None
    assert template(argo, "orders") == before


def test_an_application_without_its_source_is_unknown(argo: Lab) -> None:
    writes(argo, "applications", "argocd", "shop-cart", lambda f: f["spec"]["source"].update(path="elsewhere"))
    argo.settle(5)
    status = owner(argo, "shop-cart")["status"]
    assert status["sync"]["status"] == "Unknown"
    assert status["conditions"][0]["type"] == "ComparisonError"
    assert "elsewhere" in status["conditions"][0]["message"]
    writes(argo, "applications", "argocd", "shop-cart", lambda f: f["spec"]["source"].update(path="apps/shop-cart"))
    argo.settle(5)
    status = owner(argo, "shop-cart")["status"]
    assert (status["sync"]["status"], "conditions" in status) == ("Synced", False)


def test_a_deleted_object_is_missing_and_made_again(argo: Lab) -> None:
    argo.objects.delete("services", "shop", "cart")
    argo.settle(1)
    row = next(r for r in owner(argo, "shop-cart")["status"]["resources"] if r["kind"] == "Service")
    assert (row["status"], row["health"]["status"]) == ("OutOfSync", "Missing")
    argo.settle(HEAL_AFTER + 1)
    assert argo.objects.get("services", "shop", "cart") is not None


def test_owned_objects_say_whose_they_are(argo: Lab, flux: Lab) -> None:
    note = argo.get("rollouts", "cart", "shop")["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"]
    assert note == "shop-cart:argoproj.io/Rollout:shop/cart"
    labels = flux.get("rollouts", "cart", "shop")["metadata"]["labels"]
    assert labels["kustomize.toolkit.fluxcd.io/name"] == "shop-cart"
    assert labels["kustomize.toolkit.fluxcd.io/namespace"] == "flux-system"
    assert flux.get("rollouts", "orders", "shop")["metadata"]["labels"]["helm.toolkit.fluxcd.io/name"] == "orders"


# -- Flux -------------------------------------------------------------------------------------------------------


def test_a_kustomization_applies_again_within_its_interval(flux: Lab) -> None:
    before, began = go_back(flux, "cart"), flux.clock.now()
    flux.until(lambda: template(flux, "cart") == before)
    assert 0 < flux.clock.now() - began <= 61
    assert "Rollout/shop/cart configured" in flux.events("Kustomization", "Progressing")
    flux.settle(600)
    assert flux.events("Kustomization", "Progressing").count("Rollout/shop/cart configured") == 1


@pytest.mark.parametrize("name", ["catalog", "ledger", "gateway"])
def test_what_is_suspended_exempted_or_not_watched_stays(flux: Lab, name: str) -> None:
    before = go_back(flux, name)
    flux.settle(900)
    assert template(flux, name) != before


def test_resuming_a_kustomization_flips_at_once(flux: Lab) -> None:
    before = go_back(flux, "catalog")
    flux.settle(120)
    assert template(flux, "catalog") != before
    writes(flux, "kustomizations", "flux-system", "shop-catalog", suspended(False))
    flux.settle(2)
    assert template(flux, "catalog") == before
    writes(flux, "kustomizations", "flux-system", "shop-catalog", suspended(True))
    go_back(flux, "catalog")
    flux.settle(300)
    assert template(flux, "catalog") != before


def test_drift_detection_mends_a_release_and_says_so(flux: Lab) -> None:
    before = go_back(flux, "orders")
    flux.until(lambda: template(flux, "orders") == before, limit=61)
    assert "has drifted" in flux.events("HelmRelease", "DriftDetected")[0]
    assert "has been corrected" in flux.events("HelmRelease", "DriftCorrected")[0]
    assert len(owner(flux, "orders", "helmreleases", "shop")["status"]["history"]) == 4


def test_mode_warn_reports_drift_and_leaves_it(flux: Lab) -> None:
    change = {"driftDetection": {"mode": "warn"}}
    writes(flux, "helmreleases", "shop", "orders", lambda f: f["spec"].update(change))
    before = go_back(flux, "orders")
    flux.settle(300)
    assert template(flux, "orders") != before
    assert flux.events("HelmRelease", "DriftDetected") and not flux.events("HelmRelease", "DriftCorrected")


def test_an_interval_without_drift_writes_nothing(flux: Lab) -> None:
    flux.settle(120)
    before = owner(flux, "shop-cart", "kustomizations", "flux-system")["metadata"]["resourceVersion"]
    flux.settle(600)
    assert owner(flux, "shop-cart", "kustomizations", "flux-system")["metadata"]["resourceVersion"] == before


def test_a_chart_of_one_release_upgrades_no_other(flux: Lab) -> None:
    revert = git_of(flux).revert("https://charts.acme.test", "orders", "sre2")
    assert revert is not None
    flux.settle(120)
    history = owner(flux, "orders", "helmreleases", "shop")["status"]["history"]
    assert [(row["version"], row["status"]) for row in history[:2]] == [(5, "deployed"), (4, "superseded")]
    assert len(owner(flux, "gateway", "helmreleases", "shop")["status"]["history"]) == 4


# -- Helm, configuration, migrations ----------------------------------------------------------------------------


def test_helm_keeps_its_records_and_one_is_pending() -> None:
    lab = world("helm")
    found = {
        name: [s["metadata"]["labels"]["status"] for s in lab.objects.select("secrets", "shop", {"name": name})]
        for name in ("cart", "catalog")
    }
    assert found["cart"] == ["superseded"] * 3 + ["deployed"]
    assert found["catalog"] == ["superseded", "superseded", "deployed", "pending-upgrade"]
    assert lab.get("rollouts", "cart", "shop")["metadata"]["annotations"]["meta.helm.sh/release-name"] == "cart"


def test_changed_configuration_tells_when_its_data_was_written() -> None:
    lab = world("config-changed")
    present = lab.clock.now()

    def written(plural: str, name: str) -> float:
        entries = lab.get(plural, name, "shop")["metadata"]["managedFields"]
        return present - max(parse_time(e["time"]) or 0.0 for e in entries if "f:data" in e["fieldsV1"])

    assert [written("configmaps", f"cart-{name}") for name in ("settings", "files", "flags")] == [240, 1200, 3900]
    assert written("secrets", "cart-db") == 300
    assert lab.objects.get("configmaps", "shop", "cart-legacy") is None
    assert lab.objects.get("configmaps", "shop", "catalog-settings-2k4b7m9tfd") is None
    first = next(rs for rs in lab.objects.select("replicasets", "shop", {"app": "cart"}) if revision(rs) == 1)
    names = [each["configMapRef"]["name"] for each in first["spec"]["template"]["spec"]["containers"][0]["envFrom"]]
    assert names == ["cart-settings", "cart-legacy"]


def test_migrations_ran_between_the_versions_and_one_removed_itself() -> None:
    lab = world("migration")
    jobs = {job["metadata"]["name"]: job for job in lab.objects.select("jobs", "shop")}
    assert sorted(jobs) == ["cart-migrate", "orders-db-migrate"]
    assert all(job["status"]["succeeded"] == 1 for job in jobs.values())
    said = {
        revision(rs): (rs["spec"]["template"]["metadata"]["annotations"]).get("rollout-cockpit.dev/rollback")
        for rs in lab.objects.select("replicasets", "shop", {"app": "cart"})
    }
    assert said == {1: "unsafe", 2: "safe", 3: None, 4: None}


def test_a_job_whose_image_crashes_fails(argo: Lab) -> None:
    argo.profiles.set("r.test/migrate:1", Profile(crash_after=1.0))
    pod = {"restartPolicy": "Never", "containers": [{"name": "m", "image": "r.test/migrate:1"}]}
    spec = {"backoffLimit": 0, "template": {"spec": pod}}
    argo.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "m", "namespace": "shop"}, "spec": spec})
    argo.settle(30)
    status = argo.get("jobs", "m", "shop")["status"]
    assert (status["failed"], status["conditions"][0]["reason"]) == (1, "BackoffLimitExceeded")
    assert "active" not in status


# -- Git --------------------------------------------------------------------------------------------------------


def test_git_is_deterministic_and_reverts_one_path_only() -> None:
    def made() -> Git:
        git = Git(lambda: 5.0)
        for number in (1, 2):
            for path in ("a", "b"):
                git.push("r", path, [{"v": f"{path}{number}"}], f"{path}: {number}", "ci")
        return git

    git = made()
    assert [c.sha for c in git.log("r")] == [c.sha for c in made().log("r")]
    assert len({c.sha for c in git.log("r")}) == 4
    commit = git.revert("r", "a", "sre")
    assert commit is not None
    assert commit.tree == {"a": ({"v": "a1"},), "b": ({"v": "b2"},)}
    assert git.revert("r", "none", "sre") is None
    assert git.revert("nowhere", "a", "sre") is None
    again = git.revert("r", "a", "sre")
    assert again is not None and again.tree["a"] == ({"v": "a2"},)


@pytest.mark.parametrize(
    ("live", "wanted", "same"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": [{"x": 1, "y": 2}]}, {"a": [{"x": 1}]}, True),
        ({"a": None}, {"a": {}}, False),
    ],
)
def test_covers(live: Any, wanted: Any, same: bool) -> None:
    assert manifests.covers(live, wanted) is same
