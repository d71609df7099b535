"""kubectl, old and new, on owners: looking at them, suspending and resuming them, and what becomes of an undo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import peers
from tests.harness.kubectl import Kubectl
from tests.harness.world import WorldProcess


@pytest.fixture(scope="module", params=["1.20", "newer"])
def binary(request: pytest.FixtureRequest) -> Path:
    if request.param == "1.20":
        return peers.need("kubectl")
    found = peers.newer_kubectl()
    if found is None:
        pytest.skip("no kubectl besides Debian's on this machine")
    return found


def standing(tmp_path_factory: pytest.TempPathFactory, scenario: str) -> WorldProcess:
    return WorldProcess(tmp_path_factory.mktemp(scenario), scenario=scenario, speed=0.0)


@pytest.fixture(scope="module")
def argo(tmp_path_factory: pytest.TempPathFactory, binary: Path) -> Iterator[tuple[WorldProcess, Kubectl]]:
    with standing(tmp_path_factory, "self-heal") as world:
        yield world, Kubectl(binary, world.kubeconfig, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory, binary: Path) -> Iterator[tuple[WorldProcess, Kubectl]]:
    with standing(tmp_path_factory, "flux") as world:
        yield world, Kubectl(binary, world.kubeconfig, tmp_path_factory.mktemp("home"))


def image(kubectl: Kubectl, name: str) -> str:
    return kubectl("get", "ro", name, "-n", "shop", "-o", "jsonpath={.spec.template.spec.containers[0].image}")


def change(kubectl: Kubectl, name: str) -> str:
    before = image(kubectl, name)
    path = "/spec/template/spec/containers/0/image"
    patch = f'[{{"op": "replace", "path": "{path}", "value": "registry.acme.test/shop/{name}:v2"}}]'
    kubectl("patch", "ro", name, "-n", "shop", "--type=json", "-p", patch)
    assert image(kubectl, name) != before
    return before


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines()]


def test_argo_cd_is_looked_at(argo: tuple[WorldProcess, Kubectl]) -> None:
    _, kubectl = argo
    table = rows(kubectl("get", "applications", "-n", "argocd"))
    assert table[0] == ["NAME", "SYNC", "STATUS", "HEALTH", "STATUS"]
    assert [row[:1] for row in table[1:]] == [[f"shop-{name}"] for name in ("cart", "catalog", "gateway", "orders")]
    assert table[2][1:] == ["Synced", "Suspended"]
    assert kubectl("get", "app", "shop-cart", "-n", "argocd", "-o", "name") == "application.argoproj.io/shop-cart\n"
    described = kubectl("describe", "application", "shop-cart", "-n", "argocd")
    assert "Self Heal:" in described and "Repo URL:" in described
    assert kubectl("get", "appproj", "-n", "argocd", "-o", "name") == "appproject.argoproj.io/default\n"
    assert kubectl("get", "appset", "-n", "argocd", "-o", "name") == "applicationset.argoproj.io/shop\n"
    assert "KIND:     Application" in kubectl("explain", "applications") or "KIND:       Application" in kubectl(
        "explain", "applications"
    )


def test_argo_cd_is_suspended_and_resumed(argo: tuple[WorldProcess, Kubectl]) -> None:
    world, kubectl = argo
    before = change(kubectl, "cart")
    world.control.advance(10)
    assert image(kubectl, "cart") == before
    assert "Partial sync operation" in kubectl("describe", "application", "shop-cart", "-n", "argocd")
    kubectl.merge("app", "argocd", "shop-cart", {"spec": {"syncPolicy": {"automated": {"enabled": False}}}})
    change(kubectl, "cart")
    world.control.advance(120)
    assert image(kubectl, "cart") != before
    assert kubectl("get", "app", "shop-cart", "-n", "argocd", "-o", "jsonpath={.status.sync.status}") == "OutOfSync"
    kubectl.merge("app", "argocd", "shop-cart", {"spec": {"syncPolicy": {"automated": {"enabled": None}}}})
    world.control.advance(10)
    assert image(kubectl, "cart") == before


def test_an_application_is_applied(argo: tuple[WorldProcess, Kubectl]) -> None:
    world, kubectl = argo
    source = kubectl.get("app", "argocd", "shop-catalog")["spec"]
    metadata = {"name": "by-hand", "namespace": "argocd"}
    spec = {key: source[key] for key in ("project", "source", "destination")}
    application = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}
    assert "created" in kubectl.apply(application)
    world.control.advance(1)
    status = kubectl.get("app", "argocd", "by-hand")["status"]
    assert (status["sync"]["status"], "history" in status) == ("Synced", False)
    kubectl.merge("app", "argocd", "by-hand", {"operation": {"sync": {}, "initiatedBy": {"username": "sre2"}}})
    world.control.advance(1)
    history = kubectl.get("app", "argocd", "by-hand")["status"]["history"]
    assert [entry["initiatedBy"] for entry in history] == [{"username": "sre2"}]
    assert "unchanged" in kubectl.apply(application)
    kubectl("delete", "app", "by-hand", "-n", "argocd")


def test_flux_is_looked_at_suspended_and_resumed(flux: tuple[WorldProcess, Kubectl]) -> None:
    world, kubectl = flux
    table = rows(kubectl("get", "ks", "-n", "flux-system"))
    assert table[0] == ["NAME", "AGE", "READY", "STATUS"]
    assert [row[0] for row in table[1:]] == ["shop-cart", "shop-catalog", "shop-ledger"]
    assert all(row[2:5] == ["True", "Applied", "revision:"] for row in table[1:])
    releases = rows(kubectl("get", "hr", "-n", "shop"))
    assert [row[0] for row in releases[1:]] == ["gateway", "orders"]
    assert "Drift Detection:" in kubectl("describe", "hr", "orders", "-n", "shop")
    assert "https://git.acme.test/shop/deploy.git" in kubectl("get", "gitrepo", "-n", "flux-system")
    before = change(kubectl, "cart")
    world.control.advance(61)
    assert image(kubectl, "cart") == before
    assert "Rollout/shop/cart configured" in kubectl("describe", "ks", "shop-cart", "-n", "flux-system")
    kubectl.merge("ks", "flux-system", "shop-cart", {"spec": {"suspend": True}})
    change(kubectl, "cart")
    world.control.advance(200)
    assert image(kubectl, "cart") != before
    kubectl.merge("ks", "flux-system", "shop-cart", {"spec": {"suspend": False}})
    world.control.advance(2)
    assert image(kubectl, "cart") == before
