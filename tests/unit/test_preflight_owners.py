"""Checks of GitOps owners: who puts what back, proven by the owner itself, with the act that makes a rollback last."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cockpit.actions.preflight import owners
from cockpit.actions.preflight.contract import Check, Context
from cockpit.actions.preflight.runner import lacking, run
from cockpit.base.clock import rfc3339
from cockpit.base.errors import ApiError, Denied, NotFound, Unreachable
from cockpit.model.plan import Consent
from cockpit.model.preflight import Finding
from tests.harness import preflight
from tests.harness.preflight import NAME, NAMESPACE, NOW, Reads

CHECKS = {each.name: each for each in owners.CHECKS}
TRACKING = "argocd.argoproj.io/tracking-id"
TRACKED = {TRACKING: f"cart:argoproj.io/Rollout:{NAMESPACE}/{NAME}"}
KUSTOMIZED = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
RELEASED = {"helm.toolkit.fluxcd.io/name": "cart", "helm.toolkit.fluxcd.io/namespace": NAMESPACE}
INSTALLED = {"meta.helm.sh/release-name": "cart", "meta.helm.sh/release-namespace": NAMESPACE}
OLD, NEW = "1" * 40, "2" * 40


def application(name: str = "cart", automated: Any = None, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd", "uid": "a"},
        "spec": {
            "source": {"repoURL": "https://git.example/shop.git", "path": "cart"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": NAMESPACE},
            "syncPolicy": {"automated": automated} if automated is not None else {},
        },
        "status": {
            "sync": {"status": "Synced", "revision": NEW},
            "history": [
                {"id": 0, "revision": OLD, "deployedAt": rfc3339(NOW - 86_410)},
                {"id": 1, "revision": NEW, "deployedAt": rfc3339(NOW - 3_600)},
            ],
            "resources": [
                {"group": "argoproj.io", "version": "v1alpha1", "kind": "Rollout", "namespace": NAMESPACE, "name": NAME}
            ],
        },
    }
    for member, value in more.items():
        body[member] = {**body[member], **value}
    return body


def kustomization(**spec: Any) -> dict[str, Any]:
    return {
        "kind": "Kustomization",
        "metadata": {"name": "apps", "namespace": "flux-system", "uid": "k"},
        "spec": {"interval": "10m", **spec},
        "status": {"lastAppliedRevision": f"main@sha1:{NEW}"},
    }


def helmrelease(**spec: Any) -> dict[str, Any]:
    return {
        "kind": "HelmRelease",
        "metadata": {"name": "cart", "namespace": NAMESPACE, "uid": "h"},
        "spec": {"interval": "5m", **spec},
        "status": {
            "history": [
                {"name": "cart", "namespace": NAMESPACE, "version": 7, "chartVersion": "2.0.0"},
                {"name": "cart", "namespace": NAMESPACE, "version": 6, "chartVersion": "1.9.0"},
            ]
        },
    }


def release(version: int, status: str, age: float = 60.0) -> dict[str, Any]:
    return {
        "kind": "Secret",
        "metadata": {
            "name": f"sh.helm.release.v1.cart.v{version}",
            "labels": {"owner": "helm", "name": "cart", "version": str(version), "status": status},
            "creationTimestamp": rfc3339(NOW - age),
        },
    }


def marked(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    made: dict[str, Any] = preflight.workload(labels, annotations)
    return made


async def ask(name: str, *objects: Any, absent: tuple[str, ...] = (), **fails: Any) -> Finding:
    """One check over these objects, as the runner would report it. ``fails``: ``get_kustomizations=Denied(…)``."""
    reads = Reads(*objects, absent=absent)
    reads.fails = {request.replace("_", " "): failure for request, failure in fails.items()}
    return await asked(name, preflight.context(reads))


async def asked(name: str, ctx: Context) -> Finding:
    check = CHECKS[name]
    quick = Check(check.name, check.title, check.severity, check.run, deadline=0.05)
    return (await run(ctx, {}, 0.0, checks=(quick,))).findings[0]


# -- Argo CD -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("automated", "severity", "said"),
    [
        ({"selfHeal": True}, "block", "within seconds"),
        ({"selfHeal": True, "enabled": True}, "block", "within seconds"),
        ({"selfHeal": True, "enabled": None}, "block", "within seconds"),
        ({"prune": True}, "confirm", "at the next commit"),
        ({}, "confirm", "at the next commit"),
        ({"selfHeal": True, "enabled": False}, "info", "is suspended"),
        (None, "warn", "synced by hand"),
    ],
    ids=str,
)
async def test_the_sync_policy_decides_what_argo_cd_does_to_a_rollback(
    automated: Any, severity: str, said: str
) -> None:
    found = await ask("argocd", marked(annotations=TRACKED), application(automated=automated))
    assert (found.state, found.severity) == ("finding", severity)
    assert said in found.text
    assert "Application argocd/cart" in found.text


async def test_the_remedy_is_the_commit_and_the_command() -> None:
    found = await ask("argocd", marked(annotations=TRACKED), application(automated={"selfHeal": True}))
    assert f"git restore --source {OLD} -- cart, then commit in https://git.example/shop.git" in str(found.remedy)
    assert f"cockpit gitops suspend {NAMESPACE}/{NAME}" in str(found.remedy)
    assert "argocd app set cart --sync-policy none" in str(found.remedy)


async def test_without_a_deployment_of_that_time_only_the_commit_in_force_is_reverted() -> None:
    app = application(automated={"selfHeal": True})
    app["status"]["history"] = []
    found = await ask("argocd", marked(annotations=TRACKED), app)
    assert f"git revert $(git log -1 --format=%H {NEW} -- cart) in https" in str(found.remedy)


async def test_an_application_of_a_whole_repository_reverts_its_commits() -> None:
    app = application(automated={"selfHeal": True})
    app["spec"]["source"]["path"] = "."
    found = await ask("argocd", marked(annotations=TRACKED), app)
    assert f"git revert --no-edit {OLD}..{NEW} in https://git.example/shop.git" in str(found.remedy)
    app["status"]["history"] = []
    found = await ask("argocd", marked(annotations=TRACKED), app)
    assert f"git revert {NEW} in https" in str(found.remedy)


async def test_a_path_cannot_add_to_the_command() -> None:
    app = application(automated={"selfHeal": True})
    app["spec"]["source"]["path"] = "cart'; rm -rf ~ #"
    found = await ask("argocd", marked(annotations=TRACKED), app)
    assert "-- 'cart; rm -rf ~ #', then" in str(found.remedy)


async def test_a_chart_goes_back_by_its_version() -> None:
    app = application(automated={"selfHeal": True})
    app["spec"]["source"] = {"repoURL": "https://charts.example", "chart": "cart"}
    app["status"]["sync"]["revision"] = "2.0.0"
    app["status"]["history"][0]["revision"] = "1.9.0"
    found = await ask("argocd", marked(annotations=TRACKED), app)
    assert "set targetRevision back to 1.9.0 for chart cart" in str(found.remedy)


async def test_a_secret_in_the_address_of_a_repository_is_not_shown() -> None:
    app = application(automated={"selfHeal": True})
    app["spec"]["source"]["repoURL"] = "https://user:hunter2@git.example/shop.git"
    found = await ask("argocd", marked(annotations=TRACKED), app)
    assert "hunter2" not in str(found)
    assert "git.example/shop.git" in str(found.remedy)


async def test_what_a_revision_says_is_no_command_unless_it_is_a_commit() -> None:
    app = application(automated={"selfHeal": True})
    app["status"]["sync"]["revision"] = "x; rm -rf ~"
    found = await ask("argocd", marked(annotations=TRACKED), app)
    assert "git revert" not in str(found.remedy)


@pytest.mark.parametrize("labels", [{"app.kubernetes.io/instance": "cart"}, {"team/app": "cart"}, {}], ids=str)
async def test_an_application_that_lists_it_owns_it_whatever_the_marks(labels: dict[str, str]) -> None:
    found = await ask("argocd", marked(labels), application(automated={"selfHeal": True}))
    assert (found.state, found.severity) == ("finding", "block")


async def test_the_instance_label_alone_proves_nothing() -> None:
    app = application(automated={"selfHeal": True}, status={"resources": []})
    found = await ask("argocd", marked({"app.kubernetes.io/instance": "cart"}), app)
    assert (found.state, found.text) == ("skipped", "no Application lists it")
    absent = await ask("argocd", marked({"app.kubernetes.io/instance": "cart"}), absent=("applications",))
    assert absent.state == "skipped"


async def test_a_copied_tracking_id_claims_nothing() -> None:
    copied = {TRACKING: f"cart:apps/Deployment:{NAMESPACE}/{NAME}"}
    found = await ask("argocd", marked(annotations=copied), absent=("applications",))
    assert found.state == "skipped"
    assert "another object's" in found.text


@pytest.mark.parametrize(
    "marks", [{"annotations": TRACKED}, {"labels": {"argocd.argoproj.io/instance": "cart"}}], ids=str
)
@pytest.mark.parametrize("world", ["absent", "none", "unlisted"])
async def test_a_claim_without_its_application_is_unknown(marks: dict[str, Any], world: str) -> None:
    objects = [application(status={"resources": None})] if world == "unlisted" else []
    found = await ask("argocd", marked(**marks), *objects, absent=("applications",) if world == "absent" else ())
    assert (found.state, found.typed) == ("unknown", True)


async def test_an_application_of_another_cluster_owns_another_object() -> None:
    there = application(automated={"selfHeal": True})
    there["spec"]["destination"] = {"server": "https://another.example:6443"}
    assert (await ask("argocd", marked(), there)).state == "skipped"
    assert (await ask("argocd", marked(annotations=TRACKED), there)).severity == "block"


async def test_an_application_outside_argo_cds_namespace_is_named_with_its_own() -> None:
    app = application(automated={"selfHeal": True})
    app["metadata"]["namespace"] = "team-a"
    tracked = {TRACKING: f"team-a_cart:argoproj.io/Rollout:{NAMESPACE}/{NAME}"}
    found = await ask("argocd", marked(annotations=tracked), app)
    assert found.severity == "block"
    assert "argocd app set cart -N team-a" in str(found.remedy)
    other = {TRACKING: f"team-b_cart:argoproj.io/Rollout:{NAMESPACE}/{NAME}"}
    unlisted = application(status={"resources": []})
    assert (await ask("argocd", marked(annotations=other), unlisted)).state == "unknown"


async def test_narrow_rights_read_the_application_that_the_mark_names() -> None:
    app = application(automated={"selfHeal": True})
    denied = {"list applications": Denied("forbidden")}
    found = await ask("argocd", marked(annotations=TRACKED), app, **denied)
    assert (found.state, found.severity) == ("finding", "block")
    assert (await ask("argocd", marked(), app, **denied)).state == "unknown"
    # Where the cluster has no such kind at all, the refusal hides nothing; a mark still says that there should be one.
    assert (await ask("argocd", marked(), **denied)).state == "skipped"
    assert (await ask("argocd", marked(annotations=TRACKED), **denied)).state == "unknown"


async def test_an_application_told_to_skip_reconciling_is_said() -> None:
    app = application(automated={"selfHeal": True})
    app["metadata"]["annotations"] = {"argocd.argoproj.io/skip-reconcile": "true"}
    found = await ask("argocd", marked(annotations=TRACKED), app)
    assert (found.severity, "skip reconciling" in found.text) == ("info", True)


async def test_parents_ignored_differences_and_the_image_updater_are_evidence() -> None:
    app = application(automated={"selfHeal": True})
    app["metadata"] |= {
        "ownerReferences": [{"kind": "ApplicationSet", "name": "shops", "controller": True}],
        "annotations": {"argocd-image-updater.argoproj.io/image-list": "cart"},
    }
    app["spec"]["ignoreDifferences"] = [{"kind": "Rollout", "jsonPointers": ["/spec/replicas"]}]
    found = await ask("argocd", marked(annotations=TRACKED), app)
    said = "\n".join(found.evidence)
    assert "ApplicationSet shops" in said
    assert "/spec/replicas" in said
    assert "Image Updater" in said


async def test_a_sync_under_way_is_waited_for() -> None:
    app = application(status={"operationState": {"phase": "Running"}})
    found = await ask("argocd", marked(annotations=TRACKED), app)
    assert (found.severity, "under way" in found.text) == ("confirm", True)


# -- Flux --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "severity"), [({}, "block"), ({"suspend": False}, "block"), ({"suspend": True}, "info")], ids=str
)
async def test_a_kustomization_reverts_unless_it_is_suspended(spec: dict[str, Any], severity: str) -> None:
    found = await ask("flux", marked(KUSTOMIZED), kustomization(**spec))
    assert (found.state, found.severity) == ("finding", severity)
    assert f"git revert {NEW}" in str(found.remedy)
    if severity == "block":
        assert "within 10m" in found.text
        assert "flux suspend kustomization apps -n flux-system" in str(found.remedy)
        assert f"cockpit gitops suspend {NAMESPACE}/{NAME}" in str(found.remedy)


@pytest.mark.parametrize(
    ("spec", "severity"),
    [
        ({}, "confirm"),
        ({"driftDetection": {"mode": "warn"}}, "confirm"),
        ({"driftDetection": {"mode": "enabled"}}, "block"),
        ({"driftDetection": {"mode": "enabled"}, "suspend": True}, "info"),
    ],
    ids=str,
)
async def test_a_helmrelease_reverts_when_it_corrects_drift(spec: dict[str, Any], severity: str) -> None:
    found = await ask("flux", marked(RELEASED), helmrelease(**spec))
    assert (found.state, found.severity) == ("finding", severity)
    assert f"helm rollback cart 6 -n {NAMESPACE}" in str(found.remedy)
    assert "chart 1.9.0 instead of 2.0.0" in str(found.remedy)


async def test_an_older_flux_is_asked_by_its_own_version() -> None:
    class Older(Reads):
        async def get(self, resource: Any, namespace: str, name: str) -> dict[str, Any]:
            if (resource.plural, resource.version) == ("kustomizations", "v1"):
                raise NotFound("the server could not find the requested resource")
            return await super().get(resource, namespace, name)

    found = await asked("flux", preflight.context(Older(marked(KUSTOMIZED), kustomization())))
    assert found.severity == "block"


async def test_no_label_of_flux_and_a_label_without_its_object_are_told_apart() -> None:
    assert (await ask("flux", marked())).state == "skipped"
    found = await ask("flux", marked(KUSTOMIZED))
    assert (found.state, found.typed) == ("unknown", True)


async def test_an_object_that_flux_is_told_to_leave_alone() -> None:
    off = {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}
    found = await ask("flux", marked(KUSTOMIZED, off), kustomization())
    assert (found.severity, "leaves it alone" in found.text) == ("info", True)


async def test_labels_that_were_copied_still_take_the_name() -> None:
    owner = kustomization()
    owner["status"]["inventory"] = {"entries": [{"id": f"{NAMESPACE}_other_argoproj.io_Rollout", "v": "v1alpha1"}]}
    assert (await ask("flux", marked(KUSTOMIZED), owner)).severity == "confirm"
    owner["status"]["inventory"]["entries"].append({"id": f"{NAMESPACE}_{NAME}_argoproj.io_Rollout", "v": "v1alpha1"})
    assert (await ask("flux", marked(KUSTOMIZED), owner)).severity == "block"


# -- Helm and others ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "severity"),
    [("deployed", "warn"), ("failed", "warn"), ("pending-upgrade", "confirm"), ("pending-rollback", "confirm")],
)
async def test_a_release_overwrites_and_a_pending_one_takes_the_name(status: str, severity: str) -> None:
    records = (release(9, "superseded", 90_000), release(10, "superseded", 86_390), release(11, status))
    found = await ask("helm", marked(annotations=INSTALLED), *records)
    assert (found.state, found.severity) == ("finding", severity)
    if severity == "warn":
        assert f"helm rollback cart 10 -n {NAMESPACE}" in str(found.remedy)


async def test_the_release_of_the_targets_time_is_the_one_to_return_to() -> None:
    records = (release(9, "superseded", 86_390), release(10, "superseded", 7_200), release(11, "deployed"))
    found = await ask("helm", marked(annotations=INSTALLED), *records)
    assert "helm rollback cart 9 " in str(found.remedy)


async def test_a_release_without_records_is_unknown_and_a_chart_without_release_is_no_matter() -> None:
    assert (await ask("helm", marked(annotations=INSTALLED))).state == "unknown"
    assert (await ask("helm", marked({"app.kubernetes.io/managed-by": "Helm"}))).state == "skipped"
    assert (await ask("helm", marked())).state == "skipped"


async def test_other_programs_are_named_by_their_marks_and_by_who_wrote_the_images() -> None:
    assert (await ask("owners", marked({"kapp.k14s.io/app": "1"}))).severity == "warn"
    written = marked()
    fields = {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': {"f:image": {}}}}}}}
    written["metadata"]["managedFields"] = [{"manager": "Terraform", "fieldsV1": fields}]
    found = await ask("owners", written)
    assert (found.state, "Terraform" in found.text) == ("finding", True)
    written["metadata"]["managedFields"][0]["manager"] = "kubectl-client-side-apply"
    assert (await ask("owners", written)).state == "skipped"


# -- unknown is never good ---------------------------------------------------------------------------------------------

OWNED: dict[str, tuple[Any, ...]] = {
    "argocd": (marked(annotations=TRACKED), application(automated={"selfHeal": True})),
    "flux": (marked(KUSTOMIZED), kustomization()),
    "helm": (marked(annotations=INSTALLED), release(1, "superseded", 90.0), release(2, "pending-upgrade")),
    "owners": (marked({"kapp.k14s.io/app": "1"}),),
}
REQUESTS = {
    "argocd": ("get rollouts", "list applications"),
    "flux": ("get rollouts", "get kustomizations"),
    "helm": ("get rollouts", "metadatas secrets"),
    "owners": ("get rollouts",),
}
FAILURES: dict[str, Any] = {
    "403": Denied("forbidden"),
    "500": Unreachable("HTTP 500"),
    "error": ApiError("teapot", status=418),
    "time-out": TimeoutError(),
    "None": None,
    "{}": {},
    "page": {"items": "x"},
    "text": "x",
}
RANK = {"info": 0, "warn": 1, "confirm": 2, "block": 3}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(("name", "request_"), [(name, each) for name, asked in REQUESTS.items() for each in asked])
async def test_a_request_that_fails_is_never_passed_over(name: str, request_: str, failure: str) -> None:
    reads = Reads(*copy.deepcopy(OWNED[name]))
    whole = await asked(name, preflight.context(reads))
    assert request_ in reads.asked
    assert whole.state == "finding"
    reads.fails = {request_: FAILURES[failure]}
    ctx = preflight.context(reads)
    found = await asked(name, ctx)
    blocked = found.state == "finding" and RANK[found.severity] >= RANK[whole.severity]
    assert blocked or (found.state, found.typed) == ("unknown", True)
    quick = Check(name, "", "info", CHECKS[name].run, deadline=0.05)
    told = await run(ctx, {}, 0.0, checks=(quick,))
    assert lacking(told, Consent(yes=True), ctx.plan) is not None


@pytest.mark.parametrize(
    ("name", "path", "junk"),
    [
        ("argocd", ("spec", "syncPolicy"), "on"),
        ("argocd", ("spec", "syncPolicy", "automated"), True),
        ("argocd", ("spec", "syncPolicy", "automated", "selfHeal"), "no"),
        ("argocd", ("spec", "syncPolicy", "automated", "enabled"), "false"),
        ("argocd", ("status",), "x"),
        ("argocd", ("status", "resources"), {"a": 1}),
        ("argocd", ("status", "resources"), [1]),
        ("argocd", ("metadata",), None),
        ("flux", ("spec",), None),
        ("flux", ("spec", "suspend"), "true"),
        ("flux", ("metadata",), {}),
    ],
    ids=str,
)
async def test_an_owner_that_is_not_readable_is_unknown(name: str, path: tuple[str, ...], junk: Any) -> None:
    reads = Reads(*copy.deepcopy(OWNED[name]))
    *parents, leaf = path
    inner: Any = next(body for (plural, _, _), body in reads.held.items() if plural != "rollouts")
    for each in parents:
        inner = inner[each]
    inner[leaf] = junk
    found = await asked(name, preflight.context(reads))
    assert (found.state, found.typed) == ("unknown", True), found


async def test_nothing_of_an_owner_is_asked_for_whole_that_may_hold_secrets() -> None:
    reads = Reads(marked(annotations=INSTALLED), release(1, "deployed"))
    await asked("helm", preflight.context(reads))
    assert reads.asked == ["get rollouts", "metadatas secrets"]


async def test_a_workload_of_nobody_is_quiet() -> None:
    for name in CHECKS:
        assert (await ask(name, marked(), absent=("applications", "kustomizations", "helmreleases"))).state == "skipped"


async def test_sync_windows_are_told_and_hide_nothing_when_they_cannot_be_read() -> None:
    project = {
        "kind": "AppProject",
        "metadata": {"name": "default", "namespace": "argocd"},
        "spec": {"syncWindows": [{"kind": "deny", "schedule": "0 22 * * *", "duration": "8h"}]},
    }
    healing = application(automated={"selfHeal": True})
    reads = Reads(preflight.workload(), healing, project)
    finding = await preflight.ran(CHECKS["argocd"], preflight.context(reads))
    assert (finding.severity, finding.evidence[-1]) == (
        "block",
        "project default has a sync window: deny 0 22 * * * for 8h",
    )
    for failure in preflight.FAILURES.values():
        if isinstance(failure, Exception) and not isinstance(failure, TimeoutError):
            reads.fails["get appprojects"] = failure
            finding = await preflight.ran(CHECKS["argocd"], preflight.context(reads))
            assert finding.severity == "block"
            assert finding.evidence[-1].startswith("its sync windows are not known: ")
