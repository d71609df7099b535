"""The API of the kinds that own workloads, of metadata alone, and of pods that would not be admitted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.world_client import MERGE_PATCH, PODS, Client, pod, serving

APPS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts"
RELEASES = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/shop/helmreleases"
KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations"
SETTINGS = "/api/v1/namespaces/shop/configmaps"
SECRETS = "/api/v1/namespaces/shop/secrets"
ONE = {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
LIST = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}


@pytest.fixture
async def argo(tmp_path: Path) -> AsyncIterator[Client]:
    async with serving(tmp_path, scenario="self-heal") as client:
        yield client


@pytest.fixture
async def flux(tmp_path: Path) -> AsyncIterator[Client]:
    async with serving(tmp_path, scenario="flux") as client:
        yield client


async def advance(api: Client, seconds: float) -> None:
    assert (await api.control("POST", "/clock/advance", {"seconds": seconds})).status == 200


async def image(api: Client, name: str) -> str:
    found = (await api.get(f"{ROLLOUTS}/{name}")).body
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


async def set_image(api: Client, name: str, to: str = "registry.acme.test/shop/other:v1") -> str:
    """What it was before."""
    before = await image(api, name)
    operation = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": to}
    assert (await api.patch(f"{ROLLOUTS}/{name}", [operation])).status == 200
    return before


@pytest.mark.parametrize(
    ("group", "version", "plural", "kind", "short", "status"),
    [
        ("argoproj.io", "v1alpha1", "applications", "Application", ["app", "apps"], False),
        ("argoproj.io", "v1alpha1", "appprojects", "AppProject", ["appproj", "appprojs"], False),
        ("argoproj.io", "v1alpha1", "applicationsets", "ApplicationSet", ["appset", "appsets"], True),
        ("kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization", ["ks"], True),
        ("helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease", ["hr"], True),
    ],
)
async def test_owners_are_served(
    api: Client, group: str, version: str, plural: str, kind: str, short: list[str], status: bool
) -> None:
    resources = {r["name"]: r for r in (await api.get(f"/apis/{group}/{version}")).body["resources"]}
    assert (resources[plural]["kind"], resources[plural]["shortNames"]) == (kind, short)
    assert (f"{plural}/status" in resources) is status
    crd = (await api.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{group}")).body
    assert crd["spec"]["names"]["kind"] == kind
    space = f"/apis/{group}/{version}/namespaces/trial/{plural}"
    assert (await api.get(space)).body["items"] == []
    body = {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": "x"}, "spec": {"any": "thing"}}
    assert (await api.post(space, body)).status == 201
    patched = await api.patch(f"{space}/x", {"spec": {"any": "other"}}, MERGE_PATCH)
    assert (patched.status, patched.body["metadata"]["generation"]) == (200, 2)
    await advance(api, 30)
    assert api.world.controllers is not None and api.world.controllers.failures() == {}


async def test_a_rollback_is_flipped_back_and_suspending_stops_that(argo: Client) -> None:
    before = await set_image(argo, "cart")
    await advance(argo, 1)
    app = (await argo.get(f"{APPS}/shop-cart")).body
    assert app["status"]["sync"]["status"] == "OutOfSync"
    await advance(argo, 10)
    assert await image(argo, "cart") == before
    suspend = {"spec": {"syncPolicy": {"automated": {"enabled": False}}}}
    assert (await argo.patch(f"{APPS}/shop-cart", suspend, MERGE_PATCH)).status == 200
    await set_image(argo, "cart")
    await advance(argo, 300)
    assert await image(argo, "cart") != before
    resume: dict[str, Any] = {"spec": {"syncPolicy": {"automated": {"enabled": None}}}}
    await argo.patch(f"{APPS}/shop-cart", resume, MERGE_PATCH)
    await advance(argo, 10)
    assert await image(argo, "cart") == before


async def test_a_dry_run_of_suspending_suspends_nothing(argo: Client) -> None:
    suspend = {"spec": {"syncPolicy": {"automated": {"enabled": False}}}}
    assert (await argo.patch(f"{APPS}/shop-cart?dryRun=All", suspend, MERGE_PATCH)).status == 200
    before = await set_image(argo, "cart")
    await advance(argo, 10)
    assert await image(argo, "cart") == before


async def test_git_is_seen_and_reverted_by_the_control_endpoint(argo: Client) -> None:
    log = (await argo.control("GET", "/git")).body
    (repository,) = log
    assert [c["subject"] for c in log[repository] if "cart" in c["subject"]] == [
        f"shop/cart: v{n}" for n in range(1, 5)
    ]
    app = (await argo.get(f"{APPS}/shop-cart")).body
    assert app["spec"]["source"]["repoURL"] == repository
    before = await image(argo, "cart")
    said = await argo.control("POST", "/git/revert", {"repository": repository, "path": "apps/shop-cart"})
    assert said.body["subject"] == 'Revert "shop/cart: v4"'
    await advance(argo, 5)
    assert await image(argo, "cart") != before
    app = (await argo.get(f"{APPS}/shop-cart")).body
    assert app["status"]["history"][-1]["revision"] == said.body["sha"]
    assert (await argo.control("POST", "/git/revert", {})).status == 400
    unknown = await argo.control("POST", "/git/revert", {"repository": "x", "path": "y"})
    assert "never was anything else" in unknown.body["error"]


async def test_flux_applies_again_until_it_is_suspended(flux: Client) -> None:
    before = await set_image(flux, "cart")
    await advance(flux, 61)
    assert await image(flux, "cart") == before
    for path, name in ((f"{KUSTOMIZATIONS}/shop-cart", "cart"), (f"{RELEASES}/orders", "orders")):
        assert (await flux.patch(path, {"spec": {"suspend": True}}, MERGE_PATCH)).status == 200
        before = await set_image(flux, name)
        await advance(flux, 130)
        assert await image(flux, name) != before
        await flux.patch(path, {"spec": {"suspend": False}}, MERGE_PATCH)
        await advance(flux, 65)
        assert await image(flux, name) == before


async def test_flux_reconciles_when_asked(flux: Client) -> None:
    await advance(flux, 5)
    before = await set_image(flux, "cart")
    asked = {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}}
    await flux.patch(f"{KUSTOMIZATIONS}/shop-cart", asked, MERGE_PATCH)
    await advance(flux, 1)
    assert await image(flux, "cart") == before
    assert (await flux.get(f"{KUSTOMIZATIONS}/shop-cart")).body["status"]["lastHandledReconcileAt"] == "now"


async def test_helm_records_are_found_by_their_labels(flux: Client) -> None:
    said = await flux.get(f"{SECRETS}?labelSelector=owner%3Dhelm%2Cname%3Dorders", headers=LIST)
    labels = [each["metadata"]["labels"] for each in said.body["items"]]
    assert [each["status"] for each in labels] == ["superseded", "superseded", "superseded", "deployed"]
    assert all("data" not in each for each in said.body["items"])


@pytest.mark.parametrize("path", [f"{APPS}/shop-cart", f"{ROLLOUTS}/cart", "/api/v1/namespaces/argocd"])
async def test_metadata_alone_of_one_object(argo: Client, path: str) -> None:
    said = await argo.get(path, headers=ONE)
    assert (said.status, said.body["kind"], said.body["apiVersion"]) == (
        200,
        "PartialObjectMetadata",
        "meta.k8s.io/v1",
    )
    assert set(said.body) == {"kind", "apiVersion", "metadata"}
    assert said.body["metadata"]["managedFields"]
    assert (await argo.get(path, headers=LIST)).status == 406


async def test_metadata_alone_of_a_list(argo: Client) -> None:
    said = await argo.get(APPS, headers=LIST)
    assert said.body["kind"] == "PartialObjectMetadataList"
    assert [item["metadata"]["name"] for item in said.body["items"]] == [
        f"shop-{name}" for name in ("cart", "catalog", "gateway", "orders")
    ]
    assert all(set(item) == {"kind", "apiVersion", "metadata"} for item in said.body["items"])
    refused = await argo.get(APPS, headers=ONE)
    assert (refused.status, refused.body["reason"]) == (406, "NotAcceptable")


async def test_managed_fields_tell_when_data_was_written_by_whom(tmp_path: Path) -> None:
    async with serving(tmp_path, scenario="config-changed") as api:
        entries = (await api.get(f"{SETTINGS}/cart-settings", headers=ONE)).body["metadata"]["managedFields"]
        newest = max((e for e in entries if "f:data" in e["fieldsV1"]), key=lambda e: e["time"])
        assert (newest["manager"], newest["fieldsV1"]["f:data"]) == ("kubectl-edit", {"f:TIMEOUT_MS": {}})
        await advance(api, 60)
        change = {"data": {"TIMEOUT_MS": "300"}}
        await api.patch(f"{SETTINGS}/cart-settings?fieldManager=sre2", change, MERGE_PATCH)
        entries = (await api.get(f"{SETTINGS}/cart-settings", headers=ONE)).body["metadata"]["managedFields"]
        latest = max((e for e in entries if "f:data" in e["fieldsV1"]), key=lambda e: e["time"])
        assert latest["manager"] == "sre2" and latest["time"] > newest["time"]
        label = {"metadata": {"labels": {"team": "shop"}}}
        await advance(api, 60)
        await api.patch(f"{SETTINGS}/cart-settings?fieldManager=labeller", label, MERGE_PATCH)
        entries = (await api.get(f"{SETTINGS}/cart-settings", headers=ONE)).body["metadata"]["managedFields"]
        assert max(e["time"] for e in entries if "f:data" in e["fieldsV1"]) == latest["time"]


@pytest.mark.parametrize("field", ["data", "immutable"])
async def test_what_is_immutable_stays(tmp_path: Path, field: str) -> None:
    async with serving(tmp_path, scenario="config-changed") as api:
        change = {"data": {"data": {"NEW_BASKET": "false"}}, "immutable": {"immutable": False}}[field]
        said = await api.patch(f"{SETTINGS}/cart-flags", change, MERGE_PATCH)
        assert said.status == 422
        assert f"{field}: Forbidden: field is immutable when `immutable` is set" in said.body["message"]
        label = {"metadata": {"labels": {"team": "shop"}}}
        assert (await api.patch(f"{SETTINGS}/cart-flags", label, MERGE_PATCH)).status == 200


async def test_a_pod_beyond_the_quota_is_refused_in_dry_runs_too(api: Client) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": {"pods": "1"}}}
    assert (await api.post("/api/v1/namespaces/trial/resourcequotas", quota)).status == 201
    await advance(api, 1)
    assert (await api.post(f"{PODS}?dryRun=All", pod("a"))).status == 201
    assert (await api.get(PODS)).body["items"] == []
    assert (await api.post(PODS, pod("a"))).status == 201
    for query in ("", "?dryRun=All"):
        said = await api.post(PODS + query, pod("b"))
        assert said.status == 403
        assert said.body["message"] == (
            'pods "b" is forbidden: exceeded quota: team, requested: pods=1, used: pods=1, limited: pods=1'
        )


@pytest.mark.parametrize(
    ("member", "why"),
    [
        ("serviceAccountName", 'error looking up service account trial/x: serviceaccount "x" not found'),
        ("priorityClassName", "no PriorityClass with name x was found"),
    ],
)
async def test_a_pod_that_names_what_is_not_there_is_refused(api: Client, member: str, why: str) -> None:
    body = pod("a")
    body["spec"][member] = "x"
    said = await api.post(f"{PODS}?dryRun=All", body)
    assert (said.status, said.body["message"]) == (403, f'pods "a" is forbidden: {why}')
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x"}}
    await api.post("/api/v1/namespaces/trial/serviceaccounts", account)
    priority = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "x"}, "value": 5}
    await api.post("/apis/scheduling.k8s.io/v1/priorityclasses", priority)
    assert (await api.post(f"{PODS}?dryRun=All", body)).status == 201


async def test_every_namespace_has_its_default_account(api: Client) -> None:
    accounts = "/api/v1/namespaces/trial/serviceaccounts"
    await advance(api, 1)
    assert (await api.get(f"{accounts}/default")).status == 200
    await api.call("DELETE", f"{accounts}/default")
    await advance(api, 1)
    assert (await api.get(f"{accounts}/default")).status == 200
